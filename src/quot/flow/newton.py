"""Semismooth Newton on the dual of a quadratic flow.

The dual is concave and piecewise quadratic in the node potentials; its generalised Hessian is the
Laplacian of the active arcs. Arcs of weight zero make kinks instead: there the two ends stick
together (a tight arc), and tight arcs are contracted, so that every linear system is again a
plain graph Laplacian.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quot.flow.laplacian import LaplacianSolver
from quot.flow.network import FlowState, Network
from quot.flow.patch import Patch
from quot.kernels import flow as kernels
from quot.kernels import sweep as sweep_kernels
from quot.parallel import dot

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Sides = NDArray[np.int8]

_EPS = float(np.finfo(np.float64).eps)

# A Newton step only needs its direction: the residual (relative) of the linear systems is at most
# the first, and no less than the part given of what the step has to reach.
_LOOSE, _SAFETY = 5e-2, 0.3
# The exact line search stops where the slope has fallen to this fraction.
_SLOPE = 0.5
# A Newton step that leaves more than this fraction of the imbalance is followed by a sweep over the
# nodes that miss more than a fraction of the largest imbalance or of what flows through them.
_SLOW = 0.2
_OUTLIER = 0.1
# Arcs let go and pushed back are tied again at most so many times in a step.
_RETIES = 4
# After so many steps that do not halve the imbalance, what round-off may explain counts as reached.
_PATIENCE = 3
# After so many it goes in circles, and somebody else has to help.
_STUCK = 100

# A step that the line search cuts to less than this is also tried whole, with patches mended.
_SHORT = 0.7
# Patches are the nodes that miss more than this fraction of the worst, and their neighbours so many
# arcs away. They are mended while they are a small part of a network that is not small itself.
_BAD, _RINGS = 0.03, 3
_SMALL_PART, _LARGE = 0.1, 1000
# What is left on a patch, relative, and the steps that may take; patches after one another.
_MENDED, _PATCH_STEPS, _PATCHES = 1e-2, 30, 3
# A patch is kept if it halves the worst, and what that does to the hubs is no more than this.
_HUBS = 1.5


@dataclass
class _Point:
    """Where the iteration stands: potentials and sides, and what the arcs make of them.

    `residual` is the largest imbalance of a node, `before` that of the point before.
    """

    potentials: Floats
    side: Sides
    flow: Floats
    slope: Floats
    imbalance: Floats
    wish: Floats
    residual: float
    before: float


def solve_newton(
    network: Network,
    start: FlowState,
    *,
    tol: float,
    max_iter: int,
    is_late: Callable[[], bool] = lambda: False,
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
    is_late : callable
        Asked before every step; True ends the iteration.

    Returns
    -------
    FlowState
        Potentials, sides, flow, its residual and the number of steps; the caller compares the
        residual with `tol`.

    Notes
    -----
    A component of the active graph that misses mass in total has no Newton step: it is shifted
    as a whole to where its first arc wakes. Where a step does not cut the imbalance well, a sweep
    of exact coordinate ascent follows. Where few nodes miss much more than all others, they and
    their neighbours are solved for first, while the others stay: alone they would keep every step
    of the whole network short.
    """
    solver = LaplacianSolver()
    centred = start.potentials - np.median(start.potentials)
    point = best = _mend(network, _evaluate(network, centred, start.side.copy()), tol)
    iterations = idle = 0
    while point.residual > tol and iterations < max_iter and not is_late():
        iterations += 1
        before = point.residual
        point = _step(network, point, solver, tol, hold=idle % 2 == 1)
        if point.residual > max(_SLOW * before, tol):
            _sweep(network, point, 0.1 * tol, 0.0 if idle else _OUTLIER * point.residual)
            point = _evaluate(network, point.potentials, point.side, before)
        point = _mend(network, point, tol)
        idle = 0 if point.residual < _SLOPE * best.residual else idle + 1
        best = min(best, point, key=lambda point: point.residual)
        if idle >= _STUCK or (idle >= _PATIENCE and best.residual <= _floor(network, best)):
            break
    return FlowState(
        best.potentials, best.side, best.flow, best.residual, start.iterations + iterations
    )


