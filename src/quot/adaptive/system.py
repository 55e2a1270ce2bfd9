"""The Newton system in the prices of columns and in what spreading costs them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from quot.kernels import adaptive as kernels
from quot.kernels import laplacian
from quot.network.multigrid import Multigrid
from quot.settings import settings

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
# Where the entries of each row begin, (n + 1,), and of each its column, its weight w and l, (K,).
Listed = tuple[NDArray[np.int64], NDArray[np.int32], Floats, Floats]

# A column whose diagonal is below this part of a typical one is as good as without entries.
_NONE = 1e-9
# The two variables of a column are independent by this part at least.
_APART = 1e-3


@dataclass(frozen=True, eq=False)
class System:
    """The Hessian of the dual, rows following, and the blocks of its diagonal.

    Vectors are prices, (m,), and costs of spreading, (m,), one after the other.

    Parameters
    ----------
    listed : tuple
        Entries of the plan that count.
    moments : array of shape (3, n)
        See `Answer`.
    held : bool array of shape (2 m,)
        Prices and costs of spreading that stay.
    firm : float
        So many times the diagonal is added.
    x, xy, y : array of shape (m,)
        The blocks, without what is added.
    """

    listed: Listed
    moments: Floats
    held: Bools
    firm: float
    x: Floats
    xy: Floats
    y: Floats

    @classmethod
    def of(cls, listed: Listed, moments: Floats, held: Bools, firm: float) -> System:
        """That of the entries."""
        x, xy, y = np.zeros((3, held.size // 2))
        kernels.diagonal(*listed, *moments, x, xy, y)
        x, y = (_without_none(each) for each in (x, y))
        y = np.maximum(y, (1.0 + _APART) * xy * xy / x)
        return cls(listed, moments, held, firm, x, xy, y)

    def product(self, z: Floats) -> Floats:
        """The system times a vector, (2 m,)."""
        m = self.x.size
        free = np.where(self.held, 0.0, z)
        price, cost = free[:m], free[m:]
        out = self.firm * np.append(self.x * price, self.y * cost)
        kernels.product(*self.listed, *self.moments, price, cost, out[:m], out[m:])
        return np.where(self.held, 0.0, out)

    @cached_property
    def grid(self) -> Grid | None:
        """Rows and columns joined by entries, if they are many."""
        begin, at, w, _ = self.listed
        size = begin.size - 1 + self.x.size
        return Grid.of(begin, at, w, self.x) if size > settings().multigrid else None

    @property
    def is_linear(self) -> bool:
        """Whether `near` is."""
        return self.grid is None

    def near(self, r: Floats) -> Floats:
        """About the solution for a right side, (2 m,): that of the blocks, or by multigrid."""
        return self._by_blocks(r) if self.grid is None else self._by_grid(self.grid, r)

    def _by_grid(self, grid: Grid, r: Floats) -> Floats:
        """Prices by multigrid, where costs of spreading follow as they do alone."""
        m, held_y = self.x.size, self.held[self.x.size :]
        ratio = np.where(held_y, 0.0, self.xy / self.y)
        one, two = r[:m], np.where(held_y, 0.0, r[m:])
        price = np.where(
            self.held[:m],
            0.0,
            grid.near(np.where(self.held[:m], 0.0, one - ratio * two), self.firm),
        )
        return np.append(price, np.where(held_y, 0.0, two / self.y - ratio * price))

    def _by_blocks(self, r: Floats) -> Floats:
        m = self.x.size
        one, two = r[:m], r[m:]
        held_x, held_y = self.held[:m], self.held[m:]
        det = self.x * self.y - self.xy * self.xy
        price = np.where(held_y, one / self.x, (self.y * one - self.xy * two) / det)
        cost = np.where(held_x, two / self.y, (self.x * two - self.xy * one) / det)
        return np.where(self.held, 0.0, np.append(price, cost)) / (1.0 + self.firm)


@dataclass(frozen=True, eq=False)
class Grid:
    """The Laplacian of rows and columns joined by the weights of entries, by multigrid.

    Parameters
    ----------
    grid : Multigrid
    component : int array of shape (n + m,)
        Of each row and column.
    n : int
    weight : array of shape (m,)
        Of each column.
    """

    grid: Multigrid
    component: NDArray[np.int32]
    n: int
    weight: Floats

    @classmethod
    def of(cls, begin: NDArray[np.int64], at: NDArray[np.int32], w: Floats, weight: Floats) -> Grid:
        """That of the entries."""
        n, m = begin.size - 1, weight.size
        tail = np.repeat(np.arange(n, dtype=np.int32), np.diff(begin))
        graph = laplacian.adjacency(tail, (n + at).astype(np.int32), w, n + m)[:4]
        joined = sp.csr_array(
            (w, n + at, np.append(begin, np.full(m, begin[-1]))), shape=(n + m, n + m)
        )
        _, component = connected_components(joined, directed=False)
        return cls(Multigrid(*graph), component, n, weight)

    def near(self, r: Floats, firm: float) -> Floats:
        """About the prices, (m,), at which columns get so much more; components move as one."""
        component = self.component[self.n :]
        total = np.bincount(component, r)
        size = np.bincount(component, self.weight)
        share = np.divide(total, size, out=np.zeros(total.size), where=size > 0.0)
        rhs = np.append(np.zeros(self.n), r - share[component] * self.weight)
        z = self.grid.near(rhs)[self.n :]
        mean = np.bincount(component, z * self.weight)
        level = np.divide(mean, size, out=np.zeros(total.size), where=size > 0.0)
        return z + (share / firm - level)[component]


def _without_none(diagonal: Floats) -> Floats:
    """A diagonal, typical where it has next to nothing."""
    some = diagonal[diagonal > 0.0]
    typical = float(np.median(some)) if some.size else 1.0
    return np.where(diagonal > _NONE * typical, diagonal, typical)
