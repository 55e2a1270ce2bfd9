"""Flow round the cycles that arcs close with a spanning tree: the network simplex, quadratic too.

A primal method: the flow stays feasible, and each step pushes some of it round one cycle to where
that costs least, or to where an arc of the tree is empty or full and leaves it. Without quadratic
terms that is the network simplex method; with them an arc outside the tree may carry any amount,
and cycles are done again until none gains. Near a linear problem few have to be, each on its own,
while one Newton step for the whole network is kept short by the worst of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quot.kernels import cycles as kernels
from quot.kernels import flow as flow_kernels
from quot.kernels import forest
from quot.network.network import FlowState, Network

Floats = NDArray[np.float64]

# A gain that rounding explains, relative to the largest potential; the potentials of a tree add
# that up along its branches.
NOISE = 4 * float(np.finfo(np.float64).eps)
# Pushes for each node that a solver counts as one step.
PUSHES = 0.5
# Pushes by default, for each node: there are far fewer, unless round-off leads in circles.
_MOST = 1000
# Cycles that gain less than this part of the best wait for another pass, and a pass ends when so
# many steps per arc went on cycles that had lost their gain to another.
_PART, _WASTE = 0.03, 2.0
# With quadratic terms: when no cycle gains more than so many times what is enough, and so many
# passes did not halve the sum of their gains, the rest is left to others.
_CLOSE, _PATIENCE = 10.0, 5
# Of what the quadratic term of a typical arc adds to its price, what a cycle may still gain.
_ROUGH = 0.1


@dataclass(frozen=True, eq=False)
class Descent:
    """Flow (E,), and potentials (N,) at which the arcs of a tree are tight, up to `noise`.

    `is_optimal` says that no cycle gains more than `noise`, or a few times what was enough.
    """

    flow: Floats
    potentials: Floats
    noise: float
    pushes: int
    is_optimal: bool

    def state(self, network: Network) -> FlowState:
        """From where Newton goes on."""
        side, zero = np.zeros(network.n_arcs, np.int8), network.zero_arcs
        y = flow_kernels.tension(self.potentials, network.tail[zero], network.head[zero])
        over = y - network.cost[zero]
        side[zero] = np.sign(np.where(np.abs(over) > self.noise, over, 0.0))
        return FlowState(self.potentials, side, self.flow)


def roughly(network: Network, flow: Floats) -> float:
    """A gain, for `descend`, at which nearly all arcs that carry something in the end do so."""
    carries = flow != 0.0
    if not carries.any():
        return 0.0
    return _ROUGH * float((network.weight[carries] * np.abs(flow[carries])).mean())


def descend(
    network: Network,
    start: Floats,
    *,
    enough: float = 0.0,
    max_pushes: int | None = None,
    must_stop: Callable[[], bool] = lambda: False,
) -> Descent | None:
    """Minimise the cost of a flow, with its quadratic terms.

    Parameters
    ----------
    network : Network
        Arcs of weight zero may be of any kind.
    start : array of shape (E,)
        What the arcs carry in a flow near the optimum, feasible or not: those with most room to
        both sides make the first tree, the others carry what they do.
    enough : float
        A gain, in cost per unit of flow, that is left alone.
    max_pushes : int, optional
        By default a thousand for each node.
    must_stop : callable
        Asked before every pass; True ends the method.

    Returns
    -------
    Descent or None
        None if the cost has no bound.
    """
    tree = _Tree(network, start)
    least, is_quadratic = max(tree.noise, enough), bool(network.weight.any())
    most = _MOST * network.n_nodes if max_pushes is None else max_pushes
    pushes = idle = 0
    best, is_optimal = np.inf, False
    while pushes < most and not must_stop():
        gain, gains, pushed = kernels.descend(*tree.arcs, least, _PART, _WASTE)
        if pushed < 0:
            return None
        pushes += pushed
        idle = 0 if gains < 0.5 * best else idle + 1
        best = gains if idle == 0 else best
        is_close = is_quadratic and gain <= _CLOSE * least and idle > _PATIENCE
        is_optimal = pushed == 0 or is_close
        if is_optimal:
            break
    return Descent(*tree.read(), tree.noise, pushes, is_optimal)


class _Tree:
    """A spanning tree of a network, with a root that is joined to all nodes, and its flow."""

    def __init__(self, network: Network, start: Floats) -> None:
        self.network = net = network
        n, count = net.n_nodes, net.n_arcs
        nodes, root = np.arange(n, dtype=np.int32), np.full(n, n, np.int32)
        back = net.undirected & (start < 0.0)
        tail = np.concatenate((np.where(back, net.head, net.tail), nodes))
        head = np.concatenate((np.where(back, net.tail, net.head), root))
        weight, undirected = (
            np.append(x, np.zeros(n, x.dtype)) for x in (net.weight, net.undirected)
        )
        capacity = np.append(net.capacity, np.full(n, np.inf))
        flow = np.append(np.minimum(np.abs(start), net.capacity), np.zeros(n))
        room = np.minimum(flow[:count], net.capacity - flow[:count])
        keys = (net.cost, -room) if room.any() else (net.cost,)
        forest_arcs = forest.span(np.lexsort(keys), tail, head, n + 1, np.zeros(0))
        flow[forest_arcs[1]] = 0.0
        need = net.supply - flow_kernels.divergence(flow, tail, head, n + 1)[:n]
        little = NOISE * (float(np.abs(net.supply).max()) + float(flow.max(initial=0.0)))
        state, parent, arc, stranded = kernels.plant(
            *forest_arcs, tail, head, capacity, undirected, flow, need, little
        )
        price = np.abs(net.cost) + net.weight * flow[:count]
        largest, dear = float(price.max(initial=0.0)), 0.0
        if stranded:
            through = float(np.abs(net.supply).sum() + flow.sum())
            dear = 2.0 * n * (largest + float(weight.max(initial=0.0)) * through) or 1.0
        cost = np.append(net.cost, np.full(n, dear))
        self.noise = NOISE * (largest * float(np.sqrt(n)) + dear)
        self.arcs = tail, head, cost, weight, capacity, undirected, flow, state, parent, arc

    def read(self) -> tuple[Floats, Floats]:
        """Flow (E,) and potentials (N,) once more from the tree, without the rounding of pushes."""
        net, n, count = self.network, self.network.n_nodes, self.network.n_arcs
        tail, head, *_, flow, _, parent, arc = self.arcs
        leaves_first = kernels.leaves_first(parent)
        on_tree = arc[leaves_first]
        flow[on_tree] = 0.0
        need = np.append(net.supply, 0.0) - flow_kernels.divergence(flow, tail, head, n + 1)
        forest.route(leaves_first, on_tree, tail, head, need, flow)
        p = self._potentials(leaves_first)
        turned = tail[:count] != net.tail
        return np.where(turned, -flow[:count], flow[:count]), p[:n]

    def _potentials(self, leaves_first: NDArray[np.int64]) -> Floats:
        """Potentials (N + 1,); of a component that hangs on the root once without that dear arc."""
        n, count = self.network.n_nodes, self.network.n_arcs
        tail, head, cost, weight, *_, flow, _, parent, arc = self.arcs
        on_tree, price, p = arc[leaves_first], cost + weight * flow, np.zeros(n + 1)
        forest.stretch(leaves_first, on_tree, tail, head, price, p)
        if not cost[count:].any():
            return p
        price[count:], alone = 0.0, np.zeros(n + 1)
        forest.stretch(leaves_first, on_tree, tail, head, price, alone)
        part = flow_kernels.components(
            np.arange(n + 1, dtype=np.int32), np.ones(count), tail[:count], head[:count]
        )
        hung = np.bincount(part[:n], parent[:n] == n, minlength=n + 1)
        return np.where(hung[part] == 1, alone, p)
