"""Potentials of a plan that are as small as they can be.

Where mass flows, potentials differ by what the pair costs; that ties the nodes of a component of
the support to each other. The components may be moved against each other, as far as no pair between
two of them objects. A solver leaves them anywhere in between: a pair that carries nothing but
stands for 'never' may hold two of them apart by all of its cost, in whose rounding all others are
lost.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from quot.costs import SparseCost
from quot.dual import Dual
from quot.flow import Flow
from quot.kernels import anchor as kernels
from quot.kernels import forest
from quot.plan import Plan
from quot.problem import GraphProblem, Problem
from quot.quadratic.polish import equations
from quot.settings import settings

Floats = NDArray[np.float64]
Ints = NDArray[np.integer]
Arcs = tuple[Ints, Ints, Floats]

# Passes over all pairs beyond which that is given up.
_PASSES = 40
# A capacity this close (relative) is reached.
_FULL = 1e-12
# Entries of a block of rows.
_BLOCK = 1_000_000


def anchor(problem: Problem, plan: Plan, dual: Dual) -> Dual | None:
    """Return small potentials that solve the equations of the plan along a spanning forest.

    Each component begins near 0, but for the one of S, and is lowered from there. Those of rows and
    columns without mass stay as they are. None if there are too many pairs, or if no position of
    the components suits all of them.
    """
    (n, m), cost = problem.shape, problem.cost
    pairs = cost.values.size if isinstance(cost, SparseCost) else n * m
    if pairs > settings().anchored:
        return None
    tail, head, length, order = equations(problem, plan)
    # In front of the columns, so that these are the last nodes, come S and T.
    place = np.concatenate((np.arange(n), np.arange(n + 2, n + m + 2), (n, n + 1)))
    mass = np.concatenate((problem.a, (0.0, 0.0), problem.b))
    parts = _Components((place[tail], place[head], length), order, mass, n)
    p = parts.potentials
    p[:n][problem.a == 0.0], p[n + 2 :][problem.b == 0.0] = np.inf, -np.inf
    ends = None
    if not problem.is_balanced:
        rows, cols = np.flatnonzero(problem.a), n + 2 + np.flatnonzero(problem.b)
        ends = (
            np.append(rows, np.full(cols.size, n + 1)),
            np.append(np.full(rows.size, n), cols),
            np.zeros(rows.size + cols.size),
        )

    def once(parts: _Components) -> bool:
        lowered = parts.lower(ends) if ends is not None else False
        if isinstance(cost, SparseCost):
            return parts.lower((cost.rows, n + 2 + cost.cols, cost.values)) or lowered
        step = max(_BLOCK // m, 1)
        for start in range(0, n, step):
            lowered |= parts.lower_rows(cost.block(start, min(start + step, n)), start)
        return lowered

    if not parts.settle(once):
        return None
    p = parts.moved
    lam = 0.0 if problem.is_balanced else float(p[n + 1] - p[n])
    ground = 0.0 if problem.is_balanced else float(p[n])
    f, g = ground - p[:n], p[n + 2 :] - ground - lam
    if not problem.is_balanced:
        f, g = np.minimum(f, 0.0), np.minimum(g, 0.0)
    return Dual(np.where(problem.a > 0.0, f, dual.f), np.where(problem.b > 0.0, g, dual.g), lam)


def anchor_flow(problem: GraphProblem, flow: Flow) -> Dual | None:
    """Return small potentials f, g and lam of a flow along edges; None if none suit all edges."""
    graph, n, x = problem.graph, problem.graph.n_nodes, flow.values
    price = np.sign(x) * (graph.lengths + problem.weights * np.abs(x))
    tail, head = graph.tail.astype(np.int64), graph.head.astype(np.int64)
    full = graph.capacity * (1.0 - _FULL)
    more, less = x < full, (x > 0.0) | (~graph.directed & (x > -full))  # may carry, tail to head
    up, down = np.where(x == 0.0, graph.lengths, price), np.where(x == 0.0, -graph.lengths, price)
    amount, mass = np.abs(x), problem.source + problem.target
    if not problem.is_balanced:
        nodes, ends = np.arange(n), (np.full(n, n), np.full(n, n + 1))
        tail, head = np.concatenate((tail, ends[0], nodes)), np.concatenate((head, nodes, ends[1]))
        most = np.append(problem.source, problem.target)
        carried = np.append(flow.sent, flow.received)
        room = most - carried
        more, less = np.append(more, room > _FULL * most), np.append(less, carried > 0.0)
        up, down = (np.append(y, np.zeros(2 * n)) for y in (up, down))
        amount, mass = np.append(amount, np.minimum(carried, room)), np.append(mass, (0.0, 0.0))
    tied = np.flatnonzero(more & less & (up == down))
    order = np.argsort(-amount[tied], kind="stable")
    parts = _Components((tail[tied], head[tied], up[tied]), order, mass, n if n < mass.size else -1)
    ways = (
        np.append(tail[more], head[less]),
        np.append(head[more], tail[less]),
        np.append(up[more], -down[less]),
    )
    if not parts.settle(lambda parts: parts.lower(ways)):
        return None
    p = parts.moved
    if problem.is_balanced:
        return Dual(-p, p)
    p, lam = p[:n] - p[n], float(p[n + 1] - p[n])
    return Dual(-p, p - lam, lam)


class _Components:
    """The components of a network, and how far they are moved.

    Parameters
    ----------
    arcs : arrays of shape (E,)
        Tails, heads, and what potentials differ by along them.
    order : array of shape (E,)
        Arcs by preference: all of them close cycles, and a spanning forest is what counts.
    mass : array of shape (N,)
        How much the potential of each node counts where a component begins.
    ground : int
        A node that begins at 0; -1 if none.
    """

    def __init__(self, arcs: Arcs, order: Ints, mass: Floats, ground: int) -> None:
        (*ends, length), size = arcs, mass.size
        tail, head = (end.astype(np.int32) for end in ends)
        joined = csr_array((np.ones(tail.size, np.int8), (tail, head)), (size, size))
        count, self.part = connected_components(joined, directed=False)
        self.potentials, self.shift = np.zeros(size), np.zeros(count)
        root = (np.arange(size) == ground).astype(np.float64)
        tree = forest.span(order, tail, head, size, root)
        forest.stretch(*tree, tail, head, length, self.potentials)
        self.shift = -_medians(self.potentials, mass, self.part, count)
        if ground >= 0:
            self.shift[self.part[ground]] = 0.0

    @property
    def moved(self) -> Floats:
        """The potentials where the components are now, (N,)."""
        moved: Floats = self.potentials + self.shift[self.part]
        return moved

    def lower(self, arcs: Arcs) -> bool:
        """Lower components until each of these arcs was content once; whether any was not."""
        lowered: bool = kernels.lower_arcs(*arcs, self.part, self.potentials, self.shift)
        return lowered

    def lower_rows(self, block: Floats, start: int) -> bool:
        """Do the same for the pairs of some rows."""
        lowered: bool = kernels.lower_rows(block, start, self.part, self.potentials, self.shift)
        return lowered

    def settle(self, once: Callable[[_Components], bool]) -> bool:
        """Pass over everything until nothing is lowered; False if that does not end soon."""
        return any(not once(self) for _ in range(_PASSES))


def _medians(x: Floats, mass: Floats, part: Ints, count: int) -> Floats:
    """The weighted median of x (N,) over each part, (count,)."""
    order = np.lexsort((x, part))
    whole = np.bincount(part, mass, count)
    below = np.cumsum(mass[order]) - (np.cumsum(whole) - whole)[part[order]]
    at = np.flatnonzero(below >= 0.5 * whole[part[order]])
    medians = np.zeros(count)
    medians[part[order[at]][::-1]] = x[order[at]][::-1]  # the first of each part is written last
    return medians
