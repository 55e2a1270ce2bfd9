"""A quadratic problem on a matrix, from below: the linear problem, and up from its vertex.

Where many pairs are active that is Newton from its prices. Near the linear problem, or where masses
are uneven, Newton steps are kept short by the worst of many places; there the flow of the vertex is
pushed round cycles first, finer and finer, until Newton gets through or nothing is left to do.
"""

from __future__ import annotations

import math

from quot.convergence import Monitor
from quot.dual import Dual
from quot.network.cycles import PUSHES
from quot.network.simplex import Vertex
from quot.plan import Plan
from quot.problem import Problem
from quot.quadratic.linear import Optimum
from quot.quadratic.matrix_newton import MatrixNewton
from quot.quadratic.pair_list import Kept
from quot.quadratic.small import FEW, STEPS, TRIED
from quot.quadratic.upward import Floats, Upward
from quot.settings import settings
from quot.stopping import obey, report

# Where few are, Newton still begins from given prices if columns miss no more than this part.
_NEAR = 1e-3
# What a round of cycles may take, in Newton steps: where cycles help it takes a few.
_PATIENCE = 25
# Newton steps where a round of cycles was enough.
_FINISHING = 4
# What a cycle may gain after each round, in parts of what the quadratic term adds to a price.
_ROUNDS = (3e-2, 1e-3, 3e-5, 1e-6, 3e-8)


class OnMatrix:
    """The way up on a matrix.

    Parameters
    ----------
    problem : Problem
        Masses positive, reg > 0.
    C : array of shape (n, m)
        Its costs, C-contiguous.
    monitor : Monitor
    tol : float
        Relative gap wanted.

    Attributes
    ----------
    plan, dual : Plan, Dual
        The best so far.
    """

    def __init__(self, problem: Problem, C: Floats, monitor: Monitor, tol: float) -> None:
        self.problem, self.C, self.monitor, self.tol = problem, C, monitor, tol
        self.kept = Kept.of(problem)
        self.newton = MatrixNewton(problem, C, self.kept, monitor)
        self.plan, self.dual = Plan.empty(C.shape), self.newton.dual()

    def again(self, dual: Dual) -> bool:
        """Newton from a dual point near the answer, if it is; True if that gets there."""
        if not self._begin(dual):
            return False
        steps = STEPS if self._are_many else TRIED if self.newton.wrong <= _NEAR else 0
        return steps > 0 and self._climb(steps)

    def up(self, optimum: Optimum, *, is_uneven: bool, is_brief: bool = False) -> bool:
        """Go up from the linear problem; True if that gets there.

        Newton from its prices may have been tried. is_brief: whether there is another way, if a
        round of cycles takes long.
        """
        vertex = optimum.vertex
        assert vertex is not None
        if not self._begin(optimum.dual):
            return False
        few = TRIED if self.C.size <= settings().climbed else 0
        steps = STEPS if self._are_many else few
        if steps and not optimum.is_tried and self._climb(steps):
            return True
        return self._by_cycles(vertex, 0 if is_uneven else TRIED, is_brief=is_brief)

    def _begin(self, dual: Dual) -> bool:
        """Go to a dual point; whether that says something there."""
        newton = self.newton
        newton.begin(dual)
        if not math.isfinite(newton.wrong):  # a row that is next to nothing may go nowhere
            return False
        if newton.rounding > settings().at_the_end * self.tol:
            newton.count_from_here()
        return True

    @property
    def _are_many(self) -> bool:
        """Whether many pairs are active at the prices where Newton is."""
        return self.newton.active > FEW * sum(self.C.shape)

    def _climb(self, steps: int, before: int | None = None) -> bool:
        """Newton; where that gets there the plan is what rows send then.

        before: steps that had been taken when it began, or what came first.
        """
        newton, before = self.newton, self.monitor.steps if before is None else before
        is_there = newton.climb(
            settings().at_the_end * self.tol, steps, settings().closed * self.tol
        )
        if is_there or self.plan.nnz == 0:
            self.plan, self.dual = newton.plan(), newton.dual()
        report(self.monitor, newton.iterate(self.monitor.steps - before))
        return is_there

    def _by_cycles(self, vertex: Vertex, tried: int, *, is_brief: bool) -> bool:
        """Cycles, finer each time, and after each round so many Newton steps at most."""
        newton, monitor = self.newton, self.monitor
        up = Upward(self.problem, self.C, vertex, self.kept, monitor.must_stop)
        for part in _ROUNDS:
            obey(monitor)
            before, effort, a_step = monitor.steps, up.tree.effort, PUSHES * sum(self.C.shape)
            is_settled = up.settle(part * up.typical, _PATIENCE * a_step)
            monitor.steps += math.ceil((up.tree.effort - effort) / a_step)
            newton.begin(up.dual)
            self.plan, self.dual = up.plan(), newton.dual()
            is_closed = self._is_closed()
            # Newton, where it gets there, leaves no crumbs on pairs that carry nothing.
            steps = tried if is_settled else STEPS
            if self._climb(_FINISHING if is_closed else steps, before) or is_closed:
                return True
            if is_brief and not is_settled:
                break
        return False

    def _is_closed(self) -> bool:
        """Whether the value of the plan is that of the dual point, more or less."""
        gap = self.problem.objective(self.plan) - self.newton.value
        return gap <= settings().closed * self.tol * self.problem.size(self.plan)
