"""Perplexity: how many others a row shares its mass with, and what bounds it.

A row of P with mass a, over it q = P / a, has the perplexity exp(- sum q log q) with the entropic
regulariser and 1 / sum q^2 with the quadratic one: k entries of the same size have k. As a bound
of sum h(P), with h(x) = x (log x - 1) and h(x) = x^2 / 2, it is h of that many equal entries.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.coupling import sums
from quot.exceptions import InvalidProblemError
from quot.plan import Plan
from quot.validation import as_array, as_number, axes_of

Floats = NDArray[np.float64]

REGULARIZERS = ("entropic", "quadratic")

# The plan a b' / sum b alone has the largest perplexity there is; so much less leaves room.
ROOM = 1e-9


def bounds(mass: Floats, perplexity: Floats, regularizer: str) -> Floats:
    """Return what sum h may be at most in rows of a mass and a perplexity, (n,) each."""
    if regularizer == "quadratic":
        return mass * mass / (2.0 * perplexity)
    logs = np.zeros(mass.size)
    np.log(mass, out=logs, where=mass > 0.0)
    return np.asarray(mass * (logs - np.log(perplexity) - 1.0))


def units(mass: Floats, perplexity: Floats, regularizer: str) -> Floats:
    """Return what an excess over these bounds is relative to, (n,): then it is one of perplexity.

    That is a bound on squares itself; an entropic one may be 0, and the mass serves.
    """
    return bounds(mass, perplexity, regularizer) if regularizer == "quadratic" else mass


def spreads(
    entries: Floats, index: NDArray[np.integer[Any]], size: int, regularizer: str
) -> Floats:
    """Return the sum of h over the entries of each row (or column) ``index``, (size,)."""
    if regularizer == "quadratic":
        return sums(index, 0.5 * entries * entries, size)
    logs = np.zeros(entries.size)
    np.log(entries, out=logs, where=entries > 0.0)
    return sums(index, entries * (logs - 1.0), size)


def perplexities(plan: Plan, regularizer: str) -> tuple[Floats, Floats]:
    """Return the perplexity of each row, (n,), and column, (m,), of a plan; NaN without mass."""
    found = []
    for index, size in ((plan.rows, plan.shape[0]), (plan.cols, plan.shape[1])):
        mass = sums(index, plan.values, size)
        q = plan.values / np.where(mass > 0.0, mass, 1.0)[index]
        total = spreads(q, index, size, regularizer)
        each = 0.5 / np.where(total > 0.0, total, 1.0)
        if regularizer == "entropic":
            each = np.exp(-1.0 - total)
        found.append(np.where(mass > 0.0, each, np.nan))
    return found[0], found[1]


def largest(masses: Floats, regularizer: str) -> float:
    """Return the largest perplexity of a row whose entries go to columns of these masses.

    Of no mass at all any is as good.
    """
    if not masses.any():
        return np.inf
    q = masses[masses > 0.0] / masses.sum()
    if regularizer == "quadratic":
        return 1.0 / float(q @ q)
    return float(np.exp(-(q @ np.log(q))))


def average(mass: Floats, perplexity: Floats, regularizer: str) -> float:
    """Return the perplexity that bounds all rows together as much as theirs, (n,), do.

    That is their geometric mean, weighted by mass, or the harmonic one, by its square; without any
    mass 1.
    """
    some = mass > 0.0
    if not some.any():
        return 1.0
    mass, perplexity = mass[some], perplexity[some]
    if regularizer == "quadratic":
        return float((mass * mass).sum() / (mass * mass / perplexity).sum())
    return float(np.exp((mass * np.log(perplexity)).sum() / mass.sum()))


def as_perplexity(value: Any, size: int, others: Floats, regularizer: str, name: str) -> Floats:
    """Return the perplexity asked of each of `size` rows, whose entries go to columns of masses.

    Raises
    ------
    InvalidProblemError
        If one is less than 1, or no plan has as much.
    """
    asked = for_each(value, size, name)
    most = largest(others, regularizer)
    wrong = np.flatnonzero(~((asked >= 1.0) & (asked <= (1.0 - ROOM) * most)))
    if wrong.size:
        where = f" at {wrong[0]}." if np.ndim(value) else "."
        raise InvalidProblemError(
            f"`{name}` must be at least 1 and less than {most:.6g}, that of the plan a b' / sum b, "
            f"the largest there is; got {asked[wrong[0]]:.6g}{where}"
        )
    return asked


def as_average_perplexity(
    value: Any, mass: Floats, others: Floats, regularizer: str, name: str
) -> Floats:
    """Return what is asked of each of the rows of a mass, (n,), so that they have it on average.

    Raises
    ------
    InvalidProblemError
        If one is less than 1, or on average it is as much as that of a b' / sum b.
    """
    asked = for_each(value, mass.size, name)
    most = largest(others, regularizer)
    wrong = np.flatnonzero(asked < 1.0)
    if wrong.size:
        raise InvalidProblemError(
            f"`{name}` must be at least 1 and, on average, less than {most:.6g}, that of the plan "
            f"a b' / sum b; got {asked[wrong[0]]:.6g}."
        )
    found = average(mass, asked, regularizer)
    if not found <= (1.0 - ROOM) * most:
        raise InvalidProblemError(
            f"`{name}` must, on average, be less than {most:.6g}, that of the plan a b' / sum b; "
            f"got {found:.6g}."
        )
    return asked


def for_each(value: Any, size: int, name: str = "perplexity") -> Floats:
    """Return one finite number for each of `size` rows, (size,), given one for all or each.

    Raises
    ------
    InvalidProblemError
        If it is neither.
    """
    if axes_of(value, name) == 0:
        return np.full(size, as_number(value, name))
    asked = as_array(value, name, 1)
    if asked.size != size:
        side = "column" if name.startswith("col") else "row"
        raise InvalidProblemError(
            f"`{name}` has {asked.size} entries, but there are {size} {side}s; pass one number, or "
            f"one a {side}."
        )
    return asked
