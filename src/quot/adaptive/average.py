"""Plans that have a perplexity on average: entropic or quadratic transport at the strength for it.

One strength eps is paid for spreading by all pairs alike, and it is a variable: the dual value
``f.a + g.b - eps sum h*((f_i + g_j - C_ij)/eps) - eps bound`` is concave in f, g and eps. Rows find
their prices; Newton's method finds those of the columns and eps at once, by the Hessian of the
prices with one row and column more. Where even the cheapest plan has the perplexity, eps falls
without end; then linear transport is asked.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from numpy.typing import NDArray

from quot.adaptive.case import Case, Ending
from quot.adaptive.linear import solve_linear
from quot.adaptive.pairs import Pairs
from quot.adaptive.rows import AdaptiveRows, Answer
from quot.adaptive.system import System
from quot.ascent import Ascent, Point
from quot.convergence import Iterate, Monitor, Status, Tolerance
from quot.gradients import conjugate_gradients
from quot.kernels import adaptive as kernels
from quot.parallel import dot
from quot.perplexity import bounds, largest
from quot.problem import AdaptiveProblem
from quot.result import AdaptiveResult, best_of
from quot.stopping import report, run

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# The first eps, in parts of the range of costs over a typical entry; how it falls, and what may be
# missing on the way.
_FIRST, _LOWER, _ON_THE_WAY = 0.05, 0.125, 1e-2
# The logarithm of eps changes by so much in one step at most; one of perplexities beyond this is as
# good as it.
_STEP, _MOST = 2.0, 700.0
# An entropic plan that is closer to the largest perplexity than by this part of what it is to be is
# taken to be so close: where columns are not balanced it may seem to have more than there is.
_NEXT_TO_NOTHING = 0.1
# Eps ends at this part of the first one; how that is lowered, and how often at most.
_LEAST, _FURTHER, _ENDS = 1e-5, 1.0 / 64.0, 20
# How what may be missing at the end falls where it is too much.
_CLOSER = 1e-2
# Less may not be asked for, in parts of all mass.
_ROUNDING = 1e-14
# Iterations at most for a direction, and the residual where much is missing.
_MANY, _ROUGH = 400, 0.05


class AverageRows(AdaptiveRows):
    """Rows at the prices at which they send their mass, where spreading costs all pairs the same.

    The last of the variables v, (m + 1,), is that cost eps, scaled so that what is wrong with the
    bound counts as mass.

    Parameters
    ----------
    problem : AdaptiveProblem
        Masses positive, rows bounded.
    pairs : Pairs
    """

    is_free = True
    least = 0.0

    def __init__(self, problem: AdaptiveProblem, pairs: Pairs) -> None:
        super().__init__(problem, pairs, np.zeros(problem.b.size))
        assert problem.row_bounds is not None
        assert problem.row_units is not None
        most = np.full(problem.a.size, largest(problem.b, problem.regularizer))
        self.bound = float(problem.row_bounds.sum())
        # That of a b' / sum b.
        self.lowest = float(bounds(problem.a, most, problem.regularizer).sum())
        # With eps, prices grow so, and what costs make of them beside.
        self.growth = np.log(problem.b) if self.is_entropic else problem.b / problem.a.size
        self.range, self.reach = self.reach, np.inf
        self.scale = float(problem.row_units.sum()) / problem.total

    def keep_above(self, least: float) -> None:
        """Let eps be no less than that."""
        self.least, low = least, np.full(self.problem.b.size + 1, -np.inf)
        low[-1] = least * self.scale
        self.box = low, np.full(low.size, np.inf)

    @property
    def wanted(self) -> Floats:
        """What the dual value has for each price and for eps, scaled."""
        return np.append(self.problem.b, -self.bound / self.scale)

    def costs(self, v: Floats) -> Floats:
        """Eps for each column, (m,)."""
        return np.full(v.size - 1, v[-1] / self.scale)

    def _summed(self, v: Floats, total: Floats) -> tuple[Floats, float]:
        m = v.size - 1
        return np.append(total[:m], -total[m:-1].sum() / self.scale), float(total[-1])

    def direction(
        self, answer: Answer, wanted: Floats, at_top: Bools, top: float, firm: float
    ) -> Floats:
        """How prices and eps would move for each to get so much more."""
        m, eps = self.problem.b.size, float(answer.v[-1] / self.scale)
        missing = math.sqrt(float(np.abs(wanted).sum()) / self.problem.total)
        left = min(_ROUGH, missing, self.ratio(self.bound))
        listed = self.entries(answer)
        system = System.of(listed, answer.moments, np.repeat((False, True), m), firm)
        own, change = _solved(system, wanted[:m], left), 0.0
        if wanted[m] != 0.0:  # else it would fall and may not
            border, each = np.zeros((2, m))
            kernels.product(*listed, *answer.moments, self.growth, np.ones(m), border, each)
            follows = _solved(system, border, left)
            over = wanted[m] * self.scale + dot(self.growth, wanted[:m]) - dot(border, own)
            fall = dot(self.growth, border) + float(each.sum()) - dot(border, follows)
            change = max(eps * math.expm1(self._logarithm(over, fall * eps)), self.least - eps)
            own -= change * follows
        # A column that gets next to nothing would go anywhere; the others are not to wait for it.
        near = np.clip(own, -self.range, self.range)
        found = np.append(near + change * self.growth, change * self.scale)
        if dot(found, wanted) > 0.0:
            return found
        part = min(1.0, self.range / (float(np.abs(own).max()) or 1.0))
        return part * np.append(own + change * self.growth, change * self.scale)

    def _logarithm(self, over: float, fall: float) -> float:
        """How the logarithm of eps changes for the sum of h to fall by so much, at such a rate.

        How much larger the largest perplexity is than that of the plan, in parts of this, is nearly
        a power of eps.
        """
        rest, wanted = self.ratio(self.bound + over), self.ratio(self.bound)
        if self.is_entropic:
            rest = max(rest, _NEXT_TO_NOTHING * wanted)
        if rest > 0.0:  # squares may sum up to less than those of a b' / sum b
            unit = self.problem.total / (1.0 + rest) if self.is_entropic else self.lowest
            over = unit * rest * math.log(rest / wanted)
        if fall <= 0.0:
            return math.copysign(_STEP, over)
        return min(max(over / fall, -_STEP), _STEP)

    @property
    def roughly(self) -> float:
        """What may be missing on the way, in parts of all mass."""
        return min(_ON_THE_WAY, self.ratio(self.bound))

    def ratio(self, spread: float) -> float:
        """The largest perplexity over that of such a sum of h, less 1."""
        if self.is_entropic:
            return math.expm1(min((spread - self.lowest) / self.problem.total, _MOST))
        return spread / self.lowest - 1.0


def _solved(system: System, wanted: Floats, left: float) -> Floats:
    """Changes of prices, (m,), for columns to get so much more where eps stays."""
    m, x = wanted.size, system.x

    def product(z: Floats) -> Floats:
        return system.product(np.append(z, np.zeros(m)))[:m]

    # What all prices share does nothing.
    right = wanted - x * (wanted.sum() / x.sum())
    found, _ = conjugate_gradients(product, right, lambda r: r / x, most=_MANY, left=left)
    return found


def solve_average_problem(
    problem: AdaptiveProblem, tolerance: Tolerance, monitor: Monitor
) -> AdaptiveResult:
    """Solve, repair and certify; at a lower least eps, or as linear transport, where that is it."""
    case = Case(problem, tolerance, monitor)
    nothing = case.nothing
    if nothing is not None:
        return nothing
    core, enough = case.core, case.enough * case.total
    way = Newton(core, Pairs.every(core), monitor)
    results: list[AdaptiveResult] = []
    linear: AdaptiveResult | None = None
    for _ in range(_ENDS):
        status = run(monitor, partial(way.run, enough))
        results.append(case.finished(way.found(), status))
        if results[-1].converged or status is not Status.OPTIMAL:
            break
        if not way.is_at_the_least:
            if way.missing > enough or enough <= _ROUNDING * case.total:
                break
            enough *= _CLOSER
            continue
        if linear is None:
            linear = solve_linear(problem, tolerance, monitor)
            results.append(linear)
            if linear.converged or monitor.limit() is not None:
                break
        way.end *= _FURTHER
    return best_of(*results)


class Newton:
    """Newton's method in the prices of columns and eps.

    Parameters
    ----------
    problem : AdaptiveProblem
        Masses positive, rows bounded on average.
    pairs : Pairs
        All of it.
    monitor : Monitor

    Attributes
    ----------
    end : float
        Eps is no less; may be lowered between runs.
    is_at_the_least : bool
        Whether eps would fall further if it might.
    missing : float
        What columns miss, and what is wrong with the bound.
    """

    is_at_the_least, missing = True, math.inf

    def __init__(self, problem: AdaptiveProblem, pairs: Pairs, monitor: Monitor) -> None:
        self.problem, self.pairs, self.monitor = problem, pairs, monitor
        n, m = problem.shape
        typical = 1.0
        if problem.regularizer == "quadratic":  # what spreading costs is a cost per mass
            typical = float(problem.a @ problem.a) / (problem.total * m)
        self.eps = _FIRST * (float(np.ptp(pairs.cost)) or 1.0) / typical
        self.end = _LEAST * self.eps
        self.rows = AverageRows(problem, pairs)
        v = np.append(np.zeros(m), self.eps * self.rows.scale)
        self.best = Answer(v, np.zeros(n), np.zeros(n), np.empty((3, n)))

    def run(self, enough: float) -> None:
        """Go down with eps until columns miss no more than that, at the perplexity asked for."""
        roughly = goal = max(self.rows.roughly * self.problem.total, enough)
        while True:
            self._settle(max(self.end, _LOWER * self.eps), goal)
            is_on_the_way = self.is_at_the_least and self.eps > self.end
            if goal == enough and not is_on_the_way:
                return
            goal = roughly if is_on_the_way else enough

    def found(self) -> Ending:
        """The plan so far, with its prices and eps."""
        eps, delta = np.full(self.best.f.size, self.eps), np.zeros(self.problem.b.size)
        return Ending(self.rows.plan(self.best), self.best.f, self.best.v[:-1], eps, delta)

    def _settle(self, lowest: float, enough: float) -> None:
        rows, v = self.rows, self.best.v
        rows.keep_above(lowest)
        least = lowest * rows.scale
        before = self.monitor.steps
        ascent = Ascent(rows.wanted, 0.0, rows, self.monitor, v=v, near=self.best)
        try:
            ascent.persist(enough, self.problem.total)
        finally:
            self.missing = ascent.best.wrong
            self.best, eps = ascent.best.answer, float(ascent.best.v[-1] / rows.scale)
            self.is_at_the_least = bool(ascent.best.v[-1] <= least)
            self.eps = lowest if self.is_at_the_least else eps
        report(self.monitor, self._iterate(ascent.best, self.monitor.steps - before))

    def _iterate(self, point: Point[Answer], steps: int) -> Iterate:
        return Iterate(
            residual=point.wrong / self.problem.unit,
            support=self.rows.entries(point.answer)[1].size,
            candidates=self.pairs.col.size,
            violators=0,
            reg=self.eps,
            inner=steps,
        )
