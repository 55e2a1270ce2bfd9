"""Transport at a reg too small to solve at, down to zero.

Below some reg the plan no longer changes: it is the solution of the linear problem of smallest
norm, and the potentials are affine in reg, p = p0 + reg p1. From a solution on that line, the plan
is the flow of smallest norm on the active arcs (costs zero, weights one), p1 its potentials.
Nothing is divided by reg, so the plan is as exact as the masses.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quot.flow.laplacian import without_means
from quot.flow.network import FlowState, Network
from quot.flow.newton import solve_newton
from quot.kernels import flow as kernels
from quot.quadratic.bipartite import Bipartite

Floats = NDArray[np.float64]

_STEPS = 50
_ROUNDS = 2000
# An arc whose reduced cost round-off explains (relative to the potentials) counts as active: the
# smallest masses make no more.
_NOISE = 8 * float(np.finfo(np.float64).eps)


def follow(network: Bipartite, state: FlowState, wanted: float, tol: float) -> FlowState:
    """Return the state at reg `wanted` from that at the network's own, higher reg.

    Parameters
    ----------
    network : Bipartite
    state : FlowState
        Solution at the network's reg.
    wanted : float
        Reg to go to.
    tol : float
        Imbalance allowed, in units of mass.

    Returns
    -------
    FlowState
        Only a certificate tells whether the network's reg was low enough.
    """
    net, reg = network.network, network.problem.reg
    zero = net.weight == 0.0
    full = zero & (state.side > 0)
    carried = np.where(full, net.capacity, 0.0)
    tension = kernels.tension(state.potentials, net.tail, net.head)
    noise = _NOISE * float(np.abs(state.potentials).max())
    keep = np.flatnonzero(np.where(zero, state.side == 0, tension >= net.cost - noise))
    active = Network(
        tail=net.tail[keep],
        head=net.head[keep],
        cost=np.zeros(keep.size),
        weight=np.where(zero[keep], 0.0, 1.0),
        capacity=net.capacity[keep],
        undirected=net.undirected[keep],
        supply=net.imbalance(carried),
    )
    start = FlowState(np.zeros(net.n_nodes), np.zeros(keep.size, np.int8), np.zeros(keep.size))
    found = solve_newton(active, start, tol=tol, max_iter=_STEPS)
    # On each component of arcs that carry flow, p1 is known up to a constant: none. Then p0 is made
    # feasible between components.
    side = state.side.copy()
    at_end = np.where(found.flow >= net.capacity[keep], 1, np.where(found.flow <= 0.0, -1, 0))
    side[keep[zero[keep]]] = at_end[zero[keep]]
    joins = np.where(zero[keep], at_end == 0, found.flow > 0.0)
    component = kernels.components(
        np.arange(net.n_nodes, dtype=np.int32), joins * 1.0, active.tail, active.head
    )
    slope = without_means(component, found.potentials)
    flow = carried
    flow[keep] = found.flow
    ground = state.potentials - reg * slope
    kernels.settle(component, ground, side, *net.response, noise, _ROUNDS)
    return FlowState(
        ground + wanted * slope,
        side,
        flow,
        found.residual,
        state.iterations + found.iterations,
    )
