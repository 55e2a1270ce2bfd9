"""The path of reg: where it begins, its steps, and what it says of the next one."""

from __future__ import annotations

import numpy as np

from quot.costs import sample
from quot.problem import Problem
from quot.quadratic.bipartite import Dual

# One step down the path of reg.
_STEP = 5.0


def smooth_reg(problem: Problem) -> float:
    """Return a reg at which a good part of all pairs is active, not below the problem's own."""
    costs = sample(problem.cost)
    off = np.abs(costs - np.median(costs))  # a few far points must not set the scale for all
    spread = 1.5 * float(np.median(off)) or float(off.mean()) or float(np.abs(costs).max()) or 1.0
    typical = min(float(problem.a.mean()), problem.total)
    return max(2.0 * spread / typical, problem.reg)


def first_dual(problem: Problem) -> Dual:
    """Where the path begins: all rows pay a typical cost."""
    n, m = problem.shape
    typical = float(np.median(sample(problem.cost)))
    if problem.is_balanced:
        return Dual(np.full(n, typical), np.zeros(m))
    return Dual(np.zeros(n), np.zeros(m), typical)


def step(way: float) -> float:
    """One of the equal steps, about _STEP each, into which a way is cut."""
    return float(way ** (1.0 / max(1, round(np.log(way) / np.log(_STEP)))))


def predict(
    dual: Dual, reg: float, before: tuple[Dual, float] | None, lower: float, problem: Problem
) -> Dual:
    """Extrapolate the potentials, which are piecewise affine in reg."""
    if before is None:
        return dual
    other, other_reg = before
    t = (lower - reg) / (reg - other_reg)
    f, g = dual.f + t * (dual.f - other.f), dual.g + t * (dual.g - other.g)
    if not problem.is_balanced:
        f = np.where(dual.f < 0, np.minimum(f, 0.0), 0.0)
        g = np.where(dual.g < 0, np.minimum(g, 0.0), 0.0)
    return Dual(f, g, dual.lam + t * (dual.lam - other.lam))
