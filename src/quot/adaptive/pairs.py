"""Pairs and what they cost, row by row."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from quot.costs import Cost
from quot.problem import AdaptiveProblem
from quot.support import Support

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs and what they cost, row by row.

    Parameters
    ----------
    start : int array of shape (n + 1,)
        Where those of each row begin.
    col : int32 array of shape (K,)
    cost : array of shape (K,)
    """

    start: NDArray[np.int64]
    col: NDArray[np.int32]
    cost: Floats

    @property
    def sizes(self) -> NDArray[np.int64]:
        """How many there are in each row, (n,)."""
        return np.diff(self.start)

    @property
    def rows(self) -> NDArray[np.int32]:
        """The row of each, (K,)."""
        return np.repeat(np.arange(self.start.size - 1, dtype=np.int32), self.sizes)

    @cached_property
    def range(self) -> float:
        """Between the least and the largest cost."""
        return float(np.ptp(self.cost))

    @cached_property
    def turned(self) -> Pairs:
        """The same, column by column."""
        by_cols = sp.csr_array((self.cost, self.col, self.start)).tocsc()
        start = by_cols.indptr.astype(np.int64)
        return Pairs(start, by_cols.indices.astype(np.int32), by_cols.data)

    @classmethod
    def of(cls, problem: AdaptiveProblem, support: Support) -> Pairs:
        """Those of a support."""
        start = np.searchsorted(support.rows, np.arange(problem.shape[0] + 1)).astype(np.int64)
        return cls(start, support.cols, problem.cost.at(support.rows, support.cols))

    def reduced(self, f: Floats, g: Floats) -> Reduced:
        """The same at costs less the prices of rows, (n,), and columns, (m,)."""
        cost = self.cost - f[self.rows] - g[self.col]
        return Reduced(self.start, self.col, cost, self, f, g)

    def members(self, labels: NDArray[np.int64], cost: Cost) -> Pairs:
        """Each row as those of its cluster, (n,), at a cost of its own."""
        size = self.sizes[labels]
        start = np.append(0, np.cumsum(size))
        at = np.repeat(self.start[labels] - start[:-1], size) + np.arange(start[-1])
        row = np.repeat(np.arange(labels.size, dtype=np.int32), size)
        return Pairs(start, self.col[at], cost.at(row, self.col[at]))

    @classmethod
    def every(cls, problem: AdaptiveProblem) -> Pairs:
        """All pairs of a problem."""
        n, m = problem.shape
        col = np.tile(np.arange(m, dtype=np.int32), n)
        cost = np.ascontiguousarray(problem.cost.block(0, n)).ravel()
        return cls(np.arange(n + 1, dtype=np.int64) * m, col, cost)


@dataclass(frozen=True, eq=False)
class Reduced(Pairs):
    """Pairs at costs less prices.

    Parameters
    ----------
    origin : Pairs
        As they were.
    f, g : array of shape (n,), (m,)
    """

    origin: Pairs
    f: Floats
    g: Floats

    @cached_property
    def range(self) -> float:
        """Between the least and the largest cost itself."""
        return self.origin.range

    @cached_property
    def turned(self) -> Pairs:
        """The same, column by column."""
        return self.origin.turned.reduced(self.g, self.f)
