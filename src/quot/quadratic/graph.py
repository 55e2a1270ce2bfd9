"""The flow network of a graph problem, and back.

Its nodes are those of the graph; where mass is partial also S and T, with arcs S -> v and v -> T
of weight zero and capacities source_v and target_v. Mass that is wanted where it is stays there,
and what is left moves: no way is shorter than none. A component of the graph with nothing to send,
or nobody to send it to, has no arcs to S and T: it would wander far from all others. Edges from a
node to itself stay out: they carry what pays for itself, whatever the others do. The nodes of a
large graph are numbered anew, so that neighbours lie near each other in memory.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from quot.dual import Dual
from quot.flow import Flow
from quot.graph import Graph
from quot.network.clusters import in_order
from quot.network.laplacian import LaplacianSolver, without_means
from quot.network.network import Network
from quot.problem import GraphProblem

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# The nodes of larger graphs are numbered anew.
_LARGE = 10_000
# Shorter edges, relative to the mean, join their ends no more than this one.
_SHORT = 1e-3
# Residual (relative) of the linear system for the flow of least norm.
_RTOL = 1e-6


class GraphNetwork:
    """The flow network of a problem.

    Parameters
    ----------
    problem : GraphProblem

    Attributes
    ----------
    network : Network
    edges : int64 array
        The edges of the graph that are arcs of the network, its first, in their order.
    nodes : int64 array of shape (N,)
        The nodes of the graph in the order that the network has them in.
    home : array of shape (N,)
        Mass that stays where it is.
    total : float
        Mass that is left to move.
    base : float
        What there is to pay beside the arcs: nothing.
    """

    base = 0.0

    def __init__(self, problem: GraphProblem) -> None:
        self.problem = problem
        graph, n = problem.graph, problem.graph.n_nodes
        self.nodes, place, self.edges = _in_order(graph)
        edges = self.edges
        self.home = np.minimum(problem.source, problem.target)
        if (graph.lengths < 0.0).any():
            self.home = np.zeros(n)
        source, target = problem.source - self.home, problem.target - self.home
        self.total = problem.total - float(self.home.sum())
        if problem.is_balanced:
            supply = (problem.wanted - problem.source)[self.nodes]
            self.sources = self.sinks = edges[:0]
        else:
            supply = np.append(np.zeros(n), (-self.total, self.total))
            part = graph.components
            self._sends, self._gets = (np.bincount(part, x) > 0.0 for x in (source, target))
            self.sources = np.flatnonzero((source > 0.0) & self._gets[part])
            self.sinks = np.flatnonzero((target > 0.0) & self._sends[part])
        sources, sinks = self.sources, self.sinks
        count = sources.size + sinks.size
        self.network = Network(
            tail=_int32(place[graph.tail[edges]], np.full(sources.size, n), place[sinks]),
            head=_int32(place[graph.head[edges]], place[sources], np.full(sinks.size, n + 1)),
            cost=np.append(graph.lengths[edges], np.zeros(count)),
            weight=self.weights(problem.weights),
            capacity=np.concatenate((graph.capacity[edges], source[sources], target[sinks])),
            undirected=np.append(~graph.directed[edges], np.zeros(count, np.bool_)),
            supply=supply,
        )

    def weights(self, of_edges: Floats, star: float = 0.0) -> Floats:
        """Weights of the arcs of the network from those of the edges (E,), and at S and T."""
        stars = self.sources.size + self.sinks.size
        return np.append(of_edges[self.edges], np.full(stars, star))

    def potentials(self, f: Floats, lam: float) -> Floats:
        """Potentials of the network at a dual point."""
        p = -f[self.nodes]
        return p if self.problem.is_balanced else np.append(p, [0.0, lam])

    def dual(self, potentials: Floats) -> Dual:
        """The dual point, f (N,), g (N,) and lam, at potentials of the network."""
        n = self.problem.graph.n_nodes
        p = np.empty(n)
        p[self.nodes] = potentials[:n]
        if self.problem.is_balanced:
            return Dual(-p, p)
        source, sink = potentials[n:]
        p, lam = p - source, float(sink - source)
        p = self._out_of_the_way(p, lam)
        if self.home.any():  # so that nobody at home would rather send, or be sent something
            p = np.clip(p, 0.0, lam)
        return Dual(-p, p - lam, lam)

    def _out_of_the_way(self, p: Floats, lam: float) -> Floats:
        """Potentials at which components that cannot send, or get anything, would not want to."""
        part = self.problem.graph.components
        alone = self._sends != self._gets
        if not alone.any():
            return p
        most, least = np.full(alone.size, -np.inf), np.full(alone.size, np.inf)
        np.maximum.at(most, part, p)
        np.minimum.at(least, part, p)
        shift = np.where(self._sends, -most, lam - least)
        moved: Floats = np.where(alone[part], p + shift[part], p)
        return moved

    def flow(self, carried: Floats) -> Flow:
        """The flow that the arcs of the network carry."""
        problem, edges = self.problem, self.edges.size
        x = self.loops.copy()
        x[self.edges] = carried[:edges] + 0.0  # no minus zeros
        if problem.is_balanced:
            return Flow(problem.graph, x, problem.source, problem.wanted)
        sent, received = self.home.copy(), self.home.copy()
        sent[self.sources] += carried[edges : edges + self.sources.size]
        received[self.sinks] += carried[edges + self.sources.size :]
        return Flow(problem.graph, x, sent, received)

    def carried(self, flow: Flow) -> Floats:
        """What the arcs of the network carry in a flow."""
        x = flow.values[self.edges]
        sent, received = (
            (flow.sent - self.home)[self.sources],
            (flow.received - self.home)[self.sinks],
        )
        return np.concatenate((x, sent, received))

    @cached_property
    def is_knotted(self) -> bool:
        """Whether a node can pass mass from S on to T, where all ways have weight zero."""
        return bool(np.intersect1d(self.sources, self.sinks).size)

    @cached_property
    def loops(self) -> Floats:
        """What the edges from a node to itself carry, (E,); zero on all others, inf without end."""
        graph = self.problem.graph
        gain = np.where(graph.tail == graph.head, np.maximum(-graph.lengths, 0.0), 0.0)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return np.where(
                gain > 0.0, np.minimum(gain / self.problem.weights, graph.capacity), 0.0
            )


def least_potentials(at: GraphNetwork, weight: Floats) -> Floats:
    """Potentials (N,) of the nodes in the flow of least norm: when only quadratic terms cost.

    Parameters
    ----------
    at : GraphNetwork
    weight : array of shape (E,)
        Of the edges of the network, all positive. Directions and capacities do not count, and in a
        partial problem all nodes send and take the same part of what they can.
    """
    problem, net, edges = at.problem, at.network, slice(0, at.edges.size)
    wanted = problem.wanted / problem.wanted.sum() - problem.source / problem.source.sum()
    supply = problem.total * without_means(problem.graph.components, wanted)[at.nodes]
    return LaplacianSolver().solve(net.tail[edges], net.head[edges], 1.0 / weight, supply, _RTOL)


def _in_order(graph: Graph) -> tuple[Ints, Ints, Ints]:
    """The nodes (N,) in the order of the network, the place (N,) of each, and the edges but loops.

    In large graphs the nodes of a cluster stand together, clusters of clusters, too.
    """
    edges, place = np.flatnonzero(graph.tail != graph.head), np.arange(graph.n_nodes)
    if graph.n_nodes <= _LARGE:
        return place, place, edges
    tail, head = graph.tail[edges], graph.head[edges]
    nodes = in_order(tail, head, _strength(np.abs(graph.lengths[edges])), graph.n_nodes)
    place[nodes] = np.arange(nodes.size)
    first, second = place[tail], place[head]
    order = np.lexsort((np.maximum(first, second), np.minimum(first, second)))
    return nodes, place, edges[order]


def _strength(length: Floats) -> Floats:
    """How much an edge joins its ends."""
    least = _SHORT * (float(length.mean()) or 1.0)
    return 1.0 / np.maximum(length, least)


def _int32(*parts: NDArray[np.integer]) -> NDArray[np.int32]:
    return np.concatenate(parts).astype(np.int32)
