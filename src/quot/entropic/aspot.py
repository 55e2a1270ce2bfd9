"""ASPOT: Sinkhorn's blocks with momentum (arXiv 2601.17196, on the scaled dual)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quot.entropic.first_order import Prices
from quot.entropic.normalised import At, NormalisedDual

Floats = NDArray[np.float64]

# Rounding of the dual, relative; and how much larger than the bound a constant may become.
_ROUNDING, _LARGEST = 1e-13, 1e3


@dataclass(frozen=True, eq=False)
class _State:
    corrected: At  # after a block was made exact
    momentum: Floats
    theta: float
    lipschitz: float
    best: At


class Aspot:
    """Gradient steps from extrapolated points, each followed by exact blocks.

    The block that gains most is made exact after the step, and once more at the better of the new
    point and the last: the dual never rises.

    Parameters
    ----------
    dual : NormalisedDual
    backtracks : bool
        Whether the step is as long as a line search finds, or ``1/L`` with the bound L.
    """

    def __init__(self, dual: NormalisedDual, *, backtracks: bool) -> None:
        self.dual, self.backtracks = dual, backtracks

    def init(self) -> _State:
        """All prices 0, scaled."""
        start = self.dual.start()
        return _State(start, start.z, 1.0, self.dual.lipschitz, start)

    def step(self, state: _State) -> _State:
        """Extrapolate, descend, correct, keep the better, correct again."""
        theta, last = state.theta, state.corrected
        extrapolated = self.dual.at((1.0 - theta) * last.z + theta * state.momentum)
        moved, L = self._descended(extrapolated, state.lipschitz)
        momentum = state.momentum - extrapolated.gradient / (L * theta)
        accelerated = self.dual.balanced(moved.scaled()).scaled()
        better = accelerated if accelerated.value <= last.value else last
        corrected = self.dual.balanced(better)
        best = min(better, corrected, key=lambda point: point.residual)
        theta *= (math.sqrt(theta * theta + 4.0) - theta) / 2.0
        return _State(corrected.scaled(), momentum, theta, L, best)

    def residual(self, state: _State) -> float:
        """See `Stepper`."""
        return state.best.residual

    def prices(self, state: _State) -> Prices:
        """See `Stepper`."""
        return self.dual.prices(state.best.z)

    def _descended(self, point: At, L: float) -> tuple[At, float]:
        """Where a gradient step leads, and the constant that says how long it is."""
        g = point.gradient
        if not self.backtracks:
            return self.dual.at(point.z - g / L), L
        L /= 2.0
        while True:
            moved = self.dual.at(point.z - g / L)
            wanted = point.value - float(g @ g) / (2.0 * L) + _ROUNDING * abs(point.value)
            if moved.value <= wanted or _LARGEST * self.dual.lipschitz < L:
                return moved, L
            L *= 2.0
