"""The Newton system in the prices of columns and in what spreading costs them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from quot.adaptive.blocks import Blocks
from quot.adaptive.grid import Grid, shares
from quot.kernels import adaptive as kernels
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
    """The Hessian of the dual, rows following.

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
    blocks : Blocks
        Of the diagonal, without what is added.
    """

    listed: Listed
    moments: Floats
    held: Bools
    firm: float
    blocks: Blocks

    @classmethod
    def of(
        cls,
        listed: Listed,
        moments: Floats,
        held: Bools,
        firm: float,
        sizes: tuple[Floats, Floats] | None = None,
    ) -> System:
        """That of the entries; sizes are those of `Blocks.of`."""
        x, xy, y = np.zeros((3, held.size // 2))
        kernels.diagonal(*listed, *moments, x, xy, y)
        blocks = Blocks.of(x, xy, y, none=_NONE, apart=_APART, sizes=sizes)
        return cls(listed, moments, held, firm, blocks)

    @property
    def x(self) -> Floats:
        """The diagonal of the prices, (m,)."""
        return self.blocks.x

    def product(self, z: Floats) -> Floats:
        """The system times a vector, (2 m,)."""
        m = self.x.size
        free = np.where(self.held, 0.0, z)
        out = self.firm * self.blocks.diagonal * free
        kernels.product(*self.listed, *self.moments, free[:m], free[m:], out[:m], out[m:])
        return np.where(self.held, 0.0, out)

    @cached_property
    def grid(self) -> Grid | None:
        """Rows and columns joined by entries, if they are many and prices alone move.

        With costs of spreading beside them the blocks are better.
        """
        begin, at, w, _ = self.listed
        is_large = begin.size - 1 + self.x.size > settings().multigrid
        if not is_large or not self.held[self.x.size :].all():
            return None
        return Grid.of(begin, at, w, self.x)

    @property
    def is_linear(self) -> bool:
        """Whether `near` is."""
        return self.grid is None

    def apart(self, r: Floats) -> tuple[Floats, Floats]:
        """What columns are to get, (m,), less what makes prices move as one; and how these move.

        All columns that rows connect are one, unless the price of any stays.
        """
        held, x = self.held[: self.x.size], self.x
        one = np.zeros(x.size, np.int32)
        component = one if self.grid is None else self.grid.component
        is_free = np.bincount(component, held)[component] == 0.0
        share = np.where(is_free, shares(component, r, x), 0.0)
        return r - share * x, share / self.firm

    def near(self, r: Floats) -> Floats:
        """About the solution for a right side, (2 m,): that of the blocks, or by multigrid."""
        if self.grid is None:
            return self.blocks.solve(r, self.held) / (1.0 + self.firm)
        return self._by_grid(self.grid, np.where(self.held, 0.0, r))

    def _by_grid(self, grid: Grid, r: Floats) -> Floats:
        """Prices by multigrid; those that some tie to prices that stay move as one, too."""
        m = self.x.size
        held = self.held[:m]
        as_one = shares(grid.component, r[:m], np.where(held, self.x, 0.0))
        price = np.where(held, 0.0, grid.near(r[:m]) + as_one)
        return np.append(price, np.zeros(m))
