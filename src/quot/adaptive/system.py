"""The Newton system in the prices of columns and in what spreading costs them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quot.kernels import adaptive as kernels

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

    def near(self, r: Floats) -> Floats:
        """About the solution for a right side, (2 m,): that of the blocks."""
        m = self.x.size
        one, two = r[:m], r[m:]
        held_x, held_y = self.held[:m], self.held[m:]
        det = self.x * self.y - self.xy * self.xy
        price = np.where(held_y, one / self.x, (self.y * one - self.xy * two) / det)
        cost = np.where(held_x, two / self.y, (self.x * two - self.xy * one) / det)
        return np.where(self.held, 0.0, np.append(price, cost)) / (1.0 + self.firm)


def _without_none(diagonal: Floats) -> Floats:
    """A diagonal, typical where it has next to nothing."""
    some = diagonal[diagonal > 0.0]
    typical = float(np.median(some)) if some.size else 1.0
    return np.where(diagonal > _NONE * typical, diagonal, typical)
