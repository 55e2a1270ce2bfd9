"""From a graph problem to a certified result."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from quot.certificate import certify
from quot.certificate.flows import repair_flow
from quot.convergence import Iterate, Monitor, Status, Tolerance
from quot.exceptions import InfeasibleError
from quot.graph import Flow
from quot.graphs.feasibility import check_feasible
from quot.graphs.linear import least_norm, solve_linear
from quot.graphs.network import GraphNetwork
from quot.graphs.path import Path
from quot.problem import GraphProblem
from quot.result import GraphResult

Floats = NDArray[np.float64]

# Larger linear problems begin with a tree of the edges that carry most at a reg where the quadratic
# term of a typical edge is this part of its length, found to this tolerance.
_SMALL, _RATHER_LINEAR, _LOOSE = 2000, 0.03, 10.0
# Pivots allowed for each node.
_PIVOTS = 1000
_ROUND_OFF = 4 * float(np.finfo(np.float64).eps)


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
    if not problem.is_balanced and at.total <= 0.0:
        flow, f, g, lam = _all_at_home(at)
        status = Status.OPTIMAL
    elif not np.any(problem.weights):
        flow, f, g, lam, status = _linear(at, monitor)
    else:
        path = Path(problem, monitor, tolerance.gap)
        begin = None if start is None else at.potentials(start.f, start.lam)
        status = path.solve(begin)
        flow = path.at.flow(path.state.flow)
        f, g, lam = path.at.dual(path.state.potentials)
    flow = repair_flow(problem, flow) or flow
    certificate = certify(problem, flow, f, g, lam)
    return GraphResult(
        problem=problem,
        plan=flow,
        f=f,
        g=g,
        lam=lam,
        certificate=certificate,
        status=certificate.judge(status, tolerance),
        tolerance=tolerance,
        history=tuple(monitor.history),
        seconds=monitor.seconds,
        method="auto",
    )


def _all_at_home(at: GraphNetwork) -> tuple[Flow, Floats, Floats, float]:
    """The answer where what is wanted is there already."""
    problem, home = at.problem, at.home
    total = float(home.sum())
    home = home * (problem.total / total) if total > 0.0 else home
    zero = np.zeros(problem.graph.n_nodes)
    return Flow(problem.graph, np.zeros(problem.graph.n_edges), home, home), zero, zero, 0.0


def _linear(at: GraphNetwork, monitor: Monitor) -> tuple[Flow, Floats, Floats, float, Status]:
    """The flow of least norm among those of least cost, by a vertex."""
    edges, unit = at.edges.size, at.problem.unit
    order = np.argsort(at.network.cost[:edges], kind="stable")
    order = np.concatenate((order, np.arange(edges, at.network.n_arcs)))
    if at.network.n_nodes > _SMALL:
        path = Path(replace(at.problem, reg=1.0), monitor, _LOOSE)
        status = path.solve(part=_RATHER_LINEAR)
        if status is not Status.OPTIMAL:
            return at.flow(path.state.flow), *at.dual(path.state.potentials), status
        order = np.argsort(-np.abs(path.state.flow), kind="stable")
    vertex = solve_linear(at.network, order, _PIVOTS * at.network.n_nodes)
    if vertex is None:
        raise InfeasibleError(
            "a cycle of directed edges has a negative length and no capacity, so that the cost has "
            "no bound; give its edges a `capacity`, or pass `reg` > 0."
        )
    star = np.zeros(at.network.n_arcs - edges)
    weighted = replace(at.network, weight=np.append(np.ones(edges), star))
    carried = least_norm(weighted, vertex, _ROUND_OFF * unit, monitor.must_stop)
    stop = monitor.report(
        Iterate(
            iteration=len(monitor.history) + 1,
            residual=float(np.abs(at.network.imbalance(carried)).max()) / unit,
            support=int(np.count_nonzero(carried[:edges])),
            candidates=edges,
            violators=0,
            reg=0.0,
            inner=vertex.pivots,
        )
    )
    return at.flow(carried), *at.dual(vertex.potentials), stop or Status.OPTIMAL
