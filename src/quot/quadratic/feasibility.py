"""Whether allowed pairs, or edges, can carry the mass, and who is stuck if not; before any work."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import maximum_flow

from quot.costs import SparseCost
from quot.exceptions import InfeasibleError
from quot.network.feasibility import cut
from quot.problem import GraphProblem, Transport

Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]

# Masses become integers for the maximum flow, and their total this: two have a sum in 32 bits.
_UNITS = 10**9
# Imbalance of a component that is round-off, relative to the mass of the problem.
_ROUND_OFF = 1e-9
# What cannot be carried is no rounding of the masses if it is more than this part of them.
_CLOSELY = 1e-13
# So many rows are named.
_NAMED = 5


def check_pairs(problem: Transport) -> None:
    """Raise InfeasibleError, naming rows or columns, if the allowed pairs cannot carry the mass.

    What the rounding of masses to one part in 10^9 of the total could explain is let through.
    """
    cost = problem.cost
    if not isinstance(cost, SparseCost) or problem.total == 0.0:
        return
    ways = _Ways.by_pairs(cost, problem.a, problem.b)
    found = ways.carry(problem.total, is_balanced=problem.is_balanced)
    if found is not None:
        raise _stuck_pairs(problem, found.reached, found.carried)


def check_edges(problem: GraphProblem) -> None:
    """Raise InfeasibleError, naming a component or nodes, if the edges cannot carry the mass.

    What the rounding of masses to one part in 10^9 of the total could explain is let through.
    """
    _check_components(problem)
    graph = problem.graph
    if problem.total > 0.0 and (graph.directed.any() or np.isfinite(graph.capacity).any()):
        found = _Ways.by_edges(problem).carry(problem.total, is_balanced=problem.is_balanced)
        if found is not None:
            raise _stuck_nodes(problem, found.reached, found.carried)


def check_closely(problem: Transport | GraphProblem) -> None:
    """Do the same to the rounding of the masses; for when a solve has found no plan, or no flow."""
    if problem.total == 0.0:
        return
    if isinstance(problem, GraphProblem):
        found = _Ways.by_edges(problem).carry_closely(problem.total)
        if found is not None:
            raise _stuck_nodes(problem, found.reached, found.carried, digits=12)
    elif isinstance(problem.cost, SparseCost):
        ways = _Ways.by_pairs(problem.cost, problem.a, problem.b)
        found = ways.carry_closely(problem.total)
        if found is not None:
            raise _stuck_pairs(problem, found.reached, found.carried, digits=12)


class _Short(NamedTuple):
    """How much can be carried at most, and who could still send more: nodes (N,)."""

    carried: float
    reached: NDArray[np.bool_]


class _Ways(NamedTuple):
    """Ways from a source, by nodes that have mass and nodes that want some, to a sink.

    Of each of these three: tail, head, and the most that may go there. Source and sink are the last
    two nodes.
    """

    given: tuple[Ints, Ints, Floats]
    between: tuple[Ints, Ints, Floats]
    taken: tuple[Ints, Ints, Floats]
    size: int

    @classmethod
    def of(cls, a: Floats, b: Floats, first: int, between: tuple[Ints, Ints, Floats]) -> _Ways:
        """From masses a, of nodes from 0 on, and b, of nodes from `first` on."""
        size = max(a.size, first + b.size) + 2
        rows, cols = np.arange(a.size), first + np.arange(b.size)
        given = np.full(a.size, size - 2), rows, a
        return cls(given, between, (cols, np.full(b.size, size - 1), b), size)

    @classmethod
    def by_pairs(cls, cost: SparseCost, a: Floats, b: Floats) -> _Ways:
        """From rows to columns."""
        return cls.of(a, b, a.size, (cost.rows, a.size + cost.cols, a[cost.rows]))

    @classmethod
    def by_edges(cls, problem: GraphProblem) -> _Ways:
        """From nodes to nodes."""
        graph = problem.graph
        back = np.flatnonzero(~graph.directed)
        tail = np.concatenate((graph.tail, graph.head[back]))
        head = np.concatenate((graph.head, graph.tail[back]))
        most = np.concatenate((graph.capacity, graph.capacity[back]))
        return cls.of(problem.source, problem.target, 0, (tail, head, most))

    def carry(self, total: float, *, is_balanced: bool) -> _Short | None:
        """Less than the total if rounding does not explain that."""
        given, between, taken = (self._units(most, total) for *_, most in self[:3])
        given, taken = np.floor(given), np.floor(taken) + (taken > 0.0)
        room = self._room(given, np.ceil(between), taken)
        carried, reached = cut(room.astype(np.int32), self.size - 2, self.size - 1)
        wanted = int(given.sum()) if is_balanced else _UNITS
        if wanted - carried <= self.size - 1:
            return None
        return _Short(carried * (total / _UNITS), reached)

    def carry_closely(self, total: float) -> _Short | None:
        """Less than the total, to the rounding of the masses.

        What a first flow leaves is rounded anew, to parts of its unit, and flows on where it can.
        """
        source, sink, finer = self.size - 2, self.size - 1, _UNITS // self.size
        room = self._room(*(self._units(most, total) for *_, most in self[:3]))
        first = maximum_flow(room.astype(np.int32), source, sink)
        left = sp.csr_array(room - first.flow)
        left.data = np.clip(left.data * finer, 0.0, _UNITS)
        more, reached = cut(left.astype(np.int32), source, sink)
        carried = (first.flow_value + more / finer) * (total / _UNITS)
        return _Short(carried, reached) if total - carried > _CLOSELY * total else None

    @staticmethod
    def _units(most: Floats, total: float) -> Floats:
        """In units, all of which are the total."""
        with np.errstate(over="ignore"):
            units: Floats = np.minimum(most * (_UNITS / total), _UNITS)
        return units

    def _room(self, *most: Floats) -> sp.csr_array:
        """How much may flow from one node to another, no more than all."""
        tail, head = (np.concatenate([ways[k] for ways in self[:3]]) for k in range(2))
        shape = (self.size, self.size)
        room = sp.coo_array((np.concatenate(most), (tail, head)), shape=shape).tocsr()
        room.data = np.minimum(room.data, _UNITS)
        return room


def _stuck_pairs(
    problem: Transport, reached: NDArray[np.bool_], carried: float, *, digits: int = 6
) -> InfeasibleError:
    """The error that names rows that cannot send more."""
    n, m = problem.shape
    stuck = np.flatnonzero(reached[:n] & (problem.a > 0.0))
    named = _names("row", stuck.tolist(), stuck.size)
    wanted, served = problem.a[stuck].sum(), problem.b[reached[n : n + m]].sum()
    if problem.is_balanced:
        return InfeasibleError(
            f"the allowed pairs of `C` cannot carry the mass: {named} must send "
            f"{wanted:.{digits}g} in all, but the columns allowed to them take only "
            f"{served:.{digits}g}. Allow more pairs, or pass `mass` to move less."
        )
    return InfeasibleError(
        f"the allowed pairs of `C` can carry at most {carried:.{digits}g} of "
        f"`mass={problem.total:.{digits}g}`: {named} cannot send more. Allow more pairs, "
        "or lower `mass`."
    )


def _stuck_nodes(
    problem: GraphProblem, reached: NDArray[np.bool_], carried: float, *, digits: int = 6
) -> InfeasibleError:
    """The error that names nodes that cannot send more."""
    graph = problem.graph
    stuck = np.flatnonzero(reached[: graph.n_nodes] & (problem.source > 0))
    named = _names("node", graph.names(stuck[:_NAMED]), stuck.size)
    return InfeasibleError(
        f"the edges can carry at most {carried:.{digits}g} of the mass "
        f"{problem.total:.{digits}g} in their directions and within their capacities: what is at "
        f"{named} cannot all leave. Add edges or capacity, or pass a smaller `mass`."
    )


def _names(noun: str, names: Iterable[object], count: int) -> str:
    """'row 3', 'rows 1, 2, 4' or 'rows 1, 2, 3, 4, 5 and 10 others'."""
    shown = ", ".join(repr(name) for name in islice(names, _NAMED))
    more = count - _NAMED
    tail = f" and {more} others" if more > 0 else ""
    return f"{noun}{'s' if count != 1 else ''} {shown}{tail}"


def _check_components(problem: GraphProblem) -> None:
    """Compare masses and wishes of each component."""
    graph, count = problem.graph, problem.graph.n_components
    have, want = graph.sums(problem.source), graph.sums(problem.target)
    off = np.abs(have - want)
    size = np.bincount(graph.components, minlength=count)
    worst = int(np.argmin(np.where(off > 0.999 * off.max(), size, graph.n_nodes + 1)))
    if problem.is_balanced:
        if off[worst] > _ROUND_OFF * problem.total:
            raise InfeasibleError(
                f"the graph has {count} components, and {_component(problem, worst)} has "
                f"{have[worst]:.6g} of `source` but {want[worst]:.6g} of `target`, "
                f"{off[worst]:.6g} too {'much' if have[worst] > want[worst] else 'little'}. Join "
                "the components (`quot.graphs.connect`), keep one (`Graph.subgraph`), rebalance "
                "the masses, or pass `mass` to move less."
            )
        return
    most = float(np.minimum(have, want).sum())
    if problem.total > most * (1 + _ROUND_OFF):
        raise InfeasibleError(
            f"`mass={problem.total:.6g}` exceeds what the {count} components of the graph can "
            f"move within themselves, {most:.6g}: {_component(problem, worst)} has "
            f"{have[worst]:.6g} of `source` and {want[worst]:.6g} of `target`. Lower `mass`, or "
            "join the components (`quot.graphs.connect`)."
        )


def _component(problem: GraphProblem, index: int) -> str:
    nodes = np.flatnonzero(problem.graph.components == index)
    first = next(iter(problem.graph.names(nodes[:1])))
    return f"that of node {first!r} ({nodes.size} nodes)"
