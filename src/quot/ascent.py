"""Newton in the prices of the columns, over all pairs, with the rows balanced at every trial.

The dual of a transport problem as a function of the prices v of its columns alone: whatever they
are, the rows answer with the best prices of their own. No step is kept short by rows that send next
to nothing. Of a partial problem the price v = g + lam of a column is at most lam; the columns at
the top, which keep some of their mass back, move as one, and rows of price 0, which do so, too,
stay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from quot.convergence import Monitor
from quot.parallel import dot
from quot.problem import Transport

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# So many steps that do not halve what is missing, and it will not get there.
_IDLE = 10
# A step is followed by a sweep over the columns unless it leaves less than this of what is missing.
_HALVED = 0.5
# The search along a step ends where the dual rises no more by this part of the slope before, nor
# falls by that part; or where no more than so much of what was missing is. It begins anew so often,
# between these parts of the step before.
_RISES, _SLOPE, _SOLVED, _SEARCHES, _LEAST, _MOST = 0.1, 0.5, 0.1, 20, 0.1, 0.9
# What holds columns where they are, in parts of a pair: at least; after a step shorter than so much
# of a whole one, then growing by a factor; and how it falls with a whole one.
_LOOSE, _FIRM, _SHORT, _FIRMER, _LOOSER = 1e-10, 1e-4, 0.3, 10.0, 0.1
# So many sweeps come first where columns miss more than this part of all mass; and so long as it
# leaves less than this part of what was missing, the ascent goes on.
_SWEEPS, _ROUGHLY, HELPS = 3, 0.1, 0.9
# Columns that would pass the top are tied to it so often at most.
_TIES = 5
# Rounding of the dual value, relative.
_ROUNDING = 1e-14

A = TypeVar("A")


@dataclass(frozen=True, eq=False)
class Point(Generic[A]):
    """Prices of the columns, and what the rows make of them.

    Parameters
    ----------
    v : array of shape (m,)
    answer : object
        Of the rows.
    missing : array of shape (m,)
        What each column is still to get.
    value : float
        The dual value.
    at_top : bool array of shape (m,)
        The columns that move as one; none of a balanced problem.
    wrong : float
        How much columns miss together, those at the top but for what they keep.
    """

    v: Floats
    answer: A
    missing: Floats
    value: float
    at_top: Bools
    wrong: float


class Rows(Protocol[A]):
    """How rows answer prices of the columns.

    Attributes
    ----------
    reach : float
        No price of a column is to move further in one step.
    box : pair of arrays of shape (m,), or None
        Prices may be no lower, and no higher; any if None.
    rounding : float
        Of what the rows add to the dual value, beside that of its digits.
    """

    reach: float

    @property
    def box(self) -> tuple[Floats, Floats] | None:
        """See above."""

    @property
    def rounding(self) -> float:
        """See above."""

    def respond(self, v: Floats, near: A) -> tuple[A, Floats, float]:
        """The answer, what each column gets (m,), and what the rows add to the dual value."""

    def direction(
        self, answer: A, wanted: Floats, at_top: Bools, top: float, firm: float
    ) -> Floats:
        """How the columns would move for each to get so much more (m,); those at the top as one."""

    def alone(self, answer: A, v: Floats, highest: float) -> Floats:
        """Prices at which each column is balanced, the rows being where they are."""


def absolute(missing: Floats) -> float:
    """Return the sum of all that is missing."""
    return float(np.abs(missing).sum())


class Ascent(Generic[A]):
    """The ascent of one problem.

    Parameters
    ----------
    b : array of shape (m,)
        What the dual value has for each price of a column: its mass, positive.
    kept : float
        How much of that columns keep together; 0 of a balanced problem.
    rows : Rows
    monitor : Monitor
        Its steps are counted, and its limits obeyed.
    v : array of shape (m,)
        Prices of the columns to begin from.
    near : object
        An answer near that of the rows.
    wrong : callable, optional
        How much columns miss together, of what each does; by default the sum.

    Attributes
    ----------
    best : Point
        So far: where columns miss least together.
    last : Point
        Where it is now: the dual value is the highest there, but for rounding.
    """

    def __init__(
        self,
        b: Floats,
        kept: float,
        rows: Rows[A],
        monitor: Monitor,
        *,
        v: Floats,
        near: A,
        wrong: Callable[[Floats], float] = absolute,
    ) -> None:
        self.b, self.kept, self.rows, self.monitor, self.wrong = b, kept, rows, monitor, wrong
        self.best = self.last = self.at(v, near)

    @classmethod
    def of(
        cls, problem: Transport, rows: Rows[A], monitor: Monitor, v: Floats, near: A
    ) -> Ascent[A]:
        """That of a transport problem."""
        kept = 0.0 if problem.fills(problem.b) else float(problem.b.sum()) - problem.total
        return cls(problem.b, kept, rows, monitor, v=v, near=near)

    def at(self, v: Floats, near: A) -> Point[A]:
        """The point at prices of the columns; the answer is found from one near it."""
        answer, got, value = self.rows.respond(v, near)
        missing, at_top, top = self.b - got, np.zeros(v.size, np.bool_), float(v.max())
        if self.rows.box is not None:  # what would only move prices out of it is no fault
            low, high = self.rows.box
            missing[((v <= low) & (missing < 0.0)) | ((v >= high) & (missing > 0.0))] = 0.0
        if self.kept > 0.0:
            at_top = (v == top) & (missing >= 0.0)
            at_top[np.argmax(v)] |= not at_top.any()
        wrong = self.wrong(missing[~at_top]) + abs(self._of_top(missing, at_top))
        value += dot(self.b, v) - self.kept * top
        return Point(v, answer, missing, value, at_top, wrong)

    def climb(self, enough: float, nearly: float, steps: int | None = None) -> None:
        """Go on until columns miss no more than `enough`, or no further; so many steps at most.

        One step in vain is no further where they miss no more than `nearly`.
        """
        point, idle, firm = self.best, 0, _LOOSE
        end = np.inf if steps is None else self.monitor.steps + steps
        while self.best.wrong > enough and idle < _IDLE and self.monitor.steps_left:
            if self.monitor.steps >= end:
                break
            if idle and self.best.wrong <= nearly:
                break
            missed = point.wrong
            point, tau = self._step(point, firm)
            if tau < _SHORT:
                firm = max(_FIRMER * firm, _FIRM)
            elif tau >= 1.0:
                firm = max(_LOOSER * firm, _LOOSE)
            if point.wrong > _HALVED * missed:
                swept = self.swept(point)
                if swept.value >= point.value - self._rounding(point):
                    point = min(point, swept, key=lambda point: point.wrong)
            idle = 0 if point.wrong <= _HALVED * self.best.wrong else idle + 1
            self.best = min(self.best, point, key=lambda point: point.wrong)
            self.last = point
            self.monitor.steps += 1

    def persist(self, enough: float, total: float, steps: int | None = None) -> None:
        """Climb as long as that helps, or so many steps at most.

        Sweeps over the columns come first where they miss more than a part of the total.
        """
        for _ in range(_SWEEPS):
            if self.best.wrong > _ROUGHLY * total:
                self.best = self.last = self.swept(self.best)
        while True:
            before = self.best.wrong
            self.climb(enough, enough, steps)
            is_helped = enough < self.best.wrong <= HELPS * before
            if steps is not None or not is_helped or not self.monitor.steps_left:
                return

    def swept(self, point: Point[A]) -> Point[A]:
        """Where columns are balanced one by one, and then the rows."""
        highest = float(point.v.max()) if self.kept > 0.0 else np.inf
        return self.at(self.rows.alone(point.answer, point.v, highest), point.answer)

    def _of_top(self, missing: Floats, at_top: Bools) -> float:
        """What columns at the top miss together, but for what they keep."""
        return float(missing[at_top].sum()) - self.kept if self.kept > 0.0 else 0.0

    def _step(self, point: Point[A], firm: float) -> tuple[Point[A], float]:
        """Where a Newton step leads, as long as the search along it allows, and how long it is."""
        direction, at_top = self._direction(point, firm)
        # A column that gets next to nothing would go anywhere; the others are not to wait for it.
        near = np.clip(direction, -self.rows.reach, self.rows.reach)
        slope = self._slope(point, near, at_top)
        if slope > 0.0:
            direction = near
        else:
            slope = self._slope(point, direction, at_top)
        if not slope > 0.0:  # round-off decides
            return point, 0.0
        furthest = self.rows.reach / float(np.abs(direction).max())
        tau, low, high = min(1.0, furthest), 0.0, np.inf
        for _ in range(_SEARCHES):
            v = point.v + tau * direction
            if at_top.any():
                v = np.minimum(v, v[at_top].min())
            if self.rows.box is not None:
                v = np.clip(v, *self.rows.box)
            trial = self.at(v, point.answer)
            now = self._rise(point, v, trial.missing) / tau
            is_lower = trial.value < point.value - self._rounding(point)
            is_near = -_SLOPE * slope <= now <= _RISES * slope
            if (is_near or trial.wrong <= _SOLVED * point.wrong) and not is_lower:
                break
            if now > 0.0 and not is_lower:
                longer = 2.0 * tau if high == np.inf else 0.5 * (tau + high)
                low, tau = tau, min(longer, furthest)
                if tau == low:
                    break
            else:
                nearer = min(max(slope / (slope - min(now, 0.0)), _LEAST), _MOST) * tau
                high, tau = tau, nearer if low == 0.0 else 0.5 * (low + tau)
        return trial, tau

    def _rounding(self, point: Point[A]) -> float:
        """What the dual value may be off: prices of both sides may nearly cancel in it."""
        size = abs(point.value) + 2.0 * dot(self.b, np.abs(point.v))
        return _ROUNDING * size + self.rows.rounding

    def _slope(self, point: Point[A], direction: Floats, at_top: Bools) -> float:
        """How fast the dual rises in a direction."""
        top = float(direction[at_top].max()) if self.kept > 0.0 else 0.0
        return dot(point.missing, direction) - self.kept * top

    def _direction(self, point: Point[A], firm: float) -> tuple[Floats, Bools]:
        """How prices of columns would move if the rows' answer changed as it does at first.

        And which columns are at the top on the way: those that would pass it are tied to it.
        """
        at_top, highest = point.at_top, point.v == point.v.max()
        direction = self._solve(point, at_top, firm)
        for _ in range(_TIES if self.kept > 0.0 else 0):
            passing = highest & (direction > direction[at_top].max())
            if not passing.any():
                return direction, at_top
            at_top = at_top | passing
            direction = self._solve(point, at_top, firm)
        if self.kept > 0.0:
            most = direction[at_top].max()
            direction = np.where(highest, np.minimum(direction, most), direction)
        return direction, at_top

    def _solve(self, point: Point[A], at_top: Bools, firm: float) -> Floats:
        top = self._of_top(point.missing, at_top)
        return self.rows.direction(point.answer, point.missing, at_top, top, firm)

    def _rise(self, point: Point[A], v: Floats, missing: Floats) -> float:
        """How fast the dual rises on the way from a point to prices where so much is missing."""
        return dot(missing, v - point.v) - self.kept * float(v.max() - point.v.max())


def potentials(problem: Transport, v: Floats) -> tuple[Floats, float]:
    """The potentials g (m,) of the columns and lam, of which their prices are the sum."""
    lam = 0.0 if problem.is_balanced else float(v.max())
    return v - lam, lam
