"""Subnetworks: parts of a network whose nodes move while all others stay.

The nodes outside become one, the ground, and their potentials go into the costs of the arcs that
cross. What is solved on a subnetwork raises the dual of the whole network.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quot.network.network import FlowState, Network

Floats = NDArray[np.float64]


class Subnetwork:
    """Part of a network, as a network of its own.

    Parameters
    ----------
    network : Network
    nodes, arcs : int array
        The nodes that may move, and all arcs that touch one of them; both in order.
    potentials, side : array of shape (N,), (E,)
        Where the whole network stands.
    """

    def __init__(
        self,
        network: Network,
        nodes: NDArray[np.integer],
        arcs: NDArray[np.integer],
        potentials: Floats,
        side: NDArray[np.int8],
    ) -> None:
        ground = nodes.size
        index = np.full(network.n_nodes, ground, np.int32)
        index[nodes] = np.arange(ground, dtype=np.int32)
        tail, head = network.tail[arcs], network.head[arcs]
        lost_tail, lost_head = index[tail] == ground, index[head] == ground
        cost = network.cost[arcs]
        undirected = network.undirected[arcs]
        # One way across, and the other way for an arc that goes both.
        over = np.where(lost_tail, potentials[tail], 0.0) - np.where(lost_head, potentials[head], 0)
        twin = np.flatnonzero(undirected & (lost_tail | lost_head))
        back = np.concatenate((np.arange(arcs.size), twin))
        undirected[twin] = False
        flipped = np.zeros(back.size, np.bool_)
        flipped[arcs.size :] = True
        tail, head = index[tail], index[head]
        supply = np.append(network.supply[nodes], 0.0)
        supply[-1] = -supply.sum()
        self.nodes, self.arcs = nodes, arcs
        self.network = Network(
            tail=np.where(flipped, head[back], tail[back]),
            head=np.where(flipped, tail[back], head[back]),
            cost=cost[back] + np.where(flipped, -over[back], over[back]),
            weight=network.weight[arcs][back],
            capacity=network.capacity[arcs][back],
            undirected=undirected[back],
            supply=supply,
            anchor=ground,
        )
        self.start = FlowState(
            np.append(potentials[nodes], 0.0),
            side[arcs][back],
            np.zeros(back.size),
        )

    def put_back(self, state: FlowState, potentials: Floats, side: NDArray[np.int8]) -> None:
        """Write what was found on the subnetwork into the potentials and sides of the whole."""
        potentials[self.nodes] = state.potentials[:-1] - state.potentials[-1]
        side[self.arcs] = state.side[: self.arcs.size]
