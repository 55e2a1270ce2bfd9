"""The ladder: the optimal flow of a network by what is quick, and else by what is sure.

Newton first. Cycles and Newton in turns where Newton gets stuck, or comes from far. Then an
interior point, which is dear but hardly minds where it starts. Each goes on from the best there is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from quot.convergence import Monitor
from quot.network.alternate import alternate, is_stuck
from quot.network.interior_point import solve_interior_point
from quot.network.network import FlowState, Network
from quot.network.newton import solve_newton

# Imbalance at which an interior point leaves the rest to Newton, in units of flow, and its gap, as
# a part of what the quadratic terms cost if all flow went one way.
_NEAR_THE_END, _GAP = 1e-6, 1e-3
# Below this imbalance, in units of flow, a solve that ends early has met round-off.
_NOISY = 1e-7


@dataclass(frozen=True)
class Goal:
    """When a flow is good enough.

    Parameters
    ----------
    tol : float
        Imbalance allowed of a node, in units of flow.
    unit, total : float
        The most that a node may send or get, and all that moves, both in flow.
    enough : float, default=0
        What all nodes together may miss, as a part of the total; then a few may miss more.
    """

    tol: float
    unit: float
    total: float
    enough: float = 0.0

    def is_met(self, network: Network, state: FlowState) -> bool:
        """Whether a state meets it, or round-off keeps it from that."""
        tol = max(self.tol, _NOISY) * self.unit
        return not is_stuck(network, state, tol, self.enough * self.total)


def optimise(
    network: Network,
    state: FlowState,
    goal: Goal,
    monitor: Monitor,
    *,
    far: bool = False,
    cycles: bool = True,
) -> FlowState:
    """Return the optimal flow of a network, or the best that was found.

    Parameters
    ----------
    network : Network
    state : FlowState
        Where to begin: its potentials, or, from `far`, its flow.
    goal : Goal
    monitor : Monitor
        Its limits are obeyed, and its steps counted.
    far : bool, default=False
        Whether Newton would take ages from the potentials.
    cycles : bool, default=True
        Whether flow round cycles may help; where weights differ a lot it takes too long.
    """
    if not far:
        state = newton(network, state, goal, monitor)
    if far or (cycles and not _is_over(network, state, goal, monitor)):
        found = _alternate(network, state, goal, monitor)
        state = found if far else min(state, found, key=_residual)
    if not _is_over(network, state, goal, monitor):
        inside = _interior_point(network, state, goal, monitor)
        state = min(state, newton(network, inside, goal, monitor), key=_residual)
    return state


def newton(network: Network, state: FlowState, goal: Goal, monitor: Monitor) -> FlowState:
    """The first rung alone."""
    found = solve_newton(
        network,
        state,
        tol=goal.tol * goal.unit,
        max_iter=monitor.steps_left,
        enough=goal.enough * goal.total,
        must_stop=monitor.must_stop,
    )
    return _counted(found, state, monitor)


def _alternate(network: Network, state: FlowState, goal: Goal, monitor: Monitor) -> FlowState:
    found = alternate(
        network,
        state.flow,
        tol=goal.tol * goal.unit,
        max_iter=monitor.steps_left,
        enough=goal.enough * goal.total,
        must_stop=monitor.must_stop,
    )
    return state if found is None else _counted(found, replace(state, iterations=0), monitor)


def _interior_point(network: Network, state: FlowState, goal: Goal, monitor: Monitor) -> FlowState:
    weight = float(network.weight.max())
    found = solve_interior_point(
        network,
        state,
        smooth=weight,
        tol=_NEAR_THE_END * goal.unit,
        tol_gap=_GAP * weight * goal.unit * goal.total,
        max_iter=monitor.steps_left,
        must_stop=monitor.must_stop,
    )
    return _counted(found, state, monitor)


def _counted(found: FlowState, before: FlowState, monitor: Monitor) -> FlowState:
    """Count the steps from a state to another."""
    monitor.steps += found.iterations - before.iterations
    return replace(found, iterations=0)


def _is_over(network: Network, state: FlowState, goal: Goal, monitor: Monitor) -> bool:
    return goal.is_met(network, state) or monitor.must_stop() or not monitor.steps_left


def _residual(state: FlowState) -> float:
    return state.residual
