"""Rows made to have their mass and to share it with enough columns, changed as little as may be.

The nearest row p to k with ``sum p = a`` and a perplexity of at least xi, by half the sum of
squares of p - k or by the Kullback-Leibler divergence of p from K, is

    ``p = max((k + price)/stretch, 0)``  or  ``log p = (k + price)/stretch`` with k = log K,

stretch = 1 where the row has the perplexity anyway, and more where the bound is met with equality.
Entries that tie for the largest always have the same share. So where more than xi of them do, the
bound holds at any price, and never jumps across xi where it counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.exceptions import InfeasibleError, InvalidProblemError
from quot.labels import aligned, row_labels
from quot.perplexity import REGULARIZERS, for_each
from quot.validation import as_array, as_masses, check_option

Floats = NDArray[np.float64]

# A perplexity short of what is asked by no more than this part is not short: that is round-off.
_ROUND_OFF = 1e-14
# Passes at most for a temperature, and where that is done: a logarithm, of numbers that agree.
_PASSES, _DONE = 100, 1e-13


@dataclass(frozen=True, eq=False)
class Projection:
    """Projected rows.

    Parameters
    ----------
    slopes : array of shape (n, m)
        h' of the entries: these themselves or, if entropic, their logarithms.
    price, stretch : array of shape (n,)
        What makes them so of the given rows, as above; inf where no finite one does.
    is_entropic : bool
    """

    slopes: Floats
    price: Floats
    stretch: Floats
    is_entropic: bool

    @property
    def entries(self) -> Floats:
        """The rows themselves, (n, m)."""
        return np.exp(self.slopes) if self.is_entropic else self.slopes


def project_rows(
    K: Any, a: Any, perplexity: Any, *, regularizer: str = "quadratic"
) -> NDArray[np.float64]:
    """Return the nearest rows that have their mass and share it with enough columns.

    Each row of K becomes the p that minimises ``1/2 sum (p - k)^2`` (quadratic), or the
    Kullback-Leibler divergence ``sum p log(p/k) - p + k`` (entropic), over p >= 0 with
    ``sum p = a_i`` and a perplexity of at least `perplexity`: with ``q = p / a_i`` that is
    ``1 / sum q^2``, or ``exp(- sum q log q)``. Rows do not depend on each other; for columns pass
    the transpose.

    Parameters
    ----------
    K : array of shape (n, m)
        What to project; >= 0 if entropic, and where it is 0 the answer is.
    a : array of shape (n,)
        Masses of the rows, >= 0. A row without mass becomes 0.
    perplexity : float or array of shape (n,)
        Of all rows or of each, from 1, which asks nothing, to m, which makes a row uniform.
    regularizer : {"quadratic", "entropic"}, default="quadratic"
        What perplexity and distance are measured by.

    Returns
    -------
    array of shape (n, m)

    Raises
    ------
    InvalidProblemError
        If an argument is not what is described above.
    InfeasibleError
        If regularizer="entropic" and a row with mass has fewer entries > 0 than its perplexity.

    Notes
    -----
    Quadratic rows are found in closed form after sorting, in O(n m log m). Entropic rows are K to
    the power of an inverse temperature, scaled; it is found by Newton's method on logarithms of
    the temperature and of how much a row is short of uniform, within a bracket.

    Examples
    --------
    >>> import numpy as np
    >>> project_rows(np.array([[3.0, 1.0, 0.0]]), np.ones(1), 2.0).round(3)
    array([[0.648, 0.27 , 0.081]])
    """
    check_option(regularizer, "regularizer", REGULARIZERS)
    rows = as_array(K, "K", 2)
    n, m = rows.shape
    a, labels = aligned(a, row_labels(K), "a", "rows")
    masses = as_masses(a, "a", n, "`K`")
    asked = _as_perplexities(aligned(perplexity, labels, "perplexity", "rows")[0], n, m)
    if regularizer == "entropic":
        _check_support(rows, masses, asked)
        with np.errstate(divide="ignore"):
            rows = np.log(rows)
    return project(rows, masses, asked, regularizer).entries


def project(k: Floats, a: Floats, perplexity: Floats | None, regularizer: str) -> Projection:
    """Return rows k (n, m) projected; if entropic k are logarithms, -inf where an entry is 0.

    None asks for no perplexity; one beyond the entries that there are is as good as that many.
    """
    n, m = k.shape
    is_entropic = regularizer == "entropic"
    asked = np.ones(n) if perplexity is None else perplexity
    slopes = np.full((n, m), -np.inf if is_entropic else 0.0)
    price, stretch = np.full(n, -np.inf), np.ones(n)
    some = np.flatnonzero(a > 0.0)
    if some.size:
        found = (_entropic if is_entropic else _quadratic)(k[some], a[some], asked[some])
        slopes[some], price[some], stretch[some] = found
    return Projection(slopes, price, stretch, is_entropic)


def _quadratic(k: Floats, a: Floats, xi: Floats) -> tuple[Floats, Floats, Floats]:
    """Entries, prices and stretches of rows with mass."""
    top = k.max(axis=1)
    # Differences to the largest entry are exact where it matters, also for a small mass.
    d = k - top[:, None]
    scale = np.maximum(-d.min(axis=1), a)
    d, mass = d / scale[:, None], a / scale
    falling = -np.sort(-d, axis=1)
    first = np.cumsum(falling, axis=1)
    lift = _lift_of_mass(falling, first, mass)
    shares = _shares(d, lift)
    is_short = shares.sum(axis=1) ** 2 < (1.0 - _ROUND_OFF) * xi * (shares * shares).sum(axis=1)
    short = np.flatnonzero(is_short)
    lift[short] = _lift_of_perplexity(falling[short], first[short], xi[short])
    shares[short] = _shares(d[short], lift[short])
    total = shares.sum(axis=1)
    stretch = np.where(is_short, np.maximum(lift * total / mass, 1.0), 1.0)
    return shares * (a / total)[:, None], lift * scale - top, stretch


def _shares(d: Floats, lift: Floats) -> Floats:
    """max(d + lift, 0) over the lift, which is infinite where all entries are to be the same."""
    return np.maximum(1.0 + d * (1.0 / lift)[:, None], 0.0)


def _lift_of_mass(falling: Floats, first: Floats, mass: Floats) -> Floats:
    """The lift x at which max(d + x, 0) sums to the mass; d falls from 0, `first` are its sums."""
    lifts = (mass[:, None] - first) / np.arange(1, falling.shape[1] + 1)
    count = (falling + lifts > 0.0).sum(axis=1)
    return np.asarray(np.take_along_axis(lifts, count[:, None] - 1, axis=1)[:, 0])


def _lift_of_perplexity(falling: Floats, first: Floats, xi: Floats) -> Floats:
    """The lift at which max(d + x, 0) has the perplexity, in rows that at some lift have less."""
    m = falling.shape[1]
    counts = np.arange(1, m + 1)
    second = np.cumsum(falling * falling, axis=1)
    # The perplexity grows with the lift. At those where one more entry comes in it is:
    b = -falling[:, 1:]
    one = first[:, :-1] + counts[:-1] * b
    two = second[:, :-1] + 2.0 * b * first[:, :-1] + counts[:-1] * b * b
    count = 1 + (one * one <= xi[:, None] * two).sum(axis=1)
    count = np.minimum(np.maximum(count, np.floor(xi).astype(np.intp) + 1), m)
    last = count[:, None] - 1
    mean = np.take_along_axis(first, last, axis=1)[:, 0] / count
    square = np.take_along_axis(second, last, axis=1)[:, 0] / count
    variance = np.maximum(square - mean * mean, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.sqrt(xi * variance / (count - xi)) - mean)


def _entropic(k: Floats, a: Floats, xi: Floats) -> tuple[Floats, Floats, Floats]:
    """Logarithms of entries, prices and stretches of rows with mass, and with some entry."""
    top = k.max(axis=1)
    is_there = k > -np.inf
    d = np.where(is_there, k - top[:, None], 0.0)
    inverse = _inverse_temperatures(d, is_there, xi)
    scaled = inverse[:, None] * d
    level = np.log(a) - np.log(np.where(is_there, np.exp(scaled), 0.0).sum(axis=1))
    slopes = np.where(is_there, scaled + level[:, None], -np.inf)
    with np.errstate(divide="ignore"):
        stretch = 1.0 / inverse
    price = np.full(a.size, np.inf)
    np.divide(level, inverse, out=price, where=inverse > 0.0)
    return slopes, price - top, stretch


def _inverse_temperatures(d: Floats, is_there: NDArray[np.bool_], xi: Floats) -> Floats:
    """The largest in [0, 1] at which each row has its perplexity; d <= 0, and 0 where no entry."""
    size = is_there.sum(axis=1)
    # How much the entropy may be short of that of a uniform row.
    room = np.log1p(np.maximum(size - xi, 0.0) / xi)
    found = np.ones(xi.size)
    missing, _ = _missing(d, is_there, size, found)
    found[(missing > room) & (room <= 0.0)] = 0.0
    left = np.flatnonzero((missing > room * (1.0 + _DONE)) & (room > 0.0))
    # It is never short by more than the square of the range of d, times inverse^2 / 8.
    low = np.sqrt(8.0 * room[left]) / -d[left].min(axis=1)
    low, high = np.minimum(low, 1.0), np.ones(left.size)
    found[left] = low
    for _ in range(_PASSES):
        if not left.size:
            break
        now = found[left]
        missing, slope = _missing(d[left], is_there[left], size[left], now)
        is_over = missing > room[left]
        low, high = np.where(is_over, low, now), np.where(is_over, now, high)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            off = np.log(missing / room[left])
            following = now * np.exp(-off * missing / slope)
        inside = (following > low) & (following < high)
        following = np.where(inside, following, np.sqrt(low * high))
        on = (np.abs(off) > _DONE) & (high - low > np.finfo(float).eps * high)
        found[left[on]] = following[on]
        left, low, high = left[on], low[on], high[on]
    return found


def _missing(
    d: Floats, is_there: NDArray[np.bool_], size: NDArray[np.integer[Any]], inverse: Floats
) -> tuple[Floats, Floats]:
    """How much the entropy is short of log(size), and its derivative by log(inverse)."""
    scaled = inverse[:, None] * d
    # Nearly uniform rows are short by very little; in logarithms of sums that would be lost.
    log_mean = np.log1p(np.expm1(scaled).sum(axis=1) / size)
    w = np.where(is_there, np.exp(scaled), 0.0)
    q = w / w.sum(axis=1)[:, None]
    mean = (q * scaled).sum(axis=1)
    variance = (q * (scaled - mean[:, None]) ** 2).sum(axis=1)
    return np.maximum(mean - log_mean, 0.0), variance


def _as_perplexities(value: Any, n: int, m: int) -> Floats:
    """The perplexity asked of each of n rows of m entries, 1 .. m."""
    asked = for_each(value, n)
    wrong = np.flatnonzero(~((asked >= 1.0) & (asked <= m)))
    if wrong.size:
        first = int(wrong[0])
        raise InvalidProblemError(
            f"`perplexity` must be from 1 to {m}, the number of columns; got {asked[first]:.6g} "
            f"for row {first}."
        )
    return asked


def _check_support(K: Floats, a: Floats, xi: Floats) -> None:
    """Refuse entries below 0, and rows with fewer entries than their perplexity."""
    if (K < 0.0).any():
        i, j = (int(k) for k in np.unravel_index(np.argmin(K), K.shape))
        raise InvalidProblemError(
            f"`K` must not be negative with the entropic regularizer; K[{i}, {j}] is "
            f'{K[i, j]:.6g}. Pass entries >= 0, or regularizer="quadratic".'
        )
    size = (K > 0.0).sum(axis=1)
    wrong = np.flatnonzero((size < xi) & (a > 0.0))
    if wrong.size:
        i = int(wrong[0])
        raise InfeasibleError(
            f"row {i} of `K` has {size[i]} entries > 0, and zeros stay zero, so it cannot have a "
            f"perplexity of {xi[i]:.6g}; lower `perplexity`, or make more of its entries positive."
        )