def _floor(network: Network, point: _Point) -> float:
    """Imbalance that round-off alone explains, of potentials and of sums.

    Below it there is no progress.
    """
    weight = network.weight[network.weight > 0.0]
    stiffness = network.n_arcs / network.n_nodes / weight.min() if weight.size else 0.0
    potential = np.abs(point.potentials).max()
    through = max(np.abs(point.flow).max(initial=0.0), np.abs(network.supply).max())
    leaves = np.sqrt(1.0 + network.zero_arcs.size)  # tight arcs hand the errors of leaves to hubs
    return float(4.0 * _EPS * leaves * (potential * stiffness + through))


def _evaluate(network: Network, potentials: Floats, side: Sides, before: float = np.inf) -> _Point:
    """What every arc carries, tight ones included, and what every node still misses."""
    flow, slope, imbalance = kernels.respond(potentials, side, *network.response, network.supply)
    wish = kernels.route(
        network.zero_arcs,
        network.zero_leaf,
        side,
        network.tail,
        network.head,
        network.capacity,
        flow,
        imbalance,
    )
    residual = float(np.abs(imbalance).max())
    return _Point(potentials, side, flow, slope, imbalance, wish, residual, before)


def _step(
    network: Network, point: _Point, solver: LaplacianSolver, tol: float, *, hold: bool
) -> _Point:
    """Take one Newton step, as long as the line search allows; or whole and mended, if better.

    Often a few arcs that wake stop a step that is right for all others.
    """
    side, direction, slope = _direction(network, point, solver, tol, hold=hold)
    trial, landed, tau = _line_search(network, point.potentials, side, direction, slope)
    there = _evaluate(network, trial, landed, point.residual)
    if tau >= _SHORT or network.n_nodes < _LARGE:
        return there
    whole = _mend(network, _along(network, point, side, direction), max(tol, 0.1 * point.residual))
    net = network
    gain = kernels.gain(there.potentials, whole.potentials, *net.response, net.supply)
    return whole if gain > 0.0 else there


def _along(network: Network, point: _Point, side: Sides, direction: Floats) -> _Point:
    """The point a whole step further; arcs of weight zero stick where they become tight."""
    net, zero = network, network.zero_arcs
    trial = point.potentials + direction
    landed = kernels.clamp(
        zero, net.zero_leaf, side, net.tail, net.head, net.cost, point.potentials, trial
    )
    side = side.copy()
    side[zero[landed]] = 0
    return _evaluate(network, trial - np.median(trial), side, point.residual)


def _direction(
    network: Network, point: _Point, solver: LaplacianSolver, tol: float, *, hold: bool
) -> tuple[Sides, Floats, float]:
    """The Newton direction with tight arcs contracted, and the slope of the dual along it.

    Tight arcs whose flow would leave [0, k] are let go first, each to the side it wants; those
    that the direction would push back at once are tied again. With `hold` none is let go: after a
    step in vain they may all fit together.
    """
    zero = network.zero_arcs
    side = point.side.copy()
    tight = (side[zero] == 0) & (not hold)
    side[zero[tight & (point.wish > network.capacity[zero])]] = 1
    side[zero[tight & (point.wish < 0.0)]] = -1
    freed = zero[tight & (side[zero] != 0)]
    direction, slope = _solve(network, point, side, solver, tol)
    for _ in range(_RETIES):
        ahead = direction[network.head[freed]] - direction[network.tail[freed]]
        back = freed[(ahead * side[freed] <= 0.0) & (side[freed] != 0)]
        if not back.size:
            break
        side[back] = 0
        direction, slope = _solve(network, point, side, solver, tol)
    return side, direction, slope


