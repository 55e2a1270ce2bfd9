"""Cycles of a large network in regions that grow.

In each region flow is pushed round the cycles of its own arcs, while those across borders carry
what they do. What that leaves wrong lies near borders; they are elsewhere in the next round, and
fewer. Cycles in small regions are short and near in memory; in the whole network they are long. A
hub, a node with very many arcs, belongs to every region with what the arcs there bring it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from quot.kernels import flow as kernels
from quot.network.clusters import Labels, clusters
from quot.network.cycles import Descent, descend
from quot.network.network import Network
from quot.parallel import map_rows
from quot.settings import settings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# By how much regions grow, and how many there are in the last round at least.
_GROWTH, _LAST = 4, 8
# Parts that regions are handed to threads in.
_PARTS = 64
# Arcs join regions at random, by at least this part of the most.
_WHIM = 0.5


def descend_in_regions(
    network: Network,
    start: Floats,
    *,
    enough: float = 0.0,
    closed: float = -1.0,
    max_pushes: int | None = None,
    must_stop: Callable[[], bool] = lambda: False,
) -> Descent | None:
    """As `descend`: in larger and larger regions of a large network, and then in the whole."""
    flow = improve(network, start, enough, must_stop)
    return descend(
        network, flow, enough=enough, closed=closed, max_pushes=max_pushes, must_stop=must_stop
    )


def improve(network: Network, flow: Floats, enough: float, must_stop: Callable[[], bool]) -> Floats:
    """Return a flow that gains no more in regions of a large network.

    Parameters
    ----------
    network : Network
    flow : array of shape (E,)
        To begin with; feasible or not.
    enough : float
        A gain that is left alone; see `descend`.
    must_stop : callable
        Asked now and then; True ends the rounds.
    """
    flow, nodes = flow.copy(), settings().region
    if settings().regions * nodes > network.n_nodes:
        return flow
    while min(_LAST, settings().regions) * nodes <= network.n_nodes:
        region = _regions(network, nodes, seed=nodes)
        if int(region.max()) >= 0:  # not all nodes are hubs
            _improve_each(network, flow, region, enough, must_stop)
        nodes *= _GROWTH
    return flow


def _regions(network: Network, nodes: int, seed: int) -> Labels:
    """The region (N,) of each node, of about so many nodes; -1 for hubs."""
    net = network
    whim = np.random.default_rng(seed).uniform(_WHIM, 1.0, net.n_arcs)
    whim[net.is_hub[net.tail] | net.is_hub[net.head]] = 0.0
    region = np.full(net.n_nodes, -1, np.int32)
    for label in clusters(net.tail, net.head, whim, net.n_nodes):
        region = label
        if int(label.max()) < net.n_nodes / nodes:
            break
    return region


def _improve_each(
    network: Network, flow: Floats, region: Labels, enough: float, must_stop: Callable[[], bool]
) -> None:
    """Solve each region for its own arcs, in place in `flow`."""
    net, count = network, int(region.max()) + 1
    tail, head = region[net.tail], region[net.head]
    owner = np.where(tail >= 0, tail, head)
    inner = np.flatnonzero((owner >= 0) & ((tail == head) | (tail < 0) | (head < 0)))
    outer = flow.copy()
    outer[inner] = 0.0
    wanted = net.imbalance(outer)
    arcs, arc_ends = _grouped(owner[inner], count)
    arcs = inner[arcs]
    nodes, node_ends = _grouped(region, count)
    hubs = np.flatnonzero(net.is_hub)

    def part(first: int, last: int) -> None:
        place = np.empty(net.n_nodes, np.int32)
        for k in range(first, last):
            own = arcs[arc_ends[k] : arc_ends[k + 1]]
            members = nodes[node_ends[k] : node_ends[k + 1]]
            if own.size < members.size:  # a tree has one flow
                continue
            if must_stop():
                break
            place[members] = np.arange(members.size)
            place[hubs] = members.size + np.arange(hubs.size)
            ends = place[net.tail[own]], place[net.head[own]]
            given = kernels.divergence(flow[own], *ends, members.size + hubs.size)[members.size :]
            alone = net.part(own, ends, np.append(wanted[members], given))
            found = descend(alone, flow[own], enough=enough, must_stop=must_stop)
            if found is not None:
                flow[own] = found.flow

    def watch() -> None:
        must_stop()  # asks the callback

    chunk = -(-count // _PARTS)
    map_rows(part, count, arcs.size, chunk, watch)


def _grouped(label: NDArray[np.integer], count: int) -> tuple[Ints, Ints]:
    """Indices sorted by label, those of -1 left out, and where each label begins and ends."""
    order = np.argsort(label, kind="stable")
    ends = np.searchsorted(label[order], np.arange(count + 1))
    return order, ends
