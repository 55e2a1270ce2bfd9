"""Newton's method for entropic problems: down in temperature, from where all is smooth."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from quot.ascent import Ascent, Point
from quot.convergence import Monitor, Status
from quot.entropic.first_order import Prices
from quot.entropic.passes import Passes
from quot.entropic.products import Answer
from quot.entropic.rest import beside
from quot.entropic.rows import GibbsRows, Learnt
from quot.entropic.sinkhorn import stepped
from quot.problem import EntropicProblem
from quot.stopping import report

Floats = NDArray[np.float64]

# The first temperature, as a part of the range of the costs.
_FIRST = 0.25
# How much lower each temperature is than the one before, what part of all mass may be missing on
# the way, and whether all answers are exact and directions fine; with more care where it is needed.
_CARE = (2.5, 3e-3, False), (2.5, 1e-4, True), (1.6, 1e-7, True), (1.25, 1e-7, True)
# Sinkhorn steps at the start of each temperature, of a balanced problem and of a partial one, where
# each takes two passes; and so many at a time where Newton gets no further, for as long as that
# leaves less than this part of what was missing.
_START, _STEPS, _HELPS = (3, 1), 50, 0.9
# Where prices are rounded away the rest is found in differences, so often, until these are at most
# so many T.
_FINER, _SMALL = 3, 30.0


@dataclass(frozen=True, eq=False)
class At:
    """Where a descent is.

    Parameters
    ----------
    T : float
        Temperature.
    point : Point
    held : (f, v), optional
        Prices that those of the point are differences to; none by default.
    """

    T: float
    point: Point[Answer]
    held: tuple[Floats, Floats] | None = None

    def prices(self) -> Prices:
        """Prices of rows and columns."""
        f, v = self.point.answer.f, self.point.v
        if self.held is None:
            return Prices(f, v)
        f_range, v_range = (float(np.abs(x).max()) / self.T for x in (f, v))
        if max(f_range, v_range) > _SMALL:
            return Prices(self.held[0] + f, self.held[1] + v)
        return Prices(*self.held, u=np.exp(f / self.T), w=np.exp(v / self.T))


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
    best: At | None = None
    learnt: Learnt = field(default_factory=Learnt)
    range: float = 0.0  # of the costs

    def run(self, enough: float) -> None:
        """Go down to the temperature of the problem, where no more mass than that is missing.

        Once there, from where it is.

        Raises
        ------
        StopError
            If a limit or the callback says so.
        """
        ways: list[Callable[[float], None]] = [partial(self._descended, k) for k in _CARE]
        if self.best is not None and self.problem.eps == self.best.T:
            ways = [self._settled_again]
        for way in ways:
            way(enough)
            if self._missing() > enough and self.problem.is_balanced:
                self._refine(enough)
            if self._missing() <= enough:
                break

    def prices(self) -> Prices:
        """Those of the best point so far."""
        if self.best is None:  # stopped before anything was known
            return Prices(np.zeros(self.problem.a.size), np.zeros(self.problem.b.size))
        return self.best.prices()

    def _missing(self) -> float:
        assert self.best is not None
        return self.best.point.wrong

    def _descended(self, care: tuple[float, float, bool], enough: float) -> None:
        """Come down from the first temperature."""
        lower, on_the_way, self.learnt.is_careful = care
        low, high = np.transpose(self.passes.over(_range))
        self.range = float(high.max() - low.min())
        *hotter, last = temperatures = _temperatures(self.problem.eps, self.range, lower)
        path = _Path(self._start(float(low.min()), temperatures[0]))
        for T in hotter:
            missing = max(enough, on_the_way * self.problem.total)
            path.add(T, self._settled(T, path.at(T), missing))
        self._settled(last, path.at(last), enough)

    def _start(self, least: float, T: float) -> Floats:
        """Prices of the columns to begin from, at such a least cost.

        Where rows may keep mass they are so low that rows of price 0 send no more than the mass
        together, and few are full.
        """
        n, m = self.problem.shape
        if not self.problem.fills(self.problem.a):
            least -= T * math.log(n * m / self.problem.total)
        return np.full(m, least)

    def _settled_again(self, enough: float) -> None:
        """Go on from the best prices there are."""
        self._settled(self.problem.eps, self.prices().whole(self.problem.eps)[1], enough)

    def _settled(self, T: float, v: Floats, enough: float) -> Floats:
        """Prices of the columns at a temperature, found from others."""
        rows = GibbsRows(self.problem, self.passes, T, reach=self.range, learnt=self.learnt)
        known = self.best.point.answer.f if self.best is not None and not self.best.held else None
        return self._settle(rows, rows.first(v, known), enough, None)

    def _refine(self, enough: float) -> None:
        """Go on in differences to the best prices, as long as these become smaller."""
        for _ in range(_FINER):
            held = self.prices().whole(self.problem.eps)
            rest = beside(self.problem, *held)
            passes = self.passes.of(rest.cost)
            rows = GibbsRows(rest, passes, self.problem.eps, reach=self.range, learnt=self.learnt)
            near = rows.first(np.zeros(rest.b.size), np.zeros(rest.a.size))
            self._settle(rows, near, enough, held)
            if self._missing() <= enough:
                return

    def _settle(
        self, rows: GibbsRows, near: Answer, enough: float, held: tuple[Floats, Floats] | None
    ) -> Floats:
        """Newton, and where it gets no further Sinkhorn steps, which always do; and a report."""
        before = self.monitor.steps
        ascent = Ascent.of(rows.problem, rows, self.monitor, near.v, near)
        try:
            self._climb(ascent, rows, enough)
        finally:
            found = At(rows.T, ascent.best, held)
            is_last = self.best is not None and self.best.T == rows.T
            if not is_last or found.point.wrong < self._missing():
                self.best = found
        residual = ascent.best.wrong / self.problem.unit
        steps = self.monitor.steps - before
        report(self.monitor, self.passes.iterate(residual, rows.T, steps))
        return ascent.best.v

    def _climb(self, ascent: Ascent[Answer], rows: GibbsRows, enough: float) -> None:
        for _ in range(_START[0] if rows.problem.is_balanced else _START[1]):
            ascent.best = stepped(ascent, rows, ascent.best)
        total = rows.problem.total
        ascent.climb(max(enough, rows.precision * total), 0.1 * enough)
        is_last = self.problem.eps == rows.T
        if ascent.best.wrong <= enough and not is_last:
            return
        rows.is_exact = True
        ascent.best = ascent.at(ascent.best.v, ascent.best.answer)
        ascent.climb(enough, 0.1 * enough)
        while ascent.best.wrong > enough and self.monitor.steps_left:
            before = ascent.best.wrong
            for _ in range(_STEPS):
                ascent.best = stepped(ascent, rows, ascent.best)
                self.monitor.steps += 1
            ascent.climb(enough, 0.1 * enough)
            if ascent.best.wrong > _HELPS * before:
                return


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


def _temperatures(eps: float, spread: float, lower: float) -> list[float]:
    """From where all is smooth, at costs of so large a range, down to that of the problem."""
    first, down = _FIRST * spread, [eps]
    while down[-1] * lower <= first:
        down.append(down[-1] * lower)
    return down[::-1]


def _range(C: Floats, _: slice) -> tuple[float, float]:
    """The least and the largest cost of a block that is not inf."""
    allowed = C[np.isfinite(C)]
    return float(allowed.min(initial=np.inf)), float(allowed.max(initial=-np.inf))
