"""Cycles and Newton in turns: for networks where either alone takes long.

Cycles find what nearly all arcs carry, but creep where many depend on each other; Newton steps are
for all of them at once, but short where it is open which arcs carry something.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from quot.network.cycles import PUSHES, roughly
from quot.network.network import FlowState, Network
from quot.network.newton import round_off, solve_newton
from quot.network.regions import descend_in_regions

Floats = NDArray[np.float64]

# Rounds at most, each with cycles so much finer than the last; what these may take in pushes, as
# many as so many steps; and Newton steps tried after them.
_ROUNDS, _FINER, _SOME_PUSHES, _SOME_STEPS = 4, 1e-2, 50, 30
# Round-off excuses no more than this part of what nodes send and get: where it explains more a flow
# is lost.
_LOST = 1e-6


def alternate(
    network: Network,
    flow: Floats,
    *,
    tol: float,
    max_iter: int,
    enough: float = 0.0,
    most: float = np.inf,
    sweeps: bool = False,
    closed: Callable[[Floats], float] = lambda _: -1.0,
    must_stop: Callable[[], bool] = lambda: False,
) -> FlowState | None:
    """Push flow round cycles, finer each time, and try Newton, until either gets through.

    Parameters
    ----------
    network : Network
    flow : array of shape (E,)
        To begin with; feasible or not.
    tol, enough, most : float
        Imbalance allowed, as for `solve_newton`.
    sweeps : bool
        Whether each time Newton begins with sweeps.
    closed : callable
        The duality gap of such a flow (E,) at which it is the answer; by default there is none.
    max_iter : int
        Newton steps allowed, and pushes that count as some.
    must_stop : callable
        Asked now and then; True ends the rounds.

    Returns
    -------
    FlowState or None
        Of the least residual there was, with the steps of all rounds; None if there was no round.
    """
    gain, best, steps, a_step = roughly(network, flow), None, 0, PUSHES * network.n_nodes
    for _ in range(_ROUNDS):
        if steps >= max_iter or must_stop():
            break
        allowed = math.ceil(a_step * min(_SOME_PUSHES, max_iter - steps))
        cycles = descend_in_regions(
            network,
            flow,
            enough=gain,
            closed=closed(flow),
            max_pushes=allowed,
            must_stop=must_stop,
        )
        assert cycles is not None  # all cycles have a quadratic term, or a capacity
        steps += round(cycles.pushes / a_step)
        if cycles.is_closed:
            best = replace(cycles.state(network), residual=0.0)
            break
        state = solve_newton(
            network,
            cycles.state(network),
            tol=tol,
            max_iter=min(_SOME_STEPS, max(max_iter - steps, 0)),
            enough=enough,
            most=most,
            sweeps=sweeps,
            must_stop=must_stop,
        )
        steps += state.iterations
        if best is None or state.residual < best.residual:
            best = state
        if not is_stuck(network, state, tol, enough, most):
            break
        flow, gain = state.flow, gain * _FINER
    return best and replace(best, iterations=steps)


def is_stuck(
    network: Network, state: FlowState, tol: float, enough: float = 0.0, most: float = np.inf
) -> bool:
    """Whether Newton ended before its tolerance, by more than a little round-off."""
    noise = round_off(network, state.potentials, state.flow)
    if state.residual <= max(tol, min(noise, _LOST * network.most)):
        return False
    return state.residual > most or float(np.abs(network.imbalance(state.flow)).sum()) > enough
