"""Newton on small parts of a large network, where few nodes miss much more than all others.

Alone they would keep every step of the whole network short.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from quot.kernels import nearby
from quot.network.network import FlowState, Network
from quot.network.point import Point
from quot.network.subnetwork import Subnetwork
from quot.settings import settings

Floats = NDArray[np.float64]

# Parts are the nodes that miss more than this fraction of the worst, and those around them.
_BAD = 0.03
# What is left on a part, relative to the worst, and how many are mended one after another.
_MENDED, _PARTS = 1e-2, 3
# A part is kept if that makes the worst so much less, and what it does to hubs is no more.
_LESS, _HUBS = 0.5, 1.5


def mend(
    network: Network,
    point: Point,
    tol: float,
    solve: Callable[[Network, FlowState, float], FlowState],
) -> Point:
    """Return a point where no node misses much more than others, if few did.

    Parameters
    ----------
    network : Network
    point : Point
        Its flow and slopes are changed in place.
    tol : float
        What a node may miss anyway.
    solve : callable
        Solves a part of the network, from a state, until no node misses more than a goal.

    Notes
    -----
    Hubs are left out: they move with all others.
    """
    if network.n_nodes < settings().mended:
        return point
    missing, few = _missing(network, point), settings().mended_bad * network.n_nodes
    for _ in range(_PARTS):
        worst = float(missing.max())
        if worst <= tol:
            break
        bad = np.flatnonzero(missing > max(tol, _BAD * worst))
        if bad.size > few:
            break
        nodes, arcs, inside = _around(network, bad)
        part = Subnetwork(network, nodes, arcs, point.potentials, point.side)
        found = solve(part.network, part.start, max(0.1 * tol, _MENDED * worst))
        potentials, side = point.potentials.copy(), point.side.copy()
        part.put_back(found, potentials, side)
        kept = point.kept(network, arcs)
        mended = point.moved(network, inside, arcs, potentials, side)
        missing = _missing(network, mended)
        if missing.max() > _LESS * worst or mended.residual > _HUBS * point.residual:
            point.restore(network, arcs, kept)
            break
        point = mended
    return point


def _around(
    network: Network, bad: NDArray[np.intp]
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.bool_]]:
    """The nodes around bad ones and arcs that touch them, in order; whether a node is inside."""
    net, (indptr, _, arc) = network, network.incidence
    most = max(bad.size, int(settings().mended_part * net.n_nodes))
    nodes, arcs, inside = nearby.surroundings(
        bad, settings().rings, most, indptr, arc, net.tail, net.head, net.weight, net.is_hub
    )
    return np.sort(nodes), np.sort(arcs), inside


def _missing(network: Network, point: Point) -> Floats:
    """What every node misses, hubs left out."""
    return np.where(network.is_hub, 0.0, np.abs(point.imbalance))
