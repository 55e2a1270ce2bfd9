"""Newton's method for entropic problems: down in temperature, from where all is smooth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from quot.ascent import Ascent, Point
from quot.convergence import Iterate, Monitor, Status
from quot.entropic.first_order import Prices
from quot.entropic.passes import Passes
from quot.entropic.products import Answer
from quot.entropic.rows import GibbsRows
from quot.entropic.sinkhorn import stepped
from quot.problem import EntropicProblem
from quot.stopping import report

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
    passes : Passes
        Over its costs.
    monitor : Monitor
    """

    problem: EntropicProblem
    passes: Passes
    monitor: Monitor
    ends: ClassVar = Status.OPTIMAL
    rows: GibbsRows | None = None
    point: Point[Answer] | None = None

    def run(self, enough: float) -> None:
        """Go down to the temperature of the problem, where no more mass than that is missing.

        Once there, from where it is.

        Raises
        ------
        StopError
            If a limit or the callback says so.
        """
        if self.point is not None:
            self._settled(self.problem.eps, self.point.v, enough)
            return
        for lower, on_the_way in _CARE:
            if self._descended(lower, enough, on_the_way * self.problem.total) <= enough:
                break

    def prices(self) -> Prices:
        """Those of the best point so far."""
        if self.point is None:  # stopped before anything was known
            return Prices(np.zeros(self.problem.a.size), np.zeros(self.problem.b.size))
        return Prices(self.point.answer.f, self.point.v)

    def _descended(self, lower: float, enough: float, on_the_way: float) -> float:
        """What is missing after a way down, by so large steps, that has left so much at each."""
        path = _Path(np.zeros(self.problem.b.size))
        *hotter, last = _temperatures(self.problem.eps, self.passes, lower)
        for T in hotter:
            path.add(T, self._settled(T, path.at(T), max(enough, on_the_way)))
        self._settled(last, path.at(last), enough)
        assert self.point is not None
        return self.point.wrong

    def _settled(self, T: float, v: Floats, enough: float) -> Floats:
        """Prices of the columns at a temperature, found from others; and a report."""
        is_hard = self.rows is not None and self.rows.is_hard
        self.rows = rows = GibbsRows(self.problem, self.passes, T, is_hard=is_hard)
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
        assert self.rows is not None
        for _ in range(_START):
            ascent.best = stepped(ascent, self.rows, ascent.best)
        ascent.climb(enough, 0.1 * enough)
        while ascent.best.wrong > enough and self.monitor.steps_left:
            before = ascent.best.wrong
            for _ in range(_STEPS):
                ascent.best = stepped(ascent, self.rows, ascent.best)
                self.monitor.steps += 1
            ascent.climb(enough, 0.1 * enough)
            if ascent.best.wrong > _HELPS * before:
                return

    def _iterate(self, steps: int) -> Iterate:
        """What there is to report."""
        rows, point, pairs = self.rows, self.point, self.problem.a.size * self.problem.b.size
        assert rows is not None
        assert point is not None
        return Iterate(
            residual=point.wrong / self.problem.unit,
            support=pairs,
            candidates=pairs,
            violators=0,
            reg=rows.T,
            inner=steps,
            passes=self.passes.count,
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


def _temperatures(eps: float, passes: Passes, lower: float) -> list[float]:
    """From where all is smooth down to that of the problem."""
    low, high = np.transpose(passes.over(_range))
    first, down = _FIRST * float(high.max() - low.min()), [eps]
    while down[-1] * lower <= first:
        down.append(down[-1] * lower)
    return down[::-1]


def _range(C: Floats, _: slice) -> tuple[float, float]:
    """The least and the largest cost of a block that is not inf."""
    allowed = C[np.isfinite(C)]
    return float(allowed.min(initial=np.inf)), float(allowed.max(initial=-np.inf))
