"""The linear problem in regions that grow: the vertex of a large network, nearly.

In each region a network simplex finds the best flow on its own arcs, while those across borders
carry what they do. What that leaves wrong lies near borders; they are elsewhere in the next round,
and fewer. Pivots in small regions cost little; in the whole network each moves a large tree. A hub,
a node with very many arcs, belongs to every region with what the arcs there bring it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from quot.flow.network import Network
from quot.graphs.linear import solve_linear
from quot.kernels import flow as kernels
from quot.kernels import laplacian, multigrid
from quot.parallel import map_rows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Nodes of the first regions, by how much they grow, and how many regions the last round has at
# least.
_FIRST, _GROWTH, _LAST = 400, 4, 3
# Parts that regions are handed to threads in.
_PARTS = 64
# How regions are joined; see `kernels.multigrid.aggregate`. Arcs are preferred at random.
_MOST, _FRACTION, _WHIM = 4, 0.25, 0.5


def improve(network: Network, flow: Floats, must_stop: Callable[[], bool]) -> tuple[Floats, int]:
    """Return a flow that is optimal in larger and larger regions, and the pivots it took.

    Parameters
    ----------
    network : Network
        Its weights do not count.
    flow : array of shape (E,)
        To begin with; feasible or not.
    must_stop : callable
        Asked now and then; True ends the rounds.
    """
    flow, pivots, nodes = flow.copy(), 0, _FIRST
    while _LAST * nodes <= network.n_nodes:
        region = _regions(network, nodes, seed=nodes)
        pivots += _improve_each(network, flow, region, must_stop)
        nodes *= _GROWTH
    return flow, pivots


def _regions(network: Network, nodes: int, seed: int) -> Ints:
    """The region (N,) of each node, of about so many nodes; -1 for hubs."""
    net = network
    whim = np.random.default_rng(seed).uniform(_WHIM, 1.0, net.n_arcs)
    whim[net.is_hub[net.tail] | net.is_hub[net.head]] = 0.0
    *graph, _ = laplacian.adjacency(net.tail, net.head, whim, net.n_nodes)
    region = np.arange(net.n_nodes)
    count = int(np.count_nonzero(graph[-1]))
    enough = count / nodes
    while count > enough:
        joined, count = multigrid.aggregate(*graph, _MOST, _FRACTION)
        if count == 0:  # every component has become a single region
            break
        graph = multigrid.coarsen(*graph[:3], joined, count)
        region = np.where(region >= 0, joined[region], -1)
    return region


def _improve_each(
    network: Network, flow: Floats, region: Ints, must_stop: Callable[[], bool]
) -> int:
    """Solve each region for its own arcs, in place in `flow`; return the pivots."""
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

    def part(first: int, last: int) -> int:
        place, pivots = np.empty(net.n_nodes, np.int32), 0
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
            vertex = solve_linear(alone, flow[own], must_stop=must_stop)
            if vertex is not None:
                flow[own] = vertex.flow
                pivots += vertex.pivots
        return pivots

    def watch() -> None:
        must_stop()  # asks the callback

    chunk = -(-count // _PARTS)
    return sum(map_rows(part, count, arcs.size, chunk, watch))


def _grouped(label: Ints, count: int) -> tuple[Ints, Ints]:
    """Indices sorted by label, those of -1 left out, and where each label begins and ends."""
    order = np.argsort(label, kind="stable")
    ends = np.searchsorted(label[order], np.arange(count + 1))
    return order, ends
