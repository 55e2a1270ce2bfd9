"""Semismooth Newton on the dual of a quadratic flow.

The dual is concave and piecewise quadratic in the node potentials; its generalised Hessian is the
Laplacian of the active arcs. Arcs of weight zero make kinks instead: there the two ends stick
together (a tight arc), and tight arcs are contracted, so that every linear system is again a
plain graph Laplacian.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from quot.kernels import flow as kernels
from quot.kernels import sweep as sweep_kernels
from quot.network.laplacian import LaplacianSolver
from quot.network.mend import mend
from quot.network.network import FlowState, Network
from quot.network.point import Point
from quot.parallel import dot
from quot.settings import settings

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Sides = NDArray[np.int8]

_EPS = float(np.finfo(np.float64).eps)

# A Newton step only needs its direction: the residual (relative) of the linear systems is at most
# the first, and no less than the part given of what the step has to reach.
_LOOSE, _SAFETY = 5e-2, 0.3
# While all nodes together miss more than this part, arcs count that are nearly awake: from the
# vertex of a linear problem that halves the steps (12, 15 to 6, 9 on 500 nodes, 19, 22 to 9, 11 on
# 1500). On networks that are mended it does not (22,500 nodes: 9 to 88 steps, as many without), and
# on some it keeps them short (a grid of a million, few sources: 405 s instead of 150).
_NEAR = 0.02
# The exact line search stops where the slope has fallen to this fraction.
_SLOPE, _SEARCHES = 0.5, 16
# Before the first step there are sweeps over all nodes while each leaves less than this of the
# imbalance, summed over the nodes; but none where fewer arcs a node than this are active. Near a
# linear problem they lead into corners.
_RELAXED, _RICH = 0.6, 1.3
# Arcs let go and pushed back are tied again at most so many times in a step.
_RETIES = 4
# After so many steps that do not halve the imbalance, one that round-off explains is as good as 0.
_PATIENCE = 1
# After so many it goes in circles, and somebody else has to help.
_STUCK = 100

# A step that the line search cuts to less than this is also tried whole, with parts mended; and the
# steps that such a part may take.
_SHORT, _STEPS_OF_A_PART = 0.7, 30


def solve_newton(
    network: Network,
    start: FlowState,
    *,
    tol: float,
    max_iter: int,
    enough: float = 0.0,
    most: float = np.inf,
    sweeps: bool = False,
    must_stop: Callable[[], bool] = lambda: False,
) -> FlowState:
    """Maximise the dual until no node misses more than `tol`.

    Parameters
    ----------
    network : Network
        Arcs of weight zero must be directed and of finite capacity.
    start : FlowState
        Potentials and sides to start from.
    tol : float
        Largest imbalance of a node allowed, in units of flow.
    max_iter : int
        Newton steps allowed.
    enough, most : float
        What all nodes together may miss, and then each of them: a few may miss more than `tol`.
    sweeps : bool
        Whether sweeps over all nodes come first: from far off they help, near the end they lead
        into corners.
    must_stop : callable
        Asked before every step; True ends the iteration.

    Returns
    -------
    FlowState
        Potentials, sides, flow, its residual and the number of steps; the caller compares the
        residual with `tol`.

    Notes
    -----
    A component of the active graph that misses mass in total has no Newton step: it is shifted
    as a whole to where its first arc wakes. After a step in vain the next one lets no tight arc go,
    and a sweep follows it. Where few nodes miss much more than all others, they and their
    neighbours are solved for first, while the others stay: alone they would keep every step of the
    whole network short.
    """
    solver = LaplacianSolver(must_stop=must_stop)
    centred = start.potentials - _middle(start.potentials)
    point = Point.at(network, centred, start.side.copy())
    if sweeps:
        point = _relax(network, point, tol, must_stop)
    point = best = _mended(network, point, tol, must_stop)
    iterations, idle, origin = 0, 0, None
    reach = _typical(network, start.flow) if network.n_nodes < settings().mended else 0.0
    while point.residual > tol and iterations < max_iter and not must_stop():
        if point.total <= enough and point.residual <= most:
            best = point
            break
        iterations += 1
        hold = idle % 2 == 1
        point = _step(network, point, solver, tol, hold=hold, reach=reach * _far(network, point))
        if hold and point.residual > tol:
            point = _swept(network, point, 0.1 * tol)
        point = _mended(network, point, tol, must_stop)
        idle = 0 if point.residual < _SLOPE * best.residual else idle + 1
        best = min(best, point, key=lambda point: point.residual)
        if idle >= _STUCK:
            break
        if idle >= _PATIENCE and best.residual <= round_off(network, best.potentials, best.flow):
            if origin is not None or not _can_recentre(network, best):
                break
            origin, idle = best.potentials, 0
            network, point = _recentre(network, best)
            best = point
    potentials = best.potentials if origin is None else origin + best.potentials
    return FlowState(potentials, best.side, best.flow, best.residual, start.iterations + iterations)


def _typical(network: Network, flow: Floats) -> float:
    """What the quadratic term adds to the price of a typical arc that carries something."""
    used = np.count_nonzero(flow)
    return dot(network.weight, np.abs(flow)) / used if used else 0.0


def _far(network: Network, point: Point) -> float:
    """What all nodes miss, as a part of what they miss without a flow; 0 where that is little."""
    part = point.total / max(float(np.abs(network.supply).sum()), point.total)
    return part if part > _NEAR else 0.0


def _middle(x: Floats) -> float:
    """A median."""
    return float(np.partition(x, x.size // 2)[x.size // 2])


def round_off(network: Network, potentials: Floats, flow: Floats) -> float:
    """Imbalance that the rounding of potentials and of sums explains: less is not to be had."""
    potential = max(float(potentials.max()), -float(potentials.min()))
    through = max(float(flow.max(initial=0.0)), -float(flow.min(initial=0.0)), network.most)
    leaves = np.sqrt(1.0 + network.zero_arcs.size)  # tight arcs hand the errors of leaves to hubs
    return float(4.0 * _EPS * leaves * (potential * network.stiffness + through))


def _can_recentre(network: Network, point: Point) -> bool:
    """Whether potentials say something of the flow, and no arc has a cost both ways."""
    known = round_off(network, point.potentials, point.flow) <= network.most
    return bool(known and not network.undirected.any())


def _recentre(network: Network, point: Point) -> tuple[Network, Point]:
    """Count potentials from those of a point: what they change by is not rounded to their size.

    The cost of an arc is now what it lacks at that point. That is rounded, too, but once and for
    all, as if costs were a little different; all nodes can be balanced.
    """
    cost = network.cost - kernels.tension(point.potentials, network.tail, network.head)
    near = replace(network, cost=cost)
    return near, Point.at(near, np.zeros(network.n_nodes), point.side.copy(), point.before)


def _step(
    network: Network,
    point: Point,
    solver: LaplacianSolver,
    tol: float,
    *,
    hold: bool,
    reach: float,
) -> Point:
    """Take one Newton step, as long as the line search allows; or whole and mended, if better.

    Often a few arcs that wake stop a step that is right for all others.
    """
    net = network
    ahead = _direction(net, point, solver, tol, hold=hold, reach=reach)
    potentials, landed, tau = _search(net, point, *ahead)
    if net.n_nodes >= settings().mended and tau.min() < _SHORT:
        whole, sides, _ = _search(net, point, *ahead, trials=0)
        end = max(tol, 0.1 * point.residual)
        mended = _mended(net, Point.at(net, whole, sides, point.residual), end, solver.must_stop)
        if kernels.gain(potentials, mended.potentials, *net.response, net.supply) > 0.0:
            return mended
        del mended  # large
    return Point.at(net, potentials, landed, point.residual)


def _direction(
    network: Network,
    point: Point,
    solver: LaplacianSolver,
    tol: float,
    *,
    hold: bool,
    reach: float,
) -> tuple[Sides, Floats, Floats]:
    """The Newton direction with tight arcs contracted, and what nodes miss there.

    Tight arcs whose flow would leave [0, k] are let go first, each to the side it wants; those
    that the direction would push back at once are tied again. With `hold` none is let go: they may
    all fit together.
    """
    zero, side = network.zero_arcs, point.side.copy()
    if not zero.size:
        return side, *_solve(network, point, side, solver, tol, reach=reach)
    tight = (side[zero] == 0) & (not hold)
    side[zero[tight & (point.wish > network.capacity[zero])]] = 1
    side[zero[tight & (point.wish < 0.0)]] = -1
    freed = zero[tight & (side[zero] != 0)]
    direction, missing = _solve(network, point, side, solver, tol, reach=reach)
    for _ in range(_RETIES):
        ahead = direction[network.head[freed]] - direction[network.tail[freed]]
        back = freed[(ahead * side[freed] <= 0.0) & (side[freed] != 0)]
        if not back.size:
            break
        side[back] = 0
        direction, missing = _solve(network, point, side, solver, tol, reach=reach)
    return side, direction, missing


def _solve(
    network: Network,
    point: Point,
    side: Sides,
    solver: LaplacianSolver,
    tol: float,
    *,
    reach: float,
) -> tuple[Floats, Floats]:
    """One Newton system with the ends of tight arcs joined: direction, and what nodes miss."""
    net = network
    joined, tail, head, conductance, rhs, shift, missing = kernels.system(
        point.potentials,
        side,
        point.slope,
        point.imbalance,
        net.zero_arcs,
        *net.response,
        net.supply,
        0.1 * tol,
        reach,
    )
    rtol = _rtol(point.residual, point.before, tol)
    direction = solver.solve(tail, head, conductance, rhs, rtol)[joined] + shift
    if net.anchor is not None:  # so that the parts around it may go different ways
        direction -= direction[net.anchor]
    return direction, missing


def _rtol(residual: float, before: float, tol: float) -> float:
    """Residual (relative) of the next linear system: small once steps go all the way.

    That is when the right arcs are active; what a step leaves is then what its system left
    (Eisenstat and Walker's second choice). Before the first step nothing is known.
    """
    fraction = min(residual / before, 1.0) if before < np.inf else 1.0
    return min(max(fraction**2, _SAFETY * tol / residual), _LOOSE)


def _search(
    network: Network,
    point: Point,
    side: Sides,
    direction: Floats,
    missing: Floats,
    *,
    trials: int = _SEARCHES,
) -> tuple[Floats, Sides, Floats]:
    """Where an exact search along the direction leads, and how far each part has gone.

    That is potentials and sides. Without trials it is the whole way.
    """
    net, (part, parts) = network, network.parts
    potentials, landed, tau, is_aside = kernels.search(
        point.potentials,
        side,
        direction,
        missing,
        *net.zeros,
        *net.response,
        net.supply,
        part,
        net.arc_part,
        parts,
        _SLOPE,
        trials,
    )
    if is_aside:
        potentials -= _middle(potentials)
    return potentials, landed, tau


def _mended(network: Network, point: Point, tol: float, must_stop: Callable[[], bool]) -> Point:
    """Where Newton on small parts leads that miss most; see `mend`. Takes the point in place."""

    def solve(part: Network, start: FlowState, goal: float) -> FlowState:
        return solve_newton(part, start, tol=goal, max_iter=_STEPS_OF_A_PART, must_stop=must_stop)

    return mend(network, point, tol, solve)


def _relax(network: Network, point: Point, tol: float, must_stop: Callable[[], bool]) -> Point:
    """Sweep over all nodes for as long as that helps: what is wrong at single nodes goes fast."""
    if np.count_nonzero(point.slope) < _RICH * network.n_nodes:
        return point
    for _ in range(settings().sweeps):
        if point.residual <= tol or must_stop():
            break
        before = point.total
        point = _swept(network, point, 0.1 * tol)
        if point.total > _RELAXED * before:
            break
    return point


def _swept(network: Network, point: Point, tol: float) -> Point:
    """Where one pass of exact coordinate ascent leads."""
    net, potentials, side = network, point.potentials.copy(), point.side.copy()
    sweep_kernels.sweep(potentials, side, *net.incidence, *net.response, net.supply, tol)
    return Point.at(net, potentials, side)
