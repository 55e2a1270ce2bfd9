"""The linear flow problem, reg = 0, by the network simplex method; and its flow of least norm."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from quot.kernels import flow as flow_kernels
from quot.kernels import forest
from quot.network.alternate import alternate, is_stuck
from quot.network.cycles import NOISE, PUSHES, Descent
from quot.network.laplacian import without_means
from quot.network.network import FlowState, Network
from quot.network.newton import solve_newton
from quot.network.regions import descend_in_regions

Floats = NDArray[np.float64]
Ends = NDArray[np.int32]
Bools = NDArray[np.bool_]

# Steps for the flow of least norm, and of Newton from nothing where there are so many arcs a node.
_STEPS, _TRIED, _RICH = 300, 30, 2.0


def solve_linear(
    network: Network,
    start: Floats,
    max_pushes: int | None = None,
    must_stop: Callable[[], bool] = lambda: False,
) -> Descent | None:
    """Minimise the cost of a flow without its quadratic terms: a vertex; see `descend`."""
    linear = network.reweighted(np.zeros(network.n_arcs))
    return descend_in_regions(linear, start, max_pushes=max_pushes, must_stop=must_stop)


def least_norm(
    network: Network, vertex: Descent, tol: float, must_stop: Callable[[], bool]
) -> Floats:
    """Of all optimal flows the one of least norm on the arcs of positive weight, (E,).

    Optimal is what flows on the arcs that the potentials leave tight, in the direction they say. An
    arc without a limit that gains does so by rounding, and is tight. Among those a quadratic flow
    without costs is solved; the vertex is returned where no other flow is optimal, where that solve
    ends early, and where it is not optimal itself.
    """
    if not vertex.is_optimal:
        return vertex.flow
    net = network
    y = flow_kernels.tension(vertex.potentials, net.tail, net.head)
    noise = NOISE * net.n_nodes**0.25 * float(np.abs(vertex.potentials).max())
    noise = max(noise, vertex.noise)
    gain = np.where(net.undirected, np.abs(y), y) - net.cost
    full = np.flatnonzero((gain > noise) & np.isfinite(net.capacity))
    carried = vertex.flow.copy()
    back = net.undirected[full] & (y[full] < 0.0)
    carried[full] = np.where(back, -net.capacity[full], net.capacity[full])
    tight = np.flatnonzero((gain >= -noise) & ((gain <= noise) | np.isinf(net.capacity)))
    free = net.undirected[tight] & (net.cost[tight] <= noise)
    turned = net.undirected[tight] & ~free & (y[tight] < 0.0)
    ends = net.tail[tight], net.head[tight]
    tail, head = np.where(turned, ends[::-1], ends)
    flow = np.where(turned, -carried[tight], carried[tight])
    loose = _loose(tail, head, flow < net.capacity[tight], free | (flow > 0.0), net.n_nodes)
    if not loose.any():
        return vertex.flow
    tight, free, turned = tight[loose], free[loose], turned[loose]
    tail, head = tail[loose], head[loose]
    carried[tight] = 0.0
    nodes = np.arange(net.n_nodes, dtype=np.int32)
    joined = flow_kernels.components(nodes, np.ones(tight.size), tail, head)
    active = Network(
        tail=tail,
        head=head,
        cost=np.zeros(tight.size),
        weight=np.where(net.weight[tight] > 0.0, 1.0, 0.0),
        capacity=net.capacity[tight],
        undirected=free,
        supply=without_means(joined, net.imbalance(carried)),
    )
    through = max(float(np.abs(vertex.flow).max()), net.most)
    tol = max(tol, 4 * NOISE * through)  # the rounding of the sums that `supply` is
    least = _quadratic(active, flow[loose], tol, must_stop)
    if least is None:
        return vertex.flow
    carried[tight] = np.where(turned, -least, least)
    return carried


def _quadratic(
    network: Network, flow: Floats, tol: float, must_stop: Callable[[], bool]
) -> Floats | None:
    """The optimal flow (E,), by Newton or, where that does not get through, by cycles alone.

    Where there are many arcs most of them carry something, and Newton needs no cycles first.
    """
    if network.n_arcs > _RICH * network.n_nodes:
        nowhere = replace(FlowState.at(network, np.zeros(network.n_nodes)), flow=flow)
        state = solve_newton(network, nowhere, tol=tol, max_iter=_TRIED, must_stop=must_stop)
        if not is_stuck(network, state, tol):
            return state.flow
    found = alternate(network, flow, tol=tol, max_iter=_STEPS, must_stop=must_stop)
    if found is not None and not is_stuck(network, found, tol):
        return found.flow
    most = math.ceil(PUSHES * _STEPS * network.n_nodes)
    exact = descend_in_regions(network, flow, max_pushes=most, must_stop=must_stop)
    return exact.flow if exact is not None and exact.is_optimal else None


def _loose(tail: Ends, head: Ends, more: Bools, less: Bools, size: int) -> Bools:
    """Which arcs (E,) may carry something else: those on cycles of what can still change.

    Each may carry more, less, or both; none may where they form a forest. If the flow on one can
    change, it lies in a strong component of what can still go where; and there on a cycle with
    others.
    """
    everything = np.arange(tail.size)
    if forest.span(everything, tail, head, size, np.zeros(0))[1].size == tail.size:
        return np.zeros(tail.size, np.bool_)
    there = np.concatenate((tail[more], head[less])), np.concatenate((head[more], tail[less]))
    ways = sp.csr_array((np.ones(there[0].size, np.int8), there), (size, size))
    _, strong = connected_components(ways, connection="strong")
    loose: Bools = strong[tail] == strong[head]
    near = np.flatnonzero(loose)
    tail, head = tail[near], head[near]
    tree = forest.span(np.arange(near.size), tail, head, size, np.zeros(0))
    loose[near] = forest.on_cycles(*tree, tail, head, size)
    return loose
