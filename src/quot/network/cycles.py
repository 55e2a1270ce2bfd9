"""Flow round the cycles that arcs close with a spanning tree: the network simplex, quadratic too.

A primal method: the flow stays feasible, and each step pushes some of it round one cycle to where
that costs least, or to where an arc of the tree is empty or full and leaves it. Without quadratic
terms that is the network simplex method; with them an arc outside the tree may carry any amount,
and cycles are done again until none gains. Near a linear problem few have to be, each on its own,
while one Newton step for the whole network is kept short by the worst of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.kernels import cycles as kernels
from quot.kernels import flow as flow_kernels
from quot.kernels import forest, pivots
from quot.network.network import FlowState, Network
from quot.settings import settings

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

# A gain that rounding explains, relative to the largest potential; the potentials of a tree add
# that up along its branches.
NOISE = 4 * float(np.finfo(np.float64).eps)
# Pushes for each node that a solver counts as one step.
PUSHES = 0.5
# Arcs that are looked at in the time of a push.
_SCANNED = 1000
# Pushes by default, for each node: there are far fewer, unless round-off leads in circles.
_MOST = 1000
# Cycles that gain less than this part of the best wait for another pass, and a pass ends when so
# many steps per arc went on cycles that had lost their gain to another.
_PART, _WASTE = 0.03, 2.0
# Where passes over a large network without quadratic terms push so few times each, on the mean, the
# next are single pivots; and looks at arcs and nodes for each arc between two questions whether to
# stop.
_FEW, _LOOKS = 50, 50
# With quadratic terms: when no cycle gains more than so many times what is enough, and so many
# passes did not halve the sum of their gains, the rest is left to others.
_CLOSE, _PATIENCE = 10.0, 5
# The duality gap is asked for in each of so many passes: that takes longer.
_ASKED = 8
# Of what the quadratic term of a typical arc adds to its price, what a cycle may still gain.
_ROUGH = 0.1


@dataclass(frozen=True, eq=False)
class Descent:
    """Flow (E,), and potentials (N,) at which the arcs of a tree are tight, up to `noise`.

    `pushes` counts what passes over all arcs took, too. `is_optimal` says that no cycle gains more
    than `noise`, or a few times what was enough, and `is_closed` that the duality gap was as small
    as asked for.
    """

    flow: Floats
    potentials: Floats
    noise: float
    pushes: int
    is_optimal: bool
    is_closed: bool = False

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
    closed: float = -1.0,
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
    closed : float
        A duality gap, in cost, that is left alone, too; by default none.
    max_pushes : int, optional
        By default a thousand for each node.
    must_stop : callable
        Asked before every pass; True ends the method.

    Returns
    -------
    Descent or None
        None if the cost has no bound.
    """
    tree = Tree.spanning(network, start)
    most = _MOST * network.n_nodes if max_pushes is None else max_pushes
    is_optimal = tree.descend(enough, most, must_stop, closed)
    if is_optimal is None:
        return None
    return Descent(*tree.read(), tree.noise, round(tree.effort), is_optimal, tree.is_closed)


