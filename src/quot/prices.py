"""How large prices are: what half of the mass has to pay, a unit to count in, their rounding."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quot.kernels import minima as kernels

# Costs of more than so many times what mass has to pay are capped at that: what is never paid would
# only spoil the precision of prices.
DEAR = 1e4
# Costs between these are in the range of single precision.
TINY, HUGE = 1e-30, 1e30
# Costs that are this part of what squares add to a price, or of their strength, are nothing.
_BESIDE = 1e-200, 1e-290
# Squares that cost less than this, in the unit of prices, are none: floats end there.
LOST = 1e-290

Floats = NDArray[np.float64]


def unit_for(size: float, tiny: float = 1e-100, huge: float = 1e100) -> float:
    """A power of two to divide prices of this size by; 1 if that is between `tiny` and `huge`."""
    if size == 0.0 or tiny < size < huge:
        return 1.0
    return float(2.0 ** np.floor(np.log2(size)))


def least_size(strength: float, total: float) -> float:
    """Below this size prices are no unit to count squares in: they would be infinite."""
    return max(_BESIDE[0] * strength * total, _BESIDE[1] * strength)


def middle_price(price: Floats, mass: Floats, total: float) -> float:
    """The price at which half of a total can be had, from masses (n,), n > 0, at these prices.

    The highest where even all of it is less than that.
    """
    order = np.argsort(price, kind="stable")
    middle = int(np.searchsorted(np.cumsum(mass[order]), 0.5 * total))
    return float(price[order[min(middle, order.size - 1)]])


def positive_middle_price(price: Floats, mass: Floats, total: float) -> float:
    """As `middle_price`, but the least positive one, if half can be had for nothing or not at all.

    0 if there is none.
    """
    middle = middle_price(price, mass, total)
    if 0.0 < middle < np.inf:
        return middle
    positive = price[(price > 0.0) & (price < np.inf)]
    return float(positive.min(initial=np.inf)) if positive.size else 0.0


class Extent(NamedTuple):
    """How far costs (n, m) reach: the least of each row and of each column, of all, the largest."""

    rows: Floats
    cols: Floats
    low: float
    high: float

    @classmethod
    def of(cls, C: Floats) -> Extent:
        """Of a matrix."""
        return cls(*kernels.survey(C))

    @property
    def size(self) -> float:
        """The largest of all by absolute value."""
        return max(abs(self.low), abs(self.high))


def are_moderate(extent: Extent, a: Floats, b: Floats, total: float, dear: float) -> bool:
    """Whether costs are in range, and none is dear beside what is paid, whatever is.

    None is more than `dear` times what half of the mass has to pay at least, beyond the least cost,
    nor what half of the rows, and of the columns, have to. False may only mean that it is not so
    plain.
    """
    if not TINY < extent.size < HUGE:
        return False
    return bool(kernels.are_moderate(*extent, a, b, total, dear))


def round_off(f: Floats, g: Floats) -> float:
    """How wrong the rounding of potentials may make a slack."""
    return float(8 * np.finfo(np.float64).eps * (np.abs(f).max() + np.abs(g).max()))
