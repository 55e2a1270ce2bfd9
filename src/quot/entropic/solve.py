"""Entropic problems as they are solved: without rows and columns that have no mass."""

from __future__ import annotations

import numpy as np

from quot import memory
from quot.ascent import potentials
from quot.convergence import Monitor, Status, Tolerance
from quot.dual import Dual
from quot.entropic.newton import Descent
from quot.plan import Plan
from quot.problem import EntropicProblem
from quot.quadratic.feasibility import check_pairs
from quot.quadratic.solve import run
from quot.result import Result
from quot.rounding import repair

# What columns may miss at the end, in parts of the tolerance: what the repair then costs, at worst
# the range of the costs for each unit, changes the value by less than that.
_AT_THE_END = 1e-2


def solve_by_newton(
    problem: EntropicProblem, tolerance: Tolerance, monitor: Monitor, *, method: str
) -> Result:
    """Solve on all pairs in memory, repair, certify.

    Potentials of rows and columns without mass are -inf, so that
    ``P_ij = exp((f_i + g_j + lam - C_ij) / eps)`` holds everywhere.

    Raises
    ------
    InfeasibleError
        If the allowed pairs of a sparse cost cannot carry the mass.
    ProblemTooLargeError
        If the plan does not fit into memory.
    """
    check_pairs(problem)
    if problem.total == 0.0:
        plan, dual, status = *_nothing(problem), Status.OPTIMAL
    else:
        plan, dual, status = _descend(problem, tolerance, monitor)
    return Result.of(
        problem,
        repair(problem, plan),
        dual,
        status,
        tolerance=tolerance,
        monitor=monitor,
        method=method,
    )


def _nothing(problem: EntropicProblem) -> tuple[Plan, Dual]:
    """The answer where no mass moves."""
    (n, m), none = problem.shape, np.zeros(0, np.int32)
    lam = 0.0 if problem.is_balanced else -np.inf
    return Plan((n, m), none, none, np.zeros(0)), Dual(np.zeros(n), np.zeros(m), lam)


def _descend(
    problem: EntropicProblem, tolerance: Tolerance, monitor: Monitor
) -> tuple[Plan, Dual, Status]:
    """Plan and dual point at the temperature of the problem, and why the way there ended."""
    (n, m), rows, cols = problem.shape, np.flatnonzero(problem.a), np.flatnonzero(problem.b)
    memory.check_matrix(rows.size * cols.size)
    core = problem.taken(rows, cols)
    C = np.ascontiguousarray(core.cost.block(0, rows.size))
    descent = Descent(core, C, monitor)
    tol = _AT_THE_END * min(tolerance.gap, tolerance.primal)
    status = run(monitor, lambda: descent.run(tol))
    f, g = np.full(n, -np.inf), np.full(m, -np.inf)
    P, f[rows], v = descent.state()
    g[cols], lam = potentials(problem, v)
    i, j = np.nonzero(P)
    plan = Plan((n, m), rows[i].astype(np.int32), cols[j].astype(np.int32), P[i, j])
    return plan, Dual(f, g, lam), status
