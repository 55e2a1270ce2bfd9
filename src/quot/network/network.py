"""The nouns of the engine: a network of arcs, and the state of a flow on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from quot.kernels import flow as kernels
from quot.kernels import sweep as sweep_kernels
from quot.parallel import dot

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Sides = NDArray[np.int8]

# A node with so many times more arcs than others is a hub.
_MANY = 50.0
# Cached properties that do not depend on the weights.
_OF_THE_ARCS = ("is_hub", "parts", "arc_part")


@dataclass(frozen=True, eq=False)
class Network:
    """Quadratic flow: minimise sum_e phi_e(x_e) subject to D x = supply.

    A directed arc costs ``l x + w/2 x^2`` on ``[0, k]``, an undirected one ``l|x| + w/2 x^2`` on
    ``[-k, k]``. D has -1 at the tail and +1 at the head of an arc; a node with positive `supply`
    is one that receives.

    Parameters
    ----------
    tail, head : int32 array of shape (E,)
    cost : array of shape (E,)
        l, cost per unit of flow. Not negative on undirected arcs.
    weight : array of shape (E,)
        w >= 0, strength of the quadratic term. Arcs of weight zero must be directed.
    capacity : array of shape (E,)
        k > 0; inf where there is no limit.
    undirected : bool array of shape (E,)
    supply : array of shape (N,)
        What must arrive at each node, net.
    anchor : int, optional
        A node that stands for a world outside: nothing is to be moved onto another by it.
    """

    tail: Ints
    head: Ints
    cost: Floats
    weight: Floats
    capacity: Floats
    undirected: NDArray[np.bool_]
    supply: Floats
    anchor: int | None = None

    @property
    def n_nodes(self) -> int:
        """N."""
        return int(self.supply.size)

    @property
    def n_arcs(self) -> int:
        """E."""
        return int(self.tail.size)

    def part(self, arcs: NDArray[np.integer], ends: tuple[Ints, Ints], supply: Floats) -> Network:
        """Return the network of some arcs (K,), between other nodes."""
        return Network(
            *ends,
            cost=self.cost[arcs],
            weight=self.weight[arcs],
            capacity=self.capacity[arcs],
            undirected=self.undirected[arcs],
            supply=supply,
        )

    def reweighted(self, weight: Floats) -> Network:
        """Return the network with other weights (E,); what only its arcs decide is kept."""
        other = replace(self, weight=weight)
        kept = {name: x for name, x in self.__dict__.items() if name in _OF_THE_ARCS}
        other.__dict__.update(kept)
        return other

    @property
    def response(
        self,
    ) -> tuple[Ints, Ints, Floats, Floats, Floats, NDArray[np.bool_]]:
        """What decides the flow of an arc, as the kernels take it."""
        return self.tail, self.head, self.cost, self.weight, self.capacity, self.undirected

    @cached_property
    def incidence(self) -> tuple[NDArray[np.int64], Sides, Ints]:
        """The arcs of each node, as `kernels.sweep.incidence` lists them."""
        listed: tuple[NDArray[np.int64], Sides, Ints] = sweep_kernels.incidence(
            self.tail, self.head, self.weight, self.capacity, self.undirected, self.n_nodes
        )
        return listed

    @cached_property
    def is_hub(self) -> NDArray[np.bool_]:
        """Whether a node has very many arcs, or stands for a world outside, (N,)."""
        degree = kernels.degrees(self.tail, self.head, self.n_nodes)
        hub: NDArray[np.bool_] = degree > _MANY * 2 * self.n_arcs / self.n_nodes
        if self.anchor is not None:
            hub[self.anchor] = True
        return hub

    @cached_property
    def stiffness(self) -> float:
        """What a unit of potential makes the arcs of a typical node carry, at most."""
        weight = self.weight[self.weight > 0.0]
        return self.n_arcs / self.n_nodes / float(weight.min()) if weight.size else 0.0

    @cached_property
    def most(self) -> float:
        """The most that a node sends or gets."""
        return float(np.abs(self.supply).max())

    @cached_property
    def zero_arcs(self) -> NDArray[np.int64]:
        """The arcs of weight zero."""
        return np.flatnonzero(self.weight == 0.0)

    @cached_property
    def zero_leaf(self) -> Ints:
        """Of each arc of weight zero the end that has fewer of them: the one that moves onto it."""
        tail, head = self.tail[self.zero_arcs], self.head[self.zero_arcs]
        degree = np.bincount(np.concatenate((tail, head)), minlength=self.n_nodes)
        if self.anchor is not None:
            degree[self.anchor] = self.n_arcs
        leaf: Ints = np.where(degree[tail] < degree[head], tail, head)
        return leaf

    @cached_property
    def parts(self) -> tuple[Ints, int]:
        """The connected part (N,) of each node, apart from arcs at the anchor, and how many."""
        inner = np.ones(self.n_arcs)
        if self.anchor is not None:
            inner[(self.tail == self.anchor) | (self.head == self.anchor)] = 0.0
        everyone = np.arange(self.n_nodes, dtype=np.int32)
        label = kernels.components(everyone, inner, self.tail, self.head)
        index = np.cumsum(label == everyone, dtype=np.int32) - np.int32(1)
        return index[label], int(index[-1]) + 1

    @property
    def zeros(self) -> tuple[NDArray[np.int64], Ints]:
        """The arcs of weight zero and their leaves, as the kernels take them."""
        return self.zero_arcs, self.zero_leaf

    def active_graph(self, side: Sides, slope: Floats) -> tuple[Ints, Ints, Ints, Floats]:
        """The graph of the arcs of positive slope, where the ends of each tight arc are one node.

        Returns the node (N,) that stands for each, and tail, head and conductance of the arcs.
        """
        graph: tuple[Ints, Ints, Ints, Floats] = kernels.active(
            self.zero_arcs, side, slope, self.tail, self.head, self.n_nodes
        )
        return graph

    @cached_property
    def arc_part(self) -> Ints:
        """The part (E,) of an arc, that of an end which is not the anchor; (0,) if there is one."""
        if self.parts[1] == 1:
            return np.zeros(0, np.int32)
        end = (
            self.tail
            if self.anchor is None
            else np.where(self.tail == self.anchor, self.head, self.tail)
        )
        part: Ints = self.parts[0][end]
        return part

    def imbalance(self, flow: Floats) -> Floats:
        """Return supply - D flow, (N,): what is still missing at each node."""
        arrived: Floats = kernels.divergence(flow, self.tail, self.head, self.n_nodes)
        return self.supply - arrived

    def objective(self, flow: Floats) -> float:
        """Return the value of a flow."""
        linear = np.where(self.undirected, np.abs(flow), flow)
        return dot(self.cost, linear) + 0.5 * dot(self.weight, flow**2)


@dataclass(frozen=True, eq=False)
class FlowState:
    """Potentials of a network with what they make of it; what a solver starts from and returns.

    Parameters
    ----------
    potentials : array of shape (N,)
    side : int8 array of shape (E,)
        Of the arcs of weight zero: -1 empty, 0 tight, +1 full. Zero on all others.
    flow : array of shape (E,)
    residual : float
        Largest imbalance of a node.
    iterations : int
        Steps taken so far.
    """

    potentials: Floats
    side: Sides
    flow: Floats
    residual: float = np.inf
    iterations: int = 0

    @classmethod
    def at(cls, network: Network, potentials: Floats) -> FlowState:
        """Return the state at given potentials; arcs of weight zero go by their tension."""
        side = np.zeros(network.n_arcs, np.int8)
        zero = network.zero_arcs
        tension = potentials[network.head[zero]] - potentials[network.tail[zero]]
        side[zero] = np.sign(tension - network.cost[zero])
        return cls(potentials, side, np.zeros(network.n_arcs))
