"""From a graph problem to a certified result."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quot.certificate import certify
from quot.certificate.flows import repair_flow
from quot.convergence import Iterate, Monitor, Status, Tolerance
from quot.exceptions import InfeasibleError
from quot.flow.network import Network
from quot.graph import Flow
from quot.graphs.feasibility import check_feasible
from quot.graphs.least import least_potentials
from quot.graphs.linear import least_norm, solve_linear
from quot.graphs.network import GraphNetwork
from quot.graphs.path import Path
from quot.graphs.regions import improve
from quot.kernels import flow as kernels
from quot.problem import GraphProblem
from quot.result import GraphResult

Floats = NDArray[np.float64]

_ROUND_OFF = 4 * float(np.finfo(np.float64).eps)
# The quadratic terms that stand for none, in lengths of a typical edge, and by how much they become
# smaller how often if the answer is not good enough.
_LITTLE, _SMALLER, _TRIES = 1e-4, 0.03, 5
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
) -> GraphResult:
    """Solve a graph problem and certify the answer over all edges.

    Raises
    ------
    InfeasibleError
        If the edges cannot carry the mass, or a cycle that pays has no limit.
    """
    check_feasible(problem)
    at = GraphNetwork(problem)
    begin = None if start is None else at.potentials(start.f, start.lam)
    if not problem.is_balanced and at.total <= 0.0:
        answer = _all_at_home(at)
    elif not np.any(problem.weights):
        answer = _linear(at, monitor, start)
    elif np.all(problem.weights):
        answer = _quadratic(at, monitor, tolerance.gap, begin)
    else:
        answer = _partly_linear(at, monitor, tolerance, begin)
    flow = repair_flow(problem, answer.flow) or answer.flow
    certificate = certify(problem, flow, answer.f, answer.g, answer.lam)
    return GraphResult(
        problem=problem,
        plan=flow,
        f=answer.f,
        g=answer.g,
        lam=answer.lam,
        certificate=certificate,
        status=certificate.judge(answer.status, tolerance),
        tolerance=tolerance,
        history=tuple(monitor.history),
        seconds=monitor.seconds,
        method="auto",
    )


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


def _all_at_home(at: GraphNetwork) -> _Answer:
    """The answer where what is wanted is there already."""
    problem, home = at.problem, at.home
    total = float(home.sum())
    home = home * (problem.total / total) if total > 0.0 else home
    zero = np.zeros(problem.graph.n_nodes)
    flow = Flow(problem.graph, np.zeros(problem.graph.n_edges), home, home)
    return _Answer(flow, zero, zero, 0.0, Status.OPTIMAL)


def _quadratic(at: GraphNetwork, monitor: Monitor, tol: float, start: Floats | None) -> _Answer:
    """The answer where every edge has a quadratic term."""
    path = Path(at, at.problem.weights, monitor, tol)
    status = path.solve(start)
    return _Answer.at(at, path.state.flow, path.state.potentials, status)


def _partly_linear(
    at: GraphNetwork, monitor: Monitor, tolerance: Tolerance, start: Floats | None
) -> _Answer:
    """The answer where some edges have no quadratic term: from small ones, twice.

    Flow and potentials go smoothly to their limit as the small ones vanish, so that two of them say
    where that is; how small they have to be the certificate knows.
    """
    problem, graph = at.problem, at.problem.graph
    none = problem.weights == 0.0
    _check_bounded(at, none[at.edges])
    length = float(np.median(np.abs(graph.lengths[none]))) or float(np.abs(graph.lengths).mean())
    typical = problem.total / np.sqrt(graph.n_edges)
    small = _LITTLE * (length / typical or float(problem.weights.max()))
    best = None
    for _ in range(_TRIES):
        found = []
        for part in (1.0, 0.5):
            path = Path(at, np.where(none, part * small, problem.weights), monitor, tolerance.gap)
            status = path.solve(start)
            start = path.state.potentials
            found.append(path.state)
        carried = 2.0 * found[1].flow - found[0].flow
        answer = _Answer.at(at, carried, 2.0 * start - found[0].potentials, status)
        certificate = certify(problem, answer.flow, answer.f, answer.g, answer.lam)
        if best is None or certificate.gap < best[0]:
            best = certificate.gap, answer
        if status is not Status.OPTIMAL or certificate.holds(tolerance):
            break
        small *= _SMALLER
    assert best is not None
    return best[1]


def _check_bounded(at: GraphNetwork, none: NDArray[np.bool_]) -> None:
    """Raise InfeasibleError where going round a cycle of these arcs pays for ever."""
    net, arcs = at.network, np.flatnonzero(none)
    if net.cost[arcs].min() >= 0.0:
        return
    nothing = np.zeros(net.n_nodes)
    alone = Network(*(part[arcs] for part in net.response), nothing)
    if solve_linear(alone, np.zeros(arcs.size)) is None:
        raise InfeasibleError(_UNBOUNDED)


def _linear(at: GraphNetwork, monitor: Monitor, start: GraphResult | None) -> _Answer:
    """The flow of least norm among those of least cost, by a vertex."""
    net, edges, unit, pivots = at.network, at.edges.size, at.problem.unit, 0
    if start is not None and start.problem.graph.n_edges == at.problem.graph.n_edges:
        carried = at.carried(start.plan)
    else:
        carried, pivots = improve(net, _spread(at), monitor.must_stop)
    vertex = solve_linear(net, carried, monitor.must_stop)
    if vertex is None:
        raise InfeasibleError(_UNBOUNDED)
    weighted = replace(net, weight=at.weights(np.ones(at.problem.graph.n_edges)))
    carried = least_norm(weighted, vertex, _ROUND_OFF * unit, monitor.must_stop)
    stop = monitor.report(
        Iterate(
            iteration=len(monitor.history) + 1,
            residual=float(np.abs(net.imbalance(carried)).max()) / unit,
            support=int(np.count_nonzero(carried[:edges])),
            candidates=edges,
            violators=0,
            reg=0.0,
            inner=pivots + vertex.pivots,
        )
    )
    return _Answer.at(at, carried, vertex.potentials, stop or Status.OPTIMAL)


def _spread(at: GraphNetwork) -> Floats:
    """A flow to begin with: that of least norm, as far as the arcs allow it."""
    net, edges = at.network, at.edges.size
    ends = net.tail[:edges], net.head[:edges]
    x = kernels.tension(least_potentials(at, np.ones(edges)), *ends)
    limit = net.capacity
    for star in np.split(limit[edges:], [at.sources.size]):
        x = np.append(x, star * (at.total / max(float(star.sum()), at.total)))
    return np.clip(x, np.where(net.undirected, -limit, 0.0), limit)
