"""A problem along the edges of a graph as the method solves it, and the ways to its flow."""

from __future__ import annotations

import math
from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from quot.certificate.flows import repair_flow
from quot.convergence import Iterate, Monitor, Status, Tolerance
from quot.dual import Dual
from quot.exceptions import InfeasibleError
from quot.flow import Flow
from quot.kernels import flow as kernels
from quot.network.cycles import PUSHES
from quot.network.least_norm import least_norm, solve_linear
from quot.network.network import FlowState
from quot.network.regions import descend_in_regions
from quot.network.transshipment import solve_by_pairs
from quot.problem import GraphProblem
from quot.quadratic.anchor import anchor_flow
from quot.quadratic.edge_stage import EdgeStage
from quot.quadratic.feasibility import check_edges
from quot.quadratic.graph import GraphNetwork, least_potentials
from quot.quadratic.lengths import Shortened, typical_length
from quot.quadratic.model import Answer, At, Way
from quot.quadratic.solve import Loop, solve_quadratic
from quot.result import GraphResult
from quot.settings import settings
from quot.stopping import run

Floats = NDArray[np.float64]

_ROUND_OFF = 4 * float(np.finfo(np.float64).eps)
# The quadratic terms that stand for none, in lengths of a typical edge, and by how much they become
# smaller how often if the answer is not good enough.
_LITTLE, _SMALLER, _TRIES = 1e-4, 0.03, 8
# The linear problem of many nodes begins where the quadratic terms of typical edges
# are so many times their lengths, found to a tolerance that lets all be loose.
_NEAR, _ROUGH = 0.2, 30.0
_UNBOUNDED = (
    "a cycle of directed edges has a negative length and no capacity, so that the cost has no "
    "bound; give its edges a `capacity`, or pass `reg` > 0 for them."
)


