"""Transport on a set of pairs, as a flow network, and back.

Nodes are the rows, the columns, S and T (where mass is partial on that side) and a hub. Pair
(i, j) is an arc of weight reg; S -> i and j -> T are arcs of weight zero and capacity a_i, b_j.

The hub closes the set: arcs row -> hub and hub -> column, at prices no pair left out can beat,
make every set of pairs feasible and stop the potentials where the set ends to be complete. Flow
through the hub means that such a bound binds.

Costs enter less a typical one, which no plan notices and round-off does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quot.costs import usual_cost
from quot.dual import Dual
from quot.network.network import FlowState, Network
from quot.pairs.candidates import Box, Candidates
from quot.parallel import dot
from quot.plan import Plan
from quot.problem import Problem
from quot.support import Support

Floats = NDArray[np.float64]

# A side whose whole mass moves, up to this (relative), has no slack and needs no S or T.
_WHOLE = 1e-12
# What goes by the hub is rounding if it is less than this part of the total, and of the mass of its
# row or column.
_ROUNDING, _PART = 64 * float(np.finfo(np.float64).eps), 1e-6


class _Arcs(NamedTuple):
    """A block of arcs; numbers hold for each of them."""

    tail: NDArray[np.integer[Any]]
    head: NDArray[np.integer[Any]]
    cost: Floats | float
    weight: float
    capacity: Floats | float


class Bipartite:
    """The flow network of a problem on a set of pairs.

    Parameters
    ----------
    problem : Problem
        Masses positive.
    support : Support
        The pairs.
    box : Box, optional
        Without it there is no hub.
    """

    def __init__(self, problem: Problem, support: Support, box: Box | None = None) -> None:
        self.problem, self.support, self.box = problem, support, box
        a, b, total = problem.a, problem.b, problem.total
        n, m = problem.shape
        self.slack_rows = not problem.is_balanced and total < float(a.sum()) * (1 - _WHOLE)
        self.slack_cols = not problem.is_balanced and total < float(b.sum()) * (1 - _WHOLE)
        nodes = n + m
        self.offset = usual_cost(problem.cost)
        self.base = self.offset * total
        blocks = [
            _Arcs(
                support.rows,
                n + support.cols,
                problem.cost.at(support.rows, support.cols) - self.offset,
                problem.reg,
                np.inf,
            )
        ]
        supply = np.concatenate((-a, b))
        if self.slack_rows:
            self.source = nodes
            supply = np.append(supply, -total)
            supply[:n] = 0.0
            blocks.append(_Arcs(np.full(n, nodes), np.arange(n), 0.0, 0.0, a))
            nodes += 1
        if self.slack_cols:
            self.sink = nodes
            supply = np.append(supply, total)
            supply[n : n + m] = 0.0
            blocks.append(_Arcs(np.arange(n, n + m), np.full(m, nodes), 0.0, 0.0, b))
            nodes += 1
        self.hub = nodes
        if box is not None:
            supply = np.append(supply, 0.0)
            i, j = np.flatnonzero(box.rows < np.inf), np.flatnonzero(box.cols < np.inf)
            self.bounded = i, j
            blocks.append(_Arcs(i, np.full(i.size, nodes), box.rows[i], problem.reg, np.inf))
            blocks.append(
                _Arcs(np.full(j.size, nodes), n + j, box.cols[j] - self.offset, problem.reg, np.inf)
            )
        # Balance to round-off, or Newton would chase the difference of the totals.
        supply[n : n + m] *= _ratio(-supply[supply < 0].sum(), supply[supply > 0].sum(), self)
        sizes = [len(block.tail) for block in blocks]
        self.first_hub_arc = sum(sizes[: len(sizes) - 2]) if box is not None else sum(sizes)
        self.network = Network(
            tail=np.concatenate([block.tail for block in blocks], dtype=np.int32),
            head=np.concatenate([block.head for block in blocks], dtype=np.int32),
            cost=_spread([block.cost for block in blocks], sizes),
            weight=_spread([block.weight for block in blocks], sizes),
            capacity=_spread([block.capacity for block in blocks], sizes),
            undirected=np.zeros(sum(sizes), np.bool_),
            supply=supply,
        )

    def state(self, dual: Dual) -> FlowState:
        """Potentials and sides of the network at a dual point; f, g <= 0 where there is slack."""
        n, m = self.problem.shape
        potentials = np.zeros(self.network.n_nodes)
        potentials[:n] = -dual.f
        lam = dual.lam - self.offset
        potentials[n : n + m] = dual.g + lam
        if self.slack_cols:
            potentials[self.sink] = lam
        return FlowState.at(self.network, potentials)

    def resume(self, other: Bipartite, state: FlowState) -> FlowState:
        """The state of another network of the same nodes, of fewer pairs, at this one."""
        side = np.zeros(self.network.n_arcs, np.int8)
        side[self.network.zero_arcs] = state.side[other.network.zero_arcs]
        flow, pairs = np.zeros(side.size), other.support.size
        flow[np.searchsorted(self.support.keys, other.support.keys)] = state.flow[:pairs]
        stars = other.first_hub_arc - pairs
        flow[self.support.size : self.support.size + stars] = state.flow[pairs : pairs + stars]
        return FlowState(state.potentials, side, flow)

    def pressing(self, state: FlowState) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Tell the rows and the columns that send mass through the hub."""
        i, j = self.bounded
        sends = self._by_hub(state) > 0.0
        n, m = self.problem.shape
        rows, cols = np.zeros(n, np.bool_), np.zeros(m, np.bool_)
        rows[i], cols[j] = sends[: i.size], sends[i.size :]
        return rows, cols

    def _by_hub(self, state: FlowState) -> Floats:
        """Mass on the arcs of the hub, but for the rounding of all that is sent.

        Of a row or column that has no more than that it is no rounding.
        """
        flow = state.flow[self.first_hub_arc :]
        if not flow.any():
            return flow
        i, j = self.bounded
        own = _PART * np.append(self.problem.a[i], self.problem.b[j])
        return np.where(flow > np.minimum(own, _ROUNDING * self.problem.total), flow, 0.0)

    def dual(self, state: FlowState) -> Dual:
        """The dual point of network potentials, gauge fixed."""
        n, m = self.problem.shape
        p = state.potentials
        f, g = -p[:n], p[n : n + m]
        if self.problem.is_balanced:
            a, b = self.problem.a, self.problem.b
            shift = 0.5 * (dot(g, b) / b.sum() - dot(f, a) / a.sum() + self.offset)
            return Dual(f + shift, g + (self.offset - shift))
        source = p[self.source] if self.slack_rows else -float(f.max())
        sink = p[self.sink] if self.slack_cols else float(g.max())
        f, g = np.minimum(f + source, 0.0), np.minimum(g - sink, 0.0)
        return Dual(f, g, float(sink - source) + self.offset)

    def plan(self, state: FlowState) -> Plan:
        """The plan on the support; pairs that carry nothing are in it, too."""
        return Plan(self.support.shape, self.support.rows, self.support.cols, self.values(state))

    def flow(self, plan: Plan) -> Floats:
        """What the arcs carry (E,) for a plan on pairs of the support; nothing goes by the hub."""
        support, (n, m) = self.support, self.problem.shape
        carried = np.zeros(self.network.n_arcs)
        keys = Support(plan.shape, plan.rows, plan.cols).keys
        carried[np.searchsorted(support.keys, keys)] = plan.values
        at = support.size
        if self.slack_rows:
            carried[at : at + n] = np.minimum(plan.row_sums(), self.problem.a)
            at += n
        if self.slack_cols:
            carried[at : at + m] = np.minimum(plan.col_sums(), self.problem.b)
        return carried

    def values(self, state: FlowState) -> Floats:
        """Mass on each pair of the support."""
        return state.flow[: self.support.size]

    def through_hub(self, state: FlowState) -> float:
        """Mass that the pairs could not carry at the prices of the box."""
        return 0.5 * float(self._by_hub(state).sum()) if self.box is not None else 0.0


def join(network: Bipartite, near: Candidates, state: FlowState) -> tuple[Bipartite, FlowState]:
    """The network with more candidates, at the state it was in.

    A row or column that has all its pairs needs no bound.
    """
    support, box = network.support | near.support, near.box
    if box is not None:
        n, m = support.shape
        full_row = np.bincount(support.rows, minlength=n) == m
        full_col = np.bincount(support.cols, minlength=m) == n
        box = Box(np.where(full_row, np.inf, box.rows), np.where(full_col, np.inf, box.cols))
    wider = Bipartite(network.problem, support, box)
    return wider, wider.resume(network, state)


def _spread(parts: Sequence[Floats | float], sizes: list[int]) -> Floats:
    """Concatenate arrays of the given sizes; a number stands for an array of it."""
    spread = [np.broadcast_to(part, size) for part, size in zip(parts, sizes, strict=True)]
    return np.concatenate(spread, dtype=np.float64)


def _ratio(given: float, taken: float, network: Bipartite) -> float:
    """Factor for the columns' supply so that all supplies sum to zero, where nothing is slack."""
    if network.slack_rows or network.slack_cols or taken <= 0.0:
        return 1.0
    return given / taken
