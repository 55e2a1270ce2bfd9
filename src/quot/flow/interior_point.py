"""Primal-dual interior point (Mehrotra) for quadratic flow.

Its number of steps hardly depends on the weights, so it serves where Newton's path is long: near
and at the linear problem. Every step solves two systems with one weighted Laplacian of all arcs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quot.flow.laplacian import LaplacianSolver
from quot.flow.network import FlowState, Network
from quot.kernels import flow as kernels

Floats = NDArray[np.float64]

# Residual of the linear systems; what it leaves is made up for in the next step.
_RTOL = 1e-6
# Fraction of the way to the boundary that a step may go.
_TO_BOUNDARY = 0.995
_MAX_STEPS = 80
# How far from its ends, in capacities, an arc may start: 1 in so many.
_LONG_WAY = 1e8


@dataclass
class _Interior:
    """Flow x in (0, k), room k - x, their multipliers, and the potentials."""

    potentials: Floats
    x: Floats
    room: Floats
    z: Floats
    v: Floats


def solve_interior_point(
    network: Network, start: FlowState, *, smooth: float, tol: float, tol_gap: float, max_iter: int
) -> FlowState:
    """Approach the optimal flow of a network of directed arcs from its interior.

    Parameters
    ----------
    network : Network
        Arcs directed; those of weight zero have finite capacity.
    start : FlowState
        Its potentials are where the iteration starts.
    smooth : float
        Weight at which the starting flow is read off the starting potentials.
    tol : float
        Imbalance of a node at the end, in units of flow.
    tol_gap : float
        Complementarity at the end, in units of the objective.
    max_iter : int
        Steps allowed.

    Returns
    -------
    FlowState
        Potentials and sides near the optimum, for Newton to finish from.
    """
    net = network
    capped = np.isfinite(net.capacity)
    here = _start(net, start.potentials, smooth, capped)
    solver = LaplacianSolver(jacobi=False)
    count = net.n_arcs + int(np.count_nonzero(capped))
    for step in range(min(max_iter, _MAX_STEPS) + 1):
        missing = net.imbalance(here.x)
        residual = float(np.abs(missing).max())
        gap = float(here.x @ here.z + here.room[capped] @ here.v[capped])
        if (gap <= tol_gap and residual <= tol) or step == min(max_iter, _MAX_STEPS):
            break
        tension = kernels.tension(here.potentials, net.tail, net.head)
        dual_residual = net.cost + net.weight * here.x - tension - here.z + here.v
        theta = 1.0 / (net.weight + here.z / here.x + here.v / here.room)

        def direction(
            comp_x: Floats, comp_v: Floats, theta: Floats = theta, rd: Floats = dual_residual,
            rp: Floats = missing,
        ) -> _Interior:
            """Newton's direction towards the complementarities x z + comp_x, room v + comp_v."""
            rho = theta * (comp_x / here.x - comp_v / here.room - rd)
            rhs = rp - kernels.divergence(rho, net.tail, net.head, net.n_nodes)
            dp = solver.solve(net.tail, net.head, theta, rhs - rhs.mean(), _RTOL)
            dx = theta * kernels.tension(dp, net.tail, net.head) + rho
            dz = (comp_x - here.z * dx) / here.x
            dv = np.where(capped, (comp_v + here.v * dx) / here.room, 0.0)
            return _Interior(dp, dx, -dx, dz, dv)

        solver.forget()
        # Predictor: straight for the boundary; how far it gets says how much to centre.
        ahead = direction(-here.x * here.z, -here.room * here.v)
        reach = min(1.0, _reach(here, ahead, capped))
        ahead_gap = float((here.x + reach * ahead.x) @ (here.z + reach * ahead.z)) + float(
            ((here.room + reach * ahead.room) * (here.v + reach * ahead.v))[capped].sum()
        )
        mu = gap / count * (max(ahead_gap, 0.0) / gap) ** 3
        # Corrector: towards the central path, with the predictor's second-order error.
        ahead = direction(
            mu - here.x * here.z - ahead.x * ahead.z,
            np.where(capped, mu - here.room * here.v - ahead.room * ahead.v, 0.0),
        )
        length = min(1.0, _TO_BOUNDARY * _reach(here, ahead, capped))
        x = here.x + length * ahead.x
        potentials = here.potentials + length * ahead.potentials
        here = _Interior(
            potentials - np.median(potentials),
            x,
            np.where(capped, net.capacity - x, 1.0),
            here.z + length * ahead.z,
            here.v + length * ahead.v,
        )
    return _finish(net, here, residual, start.iterations + step)


def _start(net: Network, potentials: Floats, smooth: float, capped: NDArray[np.bool_]) -> _Interior:
    """The central flow of every arc at the given tensions and the smoothing weight."""
    t = kernels.tension(potentials, net.tail, net.head) - net.cost
    weight = np.where(net.weight > 0, np.maximum(net.weight, smooth), 0.0)
    typical = float(np.abs(net.supply).max()) / max(2.0 * net.n_arcs / net.n_nodes, 1.0)
    mu = smooth * typical * typical
    root = np.sqrt(t * t + 4 * weight * mu)
    k = np.where(capped, net.capacity, 1.0)
    with np.errstate(all="ignore"):
        x = np.where(t > 0, (t + root) / (2 * weight), 2 * mu / (root - t))
    # Between 0 and k without weight: 1/(1 - y) - 1/y = u for y = x/k.
    u = np.clip(t * k / mu, -_LONG_WAY, _LONG_WAY)
    part = 2 / (2 + np.abs(u) + np.sqrt(u * u + 4))
    share = np.where(u > 0, 1 - part, part)
    x = np.where(capped & ((net.weight == 0.0) | (x >= k)), share * k, x)
    room = np.where(capped, net.capacity - x, 1.0)
    return _Interior(potentials, x, room, mu / x, np.where(capped, mu / room, 0.0))


def _reach(here: _Interior, ahead: _Interior, capped: NDArray[np.bool_]) -> float:
    """Largest step that keeps everything positive."""

    def ratio(value: Floats, change: Floats) -> float:
        down = change < 0
        return float(np.min(value[down] / -change[down], initial=np.inf))

    return min(
        ratio(here.x, ahead.x),
        ratio(here.z, ahead.z),
        ratio(here.room[capped], ahead.room[capped]),
        ratio(here.v[capped], ahead.v[capped]),
    )


def _finish(net: Network, here: _Interior, residual: float, iterations: int) -> FlowState:
    """Give arcs of weight zero the side that the larger of flow and multiplier tells.

    The product of the two is the same for all arcs by now, and tiny.
    """
    zero, leaf = net.zero_arcs, net.zero_leaf
    x, room, z, v = (part[zero] for part in (here.x, here.room, here.z, here.v))
    price = float(np.max(z + v, initial=0.0)) or 1.0
    side = np.zeros(net.n_arcs, np.int8)
    side[zero[z / price > x / net.capacity[zero]]] = -1
    side[zero[v / price > room / net.capacity[zero]]] = 1
    potentials = here.potentials.copy()
    tight = side[zero] == 0
    up, down = zero[tight & (leaf == net.head[zero])], zero[tight & (leaf != net.head[zero])]
    potentials[net.head[up]] = potentials[net.tail[up]] + net.cost[up]
    potentials[net.tail[down]] = potentials[net.head[down]] - net.cost[down]
    return FlowState(potentials, side, here.x, residual, iterations)
