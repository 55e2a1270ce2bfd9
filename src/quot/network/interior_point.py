"""Primal-dual interior point (Mehrotra) for quadratic flow.

Its number of steps hardly depends on the weights, so it serves where Newton's path is long: near
and at the linear problem. Every step solves two systems with one weighted Laplacian of all arcs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quot.kernels import flow as kernels
from quot.network.laplacian import LaplacianSolver
from quot.network.network import FlowState, Network
from quot.parallel import dot

Floats = NDArray[np.float64]

# Residuals of the linear systems of the predictor, which only says where to aim, and the corrector;
# what that leaves is made up for in the next step.
_AIM, _RTOL = 1e-3, 1e-5
# Products of flow and multiplier at the start, in those of a typical arc: a start too near the
# boundary takes many short steps to balance the nodes, and where masses are very uneven it blows
# up. Then the next one is tried.
_INSIDE = (30.0, 3e4, 3e7, 3e10)
# A start has blown up when complementarity grows by this factor; round-off has taken over when what
# is missing grows by this factor from the best point; and no other start is needed when that was no
# further from what is wanted than this.
_BLOWN_UP, _LOST, _NEARLY = 1e3, 1e4, 1e3
# Fraction of the way to the boundary that a step may go.
_TO_BOUNDARY = 0.995
_MAX_STEPS = 80
# So many steps in vain after complementarity is small: round-off keeps nodes from being balanced.
_IDLE = 3
# How far from its ends, in capacities, an arc may start: 1 in so many.
_LONG_WAY = 1e8


@dataclass(frozen=True, eq=False)
class _Point:
    """Flow x in (0, k), room k - x, their multipliers z and v, and the potentials p; or changes."""

    p: Floats
    x: Floats
    room: Floats
    z: Floats
    v: Floats

    def moved(self, ahead: _Point, length: float) -> _Point:
        """Return the point a step ahead; potentials with median zero."""
        p = self.p + length * ahead.p
        return _Point(
            p - np.median(p),
            self.x + length * ahead.x,
            self.room + length * ahead.room,
            self.z + length * ahead.z,
            self.v + length * ahead.v,
        )


class _Reached(NamedTuple):
    """A point, None if there is none, and its imbalance.

    The larger of imbalance and complementarity is `short` times what is wanted.
    """

    point: _Point | None
    residual: float
    short: float


@dataclass(frozen=True, eq=False)
class _System:
    """The Newton equations at a point: one weighted Laplacian for any right side."""

    network: Network
    here: _Point
    capped: NDArray[np.bool_]
    solver: LaplacianSolver
    missing: Floats
    conductance: Floats
    dual_residual: Floats

    @classmethod
    def at(cls, net: Network, here: _Point, capped: NDArray[np.bool_], missing: Floats) -> _System:
        """Assemble the system; nothing is factored yet."""
        tension = kernels.tension(here.p, net.tail, net.head)
        return cls(
            net,
            here,
            capped,
            LaplacianSolver(uneven=True, fine=1.0),
            missing,
            1.0 / (net.weight + here.z / here.x + here.v / here.room),
            net.cost + net.weight * here.x - tension - here.z + here.v,
        )

    def direction(self, comp_x: Floats, comp_v: Floats, rtol: float) -> _Point:
        """Return Newton's direction that adds comp_x to x z and comp_v to room v."""
        net, here = self.network, self.here
        drift = self.conductance * (comp_x / here.x - comp_v / here.room - self.dual_residual)
        rhs = self.missing - kernels.divergence(drift, net.tail, net.head, net.n_nodes)
        dp = self.solver.solve(net.tail, net.head, self.conductance, rhs - rhs.mean(), rtol)
        dx = self.conductance * kernels.tension(dp, net.tail, net.head) + drift
        dz = (comp_x - here.z * dx) / here.x
        dv = np.where(self.capped, (comp_v + here.v * dx) / here.room, 0.0)
        return _Point(dp, dx, np.where(self.capped, -dx, 0.0), dz, dv)


def solve_interior_point(
    network: Network,
    start: FlowState,
    *,
    smooth: float,
    tol: float,
    tol_gap: float,
    max_iter: int,
    must_stop: Callable[[], bool] = lambda: False,
) -> FlowState:
    """Approach the optimal flow from its interior.

    Parameters
    ----------
    network : Network
        Arcs of weight zero must be directed and of finite capacity.
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
    must_stop : callable
        Asked before every step; True ends the iteration.

    Returns
    -------
    FlowState
        Potentials and sides near the optimum, for Newton to finish from.
    """
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        net, steps, best = _directed(network), 0, _Reached(None, np.inf, np.inf)
        for inside in _INSIDE:
            left = min(max_iter - steps, _MAX_STEPS)
            here = _start(net, start.potentials, smooth, inside)
            found, step = _iterate(net, here, tol, tol_gap, left, must_stop)
            steps += step
            best = min(best, found, key=lambda reached: reached.short)
            if best.short <= _NEARLY:
                break
    if best.point is None:  # beyond the range of floats: Newton has to do without
        return replace(start, iterations=start.iterations + steps)
    return _finish(network, best.point, best.residual, start.iterations + steps)


