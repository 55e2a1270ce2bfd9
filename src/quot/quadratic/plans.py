"""Plans between rows and columns: small problems at once, all others by the method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from quot.certificate import Certificate
from quot.convergence import Iterate, Monitor, Status, Tolerance
from quot.costs import DenseCost
from quot.dual import Dual
from quot.kernels.stack import OTHER
from quot.plan import Plan
from quot.prices import DEAR, are_moderate
from quot.problem import Problem
from quot.problem.stack import is_small
from quot.quadratic.linear import Optimum
from quot.quadratic.pair_model import PairModel
from quot.quadratic.small import Together
from quot.quadratic.solve import solve_quadratic
from quot.result import Result

# What squares cost a unit of mass, at least, if they cost anything: else they are next to nothing.
_LEAST = 1e-200


class First(NamedTuple):
    """What a call for many has found of one: the call, which it is, a certificate if it is done."""

    together: Together
    k: int
    certificate: Certificate | None

    def result(
        self,
        tolerance: Tolerance,
        seconds: float,
        history: tuple[Iterate, ...] | None = None,
        method: str = "auto",
    ) -> Result[Plan]:
        """The result of what is done, by its own history if there is no other."""
        together, k, certificate = self
        assert certificate is not None
        return Result.judged(
            together.problems[k], together.plan(k), together.dual(k), Status.OPTIMAL, certificate,
            tolerance=tolerance,
            history=together.iterates(k, seconds) if history is None else history,
            seconds=seconds, method=method,
        )  # fmt: skip


def begin(
    problems: Sequence[Problem], tolerance: Tolerance, *, max_iter: int, ties: str
) -> list[First | None]:
    """Solve those that are small, all at once, as far as that goes; None for the others."""
    found: list[First | None] = [None] * len(problems)
    chosen = [k for k, problem in enumerate(problems) if _is_at_once(problem)]
    if chosen:
        together = Together([problems[k] for k in chosen])
        if ties == "any":
            together.settle()
        together.climb(tolerance.gap, max_iter)
        certificates = together.certificates()
        for k, (place, certificate) in enumerate(zip(chosen, certificates, strict=True)):
            if certificate is not None:
                is_found = certificate.holds(tolerance)
            else:  # the method has points in another order, or leaves some out, and begins itself
                is_found = together.ends[k] != OTHER and _is_whole(problems[place])
            if is_found:
                found[place] = First(together, k, certificate)
    return found


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
    first: First | None,
    monitor: Monitor,
    tolerance: Tolerance,
    *,
    method: str = "auto",
    start: Dual | None = None,
    ties: str = "share",
) -> Result[Plan]:
    """Solve a problem from what `begin` has found of it: all of it, or where the method begins."""
    optimum = None
    if first is not None:
        if first.certificate is not None:
            for iterate in first.together.iterates(first.k, 0.0):
                monitor.count(iterate)
            return first.result(tolerance, monitor.seconds, tuple(monitor.history), method)
        small, is_tried = first.together.small(first.k), problem.reg > 0.0
        assert small is not None
        optimum = Optimum.of(small, problem, monitor, is_tried=is_tried)
        if is_tried:
            monitor.steps += first.together.climbed(first.k, 0.0).inner
    model = PairModel(
        problem, monitor, tolerance, method=method, start=start, ties=ties, optimum=optimum
    )
    return solve_quadratic(model)
