"""Newton's method for entropic problems: down in temperature, from where all is smooth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from quot.ascent import Ascent, Point
from quot.convergence import Iterate, Monitor
from quot.entropic.rows import Answer, GibbsRows
from quot.problem import EntropicProblem
from quot.quadratic.solve import obey, report

Floats = NDArray[np.float64]

# The first temperature, as a part of the range of the costs.
_FIRST = 0.25
# How each temperature is lower than the one before, and what may be missing on the way, relative;
# where that does not lead to the end, with more care.
_CARE = (2.5, 1e-4), (1.6, 1e-7)
# Sinkhorn steps at the start of each temperature; and so many at a time where Newton gets no
# further, for as long as that leaves less than this part of what was missing.
_START, _STEPS, _HELPS = 3, 50, 0.9


@dataclass(eq=False)
class Descent:
    """The descent of one problem, and where it is.

    Parameters
    ----------
    problem : EntropicProblem
        Masses positive.
    C : array of shape (n, m)
        Its costs; inf for a forbidden pair.
    monitor : Monitor
    """

    problem: EntropicProblem
    C: Floats
    monitor: Monitor
    rows: GibbsRows | None = None
    point: Point[Answer] | None = None

    def run(self, tol: float) -> None:
        """Go down to the temperature of the problem, where no more than `tol` of all is missing.

        Raises
        ------
        StopError
            If a limit or the callback says so.
        """
        total = self.problem.total
        for lower, on_the_way in _CARE:
            path = _Path(np.zeros(self.problem.b.size))
            *hotter, last = _temperatures(self.problem.eps, self.C, lower)
            for T in hotter:
                path.add(T, self._settled(T, path.at(T), max(tol, on_the_way) * total))
            self._settled(last, path.at(last), tol * total)
            assert self.point is not None
            if self.point.wrong <= tol * total:
                break

    def state(self) -> tuple[Floats, Floats, Floats]:
        """Plan (n, m), prices of the rows (n,) and of the columns (m,)."""
        if self.rows is None or self.point is None:  # stopped before anything was known
            n, m = self.C.shape
            return np.zeros((n, m)), np.zeros(n), np.zeros(m)
        answer = self.point.answer
        return self.rows.plan(answer), answer.f, self.point.v

    def _settled(self, T: float, v: Floats, enough: float) -> Floats:
        """Prices of the columns at a temperature, found from others; and a report."""
        self.rows = rows = GibbsRows(self.problem, self.C, T, partial(obey, self.monitor))
        before = self.monitor.steps
        ascent = Ascent(self.problem, rows, self.monitor, v, rows.first(v))
        try:
            self._settle(ascent, enough)
        finally:
            self.point = ascent.best
        report(self.monitor, self._iterate(self.monitor.steps - before))
        return ascent.best.v

    def _settle(self, ascent: Ascent[Answer], enough: float) -> None:
        """Newton, and where it gets no further Sinkhorn steps, which always do."""
        for _ in range(_START):
            self._sinkhorn(ascent)
        ascent.climb(enough, 0.1 * enough)
        while ascent.best.wrong > enough and self.monitor.steps_left:
            before = ascent.best.wrong
            for _ in range(_STEPS):
                self._sinkhorn(ascent)
                self.monitor.steps += 1
            ascent.climb(enough, 0.1 * enough)
            if ascent.best.wrong > _HELPS * before:
                return

    def _sinkhorn(self, ascent: Ascent[Answer]) -> None:
        """The best price of all mass, then of each column; the rows follow."""
        point, problem = ascent.best, self.problem
        assert self.rows is not None
        if not problem.is_balanced:
            sent = float(point.answer.got.sum())
            if sent > 0.0:
                move = self.rows.T * math.log(problem.total / sent)
            else:  # out of the range of floats: to where the cheapest pair comes into it
                move = float((self.C - point.v).min())
            point = ascent.at(point.v + move, point.answer)
        ascent.best = ascent.swept(point)

    def _iterate(self, steps: int) -> Iterate:
        """What there is to report."""
        rows, point, pairs = self.rows, self.point, self.C.size
        assert rows is not None
        assert point is not None
        return Iterate(
            residual=point.wrong / self.problem.unit,
            support=pairs,
            candidates=pairs,
            violators=0,
            reg=rows.T,
            inner=steps,
            pairs=(rows.passes + rows.reads) * pairs,
        )


class _Path:
    """Prices at the last two temperatures, and a guess at the next."""

    def __init__(self, v: Floats) -> None:
        self.known = [(math.inf, v)]

    def add(self, T: float, v: Floats) -> None:
        """The prices at a temperature."""
        self.known = [*self.known[-1:], (T, v)]

    def at(self, T: float) -> Floats:
        """The prices at the next one, were they and the highest of them on straight lines."""
        (before, w), (last, v) = self.known[0], self.known[-1]
        if before == math.inf:
            return v
        way = (T - last) / (last - before)
        guess: Floats = np.minimum(v + way * (v - w), v.max() + way * (v.max() - w.max()))
        return guess


def _temperatures(eps: float, C: Floats, lower: float) -> list[float]:
    """From where all is smooth down to that of the problem."""
    allowed = C[np.isfinite(C)]
    first, down = _FIRST * float(allowed.max() - allowed.min()), [eps]
    while down[-1] * lower <= first:
        down.append(down[-1] * lower)
    return down[::-1]
