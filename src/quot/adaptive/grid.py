"""Rows and columns as a graph that the entries of a plan join, and its Laplacian by multigrid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from quot.kernels import laplacian
from quot.network.multigrid import Multigrid

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Grid:
    """The Laplacian of rows and columns joined by the weights of entries, by multigrid.

    What all prices of a component share does nothing.

    Parameters
    ----------
    grid : Multigrid
    component : int array of shape (m,)
        Of each column.
    rows : int
        How many there are.
    weight : array of shape (m,)
        Of each column.
    """

    grid: Multigrid
    component: NDArray[np.int32]
    rows: int
    weight: Floats

    @classmethod
    def of(cls, begin: NDArray[np.int64], at: NDArray[np.int32], w: Floats, weight: Floats) -> Grid:
        """That of the entries."""
        n, m = begin.size - 1, weight.size
        tail = np.repeat(np.arange(n, dtype=np.int32), np.diff(begin))
        graph = laplacian.adjacency(tail, (n + at).astype(np.int32), w, n + m)[:4]
        start = np.append(begin, np.full(m, begin[-1]))
        joined = sp.csr_array((w, n + at, start), shape=(n + m, n + m))
        _, component = connected_components(joined, directed=False)
        return cls(Multigrid(*graph), component[n:], n, weight)

    def apart(self, r: Floats) -> Floats:
        """What columns are to get, (m,), less what their component is to get in all."""
        return r - shares(self.component, r, self.weight) * self.weight

    def near(self, r: Floats) -> Floats:
        """About the prices, (m,), at which columns get so much more, components apart."""
        z = self.grid.near(np.append(np.zeros(self.rows), self.apart(r)))[self.rows :]
        return z - shares(self.component, z * self.weight, self.weight)


def shares(component: NDArray[np.integer], r: Floats, weight: Floats) -> Floats:
    """Return for each column, (m,), what its component has of r over its weight; 0 without any."""
    size = np.bincount(component, weight)
    share = np.divide(np.bincount(component, r), size, out=np.zeros(size.size), where=size > 0.0)
    each: Floats = share[component]
    return each
