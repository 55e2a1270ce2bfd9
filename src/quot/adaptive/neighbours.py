"""Pairs of a point set with itself: the nearest others of every point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from quot.adaptive.pairs import Pairs
from quot.costs import Cost, PointCost, SparseCost
from quot.pairs.screen import ENTRIES
from quot.parallel import map_rows
from quot.support import Support

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

# In so many dimensions at most a tree finds neighbours sooner than a look at all of them.
_FEW_AXES = 8
# The norms that trees know, by metric; directions are as near as they are in space.
_NORMS = {"sqeuclidean": 2.0, "euclidean": 2.0, "cityblock": 1.0, "cosine": 2.0}
# A tree rounds: what it leaves out may be nearer by this part than it says.
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Kept(Pairs):
    """Pairs of points that are kept, of all there are.

    Parameters
    ----------
    start : int array of shape (n + 1,)
        Where those of each row begin.
    col : int32 array of shape (K,)
        Ascending in each row.
    cost : array of shape (K,)
    beyond : array of shape (n,)
        A pair left out costs at least so much; inf where there is none.
    """

    beyond: Floats

    @property
    def is_complete(self) -> bool:
        """Whether no pair is left out."""
        return bool(np.isinf(self.beyond).all())

    @classmethod
    def block(cls, cost: Floats) -> Kept:
        """All pairs of rows and columns, (n, m)."""
        n, m = cost.shape
        start, col = np.arange(n + 1, dtype=np.int64) * m, np.tile(np.arange(m, dtype=np.int32), n)
        return cls(start, col, cost.ravel(), np.full(n, np.inf))

    @classmethod
    def stored(cls, cost: SparseCost, *, diagonal: bool) -> Kept:
        """Those of a sparse cost: others are forbidden."""
        n = cost.shape[0]
        kept = np.ones(cost.rows.size, np.bool_) if diagonal else cost.rows != cost.cols
        start = np.searchsorted(cost.rows[kept], np.arange(n + 1)).astype(np.int64)
        return cls(start, cost.cols[kept], cost.values[kept], np.full(n, np.inf))

    @classmethod
    def listed(cls, support: Support, cost: Floats, beyond: Floats) -> Kept:
        """Those of a set, with what they cost."""
        start = np.searchsorted(support.rows, np.arange(support.shape[0] + 1))
        return cls(start.astype(np.int64), support.cols, cost, beyond)

    def mutual(self, cost: Cost) -> Kept:
        """The same with (j, i) for each (i, j); what both cost is the mean, or the only one."""
        n, rows = self.start.size - 1, self.rows
        both = np.concatenate((rows, self.col)), np.concatenate((self.col, rows))
        return Kept.joined(Support.of((n, n), *both), cost, self.beyond)

    @staticmethod
    def joined(support: Support, cost: Cost, beyond: Floats) -> Kept:
        """Those of a symmetric set, with what they cost in either direction."""
        there = cost.at(support.rows, support.cols)
        if not isinstance(cost, PointCost):
            back = cost.at(support.cols, support.rows)
            there, back = np.minimum(there, back), np.maximum(there, back)
            there = np.where(np.isinf(back), there, 0.5 * (there + back))
        return Kept.listed(support, there, beyond)


class Neighbours:
    """Finds the nearest others of points.

    Parameters
    ----------
    cost : Cost of shape (n, n)
        Not sparse.
    diagonal : bool
        Whether a point goes with itself, too, beside others.
    """

    def __init__(self, cost: Cost, *, diagonal: bool) -> None:
        self.cost, self.diagonal = cost, diagonal
        self.tree: cKDTree | None = None
        if isinstance(cost, PointCost) and cost.X.shape[1] <= _FEW_AXES:
            self.points = cost.positions[0]
            self.tree = cKDTree(self.points)
            self.norm = _NORMS[cost.metric]

    def pairs(self, count: int, rows: NDArray[np.intp] | None = None) -> Kept:
        """The `count` nearest others of every point, or of rows alone, numbered anew."""
        rows = np.arange(self.cost.shape[0]) if rows is None else rows
        found, costs = self._find(rows, count)
        beyond = np.full(rows.size, np.inf)
        if count < self.cost.shape[0] - 1:
            widest = costs.max(axis=1)
            beyond = widest - _ROUNDING * np.abs(widest)
        if self.diagonal:
            found = np.sort(np.column_stack((found, rows.astype(np.int32))), axis=1)
            costs = self._costs(rows, found)
        start = np.arange(rows.size + 1, dtype=np.int64) * found.shape[1]
        return Kept(start, found.ravel(), costs.ravel(), beyond)

    def _find(self, rows: NDArray[np.intp], count: int) -> tuple[Ints, Floats]:
        """The nearest others of rows, ascending, and what these pairs cost, (r, count) each."""
        n = self.cost.shape[0]
        is_quick = self.tree is not None and count < n - 1
        search = self._by_tree if is_quick else self._by_blocks
        chunk = 1024 if is_quick else max(1, ENTRIES // n)
        found = np.empty((rows.size, count), np.int32)

        def part(start: int, stop: int) -> None:
            found[start:stop] = search(rows[start:stop], count)

        map_rows(part, rows.size, max(n, 1 << 10), chunk)
        found.sort(axis=1)
        return found, self._costs(rows, found)

    def _costs(self, rows: NDArray[np.intp], found: Ints) -> Floats:
        costs = self.cost.at(np.repeat(rows, found.shape[1]), found.ravel())
        return costs.reshape(found.shape)

    def _by_tree(self, rows: NDArray[np.intp], count: int) -> Ints:
        assert self.tree is not None
        found = self.tree.query(self.points[rows], count + 1, p=self.norm)[1]
        others = found != rows[:, None]
        others[others.all(axis=1), -1] = False  # among more equal points than that it was not found
        nearest: Ints = found[others].reshape(rows.size, count).astype(np.int32)
        return nearest

    def _by_blocks(self, rows: NDArray[np.intp], count: int) -> Ints:
        n = self.cost.shape[0]
        if count == n - 1:
            found = np.arange(n - 1, dtype=np.int32)[None].repeat(rows.size, axis=0)
            return found + (found >= rows[:, None])
        is_run = rows[-1] - rows[0] == rows.size - 1
        if is_run:
            block = self.cost.block(int(rows[0]), int(rows[-1]) + 1).copy()
        else:
            block = self.cost.take(rows, np.arange(n)).block(0, rows.size).copy()
        block[np.arange(rows.size), rows] = np.inf
        return np.argpartition(block, count - 1, axis=1)[:, :count].astype(np.int32)
