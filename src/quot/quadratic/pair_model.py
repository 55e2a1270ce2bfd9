"""A problem between rows and columns as the method solves it, and the ways to its plan."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from quot.convergence import Monitor, Status, Tolerance
from quot.costs import DenseCost, PointCost
from quot.dual import Dual
from quot.exceptions import ProblemTooLargeError
from quot.pairs import Pricer
from quot.plan import Plan
from quot.prices import LOST
from quot.problem import Problem
from quot.quadratic.anchor import anchor
from quot.quadratic.bipartite import Bipartite
from quot.quadratic.caps import Capped
from quot.quadratic.coarse import coarsen
from quot.quadratic.core import full, in_order, within_reach
from quot.quadratic.feasibility import check_pairs
from quot.quadratic.fill import fill, nothing
from quot.quadratic.linear import (
    Optimum,
    all_pairs,
    crowd,
    has_room,
    is_matrix,
    least_of,
    solve_linear,
)
from quot.quadratic.model import Answer, At, Way
from quot.quadratic.on_matrix import OnMatrix
from quot.quadratic.pair_stage import PairStage
from quot.quadratic.polish import polish
from quot.quadratic.smooth import active_at, first_dual, smooth_reg
from quot.quadratic.solve import Loop
from quot.result import Result
from quot.rounding import marginal_error, repair, visible
from quot.settings import settings
from quot.stopping import CrowdedError, StopError, obey, run
from quot.support import Support

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# Masses are uneven where one is less than this part of another. With no more active pairs in a row
# than this, at so many times the reg, the way up from the linear problem is shorter than the one
# down though that takes long.
_UNEVEN, _FEW, _MUCH_NEARER = 1e-6, 1.5, 30.0
# Steps at the finest level, from above, after which other ways are tried: where they are good there
# are fewer.
_PATIENCE = 200
# So many pairs of a list are written out though it is not crowded, where the way down takes long.
_WRITTEN = 1 << 25
# A plan that misses its marginals by more than this, relative to the tolerance, needs pairs to be
# repaired on.
_HEALTHY = 0.1


class PairModel:
    """A problem between rows and columns.

    It is solved without rows and columns that have no mass, points in an order in which what is
    close is close in memory, and costs that nobody pays capped.

    Parameters
    ----------
    problem : Problem
    monitor : Monitor
    tolerance : Tolerance
    method : {"auto", "newton"}, default="auto"
        See `quot.solve`.
    start : Dual, optional
        Of the problem, to begin from.
    ties : {"share", "any"}, default="share"
        Which of several cheapest plans is wanted; see `quot.solve`.
    near : Optimum, optional
        Of the linear problem with nearly the same masses, to begin that from.
    optimum : Optimum, optional
        Of the linear problem itself, where all rows and columns have mass and no cost is capped.

    Raises
    ------
    InfeasibleError
        If the allowed pairs of a sparse cost cannot carry the mass.
    """

    result: type[Result[Plan]] = Result

    def __init__(
        self,
        problem: Problem,
        monitor: Monitor,
        tolerance: Tolerance,
        *,
        method: str = "auto",
        start: Dual | None = None,
        ties: str = "share",
        near: Optimum | None = None,
        optimum: Optimum | None = None,
    ) -> None:
        check_pairs(problem)
        self.problem, self.monitor, self.tolerance = problem, monitor, tolerance
        self.method, self.start, self.ties, self.near = method, start, ties, near
        self.pricer = Pricer(partial(obey, monitor))
        self.optimum = optimum
        self.climbed: Dual | None = None
        self.predicted: Dual | None = None
        self.is_crowded = False
        self.rows, self.cols = in_order(problem)
        if problem.total > 0.0:
            self.part = Capped.first(within_reach(problem.taken(self.rows, self.cols)))

    def ways(self) -> tuple[Way, ...]:
        """Up from the linear problem on a matrix, or where that is near; else from above."""
        if self.problem.total == 0.0:
            return (self._nothing_moves,)
        if self.part.problem.reg * self.problem.total <= LOST:
            return (self._linear,)
        if not self._is_matrix:
            return self._ways_on_a_list()
        below = (self._linear, self._from_below)
        is_quick = all_pairs(self.part.problem) <= settings().upward
        if self.method == "auto" and (is_quick or self._is_uneven or self._begins_below()):
            return (self._up, *below, self._from_above)
        return (self._from_above, self._up, *below)

    def _ways_on_a_list(self) -> tuple[Way, ...]:
        """Where one takes long another may not: it is hard to tell beforehand."""
        below = (self._linear, self._from_below)
        fits = (self._written_out,) if self._may_be_matrix else ()
        if self._begins_below():
            return (*below, *fits, self._from_above_or_not)
        if self.start is not None or self.method != "auto":
            return (self._from_above,)
        return (self._from_above_or_not, *fits, *below, self._from_above)

    def _begins_below(self) -> bool:
        """Whether the linear problem is a good start though that takes long."""
        problem = self.part.problem
        if (self.start is not None and self.near is None) or self.method != "auto":
            return False
        return active_at(problem, _MUCH_NEARER * problem.reg) <= _FEW

    @property
    def _is_uneven(self) -> bool:
        """Whether some masses are next to nothing beside others.

        Then what is rounding to one is all to another: Newton would have to find each in turn,
        cycles do not mind.
        """
        problem = self.part.problem
        return min(float(side.min() / side.max()) for side in (problem.a, problem.b)) < _UNEVEN

    @property
    def _is_matrix(self) -> bool:
        """Whether the problem is solved on all pairs at once."""
        problem = self.part.problem
        return is_matrix(problem) and has_room(problem)

    @property
    def _may_be_matrix(self) -> bool:
        """Whether pairs that are listed may be written out."""
        problem = self.part.problem
        return isinstance(problem.cost, PointCost) and not self._is_matrix and has_room(problem)

    @property
    def _crowd(self) -> float:
        """More candidates than this are left for a matrix."""
        return crowd(self.part.problem) if self._may_be_matrix else math.inf

    def _from_above(self, _: Result[Plan] | None) -> Answer | None:
        """Coarse to fine, and down from large quadratic terms."""
        return self._down(math.inf, math.inf)

    def _from_above_or_not(self, _: Result[Plan] | None) -> Answer | None:
        """The same, for so many steps, and where all pairs had not better be a matrix."""
        return self._down(_PATIENCE, self._crowd)

    def _down(self, patience: float, most: float) -> Answer | None:
        loop = self._loop(may_fail=self._is_matrix, patience=patience)

        def way() -> None:
            stages, at = self._begin()
            stages[-1].most = most
            loop.descend(stages, at)

        return self._end(loop, way)

    def _end(self, loop: Loop, way: Callable[[], None]) -> Answer | None:
        """Where a loop ends; None where its list is crowded."""
        try:
            status = run(self.monitor, way)
        except CrowdedError:
            self.is_crowded = True
            return None
        return self._read(loop, status)

    def _begin(self) -> tuple[list[PairStage], At[Bipartite]]:
        """The levels, and where the first begins: at the problem itself, or where all is smooth."""
        start, core = self._core_start(), self.part.problem
        if start is not None:
            stage = self._finest()
            return [stage], stage.around(start, 1.0)
        stages: list[PairStage] = []
        self.levels = coarsen(core)
        for depth in reversed(range(len(self.levels) + 1)):
            problem = self.levels[depth - 1].problem if depth > 0 else core
            problem = problem.with_reg(core.reg * all_pairs(problem) / all_pairs(core))
            coarser = (stages[-1], self.levels[depth]) if stages else None
            stages.append(
                PairStage(problem, core, self.levels[:depth], coarser, self.pricer, self.monitor)
            )
        coarsest = stages[0].problem
        scale = smooth_reg(coarsest) / coarsest.reg
        return stages, stages[0].around(first_dual(coarsest), scale)

    def _linear(self, _: Result[Plan] | None) -> Answer:
        """The linear problem, and its plan of least norm."""
        core = self.part.problem
        plan: Plan | None = None

        def way() -> None:
            nonlocal plan
            found = self._solve_linear(core)
            if core.reg > 0.0 or self.ties == "share":
                plan = self._least(found)

        status = run(self.monitor, way)
        if self.optimum is None:
            return self._read(self._loop(), status)
        found = self.optimum.plan if plan is None else plan
        return self._answer(found, self.optimum.dual, status, is_limit=core.reg > 0.0)

    def _least(self, found: Optimum) -> Plan:
        """The cheapest plan of least norm; any where that does not fit and is not what is asked."""
        linear = self.part.problem.with_reg(0.0)
        try:
            plan, rise = least_of(linear, found, self.pricer, self.monitor)
        except ProblemTooLargeError:
            if self.part.problem.reg == 0.0:
                raise
            return found.plan
        if rise is not None:
            self.predicted = found.dual.plus(self.part.problem.reg, rise)
        return plan

    def _up(self, _: Result[Plan] | None) -> Answer | None:
        """Up on a matrix, from the prices at hand, or from the linear problem."""
        return self._up_from(self._core_start)

    def _written_out(self, _: Result[Plan] | None) -> Answer | None:
        """The same, of a list that is crowded or not long, from the linear problem on the list."""
        core = self.part.problem
        if not self.is_crowded and all_pairs(core) > _WRITTEN:
            return None
        return self._up_from(lambda: self.predicted or self._solve_linear(core).dual)

    def _solve_linear(self, core: Problem) -> Optimum:
        """The linear problem, if it is not solved yet; StopError if that was stopped."""
        if self.optimum is None:
            linear = core.with_reg(0.0)
            self.optimum = solve_linear(linear, self.pricer, self.monitor, self.near)
        if self.optimum.stopped is not None:
            raise StopError(self.optimum.stopped)
        return self.optimum

    def _up_from(self, near: Callable[[], Dual | None]) -> Answer | None:
        """Up from prices that may be near, or from the linear problem; None if that fails."""
        core = self.part.problem
        C = np.ascontiguousarray(core.cost.block(0, core.shape[0]))
        if not is_matrix(core):
            core = replace(core, cost=DenseCost(C))
        way, is_there = OnMatrix(core, C, self.monitor, self.tolerance.gap), False
        is_uneven = self._is_uneven
        # Then cycles that take long take less on a list.
        is_brief = is_uneven and self._is_matrix and C.size > settings().upward

        def go() -> None:
            nonlocal is_there
            start = near()
            is_there = start is not None and way.again(start)
            if not is_there:
                if self.optimum is not None and self.optimum.vertex is None:
                    self.optimum = None  # that of a list
                found = self._solve_linear(core)
                is_there = way.up(found, is_uneven=is_uneven, is_brief=is_brief)

        status = run(self.monitor, go)
        self.climbed = way.dual if way.plan.nnz and not is_brief else None
        if status is Status.OPTIMAL and not is_there:
            return None
        if self._is_matrix or way.plan.nnz or self.optimum is None:
            return self._answer(way.plan, way.dual, status)
        return self._answer(self.optimum.plan, self.optimum.dual, status)

    def _core_start(self) -> Dual | None:
        """The given dual point, if any, as that of the problem which is solved."""
        if (start := self.start) is None:
            return None
        return self.part.to_unit(Dual(start.f[self.rows], start.g[self.cols], start.lam))

    def _from_below(self, _: Result[Plan] | None) -> Answer | None:
        """Up from the plan of the linear problem and its prices, on candidates."""
        loop, stage, found = self._loop(), self._finest(), self.optimum
        assert found is not None
        stage.most = self._crowd

        def way() -> None:
            if self.climbed is not None:
                loop.settle(stage, stage.around(self.climbed, 1.0))
            else:
                loop.settle(stage, stage.around(found.dual, 1.0, found.plan), far=True)

        return self._end(loop, way)

    def _nothing_moves(self, _: Result[Plan] | None) -> Answer:
        """The answer where no mass does."""
        return Answer(*nothing(self.problem), Status.OPTIMAL)

    def _finest(self) -> PairStage:
        """The problem itself, without levels."""
        self.levels = []
        return PairStage(self.part.problem, self.part.problem, [], None, self.pricer, self.monitor)

    def _loop(self, *, may_fail: bool = False, patience: float = math.inf) -> Loop:
        """A loop that is nowhere yet."""
        problem, none = self.part.problem, np.zeros(0, np.int32)
        self.levels = []
        arcs = Bipartite(problem, Support(problem.shape, none, none))
        n, m = problem.shape
        at = At(arcs, arcs.network, arcs.state(Dual(np.zeros(n), np.zeros(m))))
        return Loop(self.monitor, self.tolerance.gap, at, may_fail=may_fail, patience=patience)

    def _read(self, loop: Loop, status: Status) -> Answer:
        """The plan and the dual point where a loop is; from a coarse level spread over the problem.

        Then every row pays what it takes to send its mass, or the bound would be none.
        """
        arcs, state, core = loop.at.arcs, loop.at.state, self.part.problem
        plan, dual = arcs.plan(state), arcs.dual(state)
        stages = [core, *(level.problem for level in self.levels)]
        depth = [stage.shape for stage in stages].index(arcs.problem.shape)
        if depth > 0:
            plan = repair(arcs.problem, plan)
            for level, finer in zip(self.levels[:depth][::-1], stages[:depth][::-1], strict=True):
                plan, dual = level.refine(plan, dual, finer)
            f = Pricer().row_roots(core.cost, dual.g + dual.lam, core.reg * core.a)
            dual = replace(dual, f=f if core.is_balanced else np.minimum(f, 0.0))
        return self._answer(plan, dual, status)

    def _answer(self, plan: Plan, dual: Dual, status: Status, *, is_limit: bool = False) -> Answer:
        """What that is in the problem; potentials of what has no mass are still open, NaN."""
        if not is_limit:  # else there may be more to come
            effort = self.pricer.take_effort()
            self.monitor.amend(effort.pairs, effort.boxes)
        plan, dual = self.part.plan(plan), self.part.dual(dual)
        if marginal_error(self.part.original, plan) <= _HEALTHY * self.tolerance.primal:
            plan = plan.kept(plan.values > 0.0)  # else a repair may use pairs that carry nothing
        if self.part.original is self.problem:
            return Answer(plan.ordered(), dual, status, is_limit)
        (n, m) = self.problem.shape
        f, g = np.full(n, np.nan), np.full(m, np.nan)
        f[self.rows], g[self.cols] = dual.f, dual.g
        i, j = self.rows[plan.rows].astype(np.int32), self.cols[plan.cols].astype(np.int32)
        found = Plan((n, m), i, j, plan.values).ordered()
        return Answer(found, Dual(f, g, dual.lam), status, is_limit)

    def repaired(self, answer: Answer) -> Plan:
        """The plan with exact marginals, less what is lost in their rounding."""
        problem = self.problem
        return visible(problem, repair(problem, answer.primal, full(problem, answer.dual)))

    def duals(self, plan: Plan, dual: Dual) -> Iterator[Dual]:
        """The dual point; potentials read off the plan, and those that are as small as can be."""
        yield fill(self.problem, dual)
        for read_off in (polish, anchor):
            found = read_off(self.problem, plan, dual)
            if found is not None:
                yield fill(self.problem, found)

    def next(self, result: Result[Plan]) -> PairModel | None:
        """The same with other costs capped, if pairs beyond the cap carry something."""
        if self.problem.total == 0.0:
            return None
        part = self.part.next(self.problem.cost, result.plan, is_good=result.converged)
        if part is None:
            return None
        other = copy(self)
        other.part, other.optimum, other.climbed, other.predicted = part, None, None, None
        return other
