"""The dual point of a transport problem."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Dual:
    """Potentials f (n,), g (m,) and the price lam of the total mass."""

    f: Floats
    g: Floats
    lam: float = 0.0

    def plus(self, part: float, other: Dual) -> Dual:
        """The point so many times as far from here as the other is from nothing."""
        f, g = self.f + part * other.f, self.g + part * other.g
        return Dual(f, g, self.lam + part * other.lam)
