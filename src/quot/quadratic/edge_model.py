"""From a graph problem to a certified result."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quot.certificate import certify
from quot.certificate.flows import repair_flow
from quot.convergence import Iterate, Monitor, Status, Tolerance
from quot.exceptions import InfeasibleError
from quot.graph import Flow
from quot.graphs.feasibility import check_feasible
from quot.graphs.lengths import Shortened, typical_length
from quot.graphs.path import Path
from quot.kernels import flow as kernels
from quot.network.cycles import PUSHES
from quot.network.least_norm import least_norm, solve_linear
from quot.network.regions import descend_in_regions
from quot.problem import GraphProblem
from quot.quadratic.anchor import anchor_flow
from quot.quadratic.graph import GraphNetwork, least_potentials
from quot.result import GraphResult

Floats = NDArray[np.float64]

_ROUND_OFF = 4 * float(np.finfo(np.float64).eps)
# The quadratic terms that stand for none, in lengths of a typical edge, and by how much they become
# smaller how often if the answer is not good enough.
_LITTLE, _SMALLER, _TRIES = 1e-4, 0.03, 8
# The linear problem of more nodes begins nearer to its answer: where the quadratic terms of typical
# edges are so many times their lengths.
_MANY, _NEAR = 200_000, 0.2
_UNBOUNDED = (
    "a cycle of directed edges has a negative length and no capacity, so that the cost has no "
    "bound; give its edges a `capacity`, or pass `reg` > 0 for them."
)


def solve_along_edges(
    problem: GraphProblem,
    *,
    tolerance: Tolerance,
    monitor: Monitor,
    start: GraphResult | None = None,
    ties: str = "share",
) -> GraphResult:
    """Solve a graph problem and certify the answer over all edges.

    Raises
    ------
    InfeasibleError
        If the edges cannot carry the mass, or a cycle that pays has no limit.
    """
    check_feasible(problem)
    short = Shortened.of(problem)
    best = result = _solved(short, tolerance, monitor, start, ties)
    while (limit := monitor.limit()) is None and (other := short.next(result)) is not None:
        short, start = other, start if problem.weights.any() else result
        result = _solved(short, tolerance, monitor, start, ties)
        best = min(result, best, key=_missing)
    status = best.status if limit is None or best.converged else result.status
    return replace(best, status=status, history=result.history, seconds=result.seconds)


def _missing(result: GraphResult) -> tuple[bool, float]:
    """What is missing to a good answer, to compare answers by."""
    gap = result.certificate.relative_gap
    return not result.converged, math.inf if math.isnan(gap) else gap


def _solved(
    short: Shortened,
    tolerance: Tolerance,
    monitor: Monitor,
    start: GraphResult | None,
    ties: str,
) -> GraphResult:
    """Solve with lengths capped; the answer is certified for the lengths as they are."""
    problem, at = short.problem, GraphNetwork(short.problem, ties=ties)
    if np.isinf(at.loops).any():
        raise InfeasibleError(_UNBOUNDED)
    pays = bool((at.network.cost < 0.0).any())
    if not pays and (at.total <= _ROUND_OFF * problem.total or not at.network.supply.any()):
        answer = _all_at_home(at)
    elif problem.total == 0.0:
        answer = _nothing_sent(at, monitor, tolerance, start)
    else:
        answer = _solve(at, monitor, tolerance, start, is_linear=short.is_linear)
    result = _judged(short, answer, tolerance, monitor)
    for another in (_finer, _nearly_linear):
        if result.converged or answer.status is not Status.OPTIMAL:
            break
        tried = another(at, monitor, result)
        if tried is not None:
            other = _judged(short, tried, tolerance, monitor)
            result = other if other.gap < result.gap else result
    return result


def _judged(
    short: Shortened, answer: _Answer, tolerance: Tolerance, monitor: Monitor
) -> GraphResult:
    """The answer with its flow repaired, certified."""
    flow = short.repaired(answer.flow)

    def judged(dual: tuple[Floats, Floats, float]) -> GraphResult:
        return GraphResult.of(
            short.original,
            flow,
            dual,
            answer.status,
            tolerance=tolerance,
            monitor=monitor,
            method="auto",
        )

    result = judged((answer.f * short.unit, answer.g * short.unit, answer.lam * short.unit))
    if result.converged or answer.status is not Status.OPTIMAL:
        return result
    dual = anchor_flow(short.original, flow)
    other = result if dual is None else judged(dual)
    better = other.certificate.relative_gap < result.certificate.relative_gap
    return other if better or other.converged else result


def _finer(at: GraphNetwork, monitor: Monitor, result: GraphResult) -> _Answer:
    """The answer with its flow pushed round cycles."""
    return _around(at, monitor, at.carried(result.plan))


def _around(at: GraphNetwork, monitor: Monitor, carried: Floats) -> _Answer:
    """The answer that cycles lead to, until none gains but what rounding explains."""
    net = at.network
    allowed = math.ceil(PUSHES * monitor.steps_left * net.n_nodes)
    found = descend_in_regions(net, carried, max_pushes=allowed, must_stop=monitor.must_stop)
    if found is None:
        raise InfeasibleError(_UNBOUNDED)
    return _Answer.at(at, found.flow, found.potentials, Status.OPTIMAL)


def _nearly_linear(at: GraphNetwork, monitor: Monitor, result: GraphResult) -> _Answer | None:
    """The flow of least cost, where there is one for sure and it is worth a try."""
    problem = at.problem
    worth = _is_limited(at) and bool(problem.weights.any()) and problem.is_nearly_linear
    return _linear(at, monitor, result) if worth else None


def _is_limited(at: GraphNetwork) -> bool:
    """Whether what pays has a capacity."""
    graph = at.problem.graph
    return bool(np.isfinite(graph.capacity[graph.lengths < 0.0]).all())


class _Answer(NamedTuple):
    """A flow, a dual point, and how the solve ended."""

    flow: Flow
    f: Floats
    g: Floats
    lam: float
    status: Status

    @classmethod
    def at(cls, at: GraphNetwork, carried: Floats, potentials: Floats, status: Status) -> _Answer:
        """From what the arcs of the network carry, and its potentials."""
        return cls(at.flow(carried), *at.dual(potentials), status)


def _solve(
    at: GraphNetwork,
    monitor: Monitor,
    tolerance: Tolerance,
    start: GraphResult | None,
    *,
    is_linear: bool = False,
) -> _Answer:
    """The answer where something is to be found."""
    weights = at.problem.weights[at.edges]
    begin = None if start is None else at.potentials(start.f, start.lam)
    if not weights.any() or (is_linear and _is_limited(at)):
        return _linear(at, monitor, start)
    if weights.all() and not at.is_knotted:
        return _quadratic(at, monitor, tolerance.gap, begin)
    return _partly_linear(at, monitor, tolerance, begin)


def _all_at_home(at: GraphNetwork) -> _Answer:
    """The answer where what is wanted is there already, and no cycle pays but loops."""
    problem = at.problem
    home = np.minimum(problem.source, problem.wanted)
    total = float(home.sum())
    home = home * (problem.total / total) if total > 0.0 else home
    zero = np.zeros(problem.graph.n_nodes)
    return _Answer(Flow(problem.graph, at.loops, home, home), zero, zero, 0.0, Status.OPTIMAL)


def _nothing_sent(
    at: GraphNetwork, monitor: Monitor, tolerance: Tolerance, start: GraphResult | None
) -> _Answer:
    """The answer where no mass moves, but cycles may pay.

    Mass that stays at a node stands for it, and for what is much or little: a balanced problem.
    That may be as much as an edge might carry, or, if cycles carry much less, the usual unit.
    """
    problem, graph = at.problem, at.problem.graph
    nothing = np.zeros(graph.n_nodes)
    still = Flow(graph, at.loops, nothing, nothing)

    def answer(much: float) -> _Answer:
        mass = np.append(much, nothing[1:])
        round_trip = GraphNetwork(
            replace(problem, source=mass, target=mass, mass=None), ties=at.ties
        )
        found = _solve(round_trip, monitor, tolerance, start)
        flow = Flow(graph, found.flow.values, nothing, nothing)
        flow = repair_flow(problem, flow) or flow
        if problem.objective(flow) >= problem.objective(still):
            flow = still
        p = -found.f
        p = p - p.max()  # so that nobody would rather send something, or by far receive it
        lam = 0.0 if problem.is_balanced else 2.0 * float(p.min())
        return _Answer(flow, -p, p - lam, lam, found.status)

    most = _going_round(problem) or problem.unit
    return _best(problem, map(answer, (most, problem.unit)), tolerance)


def _best(problem: GraphProblem, answers: Iterable[_Answer], tolerance: Tolerance) -> _Answer:
    """The first answer that is certified or was stopped; else that of the smallest gap."""
    best = None
    for answer in answers:
        certificate = certify(problem, *answer[:4])
        if best is None or certificate.gap < best[0]:
            best = certificate.gap, answer
        if answer.status is not Status.OPTIMAL or certificate.holds(tolerance):
            break
    assert best is not None
    return best[1]


def _going_round(problem: GraphProblem) -> float:
    """What an edge that pays might carry, at most; 0 if none pays or there is no limit."""
    graph, w = problem.graph, problem.weights
    gain = np.maximum(-graph.lengths, 0.0)
    most = np.divide(gain, w, out=np.full(gain.size, np.inf), where=w > 0.0)
    most = np.where(gain > 0.0, np.minimum(most, graph.capacity), 0.0)
    return float(most[most < np.inf].max(initial=0.0))


def _quadratic(at: GraphNetwork, monitor: Monitor, tol: float, start: Floats | None) -> _Answer:
    """The answer where every edge has a quadratic term."""
    path = Path(at, at.problem.weights, monitor, tol)
    status = path.solve(start)
    return _Answer.at(at, path.state.flow, path.state.potentials, status)


def _partly_linear(
    at: GraphNetwork, monitor: Monitor, tolerance: Tolerance, start: Floats | None
) -> _Answer:
    """The answer where some edges, or ways from S to T, have no quadratic term: from small ones.

    Flow and potentials go smoothly to their limit as the small ones vanish, so that two solves say
    where that is; how small they have to be the certificate knows.
    """
    problem, graph = at.problem, at.problem.graph
    none = problem.weights == 0.0
    _check_bounded(at, none[at.edges])
    length = typical_length(problem)
    typical = max(problem.total, _going_round(problem)) / math.sqrt(graph.n_edges)
    small = _LITTLE * max(length / typical, float(problem.weights[~none].min()))

    def answers(at: GraphNetwork, small: float, start: Floats | None) -> Iterator[_Answer]:
        exact = at
        for k in range(_TRIES):
            found = []
            for part in (1.0, 0.5):
                weights = np.where(none, part * small, problem.weights)
                at = GraphNetwork(problem, part * small, at.ties) if at.is_knotted else at
                path = Path(at, weights, monitor, tolerance.gap)
                status = path.solve(start)
                start = path.state.potentials
                found.append(path.state)
            first, second = found
            carried = 2.0 * second.flow - first.flow
            yield _Answer.at(at, carried, 2.0 * second.potentials - first.potentials, status)
            if k == 0:
                yield _around(exact, monitor, carried)
            small *= _SMALLER

    return _best(problem, answers(at, small, start), tolerance)


def _check_bounded(at: GraphNetwork, none: NDArray[np.bool_]) -> None:
    """Raise InfeasibleError where going round a cycle of these arcs pays for ever."""
    net, arcs = at.network, np.flatnonzero(none)
    if net.cost[arcs].min(initial=0.0) >= 0.0:
        return
    alone = net.part(arcs, (net.tail[arcs], net.head[arcs]), np.zeros(net.n_nodes))
    if solve_linear(alone, np.zeros(arcs.size)) is None:
        raise InfeasibleError(_UNBOUNDED)


def _linear(at: GraphNetwork, monitor: Monitor, start: GraphResult | None) -> _Answer:
    """The flow of least norm among those of least cost, by a vertex."""
    net, edges, unit = at.network, at.edges.size, at.problem.unit
    if start is not None and start.problem.graph.n_edges == at.problem.graph.n_edges:
        carried = at.carried(start.plan)
    else:
        carried = _nearby(at, monitor) if net.n_nodes > _MANY else _spread(at)
    allowed = math.ceil(PUSHES * monitor.steps_left * net.n_nodes)
    vertex = solve_linear(net, carried, allowed, monitor.must_stop)
    if vertex is None:
        raise InfeasibleError(_UNBOUNDED)
    carried = vertex.flow
    if at.ties == "share":
        weighted = replace(net, weight=at.weights(np.ones(at.problem.graph.n_edges)))
        carried = least_norm(weighted, vertex, _ROUND_OFF * unit, monitor.must_stop)
    ended = Status.OPTIMAL if vertex.is_optimal else Status.ITERATION_LIMIT
    stop = monitor.report(
        Iterate(
            iteration=len(monitor.history) + 1,
            residual=float(np.abs(net.imbalance(carried)).max()) / unit,
            support=int(np.count_nonzero(carried[:edges])),
            candidates=edges,
            violators=0,
            reg=0.0,
            inner=vertex.pushes,
        )
    )
    return _Answer.at(at, carried, vertex.potentials, stop or ended)


def _spread(at: GraphNetwork) -> Floats:
    """A flow to begin with: that of least norm, as far as the arcs allow it."""
    net, edges = at.network, at.edges.size
    ends = net.tail[:edges], net.head[:edges]
    x = kernels.tension(least_potentials(at, np.ones(edges)), *ends)
    limit = net.capacity
    for star in np.split(limit[edges:], [at.sources.size]):
        x = np.append(x, star * (at.total / max(float(star.sum()), at.total)))
    spread: Floats = np.clip(x, np.where(net.undirected, -limit, 0.0), limit)
    return spread


def _nearby(at: GraphNetwork, monitor: Monitor) -> Floats:
    """A flow to begin with: that of small quadratic terms."""
    smooth = GraphNetwork(at.problem, 1.0, at.ties) if at.is_knotted else at
    ones = np.ones(at.problem.graph.n_edges)
    return Path(smooth, ones, monitor, 1.0).approach(_NEAR)