class EdgeModel:
    """A problem along edges, with lengths that nobody pays capped.

    Parameters
    ----------
    problem : GraphProblem
    monitor : Monitor
    tolerance : Tolerance
    start : GraphResult, optional
        On as many nodes, to begin from.
    ties : {"share", "any"}, default="share"
        Which of several cheapest flows is wanted; see `quot.solve_graph`.

    Raises
    ------
    InfeasibleError
        If the edges cannot carry the mass, or a cycle that pays has no limit.
    """

    result, method = GraphResult, "auto"

    def __init__(
        self,
        problem: GraphProblem,
        monitor: Monitor,
        tolerance: Tolerance,
        *,
        start: GraphResult | None = None,
        ties: str = "share",
    ) -> None:
        check_edges(problem)
        self.problem, self.monitor, self.tolerance = problem, monitor, tolerance
        self.start, self.ties = start, ties
        self._price(Shortened.first(problem))

    def _price(self, part: Shortened) -> None:
        """Work in these prices."""
        self.part, self.at = part, GraphNetwork(part.problem)
        if np.isinf(self.at.loops).any():
            raise InfeasibleError(_UNBOUNDED)
        # Potentials of the last small terms that stood for none.
        self.last: Floats | None = None

    def ways(self) -> tuple[Way, ...]:
        """By what the edges cost; then cycles, and the linear problem, where that is not enough."""
        at, problem = self.at, self.part.problem
        weights = problem.weights[at.edges]
        pays = bool((at.network.cost < 0.0).any())
        ways: tuple[Way, ...] = ()
        if not pays and (at.total <= _ROUND_OFF * problem.total or not at.network.supply.any()):
            ways = (self._all_at_home,)
        elif problem.total == 0.0:
            # Mass that stays stands for it: as much as an edge might carry, or the usual unit.
            most = _going_round(problem) or problem.unit
            ways = tuple(partial(self._round_trip, much) for much in (most, problem.unit))
        elif not weights.any() or (self.part.is_linear and self._is_limited):
            ways = (self._linear,)
        elif weights.all() and not at.is_knotted:
            ways = (self._from_above,)
        else:
            _check_bounded(at, weights == 0.0)
            limits = [partial(self._limit, _SMALLER**k) for k in range(_TRIES)]
            ways = (limits[0], self._around_the_limit, *limits[1:])
        return (*ways, self._finer, self._nearly_linear)

    def next(self, result: GraphResult) -> EdgeModel | None:
        """The same with other lengths capped, if edges beyond the cap carry something."""
        part = self.part.next(result.plan, is_good=result.converged)
        if part is None:
            return None
        other = copy(self)
        if not self.problem.weights.any():
            other.start = result
        other._price(part)
        return other

    @property
    def _is_limited(self) -> bool:
        """Whether what pays has a capacity."""
        graph = self.part.problem.graph
        return bool(np.isfinite(graph.capacity[graph.lengths < 0.0]).all())

    def _from_above(self, _: GraphResult | None) -> Answer:
        """Down from large quadratic terms, where every edge has one."""
        stage = EdgeStage(self.at, self.part.problem.weights)
        state, status = self._descend(stage, self.tolerance.gap, self._start)
        return self._answer(state.flow, state.potentials, status)

    def _descend(
        self, stage: EdgeStage, tol: float, start: Floats | None = None
    ) -> tuple[FlowState, Status]:
        """Where the way down ends, and what has stopped it."""
        near = None if start is not None else self._from_below(stage)
        loop = Loop(self.monitor, tol, near or stage.begin(start))
        status = run(self.monitor, lambda: loop.descend([stage], loop.at))
        return loop.at.state, status

    def _from_below(self, stage: EdgeStage) -> At[GraphNetwork] | None:
        """At the vertex of the linear problem, on small graphs; None where there is none.

        From there Newton takes about as many steps as from above for the last scale alone, far
        fewer where mass is partial, and systems have few arcs: those that carry something.
        """
        net = stage.network
        if net.n_nodes > settings().below or stage.is_smooth:
            return None
        nothing = np.zeros(net.n_arcs)
        vertex = solve_linear(net, nothing, self._pushes, self.monitor.must_stop)
        return stage.near(vertex) if vertex is not None and vertex.is_optimal else None

    @property
    def _start(self) -> Floats | None:
        """Potentials to begin from, if there are any."""
        start = self.start
        if start is None:
            return None
        return self.at.potentials(start.f / self.part.unit, start.lam / self.part.unit)

    def _limit(self, part: float, _: GraphResult | None) -> Answer:
        """Where some edges, or ways from S to T, have no quadratic term: the limit of small ones.

        Flow and potentials go smoothly there as the small ones vanish, so that two solves say where
        that is; how small they have to be the certificate knows.
        """
        problem, at = self.part.problem, self.at
        none = problem.weights == 0.0
        typical = max(problem.total, _going_round(problem)) / math.sqrt(problem.graph.n_edges)
        length = typical_length(problem) / typical
        small = part * _LITTLE * max(length, float(problem.weights[~none].min()))
        begin, found = self._start if self.last is None else self.last, []
        for share in (1.0, 0.5):
            weights = np.where(none, share * small, problem.weights)
            stage = EdgeStage(at, weights, share * small if at.is_knotted else 0.0)
            state, status = self._descend(stage, self.tolerance.gap, begin)
            begin = self.last = state.potentials
            found.append(state)
        first, second = found
        self.carried = 2.0 * second.flow - first.flow
        return self._answer(self.carried, 2.0 * second.potentials - first.potentials, status)

    def _around_the_limit(self, _: GraphResult | None) -> Answer:
        """The flow of the limit pushed round cycles."""
        return self._around(self.carried)

    def _linear(self, best: GraphResult | None) -> Answer:
        """The flow of least norm among those of least cost, by a vertex."""
        at, monitor = self.at, self.monitor
        net, edges, unit = at.network, at.edges.size, at.problem.unit
        vertex = None
        if net.n_nodes > settings().paired:
            vertex = solve_by_pairs(net, self._pushes, monitor.must_stop)
        if vertex is None:
            start = self._near(best or self.start)
            vertex = solve_linear(net, start, self._pushes, monitor.must_stop)
        if vertex is None:
            raise InfeasibleError(_UNBOUNDED)
        carried = vertex.flow
        if self.ties == "share":
            weighted = net.reweighted(at.weights(np.ones(at.problem.graph.n_edges)))
            carried = least_norm(weighted, vertex, _ROUND_OFF * unit, monitor.must_stop)
        steps = math.ceil(vertex.pushes / (PUSHES * net.n_nodes))
        ended = Status.OPTIMAL if vertex.is_optimal else Status.ITERATION_LIMIT
        stop = monitor.report(
            Iterate(
                residual=float(np.abs(net.imbalance(carried)).max()) / unit,
                support=int(np.count_nonzero(carried[:edges])),
                candidates=edges,
                violators=0,
                reg=0.0,
                inner=steps,
            )
        )
        return self._answer(carried, vertex.potentials, stop or ended)

    def _near(self, start: GraphResult | None) -> Floats:
        """A flow to begin with: that of a start, if there is one, or that of quadratic terms.

        Small ones, on graphs where these take no longer than cycles from far.
        """
        at, ones = self.at, np.ones(self.part.problem.graph.n_edges)
        if start is not None and start.problem.graph.n_edges == ones.size:
            return at.carried(start.plan)
        if at.network.n_nodes <= settings().below:
            return np.zeros(at.network.n_arcs)
        if at.network.n_nodes <= settings().nearby:
            return spread(at)
        _, ratio = EdgeStage(at, ones).least_norm()
        small = _NEAR / ratio
        stage = EdgeStage(at, small * ones, small if at.is_knotted else 0.0)
        state, _ = self._descend(stage, _ROUGH)
        return state.flow

    def _finer(self, best: GraphResult | None) -> Answer:
        """The flow pushed round cycles."""
        assert best is not None
        return self._around(self.at.carried(best.plan))

    def _nearly_linear(self, best: GraphResult | None) -> Answer | None:
        """The flow of least cost, where there is one for sure and it is worth a try."""
        problem = self.part.problem
        worth = self._is_limited and bool(problem.weights.any()) and problem.is_nearly_linear
        return self._linear(best) if worth else None

    def _around(self, carried: Floats) -> Answer:
        """The answer that cycles lead to, until none gains but what rounding explains."""
        net, must_stop = self.at.network, self.monitor.must_stop
        found = descend_in_regions(net, carried, max_pushes=self._pushes, must_stop=must_stop)
        if found is None:
            raise InfeasibleError(_UNBOUNDED)
        return self._answer(found.flow, found.potentials, Status.OPTIMAL)

    @property
    def _pushes(self) -> int:
        """Pushes round cycles that are still allowed."""
        return math.ceil(PUSHES * self.monitor.steps_left * self.at.network.n_nodes)

    def _all_at_home(self, _: GraphResult | None) -> Answer:
        """The answer where what is wanted is there already, and no cycle pays but loops."""
        problem = self.part.problem
        home = np.minimum(problem.source, problem.wanted)
        total = float(home.sum())
        home = home * (problem.total / total) if total > 0.0 else home
        zero = np.zeros(problem.graph.n_nodes)
        return self._priced(Flow(problem.graph, self.at.loops, home, home), Dual(zero, zero))

    def _round_trip(self, much: float, _: GraphResult | None) -> Answer:
        """The answer where no mass moves, but cycles may pay.

        Mass that stays at a node stands for it, and for what is much or little: a balanced problem.
        """
        problem, graph = self.part.problem, self.part.problem.graph
        nothing = np.zeros(graph.n_nodes)
        mass = np.append(much, nothing[1:])
        alike = replace(problem, source=mass, target=mass, mass=None)
        model = EdgeModel(alike, self.monitor, self.tolerance, start=self.start, ties=self.ties)
        found = solve_quadratic(model)
        still = Flow(graph, self.at.loops, nothing, nothing)
        flow = Flow(graph, found.plan.values, nothing, nothing)
        flow = repair_flow(problem, flow) or flow
        if problem.objective(flow) >= problem.objective(still):
            flow = still
        p = -found.f
        p = p - p.max()  # so that nobody would rather send something, or by far receive it
        lam = 0.0 if problem.is_balanced else 2.0 * float(p.min())
        return self._priced(flow, Dual(-p, p - lam, lam), self.monitor.limit() or Status.OPTIMAL)

    def _answer(self, carried: Floats, potentials: Floats, status: Status) -> Answer:
        """From what the arcs of the network carry, and its potentials."""
        return self._priced(self.at.flow(carried), self.at.dual(potentials), status)

    def _priced(self, flow: Flow, dual: Dual, status: Status = Status.OPTIMAL) -> Answer:
        """The answer in the prices of the problem."""
        unit = self.part.unit
        return Answer(flow, Dual(dual.f * unit, dual.g * unit, dual.lam * unit), status)

    def repaired(self, answer: Answer) -> Flow:
        """The flow, feasible."""
        return self.part.repaired(answer.primal)

    def duals(self, flow: Flow, dual: Dual) -> Iterator[Dual]:
        """The dual point, and potentials read off the flow that are as small as can be."""
        yield dual
        found = anchor_flow(self.problem, flow)
        if found is not None:
            yield found


