"""The path of reg on a graph: from where everything is smooth down to the one asked for."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from quot.convergence import Iterate, Monitor, Status
from quot.graphs.lengths import typical_length
from quot.kernels import flow as kernels
from quot.network.continuation import tangent
from quot.network.network import FlowState
from quot.network.optimise import Goal, optimise
from quot.quadratic.graph import GraphNetwork, least_potentials

Floats = NDArray[np.float64]

# The path begins where the quadratic term of a typical edge is so many times its length.
_SMOOTH = 30.0
# Where it is so many times its length a problem is nearly linear; from there cycles do the rest, if
# the end is farther away than this.
_LINEAR, _FAR = 1.0, 40.0
# Steps down the path: the first one, and at most and at least after one that took few Newton steps
# or many; with some it does not grow. No last step is shorter than this.
_FACTOR, _LONGEST, _SHORTEST, _MERGED = 2.5, 8.0, 1.2, 1.1
_FEW, _SOME, _MANY = 2, 10, 25
# Imbalance allowed on the way, of a node relative to the largest mass and of all together relative
# to the total; and at the end, relative to that and the tolerance.
_ON_THE_WAY, _ENOUGH, _AT_THE_END = 3e-2, 1e-3, 1e-3
# Where the weights differ by more than this cycles are slow: each has to be done again and again.
_EVEN = 1e3


class Path:
    """Newton from a large reg down to the one asked for.

    Parameters
    ----------
    at : GraphNetwork
    weights : array of shape (E,)
        Strength of the quadratic term of each edge, at the end; all positive.
    monitor : Monitor
    tol : float
        Relative gap and residuals wanted of the answer; the last imbalance is smaller.
    """

    def __init__(self, at: GraphNetwork, weights: Floats, monitor: Monitor, tol: float) -> None:
        self.at, self.monitor, self.tol = at, monitor, tol
        self.unit, self.total = at.problem.unit, at.problem.total
        self.end = self.network = replace(at.network, weight=at.weights(weights))
        self.state = FlowState.at(self.network, np.zeros(self.network.n_nodes))
        self.is_even = bool(weights.max() <= _EVEN * weights.min())

    def solve(self, start: Floats | None = None) -> Status:
        """Follow the path; return how that ended. The solution is where it ended.

        From a start only the last solve is made. If the end is nearly linear, the last part of the
        way goes round cycles.
        """
        if start is not None:
            self.state = FlowState.at(self.network, start)
            return self._settle(end=True) or Status.OPTIMAL
        potentials, ratio = self._least()
        nearly = _LINEAR / ratio
        far = self.is_even and nearly > _FAR
        stop = self._follow(potentials, ratio, nearly if far else 1.0)
        if stop is None and far:
            self.network = self.end
            stop = self._settle(end=True, far=True)
        return stop or Status.OPTIMAL

    def approach(self, ratio: float) -> Floats:
        """What the arcs carry where quadratic terms are so many times the lengths."""
        potentials, now = self._least()
        self._follow(potentials, now, ratio / now)
        return self.state.flow

    def _follow(self, potentials: Floats, ratio: float, last: float) -> Status | None:
        """Newton on the way to the last scale; return the status that ends the solve, if any."""
        scale, factor = max(last, _SMOOTH / ratio), _FACTOR
        potentials = scale * potentials
        while True:
            self.network = replace(self.end, weight=scale * self.end.weight)
            self.state = FlowState.at(self.network, potentials)
            stop = self._settle(end=scale == 1.0)
            if stop is not None or scale == last:
                return stop
            factor = self._factor(factor)
            lower = scale / factor if scale > factor * _MERGED * last else last
            way = lower / scale - 1.0
            potentials = self.state.potentials + way * tangent(self.network, self.state)
            scale = lower

    def _settle(self, *, end: bool, far: bool = False) -> Status | None:
        """Solve at one scale; return the status that ends the solve, if any."""
        before = self.monitor.steps
        tol, enough = (_AT_THE_END * self.tol, 0.0) if end else (_ON_THE_WAY, _ENOUGH)
        self.state = optimise(
            self.network,
            self.state,
            Goal(tol, self.unit, self.total, enough),
            self.monitor,
            far=far,
            cycles=self.is_even,
        )
        return self.monitor.report(
            Iterate(
                iteration=len(self.monitor.history) + 1,
                residual=self.state.residual / self.unit,
                support=int(np.count_nonzero(self.state.flow[: self.at.edges.size])),
                candidates=self.at.problem.graph.n_edges,
                violators=0,
                reg=self._reg,
                inner=self.monitor.steps - before,
            )
        )

    def _factor(self, last: float) -> float:
        """The step down the path after one by a factor of `last`, by how long that took."""
        steps = self.monitor.history[-1].inner
        if steps > _MANY:
            return max(math.sqrt(last), _SHORTEST)
        most = _LONGEST if steps <= _FEW else _FACTOR
        return min(last**1.5 if steps < _SOME else last, most)

    @property
    def _reg(self) -> float:
        """The largest strength of a quadratic term, now."""
        return float(self.network.weight.max())

    def _least(self) -> tuple[Floats, float]:
        """Potentials of the flow of least norm, and what it pays for its square over its length.

        Both are linear in reg.
        """
        net, edges = self.end, slice(0, self.at.edges.size)
        p = least_potentials(self.at, net.weight[edges])
        over = float(np.abs(kernels.tension(p, net.tail[edges], net.head[edges])).mean())
        length = typical_length(self.at.problem)
        p -= p.min()
        if not self.at.problem.is_balanced:
            p = np.append(p, (0.0, p.max()))
        return p, over / length if over > 0.0 and length > 0.0 else _SMOOTH
