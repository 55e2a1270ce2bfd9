"""The linear problem between rows and columns: a cheapest plan, and prices that no pair beats.

A matrix is solved as it is. Of many points few pairs are ever looked at: a coarse version is solved
first, its plan and prices are spread over the finer one, and the network simplex works on the pairs
near these prices until no other one gains. A hub closes that list, as it closes the network of
`bipartite`: it takes what rows cannot send and gives what columns cannot get, at the prices of the
box around the list.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quot import memory
from quot.convergence import Monitor, Status
from quot.costs import CHECKED, DenseCost, SparseCost
from quot.dual import Dual
from quot.kernels import climb
from quot.kernels import simplex as kernels
from quot.kernels.flow import components
from quot.network.cycles import Descent
from quot.network.least_norm import least_norm
from quot.network.simplex import Vertex, solve_matrix
from quot.pairs.candidates import beyond_all, choose_candidates, expected
from quot.pairs.effort import Effort
from quot.pairs.price import Pricer
from quot.pairs.sample import Sample
from quot.pairs.screen import Blocks
from quot.parallel import map_rows
from quot.plan import Plan
from quot.prices import round_off
from quot.problem import Problem
from quot.quadratic.answers import of_pivots
from quot.quadratic.bipartite import Bipartite
from quot.quadratic.coarse import Level, coarsen
from quot.quadratic.matrix_newton import MatrixNewton
from quot.quadratic.pair_list import Kept, PairList, prices, visible_plan
from quot.quadratic.small import Small, solve_small
from quot.rounding import repair
from quot.settings import settings
from quot.support import Support

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]

# A coarse version is solved as a matrix from where it has no more entries.
_COARSEST = 1 << 20
# A hub that nothing should go by is so many times dearer than the pairs, at first and with each of
# so many tries.
_BEYOND, _DEARER = 1e3, 4
# Rounds of pricing at one level; pairs beyond the tight ones for each row and column, and how far
# prices may rise in the box; with each round in which that presses so many times more and further.
_ROUNDS, _NEAREST, _REACH, _MORE, _FURTHER = 50, 10, 10.0, 2, 4.0
# Of pairs that tie so many for each row and column are enough.
_TIED = 20
# Pairs, at most, that are written out as a matrix if many of them matter: one in so many. Bytes
# that each takes then.
_LARGEST, _CROWDED, _BYTES = 1 << 27, 12, 64
# Where so many pairs for each row and column may carry something, the least norm is looked for on
# the matrix: what columns may miss then, relative, and by rounding, and steps.
_RICH, _ENOUGH, _ROUNDING, _STEPS = 2.0, 1e-13, 1e-10, 40


@dataclass(frozen=True, eq=False)
class Optimum:
    """A cheapest plan, its prices, and why the method was stopped, if it was.

    Where it was found on a matrix: the vertex, the costs C, and whether other plans may cost no
    more, if that is known. Where to begin with nearly the same masses: the pairs of a tree. And
    whether Newton has tried to go up from there, in vain.
    """

    plan: Plan
    dual: Dual
    stopped: Status | None = None
    vertex: Vertex | None = None
    C: Floats | None = None
    has_ties: bool | None = None
    first: Ints | None = None
    is_tried: bool = False

    @classmethod
    def of(
        cls, small: Small, problem: Problem, monitor: Monitor, *, is_tried: bool = False
    ) -> Optimum:
        """Of a small problem that was solved at once; tells the monitor."""
        vertex, plan, dual, has_ties, C = small
        stopped = report_vertex(problem, monitor, plan, vertex.pivots, vertex.looks)
        return cls(plan, dual, stopped, vertex, C, has_ties, is_tried=is_tried)

    @property
    def tree(self) -> Ints | None:
        """Pairs (K, 2) for the simplex to begin from where masses are nearly the same."""
        return self.first if self.vertex is None else self.vertex.tree

    def may_tie(self, noise: float) -> bool:
        """Whether another plan may cost no more, but for so much rounding of prices."""
        if self.has_ties is not None or self.vertex is None:
            return self.has_ties is not False
        u, v, tops, links = self.vertex.u, self.vertex.v, self.vertex.kept, self.vertex.basis.links
        return bool(kernels.has_ties(self.C, u, v, *tops, noise, links))


def solve_linear(
    problem: Problem, pricer: Pricer, monitor: Monitor, near: Optimum | None = None
) -> Optimum:
    """Solve a problem without its quadratic term; masses positive.

    From the optimum of one with nearly the same masses, if given.
    """
    if is_matrix(problem):
        return _by_matrix(problem, monitor, near)
    if isinstance(problem.cost, SparseCost):
        return _by_pairs(problem, problem.cost, monitor, near)
    if near is not None:
        return _ByList(problem, 0, pricer, monitor).solve(near.plan, near.dual)
    levels: list[Level[Problem]] = []
    for level in coarsen(problem):
        levels.append(level)
        if all_pairs(level.problem) <= _COARSEST:
            break
    finer = [problem, *(level.problem for level in levels)]
    found = _by_matrix(finer[-1], monitor)
    for depth in reversed(range(len(levels))):
        level, stage = levels[depth], finer[depth]
        plan, spread = level.refine(found.plan, found.dual, stage)
        if found.stopped is not None:
            found = Optimum(plan, spread, found.stopped)
            continue
        dual = level.extend(found.dual, 0.0, stage, pricer)
        found = _ByList(stage, depth, pricer, monitor).solve(plan, dual)
    return found


def least_of(
    problem: Problem, found: Optimum, pricer: Pricer, monitor: Monitor
) -> tuple[Plan, Dual | None]:
    """Of all cheapest plans the one of least norm.

    And how prices would rise with small quadratic terms, for each of their weight, if that is seen.

    Raises
    ------
    ProblemTooLargeError
        If more pairs cost the same than fit the machine.
    """
    dual = found.dual
    noise = round_off(dual.f + dual.lam, dual.g)
    if not found.may_tie(noise):
        return found.plan, None
    prices = dual.f + dual.lam, dual.g
    is_small = is_matrix(problem) and all_pairs(problem) <= settings().upward
    if not is_small:
        many = expected(problem.cost, *prices, noise)
        if many > crowd(problem):
            least = _least_on_matrix(problem, _tight(problem, found, noise, pricer), dual, monitor)
            if least is not None or monitor.must_stop():
                return least or (found.plan, None)
        memory.check(many, advice=memory.ANY)
    tight = pricer.tight(problem.cost, *prices)
    support = tight | Support(found.plan.shape, found.plan.rows, found.plan.cols)
    if _is_forest(problem, support, dual, noise):  # nothing else to choose
        return found.plan, None
    if is_small and support.size > _RICH * sum(problem.shape):
        are_tight = np.zeros(problem.shape, np.bool_)
        are_tight[support.rows, support.cols] = True
        least = _least_on_matrix(problem, are_tight, dual, monitor)
        if least is not None:
            return least
    if monitor.must_stop():
        return found.plan, None
    network = Bipartite(problem.with_reg(1.0), support)
    start = Descent(
        network.flow(found.plan), network.state(dual).potentials, noise, pushes=0, is_optimal=True
    )
    carried = least_norm(network.network, start, 4e-16 * problem.unit, monitor.must_stop)
    values = np.maximum(carried[: support.size], 0.0)
    kept = values > 0.0
    return Plan(support.shape, support.rows[kept], support.cols[kept], values[kept]), None


def _tight(problem: Problem, found: Optimum, noise: float, pricer: Pricer) -> Bools:
    """Which pairs may carry something, (n, m): those without slack, but for so much rounding."""
    (n, m), dual, plan = problem.shape, found.dual, found.plan
    tight, way = np.empty((n, m), np.bool_), Blocks(problem.cost)

    def see(start: int, stop: int) -> None:
        pricer.check()
        slack = way.block(start, stop)[0] - (dual.f[start:stop, None] + dual.lam) - dual.g
        tight[start:stop] = slack <= noise

    map_rows(see, n, m, way.rows, pricer.check)
    pricer.effort += Effort(n * m)
    tight[plan.rows, plan.cols] = True
    return tight


def _least_on_matrix(
    problem: Problem, tight: Bools, dual: Dual, monitor: Monitor
) -> tuple[Plan, Dual] | None:
    """The plan of least norm on pairs (n, m), where these are many; None if that fails.

    And its prices, where all pairs cost nothing. Then most of them carry something: Newton on a
    matrix, where all others are forbidden, and what has to send or get all its mass is paid for
    that.
    """
    n, m = problem.shape
    size = max(float(np.abs(dual.f).max()), float(np.abs(dual.g).max())) + abs(dual.lam)
    most = min(float(problem.a.max()), float(problem.b.max()))
    much = 0.0 if problem.is_balanced else climb.MUCH * (n + m) * most
    f, g = (np.where(x < -climb.FULL * size, -much, 0.0) for x in (dual.f, dual.g))
    costs = f[:, None] + g
    costs[~tight] = np.inf
    newton = MatrixNewton(problem.with_reg(1.0), costs, Kept.of(problem), monitor)
    newton.begin(Dual(f, g))
    enough = max(_ENOUGH, (n + m) * float(np.finfo(np.float64).eps))
    if not newton.climb(enough, _STEPS, _ROUNDING):
        return None
    plan = repair(problem, newton.plan(), None if problem.is_balanced else (f < 0.0, g < 0.0))
    if not np.isfinite(costs[plan.rows, plan.cols]).all():
        return None
    rise = newton.dual()
    return plan, Dual(rise.f - f, rise.g - g, rise.lam)


def _is_forest(problem: Problem, support: Support, dual: Dual, noise: float) -> bool:
    """Whether no cycle of tight pairs, and of rows and columns that keep some back, can change."""
    (n, m), arcs = problem.shape, support.size
    tail, head = support.rows, n + support.cols
    if not problem.is_balanced:
        free = np.flatnonzero(np.append(dual.f, dual.g) >= -noise)
        tail, head = np.append(tail, np.where(free < n, n + m, n + m + 1)), np.append(head, free)
        arcs += free.size
    nodes = n + m + (0 if problem.is_balanced else 2)
    alone = np.arange(nodes, dtype=np.int32)
    part = components(alone, np.ones(arcs), tail.astype(np.int32), head.astype(np.int32))
    return arcs == nodes - int(np.count_nonzero(part == alone))


def is_matrix(problem: Problem) -> bool:
    """Whether the linear problem is solved on all pairs at once."""
    return isinstance(problem.cost, DenseCost) or all_pairs(problem) <= settings().matrix


def has_room(problem: Problem) -> bool:
    """Whether all pairs may be written out as a matrix, if many of them matter."""
    pairs = all_pairs(problem)
    if pairs <= settings().matrix:
        return True
    is_list = isinstance(problem.cost, SparseCost)
    return not is_list and pairs <= _LARGEST and memory.has_room(_BYTES * pairs)


def crowd(problem: Problem) -> float:
    """More pairs than this are not listed where all may be a matrix: that is sooner done with."""
    return all_pairs(problem) / _CROWDED if has_room(problem) else math.inf


def all_pairs(problem: Problem) -> int:
    """How many pairs there are, with those that are forbidden."""
    return problem.shape[0] * problem.shape[1]


def _report(
    problem: Problem, monitor: Monitor, plan: Plan, pivots: int, candidates: int, **more: int
) -> Status | None:
    """Tell the monitor of a descent; return the status that ends the solve, if any."""
    made = of_pivots(problem, pivots, support=plan.nnz, candidates=candidates, **more)
    return monitor.count(made)


def report_vertex(
    problem: Problem, monitor: Monitor, plan: Plan, pivots: int, looks: int
) -> Status | None:
    """Tell the monitor of a vertex of a matrix; return the status that ends the solve, if any."""
    n, m = problem.shape
    return _report(problem, monitor, plan, pivots, n * m, pairs=looks * m)


def _by_matrix(problem: Problem, monitor: Monitor, near: Optimum | None = None) -> Optimum:
    """Solve on all pairs at once."""
    n, first = problem.shape[0], None if near is None else near.tree
    small = solve_small(problem) if first is None else None
    if small is not None:
        return Optimum.of(small, problem, monitor)
    C = np.ascontiguousarray(problem.cost.block(0, n))
    if not isinstance(problem.cost, CHECKED) and np.isnan(C).any():
        nowhere = Dual(np.zeros(n), np.zeros(C.shape[1]))
        return Optimum(Plan.empty(C.shape), nowhere, Status.NUMERICAL_ERROR)
    extent = problem.cost.extent if isinstance(problem.cost, DenseCost) else None
    vertex = solve_matrix(
        C, problem.a, problem.b, Kept.of(problem),
        first=first, extent=extent, must_stop=monitor.must_stop,
    )  # fmt: skip
    plan = visible_plan(problem, vertex.rows, vertex.cols, vertex.values)
    stopped = report_vertex(problem, monitor, plan, vertex.pivots, vertex.looks)
    if stopped is None and not vertex.is_optimal:
        stopped = Status.STALLED
    dual = prices(problem, vertex.u, vertex.v, vertex.kept)
    return Optimum(plan, dual, stopped, vertex, C)


def _by_pairs(
    problem: Problem, cost: SparseCost, monitor: Monitor, near: Optimum | None = None
) -> Optimum:
    """Solve on the pairs allowed; what they cannot carry would go by a hub, at any price."""
    support, first, beyond = Support(cost.shape, cost.rows, cost.cols), None, _BEYOND
    for _ in range(_DEARER):
        listed = PairList(problem, support, None, beyond)
        if first is None and near is not None:
            first = listed.forest(near.plan)
        tree = listed.basis(np.zeros((0, 2), np.int32) if first is None else first)
        done = tree.optimise(monitor.must_stop)
        plan, dual, presses = listed.read(tree)
        stopped = _report(problem, monitor, plan, tree.pivots, support.size)
        if stopped is not None or not done:
            return Optimum(plan, dual, stopped or Status.STALLED)
        if not any(side.any() for side in presses):
            return Optimum(plan, dual)
        first, beyond = tree.arcs(), beyond * _BEYOND
    return Optimum(plan, dual, Status.STALLED)


class _ByList:
    """The linear problem of one level on the pairs near a dual point, priced until none gains."""

    def __init__(self, problem: Problem, level: int, pricer: Pricer, monitor: Monitor) -> None:
        self.problem, self.level, self.pricer, self.monitor = problem, level, pricer, monitor

    def solve(self, plan: Plan, dual: Dual) -> Optimum:
        """From a feasible plan, whose pairs are listed, too, and a dual point near the prices."""
        problem, pricer = self.problem, self.pricer
        support = Support(plan.shape, plan.rows, plan.cols)
        hint, count, first, violators = beyond_all(problem), _NEAREST, None, 0
        reach, sample = _REACH, Sample(_TIED, problem.a, problem.b)
        for k in range(_ROUNDS):
            near = choose_candidates(pricer, problem, dual, count, hint, reach, sample)
            support = near.support | support
            listed = PairList(problem, support, near.box)
            tree = listed.basis(listed.forest(plan) if first is None else first)
            done = tree.optimise(self.monitor.must_stop)
            plan, dual, presses = listed.read(tree)
            first = tree.arcs()
            effort = pricer.take_effort()
            stopped = _report(
                problem, self.monitor, plan, tree.pivots, support.size, violators=violators,
                level=self.level, round=k, pairs=effort.pairs, boxes=effort.boxes,
            )  # fmt: skip
            if stopped is not None or not done:
                return Optimum(plan, dual, stopped or Status.STALLED)
            gains = pricer.worst(problem.cost, dual.f + dual.lam, dual.g, _TIED)
            violators = (support | gains).size - support.size
            support = support | gains
            if not violators and not any(side.any() for side in presses):
                return Optimum(plan, dual)
            rows, cols = presses
            presses_somewhere = rows.any() or cols.any()
            more, further = (_MORE ** (k + 1), _FURTHER) if presses_somewhere else (1, 1.0)
            count, reach = min(_NEAREST * more, max(problem.shape)), reach * further
            hint = np.where(rows, np.inf, near.rows_at), np.where(cols, np.inf, near.cols_at)
        return Optimum(plan, dual, Status.STALLED)
