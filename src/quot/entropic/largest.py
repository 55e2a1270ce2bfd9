"""The largest entries of a plan as a graph, whose factor is nearly an inverse of all of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.entropic.products import Entries, Gibbs, Listed, Products
from quot.kernels import laplacian

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# An entry is large if it is more than this part of its row or of its column, the first at which
# there are no more than so many for each row and column: a factor takes about as long as so many
# products with all pairs then, but no fewer and no more than these.
_PARTS, _PRODUCTS, _FEWEST, _MOST = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1), 40, 4, 24
# Of what rows and columns send and get at least this part goes to the ground.
_LEAST = 1e-9


class Largest:
    """A factor of the Laplacian of rows, columns and a ground, which all small entries go to.

    Parameters
    ----------
    factor : tuple
        See `kernels.laplacian.factor`.
    n : int
        Rows, which come first; then the columns, those at the top as one, and the ground.
    at_top : bool array of shape (m,)
    stays : bool array of shape (n,)
        Rows that stay where they are.
    """

    def __init__(self, factor: Any, n: int, at_top: Bools, stays: Bools) -> None:
        self.factor, self.n, self.at_top, self.stays = factor, n, at_top, stays

    def fits(self, at_top: Bools, stays: Bools) -> bool:
        """Whether it is of a system in which the same columns move as one, and these rows stay."""
        return bool((at_top == self.at_top).all() and (stays == self.stays).all())

    @classmethod
    def of(cls, plan: Gibbs, P: Products, stays: Bools, at_top: Bools, firm: float) -> Largest:
        """The factor for a plan, of which these rows stay, and its large entries, if listed."""
        (n, m), sent, got = plan.passes.shape, plan.answer.sent, plan.answer.got
        most = min(max(n * m // (n + m) // _PRODUCTS, _FEWEST), _MOST)
        i, j, entry = _largest(plan, P, most * (n + m))
        peak, ground = n + m, n + m + 1
        row = np.where(stays, ground, np.arange(n))
        col = np.where(at_top, peak, np.arange(n, n + m))
        moves = np.flatnonzero(~stays)
        left_rows = np.maximum(sent - np.bincount(i, entry, n), _LEAST * sent)[moves]
        left_cols = got * (1.0 + firm) - np.bincount(j, entry, m)
        left_cols = np.maximum(left_cols, _LEAST * got)
        tail = np.concatenate((row[i], moves, col))
        head = np.concatenate((col[j], np.full(moves.size + m, ground)))
        *graph, twin = laplacian.adjacency(
            tail.astype(np.int32),
            head.astype(np.int32),
            np.concatenate((entry, left_rows, left_cols)),
            n + m + 2,
        )
        return cls(laplacian.factor(*graph[:3], twin, 1), n, at_top, stays)

    def solve(self, r: Floats) -> Floats:
        """About the solution for a right side of columns, those at the top as one at the end."""
        n, m = self.n, self.at_top.size
        y = np.zeros(n + m + 2)
        y[n : n + r.size] = r
        y[-1] = -y.sum()
        laplacian.precondition(*self.factor, y)
        z: Floats = y[n : n + r.size] - y[-1]
        z[:m][self.at_top] = 0.0
        return z


def _largest(plan: Gibbs, P: Products, most: int) -> Entries:
    """The large entries of a plan, as many as allowed; none if too many are."""
    listed = P.entries if isinstance(P, Listed) else None
    if listed is not None and listed[0].size <= most:
        return listed
    for part in _PARTS:
        if listed is not None:
            i, j, entry = listed
            kept = (entry > part * plan.answer.sent[i]) | (entry > part * plan.answer.got[j])
            if np.count_nonzero(kept) <= most:
                return i[kept], j[kept], entry[kept]
        else:
            found = plan.entries(part, most)
            if found is not None:
                return found
    nothing = np.zeros(0, np.int32)
    return nothing, nothing, np.zeros(0)
