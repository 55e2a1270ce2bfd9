"""The diagonal of a system in two variables a column: blocks of two by two."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Blocks:
    """The blocks, of a price and of what spreading costs.

    Vectors are prices, (m,), and costs of spreading, (m,), one after the other.

    Parameters
    ----------
    x, xy, y : array of shape (m,)
    """

    x: Floats
    xy: Floats
    y: Floats

    @classmethod
    def of(
        cls,
        x: Floats,
        xy: Floats,
        y: Floats,
        *,
        none: float,
        apart: float,
        sizes: tuple[Floats, Floats] | None = None,
    ) -> Blocks:
        """Blocks that have an inverse.

        What is below the part `none` of a typical one counts as that; the two variables are
        independent by the part `apart` at least. Sizes are what x and y would be like, up to a
        factor; all the same by default.
        """
        one, two = (np.ones(x.size), np.ones(x.size)) if sizes is None else sizes
        x, y = one * _without_none(x / one, none), two * _without_none(y / two, none)
        return cls(x, xy, np.maximum(y, (1.0 + apart) * xy * xy / x))

    @property
    def diagonal(self) -> Floats:
        """That of the system, (2 m,)."""
        return np.append(self.x, self.y)

    def solve(self, r: Floats, held: Bools) -> Floats:
        """The solution for a right side, (2 m,), where variables that are held stay."""
        m, x, xy, y = self.x.size, self.x, self.xy, self.y
        one, two = r[:m], r[m:]
        det = x * y - xy * xy
        price = np.where(held[m:], one / x, (y * one - xy * two) / det)
        cost = np.where(held[:m], two / y, (x * two - xy * one) / det)
        return np.where(held, 0.0, np.append(price, cost))


def _without_none(diagonal: Floats, none: float) -> Floats:
    some = diagonal[diagonal > 0.0]
    typical = float(np.median(some)) if some.size else 1.0
    return np.where(diagonal > none * typical, diagonal, typical)
