"""Costs with a dummy row and column, which take what is not moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.costs import Cost, DenseCost, PointCost, SparseCost

Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class DummyCost:
    """A cost with one more row and one more column, free but for their corner.

    Parameters
    ----------
    inner : Cost
        Of shape (n, m).
    corner : float
        Cost between the two, > 0; inf forbids it.
    """

    inner: Cost
    corner: float

    @property
    def shape(self) -> tuple[int, int]:
        """(n + 1, m + 1)."""
        n, m = self.inner.shape
        return n + 1, m + 1

    def block(self, start: int, stop: int) -> Floats:
        """Return rows start .. stop against all columns, (stop - start, m + 1)."""
        n, m = self.inner.shape
        block, last = np.zeros((stop - start, m + 1)), min(stop, n)
        if start < last:
            block[: last - start, :m] = self.inner.block(start, last)
        if stop > n:
            block[-1, m] = self.corner
        return block

    def at(self, rows: Ints, cols: Ints) -> Floats:
        """Return the costs of single pairs, (k,)."""
        n, m = self.inner.shape
        i, j = np.asarray(rows), np.asarray(cols)
        costs = np.where((i == n) & (j == m), self.corner, 0.0)
        inside = (i < n) & (j < m)
        costs[inside] = self.inner.at(i[inside], j[inside])
        return costs

    def __repr__(self) -> str:
        return f"DummyCost({self.inner!r}, corner={self.corner:g})"

    def take(self, rows: Ints, cols: Ints) -> DenseCost:
        """Return the cost restricted to the given rows and columns, in the given order."""
        every = self.block(0, self.shape[0])
        return DenseCost(np.ascontiguousarray(every[np.ix_(rows, cols)]))


def largest_cost(cost: Cost) -> float:
    """Return a bound of all costs in size, of those that are allowed, at most twice too large."""
    if isinstance(cost, DenseCost):
        return float(np.abs(cost.C).max())
    if isinstance(cost, SparseCost):
        return float(np.abs(cost.values).max(initial=0.0))
    if isinstance(cost, PointCost):
        return cost.diameter
    n = cost.shape[0]
    rows = (np.abs(cost.block(i, i + 1)) for i in range(n))
    return max(float(row[np.isfinite(row)].max(initial=0.0)) for row in rows)
