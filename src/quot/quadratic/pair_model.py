"""The working set: solve on few pairs, price all of them, add what was missing, again.

From a coarse version of the problem and a large reg the path leads down to the problem asked for;
each step starts warm. Near the linear problem the way is up: from its plan and its prices (see
`linear`). Candidates are, for every row and column, the active pairs and the nearest others; a hub
(see `bipartite`) keeps them feasible and says when they were too few.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quot import memory
from quot.certificate import certify
from quot.convergence import Iterate, Monitor, Status
from quot.costs import DenseCost, SparseCost
from quot.dual import Dual
from quot.network.continuation import step
from quot.network.network import FlowState
from quot.network.optimise import Goal, newton, optimise
from quot.pairs import Pricer
from quot.pairs.candidates import NEAREST, Candidates, beyond_all, choose_candidates
from quot.plan import Plan
from quot.problem import Problem
from quot.quadratic.bipartite import Bipartite, join
from quot.quadratic.coarse import Level, coarsen, span
from quot.quadratic.count import count_active
from quot.quadratic.linear import (
    MATRIX,
    Optimum,
    all_pairs,
    least_of,
    mass_unit,
    solve_linear,
)
from quot.quadratic.path import active_at, first_dual, predict, smooth_reg
from quot.quadratic.polish import polish
from quot.rounding import repair
from quot.support import Support

Floats = NDArray[np.float64]

# On a coarse level the path stops where a row has fewer active pairs than this: below, the level
# says little about the next one.
_FEW_ACTIVE = 5.0
# Masses are uneven where one is less than this part of another; and with no more active pairs in a
# row than this the way up from the linear problem is shorter than the one down.
_UNEVEN, _FEW = 1e-6, 1.5
# On a finer level the path starts this much below the reg that says the same there.
_JUMP = 2.0
# Imbalance allowed on the way and near the end, relative to the largest mass; and at the end,
# relative to that and the tolerance.
_ON_THE_WAY, _NEAR_THE_END, _AT_THE_END = 3e-2, 1e-6, 1e-3
# On the way a few may miss more, if all together miss less than this, relative.
_ENOUGH = 1e-3
# Mass through the hub, relative, that counts as none; and that is no matter on the way.
_NO_FLOW, _SOME_FLOW = 1e-9, 1e-2
# With fewer active pairs than this for a row or column, nearly a tree, potentials might run away.
_NEARLY_LINEAR = 1.2
# Imbalance, relative to the largest mass, at which an end is none.
_LOST = 1e-6
# Relative gap at which the line of small reg counts as reached.
_EXACT = 1e-12
# The potentials may rise so many times further than no pair left out could object to. They move
# together, mostly, so that few object, and pricing finds those.
_REACH = 10.0
# What comes after the last step takes at most so many times longer than choosing candidates
# (measured); and after a step on a coarse level, from where plan and potentials are spread first.
_CLOSING, _CLOSING_COARSE = 3.0, 5.0
# With every round in vain so many times more candidates are taken where the box presses, and the
# potentials may rise so many times further, unless the problem is nearly linear.
_MORE, _FURTHER = 2, 10.0


@dataclass(frozen=True, eq=False)
class Solution:
    """What the working set ends with: a plan, a dual point, and why it ended."""

    plan: Plan
    dual: Dual
    status: Status


class _Answer(NamedTuple):
    """A plan and a dual point, and how far they are from optimal: gap, or residual, relative."""

    plan: Plan
    dual: Dual
    gap: float

    @classmethod
    def of(cls, problem: Problem, plan: Plan, dual: Dual) -> _Answer:
        certificate = certify(problem, plan, dual.f, dual.g, dual.lam)
        gap = max(certificate.relative_gap, certificate.primal_residual)
        return cls(plan, dual, gap)


class _StopError(Exception):
    """A limit or the callback ends the solve; carries the status."""


class _StuckError(Exception):
    """The way down the path of reg does not lead on."""


class WorkingSet:
    """Solves one problem with positive masses; see the module docstring.

    Parameters
    ----------
    problem : Problem
        Masses positive, total positive.
    monitor : Monitor
    method : {"auto", "newton"}
        See `quot.solve`.
    tol : float
        Relative gap and residuals wanted of the answer; the last imbalance is smaller.
    ties : {"share", "any"}
        Which of several cheapest plans is wanted; see `quot.solve`.
    """

    def __init__(
        self,
        problem: Problem,
        monitor: Monitor,
        method: str = "auto",
        tol: float = 1e-9,
        ties: str = "share",
    ) -> None:
        self.problem, self.monitor, self.method, self.tol = problem, monitor, method, tol
        self.ties = ties
        none = Support(problem.shape, *(np.zeros(0, np.int32),) * 2)
        zero = Dual(np.zeros(problem.shape[0]), np.zeros(problem.shape[1]))
        self.pricer = Pricer(self._obey)
        self.levels: list[Level] = []
        # Where the solve is: how coarse, and how often candidates were chosen in vain.
        self.level = self.round = 0
        # Pairs that the last pricing found to be missing.
        self.violators = 0
        # How far rows and columns were looked at last.
        self.near = beyond_all(problem)
        # Pairs that carried mass when candidates were last solved for.
        self.active = 0
        # Whether the linear problem came first, and what that was.
        self.is_below = False
        self.linear: Optimum | None = None
        # The last network, of the problem or of a coarse level, and where its solve ended.
        self.network = Bipartite(problem, none)
        self.state = self.network.state(zero)

    def solve(self, start: Dual | None = None) -> Solution:
        """Return the solution; on a limit, a stop or an interrupt, the best at hand."""
        try:
            plan, dual = self._reach(start)
            status = Status.OPTIMAL
        except _StopError as stop:
            (plan, dual), status = self._found(), stop.args[0]
        except KeyboardInterrupt:
            (plan, dual), status = self._found(), Status.STOPPED
        effort = self.pricer.take_effort()
        self.monitor.amend(effort.pairs, effort.boxes)
        return Solution(plan, dual, status)

    def _reach(self, start: Dual | None) -> tuple[Plan, Dual]:
        """The answer: from below, from above, or, where that does not lead on, from below."""
        if self._begins_below(start):
            return self._ascend()
        try:
            if start is None:
                self._descend_levels()
            else:
                self._descend(self.problem, start, self.problem.reg, self.problem.reg, last=True)
            self._finish(self.network, self.state)
        except _StuckError:
            return self._ascend()
        return self._found()

    def _begins_below(self, start: Dual | None) -> bool:
        """Whether the linear problem is a good start: it is the answer, or few pairs are active.

        Or masses are so uneven that what is rounding to one is all to another: Newton would have to
        find each in turn, the simplex does not mind.
        """
        problem = self.problem
        if problem.reg == 0.0:
            return True
        if start is not None or self.method != "auto":
            return False
        uneven = min(float(side.min() / side.max()) for side in (problem.a, problem.b)) < _UNEVEN
        return (uneven and self._may_ascend) or active_at(problem, problem.reg) <= _FEW

    @property
    def _may_ascend(self) -> bool:
        """Whether the linear problem on all pairs takes little time."""
        return isinstance(self.problem.cost, DenseCost) or all_pairs(self.problem) <= MATRIX

    def _ascend(self) -> tuple[Plan, Dual]:
        """From the linear problem: its plan of least norm, the line of small reg, and up."""
        self.is_below, self.level = True, 0
        problem, linear = self.problem, replace(self.problem, reg=0.0)
        found = self.linear = solve_linear(linear, self.pricer, self.monitor)
        if found.stopped is not None:
            raise _StopError(found.stopped)
        if problem.reg == 0.0 and self.ties == "any":
            return found.plan, found.dual
        plan = least_of(linear, found, self.pricer, self.monitor)
        if problem.reg == 0.0:
            return plan, found.dual
        line = _Answer.of(problem, plan, polish(problem, plan, found.dual))
        if line.gap > max(_EXACT, _AT_THE_END * self.tol):
            near = self._candidates(problem, found.dual, NEAREST, beyond_all(problem))
            support = near.support | Support(plan.shape, found.plan.rows, found.plan.cols)
            network = Bipartite(problem, support, near.box)
            state = replace(network.state(found.dual), flow=network.flow(found.plan))
            self._finish(network, self._solve(network, state, self._end, far=True))
            if self.state.residual <= _LOST * mass_unit(problem):
                return self._found()
            line = min(line, _Answer.of(problem, *self._found()), key=lambda answer: answer.gap)
        return line.plan, line.dual

    def _found(self) -> tuple[Plan, Dual]:
        """The plan and the dual point at hand; from a coarse level spread over the problem.

        Then every row pays what it takes to send its mass, or the bound would be none.
        """
        if self.linear is not None and not self.monitor.history[-1].reg:
            return self.linear.plan, self.linear.dual
        network, problem = self.network, self.network.problem
        plan, dual = network.plan(self.state), network.dual(self.state)
        stages = [self.problem, *(level.problem for level in self.levels)]
        depth = [stage.shape for stage in stages].index(problem.shape)
        if depth == 0:
            return plan, dual
        plan, problem = repair(problem, plan), self.problem
        for level, finer in zip(self.levels[:depth][::-1], stages[:depth][::-1], strict=True):
            plan, dual = level.refine(plan, dual, finer)
        f = Pricer().row_roots(problem.cost, dual.g + dual.lam, problem.reg * problem.a)
        return plan, replace(dual, f=f if problem.is_balanced else np.minimum(f, 0.0))

    def _obey(self) -> None:
        """End the solve if it must; asked between the parts of a pass over all pairs."""
        if self.monitor.must_stop():
            raise _StopError(self.monitor.limit())

    def _descend_levels(self) -> None:
        """From the coarsest level and a large reg to the problem itself."""
        levels = self.levels = coarsen(self.problem)
        stages = [self.problem, *(level.problem for level in levels)]
        reg, dual = smooth_reg(stages[-1]), first_dual(stages[-1])
        self.near = beyond_all(stages[-1])
        for depth in reversed(range(len(stages))):
            stage, self.level = stages[depth], depth
            target = self.problem.reg * all_pairs(stage) / all_pairs(self.problem)
            if depth < len(levels):
                finer_reg = max(
                    reg * all_pairs(stage) / all_pairs(stages[depth + 1]) / _JUMP, target
                )
                finer = replace(stage, reg=finer_reg)
                dual = levels[depth].extend(dual, reg, finer, self.pricer)
                reg = finer_reg
                self.near = levels[depth].extend_slacks(*self.near)
            dual, reg = self._descend(stage, dual, max(reg, target), target, last=depth == 0)
            if reg == target and depth > 0:
                self._check_memory(depth, dual, reg)

    def _check_memory(self, depth: int, dual: Dual, reg: float) -> None:
        """Raise if the problem itself will not fit, as a level says that was solved at its reg.

        About the same part of all pairs will be active, or less; if that is too much they are
        counted.
        """
        problem, levels = self.problem, self.levels[:depth]
        part = self.active / all_pairs(levels[-1].problem)
        if not memory.fits(part * all_pairs(problem)):
            found = count_active(span(problem, levels), dual, reg, problem, self.pricer)
            memory.check(float(found.mean()) * problem.shape[0])

    def _descend(
        self, problem: Problem, dual: Dual, reg: float, target: float, *, last: bool
    ) -> tuple[Dual, float]:
        """Follow the path of reg down to the target, or until rows have few active pairs."""
        while True:
            problem = replace(problem, reg=reg)
            dual = self._settle(problem, dual, end=last and reg == target)
            if reg == target or (not last and self.active < _FEW_ACTIVE * max(problem.shape)):
                return dual, reg
            reg = max(reg / step(reg / target), target)
            dual = predict(self.network, self.state, reg)

    def _settle(self, problem: Problem, dual: Dual, *, end: bool) -> Dual:
        """Solve at one reg, loosely, until nothing that matters flows through the hub."""
        self.round, tol = 0, _ON_THE_WAY
        near = self._candidates(problem, dual, NEAREST, self._further)
        network = Bipartite(problem, near.support, near.box)
        state = network.state(dual)
        while True:
            state = self._solve(network, state, tol)
            hub = network.through_hub(state) / problem.total
            if hub <= (_NO_FLOW if end else _SOME_FLOW):
                self.active = int(np.count_nonzero(network.values(state)))
                return network.dual(state)
            network, state = self._widen(network, state)
            tol = max(0.1 * tol, _NEAR_THE_END)  # what is loose may go in circles

    def _missing(self, network: Bipartite, state: FlowState) -> int:
        """Price all pairs; return how many that should carry mass are no candidates."""
        problem, dual, support = network.problem, network.dual(state), network.support
        if isinstance(problem.cost, SparseCost) or support.size == all_pairs(problem):
            return 0
        found = self.pricer.violators(problem.cost, dual.f + dual.lam, dual.g)
        self.violators = (support | found).size - support.size
        return self.violators

    def _widen(self, network: Bipartite, state: FlowState) -> tuple[Bipartite, FlowState]:
        """More candidates, around the present potentials; each time more where the box presses."""
        self.round += 1
        self.active = int(np.count_nonzero(network.values(state)))
        rows, cols = network.pressing(state)
        hint = np.where(rows, np.inf, self.near[0]), np.where(cols, np.inf, self.near[1])
        count = NEAREST * _MORE**self.round
        near = self._candidates(network.problem, network.dual(state), count, hint)
        return join(network, near, state)

    def _take_in(self, network: Bipartite, state: FlowState) -> tuple[Bipartite, FlowState]:
        """More candidates, around the present potentials, with all pairs that were missing."""
        self.round += 1
        near = self._candidates(network.problem, network.dual(state), NEAREST, self._further)
        return join(network, near, state)

    @property
    def _is_nearly_linear(self) -> bool:
        """Whether so few pairs were active at the last reg that potentials might run away."""
        return self.active < _NEARLY_LINEAR * sum(self.problem.shape)

    @property
    def _end(self) -> float:
        """Imbalance allowed at the end, relative to the largest mass: no matter to the smallest."""
        problem = self.problem
        least = float(min(problem.a.min(), problem.b.min())) / mass_unit(problem)
        return min(_AT_THE_END * self.tol, 1e-3 * least)

    def _finish(self, network: Bipartite, state: FlowState) -> None:
        """Solve to the end on the candidates, price all pairs and add what is missing, in turn.

        The hub stays until nothing flows through it: without it the candidates may not even be
        able to carry the mass.
        """
        self.round = 0
        while True:
            state = self._solve(network, state, self._end)
            if network.box is not None and network.through_hub(state) > 0.0:
                network, state = self._widen(network, state)
            elif self._missing(network, state):
                network, state = self._take_in(network, state)
            else:
                return

    @property
    def _further(self) -> tuple[Floats, Floats]:
        """How far to look for candidates next."""
        return 2.0 * self.near[0], 2.0 * self.near[1]

    def _candidates(
        self, problem: Problem, dual: Dual, count: int, hint: tuple[Floats, Floats]
    ) -> Candidates:
        """Candidates around a dual point; in a box that grows with every round in vain.

        The certificate at the end looks at all pairs, too: time for that is kept back.
        """
        reach = _REACH * (1.0 if self._is_nearly_linear else _FURTHER**self.round)
        start = self.monitor.seconds
        found = choose_candidates(self.pricer, problem, dual, count, hint, reach)
        took = self.monitor.seconds - start
        times = _CLOSING_COARSE if self.level > 0 else _CLOSING
        self.monitor.keep_back(times * took * sum(self.problem.shape) / sum(problem.shape))
        self.near = found.rows_at, found.cols_at
        return found

    def _solve(
        self, network: Bipartite, state: FlowState, tol: float, *, far: bool = False
    ) -> FlowState:
        """Solve on a network, from `far` or near, and report that to the monitor.

        Where Newton gets stuck on the way down, the way is up.
        """
        before, net, problem = self.monitor.steps, network.network, network.problem
        goal = Goal(tol, mass_unit(problem), problem.total, _ENOUGH if tol >= _ON_THE_WAY else 0.0)
        if self.is_below or not self._may_ascend:
            state = optimise(net, state, goal, self.monitor, far=far)
        else:
            state = newton(net, state, goal, self.monitor)
            if not goal.is_met(net, state) and self.monitor.limit() is None:
                raise _StuckError
        self.network, self.state = network, state
        self._report(network, state, self.monitor.steps - before)
        return state

    def _report(self, network: Bipartite, state: FlowState, steps: int) -> None:
        """Tell the monitor, which may end the solve."""
        effort = self.pricer.take_effort()
        stop = self.monitor.report(
            Iterate(
                iteration=len(self.monitor.history) + 1,
                residual=state.residual / mass_unit(network.problem),
                support=int(np.count_nonzero(network.values(state))),
                candidates=network.support.size,
                violators=self.violators,
                reg=network.problem.reg,
                inner=steps,
                level=self.level,
                round=self.round,
                pairs=effort.pairs,
                boxes=effort.boxes,
            )
        )
        self.violators = 0
        if stop is not None:
            raise _StopError(stop)
