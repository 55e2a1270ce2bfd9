"""Rows of affinities, one by one: each point shares itself with so many others.

The row of point i minimises ``sum_j C_ij p_j`` over p >= 0 of sum 1 and a perplexity of at least
xi. So p_j is exp(y) or max(y, 0), y = (price - C_ij)/strength.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.adaptive.neighbours import Kept, Neighbours
from quot.exceptions import InvalidProblemError
from quot.interrupts import interruptible
from quot.kernels import affinities as kernels
from quot.labels import aligned, row_labels
from quot.parallel import map_rows
from quot.perplexity import REGULARIZERS, for_each
from quot.validation import as_array, check_option

Floats = NDArray[np.float64]

# Rows that one thread takes at a time, and elementary steps of an entry.
_ROWS, _STEPS = 2048, 20
# A perplexity next to the number of pairs would take a strength beyond all numbers.
_ROOM = 1e-9


@dataclass(frozen=True, eq=False)
class Shares:
    """Rows, what they are made of, and the pairs that they were made from.

    Parameters
    ----------
    pairs : Kept
    entries : array of shape (K,)
    price, strength : array of shape (n,)
    """

    pairs: Kept
    entries: Floats
    price: Floats
    strength: Floats


@interruptible
def share_rows(
    C: Any, perplexity: Any, *, regularizer: str = "entropic"
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return rows of sum 1 that go to the cheapest pairs and have a perplexity.

    Row i minimises ``sum_j C_ij p_j`` over p >= 0 with ``sum p = 1`` and a perplexity of at least
    `perplexity`: ``exp(- sum p log p)`` (entropic) or ``1 / sum p^2`` (quadratic). From squared
    distances to neighbours that is the search for bandwidths of t-SNE; rows do not depend on each
    other.

    Parameters
    ----------
    C : array of shape (n, k)
        Costs, for instance squared distances of n points to k others each, in any order.
    perplexity : float or array of shape (n,)
        At least 1 and less than k.
    regularizer : {"entropic", "quadratic"}, default="entropic"
        What perplexity is measured by; quadratic rows are sparse.

    Returns
    -------
    P : array of shape (n, k)
    strength : array of shape (n,)
        ``P_ij = exp((price_i - C_ij)/strength_i)`` or ``max(price_i - C_ij, 0)/strength_i``: of
        squared distances it is 2 sigma^2 of t-SNE. It is 0 where more pairs than the perplexity
        tie for the cheapest: these share the row evenly.

    Raises
    ------
    InvalidProblemError
        If an argument is not what is described above.

    Examples
    --------
    >>> import numpy as np
    >>> P, strength = share_rows(np.array([[0.0, 1.0, 2.0, 9.0]]), 2.0)
    >>> P.round(3)
    array([[0.749, 0.199, 0.053, 0.   ]])
    """
    check_option(regularizer, "regularizer", REGULARIZERS)
    costs = as_array(C, "C", 2)
    n, k = costs.shape
    perplexity = aligned(perplexity, row_labels(C), "perplexity", "rows")[0]
    asked = as_perplexities(perplexity, n, np.full(n, k), "columns of `C`")
    found = shares(Kept.block(costs), asked, regularizer)
    return found.entries.reshape(n, k), found.strength


def as_perplexities(value: Any, n: int, sizes: NDArray[np.int64], of: str) -> Floats:
    """Return the perplexity asked of each of n rows, which have so many pairs.

    Raises
    ------
    InvalidProblemError
        If one is less than 1, or not less than that number, the `sizes` of whatever.
    """
    asked = for_each(value, n)
    wrong = np.flatnonzero(~((asked >= 1.0) & (asked <= (1.0 - _ROOM) * sizes)))
    if wrong.size:
        i = int(wrong[0])
        raise InvalidProblemError(
            f"`perplexity` must be at least 1 and less than {sizes[i]}, the number of {of}; got "
            f"{asked[i]:.6g}" + (f" for row {i}." if np.ndim(value) else ".")
        )
    return asked


def shares(pairs: Kept, perplexity: Floats, regularizer: str) -> Shares:
    """Return the rows of given pairs."""
    n = perplexity.size
    entries, (price, strength) = np.empty(pairs.cost.size), np.empty((2, n))
    is_entropic = regularizer == "entropic"
    goal = np.log(perplexity) if is_entropic else perplexity
    search = kernels.entropic_rows if is_entropic else kernels.quadratic_rows

    def part(start: int, stop: int) -> None:
        rows = slice(start, stop)
        at = pairs.start[start : stop + 1]
        search(at, pairs.cost, goal[rows], price[rows], strength[rows], entries)

    map_rows(part, n, _STEPS * max(1, pairs.cost.size // max(n, 1)), _ROWS)
    return Shares(pairs, entries, price, strength)


def exact_shares(near: Neighbours, perplexity: Floats, count: int) -> Shares:
    """Return quadratic rows over all pairs: of each so many that no other one is cheap enough.

    Begins with the `count` nearest of each; pairs that are listed in the end are those of entries.
    """
    n = perplexity.size
    price, strength = np.empty((2, n))
    parts, left = [], np.arange(n)
    while left.size:
        found = shares(near.pairs(count, left), perplexity[left], "quadratic")
        price[left], strength[left] = found.price, found.strength
        # Of pairs that tie for the cheapest some are as good as others.
        is_proved = (found.price <= found.pairs.beyond) | (found.strength == 0.0)
        row = found.pairs.rows
        kept = is_proved[row] & (found.entries > 0.0)
        columns = (left[row], found.pairs.col, found.pairs.cost, found.entries)
        parts.append([column[kept] for column in columns])
        left, count = left[~is_proved], min(2 * count, n - 1)
    rows, col, cost, entries = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(rows, kind="stable")
    start = np.searchsorted(rows[order], np.arange(n + 1)).astype(np.int64)
    pairs = Kept(start, col[order], cost[order], np.full(n, np.inf))
    return Shares(pairs, entries[order], price, strength)
