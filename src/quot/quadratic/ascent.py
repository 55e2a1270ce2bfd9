"""Up from the prices of the linear problem: Newton in the prices of the columns, over all pairs.

At every trial the rows are balanced exactly, so that no step is kept short by rows that send next
to nothing; columns that get next to nothing stay tied to what they touch. Of a partial problem the
price v = g + lam of a column is at most lam; the columns at the top, which keep some of their mass
back, move as one, and rows of price 0, which do so, too, stay.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quot.convergence import Iterate, Monitor
from quot.dual import Dual
from quot.kernels.flow import components
from quot.network.laplacian import LaplacianSolver
from quot.pairs import Pricer
from quot.pairs.balance import Balanced
from quot.parallel import dot
from quot.plan import Plan, sums
from quot.problem import Problem
from quot.quadratic.solve import StopError
from quot.settings import settings

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# So many steps that do not halve what is missing, and it will not get there; one, and it is
# there, if that is no more than this part of the tolerance, relative to what moves.
_IDLE, _NEARLY = 10, 1e-2
# A step is followed by a sweep over the columns unless it leaves less than this of what is missing.
_HALVED = 0.5
# The search along a step ends where the slope has fallen to this part of what it was. It begins
# anew this many times, between these parts of the step before.
_SLOPE, _SEARCHES, _LEAST, _MOST = 0.5, 20, 0.1, 0.9
# What holds columns where they are, in parts of a pair: at least; after a step shorter than so much
# of a whole one, then growing by a factor; and how it falls with a whole one.
_LOOSE, _FIRM, _SHORT, _FIRMER, _LOOSER = 1e-10, 1e-4, 0.3, 10.0, 0.1
# Columns and rows that touch no others and miss something in total move so many times as far as
# they would with one pair more for each column.
_APART = 10.0
# Columns that would pass the top are tied to it so many times at most.
_TIES = 5
# Residual (relative) of the linear systems, and rounding of the dual value.
_SYSTEM, _ROUNDING = 1e-6, 1e-14


@dataclass(frozen=True, eq=False)
class _Point:
    """Prices v (m,) of the columns, the rows that go with them, and what columns miss (m,).

    `wrong` is how much columns miss together, those at the top but for what they keep.
    """

    v: Floats
    rows: Balanced
    missing: Floats
    at_top: Bools
    wrong: float


class Ascent:
    """The ascent of one problem.

    Parameters
    ----------
    problem : Problem
        Masses positive, reg > 0.
    dual : Dual
        Where it begins.
    pricer : Pricer
    monitor : Monitor

    Attributes
    ----------
    is_done : bool
        Whether there is next to nothing left to do.
    """

    def __init__(self, problem: Problem, dual: Dual, pricer: Pricer, monitor: Monitor) -> None:
        self.problem, self.pricer, self.monitor = problem, pricer, monitor
        self.C = problem.cost.block(0, problem.shape[0])
        self.kept = 0.0 if problem.is_balanced else float(problem.b.sum()) - problem.total
        self.is_done = False
        self.best = self._at(dual.g + dual.lam, dual.f)

    @property
    def plan(self) -> Plan:
        """Of the best point so far."""
        rows = self.best.rows
        return Plan(self.problem.shape, rows.rows, rows.cols, rows.beyond / self.problem.reg)

    @property
    def dual(self) -> Dual:
        """Of the best point so far."""
        top = 0.0 if self.problem.is_balanced else float(self.best.v.max())
        return Dual(self.best.rows.f, self.best.v - top, top)

    def climb(self, tol: float) -> None:
        """Go on until columns miss next to nothing, or no further, and report.

        Raises
        ------
        StopError
            If a limit or the callback says so.
        """
        monitor, before, idle, point = self.monitor, self.monitor.steps, 0, self.best
        solver, firm = LaplacianSolver(must_stop=monitor.must_stop), _LOOSE
        wanted = tol * self.problem.total
        enough = settings().at_the_end * wanted
        while self.best.wrong > enough and idle < _IDLE and monitor.steps_left:
            if idle and self.best.wrong <= _NEARLY * wanted:
                break
            missed = point.wrong
            point, tau = self._step(point, solver, firm)
            if tau < _SHORT:
                firm = max(_FIRMER * firm, _FIRM)
            elif tau >= 1.0:
                firm = max(_LOOSER * firm, _LOOSE)
            if point.wrong > _HALVED * missed:
                point = min(point, self._swept(point), key=lambda point: point.wrong)
            idle = 0 if point.wrong <= _HALVED * self.best.wrong else idle + 1
            self.best = min(self.best, point, key=lambda point: point.wrong)
            monitor.steps += 1
        self.is_done = self.best.wrong <= _NEARLY * wanted
        status = monitor.report(self._iterate(monitor.steps - before))
        if status is not None:
            raise StopError(status)

    def _iterate(self, steps: int) -> Iterate:
        """What there is to report."""
        problem, effort = self.problem, self.pricer.take_effort()
        return Iterate(
            residual=self.best.wrong / problem.unit,
            support=int(np.count_nonzero(self.best.rows.beyond)),
            candidates=self.C.size,
            violators=0,
            reg=problem.reg,
            inner=steps,
            pairs=effort.pairs,
            boxes=effort.boxes,
        )

    def _at(self, v: Floats, start: Floats) -> _Point:
        """The point at prices of the columns; prices of rows are found from `start`."""
        problem, m = self.problem, v.size
        highest = np.inf if problem.is_balanced else 0.0
        rows = self.pricer.balance(self.C, v, problem.reg * problem.a, start, highest)
        missing = problem.b - sums(rows.cols, rows.beyond, m) / problem.reg
        at_top = np.zeros(m, np.bool_)
        if self.kept > 0.0:
            at_top = (v == v.max()) & (missing >= 0.0)
            at_top[np.argmax(v)] |= not at_top.any()
        wrong = float(np.abs(missing[~at_top]).sum() + abs(self._of_top(missing, at_top)))
        return _Point(v, rows, missing, at_top, wrong)

    def _of_top(self, missing: Floats, at_top: Bools) -> float:
        """What columns at the top miss together, but for what they keep."""
        return float(missing[at_top].sum()) - self.kept if self.kept > 0.0 else 0.0

    def _step(self, point: _Point, solver: LaplacianSolver, firm: float) -> tuple[_Point, float]:
        """Where a Newton step leads, as long as the search along it allows, and how long it is."""
        direction, at_top = self._direction(point, solver, firm)
        slope = self._rise(point, point.v + direction, point.missing)
        if not slope > 0.0:  # round-off decides
            return point, 0.0
        value, tau, low, high = self._value(point), 1.0, 0.0, np.inf
        for _ in range(_SEARCHES):
            v = point.v + tau * direction
            if at_top.any():
                v = np.minimum(v, v[at_top].min())
            trial = self._at(v, point.rows.f)
            now = self._rise(point, v, trial.missing) / tau
            is_lower = self._value(trial) < value - _ROUNDING * abs(value)
            if abs(now) <= _SLOPE * slope and not is_lower:
                break
            if now > 0.0 and not is_lower:
                low, tau = tau, 2.0 * tau if high == np.inf else 0.5 * (tau + high)
            else:
                nearer = min(max(slope / (slope - min(now, 0.0)), _LEAST), _MOST) * tau
                high, tau = tau, nearer if low == 0.0 else 0.5 * (low + tau)
        return trial, tau

    def _direction(
        self, point: _Point, solver: LaplacianSolver, firm: float
    ) -> tuple[Floats, Bools]:
        """How prices of columns would move if the same pairs went on carrying something.

        And which of them are at the top on the way: those that would pass it are tied to it.
        """
        at_top, highest = point.at_top, point.v == point.v.max()
        direction = self._solve(point, at_top, solver, firm)
        for _ in range(_TIES if self.kept > 0.0 else 0):
            passing = highest & (direction > direction[at_top].max())
            if not passing.any():
                break
            at_top = at_top | passing
            direction = self._solve(point, at_top, solver, firm)
        return direction, at_top

    def _solve(self, point: _Point, at_top: Bools, solver: LaplacianSolver, firm: float) -> Floats:
        """The Newton system; rows of price 0 in a partial problem are the ground, which stays."""
        (n, m), rows, reg = self.problem.shape, point.rows, self.problem.reg
        top, ground = n + m, n + m + 1
        stays = np.zeros(n, np.bool_) if self.problem.is_balanced else rows.f == 0.0
        row = np.where(stays, ground, np.arange(n, dtype=np.int32))
        col = np.where(at_top, top, np.arange(n, n + m, dtype=np.int32))
        tail, head = row[rows.rows].astype(np.int32), col[rows.cols].astype(np.int32)
        rhs = np.zeros(n + m + 2)
        rhs[n : n + m] = np.where(at_top, 0.0, point.missing)
        rhs[top] = self._of_top(point.missing, at_top)
        pairs = np.full(tail.size, 1.0 / reg)
        part = components(np.arange(rhs.size, dtype=np.int32), pairs, tail, head)
        share = _share(part, rhs, np.unique(col), ground)
        rhs[col] -= share[col]
        rhs[ground] -= rhs.sum()
        x = solver.solve(
            np.append(tail, np.full(m, ground, np.int32)),
            np.append(head, col.astype(np.int32)),
            np.append(pairs, np.full(m, firm / reg)),
            rhs,
            _SYSTEM,
        )
        direction: Floats = (x + _APART * reg * share)[col] - x[ground]
        return direction

    def _rise(self, point: _Point, v: Floats, missing: Floats) -> float:
        """How fast the dual rises on the way from a point to prices where so much is missing."""
        return dot(missing, v - point.v) - self.kept * float(v.max() - point.v.max())

    def _value(self, point: _Point) -> float:
        """The dual value."""
        problem, rows = self.problem, point.rows
        linear = dot(problem.a, rows.f) + dot(problem.b, point.v)
        quadratic = 0.5 / problem.reg * dot(rows.beyond, rows.beyond)
        return linear - self.kept * float(point.v.max()) - quadratic

    def _swept(self, point: _Point) -> _Point:
        """Where columns are balanced one by one, and then the rows."""
        problem, f = self.problem, point.rows.f
        highest = float(point.v.max()) if self.kept > 0.0 else np.inf
        cols = self.pricer.balance(self.C.T, f, problem.reg * problem.b, point.v, highest)
        return self._at(cols.f, f)


def _share(part: NDArray[np.int32], rhs: Floats, cols: NDArray[np.int32], ground: int) -> Floats:
    """Of what the nodes of each part (N,) miss in total the share (N,) of each of its columns.

    No system could account for it. What is tied to the ground misses nothing.
    """
    net = np.bincount(part, rhs, rhs.size)
    net[part[ground]] = 0.0
    share = np.zeros(rhs.size)
    share[cols] = net[part[cols]] / np.bincount(part[cols], minlength=rhs.size)[part[cols]]
    return share
