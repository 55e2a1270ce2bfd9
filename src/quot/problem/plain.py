"""What is plainly valid at the door: arrays of floats in order, and numbers, of no type but these.

To judge a small problem by all the rules takes longer than to solve it. What is not so plain goes
by those, which say what is wrong, if anything is.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.validation import MASS_ROUND_OFF, TOTALS_ROUND_OFF

Floats = NDArray[np.float64]

# Masses that come to less have a sum, whatever its order.
_MOST = 1e300


def is_plain(value: Any, axes: int) -> bool:
    """Whether this is an array of floats with so many axes."""
    return type(value) is np.ndarray and value.dtype == np.float64 and value.ndim == axes


def are_finite(values: Floats) -> bool:
    """Whether there are some, all finite, and so are their differences."""
    if values.size == 0:
        return False
    low, high = np.minimum.reduce(values, axis=None), np.maximum.reduce(values, axis=None)
    return math.isfinite(4.0 * float(high) - 4.0 * float(low))


def plain_masses(value: Any, size: int) -> tuple[Floats, float] | None:
    """Masses (size,) of their own memory and their total; None if they are not plain."""
    if value is None:
        masses = np.full(size, 1.0 / size)
        return masses, float(np.add.reduce(masses))
    if not is_plain(value, 1) or value.size != size:
        return None
    if not (np.minimum.reduce(value) >= 0.0 and size * float(np.maximum.reduce(value)) < _MOST):
        return None
    return value.copy(), float(np.add.reduce(value))


def plain_mass(mass: Any, totals: tuple[float, float]) -> tuple[float | None, float] | None:
    """The mass to move, if not all of it, and what moves; None if that is not plain."""
    if mass is None:
        one, other = totals
        is_balanced = abs(one - other) <= TOTALS_ROUND_OFF * max(one, other)
        return (None, one) if is_balanced else None
    most = min(totals)
    if type(mass) not in {float, int} or not 0.0 <= mass <= most * (1.0 + MASS_ROUND_OFF):
        return None
    moves = min(float(mass), most)
    return moves, moves
