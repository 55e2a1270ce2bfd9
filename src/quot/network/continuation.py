"""The path that the potentials take as all weights change together: its tangent and its steps."""

from __future__ import annotations

import math
from dataclasses import replace

from quot.kernels import flow as kernels
from quot.network.laplacian import LaplacianSolver, without_means
from quot.network.network import FlowState, Network
from quot.settings import settings

# Steps down the path: the first one, and at most and at least after one that took few Newton steps
# or many; with some it does not grow. No last step is shorter than this.
FIRST, _LONGEST, _SHORTEST, _MERGED = 2.5, 8.0, 1.2, 1.1
_FEW, _SOME, _MANY = 2, 10, 25


def predicted(network: Network, state: FlowState, way: float) -> FlowState:
    """Go from a solution along the tangent of the path to weights of (1 + way) times these.

    While the same arcs are active their flow is x = (D'p - l) / ((1 + t) w). That all nodes stay
    balanced says ``L dp/dt = D x`` with the Laplacian of these arcs, where the ends of tight arcs
    are one node. Parts that no active arc joins do not move against each other. The prediction is
    exact while no arc wakes and none falls asleep.
    """
    net = network
    flow, slope, _ = kernels.respond(state.potentials, state.side, *net.response, net.supply)
    joined, tail, head, conductance = net.active_graph(state.side, slope)
    carried = kernels.divergence(flow[slope > 0.0], tail, head, net.n_nodes)
    move = LaplacianSolver().solve(tail, head, conductance, carried, settings().tangent)
    component = kernels.components(joined, conductance, tail, head)
    tangent = without_means(component, move[joined])
    return replace(state, potentials=state.potentials + way * tangent)


def lower(scale: float, last: float, factor: float, steps: int) -> tuple[float, float]:
    """The next scale on the way to the last, and by what factor that is lower.

    As one by `factor` took so many Newton steps.
    """
    if steps > _MANY:
        factor = max(math.sqrt(factor), _SHORTEST)
    elif steps < _SOME:
        factor = min(factor**1.5, _LONGEST if steps <= _FEW else FIRST)
    return (scale / factor if scale > factor * _MERGED * last else last), factor
