"""Transport at a reg too small to solve at, down to zero.

Below some reg the plan no longer changes: it is the solution of the linear problem of smallest
norm, and the potentials are affine in reg, p = p0 + reg p1. Given two solutions on that line, the
plan is the flow of smallest norm on the active arcs (costs zero, weights one), p1 its
potentials. Nothing is divided by reg, so the plan is as exact as the masses.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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


def follow(
    network: Bipartite, state: FlowState, above: FlowState, reg_above: float, wanted: float, tol: float
) -> FlowState:
    """Return the state at reg `wanted`, from those at the network's own reg and one above it.

    Parameters
    ----------
    network : Bipartite
        Of the lower reg, without a box.
    state, above : FlowState
        Solutions at the network's reg and at `reg_above` on the same nodes.
    wanted : float
        Reg to go to.
    tol : float
        Imbalance allowed, in units of mass.

    Returns
    -------
    FlowState
        Its residual tells whether the active arcs could carry the mass.
    """
    net, reg = network.network, network.problem.reg
    line = (above.potentials - state.potentials) / (reg_above - reg)
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
    start = FlowState(_level(active, line, zero[keep]), np.zeros(keep.size, np.int8), np.zeros(keep.size))
    found = solve_newton(active, start, tol=tol, max_iter=_STEPS)
    # On each component of the active arcs p1 is known up to a constant: take it from the line, and
    # make p0 feasible between components, which the line met only up to its own reg.
    component = kernels.components(
        np.arange(net.n_nodes, dtype=np.int32), np.ones(keep.size), active.tail, active.head
    )
    size = np.bincount(component, minlength=net.n_nodes)
    shift = np.bincount(component, line - found.potentials, minlength=net.n_nodes)
    slope = found.potentials + (shift / np.maximum(size, 1))[component]
    flow = carried
    flow[keep] = found.flow
    ground = state.potentials - reg * slope
    kernels.settle(component, ground, state.side, *net.response, noise, _ROUNDS)
    return FlowState(
        ground + wanted * slope,
        state.side,
        flow,
        found.residual,
        state.iterations + found.iterations,
    )


def _level(network: Network, potentials: Floats, tight: NDArray[np.bool_]) -> Floats:
    """Potentials with equal ends on the tight arcs."""
    side = np.where(tight, 0, 1).astype(np.int8)
    joined = kernels.contract(
        np.flatnonzero(tight), side, network.tail, network.head, network.n_nodes
    )
    level: Floats = potentials[joined]
    return level
