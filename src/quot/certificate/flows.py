"""The certificate of a flow along the edges of a graph."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import dijkstra

from quot.certificate.bracket import EPS, ROUND_OFF, Bound, Bracket, Certificate, exact_sum
from quot.flow import Flow
from quot.graph import Graph
from quot.kernels import certificate as scan
from quot.kernels import forest
from quot.parallel import dot
from quot.prices import middle_price
from quot.problem import GraphProblem

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]

# What is wrong by no more than this, in units of the largest mass, is rounded.
_ROUND_OFF = 16 * EPS
# Room on an edge for both ways that carries nothing, in units of the largest mass: little.
_UNUSED = 1e-6
# Where less is wrong, in units of the largest mass, edges that carry as little may be emptied.
_DUST = 1e-6
# Where more is wrong than this, it is no rounding that might stay.
_OPEN = 1000 * EPS
# Edges are gone through so often for the shortest ways where lengths may be negative.
_ROUNDS = 1000


def certify_flow(problem: GraphProblem, flow: Flow, f: Floats, lam: float) -> Certificate:
    """Bracket the optimal value of transport along edges; see `certify`.

    The potential of a node is -f; those of S and T, where mass is partial, are the best that fit,
    whatever lam is. An edge without a quadratic term and without a limit bounds the
    difference of its two: where it is larger, potentials are lowered to what the way from other
    nodes costs (a c-transform along the graph). Where reg is very small the bound of the linear
    problem counts if it is better.
    """
    graph = problem.graph
    p, w = -f, problem.weights
    error = flow_error(problem, flow)
    # Rounding alone stays: the forest may lead along edges that it is not worth.
    rounded = _rounding(problem, flow.values)
    repaired = flow if error <= rounded else repair_flow(problem, flow)
    upper, used, moved = np.inf, 0.0, 0.0
    if repaired is not None:
        upper, used = problem.objective(repaired), _used(problem, repaired)
        moved = float(np.abs(repaired.values).sum())
    terms = dot(np.abs(_from_middle(problem, p)), problem.source + problem.target)
    own = _Own.of(problem, repaired or flow, rounded)
    values = [_dual_value(problem, p, lam, w, own)]
    if problem.is_nearly_linear and w.any():  # squares of round-off over reg may be anything
        values.append(_dual_value(problem, p, lam, np.zeros_like(w), own))
    bounds = [Bound(value, ROUND_OFF * terms + noise * moved) for value, noise in values]
    if not (graph.lengths < 0.0).any():  # nothing costs less than nothing
        bounds.append(Bound(0.0, 0.0))
    return Certificate(
        **Bracket.of(bounds, upper, used)._asdict(),
        primal_residual=error,
        multiplier_violation=0.0,
        scope="all",
        pairs=graph.n_edges,
        priced="edges",
    )


def flow_error(problem: GraphProblem, flow: Flow) -> float:
    """Return the largest violation of a constraint, in units of the largest mass; NaN propagates.

    Of the balance of a node, of what it may send and receive, of the total, of the direction of an
    edge and its capacity. Where cycles may pay an edge may carry much more than that, and counts.
    """
    unit, graph, x = problem.unit, problem.graph, flow.values
    if graph.lengths.min(initial=0.0) < 0.0:
        unit = max(unit, float(np.abs(x).max()))
    worst = scan.flow_error(
        x,
        flow.sent,
        flow.received,
        problem.source,
        problem.target,
        graph.edges,
        graph.directed,
        graph.capacity,
        problem.is_balanced,
    )
    worst = float(worst / unit)
    if problem.is_balanced or problem.total == 0.0:
        return worst
    return float(np.max([worst, abs(flow.total - problem.total) / problem.total]))


# --- the lower bound -------------------------------------------------------------------------


def _rounding(problem: GraphProblem, x: Floats) -> float:
    """What sums over all nodes are rounded by, and what flows round cycles (E,), in the unit."""
    most = problem.total + float(np.abs(x).max(initial=0.0))
    return 64 * EPS * (1.0 + most / problem.unit)


class _Own(NamedTuple):
    """What a flow brings, where that is what it should up to rounding: the bound is one for that.

    What rounding takes from a node, or from all, may be all that moves, and at any price.

    Parameters
    ----------
    off : array of shape (N,)
        What arrives at each node beyond what it should.
    sent, received : float
        In all, where not all has to be; in more digits where the machine has some.
    """

    off: Floats
    sent: np.longdouble
    received: np.longdouble

    @classmethod
    def of(cls, problem: GraphProblem, flow: Flow, rounded: float) -> _Own:
        """Of a flow; of the problem where less than `rounded`, in units, does not explain it."""
        off = flow.arriving() - (flow.received - flow.sent)
        total = np.longdouble(problem.total)
        sums = (side.sum(dtype=np.longdouble) for side in (flow.sent, flow.received))
        near = rounded * problem.unit
        sent, received = (each if abs(each - total) <= near else total for each in sums)
        return cls(np.where(np.abs(off) <= near, off, 0.0), sent, received)


def _dual_value(
    problem: GraphProblem, p: Floats, lam: float, w: Floats, own: _Own
) -> tuple[float, float]:
    """The dual value, and how far it is wrong for each unit of flow because p is rounded.

    Weights w (E,) smaller than those of the problem make a bound, too.
    """
    if not (np.isfinite(p).all() and np.isfinite(lam)):
        return np.nan, 0.0
    graph = problem.graph
    hard = (w == 0.0) & np.isinf(graph.capacity)
    over, noise = _excess(problem, p), 0.0
    if (over[hard] > 0.0).any():
        rounding = 16 * EPS * float(np.abs(p).max())
        if not over[hard].max() <= rounding:
            p = _lowered(problem, p, hard)
            over = _excess(problem, p)
        noise = float(over[hard].max())
        if not noise <= rounding:
            return -np.inf, 0.0
        over[hard] = 0.0
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        x = np.where(over > 0.0, np.minimum(over / w, graph.capacity), 0.0)
        given = x * (over - 0.5 * w * x)
    if problem.is_balanced:
        return exact_sum(p * (problem.target - problem.source), p * own.off, -given), noise
    p = _from_middle(problem, p)
    ends = (
        _cheapest(problem.source, -p, own.sent),
        _cheapest(problem.target, p, own.received),
    )
    return exact_sum(*ends, p * own.off, -given), noise


def _from_middle(problem: GraphProblem, p: Floats) -> Floats:
    """Potentials (N,) less that of where most of the mass is, if it need not move.

    The dual value is the same, and what stays where it is does not take the digits of what moves.
    """
    if problem.is_balanced:
        return p
    mass = np.minimum(problem.source, problem.total) + np.minimum(problem.target, problem.total)
    return p - middle_price(p, mass, float(mass.sum()))


def _cheapest(most: Floats, price: Floats, total: np.longdouble) -> Floats:
    """What a total costs at least, taken from `most` (N,) at these prices (N,), a node each.

    The sum is ``max_q total q - sum_v most_v max(q - price_v, 0)``: the best potential of S or T.
    """
    order = np.argsort(price, kind="stable")
    most = most[order].astype(np.longdouble)
    before = np.append(0.0, np.cumsum(most)[:-1])  # no large mass in what comes before it
    taken = np.clip(total - before, 0.0, most).astype(np.float64)
    costs: Floats = price[order] * taken
    return costs


def _excess(problem: GraphProblem, p: Floats) -> Floats:
    """How much more each edge gains than it costs, at least 0, (E,)."""
    graph = problem.graph
    y = p[graph.head] - p[graph.tail]
    return np.maximum(np.where(graph.directed, y, np.abs(y)) - graph.lengths, 0.0)


def _lowered(problem: GraphProblem, p: Floats, hard: Bools) -> Floats:
    """The largest potentials below p at which no hard edge gains more than it costs.

    Those are the shortest ways to each node from a further one, from which v is p_v away.
    """
    graph, n = problem.graph, problem.graph.n_nodes
    one_way, both = np.flatnonzero(hard), np.flatnonzero(hard & ~graph.directed)
    tail = np.concatenate((graph.tail[one_way], graph.head[both]))
    head = np.concatenate((graph.head[one_way], graph.tail[both]))
    length = np.concatenate((graph.lengths[one_way], graph.lengths[both]))
    if length.min(initial=0.0) < 0.0:
        return _relaxed(p, tail, head, length)
    least = float(p.min())
    tail, head = np.append(tail, np.full(n, n)), np.append(head, np.arange(n))
    length = np.append(length, p - least)
    order = np.lexsort((length, head, tail))  # of parallel edges the shortest
    tail, head, length = tail[order], head[order], length[order]
    first = np.append(True, (tail[1:] != tail[:-1]) | (head[1:] != head[:-1]))
    ways = sp.csr_array((length[first], (tail[first], head[first])), shape=(n + 1, n + 1))
    away: Floats = dijkstra(ways, indices=n)[:n]
    return away + least


def _relaxed(
    p: Floats, tail: NDArray[np.integer], head: NDArray[np.integer], length: Floats
) -> Floats:
    """The same where some of these edges have a negative length, edge by edge (Bellman and Ford).

    That ends soon where p is nearly right, and never where a cycle of them pays.
    """
    p = p.copy()
    for _ in range(min(p.size, _ROUNDS)):
        at_most = p[tail] + length
        if (p[head] - at_most).max() <= 8 * EPS * float(np.abs(p).max()):
            break
        np.minimum.at(p, head, at_most)
    return p


# --- the upper bound -------------------------------------------------------------------------


def repair_flow(problem: GraphProblem, flow: Flow) -> Flow | None:
    """Return a feasible flow near the given one, or None if this does not find one.

    What is missing goes along a spanning forest of the edges, those that carry most first; in a
    partial problem the nodes may send and take more or less, through two more nodes S and T. Where
    that breaks limits, edges that carry no more than what is wrong are emptied first; or all nodes
    send and take in proportion. What is rounding alone stays open where it is not worth its way.
    """
    error = flow_error(problem, flow)
    if error == 0.0:
        return flow
    repaired = _along_forest(problem, flow)
    if repaired is None and error < _DUST:
        x = flow.values
        noise = 4.0 * error * max(problem.unit, float(np.abs(x).max()))
        repaired = _along_forest(problem, replace(flow, values=np.where(np.abs(x) > noise, x, 0.0)))
    if repaired is None and not problem.is_balanced:
        repaired = _along_forest(problem, _in_proportion(problem, flow))
    if repaired is not None and error > _OPEN:
        return repaired
    near = _within_bounds(problem, _visible(problem, flow))
    if flow_error(problem, near) <= _ROUND_OFF:
        known = problem.objective(near) + ROUND_OFF * _used(problem, near)
        if repaired is None or not problem.objective(repaired) <= known:
            return near
    return repaired


def _along_forest(problem: GraphProblem, flow: Flow) -> Flow | None:
    """The flow with what is missing sent along a forest; None if edges or nodes cannot take it."""
    graph, n = problem.graph, problem.graph.n_nodes
    tail, head, carried = graph.tail, graph.head, _within(graph, flow.values)
    need = -replace(flow, values=carried).arriving()
    # An edge for both ways that carries nothing can be used, but those that carry come first.
    back = np.where(graph.directed, carried, np.abs(carried) + _UNUSED * problem.unit)
    room = np.minimum(back, graph.capacity - np.abs(carried))
    if problem.is_balanced:
        need += problem.wanted - problem.source
    else:
        nodes = np.arange(n)
        within = _within_bounds(problem, flow)
        sent, received = within.sent, within.received
        tail = np.concatenate((tail, np.full(n, n), nodes))
        head = np.concatenate((head, nodes, np.full(n, n + 1)))
        carried = np.concatenate((carried, sent, received))
        room = np.concatenate(
            (
                room,
                np.minimum(sent, problem.source - sent),
                np.minimum(received, problem.target - received),
            )
        )
        need = np.concatenate(
            (need + received - sent, [sent.sum() - problem.total, problem.total - received.sum()])
        )
    order = np.argsort(-room, kind="stable")
    carried = carried.copy()
    tail, head = tail.astype(np.int32), head.astype(np.int32)
    mass = np.full(need.size, np.inf)
    mass[:n] = problem.source + problem.wanted
    forest.route(*forest.span(order, tail, head, need.size, mass), tail, head, need, carried)
    x = _within(graph, carried[: graph.n_edges])
    sent, received = problem.source, problem.wanted
    if not problem.is_balanced:
        sent = np.clip(carried[graph.n_edges : -n], 0.0, problem.source)
        received = np.clip(carried[-n:], 0.0, problem.target)
    repaired = Flow(graph, x, sent, received)
    rounded = _rounding(problem, x)
    if problem.is_balanced:  # masses that round-off has left to components that want nothing
        rounded += float(np.abs(graph.sums(problem.source - problem.wanted)).max()) / problem.unit
    return repaired if flow_error(problem, repaired) <= rounded else None


def _used(problem: GraphProblem, flow: Flow) -> float:
    """All that is added up in the objective, without signs."""
    x = np.abs(flow.values)
    return dot(np.abs(problem.graph.lengths), x) + 0.5 * dot(problem.weights * x, x)


def _visible(problem: GraphProblem, flow: Flow) -> Flow:
    """The flow less what is lost in the rounding of what goes through an end, or of all masses."""
    graph, x = problem.graph, flow.values
    size = np.abs(x)
    through = np.zeros(graph.n_nodes)
    for end in (graph.tail, graph.head):
        through += np.bincount(end, size, graph.n_nodes)
    masses = np.append(problem.source, problem.target)
    least = float(masses[masses > 0.0].min(initial=problem.unit))
    seen = np.maximum(np.minimum(through[graph.tail], through[graph.head]), least)
    lost = size <= _ROUND_OFF * seen
    return replace(flow, values=np.where(lost, 0.0, x))


def _within_bounds(problem: GraphProblem, flow: Flow) -> Flow:
    """The flow within the limits of edges and nodes; in a balanced problem with all its mass."""
    sent, received = problem.source, problem.wanted
    if not problem.is_balanced:
        sent = np.clip(flow.sent, 0.0, problem.source)
        received = np.clip(flow.received, 0.0, problem.target)
    return Flow(problem.graph, _within(problem.graph, flow.values), sent, received)


def _within(graph: Graph, x: Floats) -> Floats:
    """What edges carry (E,), within their capacities and directions."""
    x = np.clip(x, -graph.capacity, graph.capacity)
    return np.where(graph.directed, np.maximum(x, 0.0), x)


def _in_proportion(problem: GraphProblem, flow: Flow) -> Flow:
    """The same values, but nodes that send and take the mass of the problem."""
    graph, part = problem.graph, problem.graph.components
    sent = np.clip(flow.sent, 0.0, problem.source)
    received = np.clip(flow.received, 0.0, problem.target)
    most = np.minimum(graph.sums(problem.source), graph.sums(problem.target))
    each = np.minimum(0.5 * (graph.sums(sent) + graph.sums(received)), most)
    each = _filled(each, most, np.zeros(most.size, np.int32), np.array([problem.total]))
    sent = _filled(sent, problem.source, part, each)
    return Flow(graph, flow.values, sent, _filled(received, problem.target, part, each))


def _filled(x: Floats, most: Floats, part: Ints, wanted: Floats) -> Floats:
    """x (N,) scaled down, or up towards `most` (N,), so that each part (N,) has what is wanted."""
    have, room = (np.bincount(part, y, wanted.size) for y in (x, most - x))
    change = wanted - have
    up = np.divide(change, room, out=np.zeros(change.size), where=(change > 0.0) & (room > 0.0))
    down = np.divide(change, have, out=np.zeros(change.size), where=(change < 0.0) & (have > 0.0))
    filled: Floats = x + up[part] * (most - x) + down[part] * x
    return np.clip(filled, 0.0, most)
