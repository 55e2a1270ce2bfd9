"""Entropic problems as they are solved: without rows and columns that have no mass."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.ascent import potentials
from quot.convergence import Monitor, Status, Tolerance
from quot.dual import Dual
from quot.entropic.first_order import Prices
from quot.entropic.methods import METHODS, Method, Way
from quot.entropic.passes import Passes, held
from quot.gibbs_plan import GibbsPlan
from quot.gibbs_rounding import repair_gibbs
from quot.prices import unit_for
from quot.problem import EntropicProblem
from quot.quadratic.feasibility import check_closely, check_pairs
from quot.result import Result, best_of
from quot.stopping import obey, run

Floats = NDArray[np.float64]

# What may be missing at the end, in parts of the tolerance: what the repair then costs changes the
# value by less, where costs are not much larger than the value. Where they are, so many times as
# little, so often at most.
_AT_THE_END, _LESS, _TRIES = 1e-2, 1e-3, 3
# Masses of totals out of this range are counted in another unit, a power of two.
_LEAST = 1e-40


def solve_entropic_problem(
    problem: EntropicProblem,
    tolerance: Tolerance,
    monitor: Monitor,
    *,
    method: str,
    options: Mapping[str, Any],
) -> Result[GibbsPlan]:
    """Solve by one of `METHODS`, repair, certify; go on where the certificate does not hold.

    Potentials of rows and columns without mass are -inf, so that
    ``P_ij = exp((f_i + g_j + lam - C_ij) / eps)`` holds everywhere.

    Raises
    ------
    InfeasibleError
        If the allowed pairs of a sparse cost cannot carry the mass.
    """
    check_pairs(problem)
    finish = partial(_finished, problem, tolerance, monitor, method)
    if problem.total == 0.0:
        return finish(_nothing(problem), Status.OPTIMAL)
    core = Core(problem, METHODS[method])
    way, results = core.way(monitor, options), []
    enough = _AT_THE_END * min(tolerance.gap, tolerance.primal) * core.problem.total
    for _ in range(_TRIES):
        status = run(monitor, partial(way.run, enough))
        is_done = status is Status.OPTIMAL
        results.append(finish(core.prices(way), way.ends if is_done else status))
        if results[-1].converged or results[-1].status is Status.APPROXIMATE or not is_done:
            break
        enough *= _LESS
    best = best_of(*results)
    if best.certificate.upper == np.inf and monitor.limit() is None:
        check_closely(problem)
    return best


def _finished(  # noqa: PLR0917
    problem: EntropicProblem,
    tolerance: Tolerance,
    monitor: Monitor,
    method: str,
    prices: Prices,
    status: Status,
) -> Result[GibbsPlan]:
    """The plan of prices, repaired and certified."""
    plan = GibbsPlan.of(problem.cost, problem.eps, prices.f, prices.v)
    if prices.u is not None and prices.w is not None:
        plan = plan.scaled(prices.u, prices.w)
    f, v = prices.whole(problem.eps)
    lam = potentials(problem, v)[1] if prices.lam is None else prices.lam
    shift = prices.shift
    if not problem.is_balanced and problem.fills(problem.a):  # they are known but for a constant
        shift -= max(float(f.max()), 0.0)
    dual = Dual(f + shift, v - lam - prices.shift, lam + prices.shift - shift)
    return Result.of(
        problem,
        repair_gibbs(problem, plan, None if problem.is_balanced else (dual.f < 0.0, dual.g < 0.0)),
        dual,
        status,
        tolerance=tolerance,
        monitor=monitor,
        method=method,
    )


class Core:
    """What a method gets to solve: rows and columns with mass, dummies if it needs them."""

    def __init__(self, problem: EntropicProblem, method: Method) -> None:
        self.shape, self.method = problem.shape, method
        self.rows, self.cols = np.flatnonzero(problem.a), np.flatnonzero(problem.b)
        core = problem.taken(self.rows, self.cols)
        self.unit = unit_for(core.total, _LEAST, 1.0 / _LEAST)
        if self.unit != 1.0:
            mass = None if core.mass is None else core.mass / self.unit
            core = core.with_masses(core.a / self.unit, core.b / self.unit, mass)
        self.is_extended = core.has_slack and method.is_extended
        self.problem = core.extended if self.is_extended else core

    def way(self, monitor: Monitor, options: Mapping[str, Any]) -> Way:
        """The method at its beginning, which no limit cuts short: there would be nothing."""
        passes = Passes(held(self.problem.cost), lambda: None)
        way = self.method.make(self.problem, passes, monitor, options)
        passes.check_by(partial(obey, monitor))
        return way

    def prices(self, way: Way) -> Prices:
        """Where the method is, for all rows and columns."""
        found = way.prices()
        if self.unit != 1.0:
            shift = self.problem.eps * math.log(self.unit)
            lam = None if found.lam is None else found.lam + shift
            found = found._replace(v=found.v + shift, lam=lam)
        if self.is_extended:  # potentials are where the dummy column has price 0
            f, v = found.whole(self.problem.eps)
            shift = float(v[-1])
            found = found._replace(lam=float(-f[-1]) - shift, shift=shift)
        n, m = self.shape
        return found._replace(
            f=_filled(found.f, self.rows, n, -np.inf),
            v=_filled(found.v, self.cols, m, -np.inf),
            u=None if found.u is None else _filled(found.u, self.rows, n, 1.0),
            w=None if found.w is None else _filled(found.w, self.cols, m, 1.0),
        )


def _filled(x: Floats, index: NDArray[np.intp], size: int, rest: float) -> Floats:
    """What rows or columns with mass have, and the rest; dummies are left out."""
    every = np.full(size, rest)
    every[index] = x[: index.size]
    return every


def _nothing(problem: EntropicProblem) -> Prices:
    """The answer where no mass moves."""
    n, m = problem.shape
    return Prices(np.full(n, -np.inf), np.zeros(m), 0.0)
