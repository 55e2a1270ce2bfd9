"""The path that the potentials take as all weights change together: its tangent and its steps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quot.kernels import flow as kernels
from quot.network.laplacian import LaplacianSolver, without_means
from quot.network.network import FlowState, Network

Floats = NDArray[np.float64]

# Residual (relative) of the linear system.
_RTOL = 1e-2
# One step down the path.
_STEP = 2.5


def tangent(network: Network, state: FlowState) -> Floats:
    """Return dp/dt, (N,), of a solution p of the network whose weights are (1 + t) w, at t = 0.

    While the same arcs are active their flow is x = (D'p - l) / ((1 + t) w). That all nodes stay
    balanced says ``L dp/dt = D x`` with the Laplacian of these arcs, where the ends of tight arcs
    are one node. Parts that no active arc joins do not move against each other.
    """
    net = network
    flow, slope, _ = kernels.respond(state.potentials, state.side, *net.response, net.supply)
    joined, tail, head, conductance = net.active_graph(state.side, slope)
    carried = kernels.divergence(flow[slope > 0.0], tail, head, net.n_nodes)
    move = LaplacianSolver().solve(tail, head, conductance, carried, _RTOL)
    component = kernels.components(joined, conductance, tail, head)
    return without_means(component, move[joined])


def step(way: float) -> float:
    """One of the equal steps, about _STEP each, into which a way is cut."""
    return float(way ** (1.0 / max(1, round(np.log(way) / np.log(_STEP)))))
