"""From a problem to a certified result: what surrounds the working set."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from quot.certificate import Certificate, certify
from quot.convergence import Monitor, Status, Tolerance
from quot.costs import Cost, DenseCost, PointCost, SparseCost
from quot.dual import Dual
from quot.pairs import Pricer
from quot.pairs.boxes import trees
from quot.plan import Plan
from quot.problem import Problem
from quot.quadratic.anchor import anchor
from quot.quadratic.dear import caps
from quot.quadratic.feasibility import check_feasible
from quot.quadratic.polish import polish
from quot.quadratic.working_set import Solution, WorkingSet
from quot.result import Result
from quot.rounding import marginal_error, repair

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# Rounding of a sum of few numbers, relative.
_ROUND_OFF = 4 * float(np.finfo(np.float64).eps)
# A plan that misses its marginals by more than this, relative to the tolerance, needs pairs to be
# repaired on.
_HEALTHY = 0.1
# A multiplier this small (relative to the largest) says nothing.
_NOISE = 1e-10


def solve_quadratic(
    problem: Problem,
    *,
    method: str = "auto",
    tolerance: Tolerance,
    monitor: Monitor,
    start: Dual | None = None,
    ties: str = "share",
) -> Result:
    """Solve a problem by the working set and certify the answer over all pairs.

    Raises
    ------
    InfeasibleError
        If the allowed pairs of a sparse cost cannot carry the mass.
    """
    check_feasible(problem)
    n, m = problem.shape
    rows, cols = _order(problem)
    if problem.total == 0.0:
        (plan, dual), status = _nothing(problem), Status.OPTIMAL
    else:
        core = problem
        if rows.size < n or cols.size < m or isinstance(problem.cost, PointCost):
            core = replace(
                problem,
                cost=problem.cost.take(rows, cols),
                a=problem.a[rows],
                b=problem.b[cols],
            )
        if start is not None:
            start = Dual(start.f[rows], start.g[cols], start.lam)
        solution = _solve(core, start, method=method, tol=tolerance.gap, monitor=monitor, ties=ties)
        healthy = marginal_error(core, solution.plan) <= _HEALTHY * tolerance.primal
        plan, dual = _grow(problem, solution, rows, cols, drop=healthy)
        status = solution.status
        plan = _visible(problem, repair(problem, plan, _full(problem, dual)))
    answer, certificate = _answer(problem, plan, dual)
    if status is Status.OPTIMAL and not certificate.holds(tolerance):
        for improve in (polish, anchor):
            better = improve(problem, plan, dual)
            if better is None or certificate.holds(tolerance):
                continue
            exact, other = _answer(problem, plan, better)
            if other.relative_gap < certificate.relative_gap or other.holds(tolerance):
                answer, certificate = exact, other
    return Result(
        problem=problem,
        plan=plan,
        f=answer.f,
        g=answer.g,
        lam=answer.lam,
        certificate=certificate,
        status=certificate.judge(status, tolerance),
        tolerance=tolerance,
        history=tuple(monitor.history),
        seconds=monitor.seconds,
        method=method,
    )


def _solve(
    core: Problem, start: Dual | None, *, method: str, tol: float, monitor: Monitor, ties: str
) -> Solution:
    """Solve a problem without empty rows and columns, with the costs that nobody pays capped."""
    for part in caps(core):
        begin = None if start is None else part.to_unit(start)
        found = WorkingSet(part.problem, monitor, method, tol, ties).solve(begin)
        if found.status is not Status.OPTIMAL or not part.pays(found.plan):
            break
    return Solution(part.plan(found.plan), part.dual(found.dual), found.status)


def _order(problem: Problem) -> tuple[Ints, Ints]:
    """Rows and columns with mass; points in kd order, so that what is close is close in memory."""
    rows, cols = np.flatnonzero(problem.a), np.flatnonzero(problem.b)
    if isinstance(problem.cost, PointCost):
        tree, other = trees(problem.cost)
        rows, cols = (
            t.order[mass[t.order] > 0] for t, mass in ((tree, problem.a), (other, problem.b))
        )
    return rows, cols


def _grow(
    problem: Problem, solution: Solution, rows: Ints, cols: Ints, *, drop: bool
) -> tuple[Plan, Dual]:
    """Put back the rows and columns without mass; their potentials are still open (NaN).

    Pairs that carry nothing are dropped, or kept for a repair to use.
    """
    f, g = np.full(problem.shape[0], np.nan), np.full(problem.shape[1], np.nan)
    f[rows], g[cols] = solution.dual.f, solution.dual.g
    found = solution.plan
    kept = found.values > 0.0 if drop else np.ones(found.nnz, np.bool_)
    i, j = rows[found.rows[kept]], cols[found.cols[kept]]
    order = np.lexsort((j, i))
    plan = Plan(
        problem.shape,
        i[order].astype(np.int32),
        j[order].astype(np.int32),
        found.values[kept][order],
    )
    return plan, Dual(f, g, solution.dual.lam)


def _full(problem: Problem, dual: Dual) -> tuple[Bools, Bools] | None:
    """Tell the rows and columns of a partial problem whose multipliers say that they are full."""
    if problem.is_balanced:
        return None
    known = np.concatenate((dual.f[~np.isnan(dual.f)], dual.g[~np.isnan(dual.g)]))
    noise = _NOISE * max(float(np.abs(known).max(initial=0.0)), abs(dual.lam))
    return dual.f < -noise, dual.g < -noise


def _visible(problem: Problem, plan: Plan) -> Plan:
    """The plan less entries that are lost in the rounding of their row's and column's masses."""
    least = np.minimum(problem.a[plan.rows], problem.b[plan.cols])
    seen = plan.values > np.finfo(np.float64).eps * least
    if seen.all():
        return plan
    return Plan(plan.shape, plan.rows[seen], plan.cols[seen], plan.values[seen])


def _answer(problem: Problem, plan: Plan, dual: Dual) -> tuple[Dual, Certificate]:
    """Potentials of all rows and columns, and what they and the plan are worth."""
    dual = _fill(problem, dual)
    return dual, certify(problem, plan, dual.f, dual.g, dual.lam)


def _fill(problem: Problem, dual: Dual) -> Dual:
    """Give rows and columns without mass the largest potential that violates no pair.

    At reg = 0 no pair may be violated at all: the last round-off is taken from f, and where no mass
    pays for it from g before.
    """
    f, g, lam = dual.f.copy(), dual.g.copy(), dual.lam
    open_g = np.flatnonzero(np.isnan(g))
    known = np.flatnonzero(~np.isnan(f))
    if open_g.size and known.size:
        paid = f[known] + lam
        g[open_g] = _least(_transposed(problem.cost, known, open_g), paid)
        g[open_g] -= _ROUND_OFF * (np.abs(g[open_g]) + np.abs(paid).max())
    open_f = np.flatnonzero(np.isnan(f))
    if open_f.size:
        everything = np.arange(problem.shape[1])
        f[open_f] = _least(problem.cost.take(open_f, everything), g + lam)
    if problem.reg == 0.0:
        f = _least(problem.cost, g + lam)
    if not problem.is_balanced:
        f, g = np.minimum(f, 0.0), np.minimum(g, 0.0)
    return Dual(f, g, lam)


def _nothing(problem: Problem) -> tuple[Plan, Dual]:
    """The answer where no mass moves."""
    none = np.zeros(0, np.int32)
    n, m = problem.shape
    lam = 0.0 if problem.is_balanced else float(_least(problem.cost, np.zeros(m)).min())
    f = np.full(n, np.nan) if problem.is_balanced else np.zeros(n)
    return Plan(problem.shape, none, none, np.zeros(0)), Dual(f, np.zeros(m), lam)


def _transposed(cost: Cost, rows: Ints, cols: Ints) -> Cost:
    """The cost from columns to rows, of the rows and columns given."""
    part = cost.take(rows, cols)
    if isinstance(part, PointCost):
        return PointCost(part.Y, part.X, metric=part.metric)
    return DenseCost(np.ascontiguousarray(part.block(0, rows.size).T))


def _least(cost: Cost, g: Floats) -> Floats:
    """min_j C_ij - g_j for every row; 0 where all pairs are forbidden."""
    if isinstance(cost, SparseCost):
        least = np.full(cost.shape[0], np.inf)
        np.minimum.at(least, cost.rows, cost.values - g[cost.cols])
    else:
        least = Pricer().row_roots(cost, g, np.zeros(cost.shape[0]))
    return np.where(np.isfinite(least), least, 0.0)
