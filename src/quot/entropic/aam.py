"""AAM: accelerated alternating minimisation, without parameters (Guminov et al., 2021)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quot.entropic.first_order import Prices
from quot.entropic.normalised import At, NormalisedDual

Floats = NDArray[np.float64]

# The search along a segment ends where the slope has fallen to this part, or after so many points;
# none is nearer to an end than this part of what is left.
_SLOPE, _SEARCHES, _INSIDE = 0.1, 6, 0.05


@dataclass(frozen=True, eq=False)
class _State:
    point: At
    momentum: Floats
    weight: float
    best: At


class Aam:
    """The best block from the best point on the way to where momentum leads."""

    def __init__(self, dual: NormalisedDual) -> None:
        self.dual = dual

    def init(self) -> _State:
        """All prices 0, scaled."""
        start = self.dual.start()
        return _State(start, start.z, 0.0, start)

    def step(self, state: _State) -> _State:
        """Search the segment, make a block exact, move the momentum."""
        middle = self._searched(state.point, state.momentum - state.point.z)
        exact = self.dual.balanced(middle)
        g, A = middle.gradient, state.weight
        square, gain = float(g @ g), max(middle.value - exact.value, 0.0)
        if square == 0.0:
            return _State(middle, middle.z, A, middle)
        a = (gain + math.sqrt(gain * gain + 2.0 * gain * square * A)) / square
        return _State(exact.scaled(), state.momentum - a * g, A + a, exact)

    def residual(self, state: _State) -> float:
        """See `Stepper`."""
        return state.best.residual

    def prices(self, state: _State) -> Prices:
        """See `Stepper`."""
        return self.dual.prices(state.best.z)

    def _searched(self, start: At, way: Floats) -> At:
        """About the best point between a start and the end of a way, scaled."""
        slope = float(start.gradient @ way)
        if not slope < 0.0:
            return start
        point = self.dual.at(start.z + way).scaled()
        low, high = (0.0, slope), (1.0, float(point.gradient @ way))
        for _ in range(_SEARCHES):
            if high[1] <= 0.0 or abs(float(point.gradient @ way)) <= _SLOPE * -slope:
                break
            room = high[0] - low[0]
            t = low[0] - low[1] * room / (high[1] - low[1])
            t = min(max(t, low[0] + _INSIDE * room), high[0] - _INSIDE * room)
            point = self.dual.at(start.z + t * way).scaled()
            now = float(point.gradient @ way)
            low, high = (low, (t, now)) if now > 0.0 else ((t, now), high)
        return point