def _iterate(  # noqa: PLR0917
    net: Network,
    here: _Point,
    tol: float,
    tol_gap: float,
    max_iter: int,
    must_stop: Callable[[], bool],
) -> tuple[_Reached, int]:
    """Take steps until near the optimum, or until they lead away; return the best, and how many."""
    capped = np.isfinite(net.capacity)
    count = net.n_arcs + int(np.count_nonzero(capped))
    step, idle, best = 0, 0, _Reached(None, np.inf, np.inf)
    most = _BLOWN_UP * _complementarity(here)
    while True:
        missing = net.imbalance(here.x)
        residual = float(np.abs(missing).max())
        gap = _complementarity(here)
        now = _Reached(here, residual, max(gap / tol_gap, residual / tol))
        idle = 0 if now.short < best.short or gap > tol_gap else idle + 1
        best = min(best, now, key=lambda reached: reached.short)
        lost = not (gap <= most and now.short <= _LOST * best.short) or idle >= _IDLE
        if best.short <= 1.0 or lost or step >= max_iter or must_stop():
            return best, step
        step += 1
        system = _System.at(net, here, capped, missing)
        # Predictor: straight for the boundary; how far it gets says how much to centre.
        ahead = system.direction(-here.x * here.z, -here.room * here.v, _AIM)
        reached = _complementarity(here.moved(ahead, min(1.0, _reach(here, ahead))))
        mu = gap / count * min(max(reached, 0.0) / gap, 1.0) ** 3
        # Corrector: towards the central path, with the predictor's second-order error.
        ahead = system.direction(
            mu - here.x * here.z - ahead.x * ahead.z,
            np.where(capped, mu - here.room * here.v - ahead.room * ahead.v, 0.0),
            _RTOL,
        )
        here = here.moved(ahead, min(1.0, _TO_BOUNDARY * _reach(here, ahead)))


def _directed(network: Network) -> Network:
    """Put two directed arcs for every undirected one, the second of each pair at the end."""
    both = np.flatnonzero(network.undirected)
    if not both.size:
        return network
    return Network(
        tail=np.concatenate((network.tail, network.head[both])),
        head=np.concatenate((network.head, network.tail[both])),
        cost=np.concatenate((network.cost, network.cost[both])),
        weight=np.concatenate((network.weight, network.weight[both])),
        capacity=np.concatenate((network.capacity, network.capacity[both])),
        undirected=np.zeros(network.n_arcs + both.size, np.bool_),
        supply=network.supply,
    )


def _complementarity(here: _Point) -> float:
    """Return x z + room v, summed: what is missing to optimality at a feasible point."""
    return dot(here.x, here.z) + dot(here.room, here.v)


def _start(net: Network, potentials: Floats, smooth: float, inside: float) -> _Point:
    """The central flow of every arc at the given tensions and the smoothing weight."""
    capped = np.isfinite(net.capacity)
    t = kernels.tension(potentials, net.tail, net.head) - net.cost
    weight = np.where(net.weight > 0, np.maximum(net.weight, smooth), 0.0)
    through = 0.5 * float(np.abs(net.supply).sum())
    typical = through / net.n_arcs
    mu = inside * smooth * typical * typical
    root = np.sqrt(t * t + 4 * weight * mu)
    k = np.where(capped, net.capacity, 1.0)
    with np.errstate(all="ignore"):
        x = np.where(t > 0, (t + root) / (2 * weight), 2 * mu / (root - t))
    # Between 0 and k without weight: 1/(1 - y) - 1/y = u for y = x/k.
    u = np.clip(t * k / mu, -_LONG_WAY, _LONG_WAY)
    part = 2 / (2 + np.abs(u) + np.sqrt(u * u + 4))
    share = np.where(u > 0, 1 - part, part)
    x = np.where(capped & ((net.weight == 0.0) | (x >= k)), np.minimum(share * k, through), x)
    room = np.where(capped, net.capacity - x, 1.0)
    return _Point(potentials, x, room, mu / x, np.where(capped, mu / room, 0.0))


def _reach(here: _Point, ahead: _Point) -> float:
    """Return the largest step that keeps everything positive."""

    def ratio(value: Floats, change: Floats) -> float:
        down = change < 0
        return float(np.min(value[down] / -change[down], initial=np.inf))

    return min(
        ratio(here.x, ahead.x),
        ratio(here.z, ahead.z),
        ratio(here.room, ahead.room),
        ratio(here.v, ahead.v),
    )


def _finish(network: Network, here: _Point, residual: float, iterations: int) -> FlowState:
    """Give arcs of weight zero the side that the larger of flow and multiplier tells.

    The product of the two is the same for all arcs by now, and tiny.
    """
    net = network
    zero, leaf = net.zero_arcs, net.zero_leaf
    x, room, z, v = (part[zero] for part in (here.x, here.room, here.z, here.v))
    price = float(np.max(z + v, initial=0.0)) or 1.0
    side = np.zeros(net.n_arcs, np.int8)
    side[zero[z / price > x / net.capacity[zero]]] = -1
    side[zero[v / price > room / net.capacity[zero]]] = 1
    potentials = here.p.copy()
    tight = side[zero] == 0
    up, down = zero[tight & (leaf == net.head[zero])], zero[tight & (leaf != net.head[zero])]
    potentials[net.head[up]] = potentials[net.tail[up]] + net.cost[up]
    potentials[net.tail[down]] = potentials[net.head[down]] - net.cost[down]
    flow = here.x[: net.n_arcs].copy()
    flow[net.undirected] -= here.x[net.n_arcs :]
    return FlowState(potentials, side, flow, residual, iterations)
