"""Adaptive problems as they are solved: by Newton's method, to a low floor under the multipliers.

A bound that is met with room to spare has the multiplier 0, where the dual is not smooth. So there
is a floor: then some spreading is paid for, and the dual value without the floor is too low by what
bounded rows do not use. It is lowered until that is within the tolerance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from quot import memory
from quot.adaptive.levels import Descent
from quot.adaptive.newton import LOWER, Ending, Newton
from quot.certificate.adaptive import certify_adaptive
from quot.convergence import Monitor, Status, Tolerance
from quot.dual import Dual
from quot.exceptions import ProblemTooLargeError
from quot.pairs import Pricer
from quot.plan import Plan
from quot.problem import AdaptiveProblem
from quot.result import AdaptiveResult, best_of
from quot.rounding import repair
from quot.settings import settings
from quot.stopping import obey, run

Floats = NDArray[np.float64]

# First floors, one where the others lead nowhere, in parts of the range of costs over a typical
# entry; and how often one is lowered at most.
_FIRST, _FLOORS = (0.02, 1.0, 50.0), 60
# Bytes of a pair at the peak: by rows, by columns, and what counts of them.
_PAIR = 64
# Candidates of a row beside those that carry mass, and how many times its perplexity these are.
_OTHERS, _ACTIVE = 40, 2.0
# What may be missing at the end, in parts of the tolerance.
_AT_THE_END = 1e-2


def check_room(problem: AdaptiveProblem) -> None:
    """Refuse a problem whose pairs memory has no room for.

    Raises
    ------
    ProblemTooLargeError
    """
    n, m = problem.shape
    if is_shared(problem):
        rows, cols = problem.row_perplexity, problem.col_perplexity
        active = max(0.0 if x is None else _ACTIVE * float(x.sum()) for x in (rows, cols))
        memory.check(active + _OTHERS * (n + m))
    elif not _has_room(n * m):
        raise ProblemTooLargeError(
            f"this adaptive problem keeps all {n} x {m} pairs, in "
            f"{memory.gigabytes(_PAIR * n * m)}, and this machine has less left. Take fewer points "
            'of each side, or regularizer="quadratic", which keeps few pairs.'
        )


def is_shared(problem: AdaptiveProblem) -> bool:
    """Whether it is solved on candidate pairs: with squares others carry nothing."""
    n, m = problem.shape
    return problem.regularizer == "quadratic" and n * m > settings().shared


def _has_room(pairs: int) -> bool:
    room = memory.available()
    return room is None or _PAIR * pairs <= room


def solve_adaptive_problem(
    problem: AdaptiveProblem, tolerance: Tolerance, monitor: Monitor
) -> AdaptiveResult:
    """Solve, repair and certify; go on at a lower floor where the certificate does not hold.

    Where that leads nowhere it begins anew at a higher one.
    """
    is_turned = problem.row_perplexity is None
    solved = problem.turned if is_turned else problem
    rows, cols = np.flatnonzero(solved.a), np.flatnonzero(solved.b)
    core = solved.taken(rows, cols)
    enough = _AT_THE_END * min(tolerance.gap, tolerance.primal) * problem.total
    results: list[AdaptiveResult] = []
    for way in _ways(core, monitor):
        for _ in range(_FLOORS):
            status = run(monitor, partial(way.run, enough))
            found = placed(way.found(), solved.shape, rows, cols)
            found = found.turned if is_turned else found
            results.append(finished(problem, found, status, (tolerance, monitor)))
            if results[-1].converged or status is not Status.OPTIMAL:
                return best_of(*results)
            if way.is_stuck:
                break
            way.floor *= LOWER
    return best_of(*results)


def _ways(core: AdaptiveProblem, monitor: Monitor) -> Iterator[Newton | Descent]:
    """The ways to solve a problem, one where those before lead nowhere."""
    if is_shared(core):
        yield Descent(core, monitor, Pricer(partial(obey, monitor)), _FIRST[0])
    if _has_room(core.a.size * core.b.size):
        for first in _FIRST:
            yield Newton.begin(core, monitor, first)


def placed(
    found: Ending, shape: tuple[int, int], rows: NDArray[np.intp], cols: NDArray[np.intp]
) -> Ending:
    """The answer for all rows and columns; those without mass have prices and multipliers of 0."""
    plan = Plan(
        shape,
        rows[found.plan.rows].astype(np.int32),
        cols[found.plan.cols].astype(np.int32),
        found.plan.values,
    )
    f, eps = np.zeros((2, shape[0]))
    g, delta = np.zeros((2, shape[1]))
    f[rows], eps[rows], g[cols], delta[cols] = found.f, found.eps, found.g, found.delta
    return Ending(plan, f, g, eps, delta)


def finished(
    problem: AdaptiveProblem, found: Ending, status: Status, ends: tuple[Tolerance, Monitor]
) -> AdaptiveResult:
    """The plan repaired and certified."""
    plan = repair(problem, found.plan)
    result = AdaptiveResult.of(
        problem,
        plan,
        Dual(found.f, found.g),
        status,
        tolerance=ends[0],
        monitor=ends[1],
        method="newton",
        certificate=certify_adaptive(problem, plan, found.f, found.g, (found.eps, found.delta)),
    )
    return replace(result, row_multipliers=found.eps, col_multipliers=found.delta)
