"""APDAGD: adaptive primal-dual accelerated gradient descent (Dvurechensky et al., 2018)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quot.entropic.first_order import Prices
from quot.entropic.normalised import At, NormalisedDual

Floats = NDArray[np.float64]

# Rounding of the dual, relative; where the constant begins, and where doubling it ends.
_ROUNDING, _FIRST, _LARGEST = 1e-13, 1.0, 1e6


@dataclass(frozen=True, eq=False)
class _State:
    eta: At
    zeta: Floats
    beta: float
    lipschitz: float


class Apdagd:
    """Accelerated gradient descent with a line search for its constant, on the scaled dual.

    The plan is that of the dual point. The published method averages the plans of all its points
    instead, which takes a matrix, and converges no sooner.
    """

    def __init__(self, dual: NormalisedDual) -> None:
        self.dual = dual

    def init(self) -> _State:
        """All prices 0."""
        start = self.dual.start()
        return _State(start, start.z, 0.0, _FIRST)

    def step(self, state: _State) -> _State:
        """Double the constant until the step is long enough."""
        constant = state.lipschitz / 2.0
        while True:
            a = (1.0 + math.sqrt(1.0 + 4.0 * constant * state.beta)) / (2.0 * constant)
            tau = a / (state.beta + a)
            middle = self.dual.at(tau * state.zeta + (1.0 - tau) * state.eta.z)
            zeta = state.zeta - a * middle.gradient
            eta = self.dual.at(tau * zeta + (1.0 - tau) * state.eta.z)
            if self._is_smooth(middle, eta, constant) or constant > _LARGEST:
                return _State(eta, zeta, state.beta + a, constant / 2.0)
            constant *= 2.0

    def _is_smooth(self, middle: At, eta: At, constant: float) -> bool:
        """Whether the dual is no larger than its quadratic model with this constant.

        Where rounding hides that, whether its gradient changes by no more.
        """
        way = eta.z - middle.z
        square = constant * float(way @ way)
        slack = _ROUNDING * max(1.0, abs(middle.value))
        if square > slack:
            model = middle.value + float(middle.gradient @ way) + square / 2.0
            return eta.value <= model + slack
        return float((eta.gradient - middle.gradient) @ way) <= square

    def residual(self, state: _State) -> float:
        """See `Stepper`."""
        return state.eta.scaled().residual

    def prices(self, state: _State) -> Prices:
        """See `Stepper`."""
        return self.dual.prices(state.eta.scaled().z)
