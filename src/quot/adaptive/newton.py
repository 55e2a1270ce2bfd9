"""Newton's method in the prices of the columns and the multipliers of their bounds.

A bound that is met with room to spare has the multiplier 0, where the dual is not smooth. So there
are floors under the multipliers, one for all up to the masses of columns, and higher perplexities
come first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import count, pairwise

import numpy as np
from numpy.typing import NDArray

from quot.adaptive.candidates import Every, Shared
from quot.adaptive.case import Ending
from quot.adaptive.pairs import Pairs
from quot.adaptive.path import from_easy, ratio_of
from quot.adaptive.rows import AdaptiveRows, Answer, floors, typical_mass
from quot.ascent import Ascent, Point
from quot.convergence import Iterate, Monitor
from quot.perplexity import spreads
from quot.problem import AdaptiveProblem
from quot.stopping import obey, report

Floats = NDArray[np.float64]

# A floor is low if it is less than this part of a typical multiplier; else it is lowered, so often.
_LOW, _LOWER, _FLOORS = 0.03, 0.25, 10
# What columns may miss at a floor that is too high. One that took no more steps than so many falls
# by more than the one before, but not below such a part.
_LOOSELY, _QUICK, _LOWEST = 1e-3, 2, 1e-3
# Next to no floor, in parts of the lowest.
_NEXT_TO_NONE = 1e-6
# Prices that are beyond so many times what one of typical mass is taken from are to be of more
# digits.
_DIGITS = 1e4
# A floor that costs this part of what it may will do.
_BELOW = 0.5
# What columns may miss on the way, and how that falls.
_ON_THE_WAY, _NEXT = 1e-2, 1e-3
# Steps at most until candidates are chosen anew, and how often at most they are.
_STEPS, _ROUNDS = 8, 30
# It goes on as long as what columns miss is halved in so many rounds.
_TRIES, _HALVED = 5, 0.5
# A floor at which columns end at more than so many times what they may miss is raised, so often.
_NEARLY, _RAISES = 10.0, 12
# What columns miss below this part of all mass may be rounding.
_ROUNDED = 1e-9
# So many candidates may be missing on the way, and near the end, as a part of all.
_SOME, _FEW = 1e-2, 1e-3


class Newton:
    """The method on one problem.

    Parameters
    ----------
    problem : AdaptiveProblem
        Masses positive, rows bounded.
    shared : Shared
        The pairs it works on.
    monitor : Monitor
    floor : float
        Under the multipliers in a column of typical mass, in cost per mass if quadratic; may be
        lowered between runs. See `floors`.
    answer : Answer
        To begin from, with multipliers scaled as in the first problem there is.
    path : sequence of AdaptiveProblem
        The same at perplexities that come first.
    level : int, default=0
        How often it was coarsened, to report.

    Attributes
    ----------
    best : Answer
        So far; the answer of `rows`. Prices count from `base`.
    base : pair of arrays of shape (n,), (m,)
        Prices of rows and columns that costs are reduced by. At a low floor what prices are beyond
        it would be lost among their digits.
    is_settled : bool
        Whether the answer is worth a look.
    is_low : bool
        Whether the floor was found to cost no more than it may.
    is_strict : bool
        Whether no column may miss more of its mass, or of its bound, than all may of theirs. Else
        rows of little mass may miss their bounds when the plan is repaired.
    is_stuck : bool
        Whether columns miss too much at two floors in turn: at lower ones rounding decides.
    """

    is_stuck, is_settled, is_low, is_strict, is_quick, is_careful = (False,) * 6
    fall = _LOWER

    def __init__(  # noqa: PLR0917
        self,
        problem: AdaptiveProblem,
        shared: Shared,
        monitor: Monitor,
        floor: float,
        answer: Answer,
        path: Sequence[AdaptiveProblem],
        level: int = 0,
    ) -> None:
        self.problem, self.shared, self.monitor, self.level = problem, shared, monitor, level
        self.floor, self.best, self.path = floor, answer, path
        self.base = np.zeros(problem.a.size), np.zeros(problem.b.size)
        self.pairs: Pairs = shared.pairs
        self.missing, self.raises, self._check = np.inf, _RAISES, partial(obey, monitor)
        self.rows, self.reached = self._rows([*path, problem][0], None), floor
        self.enough = 0.0  # a floor that would do
        self.known: list[tuple[float, Floats]] = []

    @classmethod
    def begin(
        cls, problem: AdaptiveProblem, monitor: Monitor, first: float, level: int = 0
    ) -> Newton:
        """On all pairs, from nothing, at a floor in parts of the range of costs over an entry."""
        shared, (n, m) = Every(problem), problem.shape
        floor = first * (shared.pairs.range or 1.0) / typical_mass(problem)
        v = np.zeros(m if problem.col_perplexity is None else 2 * m)
        eps = np.full(n, floor)
        if problem.regularizer == "quadratic":
            eps *= problem.total / n / problem.a
        answer = Answer(v, np.zeros(n), eps, np.zeros((3, n)))
        return cls(problem, shared, monitor, floor, answer, from_easy(problem), level)

    def run(self, enough: float, part: float | None) -> None:
        """Go on until columns miss no more than that, at the perplexities asked for.

        If the floor costs more than such a part of what is paid, it is too high: of an entropic
        problem they may miss more.
        """
        before, was_missing = self.monitor.steps, self.missing
        self._approach()
        self._guess()
        loose = max(_LOOSELY * self.problem.total, enough)
        self._settle_or_raise(self.problem, loose)
        self.is_low = part is not None and self._is_low(part)
        self.is_settled = part is None or self.is_careful or self.is_low
        wanted = max(enough, _ROUNDED * self.problem.total)
        if not self.is_settled and self.rows.is_entropic:
            wanted = loose
        else:  # squares need good answers to go on from
            raises = self.raises
            self._settle_or_raise(self.problem, enough)
            self.is_careful |= self.raises < raises
        self.is_stuck = was_missing < np.inf and min(was_missing, self.missing) > wanted
        higher = [each for each in self.known if each[0] > self.floor]
        self.known = [*higher[-1:], (self.floor, self.answer.v)]
        self.is_quick = self.monitor.steps - before <= _QUICK

    def run_loosely(self) -> None:
        """Go on until columns miss little, at a floor that is low beside most multipliers."""
        self._approach()
        for _ in range(_FLOORS):
            self._settle_or_raise(self.problem, _ON_THE_WAY * self.problem.total)
            typical = self.typical
            if self.floor <= _LOW * typical or not typical:
                break
            self.floor *= _LOWER

    def lower(self) -> None:
        """Lower the floor, by more where the last time that changed next to nothing.

        But not below where it is low enough, if that is lower.
        """
        self.fall = self.fall * self.fall if self.is_quick else _LOWER
        lower = self.floor * max(self.fall, _LOWEST)
        self.floor = max(lower, self.enough) if self.enough < self.floor else lower

    def follow(self, ratio: float) -> None:
        """Lower the floor with the multipliers, where perplexities fall by a ratio.

        In the plane so many fewer, all that much nearer, cost its square as much.
        """
        typical = self.typical / ratio**2
        if typical > 0.0:
            self.floor = min(self.floor, _LOW * typical)

    def _approach(self) -> None:
        """Go the path, once."""
        for problem, harder in pairwise([*self.path, self.problem]):
            self._settle_or_raise(problem, _ON_THE_WAY * problem.total)
            self.follow(ratio_of(problem, harder))
        self.path = ()

    @property
    def typical(self) -> float:
        """A typical sum of two multipliers."""
        return float(np.median(self.best.eps) + np.median(self.delta))

    @property
    def answer(self) -> Answer:
        """The best one, at prices as they are."""
        (f, g), best, m = self.base, self.best, self.problem.b.size
        return replace(best, f=best.f + f, v=np.append(best.v[:m] + g, best.v[m:]))

    @property
    def delta(self) -> Floats:
        """The multipliers of the columns, without floors, (m,)."""
        return self.rows.costs(self.best.v) - self.rows.floor

    def found(self) -> Ending:
        """The plan so far, and what its prices say of the problem without floors."""
        plan, g = self.rows.plan(self.best), self.best.v[: self.problem.b.size]
        _, f, eps, delta = self._without_floors()
        return Ending(plan, self.base[0] + f, self.base[1] + g, eps, delta)

    def _without_floors(self) -> tuple[float, Floats, Floats, Floats]:
        """The dual value at these prices without floors; f, and multipliers of rows and columns.

        Rows answer anew at next to no floor, which is as a part of their multipliers. Where columns
        are bounded floors may as well be parts of theirs, which loses less where these are used.
        What prices of columns add is not in the value.
        """
        rows, best, delta = self.rows, self.best, self.delta
        high, m = float(rows.floor.min()), delta.size
        low = _NEXT_TO_NONE * high
        answer, value = self._at(np.full(m, low), replace(best, eps=best.eps + high))
        value -= low * float(rows.bounds.sum())
        if rows.unit is not None:
            other = self._at(rows.floor, best)[1] - float(rows.floor @ rows.limits)
            if other > value:
                return other, best.f, best.eps, delta + rows.floor
        return value, answer.f, answer.eps + low, delta

    def _at(self, floor: Floats, near: Answer) -> tuple[Answer, float]:
        """How rows answer these prices at other floors, (m,), and what they add to the dual value.

        To the end, for it is needed to tell what was found.
        """
        rows = AdaptiveRows(self.rows.problem, self.rows.pairs, floor)
        answer, _, value = rows.respond(self.best.v, near)
        return answer, value

    def _is_low(self, part: float) -> bool:
        """Whether floors cost no more than such a part of what is paid.

        At these prices of columns it is what rows pay beyond the least they may.
        """
        plan, name = self.rows.plan(self.best), self.problem.regularizer
        spread = spreads(plan.values, plan.cols, self.problem.b.size, name)
        paid = self._at(self.rows.floor, self.best)[1] - float(self.rows.floor @ spread)
        may, cost = part * self.problem.size(plan), paid - self._without_floors()[0]
        self.enough = 0.0 if cost <= may else _BELOW * may / cost * self.reached
        return cost <= may

    def _guess(self) -> None:
        """Prices at this floor, if those at the last two go on as they do: lines of it in parts."""
        if len(self.known) == 2:
            (before, w), (last, v) = self.known
            guess = v + (self.floor - last) / (last - before) * (v - w)
            m = self.problem.b.size
            moved, multipliers = guess[:m] - self.base[1], np.maximum(guess[m:], 0.0)
            self.best = replace(self.best, v=np.append(moved, multipliers))

    def _settle_or_raise(self, problem: AdaptiveProblem, enough: float) -> None:
        """Settle, at a higher floor where that fails; it has fallen too fast."""
        self._settle(problem, enough)
        wanted = max(_NEARLY * enough, _ROUNDED * problem.total)
        is_raised = not self.is_strict
        while is_raised and self.missing > wanted and self.raises and self.monitor.steps_left:
            self.raises -= 1
            self.floor /= _LOWER
            self.known = [each for each in self.known if each[0] > self.floor]
            self._settle(problem, enough)

    def _settle(self, problem: AdaptiveProblem, enough: float) -> None:
        """Solve on the pairs there are, take in those that are lacking, and again."""
        self._recentre()
        way, is_complete = _ON_THE_WAY * problem.total, self.shared.box is None
        goal, tries = (enough if is_complete else max(enough, way)), [np.inf] * _TRIES
        for round in count():
            before, shared = self.monitor.steps, self.shared
            rows = self._rows(problem, shared.box)
            ascent = self._from_here(rows)
            try:
                ascent.persist(goal, problem.total, None if is_complete else _STEPS)
            finally:
                is_far = ascent.best.wrong > max(goal, _ROUNDED * problem.total)
                point = ascent.last if is_far and not is_complete else ascent.best
                self.rows, self.reached = rows, self.floor
                self.best, self.missing = point.answer, point.wrong
            lacking = shared.lacking(self.answer)
            self._report(point, (round, lacking.size, self.monitor.steps - before))
            if is_complete:
                return
            self.missing = self._missing_anywhere(problem)
            allowed = _SOME * shared.pairs.col.size if enough >= way else 0
            is_done = self.missing <= enough and lacking.size <= allowed
            is_idle = not lacking.size and (
                self.missing > _HALVED * tries[-_TRIES]
                or _ROUNDED * problem.total > self.missing > _HALVED * tries[-1]
            )
            if is_done or is_idle or round == _ROUNDS or not self.monitor.steps_left:
                return
            tries.append(self.missing)
            if self.missing <= way and lacking.size <= _FEW * shared.pairs.col.size:
                goal = enough
            elif self.missing <= goal:
                goal = max(_NEXT * goal, enough)
            self.shared = shared.renewed(self.answer, lacking)
            self.pairs = self.shared.pairs.reduced(*self.base)

    def _from_here(self, rows: AdaptiveRows) -> Ascent[Answer]:
        v, m = self.best.v.copy(), self.problem.b.size
        if rows.unit is not None and self.rows.unit is not None:
            v[m:] *= rows.unit / self.rows.unit
        eps = np.maximum(self.best.eps + (self.reached - self.floor), 0.0)
        near = replace(self.best, eps=eps)
        return Ascent(rows.wanted, 0.0, rows, self.monitor, v=v, near=near, wrong=rows.wrong)

    def _missing_anywhere(self, problem: AdaptiveProblem) -> float:
        """What columns miss, those at the edge of the box included."""
        return self._from_here(self._rows(problem, None)).best.wrong

    def _recentre(self) -> None:
        """Count prices from where they are, if digits are needed for what they are beyond."""
        problem, m = self.problem, self.problem.b.size
        if float(np.abs(self.best.v[:m]).max()) > _DIGITS * self.floor * typical_mass(problem):
            answer = self.answer
            self.base = answer.f, answer.v[:m]
            v = np.append(np.zeros(m), answer.v[m:])
            self.best = replace(answer, f=np.zeros(answer.f.size), v=v)
            self.pairs = self.shared.pairs.reduced(*self.base)

    def _rows(self, problem: AdaptiveProblem, box: tuple[Floats, Floats] | None) -> AdaptiveRows:
        """Those of a problem at this floor."""
        at_least = floors(problem, self.floor)
        if box is not None:
            box = box[0] - self.base[1], box[1] - self.base[1]
        pairs, is_strict = self.pairs, self.is_strict
        return AdaptiveRows(problem, pairs, at_least, box, self._check, is_strict=is_strict)

    def _report(self, point: Point[Answer], counts: tuple[int, int, int]) -> None:
        """A line of the history; counts are rounds, pairs that were missing, and steps."""
        iterate = Iterate(
            residual=point.wrong / self.problem.unit,
            support=self.rows.entries(point.answer)[1].size,
            candidates=self.shared.pairs.col.size,
            violators=counts[1],
            reg=self.floor,
            inner=counts[2],
            level=self.level,
            round=counts[0],
        )
        report(self.monitor, iterate)
