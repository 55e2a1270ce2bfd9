"""The working set: solve on few pairs, price all of them, add what was missing, again.

From a coarse version of the problem and a large reg the path leads down to the problem asked for;
each step starts warm. Candidates are, for every row and column, the active pairs and the
nearest others; a hub (see `bipartite`) keeps them feasible and says when they were too few.
"""

from __future__ import annotations

from collections.abc import Iterator
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
from quot.network.interior_point import solve_interior_point
from quot.network.least_norm import follow
from quot.network.network import FlowState
from quot.network.newton import round_off, solve_newton
from quot.network.optimise import alternate
from quot.pairs import Effort, Pricer
from quot.pairs.candidates import NEAREST, Candidates, beyond_all, choose_candidates
from quot.plan import Plan
from quot.problem import Problem
from quot.quadratic.bipartite import Bipartite, join
from quot.quadratic.coarse import Level, coarsen
from quot.quadratic.linear import _MATRIX, least_of, solve_linear
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
# Where there are fewer active pairs than this for a row or column, nearly a tree, a target further
# down than this is reached by the interior point.
_NEARLY_LINEAR = 1.2
_FAR = 25.0
# With less than so many for a row or column, where a step down that far from the target changes
# their number by less than this, relative, the plan may be the one of reg = 0, though pairs tie.
_TIED, _SETTLED = 4.0, 1e-2
# Reg below which the potentials are extrapolated, relative to one at which much is active.
# When that was not low enough, or too low for the precision of numbers, another is tried.
_FLOOR = 1e-9
_LOWER, _LOWER_TRIES = 1e-2, 5
_HIGHER, _HIGHER_TRIES = 1e2, 4
# Relative gap at which the line of small reg counts as reached.
_EXACT = 1e-12
# Imbalance (relative) that is as good as none.
_ROUND_OFF = 4 * float(np.finfo(np.float64).eps)
# Below this imbalance (relative) round-off has not taken over yet.
_NOISY = 1e-7
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


class _Reached(NamedTuple):
    """Where the line of small reg led to, and the relative gap of a problem there."""

    network: Bipartite
    state: FlowState
    gap: float

    @classmethod
    def of(cls, problem: Problem, network: Bipartite, state: FlowState) -> _Reached:
        dual = network.dual(state)
        certificate = certify(problem, network.plan(state), dual.f, dual.g, dual.lam)
        return cls(network, state, certificate.relative_gap)


class _StopError(Exception):
    """A limit or the callback ends the solve; carries the status."""


