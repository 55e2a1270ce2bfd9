"""Adaptive problems as they are solved: by Newton's method, to a low floor under the multipliers.

A bound that is met with room to spare has the multiplier 0, where the dual is not smooth. So there
is a floor: then some spreading is paid for, and the dual value without the floor is too low by what
bounded rows do not use. It is lowered until that is within the tolerance.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from quot import memory
from quot.adaptive.found import Found
from quot.adaptive.interior import Interior
from quot.adaptive.rows import AdaptiveRows, Answer, Pairs
from quot.ascent import Ascent, Point
from quot.certificate.adaptive import certify_adaptive
from quot.certificate.bracket import LEAST_EXPONENT
from quot.convergence import Iterate, Monitor, Status, Tolerance
from quot.dual import Dual
from quot.exceptions import ProblemTooLargeError
from quot.perplexity import largest
from quot.plan import Plan
from quot.problem import AdaptiveProblem
from quot.result import AdaptiveResult, best_of
from quot.rounding import repair
from quot.stopping import obey, report, run

Floats = NDArray[np.float64]

# First floors, one where the others lead nowhere, in parts of the range of costs over a typical
# entry; how a floor falls, and how often at most.
_FIRST, _LOWER, _FLOORS = (0.02, 1.0, 50.0), 0.25, 60
# The first perplexity, in parts of the largest, how it falls, and what columns may miss on the way.
_EASY, _HARDER, _ON_THE_WAY = 0.125, 0.25, 1e-2
# After so many floors that do not narrow the gap lower ones will not. Where rows times columns
# times the fewer of both are no more, an interior-point step takes a second.
_VAIN, _SMALL = 3, 1e9
# So many of these at most.
_WITHIN = 200
# Entries of its plan below such a part of what they can be are none; if that leaves too little to
# balance rounding by, they stay.
_NEXT_TO_NOTHING = (1e-12, 0.0)
# What columns may miss at a floor that is too high, and after how many in turn of these there is an
# answer all the same. A floor that took no more steps than so many falls by more than the one
# before, but not below such a part.
_LOOSELY, _BLIND, _QUICK, _LOWEST = 1e-3, 6, 1, 1e-3
# So many sweeps over the columns come first where they miss more than this part of all mass.
_SWEEPS, _ROUGHLY = 3, 0.3
# So long as it leaves less than this part of what was missing, the ascent goes on.
_HELPS = 0.9
# Bytes of a pair at the peak: by rows, by columns, and what counts of them; all that one is among.
_PAIR = {"newton": 64, "interior": 240}
# What may be missing at the end, in parts of the tolerance.
_AT_THE_END = 1e-2


def check_room(problem: AdaptiveProblem, method: str = "auto") -> None:
    """Refuse a problem whose pairs memory has no room for.

    Raises
    ------
    ProblemTooLargeError
    """
    n, m = problem.shape
    need, room = _needed(problem, method), memory.available()
    if room is not None and need > room:
        raise ProblemTooLargeError(
            f"adaptive transport keeps all {n} x {m} pairs, in {memory.gigabytes(need)}, and this "
            f"machine has {memory.gigabytes(room)} left. Take fewer points of each side."
        )


def _needed(problem: AdaptiveProblem, method: str) -> int:
    """Bytes; by default of what "auto" begins with."""
    return _PAIR.get(method, _PAIR["newton"]) * problem.a.size * problem.b.size


def _is_small(problem: AdaptiveProblem) -> bool:
    """Whether a step of the interior-point method is quick, and memory has room for it."""
    n, m = problem.shape
    room = memory.available()
    has_room = room is None or _needed(problem, "interior") <= room
    return n * m * min(n, m) <= _SMALL and has_room


def solve_adaptive_problem(
    problem: AdaptiveProblem, tolerance: Tolerance, monitor: Monitor, method: str = "auto"
) -> AdaptiveResult:
    """Solve, repair and certify, by "newton", "interior" or "auto".

    The last is the first, and for small problems the second where that ends short.
    """
    case = _Case(problem, tolerance, monitor)
    if method == "interior":
        return best_of(*case.from_within())
    is_small = method == "auto" and _is_small(case.core)
    results: list[AdaptiveResult] = []
    for first in _FIRST[:1] if is_small else _FIRST:
        results += case.by_floors(first)
        if case.is_over(results[-1]):
            return best_of(*results)
    return best_of(*results, *(case.from_within() if is_small else []))


class _Case:
    """A problem on its rows and columns with mass, and what is to be found of it.

    Where only columns have a perplexity, rows and columns are exchanged.
    """

    def __init__(self, problem: AdaptiveProblem, tolerance: Tolerance, monitor: Monitor) -> None:
        self.problem, self.tolerance, self.monitor = problem, tolerance, monitor
        self.is_turned = problem.row_perplexity is None
        solved = problem.turned if self.is_turned else problem
        self.shape = solved.shape
        self.rows, self.cols = np.flatnonzero(solved.a), np.flatnonzero(solved.b)
        self.core = solved.taken(self.rows, self.cols)

    @cached_property
    def pairs(self) -> Pairs:
        """All pairs."""
        return Pairs.every(self.core)

    @property
    def enough(self) -> float:
        """What may be missing at the end."""
        return _AT_THE_END * min(self.tolerance.gap, self.tolerance.primal)

    def by_floors(self, first: float) -> list[AdaptiveResult]:
        """What Newton's method finds, lowering the floor as long as that helps."""
        way, results = Newton(self.core, self.pairs, self.monitor, first), []
        for k in range(1, _FLOORS + 1):
            part = self.tolerance.gap if k % _BLIND else None
            status = run(self.monitor, partial(way.run, self.enough * self.problem.total, part))
            is_last = way.is_stuck or k == _FLOORS or self.monitor.limit() is not None
            if way.is_settled or is_last:
                results.append(self._finished(way.found(), status))
                if is_last or self.is_over(results[-1]) or _in_vain(results):
                    break
            way.lower()
        return results

    def from_within(self) -> list[AdaptiveResult]:
        """What the interior-point method finds: without entries next to nothing, or with them."""
        way, results = Interior(self.core), []
        status = run(self.monitor, partial(self._go_on, way))
        for least in _NEXT_TO_NOTHING:
            results.append(self._finished(Ending.of(self.core, way.found, least), status))
            if self.is_over(results[-1]):
                break
        return results

    def _go_on(self, way: Interior) -> None:
        """All steps of the interior-point method, reported as one."""
        before = self.monitor.steps

        def check() -> None:
            obey(self.monitor)
            self.monitor.steps += 1

        way.run(self.enough, min(_WITHIN, self.monitor.max_iter - before), check)
        size = self.core.a.size * self.core.b.size
        steps = self.monitor.steps - before
        report(self.monitor, Iterate(way.path.wrong, size, size, 0, 0.0, steps))

    def is_over(self, result: AdaptiveResult) -> bool:
        """Whether there is nothing more to be done."""
        return result.converged or self.monitor.limit() is not None

    def _finished(self, found: Ending, status: Status) -> AdaptiveResult:
        """The plan repaired and certified."""
        found = _placed(found, self.shape, self.rows, self.cols)
        found = found.turned if self.is_turned else found
        plan, multipliers = repair(self.problem, found.plan), (found.eps, found.delta)
        result = AdaptiveResult.of(
            self.problem,
            plan,
            Dual(found.f, found.g),
            status,
            tolerance=self.tolerance,
            monitor=self.monitor,
            method=found.method,
            certificate=certify_adaptive(self.problem, plan, found.f, found.g, multipliers),
        )
        return replace(result, row_multipliers=found.eps, col_multipliers=found.delta)


