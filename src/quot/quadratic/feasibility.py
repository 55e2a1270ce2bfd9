"""Whether allowed pairs, or edges, can carry the mass, and who is stuck if not; before any work."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import maximum_flow

from quot.costs import SparseCost
from quot.exceptions import InfeasibleError
from quot.network.feasibility import cut
from quot.problem import GraphProblem, Transport

Floats = NDArray[np.float64]

# Masses become integers for the maximum flow; their total is this, on pairs and on edges.
_PAIR_UNITS, _EDGE_UNITS = 1 << 30, 10**9
# Imbalance of a component that is round-off, relative to the mass of the problem.
_ROUND_OFF = 1e-9
# What cannot be carried is no rounding of the masses if it is more than this part of them; and the
# largest capacity, of which two have a sum in 32 bits.
_CLOSELY, _LARGEST = 1e-13, 2**30 - 1
# So many rows are named.
_NAMED = 5


def check_pairs(problem: Transport) -> None:
    """Raise InfeasibleError, naming rows or columns, if the allowed pairs cannot carry the mass.

    A maximum flow on masses rounded to about one part in 10^9 of the total; what rounding could
    explain is let through.
    """
    cost = problem.cost
    if not isinstance(cost, SparseCost) or problem.total == 0.0:
        return
    n, m = cost.shape
    scale = _PAIR_UNITS / problem.total
    supply, demand = _units(problem.a, scale), _units(problem.b, scale) + 1
    graph = _graph(cost, supply, demand)
    most, reached = cut(graph, n + m, n + m + 1)
    wanted = int(supply.sum()) if problem.is_balanced else _PAIR_UNITS
    missing = wanted - most
    if missing <= n + m + 1:
        return
    raise _stuck_pairs(problem, reached, most / scale)


def check_pairs_closely(problem: Transport) -> None:
    """Do the same to the rounding of the masses; for when a solve has found no plan.

    What the first flow leaves is rounded anew, to parts of its unit, and flows on where it can.
    """
    cost = problem.cost
    if not isinstance(cost, SparseCost) or problem.total == 0.0:
        return
    n, m = cost.shape
    scale = _PAIR_UNITS / problem.total
    masses = problem.a, problem.b
    graph = _graph(cost, *(_units(mass, scale) for mass in masses))
    first = maximum_flow(graph, n + m, n + m + 1).flow
    finer = (_PAIR_UNITS // (n + m + 2)) * scale
    sent, got = (first[n + m, :n].toarray().ravel(), first[n : n + m, n + m + 1].toarray().ravel())
    left = [
        np.round(np.clip((x - k / scale) * finer, 0.0, _LARGEST)).astype(np.int32)
        for x, k in zip(masses, (sent, got), strict=True)
    ]
    room = _graph(cost, *left).tolil()
    pairs = first[cost.rows, n + cost.cols]
    room[cost.rows, n + cost.cols] = _LARGEST
    back = np.minimum(np.asarray(pairs).ravel() * (finer / scale), _LARGEST).astype(np.int32)
    room[n + cost.cols, cost.rows] = back
    more, reached = cut(sp.csr_array(room, dtype=np.int32), n + m, n + m + 1)
    carried = float(sent.sum()) / scale + more / finer
    if problem.total - carried > _CLOSELY * problem.total:
        raise _stuck_pairs(problem, reached, carried, digits=12)


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


def _units(mass: Floats, scale: float) -> NDArray[np.int32]:
    """Masses in whole units, of which `scale` are 1."""
    return np.floor(np.minimum(mass * scale, _PAIR_UNITS)).astype(np.int32)


def _graph(cost: SparseCost, supply: NDArray[np.int32], demand: NDArray[np.int32]) -> sp.csr_array:
    """Capacities: source to rows, rows to columns along allowed pairs, columns to sink."""
    n, m = cost.shape
    source, sink = n + m, n + m + 1
    tail = np.concatenate((np.full(n, source), cost.rows, n + np.arange(m)))
    head = np.concatenate((np.arange(n), n + cost.cols, np.full(m, sink)))
    capacity = np.concatenate((supply, supply[cost.rows], demand)).astype(np.int32)
    shape = (n + m + 2, n + m + 2)
    return sp.csr_array(
        (capacity, (tail.astype(np.int32), head.astype(np.int32))), shape=shape, dtype=np.int32
    )


def _names(noun: str, names: Iterable[object], count: int) -> str:
    """'row 3', 'rows 1, 2, 4' or 'rows 1, 2, 3, 4, 5 and 10 others'."""
    shown = ", ".join(repr(name) for name in islice(names, _NAMED))
    more = count - _NAMED
    tail = f" and {more} others" if more > 0 else ""
    return f"{noun}{'s' if count != 1 else ''} {shown}{tail}"


def check_edges(problem: GraphProblem) -> None:
    """Raise InfeasibleError, naming a component or nodes, if the edges cannot carry the mass."""
    _check_components(problem)
    graph = problem.graph
    if problem.total > 0.0 and (graph.directed.any() or np.isfinite(graph.capacity).any()):
        _check_cuts(problem)


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


def _check_cuts(problem: GraphProblem) -> None:
    """A maximum flow, on masses rounded; what rounding could explain is let through."""
    graph, n = problem.graph, problem.graph.n_nodes
    scale = _EDGE_UNITS / problem.total
    supply = np.floor(np.minimum(problem.source * scale, _EDGE_UNITS)).astype(np.int64)
    demand = np.floor(np.minimum(problem.target * scale, _EDGE_UNITS)).astype(np.int64)
    demand[problem.target > 0.0] += 1
    with np.errstate(over="ignore"):
        most = np.ceil(np.minimum(graph.capacity * scale, _EDGE_UNITS)).astype(np.int64)
    back = np.flatnonzero(~graph.directed)
    nodes = np.arange(n)
    tail = np.concatenate((graph.tail, graph.head[back], np.full(n, n), nodes))
    head = np.concatenate((graph.head, graph.tail[back], nodes, np.full(n, n + 1)))
    amount = np.concatenate((most, most[back], supply, demand))
    room = sp.coo_array((amount, (tail, head)), shape=(n + 2, n + 2)).tocsr()
    room.data = np.minimum(room.data, _EDGE_UNITS)
    room = room.astype(np.int32)
    carried, reached = cut(room, n, n + 1)
    wanted = int(supply.sum()) if problem.is_balanced else _EDGE_UNITS
    if wanted - carried <= n + 1:
        return
    stuck = np.flatnonzero(reached[:n] & (problem.source > 0))
    named = _names("node", graph.names(stuck[:_NAMED]), stuck.size)
    raise InfeasibleError(
        f"the edges can carry at most {carried / scale:.6g} of the mass "
        f"{problem.total:.6g} in their directions and within their capacities: what is at "
        f"{named} cannot all leave. Add edges or capacity, or pass a smaller `mass`."
    )


def _component(problem: GraphProblem, index: int) -> str:
    nodes = np.flatnonzero(problem.graph.components == index)
    first = next(iter(problem.graph.names(nodes[:1])))
    return f"that of node {first!r} ({nodes.size} nodes)"
