"""Flow along edges at scales of its quadratic terms: the one level of a graph, always complete."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from quot.convergence import Iterate
from quot.kernels import flow as kernels
from quot.network.cycles import Descent
from quot.network.network import FlowState
from quot.quadratic.graph import GraphNetwork, least_potentials
from quot.quadratic.lengths import typical_length
from quot.quadratic.model import At
from quot.settings import settings

Floats = NDArray[np.float64]

# The way down begins where the quadratic term of a typical edge is so many times its length; that
# of large graphs further up, where steps are dear.
_SMOOTH, _SMOOTHER = 3.0, 30.0
# Where the end is far below where it equals its length, the way down ends at so many times its
# length, and cycles do the rest: from higher up their way is longer, further down Newton is slow.
_LINEAR, _NEARLY = 1.0, 0.3


class EdgeStage:
    """The flow along the edges of a graph.

    Parameters
    ----------
    graph : GraphNetwork
    weights : array of shape (E,)
        Strength of the quadratic term of each edge at scale 1; all positive.
    star : float, default=0
        The same of the arcs at S and T.
    """

    least, is_last = np.inf, True

    def __init__(self, graph: GraphNetwork, weights: Floats, star: float = 0.0) -> None:
        self.graph = graph
        self.unit, self.total = graph.problem.unit, graph.problem.total
        self.network = graph.network.reweighted(graph.weights(weights, star))
        self.last = 1.0

    def begin(self, start: Floats | None = None) -> At[GraphNetwork]:
        """At potentials to start from; or where everything is smooth.

        That is at the potentials of the flow of least norm, which are linear in the scale.
        """
        if start is not None:
            return At(self.graph, self.network, FlowState.at(self.network, start))
        potentials, ratio = self.least_norm()
        if ratio * settings().far < _LINEAR:
            self.last = _NEARLY / ratio
        smooth = _SMOOTHER if self.network.n_nodes > settings().below else _SMOOTH
        scale = max(self.last, smooth / ratio)
        return self.rescaled(self.begin(scale * potentials), scale)

    def near(self, vertex: Descent) -> At[GraphNetwork]:
        """At a vertex of the linear problem."""
        return At(self.graph, self.network, vertex.state(self.network))

    @property
    def is_smooth(self) -> bool:
        """Whether quadratic terms are larger than lengths, judged by what a node sends and gets.

        Not where mass is partial: who sends and gets it is open, however smooth the way.
        """
        edges = slice(0, self.graph.edges.size)
        if not self.graph.problem.is_balanced or not self.graph.edges.size:
            return False
        each = self.graph.total / self.network.n_nodes
        weight, cost = self.network.weight[edges], self.network.cost[edges]
        return bool(each * float(weight.mean()) >= float(np.abs(cost).mean()))

    def least_norm(self) -> tuple[Floats, float]:
        """Potentials of the flow of least norm, and what it pays for its square over its length."""
        net, edges = self.network, slice(0, self.graph.edges.size)
        p = least_potentials(self.graph, net.weight[edges])
        over = float(np.abs(kernels.tension(p, net.tail[edges], net.head[edges])).mean())
        length = typical_length(self.graph.problem)
        p -= p.min()
        if not self.graph.problem.is_balanced:
            p = np.append(p, (0.0, p.max()))
        return p, over / length if over > 0.0 and length > 0.0 else _SMOOTHER

    def lift(self, at: At[GraphNetwork]) -> At[GraphNetwork]:
        """There is no coarser level."""
        return at

    def rescaled(self, at: At[GraphNetwork], scale: float) -> At[GraphNetwork]:
        """The same potentials, and the same flow, at another scale."""
        network = self.network.reweighted(scale * self.network.weight)
        state = replace(FlowState.at(network, at.state.potentials), flow=at.state.flow)
        return At(self.graph, network, state, scale)

    def is_through(self, at: At[GraphNetwork]) -> bool:
        """There is no finer level."""
        return False

    def is_complete(self, at: At[GraphNetwork]) -> bool:
        """All edges are there."""
        return True

    def wider(self, at: At[GraphNetwork], round: int, allowed: float) -> None:
        """Nothing is missing."""

    def iterate(self, at: At[GraphNetwork], round: int, steps: int) -> Iterate:
        """What there is to report."""
        return Iterate(
            residual=at.state.residual / self.unit,
            support=int(np.count_nonzero(at.state.flow[: self.graph.edges.size])),
            candidates=self.graph.problem.graph.n_edges,
            violators=0,
            reg=float(at.network.weight.max()),
            inner=steps,
        )
