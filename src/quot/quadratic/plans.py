"""Plans between rows and columns: small problems at once, all others by the method."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import NamedTuple

from quot.convergence import Iterate, Monitor, Status, Tolerance
from quot.costs import DenseCost
from quot.dual import Dual
from quot.kernels.certify import UPPER
from quot.kernels.stack import VERTEX
from quot.plan import Plan
from quot.prices import DEAR, are_moderate
from quot.problem import Problem
from quot.problem.many import Many
from quot.problem.stack import is_small
from quot.quadratic.answers import Answers
from quot.quadratic.linear import Optimum
from quot.quadratic.pair_model import PairModel
from quot.quadratic.small import Together
from quot.quadratic.solve import solve_quadratic
from quot.result import Result
from quot.settings import settings

# What squares cost a unit of mass, at least, if they cost anything: else they are next to nothing.
_LEAST = 1e-200


class Done(NamedTuple):
    """A problem solved at once, as long as nobody asks for its result; names as of `Result`."""

    answers: Answers
    k: int

    @property
    def value(self) -> float:
        """The objective of the plan, which is feasible, as the certificate has it."""
        return self.answers.certificates[self.k][UPPER]

    @property
    def converged(self) -> bool:
        """Nothing else is done."""
        return True

    @property
    def plan(self) -> Plan:
        """The plan, but for names of rows and columns."""
        return self.answers.plan(self.k)

    def result(self) -> Result[Plan]:
        """All of it."""
        (answers, k), seconds = self, self.answers.seconds
        problem = answers.problems[k]
        return self.reported(problem, answers.iterates(k, problem, seconds), seconds, "auto")

    def reported(
        self, problem: Problem, history: tuple[Iterate, ...], seconds: float, method: str
    ) -> Result[Plan]:
        """The same of the problem, with a history and a time that somebody has kept."""
        answers, k = self
        return Result.judged(
            problem, self.plan, answers.dual(k), Status.OPTIMAL,
            answers.certificate(k), tolerance=answers.tolerance, history=history,
            seconds=seconds, method=method,
        )  # fmt: skip


class Begun(NamedTuple):
    """A problem whose vertex is found, one of a call for many: from there the method goes on."""

    together: Together
    k: int
    seconds: float


def begin(
    problems: Sequence[Problem], tolerance: Tolerance, *, max_iter: int, ties: str
) -> list[Done | Begun | None]:
    """Solve those that are small, all at once, as far as that goes; None for the others."""
    start = time.perf_counter()
    found: list[Done | Begun | None] = [None] * len(problems)
    places, chosen = _at_once(problems)
    if not places:
        return found
    together = Together(chosen)
    if ties == "any":
        together.settle()
    together.climb(tolerance.gap, max_iter)
    hold = together.certify(tolerance)
    answers, seconds = together.answers, (time.perf_counter() - start) / len(places)
    if len(places) > 1:
        answers.pack()
    answers.seconds = seconds
    for k, (place, is_done) in enumerate(zip(places, hold, strict=True)):
        if is_done:
            found[place] = Done(answers, k)
        elif together.ends[k] == VERTEX and _is_whole(problems[place]):
            # else the method has points in another order, or leaves some out, and begins itself
            found[place] = Begun(together, k, seconds)
    return found


def _at_once(problems: Sequence[Problem]) -> tuple[Sequence[int], Sequence[Problem]]:
    """Those that go into one call, and where they are."""
    if type(problems) is Many:  # none of them out of range
        are_small = math.prod(problems.shape) <= settings().at_once and problems.moves.all()
        return (range(len(problems)), problems) if are_small else ((), ())
    places = [k for k, problem in enumerate(problems) if _is_at_once(problem)]
    return places, [problems[k] for k in places]


def _is_at_once(problem: Problem) -> bool:
    strength = problem.reg * problem.total
    return is_small(problem) and (strength == 0.0 or strength > _LEAST)


def _is_whole(problem: Problem) -> bool:
    """Whether the method takes rows, columns and costs as they are."""
    cost, a, b = problem.cost, problem.a, problem.b
    if not (isinstance(cost, DenseCost) and a.all() and b.all()):
        return False
    return are_moderate(cost.extent, a, b, problem.total, DEAR)


def solve_plan(
    problem: Problem,
    monitor: Monitor,
    tolerance: Tolerance,
    *,
    method: str = "auto",
    start: Dual | None = None,
    ties: str = "share",
) -> Result[Plan]:
    """Solve a problem, certified; see `PairModel` for the parameters."""
    first = None
    is_plain = problem.reg == 0.0 or (method == "auto" and start is None)
    if is_plain and monitor.limit() is None:
        first = begin([problem], tolerance, max_iter=monitor.max_iter, ties=ties)[0]
    return go_on(problem, first, monitor, tolerance, method=method, start=start, ties=ties)


def go_on(
    problem: Problem,
    first: Done | Begun | None,
    monitor: Monitor,
    tolerance: Tolerance,
    *,
    method: str = "auto",
    start: Dual | None = None,
    ties: str = "share",
) -> Result[Plan]:
    """Solve a problem from what `begin` has found of it: all of it, or where the method begins."""
    if isinstance(first, Done):
        for iterate in first.answers.iterates(first.k, problem, 0.0):
            monitor.count(iterate)
        return first.reported(problem, tuple(monitor.history), monitor.seconds, method)
    optimum = None
    if first is not None:
        small, is_tried = first.together.small(first.k), problem.reg > 0.0
        assert small is not None
        optimum = Optimum.of(small, problem, monitor, is_tried=is_tried)
        if is_tried:
            monitor.steps += first.together.answers.climbed(first.k, problem, 0.0).inner
    model = PairModel(
        problem, monitor, tolerance, method=method, start=start, ties=ties, optimum=optimum
    )
    return solve_quadratic(model)
