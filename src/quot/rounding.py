"""Repair a plan to exact marginals without losing its sparsity."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quot.costs import Cost, SparseCost
from quot.coupling import sums
from quot.gibbs_plan import AnyPlan
from quot.kernels import forest
from quot.kernels import rounding as kernels
from quot.plan import Plan
from quot.problem import Problem, Transport

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int32]

_EPS = float(np.finfo(np.float64).eps)
ROUND_OFF = 16 * _EPS
# A marginal this close to its bound (relative) is meant to be on it.
ON_BOUND = 1e-6
# One said to be full must at least be this full to be believed, and lack no more than this part of
# the largest mass: what says so, a multiplier that is not zero, may be rounding.
_MOSTLY, _LITTLE = 0.5, 1e-6
# So often the rest is sent along allowed pairs that carry nothing yet.
_TRIES = 10
# Among so many pairs of open rows and columns the cheapest are looked for.
_FEW = 4_000_000
# So many of the cheapest pairs for each row and column are sorted first, and so many times more
# where these do not do.
_SOME = 8


class Marginals(NamedTuple):
    """What a plan sends and gets, beside the masses of a problem.

    Parameters
    ----------
    off, over : float
        The largest violation of a marginal or of P >= 0 where all mass moves, and where it need
        not; NaN propagates.
    total : float
    rows, cols : array of shape (n,), (m,)
        Sums of the plan.
    beyond : bool
        Whether an entry is larger than the mass of its row or column.
    """

    off: float
    over: float
    total: float
    rows: Floats
    cols: Floats
    beyond: bool

    @classmethod
    def of(cls, problem: Transport, plan: AnyPlan) -> Marginals:
        """Of a plan that is a list of entries, in one pass, or of any other."""
        if isinstance(plan, Plan):
            return cls(*kernels.survey(plan.rows, plan.cols, plan.values, problem.a, problem.b))
        rows, cols, negative = plan.row_sums(), plan.col_sums(), -plan.least
        sides = rows - problem.a, cols - problem.b
        off = np.max([*(np.abs(side).max() for side in sides), negative])
        over = np.max([*(side.max() for side in sides), negative, 0.0])
        return cls(float(off), float(over), plan.total, rows, cols, beyond=False)

    def error(self, problem: Transport) -> float:
        """The largest violation; see `marginal_error`."""
        unit = problem.unit
        if problem.is_balanced:
            return float(self.off / unit)
        excess = abs(self.total - problem.total) / (problem.total or unit)
        return float(np.maximum(self.over / unit, excess))


def repair(
    problem: Transport,
    plan: Plan,
    full: tuple[Bools, Bools] | None = None,
    *,
    seen: Marginals | None = None,
) -> Plan:
    """Return a plan with exact marginals, near the given one and on its support if possible.

    No entry is left larger than the mass of its row or column, which rounding of larger masses may
    have made it. Then the missing mass is routed along a spanning forest of the support, heaviest
    entries first, which changes no zero; what that cannot mend goes through `round_sparse`. If only
    forbidden pairs could take the rest, that is done again, some times, along forests of all
    allowed pairs. What still stays open `is_feasible` tells.

    In a partial problem `full` may tell which rows (n,) and columns (m,) are known to send and
    take all their mass; the others of less than that keep some back. Where what is kept has an
    entropy none is full, whatever is said. `seen`: the marginals of the plan, if they are known.
    """
    seen = seen or Marginals.of(problem, plan)
    if seen.beyond:
        plan, seen = _capped(problem, plan), None
    if full is None and (seen or Marginals.of(problem, plan)).error(problem) <= ROUND_OFF:
        return plan
    if problem.has_slack:
        full = np.zeros(problem.a.size, np.bool_), np.zeros(problem.b.size, np.bool_)
    mended = plan
    if plan.nnz:
        mended = _mend_on_support(problem, plan, full or (None, None))
        if marginal_error(problem, mended) <= ROUND_OFF:
            return mended
    found = [round_sparse(mended, problem.a, problem.b, problem.total, problem.cost)]
    while isinstance(problem.cost, SparseCost) and len(found) <= _TRIES:
        if is_feasible(problem, found[-1]):
            return found[-1]
        wider = _mend_on_support(problem, _widened(found[-1], problem.cost), full or (None, None))
        found.append(round_sparse(wider, problem.a, problem.b, problem.total, problem.cost))
    return max(found, key=lambda plan: plan.total)


def _widened(plan: Plan, cost: SparseCost) -> Plan:
    """The plan and all allowed pairs, with nothing more on them, the cheapest first."""
    order = np.argsort(cost.values, kind="stable")
    return Plan(
        plan.shape,
        np.concatenate((plan.rows, cost.rows[order])),
        np.concatenate((plan.cols, cost.cols[order])),
        np.append(plan.values, np.zeros(order.size)),
    )


def _capped(problem: Transport, plan: Plan) -> Plan:
    """The plan with no entry above the mass of its row or column."""
    most = np.minimum(problem.a[plan.rows], problem.b[plan.cols])
    return replace(plan, values=np.minimum(plan.values, most))


def marginal_error(problem: Transport, plan: AnyPlan) -> float:
    """Return the largest violation of a marginal, of P >= 0, or of the total; NaN propagates.

    The first two in units of the most that a row or column can send or get, the last relative to
    the total.
    """
    return Marginals.of(problem, plan).error(problem)


def is_feasible(problem: Transport, plan: AnyPlan, seen: Marginals | None = None) -> bool:
    """Whether a repaired plan satisfies all constraints up to the rounding of the total.

    It moves too little where forbidden pairs were all that was left. `seen`: its marginals, if they
    are known.
    """
    if (seen or Marginals.of(problem, plan)).error(problem) <= ROUND_OFF:
        return True
    differ = abs(float(problem.a.sum() - problem.b.sum())) if problem.is_balanced else 0.0
    return bool(problem.total - plan.total <= 4 * ROUND_OFF * problem.total + differ)


def visible(problem: Problem, plan: Plan) -> Plan:
    """The plan less what is lost in the rounding of its row's and column's mass, or of the total.

    The latter of a partial problem, where it costs what does not get lost: a mass that was summed
    in floating point leaves open whether a row or column that has no more is to send it, at any
    price.
    """
    size = plan.values
    lost = size <= _EPS * np.minimum(problem.a[plan.rows], problem.b[plan.cols])
    crumb = size <= (0.0 if problem.is_balanced else _EPS * problem.total)
    if crumb.any():
        paid = np.abs(problem.cost.at(plan.rows, plan.cols) + problem.reg * size) * size
        lost |= crumb & (paid > _EPS * float(paid[~crumb].sum()))
    return plan.kept(~lost)


def round_sparse(plan: Plan, a: Floats, b: Floats, mass: float, cost: Cost | None = None) -> Plan:
    """Round any P >= 0 into {P 1 <= a, P' 1 <= b, sum P = mass}.

    Rows, then columns, are scaled down to their masses. What is missing then, but for the rounding
    of the total, is added on few new entries, at most n + m - 1: between rows and columns that are
    left open, the cheapest pairs first and never forbidden ones; or, without a cost or where there
    are very many of both, by the north-west corner rule.
    The l1 distance to the input is at most
    ``2 (sum [P1 - a]_+ + sum [P'1 - b]_+) + |sum P - mass|``. With ``mass`` equal to both totals
    all marginals are met.
    """
    n, m = plan.shape
    if mass <= 0.0:
        return Plan.empty(plan.shape)
    values = np.maximum(plan.values, 0.0)
    values = values * shrink(a, sums(plan.rows, values, n))[plan.rows]
    values = values * shrink(b, sums(plan.cols, values, m))[plan.cols]
    moved = float(values.sum())
    if moved >= mass:
        return _merge(plan.shape, plan.rows, plan.cols, values * (mass / moved))
    left_a = np.maximum(a - sums(plan.rows, values, n), 0.0)
    left_b = np.maximum(b - sums(plan.cols, values, m), 0.0)
    missing = mass - moved
    open_a, open_b = np.flatnonzero(left_a), np.flatnonzero(left_b)
    if missing <= ROUND_OFF * mass or not (open_a.size and open_b.size):
        return _merge(plan.shape, plan.rows, plan.cols, values)
    if cost is None or open_a.size * open_b.size > _FEW:
        left_a *= min(1.0, missing / (float(left_a.sum()) or 1.0))
        left_b *= min(1.0, missing / (float(left_b.sum()) or 1.0))
        rows, cols, extra = _northwest(left_a, left_b)
    else:
        rows, cols, extra = _cheapest(cost, left_a, left_b, missing)
    return _merge(
        plan.shape,
        np.concatenate((plan.rows, rows)),
        np.concatenate((plan.cols, cols)),
        np.concatenate((values, extra)),
    )


def _cheapest(cost: Cost, a: Floats, b: Floats, mass: float) -> tuple[Ints, Ints, Floats]:
    """Send `mass` from a to b by the cheapest pairs between what is open: rows, cols, values."""
    open_a, open_b = np.flatnonzero(a), np.flatnonzero(b)
    between = cost.take(open_a, open_b).block(0, open_a.size).ravel()
    count = _SOME * (open_a.size + open_b.size)
    while True:
        order = _least(between, count)
        i, j = np.divmod(order, open_b.size)
        rows, cols = open_a[i].astype(np.int32), open_b[j].astype(np.int32)
        values: Floats = kernels.fill(rows, cols, a, b, mass)
        if count >= between.size or mass - float(values.sum()) <= ROUND_OFF * mass:
            break
        count *= _SOME
    sent = values > 0.0
    return rows[sent], cols[sent], values[sent]


def _least(x: Floats, count: int) -> NDArray[np.intp]:
    """Where the least so many numbers are, or more if some are equal, in order; without inf."""
    last = np.partition(x, count - 1)[count - 1] if count < x.size else np.inf
    least = np.flatnonzero((x <= last) & (x < np.inf))
    return least[np.argsort(x[least], kind="stable")]


def _northwest(a: Floats, b: Floats) -> tuple[Ints, Ints, Floats]:
    """Send all of a to b, from the first to the first: rows, cols, values."""
    one, mass = np.zeros(1, np.int32), np.full(1, np.inf)
    rows, cols = ((np.arange(side.size), np.array([0, side.size])) for side in (a, b))
    sent: tuple[Ints, Ints, Floats] = kernels.refine(one, one, mass, *rows, a, *cols, b)
    return sent


def _mend_on_support(
    problem: Transport, plan: Plan, full: tuple[Bools | None, Bools | None]
) -> Plan:
    """Route what is missing along a spanning forest of the support.

    Rows and columns that keep mass back hang on two more nodes, S and T, through which the total
    is put right.
    """
    values = np.maximum(plan.values, 0.0)
    have = sums(plan.rows, values, problem.a.size), sums(plan.cols, values, problem.b.size)
    free_a, short_a = _slack(problem, problem.a, have[0], full[0])
    free_b, short_b = _slack(problem, problem.b, have[1], full[1])
    mended = forest.mend(
        plan.rows, plan.cols, values, *have, problem.a, problem.b, free_a, free_b, short_a, short_b
    )
    return _merge(plan.shape, plan.rows, plan.cols, mended)


def _slack(
    problem: Transport, mass: Floats, have: Floats, full: Bools | None
) -> tuple[Bools, float]:
    """Rows (or columns) that keep mass back, and how much they fall short of the total in all."""
    if problem.fills(mass):
        return np.zeros(mass.size, np.bool_), 0.0
    if full is None:
        free = have < mass * (1 - ON_BOUND)
    else:
        missing = mass - have
        nearly = (have > _MOSTLY * mass) & (missing <= _LITTLE * float(mass.max()))
        free = (missing > 0.0) & ~(full & nearly)
    given = float(mass[~free].sum() + have[free].sum())
    return free, problem.total - given


def shrink(bound: Floats, have: Floats) -> Floats:
    """Return min(1, bound / sums), 1 where the sum is zero."""
    factor = np.ones(have.size)
    np.divide(bound, have, out=factor, where=have > bound)
    return factor


def _merge(shape: tuple[int, int], rows: Ints, cols: Ints, values: Floats) -> Plan:
    """Sum repeated pairs, drop zeros, sort."""
    plan = Plan(shape, rows, cols, values).ordered()
    return plan.kept(plan.values > 0.0)
