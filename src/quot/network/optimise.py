"""The ladder: the optimal flow of a network by what is quick, and else by what is sure.

Newton first. Cycles and Newton in turns where Newton gets stuck, or comes from far.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quot.convergence import Monitor
from quot.network.alternate import alternate, is_stuck
from quot.network.network import FlowState, Network
from quot.network.newton import solve_newton

Floats = NDArray[np.float64]

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
    most : float, default=inf
        What each of those may miss, in units of flow.
    sweeps : bool, default=False
        Whether Newton begins with sweeps, as from far off.
    gap, base : float, default=-1, 0
        Relative duality gap at which a flow of cycles is good, and what there is to pay beside the
        costs of its arcs.
    """

    tol: float
    unit: float
    total: float
    enough: float = 0.0
    most: float = np.inf
    sweeps: bool = False
    gap: float = -1.0
    base: float = 0.0

    def closed(self, network: Network, flow: Floats) -> float:
        """The duality gap at which a flow near this is good; none where that is out of range."""
        with np.errstate(over="ignore", invalid="ignore"):
            worth = abs(network.objective(flow) + self.base)
        return self.gap * worth if worth < np.inf else -1.0

    def is_met(self, network: Network, state: FlowState) -> bool:
        """Whether a state meets it, or round-off keeps it from that."""
        tol = max(self.tol, _NOISY) * self.unit
        return not is_stuck(network, state, tol, self.enough * self.total, self.most * self.unit)


def optimise(
    network: Network, state: FlowState, goal: Goal, monitor: Monitor, *, far: bool = False
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
    """
    if far:
        return _in_turns(network, state, goal, monitor)
    state = newton(network, state, goal, monitor)
    if goal.is_met(network, state) or monitor.must_stop() or not monitor.steps_left:
        return state
    other = _in_turns(network, state, goal, monitor)
    return other if other.residual < state.residual else state


def newton(network: Network, state: FlowState, goal: Goal, monitor: Monitor) -> FlowState:
    """The first rung alone."""
    found = solve_newton(
        network,
        state,
        tol=goal.tol * goal.unit,
        max_iter=monitor.steps_left,
        enough=goal.enough * goal.total,
        most=goal.most * goal.unit,
        sweeps=goal.sweeps,
        must_stop=monitor.must_stop,
    )
    return _counted(found, state, monitor)


def _in_turns(network: Network, state: FlowState, goal: Goal, monitor: Monitor) -> FlowState:
    """The second rung alone."""
    found = alternate(
        network,
        state.flow,
        tol=goal.tol * goal.unit,
        max_iter=monitor.steps_left,
        enough=goal.enough * goal.total,
        most=goal.most * goal.unit,
        sweeps=goal.sweeps,
        closed=lambda flow: goal.closed(network, flow),
        must_stop=monitor.must_stop,
    )
    return state if found is None else _counted(found, replace(state, iterations=0), monitor)


def _counted(found: FlowState, before: FlowState, monitor: Monitor) -> FlowState:
    """Count the steps from a state to another."""
    monitor.steps += found.iterations - before.iterations
    return replace(found, iterations=0)
