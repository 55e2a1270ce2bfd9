"""Dual extrapolation for the linear problem, balanced or partial: O(1/accuracy) iterations.

After Jambulapati, Sidford and Tian (2019), and Nguyen et al. (2024) for partial transport. Any plan
``mass x``, x in the simplex, is rounded to a feasible one at no more than the range of the costs
for each unit by which its rows and columns have too much. With c = C over that range, A x the rows'
and columns' sums of x, and d what these are to be, masses over `mass`, the problem so is

    ``min over x in the simplex, max over y in [0, 1]^(n + m), of <c, x> + <y, A x - d>``,

where all mass moves and where it does not: no variables for what is kept are needed. At y = 1/2 + h
the regulariser ``r(x, h) = alpha sum x log x + <h^2, A x>`` is convex in both, and area-convex.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot import memory
from quot.convergence import Monitor, Status
from quot.costs import DenseCost
from quot.entropic.apdagd import Apdagd
from quot.entropic.first_order import Prices
from quot.entropic.linear import linear_dual
from quot.entropic.normalised import NormalisedDual
from quot.entropic.passes import Passes
from quot.entropic.rounding import round_dense
from quot.exceptions import ProblemTooLargeError
from quot.kernels import gibbs as kernels
from quot.problem import EntropicProblem, Problem
from quot.stopping import obey, report, run

Floats = NDArray[np.float64]

# alpha and kappa. With those proved 3 r is area-convex, as alpha >= 1 + 1/kappa^2 at kappa = 1; the
# others, measured, take a twentieth of the iterations, and halving either again takes more.
STEPS = {"long": (0.5, 0.5), "proved": (2.0, 3.0)}
# A minimum over x and h together is sought in turns, so many, from where the last one was.
_TURNS = 2
# Bounds are computed after so much of all iterations more.
_LATER = 0.1
# The weight of the costs at the beginning, where all plans are alike; and the least sum of a row.
_ALIKE, _TINY = 1e-9, 1e-300
# Memory for each pair at the peak: costs, plans, and the list of entries.
_BYTES = 64


@dataclass(frozen=True, eq=False)
class _Point:
    """A point (x, h), with ``x = exp(-(theta c + A' w)/alpha - level)`` by its sums A x."""

    theta: float
    w: Floats
    level: float
    sums: Floats
    h: Floats


class Extrapolation:
    """Dual extrapolation on one problem, and where it is.

    What was added up of the gradients, always ``(theta c + A' p, q)``, is a vector (theta, p, q).

    Parameters
    ----------
    problem : Problem
        Masses positive, costs dense; `reg` does not count.
    passes : Passes
        Over its costs.
    monitor : Monitor
    step : {"long", "proved"}
        See `STEPS`.
    """

    def __init__(self, problem: Problem, passes: Passes, monitor: Monitor, step: str) -> None:
        self.problem, self.passes, self.monitor = problem, passes, monitor
        self.alpha, self.kappa = STEPS[step]
        low, high = np.transpose(passes.over(lambda C, _: (C.min(), C.max())))
        self.low, self.range = float(low.min()), float(high.max() - low.min()) or 1.0
        self.wanted = np.concatenate((problem.a, problem.b)) / problem.total
        self.X, self.v = np.zeros(problem.shape), np.zeros(problem.b.size)
        self.count = self.next_look = 0

    def run(self, accuracy: float, start: tuple[Floats, _Point]) -> None:
        """Step until the gap between the bounds is no more than the accuracy.

        Raises
        ------
        StopError
            If a limit or the callback says so.
        """
        (first, z), kappa = start, self.kappa
        s = first
        while not self._is_proved(accuracy):
            z = self.least(s, z)
            w = self.least(s + self.gradient(z) / kappa, z)
            s = s + self.gradient(w) / (2.0 * kappa)
            self._average(w, (s - first) / (s[0] - first[0]))

    def start(self) -> tuple[Floats, _Point]:
        """Where to begin: no gradients, and the point that belongs to them."""
        none, level = np.zeros(self.wanted.size), float(np.log(self.X.size))
        z = _Point(_ALIKE, none, level, self.wanted, none)
        return np.concatenate(([_ALIKE], none, none)), z

    def start_from(self, eps: float, prices: Prices) -> tuple[Floats, _Point]:
        """Where to begin at an entropic plan: gradients that lead there, and the point."""
        dual = linear_dual(self.problem, prices.v, self.passes)
        y = np.concatenate((dual.f.max() - dual.f, dual.g.max() - dual.g)) / self.range
        w = -self.alpha / eps * np.concatenate((prices.f - self.low, prices.v))
        z = self._at(self.alpha * self.range / eps, w, 0.0, np.clip(y, 0.0, 1.0) - 0.5)
        return np.concatenate(([z.theta], w - z.h**2, -2.0 * z.sums * z.h)), z

    def least(self, s: Floats, near: _Point) -> _Point:
        """About the least point of ``<s, (x, h)> + r(x, h)``, sought in turns from another."""
        theta, p, q = float(s[0]), *np.split(s[1:], 2)
        h, level = near.h, near.level
        for _ in range(_TURNS):
            point = self._at(theta, p + h**2, level, h)
            level, h = point.level, np.clip(-q / (2.0 * np.maximum(point.sums, _TINY)), -0.5, 0.5)
        return _Point(theta, point.w, level, point.sums, h)

    def gradient(self, at: _Point) -> Floats:
        """Of the saddle function: in x, and in h the other way."""
        return np.concatenate(([1.0], at.h, self.wanted - at.sums))

    def plan(self) -> Floats:
        """The mean of all plans, rounded, (n, m)."""
        problem = self.problem
        X = self.X * (problem.total / max(self.count, 1))
        return round_dense(X, problem.a, problem.b, problem.total)

    def gap(self) -> float:
        """How much more the plan costs than the dual says."""
        problem, X = self.problem, self.plan()
        paid = self.passes.over(lambda C, rows: float(np.vdot(C, X[rows])))
        dual = linear_dual(problem, self.v, self.passes)
        least = dual.f @ problem.a + dual.g @ problem.b + dual.lam * problem.total
        return float(sum(paid) - least)

    def _at(self, theta: float, w: Floats, level: float, h: Floats) -> _Point:
        """The point with this plan, whose level is near the given one; a pass."""
        f, v, T = self._prices(theta, w, level)
        sent = np.empty(f.size)

        def part(C: Floats, rows: slice, got: Floats) -> None:
            kernels.sums(C, f[rows], v, T, sent[rows], got)

        got = self.passes.columns(part)
        total = float(sent.sum())
        return _Point(
            theta, w, level + float(np.log(total)), np.concatenate((sent, got)) / total, h
        )

    def _add(self, point: _Point) -> None:
        """Add the plan of a point to the others; a pass."""
        f, v, T = self._prices(point.theta, point.w, point.level)

        def part(C: Floats, rows: slice) -> None:
            x = np.empty(C.shape)
            kernels.exponentials(C, f[rows], v, T, x)
            self.X[rows] += x

        self.passes.over(part)

    def _prices(self, theta: float, w: Floats, level: float) -> tuple[Floats, Floats, float]:
        """The plan x as ``exp((f + v - C)/T)``."""
        n, unit = self.problem.a.size, self.range / theta
        T = self.alpha * unit
        return self.low - unit * w[:n] - T * level, -unit * w[n:], T

    def _is_proved(self, accuracy: float) -> bool:
        """Whether the gap is small enough, if it is time to look."""
        if self.count < self.next_look:
            return False
        self.next_look = int((1.0 + _LATER) * self.count) + 1
        return self.gap() <= accuracy

    def _average(self, w: _Point, gradient: Floats) -> None:
        """Take a plan into the mean, with the mean of the gradients; and a report."""
        problem, (h, off) = self.problem, np.split(gradient[1:], 2)
        self._add(w)
        self.v = -self.range * h[problem.a.size :]
        self.count += 1
        self.monitor.steps += 1
        residual = float(np.abs(off).max()) * problem.total / problem.unit
        report(self.monitor, self.passes.iterate(residual, 0.0, 1))


def extrapolate(
    problem: Problem, accuracy: float, eps: float, monitor: Monitor, options: Mapping[str, Any]
) -> tuple[Floats, Floats, Status]:
    """Solve the linear problem: plan (n, m), prices of the columns (m,), and why it ended.

    The published code begins with 1000 iterations of APDAGD at the temperature eps; here `start` of
    the options says how many. Some save passes on partial problems; few cost more on balanced ones.

    Parameters
    ----------
    problem : Problem
        Masses positive, every pair allowed; `reg` does not count.
    accuracy : float
        Gap at the end, in cost.
    eps : float
        Temperature of APDAGD.
    monitor : Monitor
    options : mapping
        `step` and `start`.

    Raises
    ------
    ProblemTooLargeError
        If matrices of this shape take too large a part of the memory.
    """
    n, m = problem.shape
    if not memory.has_room(_BYTES * n * m):
        raise ProblemTooLargeError(
            f"method='dual-extrapolation' keeps plans of {n} x {m} pairs as matrices, in "
            f"{memory.gigabytes(_BYTES * n * m)}, too large a part of the memory that is left; "
            "pass method='newton'."
        )
    cost = DenseCost(np.ascontiguousarray(problem.cost.block(0, n)))
    passes = Passes(cost, lambda: None)
    way = Extrapolation(problem, passes, monitor, options["step"])
    passes.check_by(partial(obey, monitor))

    def go() -> None:
        start = way.start()
        if options["start"] > 0:
            start = way.start_from(eps, _apdagd(problem, eps, passes, monitor, options["start"]))
        way.run(accuracy, start)

    status = run(monitor, go)
    return way.plan(), way.v, status


def _apdagd(problem: Problem, eps: float, passes: Passes, monitor: Monitor, steps: int) -> Prices:
    """Prices after so many iterations of APDAGD."""
    smooth = EntropicProblem(
        passes.cost, problem.a, problem.b, eps=eps, mass=problem.mass, formulation="E2"
    )
    method = Apdagd(NormalisedDual(smooth, passes))
    state = method.init()
    for _ in range(steps):
        state = method.step(state)
        monitor.steps += 1
    return method.prices(state)
