"""The Newton system in the prices of columns and in what spreading costs them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from quot.adaptive.blocks import Blocks
from quot.adaptive.grid import Grid, shares
from quot.gradients import conjugate_gradients
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
        """The system times a vector, (2 m,), of what does not stay."""
        return np.where(self.held, 0.0, self.full(np.where(self.held, 0.0, z)))

    def full(self, z: Floats) -> Floats:
        """The Hessian times a vector, (2 m,), with what is added to it."""
        m = self.x.size
        out = self.firm * self.blocks.diagonal * z
        kernels.product(*self.listed, *self.moments, z[:m], z[m:], out[:m], out[m:])
        return out

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

    def solve(
        self, r: Floats, left: float, most: int, start: Floats | None = None
    ) -> tuple[Floats, bool]:
        """The solution for a right side, (2 m,), to a residual; and whether it got there.

        That is, in so many iterations of conjugate gradients.
        """
        found, taken = conjugate_gradients(
            self.product,
            r,
            self.near,
            most=most,
            left=left,
            start=start,
            is_linear=self.is_linear,
        )
        return found, taken < most

    @property
    def work(self) -> float:
        """Elementary operations of `by_factor`."""
        n, size = self.listed[0].size - 1, float(np.count_nonzero(~self.held))
        return size * size * (2.0 * n + size / 3.0)

    def by_factor(self, r: Floats, otherwise: Floats) -> Floats:
        """The solution by a factor of the matrix; otherwise that, where rounding leaves none."""
        free = np.flatnonzero(~self.held)
        matrix = self._dense(free)
        matrix[np.diag_indices(free.size)] += self.firm * self.blocks.diagonal[free]
        scale = 1.0 / np.sqrt(self.blocks.diagonal[free])
        matrix *= scale[:, None] * scale
        try:
            factor = cho_factor(matrix, overwrite_a=True, check_finite=False)
        except np.linalg.LinAlgError:
            return otherwise
        found = np.zeros(r.size)
        found[free] = scale * cho_solve(factor, scale * r[free], check_finite=False)
        return found if np.isfinite(found).all() else otherwise

    def _dense(self, free: NDArray[np.intp]) -> Floats:
        """The Hessian of some variables, (F,), as an array, (F, F)."""
        begin, at, w, y = self.listed
        n, m = begin.size - 1, self.x.size
        row = np.repeat(np.arange(n), np.diff(begin))
        one, two = np.zeros((2, n, 2 * m))  # by each row's price, and its cost of spreading
        one[row, at], one[row, m + at] = w, -w * y
        two[row, at], two[row, m + at] = -w * y, w * y * y
        inverse = np.zeros((3, n))
        kernels.inverses(*self.moments, *inverse)
        a, b, c = inverse[:, :, None]
        own = sp.diags_array(
            [np.append(one[:, :m].sum(axis=0), two[:, m:].sum(axis=0)), one[:, m:].sum(axis=0)],
            offsets=[0, m],
            shape=(2 * m, 2 * m),
        ).tocsr()
        own = (own + sp.triu(own, 1).T)[free][:, free]
        one, two = one[:, free], two[:, free]
        matrix: Floats = own.toarray()
        matrix -= one.T @ (a * one + b * two)
        matrix -= two.T @ (b * one + c * two)
        return matrix

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
