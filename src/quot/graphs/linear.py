"""The linear flow problem, reg = 0, by the network simplex method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from quot.flow.laplacian import LaplacianSolver, without_means
from quot.flow.network import FlowState, Network
from quot.flow.newton import round_off, solve_newton
from quot.kernels import flow as flow_kernels
from quot.kernels import forest
from quot.kernels import simplex as kernels

Floats = NDArray[np.float64]
Ends = NDArray[np.int32]
Bools = NDArray[np.bool_]

# A reduced cost that rounding explains, relative to the largest potential; the potentials of a tree
# add that up along its branches.
_NOISE = 4 * float(np.finfo(np.float64).eps)
# Pivots between two looks at the clock, this many and one for so many nodes; and in all by default,
# for each node.
_FEW, _PART, _MOST = 1000, 20, 1000
# For the flow of least norm.
_RTOL, _STEPS = 1e-6, 300


@dataclass(frozen=True, eq=False)
class Vertex:
    """A basic solution: flow (E,), potentials (N,), how many pivots it took, whether it is best."""

    flow: Floats
    potentials: Floats
    pivots: int
    is_optimal: bool


def solve_linear(
    network: Network,
    start: Floats,
    max_pivots: int | None = None,
    must_stop: Callable[[], bool] = lambda: False,
) -> Vertex | None:
    """Minimise the cost of a flow, without the quadratic terms.

    Parameters
    ----------
    network : Network
        Its weights do not count.
    start : array of shape (E,)
        What the arcs carry in a flow near the optimum, feasible or not: those with most room to
        both sides make the first tree, those that are full stay full.
    max_pivots : int, optional
        By default a thousand for each node: there are far fewer, unless round-off leads in circles.
    must_stop : callable
        Asked now and then; True ends the pivots.

    Returns
    -------
    Vertex or None
        None if the cost has no bound.
    """
    net, n, count = network, network.n_nodes, network.n_arcs
    nodes = np.arange(n, dtype=np.int32)
    back = net.undirected & (start < 0.0)
    tail = np.concatenate((np.where(back, net.head, net.tail), nodes))
    head = np.concatenate((np.where(back, net.tail, net.head), np.full(n, n, np.int32)))
    capacity = np.concatenate((net.capacity, np.full(n, np.inf)))
    undirected = np.concatenate((net.undirected, np.zeros(n, np.bool_)))
    room = np.minimum(np.abs(start), net.capacity - np.abs(start))
    flow = np.zeros(count + n)
    full = np.flatnonzero((room <= 0.0) & (start != 0.0))
    flow[full] = net.capacity[full]
    tree = forest.span(np.lexsort((net.cost, -room)), tail, head, n + 1, -1)
    flow[tree[1]] = 0.0
    need = net.supply - flow_kernels.divergence(flow, tail, head, n + 1)[:n]
    state, parent, arc, stranded = kernels.plant(
        *tree, tail, head, capacity, undirected, flow, need
    )
    largest = float(np.abs(net.cost).max(initial=0.0))
    dear = 2.0 * n * largest if stranded else 0.0
    cost = np.concatenate((net.cost, np.full(n, dear)))
    noise = _NOISE * (largest * np.sqrt(n) + dear)
    pivots, code = 0, kernels.USED_UP
    most = _MOST * n if max_pivots is None else max_pivots
    while code == kernels.USED_UP and pivots < most and not must_stop():
        done, code = kernels.pivot(
            tail, head, cost, capacity, undirected, flow, state, parent, arc, noise,
            min(_FEW + n // _PART, most - pivots),
        )  # fmt: skip
        if code == kernels.UNBOUNDED:
            return None
        if done > 0:  # potentials were rounded again and again
            code = kernels.USED_UP
        pivots += done
    # Once more from the tree, without the rounding of all pivots.
    depth_first = kernels.leaves_first(parent)
    on_tree = arc[depth_first]
    flow[on_tree] = 0.0
    need = np.append(net.supply, 0.0) - flow_kernels.divergence(flow, tail, head, n + 1)
    forest.route(depth_first, on_tree, tail, head, need, flow)
    p = np.zeros(n + 1)
    forest.stretch(depth_first, on_tree, tail, head, cost, p)
    turned = tail[:count] != net.tail
    x = np.where(turned, -flow[:count], flow[:count])
    return Vertex(x, p[:n], pivots, code == kernels.OPTIMAL)


def least_norm(
    network: Network, vertex: Vertex, tol: float, must_stop: Callable[[], bool]
) -> Floats:
    """Of all optimal flows the one of least norm on the arcs of positive weight, (E,).

    Optimal is what flows on the arcs that the potentials leave tight, in the direction they say.
    Among those a quadratic flow without costs is solved; the vertex is returned where no other flow
    is optimal, where that solve ends early, and where it is not optimal itself.
    """
    if not vertex.is_optimal:
        return vertex.flow
    net = network
    y = flow_kernels.tension(vertex.potentials, net.tail, net.head)
    noise = _NOISE * net.n_nodes**0.25 * float(np.abs(vertex.potentials).max())
    gain = np.where(net.undirected, np.abs(y), y) - net.cost
    full = np.flatnonzero(gain > noise)
    carried = vertex.flow.copy()
    back = net.undirected[full] & (y[full] < 0.0)
    carried[full] = np.where(back, -net.capacity[full], net.capacity[full])
    tight = np.flatnonzero(np.abs(gain) <= noise)
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
    active = Network(
        tail=tail,
        head=head,
        cost=np.zeros(tight.size),
        weight=np.where(net.weight[tight] > 0.0, 1.0, 0.0),
        capacity=net.capacity[tight],
        undirected=free,
        supply=net.imbalance(carried),
    )
    nodes = np.arange(net.n_nodes, dtype=np.int32)
    joined = flow_kernels.components(nodes, np.ones(tight.size), tail, head)
    supply = without_means(joined, active.supply)
    p = LaplacianSolver().solve(tail, head, np.ones(tight.size), supply, _RTOL)
    found = solve_newton(
        active, FlowState.at(active, p), tol=tol, max_iter=_STEPS, must_stop=must_stop
    )
    if not found.residual <= max(tol, round_off(active, found.potentials, found.flow)):
        return vertex.flow
    carried[tight] = np.where(turned, -found.flow, found.flow)
    return carried


def _loose(tail: Ends, head: Ends, more: Bools, less: Bools, size: int) -> Bools:
    """Which arcs (E,) may carry something else: those on cycles of what can still change.

    Each may carry more, less, or both. If the flow on one can change, it lies in a strong component
    of what can still go where; and there on a cycle with others.
    """
    there = np.concatenate((tail[more], head[less])), np.concatenate((head[more], tail[less]))
    ways = sp.csr_array((np.ones(there[0].size, np.int8), there), (size, size))
    _, strong = connected_components(ways, connection="strong")
    loose: Bools = strong[tail] == strong[head]
    near = np.flatnonzero(loose)
    tail, head = tail[near], head[near]
    tree = forest.span(np.arange(near.size), tail, head, size, -1)
    loose[near] = forest.on_cycles(*tree, tail, head, size)
    return loose
