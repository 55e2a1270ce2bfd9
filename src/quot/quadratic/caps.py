"""Costs that nobody pays, capped while a problem is solved.

Very dear pairs, 1e15 for 'never', would only spoil the precision of prices. Where they carry
nothing although they are taken to be cheaper, the plan is optimal for the costs as they are, and
the potentials fit those. Only costs change, never what can flow.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quot.costs import Cost, DenseCost, PointCost, SparseCost, usual_cost
from quot.dual import Dual
from quot.plan import Plan
from quot.prices import positive_middle_price, unit_for
from quot.problem import Problem
from quot.quadratic.linear import MATRIX

Floats = NDArray[np.float64]

# Costs are capped at so many times what a row or column has to pay, at first; where dearer pairs
# carry something, at so many times that, and with each of so many tries at the square of that.
_DEAR, _TRIES = 1e4, 8
# Dear is only what is so many powers of two above all else.
_GAP = 10
# Mass that rounding explains, relative to the total.
_CRUMB = 1e-15
# A cap rises in no larger step.
_HUGE = 1e100


@dataclass(frozen=True, eq=False)
class Capped:
    """A problem with its costs capped, and all prices in another unit, a power of two."""

    problem: Problem
    original: Problem
    cap: float
    unit: float

    @classmethod
    def of(cls, problem: Problem, cap: float) -> Capped:
        """The problem itself where no cost is above the cap, nor out of range."""
        values = _values(problem.cost)
        if values is None or not values.size:
            return cls(problem, problem, math.inf, 1.0)
        high = float(values.max())
        size = max(abs(float(values.min())), abs(min(high, cap)))
        unit = unit_for(size)
        if high <= cap and unit == 1.0:
            return cls(problem, problem, math.inf, 1.0)
        capped = np.minimum(values, cap) / unit
        cost: Cost = DenseCost(capped)
        if isinstance(problem.cost, SparseCost):
            cost = replace(problem.cost, values=capped)
        reg = problem.reg / unit
        return cls(replace(problem, cost=cost, reg=reg), problem, min(cap, high), unit)

    def pays(self, plan: Plan) -> bool:
        """Whether the plan sends more than rounding explains at costs above the cap."""
        if self.problem is self.original:
            return False
        much = plan.values > _CRUMB * self.original.total
        cost = self.original.cost.at(plan.rows[much], plan.cols[much])
        return float(cost.max(initial=-math.inf)) > self.cap

    def to_unit(self, dual: Dual) -> Dual:
        """A dual point of the original in the prices of the problem."""
        return _scaled(dual, 1.0 / self.unit)

    def dual(self, dual: Dual) -> Dual:
        """A dual point of the problem in the prices of the original."""
        return _scaled(dual, self.unit)

    def plan(self, plan: Plan) -> Plan:
        """A plan less crumbs on pairs above the cap."""
        if self.problem is self.original:
            return plan
        cost = self.original.cost.at(plan.rows, plan.cols)
        kept = (cost <= self.cap) | (plan.values > _CRUMB * self.original.total)
        return Plan(plan.shape, plan.rows[kept], plan.cols[kept], plan.values[kept])


def caps(problem: Problem) -> Iterator[Capped]:
    """Yield the problem with higher and higher caps, to be ended by who finds one high enough."""
    written = _written_out(problem)
    (low, cap), step = _first_cap(written), _DEAR
    for _ in range(_TRIES):
        now = Capped.of(written, cap)
        if now.problem is written:
            break
        yield now
        cap, step = low + step * (cap - low), min(step * step, _HUGE)
    yield Capped.of(problem, math.inf)


def _written_out(problem: Problem) -> Problem:
    """The problem with costs between few points as a matrix, if some lie so far out to be dear."""
    cost, (n, m) = problem.cost, problem.shape
    if not isinstance(cost, PointCost) or cost.metric == "cosine" or n * m > MATRIX:
        return problem
    corners = np.concatenate(cost.positions)
    low, high = corners.min(axis=0, keepdims=True), corners.max(axis=0, keepdims=True)
    across = float(PointCost(low, high, cost.metric).block(0, 1)[0, 0])
    if across <= _DEAR * usual_cost(cost):
        return problem
    return replace(problem, cost=DenseCost(np.ascontiguousarray(cost.block(0, n))))


def _scaled(dual: Dual, unit: float) -> Dual:
    return dual if unit == 1.0 else Dual(dual.f * unit, dual.g * unit, dual.lam * unit)


def _values(cost: Cost) -> Floats | None:
    """All costs as they are kept; None where they are not, as between points."""
    if isinstance(cost, DenseCost):
        return cost.C
    return cost.values if isinstance(cost, SparseCost) else None


def _first_cap(problem: Problem) -> tuple[float, float]:
    """The least cost, and the first cap."""
    values = _values(problem.cost)
    if values is None or not values.size:
        return 0.0, math.inf
    low = float(values.min())
    squares = problem.reg * min(float(problem.a.max()), float(problem.b.max()), problem.total)
    sides = zip(_minima(problem.cost), (problem.a, problem.b), strict=True)
    needed = squares + max(
        positive_middle_price(least - low, mass, problem.total) for least, mass in sides
    )
    if needed == 0.0:  # half of it costs no more than the least
        needed = float(values.min(where=values > low, initial=math.inf)) - low
    return low, _at_a_gap(values, low, low + _DEAR * needed)


def _at_a_gap(values: Floats, low: float, cap: float) -> float:
    """The cap, or a higher one: costs above it are many times those below."""
    if float(values.max()) <= cap:
        return cap
    above = values[values > low] - low
    there = np.unique(np.frexp(above)[1])
    last = np.append(np.diff(there) > _GAP, True)  # of costs of about one size
    first = np.append(True, last[:-1])
    begins, ends = (low + np.ldexp(1.0, there[at] - k) for at, k in ((first, 1), (last, 0)))
    own = int(np.searchsorted(ends, cap))
    return float(ends[own]) if own < ends.size and begins[own] <= cap else cap


def _minima(cost: Cost) -> tuple[Floats, Floats]:
    """The least cost of each row and of each column."""
    if isinstance(cost, DenseCost):
        return cost.C.min(axis=1), cost.C.min(axis=0)
    assert isinstance(cost, SparseCost)
    least = tuple(np.full(size, math.inf) for size in cost.shape)
    for side, index in zip(least, (cost.rows, cost.cols), strict=True):
        np.minimum.at(side, index, cost.values)
    return least[0], least[1]