def _in_vain(results: list[AdaptiveResult]) -> bool:
    """Whether the last floors have not narrowed the gap."""
    gaps = [result.certificate.relative_gap for result in results]
    return len(gaps) > _VAIN and min(gaps[-_VAIN:]) > _HELPS * min(gaps[:-_VAIN])


@dataclass(frozen=True, eq=False)
class Ending:
    """A plan, its potentials and the multipliers of the bounds."""

    plan: Plan
    f: Floats
    g: Floats
    eps: Floats
    delta: Floats
    method: str

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
        return Ending(self.plan.T, self.g, self.f, self.delta, self.eps, self.method)


class Newton:
    """Newton's method in the prices of the columns and the multipliers of their bounds.

    Parameters
    ----------
    problem : AdaptiveProblem
        Masses positive, rows bounded.
    pairs : Pairs
        All of it.
    monitor : Monitor
    first : float
        The first floor, in parts of the range of costs over a typical entry.

    Attributes
    ----------
    floor : float
        Under the multipliers; may be lowered between runs.
    is_settled : bool
        Whether the floor costs little enough, and columns miss no more than they may.
    is_stuck : bool
        Whether columns miss too much at two floors in turn: at lower ones rounding decides.
    """

    is_stuck, is_settled, is_quick, fall = False, False, False, _LOWER

    def __init__(
        self, problem: AdaptiveProblem, pairs: Pairs, monitor: Monitor, first: float
    ) -> None:
        self.problem, self.pairs, self.monitor = problem, pairs, monitor
        n, m = problem.shape
        # Of squares what spreading costs is a cost per mass.
        typical = problem.total / m if problem.regularizer == "quadratic" else 1.0
        self.floor = first * (float(np.ptp(self.pairs.cost)) or 1.0) / typical
        v = np.zeros(m if problem.col_perplexity is None else 2 * m)
        self.best = Answer(v, np.zeros(n), np.full(n, self.floor), np.empty((3, n)))
        self.rows = AdaptiveRows(problem, self.pairs, self.floor)
        self.missing = 0.0
        self.known: list[tuple[float, Floats]] = []

    def run(self, enough: float, part: float | None) -> None:
        """Go on until columns miss no more than that, at the perplexities asked for.

        If the floor costs more than such a part of what is paid, it is too high: they may miss
        more.
        """
        before = self.monitor.steps
        for problem in () if self.known else self._levels():
            self._settle(problem, _ON_THE_WAY * problem.total)
        self._guess()
        was_missing, loose = self.missing, _LOOSELY * self.problem.total
        self._settle(self.problem, loose)
        self.is_settled = part is None or self._is_low(part)
        if self.is_settled:
            self._settle(self.problem, enough)
        self.is_stuck = min(was_missing, self.missing) > (enough if self.is_settled else loose)
        self.known = [*self.known[-1:], (self.floor, self.best.v)]
        self.is_quick = self.monitor.steps - before <= _QUICK

    def lower(self) -> None:
        """Lower the floor, by more where the last time that changed next to nothing."""
        self.fall = self.fall * self.fall if self.is_quick else _LOWER
        self.floor *= max(self.fall, _LOWEST)

    def _is_low(self, part: float) -> bool:
        """Whether what bounded rows do not use costs no more, at the floor, than such a part."""
        begin, at, w, y = self.rows.entries(self.best)
        row = np.repeat(np.arange(begin.size - 1), np.diff(begin))
        E = self.best.eps[row] + self.rows.costs(self.best.v)[at]
        P, spread = (w * E, w * E * (y - 1.0)) if self.rows.is_entropic else (y, 0.5 * y * y)
        room = self.rows.bounds - np.bincount(row, spread, begin.size - 1)
        C = self.best.f[row] + self.best.v[at] - E * y
        return self.floor * float(room[self.best.eps == 0.0].sum()) <= part * float(np.abs(C) @ P)

    def _guess(self) -> None:
        """Prices at this floor, if those at the last two go on as they do: lines of it in parts."""
        if len(self.known) == 2:
            (before, w), (last, v) = self.known
            guess = v + (self.floor - last) / (last - before) * (v - w)
            m = self.problem.b.size
            guess[m:] = np.maximum(guess[m:], 0.0)
            self.best = replace(self.best, v=guess)

    def found(self) -> Ending:
        """The plan so far, and what it says of the problem without a floor."""
        begin, at, w, y = self.rows.entries(self.best, 0.0)
        row = np.repeat(np.arange(begin.size - 1, dtype=np.int32), np.diff(begin))
        m, d = self.problem.b.size, self.rows.costs(self.best.v)
        entry = w * (self.best.eps[row] + d[at]) if self.rows.is_entropic else y
        kept = y > LEAST_EXPONENT if self.rows.is_entropic else y > 0.0
        plan = Plan(self.problem.shape, row[kept], at[kept], entry[kept])
        eps, delta = self.best.eps + self.rows.floor, d - self.rows.floor
        return Ending(plan, self.best.f, self.best.v[:m], eps, delta, "newton")

    def _levels(self) -> list[AdaptiveProblem]:
        """The same at larger perplexities, from where many share a row to those asked for."""
        problem, name = self.problem, self.problem.regularizer
        rows = _raised(problem.row_perplexity, largest(problem.b, name))
        cols = _raised(problem.col_perplexity, largest(problem.a, name))
        count = max(len(rows), len(cols))
        rows, cols = (side + side[-1:] * (count - len(side)) for side in (rows, cols))
        return [
            replace(problem, row_perplexity=row, col_perplexity=col)
            for row, col in zip(rows, cols, strict=True)
        ]

    def _settle(self, problem: AdaptiveProblem, enough: float) -> None:
        rows, m = AdaptiveRows(problem, self.pairs, self.floor), problem.b.size
        v, least = self.best.v.copy(), None
        if rows.unit is not None:
            least = np.concatenate((np.full(m, -np.inf), np.zeros(m)))
            if self.rows.unit is not None:
                v[m:] *= rows.unit / self.rows.unit
        before, moved = self.monitor.steps, self.rows.floor - self.floor
        near = replace(self.best, eps=np.maximum(self.best.eps + moved, 0.0))
        ascent = Ascent(rows.wanted, 0.0, rows, self.monitor, v=v, near=near, least=least)
        try:
            self._climb(ascent, enough)
        finally:
            self.rows, self.best, self.missing = rows, ascent.best.answer, ascent.best.wrong
        report(self.monitor, self._iterate(ascent.best, self.monitor.steps - before))

    def _climb(self, ascent: Ascent[Answer], enough: float) -> None:
        """Begin with sweeps over the columns, and go on as long as that helps."""
        for _ in range(_SWEEPS):
            if ascent.best.wrong > _ROUGHLY * self.problem.total:
                ascent.best = ascent.swept(ascent.best)
        while True:
            before = ascent.best.wrong
            ascent.climb(enough, enough)
            if not enough < ascent.best.wrong <= _HELPS * before or not self.monitor.steps_left:
                return

    def _iterate(self, point: Point[Answer], steps: int) -> Iterate:
        size = self.pairs.col.size
        return Iterate(
            residual=point.wrong / self.problem.unit,
            support=self.rows.entries(point.answer)[1].size,
            candidates=size,
            violators=0,
            reg=self.floor,
            inner=steps,
        )


def _raised(asked: Floats | None, most: float) -> list[Floats | None]:
    """Perplexities on the way down to those asked for, where the largest there is is so much."""
    if asked is None:
        return [None]
    least = [max(1.0, _EASY * most)]
    while least[-1] * _HARDER > float(asked.min()):
        least.append(least[-1] * _HARDER)
    return [np.maximum(asked, each) for each in least]


def _placed(
    found: Ending, shape: tuple[int, int], rows: NDArray[np.intp], cols: NDArray[np.intp]
) -> Ending:
    """The answer for all rows and columns; those without mass have prices and multipliers of 0."""
    plan = Plan(
        shape,
        rows[found.plan.rows].astype(np.int32),
        cols[found.plan.cols].astype(np.int32),
        found.plan.values,
    )
    f, eps = np.zeros((2, shape[0]))
    g, delta = np.zeros((2, shape[1]))
    f[rows], eps[rows], g[cols], delta[cols] = found.f, found.eps, found.g, found.delta
    return Ending(plan, f, g, eps, delta, found.method)
