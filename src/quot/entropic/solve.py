"""Entropic problems as they are solved: without rows and columns that have no mass."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from quot.ascent import potentials
from quot.convergence import Monitor, Status, Tolerance
from quot.dual import Dual
from quot.entropic.first_order import Prices
from quot.entropic.methods import METHODS, Method
from quot.entropic.passes import Passes, held
from quot.gibbs_plan import GibbsPlan
from quot.gibbs_rounding import repair_gibbs
from quot.problem import EntropicProblem
from quot.quadratic.feasibility import check_pairs
from quot.quadratic.solve import obey, run
from quot.result import Result

# What may be missing at the end, in parts of the tolerance: what the repair then costs, at worst
# the range of the costs for each unit, changes the value by less than that.
_AT_THE_END = 1e-2


def solve_entropic_problem(
    problem: EntropicProblem,
    tolerance: Tolerance,
    monitor: Monitor,
    *,
    method: str,
    options: Mapping[str, Any],
) -> Result[GibbsPlan]:
    """Solve by one of `METHODS`, repair, certify.

    Potentials of rows and columns without mass are -inf, so that
    ``P_ij = exp((f_i + g_j + lam - C_ij) / eps)`` holds everywhere.

    Raises
    ------
    InfeasibleError
        If the allowed pairs of a sparse cost cannot carry the mass.
    """
    check_pairs(problem)
    if problem.total == 0.0:
        prices, status = _nothing(problem), Status.OPTIMAL
    else:
        tol = _AT_THE_END * min(tolerance.gap, tolerance.primal)
        prices, status = solved(problem, tol, monitor, METHODS[method], options)
    g, lam = prices.v, prices.lam
    if lam is None:
        g, lam = potentials(problem, prices.v)
    else:
        g = g - lam
    plan = GibbsPlan.of(problem.cost, problem.eps, prices.f, prices.v)
    return Result.of(
        problem,
        repair_gibbs(problem, plan),
        Dual(prices.f, g, lam),
        status,
        tolerance=tolerance,
        monitor=monitor,
        method=method,
    )


def _nothing(problem: EntropicProblem) -> Prices:
    """The answer where no mass moves."""
    n, m = problem.shape
    return Prices(np.full(n, -np.inf), np.zeros(m), 0.0)


def solved(  # noqa: PLR0917
    problem: EntropicProblem,
    tol: float,
    monitor: Monitor,
    method: Method,
    options: Mapping[str, Any],
    missing: float = 0.0,
) -> tuple[Prices, Status]:
    """Return prices of rows and columns, and why the way there ended.

    At its end no more than `tol` of all mass is missing, or no more mass than `missing`. Prices of
    rows and columns without mass are -inf.
    """
    rows, cols = np.flatnonzero(problem.a), np.flatnonzero(problem.b)
    core = problem.taken(rows, cols)
    is_extended = core.has_slack and method.is_extended
    inner = core.extended if is_extended else core
    passes = Passes(held(inner.cost), partial(obey, monitor))
    way = method.make(inner, passes, monitor, options)
    status = run(monitor, lambda: way.run(max(tol * inner.total, missing)))
    found = _without_dummies(way.prices()) if is_extended else way.prices()
    f, v = (np.full(size, -np.inf) for size in problem.shape)
    f[rows], v[cols] = found.f, found.v
    return Prices(f, v, found.lam), way.ends if status is Status.OPTIMAL else status


def _without_dummies(prices: Prices) -> Prices:
    """Those of the other rows and columns, where the dummy column has price 0."""
    f, v = prices.f + prices.v[-1], prices.v - prices.v[-1]
    return Prices(f[:-1], v[:-1], float(-f[-1]))
