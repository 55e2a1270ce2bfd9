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
            f"adaptive transport keeps all {n} x {m} pairs, about {need / 2**30:.3g} GiB, and "
            f"{room / 2**30:.3g} GiB are free. Take fewer points of each side."
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
    enough = _AT_THE_END * min(tolerance.gap, tolerance.primal) * problem.total
    results: list[AdaptiveResult] = []
    for first in _FIRST:
        way = Newton(core, monitor, first)
        for _ in range(_FLOORS):
            status = run(monitor, partial(way.run, enough))
            found = _placed(way.found(), solved.shape, rows, cols)
            found = found.turned if is_turned else found
            results.append(_finished(problem, found, status, (tolerance, monitor)))
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

    def __init__(self, problem: AdaptiveProblem, monitor: Monitor, first: float) -> None:
        self.problem, self.monitor, self.pairs = problem, monitor, Pairs.every(problem)
        n, m = problem.shape
        # Of squares what spreading costs is a cost per mass.
        typical = problem.total / m if problem.regularizer == "quadratic" else 1.0
        self.floor = first * (float(np.ptp(self.pairs.cost)) or 1.0) / typical
        v = np.zeros(m if problem.col_perplexity is None else 2 * m)
        self.best = Answer(v, np.zeros(n), np.full(n, self.floor), np.empty((3, n)))
        self.rows = AdaptiveRows(problem, self.pairs, self.floor)
        self.begun, self.missing = False, 0.0
        self.known: list[tuple[float, Floats]] = []

    def run(self, enough: float) -> None:
        """Go on until columns miss no more than that, at the perplexities asked for."""
        for problem in self._levels():
            self._settle(problem, _ON_THE_WAY * problem.total)
        self.begun = True
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
        if self.begun:
            return []
        sides = []
        for asked, masses in (
            (self.problem.row_perplexity, self.problem.b),
            (self.problem.col_perplexity, self.problem.a),
        ):
            easy = max(1.0, _EASY * largest(masses, self.problem.regularizer))
            steps = [easy]
            while asked is not None and steps[-1] * _HARDER > float(asked.min()):
                steps.append(steps[-1] * _HARDER)
            sides.append((asked, steps))
        count = max(len(steps) for _, steps in sides)
        levels = []
        for k in range(count):
            raised = [
                None if asked is None else np.maximum(asked, steps[min(k, len(steps) - 1)])
                for asked, steps in sides
            ]
            levels.append(replace(self.problem, row_perplexity=raised[0], col_perplexity=raised[1]))
        return levels

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
    return Ending(plan, f, g, eps, delta)


def _finished(
    problem: AdaptiveProblem, found: Ending, status: Status, ends: tuple[Tolerance, Monitor]
) -> AdaptiveResult:
    """The plan repaired and certified."""
    plan = repair(problem, found.plan)
    multipliers = found.eps, found.delta
    return AdaptiveResult.of_multipliers(
        problem,
        plan,
        Dual(found.f, found.g),
        multipliers,
        status,
        tolerance=ends[0],
        monitor=ends[1],
        certificate=certify_adaptive(problem, plan, found.f, found.g, multipliers),
    )