class WorkingSet:
    """Solves one problem with positive masses; see the module docstring.

    Parameters
    ----------
    problem : Problem
        Masses positive, total positive.
    monitor : Monitor
    method : {"auto", "newton", "interior_point"}
        See `quot.solve`.
    tol : float
        Relative gap and residuals wanted of the answer; the last imbalance is smaller.
    """

    def __init__(
        self, problem: Problem, monitor: Monitor, method: str = "auto", tol: float = 1e-9
    ) -> None:
        self.problem, self.monitor, self.method, self.tol = problem, monitor, method, tol
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
        # The last network, of the problem or of a coarse level, and where its solve ended.
        self.network = Bipartite(problem, none)
        self.state = self.network.state(zero)

    def solve(self, start: Dual | None = None) -> Solution:
        """Return the solution; on a limit, a stop or an interrupt, the best at hand."""
        wanted = self.problem
        floor = _FLOOR * smooth_reg(replace(wanted, reg=0.0))
        try:
            if start is None and self._begins_below(wanted):
                return self._ascend(wanted)
            self.problem = replace(wanted, reg=max(wanted.reg, floor))
            if start is None:
                self._descend_levels()
            else:
                self._descend(self.problem, start, self.problem.reg, self.problem.reg, last=True)
            self._finish(self.network, self.state)
            self._reach(wanted)
            status = Status.OPTIMAL
        except _StopError as stop:
            status = stop.args[0]
        except KeyboardInterrupt:
            status = Status.STOPPED
        self.monitor.amend(self.pricer.effort.pairs, self.pricer.effort.boxes)
        return Solution(*self._found(), status)

    def _begins_below(self, wanted: Problem) -> bool:
        """Whether the linear problem is a good start: it is the answer, or few pairs are active.

        Or masses are so uneven that what is rounding to one is all to another: Newton would have to
        find each in turn, the simplex does not mind.
        """
        pairs, cost = _pairs(wanted), wanted.cost
        if self.method != "auto" or (isinstance(cost, SparseCost) and pairs > _MATRIX):
            return False
        if wanted.reg == 0.0:
            return True
        if pairs > _MATRIX and not isinstance(cost, DenseCost):
            return False
        uneven = min(float(side.min() / side.max()) for side in (wanted.a, wanted.b)) < _UNEVEN
        return uneven or active_at(wanted, wanted.reg) <= _FEW

    def _ascend(self, wanted: Problem) -> Solution:
        """From the linear problem: its plan of least norm, the line of small reg, and up."""
        linear = replace(wanted, reg=0.0)
        found = solve_linear(linear, self.pricer, self.monitor)
        if found.stopped is not None:
            return Solution(found.plan, found.dual, found.stopped)
        plan = least_of(linear, found, self.pricer, self.monitor)
        if wanted.reg == 0.0:
            return Solution(plan, found.dual, Status.OPTIMAL)
        dual = polish(wanted, plan, found.dual)
        line = certify(wanted, plan, dual.f, dual.g, dual.lam)
        if line.relative_gap <= max(_EXACT, _AT_THE_END * self.tol):
            return Solution(plan, dual, Status.OPTIMAL)
        dual = found.dual
        near = self._candidates(wanted, dual, NEAREST, beyond_all(wanted))
        support = near.support | Support(plan.shape, found.plan.rows, found.plan.cols)
        network = Bipartite(wanted, support, near.box)
        state = replace(network.state(dual), flow=network.flow(found.plan))
        state = self._solve(network, state, _ON_THE_WAY, far=True)
        self._finish(network, state)
        return Solution(*self._found(), Status.OPTIMAL)

    def _found(self) -> tuple[Plan, Dual]:
        """The plan and the dual point at hand; from a coarse level spread over the problem.

        Then every row pays what it takes to send its mass, or the bound would be none.
        """
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

    def _reach(self, wanted: Problem) -> None:
        """Go on to the reg wanted, if that was not solved at or round-off took over there."""
        exact = self.state.residual <= self._end * _unit(wanted)
        if self.problem.reg == wanted.reg and exact:
            return
        found: list[_Reached] = []
        try:
            for reached in self._lines(wanted):
                found.append(reached)
                if reached.gap <= max(_EXACT, _AT_THE_END * self.tol):
                    break
        finally:
            if found:
                best = min(found, key=lambda reached: reached.gap)
                self.network, self.state = best.network, best.state

    def _lines(self, wanted: Problem) -> Iterator[_Reached]:
        """Follow the line of small reg from where the solve is; then from lower and higher regs.

        Lower ones serve where the line was not reached yet, higher ones where round-off took over.
        """
        first = self.problem.reg, self.network, self.state
        if first[0] == wanted.reg:
            yield _Reached.of(wanted, *first[1:])
        yield self._extrapolate(wanted, *first[1:])
        for factor, tries in ((_LOWER, _LOWER_TRIES), (_HIGHER, _HIGHER_TRIES)):
            reg, network, state = first
            for _ in range(tries):
                noisy = state.residual > _NOISY * _unit(wanted)
                if factor < 1.0 and (noisy or reg == wanted.reg):
                    break
                before, reg, dual = reg, max(reg * factor, wanted.reg), network.dual(state)
                self.problem = replace(wanted, reg=reg)
                network = Bipartite(self.problem, network.support, network.box)
                state = network.state(dual)
                if factor < 1.0:
                    state = self._solve(network, state, _NEAR_THE_END, jump=before)
                self._finish(network, state)
                network, state = self.network, self.state
                if reg == wanted.reg:
                    yield _Reached.of(wanted, network, state)
                yield self._extrapolate(wanted, network, state)

    def _extrapolate(self, wanted: Problem, network: Bipartite, state: FlowState) -> _Reached:
        """Follow the line of small reg from a solution to the reg wanted."""
        tol = _ROUND_OFF * _unit(wanted)
        found = follow(network.network, network.problem.reg, state, wanted.reg, tol)
        return _Reached.of(wanted, network, found)

    def _descend_levels(self) -> None:
        """From the coarsest level and a large reg to the problem itself."""
        levels = self.levels = coarsen(self.problem)
        stages = [self.problem, *(level.problem for level in levels)]
        reg, dual = smooth_reg(stages[-1]), first_dual(stages[-1])
        self.near = beyond_all(stages[-1])
        for depth in reversed(range(len(stages))):
            stage, self.level = stages[depth], depth
            target = self.problem.reg * _pairs(stage) / _pairs(self.problem)
            if depth < len(levels):
                finer_reg = max(reg * _pairs(stage) / _pairs(stages[depth + 1]) / _JUMP, target)
                finer = replace(stage, reg=finer_reg)
                dual = levels[depth].extend(dual, reg, finer, self.pricer)
                reg = finer_reg
                self.near = levels[depth].extend_slacks(*self.near)
            dual, reg = self._descend(stage, dual, max(reg, target), target, last=depth == 0)
            if reg == target:  # from here on the same part of all pairs is active
                memory.check(self.active * _pairs(self.problem) / _pairs(stage))

    def _descend(
        self, problem: Problem, dual: Dual, reg: float, target: float, *, last: bool
    ) -> tuple[Dual, float]:
        """Follow the path of reg down to the target, or until rows have few active pairs.

        Or, in the problem itself, to where the line of small reg may begin: then that becomes the
        reg of the problem for now.
        """
        jump: float | None = None
        while True:
            problem = replace(problem, reg=reg)
            end, before = last and reg == target, self.active
            dual = self._settle(problem, dual, jump, end=end)
            if reg == target or (not last and self.active < _FEW_ACTIVE * max(problem.shape)):
                return dual, reg
            far = last and reg > _FAR * target
            if far and self.method == "auto" and self._is_settled(before):
                self.problem = problem
                return dual, reg
            lower = max(reg / step(reg / target), target)
            if last and self._is_far(reg, target):
                jump, reg = reg, target
            else:
                dual, reg = predict(self.network, self.state, lower), lower

    def _settle(self, problem: Problem, dual: Dual, jump: float | None, *, end: bool) -> Dual:
        """Solve at one reg, loosely, until nothing that matters flows through the hub.

        `jump` is the reg that the dual belongs to, if that is far above. Then no pair may be
        missing either; else `_finish` prices.
        """
        self.round, tol = 0, _ON_THE_WAY
        near = self._candidates(problem, dual, NEAREST, self._further)
        network = Bipartite(problem, near.support, near.box)
        state, again = network.state(dual), None if jump is None else dual
        while True:
            state = self._solve(network, state, tol, jump=jump)
            hub = network.through_hub(state) / problem.total
            if hub > (_NO_FLOW if end else _SOME_FLOW):
                network, state = self._widen(network, state, again)
                tol = max(0.1 * tol, _NEAR_THE_END)  # what is loose may go in circles
            elif again is not None and self._missing(network, state):
                network, state = self._take_in(network, state, again)
            else:
                self.active = int(np.count_nonzero(network.values(state)))
                return network.dual(state)

    def _missing(self, network: Bipartite, state: FlowState) -> int:
        """Price all pairs; return how many that should carry mass are no candidates."""
        problem, dual, support = network.problem, network.dual(state), network.support
        if isinstance(problem.cost, SparseCost) or support.size == _pairs(problem):
            return 0
        found = self.pricer.violators(problem.cost, dual.f + dual.lam, dual.g)
        self.violators = (support | found).size - support.size
        return self.violators

    def _widen(
        self, network: Bipartite, state: FlowState, again: Dual | None = None
    ) -> tuple[Bipartite, FlowState]:
        """More candidates, around the present potentials; each time more where the box presses.

        After a jump the state goes back to the dual point it came from, to jump `again`: Newton
        alone would take ages.
        """
        self.round += 1
        self.active = int(np.count_nonzero(network.values(state)))
        problem, dual = network.problem, network.dual(state)
        rows, cols = network.pressing(state)
        hint = np.where(rows, np.inf, self.near[0]), np.where(cols, np.inf, self.near[1])
        near = self._candidates(problem, dual, NEAREST * _MORE**self.round, hint)
        return join(network, near, state, again)

    def _take_in(
        self, network: Bipartite, state: FlowState, again: Dual | None = None
    ) -> tuple[Bipartite, FlowState]:
        """More candidates, around the present potentials, with all pairs that were missing.

        `again` as in `_widen`.
        """
        self.round += 1
        dual = network.dual(state)
        near = self._candidates(network.problem, dual, NEAREST, self._further)
        return join(network, near, state, again)

    def _is_far(self, reg: float, target: float) -> bool:
        """Whether the interior point should go the rest of the way."""
        if self.method == "auto":
            return self._is_nearly_linear and reg > _FAR * target
        return self.method == "interior_point"

    def _is_settled(self, before: int) -> bool:
        """Whether the pairs active at the last reg may be those of any smaller one."""
        few = self.active < _TIED * sum(self.problem.shape)
        return few and abs(self.active - before) <= _SETTLED * before

    @property
    def _is_nearly_linear(self) -> bool:
        """Whether so few pairs were active at the last reg that potentials might run away."""
        return self.active < _NEARLY_LINEAR * sum(self.problem.shape)

    @property
    def _end(self) -> float:
        """Imbalance allowed at the end, relative to the largest mass: no matter to the smallest."""
        problem = self.problem
        least = float(min(problem.a.min(), problem.b.min())) / _unit(problem)
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
        self,
        network: Bipartite,
        state: FlowState,
        tol: float,
        *,
        jump: float | None = None,
        far: bool = False,
    ) -> FlowState:
        """Newton on a network, reported to the monitor.

        An interior point comes first if the state belongs to a reg `jump` far above; and where
        Newton gets stuck, from there.
        """
        problem, unit, before = network.problem, _unit(network.problem), self.monitor.steps
        if jump is None and not far:
            state = self._newton(network, state, tol)
        stuck = _is_stuck(network, state, tol) and not self.monitor.must_stop()
        if jump is None and (far or stuck):
            state = self._alternate(network, state, tol, far=far)
            stuck = _is_stuck(network, state, tol) and not self.monitor.must_stop()
        if jump is not None or stuck:
            smooth = problem.reg if jump is None else jump
            inside = self._interior_point(network, state, smooth)
            there = self._newton(network, inside, tol)
            if jump is not None and _is_stuck(network, there, tol):
                state = self._newton(network, state, tol)
            if there.residual <= state.residual:
                state = there
        self.network, self.state = network, state
        stop = self.monitor.report(
            Iterate(
                iteration=len(self.monitor.history) + 1,
                residual=state.residual / unit,
                support=int(np.count_nonzero(network.values(state))),
                candidates=network.support.size,
                violators=self.violators,
                reg=problem.reg,
                inner=self.monitor.steps - before,
                level=self.level,
                round=self.round,
                pairs=self.pricer.effort.pairs,
                boxes=self.pricer.effort.boxes,
            )
        )
        self.violators, self.pricer.effort = 0, Effort()
        if stop is not None:
            raise _StopError(stop)
        return state

    def _newton(self, network: Bipartite, state: FlowState, tol: float) -> FlowState:
        found = solve_newton(
            network.network,
            state,
            tol=tol * _unit(network.problem),
            max_iter=self.monitor.steps_left,
            enough=_enough(network, tol),
            must_stop=self.monitor.must_stop,
        )
        self.monitor.steps += found.iterations - state.iterations
        return found

    def _alternate(
        self, network: Bipartite, state: FlowState, tol: float, *, far: bool
    ) -> FlowState:
        found = alternate(
            network.network,
            state.flow,
            tol=tol * _unit(network.problem),
            max_iter=self.monitor.steps_left,
            enough=_enough(network, tol),
            must_stop=self.monitor.must_stop,
        )
        if found is None:
            return state
        self.monitor.steps += found.iterations
        found = replace(found, iterations=state.iterations)
        return found if far or found.residual <= state.residual else state

    def _interior_point(self, network: Bipartite, state: FlowState, smooth: float) -> FlowState:
        problem = network.problem
        unit = _unit(problem)
        found = solve_interior_point(
            network.network,
            state,
            smooth=smooth,
            tol=_NEAR_THE_END * unit,
            tol_gap=1e-3 * problem.reg * unit * problem.total,
            max_iter=self.monitor.steps_left,
            must_stop=self.monitor.must_stop,
        )
        self.monitor.steps += found.iterations - state.iterations
        return found


def _unit(problem: Problem) -> float:
    """The largest mass that may move through a single row or column."""
    return float(min(max(problem.a.max(), problem.b.max()), problem.total))


def _enough(network: Bipartite, tol: float) -> float:
    """What all rows and columns together may miss."""
    return _ENOUGH * network.problem.total if tol >= _ON_THE_WAY else 0.0


def _is_stuck(network: Bipartite, state: FlowState, tol: float) -> bool:
    """Whether a solve ended before its tolerance, by more than round-off."""
    least = round_off(network.network, state.potentials, state.flow)
    if state.residual <= max(max(tol, _NOISY) * _unit(network.problem), least):
        return False
    missing = np.abs(network.network.imbalance(state.flow))
    return float(missing.sum()) > _enough(network, tol)


def _pairs(problem: Problem) -> int:
    return problem.shape[0] * problem.shape[1]
