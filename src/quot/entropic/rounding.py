"""Round a dense plan into the feasible set, as the sources of entropic methods do.

Both roundings add a plan of rank one, so that no entry of what they return need be zero;
`quot.rounding` keeps plans sparse.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.exceptions import InvalidProblemError
from quot.rounding import shrink
from quot.validation import as_array, as_mass, as_masses, as_number, round_off

Floats = NDArray[np.float64]


def round_dense(X: Any, a: Any, b: Any, mass: float) -> Floats:
    """Round any X >= 0 to a plan with row sums at most a, column sums at most b and total mass.

    Rows, then columns, are scaled down to their masses. If that leaves more than `mass`, all of it
    is scaled down; if less, the rest is spread over all pairs, as what rows and columns have left.
    The l1 distance to X is at most ``2 (sum [X1 - a]_+ + sum [X'1 - b]_+) + |sum X - mass|``. With
    `mass` equal to both totals all marginals are met.

    Parameters
    ----------
    X : array of shape (n, m)
        Mass moved from row to column, >= 0, with any marginals.
    a, b : array of shape (n,), (m,)
        Masses of rows and columns, >= 0.
    mass : float
        Mass to move, ``0 <= mass <= min(a.sum(), b.sum())``.

    Returns
    -------
    array of shape (n, m)
        A feasible plan, to round-off.

    Raises
    ------
    InvalidProblemError
        If shapes do not fit, something is negative, or `mass` is out of range.

    Examples
    --------
    >>> from quot.entropic.rounding import round_dense
    >>> round_dense([[1.0, 0.0], [0.0, 0.0]], [0.5, 0.5], [0.5, 0.5], 0.75).tolist()
    [[0.5, 0.0], [0.0, 0.25]]
    """
    X, a, b, mass = _plan(X, a, b, mass)
    X = X * shrink(a, X.sum(axis=1))[:, None]
    X = X * shrink(b, X.sum(axis=0))
    moved = float(X.sum())
    if moved >= mass:
        rounded: Floats = X * (mass / moved) if moved > 0.0 else X
        return rounded
    return _filled(X, a, b, mass - moved)


def round_pot(  # noqa: PLR0917
    X: Any, p: Any, q: Any, a: Any, b: Any, mass: float
) -> Floats:
    """Round a plan X and what rows and columns keep, p and q, to a plan of total mass.

    ROUND-POT of Nguyen et al. (2024), for plans of formulation "E2". What is kept is cut to the
    masses and brought to the right totals, the first entries raised first; then X is scaled down to
    what that leaves to rows and columns, and what is missing is spread over all pairs.
    `round_dense` needs no p and q, and has a smaller bound.

    Parameters
    ----------
    X : array of shape (n, m)
        Mass moved from row to column, >= 0.
    p, q : array of shape (n,), (m,)
        Mass that rows and columns keep, >= 0.
    a, b : array of shape (n,), (m,)
        Masses of rows and columns, >= 0.
    mass : float
        Mass to move, ``0 <= mass <= min(a.sum(), b.sum())``.

    Returns
    -------
    array of shape (n, m)
        A feasible plan, to round-off.

    Raises
    ------
    InvalidProblemError
        If shapes do not fit, something is negative, or `mass` is out of range.

    Examples
    --------
    >>> from quot.entropic.rounding import round_pot
    >>> X, kept = [[0.4, 0.0], [0.0, 0.2]], [0.1, 0.1]
    >>> round_pot(X, kept, kept, [0.5, 0.5], [0.5, 0.5], 0.8).round(3).tolist()
    [[0.4, 0.0], [0.0, 0.4]]
    """
    X, a, b, mass = _plan(X, a, b, mass)
    a = a - _kept(as_masses(p, "p", a.size, "`X`"), a, float(a.sum()) - mass)
    b = b - _kept(as_masses(q, "q", b.size, "`X`"), b, float(b.sum()) - mass)
    X = shrink(a, X.sum(axis=1))[:, None] * X * shrink(b, X.sum(axis=0))
    return _filled(X, a, b, mass - float(X.sum()))


def _kept(p: Floats, most: Floats, total: float) -> Floats:
    """What is kept, brought to a total: scaled down, or entries raised in turn to the most."""
    p = np.minimum(p, most)
    have = float(p.sum())
    if have > total:
        return p * (total / have)
    room = most - p
    before = np.cumsum(room) - room
    raised: Floats = p + np.clip(total - have - before, 0.0, room)
    return raised


def _filled(X: Floats, a: Floats, b: Floats, missing: float) -> Floats:
    """The plan and what is missing, spread as rows and columns have mass left."""
    left_a = np.maximum(a - X.sum(axis=1), 0.0)
    left_b = np.maximum(b - X.sum(axis=0), 0.0)
    total_a, total_b = float(left_a.sum()), float(left_b.sum())
    if not (missing > 0.0 and total_a > 0.0 and total_b > 0.0):  # but for rounding
        return X
    filled: Floats = X + np.outer(left_a * (missing / total_a), left_b / total_b)
    return filled


def _plan(X: Any, a: Any, b: Any, mass: Any) -> tuple[Floats, Floats, Floats, float]:
    """What is to be rounded, checked."""
    X = as_array(X, "X", 2)
    if X.size and X.min() < 0.0:
        i, j = (int(k) for k in np.unravel_index(np.argmin(X), X.shape))
        raise InvalidProblemError(
            f"`X` must not be negative; X[{i}, {j}] is {X[i, j]:.6g}. Plans are >= 0."
        )
    p, q = as_masses(a, "a", X.shape[0], "`X`"), as_masses(b, "b", X.shape[1], "`X`")
    as_number(mass, "mass")
    moved = as_mass(mass, p, q, own=max(round_off(a), round_off(b)))
    assert moved is not None
    return X, p, q, moved
