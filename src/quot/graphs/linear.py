"""The linear flow problem, reg = 0, by the network simplex method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quot.flow.laplacian import LaplacianSolver, without_means
from quot.flow.network import FlowState, Network
from quot.flow.newton import solve_newton
from quot.kernels import flow as flow_kernels
from quot.kernels import forest
from quot.kernels import simplex as kernels

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# A reduced cost that the rounding of potentials explains, relative to the largest of them.
_NOISE = 4 * float(np.finfo(np.float64).eps)
# For the flow of least norm.
_RTOL, _STEPS = 1e-6, 300


@dataclass(frozen=True, eq=False)
class Vertex:
    """A basic solution: flow (E,), potentials (N,), and how many pivots it took."""

    flow: Floats
    potentials: Floats
    pivots: int


def solve_linear(network: Network, order: Ints, max_pivots: int) -> Vertex | None:
    """Minimise the cost of a flow, without the quadratic terms.

    Parameters
    ----------
    network : Network
        Its weights do not count.
    order : int array of shape (E,)
        Arcs by preference for the spanning tree to begin with.
    max_pivots : int

    Returns
    -------
    Vertex or None
        None if the cost has no bound.
    """
    net, n, count = network, network.n_nodes, network.n_arcs
    nodes = np.arange(n, dtype=np.int32)
    tail = np.concatenate((net.tail, nodes))
    head = np.concatenate((net.head, np.full(n, n, np.int32)))
    capacity = np.concatenate((net.capacity, np.full(n, np.inf)))
    undirected = np.concatenate((net.undirected, np.zeros(n, np.bool_)))
    flow = np.zeros(count + n)
    tree = forest.span(order, tail, head, n + 1, -1)
    state, parent, arc, stranded = kernels.plant(
        *tree, tail, head, capacity, undirected, flow, net.supply.copy()
    )
    largest = float(np.abs(net.cost).max(initial=0.0))
    dear = 2.0 * n * largest if stranded else 0.0
    cost = np.concatenate((net.cost, np.full(n, dear)))
    noise = _NOISE * (largest * np.sqrt(n) + dear)
    _, pivots, code = kernels.pivot(
        tail, head, cost, capacity, undirected, flow, state, parent, arc, noise, max_pivots
    )
    if code == kernels.UNBOUNDED:
        return None
    # Once more from the tree, without the rounding of all pivots.
    depth_first = kernels.leaves_first(parent)
    on_tree = arc[depth_first]
    flow[on_tree] = 0.0
    need = np.append(net.supply, 0.0) - flow_kernels.divergence(flow, tail, head, n + 1)
    forest.route(depth_first, on_tree, tail, head, need, flow)
    p = np.zeros(n + 1)
    forest.stretch(depth_first, on_tree, tail, head, cost, p)
    turned = tail[:count] != net.tail
    return Vertex(np.where(turned, -flow[:count], flow[:count]), p[:n], pivots)


def least_norm(
    network: Network, vertex: Vertex, tol: float, must_stop: Callable[[], bool]
) -> Floats:
    """Of all optimal flows the one of least norm on the arcs of positive weight, (E,).

    Optimal is what flows on the arcs that the potentials leave tight, in the direction they say.
    Among those a quadratic flow without costs is solved; the vertex is returned where no other flow
    is optimal, or where that solve ends early.
    """
    net = network
    y = flow_kernels.tension(vertex.potentials, net.tail, net.head)
    noise = 2.0 * _NOISE * float(np.abs(vertex.potentials).max())
    gain = np.where(net.undirected, np.abs(y), y) - net.cost
    tight = np.flatnonzero(np.abs(gain) <= noise)
    joined = flow_kernels.components(
        np.arange(net.n_nodes, dtype=np.int32),
        np.ones(tight.size),
        net.tail[tight],
        net.head[tight],
    )
    if tight.size == net.n_nodes - np.unique(joined).size:
        return vertex.flow  # a forest carries what it must
    full = np.flatnonzero(gain > noise)
    carried = np.zeros(net.n_arcs)
    carried[full] = np.where(y[full] > 0.0, net.capacity[full], -net.capacity[full])
    free = net.undirected[tight] & (net.cost[tight] <= noise)
    turned = net.undirected[tight] & ~free & (y[tight] < 0.0)
    ends = net.tail[tight], net.head[tight]
    tail, head = np.where(turned, ends[::-1], ends)
    active = Network(
        tail=tail,
        head=head,
        cost=np.zeros(tight.size),
        weight=np.where(net.weight[tight] > 0.0, 1.0, 0.0),
        capacity=net.capacity[tight],
        undirected=free,
        supply=net.imbalance(carried),
    )
    supply = without_means(joined, active.supply)
    p = LaplacianSolver().solve(tail, head, np.ones(tight.size), supply, _RTOL)
    found = solve_newton(
        active, FlowState.at(active, p), tol=tol, max_iter=_STEPS, must_stop=must_stop
    )
    if not found.residual <= 100 * tol:
        return vertex.flow
    carried[tight] = np.where(turned, -found.flow, found.flow)
    return carried
