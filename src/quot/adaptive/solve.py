"""Adaptive problems as they are solved: by Newton's method, to a low floor under the multipliers.

A bound that is met with room to spare has the multiplier 0, where the dual is not smooth. So there
is a floor: then some spreading is paid for, and the dual value without the floor is too low by what
bounded rows do not use. It is lowered until that is within the tolerance.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from quot import memory
from quot.adaptive.rows import AdaptiveRows, Answer, Pairs
from quot.ascent import Ascent, Point
from quot.certificate.adaptive import certify_adaptive
from quot.convergence import Iterate, Monitor, Status, Tolerance
from quot.dual import Dual
from quot.exceptions import ProblemTooLargeError
from quot.perplexity import largest
from quot.plan import Plan
from quot.problem import AdaptiveProblem
from quot.result import AdaptiveResult, best_of
from quot.rounding import repair
from quot.stopping import report, run

Floats = NDArray[np.float64]

# First floors, one where the others lead nowhere, in parts of the range of costs over a typical
# entry; how a floor falls, and how often at most.
_FIRST, _LOWER, _FLOORS = (0.02, 1.0, 50.0), 0.25, 60
# The first perplexity, in parts of the largest, how it falls, and what columns may miss on the way.
_EASY, _HARDER, _ON_THE_WAY = 0.125, 0.25, 1e-2
# So many sweeps over the columns come first where they miss more than this part of all mass.
_SWEEPS, _ROUGHLY = 3, 0.3
# So long as it leaves less than this part of what was missing, the ascent goes on.
_HELPS = 0.9
# Bytes of a pair at the peak: by rows, by columns, and what counts of them.
_PAIR = 64
# What may be missing at the end, in parts of the tolerance.
_AT_THE_END = 1e-2


def check_room(problem: AdaptiveProblem) -> None:
    """Refuse a problem whose pairs memory has no room for.

    Raises
    ------
    ProblemTooLargeError
    """
    n, m = problem.shape
    need, room = _PAIR * n * m, memory.available()
    if room is not None and need > room:
        raise ProblemTooLargeError(
            f"adaptive transport keeps all {n} x {m} pairs, in {memory.gigabytes(need)}, and this "
            f"machine has {memory.gigabytes(room)} left. Take fewer points of each side."
        )


def solve_adaptive_problem(
    problem: AdaptiveProblem, tolerance: Tolerance, monitor: Monitor
) -> AdaptiveResult:
    """Solve, repair and certify; go on at a lower floor where the certificate does not hold.

    Where that leads nowhere it begins anew at a higher one.
    """
    is_turned = problem.row_perplexity is None
    solved = problem.turned if is_turned else problem
    rows, cols = np.flatnonzero(solved.a), np.flatnonzero(solved.b)
    core = solved.taken(rows, cols)
    pairs = Pairs.every(core)
    enough = _AT_THE_END * min(tolerance.gap, tolerance.primal) * problem.total
    results: list[AdaptiveResult] = []
    for first in _FIRST:
        way = Newton(core, pairs, monitor, first)
        for _ in range(_FLOORS):
            status = run(monitor, partial(way.run, enough))
            found = placed(way.found(), solved.shape, rows, cols)
            found = found.turned if is_turned else found
            results.append(finished(problem, found, status, (tolerance, monitor)))
            if results[-1].converged or status is not Status.OPTIMAL:
                return best_of(*results)
            if way.is_stuck:
                break
            way.floor *= _LOWER
    return best_of(*results)


@dataclass(frozen=True, eq=False)
class Ending:
    """A plan, its potentials and the multipliers of the bounds."""

    plan: Plan
    f: Floats
    g: Floats
    eps: Floats
    delta: Floats

    @property
    def turned(self) -> Ending:
        """The same with rows and columns exchanged."""
        return Ending(self.plan.T, self.g, self.f, self.delta, self.eps)


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
    is_stuck : bool
        Whether columns miss too much at two floors in turn: at lower ones rounding decides.
    """

    is_stuck = False

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

    def run(self, enough: float) -> None:
        """Go on until columns miss no more than that, at the perplexities asked for."""
        for problem in () if self.known else self._levels():
            self._settle(problem, _ON_THE_WAY * problem.total)
        self._guess()
        was_missing = self.missing
        self._settle(self.problem, enough)
        self.is_stuck = min(was_missing, self.missing) > enough
        self.known = [*self.known[-1:], (self.floor, self.best.v)]

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
        kept = entry > 0.0
        plan = Plan(self.problem.shape, row[kept], at[kept], entry[kept])
        eps, delta = self.best.eps + self.rows.floor, d - self.rows.floor
        return Ending(plan, self.best.f, self.best.v[:m], eps, delta)

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


def placed(
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
    return Ending(plan, f, g, eps, delta)


def finished(
    problem: AdaptiveProblem, found: Ending, status: Status, ends: tuple[Tolerance, Monitor]
) -> AdaptiveResult:
    """The plan repaired and certified."""
    plan = repair(problem, found.plan)
    result = AdaptiveResult.of(
        problem,
        plan,
        Dual(found.f, found.g),
        status,
        tolerance=ends[0],
        monitor=ends[1],
        method="newton",
        certificate=certify_adaptive(problem, plan, found.f, found.g, (found.eps, found.delta)),
    )
    return replace(result, row_multipliers=found.eps, col_multipliers=found.delta)