class Tree:
    """A spanning tree of a network, with a root that is joined to all nodes, and its flow.

    Parameters
    ----------
    network : Network
    arcs : tuple
        What `kernels.descend` changes in place: of arcs, those at the root last, tail, head, cost,
        weight, capacity, undirected, flow and state; of nodes parent and arc.
    noise : float
        A gain that rounding explains.

    Attributes
    ----------
    effort : float
        What it took so far, in pushes: those, and looks at arcs.
    is_closed : bool
        Whether a duality gap that was left alone ended the last descent.
    """

    is_closed = False

    def __init__(self, network: Network, arcs: tuple[NDArray[Any], ...], noise: float) -> None:
        self.network, self.arcs, self.noise, self.effort = network, arcs, noise, 0.0

    @classmethod
    def given(cls, network: Network, flow: Floats, parent: Ints, arc: Ints) -> Tree:
        """The tree of these arcs (N,) to parents (N,), -1 where it begins; all arcs directed.

        flow (E,): what is carried, feasible.
        """
        n, count = network.n_nodes, network.n_arcs
        first, root = parent < 0, np.int32(n)
        nodes = np.arange(n, dtype=np.int32)
        state = np.where(flow > 0.0, kernels.FREE, kernels.LOWER).astype(np.int8)
        state = np.append(state, np.full(n, kernels.LOWER, np.int8))
        arc = np.where(first, nodes + count, arc)
        state[arc] = kernels.TREE
        none = np.zeros(n)
        largest = float((np.abs(network.cost) + network.weight * flow).max(initial=0.0))
        arcs = (
            np.append(network.tail, nodes),
            np.append(network.head, np.full(n, root)),
            np.append(network.cost, none),
            np.append(network.weight, none),
            np.append(network.capacity, np.full(n, np.inf)),
            np.append(network.undirected, none.astype(np.bool_)),
            np.append(flow, none),
            state,
            np.append(np.where(first, root, parent), -1).astype(np.int32),
            np.append(arc, -1).astype(np.int32),
        )
        return cls(network, arcs, NOISE * largest * float(np.sqrt(n)))

    def among(self, network: Network, place: NDArray[np.integer]) -> Tree:
        """The same tree and flow among more arcs, where the old ones have these places (E,)."""
        n, count = network.n_nodes, self.network.n_arcs
        *_, flow, _, parent, arc = self.arcs
        carried = np.zeros(network.n_arcs)
        carried[place] = flow[:count]
        own = arc[:n]
        arc = np.where(own < count, place[np.minimum(own, count - 1)], -1).astype(np.int32)
        parent = np.where(arc < 0, np.int32(-1), parent[:n])
        other = Tree.given(network, carried, parent, arc)
        other.effort = self.effort
        return other

    @classmethod
    def spanning(cls, network: Network, start: Floats) -> Tree:
        """A tree of the arcs of a flow (E,), feasible or not, that have most room to both sides."""
        net = network
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
        little = NOISE * (net.most + float(flow.max(initial=0.0)))
        state, parent, arc, stranded = kernels.plant(
            *forest_arcs, tail, head, capacity, undirected, flow, need, little
        )
        price = np.abs(net.cost) + net.weight * flow[:count]
        largest, dear = float(price.max(initial=0.0)), 0.0
        if stranded:
            through = float(np.abs(net.supply).sum() + flow.sum())
            dear = 2.0 * n * (largest + float(weight.max(initial=0.0)) * through) or 1.0
        cost = np.append(net.cost, np.full(n, dear))
        arcs = tail, head, cost, weight, capacity, undirected, flow, state, parent, arc
        return cls(net, arcs, NOISE * (largest * float(np.sqrt(n)) + dear))

    def descend(
        self,
        enough: float,
        most: float,
        must_stop: Callable[[], bool] = lambda: False,
        closed: float = -1.0,
    ) -> bool | None:
        """Push until no cycle gains more than `enough`, or `most` times; None if that has no end.

        True if none gains more than that, or, with quadratic terms, than a few times that and the
        rest is slow to go; or if the duality gap is `closed`.
        """
        least, is_quadratic = max(self.noise, enough), bool(self.network.weight.any())
        is_single = not is_quadratic and self.network.n_nodes > settings().single_pivots
        best, idle, last, passes = np.inf, 0, self.effort + most, 0
        recent: deque[int] = deque(maxlen=settings().passes)
        while self.effort < last and not must_stop():
            asked = closed if passes % _ASKED == 0 else -1.0
            gain, gains, pushed, gap = kernels.descend(*self.arcs, least, _PART, _WASTE, asked)
            if pushed < 0:
                return None
            self.is_closed = gap <= asked
            self.effort += pushed + self.network.n_arcs / _SCANNED
            recent.append(pushed)
            are_enough = is_single and pushed > 0 and len(recent) == recent.maxlen
            if are_enough and sum(recent) <= _FEW * len(recent):
                return self._one_by_one(least, last, must_stop)
            idle = 0 if gains < 0.5 * best else idle + 1
            best = gains if idle == 0 else best
            is_close = is_quadratic and gain <= _CLOSE * least and idle > _PATIENCE
            is_over = pushed == 0 or is_close
            if is_over and asked == closed:
                return True
            passes = 0 if is_over else passes + 1  # it is over once it has been asked
        return False

    def _one_by_one(self, least: float, last: float, must_stop: Callable[[], bool]) -> bool | None:
        """Pivot until no cycle gains, or so many times in all; as `descend`."""
        while self.effort < last and not must_stop():
            most = _LOOKS * self.network.n_arcs
            pushed, is_optimal = pivots.descend_linear(*self.arcs, least, most)
            if pushed < 0:
                return None
            self.effort += pushed
            if is_optimal:
                return True
        return False

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
