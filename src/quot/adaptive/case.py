"""A problem on its rows and columns that matter, and how what is found of it is judged."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from quot.adaptive.found import Found
from quot.adaptive.light import heavy, send
from quot.certificate.adaptive import certify_adaptive
from quot.convergence import Monitor, Status, Tolerance
from quot.costs import DenseCost
from quot.dual import Dual
from quot.dummy import largest_cost
from quot.plan import Plan
from quot.prices import unit_for
from quot.problem import AdaptiveProblem
from quot.result import AdaptiveResult
from quot.rounding import repair

Floats = NDArray[np.float64]

# What may be missing at the end, in parts of the tolerance.
_AT_THE_END = 1e-2
# The perplexity that is solved for is so many times the tolerance more.
_MORE = 0.1
# Sizes of masses and costs whose squares, and those of their ratio, are in range.
_LEAST = 1e-60
# So many columns are many.
_MANY = 1000


@dataclass(frozen=True, eq=False)
class Ending:
    """A plan, its potentials, the multipliers of the bounds, and the method it is from."""

    plan: Plan
    f: Floats
    g: Floats
    eps: Floats
    delta: Floats
    method: str = "newton"

    @classmethod
    def of(cls, problem: AdaptiveProblem, found: Found, least: float) -> Ending:
        """That of a plan, less what is below such a part of what a pair can take."""
        most = np.minimum(problem.a[:, None], problem.b)
        row, col = np.nonzero(found.plan > least * most)
        entries = found.plan[row, col]
        plan = Plan(found.plan.shape, row.astype(np.int32), col.astype(np.int32), entries)
        return cls(plan, found.f, found.g, found.eps, found.delta, "interior")

    @property
    def turned(self) -> Ending:
        """The same with rows and columns exchanged."""
        return replace(self, plan=self.plan.T, f=self.g, g=self.f, eps=self.delta, delta=self.eps)


@dataclass(frozen=True)
class Units:
    """Powers of two that masses and costs are counted in: 1 where their squares are in range."""

    mass: float
    cost: float

    @classmethod
    def of(cls, problem: AdaptiveProblem) -> Units:
        """Those of a problem."""
        sizes = problem.total, largest_cost(problem.cost)
        return cls(*(unit_for(size, _LEAST, 1.0 / _LEAST) for size in sizes))

    def reduced(self, problem: AdaptiveProblem) -> AdaptiveProblem:
        """A problem in these units."""
        if self == Units(1.0, 1.0):
            return problem
        cost = problem.cost
        if self.cost != 1.0:
            cost = DenseCost(cost.block(0, problem.shape[0]) / self.cost)
        other = problem.with_masses(problem.a / self.mass, problem.b / self.mass, None)
        return replace(other, cost=cost)

    def restored(self, found: Ending, regularizer: str) -> Ending:
        """What was found in these units."""
        if self == Units(1.0, 1.0):
            return found
        shift = math.log(self.mass) if regularizer == "entropic" else 0.0
        strength = self.cost if regularizer == "entropic" else self.cost / self.mass
        return replace(
            found,
            plan=replace(found.plan, values=found.plan.values * self.mass),
            f=self.cost * (found.f + shift * found.eps),
            g=self.cost * (found.g + shift * found.delta),
            eps=strength * found.eps,
            delta=strength * found.delta,
        )


class Case:
    """A problem on its rows and columns that are not light; see `heavy`.

    Where only columns have a perplexity, or they are more than rows that have one, too, rows and
    columns are exchanged.

    Parameters
    ----------
    problem : AdaptiveProblem
    tolerance : Tolerance
    monitor : Monitor
    """

    def __init__(self, problem: AdaptiveProblem, tolerance: Tolerance, monitor: Monitor) -> None:
        self.problem, self.tolerance, self.monitor = problem, tolerance, monitor
        self.is_turned = _is_better_turned(problem)
        solved = problem.turned if self.is_turned else problem
        self.units = Units.of(problem)
        self.solved, self.shape = self.units.reduced(solved), solved.shape
        # On average light rows do not count, and are found as the others are.
        which = np.flatnonzero if problem.is_average else heavy
        self.rows, self.cols = which(solved.a), which(solved.b)

    @cached_property
    def core(self) -> AdaptiveProblem:
        """The problem, with positive masses and bounded rows."""
        return self.solved.taken(self.rows, self.cols)

    @cached_property
    def raised(self) -> AdaptiveProblem:
        """The same at perplexities a little larger than those asked for.

        So the plan still has these when it has been repaired. Else a part of a b' / sum b would
        give it them, which may be much dearer.
        """
        return self.core.raised(1.0 + _MORE * self.tolerance.gap)

    @property
    def total(self) -> float:
        """The mass of the core, in its unit."""
        return self.problem.total / self.units.mass

    @property
    def nothing(self) -> AdaptiveResult | None:
        """The answer where no mass is to move."""
        if self.rows.size:
            return None
        none = np.zeros(0)
        ending = Ending(Plan.empty(self.shape), none, none, none, none)
        return self.finished(ending, Status.OPTIMAL)

    @property
    def enough(self) -> float:
        """What may be missing at the end, as a part of all mass.

        Of many columns less: a single one may miss it all.
        """
        part = min(1.0, _MANY / max(self.cols.size, 1))
        return part * _AT_THE_END * min(self.tolerance.gap, self.tolerance.primal)

    def is_over(self, result: AdaptiveResult) -> bool:
        """Whether there is nothing more to be done."""
        return result.converged or self.monitor.limit() is not None

    def finished(self, found: Ending, status: Status) -> AdaptiveResult:
        """The plan repaired and certified."""
        found = self.units.restored(self._placed(found), self.problem.regularizer)
        found = found.turned if self.is_turned else found
        return judged(self.problem, found, status, self.tolerance, self.monitor)

    def _placed(self, found: Ending) -> Ending:
        """For all rows and columns; those without mass have prices and multipliers of 0."""
        (n, m), solved, rows, cols = self.shape, self.solved, self.rows, self.cols
        entries = [(rows[found.plan.rows], cols[found.plan.cols], found.plan.values)]
        f, eps = np.zeros((2, n))
        g, delta = np.zeros((2, m))
        f[rows], eps[rows], g[cols], delta[cols] = found.f, found.eps, found.g, found.delta
        light = np.setdiff1d(np.flatnonzero(solved.a), rows)
        if light.size:
            sent = send(solved, light, cols, found.g, found.delta)
            entries.append((sent.row, sent.col, sent.values))
            f[light], eps[light] = sent.price, sent.multiplier
        light = np.setdiff1d(np.flatnonzero(solved.b), cols)
        if light.size:
            sent = send(solved.turned, light, rows, found.f, found.eps)
            entries.append((sent.col, sent.row, sent.values))
            g[light], delta[light] = sent.price, sent.multiplier
        i, j, values = (np.concatenate(each) for each in zip(*entries, strict=True))
        order = np.lexsort((j, i))
        plan = Plan(self.shape, i[order].astype(np.int32), j[order].astype(np.int32), values[order])
        return Ending(plan, f, g, eps, delta, found.method)


def _is_better_turned(problem: AdaptiveProblem) -> bool:
    """Whether rows and columns are exchanged: bounded ones answer, or if all are, the more."""
    n, m = problem.shape
    return problem.row_perplexity is None or (problem.col_perplexity is not None and n < m)


def judged(
    problem: AdaptiveProblem,
    found: Ending,
    status: Status,
    tolerance: Tolerance,
    monitor: Monitor,
) -> AdaptiveResult:
    """An ending of a problem itself: the plan repaired and certified."""
    plan, multipliers = repair(problem, found.plan), (found.eps, found.delta)
    result = AdaptiveResult.of(
        problem,
        plan,
        Dual(found.f, found.g),
        status,
        tolerance=tolerance,
        monitor=monitor,
        method=found.method,
        certificate=certify_adaptive(problem, plan, found.f, found.g, multipliers),
    )
    return replace(result, row_multipliers=found.eps, col_multipliers=found.delta)
