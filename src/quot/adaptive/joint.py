"""Joint ascent on all multipliers by a quasi-Newton method for general functions with bounds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, minimize

from quot.adaptive.found import Found, Multipliers, costs, respond
from quot.problem import AdaptiveProblem

Floats = NDArray[np.float64]

# Spreading costs so much at the start, in the range of costs.
_START = 0.1
# Pairs of steps and gradients that are kept, and evaluations allowed for each step.
_KEPT, _EVALUATIONS = 50, 20


class _Dual:
    """The negative dual value over the mass, of multipliers (f, g, eps, delta) scaled to costs."""

    def __init__(self, problem: AdaptiveProblem, floor: float) -> None:
        self.problem, self.floor = problem, floor
        self.cost = float(np.ptp(costs(problem))) or 1.0
        units, bounded, self.bounds = [], [], []
        for mass, bounds, unit in (
            (problem.a, problem.row_bounds, problem.row_units),
            (problem.b, problem.col_bounds, problem.col_units),
        ):
            units.append(np.ones(mass.size) if unit is None else unit / mass)
            self.bounds.append(np.zeros(mass.size) if bounds is None else bounds)
            bounded.append(np.full(mass.size, bounds is not None))
        # A multiplier of bounds that is scaled so is paid by the mass that moves.
        prices = np.ones(sum(problem.shape))
        self.unit = self.cost / np.concatenate((prices, *units))
        self.is_bounded = np.concatenate(bounded)

    def split(self, v: Floats) -> Multipliers:
        """The multipliers f, g, eps and delta."""
        n, m = self.problem.shape
        f, g, eps, delta = np.split(v * self.unit, [n, n + m, 2 * n + m])
        return f, g, eps, delta

    @property
    def first(self) -> tuple[Floats, Bounds]:
        """Where to begin, and the bounds."""
        n, m = self.problem.shape
        low = np.r_[np.full(n + m, -np.inf), np.zeros(n + m)]
        high = np.r_[np.full(n + m, np.inf), np.where(self.is_bounded, np.inf, 0.0)]
        start = np.r_[np.zeros(n + m), np.where(self.is_bounded, _START, 0.0)]
        if self.problem.regularizer == "entropic":
            # Entries of the size of the mean, costs apart.
            spreading = self.floor / self.cost + _START * sum(self.is_bounded[[0, -1]])
            start[:n] = spreading * np.log(self.problem.total / (n * m))
        return start, Bounds(low, high)

    def __call__(self, v: Floats) -> tuple[float, Floats]:
        f, g, eps, delta = multipliers = self.split(v)
        a, b = self.problem.a, self.problem.b
        y, plan, conjugate = respond(self.problem, self.floor, multipliers)
        paid = (self.floor + eps[:, None] + delta) * conjugate
        spread = y * plan - conjugate
        (eta, zeta), scale = self.bounds, self.problem.total * self.cost
        value = paid.sum() + eps @ eta + delta @ zeta - f @ a - g @ b
        room = np.concatenate((eta - spread.sum(axis=1), zeta - spread.sum(axis=0)))
        gradient = np.concatenate(
            (plan.sum(axis=1) - a, plan.sum(axis=0) - b, np.where(self.is_bounded, room, 0.0))
        )
        return float(value) / scale, gradient * self.unit / scale


def joint(
    problem: AdaptiveProblem,
    floor: float,
    steps: int,
    enough: float,
    check: Callable[[], None] = lambda: None,
) -> Found:
    """Return what joint ascent finds, by L-BFGS-B on (f, g, eps, delta).

    For problems of up to about a hundred points; on larger ones it stalls. It ends where the dual
    value no longer grows in floating point, nor when it begins there anew, with 1e-8 to 1e-6 wrong.

    See `quot.adaptive.found`.
    """
    dual = _Dual(problem, floor)

    def look(v: Floats) -> None:
        check()
        if Found.at(problem, floor, dual.split(v)).wrong <= enough:
            raise StopIteration

    check()
    start, bounds = dual.first
    options = {"maxcor": _KEPT, "ftol": 0.0, "gtol": 0.0}
    value, left = np.inf, steps
    while True:
        done = minimize(
            dual,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            callback=look,
            options=options | {"maxiter": left, "maxfun": _EVALUATIONS * left},
        )
        found, left = Found.at(problem, floor, dual.split(done.x)), left - done.nit
        if found.wrong <= enough or left <= 0 or not done.fun < value:
            return found
        start, value = done.x, done.fun  # without what was learnt of curvature, which misleads
