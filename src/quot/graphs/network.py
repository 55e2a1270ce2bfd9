"""The flow network of a graph problem, and back.

Its nodes are those of the graph; where mass is partial also S and T, with arcs S -> v and v -> T
of weight zero and capacities source_v and target_v. Mass that is wanted where it is stays there,
and what is left moves: no way is shorter than none. Edges from a node to itself stay out: they
carry what pays for itself, whatever the others do.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from quot.flow.network import Network
from quot.graph import Flow
from quot.problem import GraphProblem

Floats = NDArray[np.float64]


class GraphNetwork:
    """The flow network of a problem, with its quadratic terms scaled.

    Parameters
    ----------
    problem : GraphProblem
    scale : float, default=1
        Factor of the quadratic term of every edge.
    """

    def __init__(self, problem: GraphProblem, scale: float = 1.0) -> None:
        self.problem, self.scale = problem, scale
        graph, n = problem.graph, problem.graph.n_nodes
        self.edges = edges = np.flatnonzero(graph.tail != graph.head)
        self.home = np.minimum(problem.source, problem.target)
        if (graph.lengths < 0.0).any():
            self.home = np.zeros(n)
        source, target = problem.source - self.home, problem.target - self.home
        self.total = problem.total - float(self.home.sum())
        if problem.is_balanced:
            supply = problem.wanted - problem.source
            self.sources = self.sinks = edges[:0]
        else:
            supply = np.append(np.zeros(n), (-self.total, self.total))
            self.sources, self.sinks = np.flatnonzero(source), np.flatnonzero(target)
        sources, sinks = self.sources, self.sinks
        star = sources.size + sinks.size
        nothing = np.zeros(star)
        self.network = Network(
            tail=_int32(graph.tail[edges], np.full(sources.size, n), sinks),
            head=_int32(graph.head[edges], sources, np.full(sinks.size, n + 1)),
            cost=np.concatenate((graph.lengths[edges], nothing)),
            weight=np.concatenate((scale * problem.weights[edges], nothing)),
            capacity=np.concatenate((graph.capacity[edges], source[sources], target[sinks])),
            undirected=np.concatenate((~graph.directed[edges], np.zeros(star, np.bool_))),
            supply=supply,
        )

    def potentials(self, f: Floats, lam: float) -> Floats:
        """Potentials of the network at a dual point."""
        return -f if self.problem.is_balanced else np.concatenate((-f, [0.0, lam]))

    def dual(self, potentials: Floats) -> tuple[Floats, Floats, float]:
        """The dual point f (N,), g (N,), lam at potentials of the network."""
        n = self.problem.graph.n_nodes
        if self.problem.is_balanced:
            return -potentials, potentials.copy(), 0.0
        source, sink = potentials[n:]
        p, lam = potentials[:n] - source, float(sink - source)
        if self.home.any():  # so that nobody at home would rather send, or be sent something
            p = np.clip(p, 0.0, lam)
        return -p, p - lam, lam

    def flow(self, carried: Floats) -> Flow:
        """The flow that the arcs of the network carry."""
        problem, edges = self.problem, self.edges.size
        x = self._loops.copy()
        x[self.edges] = carried[:edges] + 0.0  # no minus zeros
        if problem.is_balanced:
            return Flow(problem.graph, x, problem.source, problem.wanted)
        sent, received = self.home.copy(), self.home.copy()
        sent[self.sources] += carried[edges : edges + self.sources.size]
        received[self.sinks] += carried[edges + self.sources.size :]
        return Flow(problem.graph, x, sent, received)

    @cached_property
    def _loops(self) -> Floats:
        """What the edges from a node to itself carry, (E,); zero on all others."""
        graph = self.problem.graph
        gain = np.where(graph.tail == graph.head, np.maximum(-graph.lengths, 0.0), 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(
                gain > 0.0, np.minimum(gain / self.problem.weights, graph.capacity), 0.0
            )


def _int32(*parts: NDArray[np.integer]) -> NDArray[np.int32]:
    return np.concatenate(parts).astype(np.int32)