def spread(at: GraphNetwork) -> Floats:
    """A flow to begin with: that of least norm, as far as the arcs allow it."""
    net, edges = at.network, at.edges.size
    ends = net.tail[:edges], net.head[:edges]
    x = kernels.tension(least_potentials(at, np.ones(edges)), *ends)
    limit = net.capacity
    for star in np.split(limit[edges:], [at.sources.size]):
        x = np.append(x, star * (at.total / max(float(star.sum()), at.total)))
    flow: Floats = np.clip(x, np.where(net.undirected, -limit, 0.0), limit)
    return flow


def _going_round(problem: GraphProblem) -> float:
    """What an edge that pays might carry, at most; 0 if none pays or there is no limit."""
    graph, w = problem.graph, problem.weights
    gain = np.maximum(-graph.lengths, 0.0)
    most = np.divide(gain, w, out=np.full(gain.size, np.inf), where=w > 0.0)
    most = np.where(gain > 0.0, np.minimum(most, graph.capacity), 0.0)
    return float(most[most < np.inf].max(initial=0.0))


def _check_bounded(at: GraphNetwork, none: NDArray[np.bool_]) -> None:
    """Raise InfeasibleError where going round a cycle of these arcs pays for ever."""
    net, arcs = at.network, np.flatnonzero(none)
    if net.cost[arcs].min(initial=0.0) >= 0.0:
        return
    alone = net.part(arcs, (net.tail[arcs], net.head[arcs]), np.zeros(net.n_nodes))
    if solve_linear(alone, np.zeros(arcs.size)) is None:
        raise InfeasibleError(_UNBOUNDED)