def _solve(
    network: Network, point: _Point, side: Sides, solver: LaplacianSolver, tol: float
) -> tuple[Floats, float]:
    """One Newton system with the ends of tight arcs joined; direction and slope of the dual."""
    net = network
    slope, imbalance = point.slope, point.imbalance
    if net.zero_arcs.size:  # tight arcs carry nothing here: their ends are one node
        _, _, imbalance = kernels.respond(point.potentials, side, *net.response, net.supply)
    joined = kernels.contract(net.zero_arcs, side, net.tail, net.head, net.n_nodes)
    active = np.flatnonzero(slope)
    tail, head, conductance = joined[net.tail[active]], joined[net.head[active]], slope[active]
    rhs: Floats = np.bincount(joined, imbalance, minlength=net.n_nodes).astype(
        np.float64, copy=False
    )
    component = kernels.components(joined, conductance, tail, head)
    shift = kernels.shift_components(
        component, joined, rhs, point.potentials, side, slope, *net.response, 0.1 * tol
    )
    rtol = _rtol(point.residual, point.before, tol)
    direction = solver.solve(tail, head, conductance, rhs, rtol)[joined] + shift
    return direction, dot(imbalance, direction)


def _rtol(residual: float, before: float, tol: float) -> float:
    """Residual (relative) of the next linear system: small once steps go all the way.

    That is when the right arcs are active; what a step leaves is then what its system left
    (Eisenstat and Walker's second choice). Before the first step nothing is known.
    """
    fraction = residual / before if before < np.inf else 1.0
    return min(max(fraction**2, _SAFETY * tol / residual), _LOOSE)


def _line_search(
    network: Network, potentials: Floats, side: Sides, direction: Floats, slope: float
) -> tuple[Floats, Sides, float]:
    """Exact search along the path that sticks to every kink it meets.

    Along the path the derivative of the dual falls, piece by piece, from `slope` at 0; any point
    where it has fallen to a fraction of that on either side of zero will do.
    """
    net = network
    zero, leaf = net.zero_arcs, net.zero_leaf
    tau, low, high = 1.0, 0.0, np.inf
    for _ in range(50):
        trial = potentials + tau * direction
        landed = kernels.clamp(zero, leaf, side, net.tail, net.head, net.cost, potentials, trial)
        move = trial - potentials
        carried, curvature = kernels.directional(potentials, move, side, *net.response)
        derivative = dot(net.supply, move) - carried
        if abs(derivative) <= _SLOPE * slope * tau:
            break
        if derivative > 0:
            low = tau
        else:
            high = tau
        newton = tau * (1.0 + derivative / curvature) if curvature > 0 else np.inf
        if high == np.inf:
            tau = min(max(newton, 2.0 * tau), 10.0 * tau)
        else:
            tau = newton if low < newton < high else 0.5 * (low + high)
    side = side.copy()
    side[zero[landed]] = 0
    return trial - np.median(trial), side, tau


def _mend(network: Network, point: _Point, tol: float) -> _Point:
    """Newton on patches around the nodes that miss most, while they are few; see `Patch`.

    Hubs are left out: they move with all others.
    """
    if network.n_nodes < _LARGE:
        return point
    for _ in range(_PATCHES):
        missing = np.where(network.is_hub, 0.0, np.abs(point.imbalance))
        worst = float(missing.max())
        if worst <= tol:
            break
        inside = missing > max(tol, _BAD * worst)
        for _ in range(_RINGS):
            kernels.spread(inside, network.tail, network.head, network.weight, network.is_hub)
        size = int(np.count_nonzero(inside))
        if size > _SMALL_PART * network.n_nodes:
            break
        patch = Patch(network, inside, point.potentials, point.side)
        goal = max(0.1 * tol, _MENDED * worst)
        found = solve_newton(patch.network, patch.start, tol=goal, max_iter=_PATCH_STEPS)
        potentials, side = point.potentials.copy(), point.side.copy()
        patch.put_back(found, potentials, side)
        mended = _evaluate(network, potentials, side, point.before)
        left = float(np.where(network.is_hub, 0.0, np.abs(mended.imbalance)).max())
        if left > _SLOPE * worst or mended.residual > _HUBS * point.residual:
            break
        point = mended
    return point


def _sweep(network: Network, point: _Point, tol: float, most: float) -> None:
    """One pass of exact coordinate ascent, in place in potentials and sides."""
    incidence, supply = network.incidence, network.supply
    sweep_kernels.sweep(point.potentials, point.side, *incidence, supply, tol, most, _OUTLIER)
