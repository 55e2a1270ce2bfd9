"""A problem between rows and columns with its costs capped; see `ceiling`."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quot.costs import Cost, DenseCost, PointCost, SparseCost, sample
from quot.dual import Dual
from quot.plan import Plan
from quot.prices import DEAR, Extent, are_moderate, least_size, middle_price, unit_for
from quot.problem import Problem
from quot.quadratic.ceiling import Ceiling
from quot.settings import settings

Floats = NDArray[np.float64]

# Dear is only what is so many powers of two above all else; but no cap is raised for that by more
# than the second: of what is paid, DEAR times below it, hardly a digit would be left.
_GAP, _FAR = 10, 1e10
# The power of two that `frexp` gives is this much less than the one that is stored, in 11 bits; so
# many numbers at a time are looked at, as copies of all would take longest.
_BIAS, _BINS, _CHUNK = 1022, 2048, 65_536
# What costs up to so many times as much as squares add may be paid: else it is taken to be dear.
_BESIDE = 1e12
# Mass that rounding explains, relative to the total.
_CRUMB = 1e-15


@dataclass(frozen=True, eq=False)
class Capped:
    """A problem with its costs capped, and all prices in another unit, a power of two.

    Parameters
    ----------
    problem : Problem
        What is solved instead: the original itself where no cost is above the cap or out of range.
    original : Problem
        Its costs are written out if some of few points lie so far out to be dear.
    ceiling : Ceiling
    least : float
        The least cost, from which the ceiling is measured.
    unit : float
        What a price of the problem is in the original.
    """

    problem: Problem
    original: Problem
    ceiling: Ceiling
    least: float
    unit: float

    @classmethod
    def first(cls, problem: Problem) -> Capped:
        """With the first cap to try."""
        cost = problem.cost
        if isinstance(cost, DenseCost) and are_moderate(
            cost.extent, problem.a, problem.b, problem.total, DEAR
        ):
            return cls(problem, problem, Ceiling(math.inf), cost.extent.low, 1.0)
        written = _written_out(problem)
        least, cap = _first_cap(written)
        found = cls.of(written, Ceiling(cap - least), least)
        if written is not problem and found.problem is written:  # points were good enough
            return cls.of(problem, found.ceiling, 0.0)
        return found

    @classmethod
    def of(cls, problem: Problem, ceiling: Ceiling, least: float) -> Capped:
        """With this cap."""
        kept = _kept(problem.cost)
        if kept is None:
            return cls(problem, problem, ceiling, least, 1.0)
        values, (*_, high), cap = *kept, least + ceiling.cap
        if high <= cap:
            ceiling, cap = replace(ceiling, cap=math.inf), math.inf
        size = max(abs(least), abs(min(high, cap))) or problem.reg * problem.total
        unit = unit_for(max(size, least_size(problem.reg, problem.total)))
        if cap == math.inf and unit == 1.0:
            return cls(problem, problem, ceiling, least, unit)
        capped = np.minimum(values, cap) / unit
        cost: Cost = DenseCost(capped)
        if isinstance(problem.cost, SparseCost):
            cost = replace(problem.cost, values=capped)
        solved = replace(problem, cost=cost, reg=problem.reg / unit)
        return cls(solved, problem, ceiling, least, unit)

    def next(self, cost: Cost, plan: Plan, *, is_good: bool) -> Capped | None:
        """With another cap, where what a plan pays at the costs as they are says so."""
        kept = _kept(self.original.cost)
        if kept is None or (is_good and self.ceiling.was_never_low):
            return None
        much = plan.values > _CRUMB * self.original.total
        prices, used = kept[0] - self.least, cost.at(plan.rows[much], plan.cols[much]) - self.least
        ceiling = self.ceiling.next(prices, used, is_good=is_good)
        return None if ceiling is None else Capped.of(self.original, ceiling, self.least)

    def to_unit(self, dual: Dual) -> Dual:
        """A dual point of the original in the prices of the problem."""
        return _scaled(dual, 1.0 / self.unit)

    def dual(self, dual: Dual) -> Dual:
        """A dual point of the problem in the prices of the original."""
        return _scaled(dual, self.unit)

    def plan(self, plan: Plan) -> Plan:
        """A plan less crumbs on pairs above the cap."""
        if self.ceiling.cap == math.inf:
            return plan
        cost = self.original.cost.at(plan.rows, plan.cols) - self.least
        kept = (cost <= self.ceiling.cap) | (plan.values > _CRUMB * self.original.total)
        return plan.kept(kept)


def _written_out(problem: Problem) -> Problem:
    """The problem with costs between few points as a matrix, if some may lie too far out."""
    cost, (n, m) = problem.cost, problem.shape
    if not isinstance(cost, PointCost) or cost.metric == "cosine" or n * m > settings().matrix:
        return problem
    corners = np.concatenate(cost.positions)
    low, high = corners.min(axis=0, keepdims=True), corners.max(axis=0, keepdims=True)
    across = float(PointCost(low, high, cost.metric).block(0, 1)[0, 0])
    if across <= DEAR * float(sample(cost).min()) and unit_for(across) == 1.0:
        return problem
    return replace(problem, cost=DenseCost(np.ascontiguousarray(cost.block(0, n))))


def _scaled(dual: Dual, unit: float) -> Dual:
    return dual if unit == 1.0 else Dual(dual.f * unit, dual.g * unit, dual.lam * unit)


def _kept(cost: Cost) -> tuple[Floats, Extent] | None:
    """All costs as they are kept, and how far they reach; None where they are not, or none is."""
    if isinstance(cost, DenseCost):
        return cost.C, cost.extent
    if isinstance(cost, SparseCost) and cost.values.size:
        return cost.values, cost.extent
    return None


def _first_cap(problem: Problem) -> tuple[float, float]:
    """The least cost, and the first cap."""
    kept = _kept(problem.cost)
    if kept is None:
        return 0.0, math.inf
    values, (rows, cols, low, high) = kept
    squares = problem.reg * min(float(problem.a.max()), float(problem.b.max()), problem.total)
    middle = max(
        middle_price(least[able] - low, mass[able], problem.total)
        for least, mass in ((rows, problem.a), (cols, problem.b))
        for able in [least < math.inf]
    )
    if middle == 0.0:  # half of it costs no more than the least, the rest perhaps the next
        more = float(values.min(where=values > low, initial=math.inf)) - low
        middle = more if squares == 0.0 or more <= _BESIDE * squares else 0.0
    cap = low + DEAR * (squares + middle)
    return low, cap if high <= cap else _at_a_gap(values.ravel(), low, cap)


def _at_a_gap(values: Floats, low: float, cap: float) -> float:
    """The cap, or a higher one: costs above it are many times those below."""
    counts = np.zeros(_BINS, np.int64)
    for start in range(0, values.size, _CHUNK):
        sizes = (values[start : start + _CHUNK] - low).view(np.int64) >> 52  # powers of two
        counts += np.bincount(sizes, minlength=_BINS)
    there = np.flatnonzero(counts[1:]) + 1 - _BIAS  # but of what is next to nothing
    last = np.append(np.diff(there) > _GAP, True)  # of costs of about one size
    first = np.append(True, last[:-1])
    begins, ends = (low + np.ldexp(1.0, there[at] - k) for at, k in ((first, 1), (last, 0)))
    own = int(np.searchsorted(ends, cap))
    if own == ends.size or begins[own] > cap or ends[own] - low > _FAR * (cap - low):
        return cap
    return float(ends[own])
