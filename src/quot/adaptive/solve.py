"""Adaptive problems as they are solved: by Newton's method, to a low floor under the multipliers.

A bound that is met with room to spare has the multiplier 0, where the dual is not smooth. So there
is a floor: then some spreading is paid for, and the dual value without the floor is too low by what
bounded rows do not use. It is lowered until that is within the tolerance. Where Newton's method
ends short on a small problem an interior-point method, which has no floor, goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from quot import memory
from quot.adaptive.case import Case, Ending
from quot.adaptive.interior import Interior
from quot.adaptive.levels import Descent
from quot.adaptive.linear import is_implied, solve_linear
from quot.adaptive.newton import Newton
from quot.ascent import HELPS
from quot.convergence import Iterate, Monitor, Tolerance
from quot.exceptions import ProblemTooLargeError
from quot.pairs import Pricer
from quot.problem import AdaptiveProblem
from quot.result import AdaptiveResult, best_of
from quot.settings import settings
from quot.stopping import obey, report, run

# First floors, one where the others lead nowhere, in parts of the range of costs over a typical
# entry; and how often one is lowered at most.
_FIRST, _FLOORS = (0.02, 1.0, 50.0), 60
# After so many floors that do not narrow the gap lower ones will not; after so many in turn that
# are too high there is an answer all the same.
_VAIN, _BLIND = 3, 6
# Where the plan is not certified at a low floor columns may miss so much less, but no less than
# rounding. If perplexities are missed by this part of the tolerance the floor stays until then.
_CLOSER, _ROUNDING, _WRONG = 1e-2, 1e-14, 1e-2
# Where rows times columns times the fewer of both are no more, an interior-point step takes a
# second; so many of these at most.
_SMALL, _WITHIN = 1e9, 200
# Where such steps are quick, Newton's method has no more than so many.
_PATIENT = 500
# Entries of its plan below such a part of what they can be are none; if that leaves too little to
# balance rounding by, they stay.
_NEXT_TO_NOTHING = (1e-12, 0.0)
# Bytes of a pair at the peak: by rows, by columns, and what counts of them; all that one is among.
_PAIR = {"newton": 64, "interior": 240}
# Candidates of a row beside those that carry mass, and how many times its perplexity these are.
_OTHERS, _ACTIVE = 40, 2.0


def check_room(problem: AdaptiveProblem, method: str = "auto") -> None:
    """Refuse a problem whose pairs memory has no room for.

    Raises
    ------
    ProblemTooLargeError
    """
    n, m = problem.shape
    if is_shared(problem) and method != "interior":
        sides = (problem.row_perplexity, problem.col_perplexity)
        active = max(0.0 if x is None else _ACTIVE * float(x.sum()) for x in sides)
        memory.check(active + _OTHERS * (n + m))
    elif not _has_room(problem, method):
        raise ProblemTooLargeError(
            f"this adaptive problem keeps all {n} x {m} pairs, in "
            f"{memory.gigabytes(_needed(problem, method))}, and this machine has less left. Take "
            'fewer points of each side, or regularizer="quadratic", which keeps few pairs.'
        )


def is_shared(problem: AdaptiveProblem) -> bool:
    """Whether it is solved on candidate pairs: with squares others carry nothing."""
    n, m = problem.shape
    is_quadratic = problem.regularizer == "quadratic" and not problem.is_average
    return is_quadratic and n * m > settings().shared


def _needed(problem: AdaptiveProblem, method: str) -> int:
    """Bytes, if all pairs are kept; by default of what "auto" begins with."""
    return _PAIR.get(method, _PAIR["newton"]) * problem.a.size * problem.b.size


def _has_room(problem: AdaptiveProblem, method: str) -> bool:
    room = memory.available()
    return room is None or _needed(problem, method) <= room


def _is_small(problem: AdaptiveProblem) -> bool:
    """Whether a step of the interior-point method is quick, and memory has room for it."""
    n, m = problem.shape
    return n * m * min(n, m) <= _SMALL and _has_room(problem, "interior")


def solve_adaptive_problem(
    problem: AdaptiveProblem, tolerance: Tolerance, monitor: Monitor, method: str = "auto"
) -> AdaptiveResult:
    """Solve, repair and certify, by "newton", "interior" or "auto".

    The last is the first, and for small problems the second where that ends short.
    """
    case = Case(problem, tolerance, monitor)
    nothing = case.nothing
    if nothing is not None:
        return nothing
    if method == "interior":
        return best_of(*_from_within(case))
    if is_implied(problem):
        linear = solve_linear(problem, tolerance, monitor)
        if case.is_over(linear):
            return linear
    is_small = method == "auto" and _is_small(case.core)
    results: list[AdaptiveResult] = []
    for way in _ways(case, is_small=is_small):
        results += _by_floors(case, way, _PATIENT if is_small else case.monitor.max_iter)
        if case.is_over(results[-1]):
            return best_of(*results)
    return best_of(*results, *(_from_within(case) if is_small else []))


def _ways(case: Case, *, is_small: bool) -> Iterator[Newton | Descent]:
    """Ways of Newton's method, one where those before lead nowhere; one if another method may."""
    core, monitor = case.raised, case.monitor
    floors = _FIRST[:1] if is_small else _FIRST
    if is_shared(core):
        yield Descent(core, monitor, Pricer(partial(obey, monitor)), floors[0])
        if is_small or not _has_room(core, "newton"):
            return
    for first in floors:
        yield Newton.begin(core, monitor, first)


def _by_floors(case: Case, way: Newton | Descent, steps: int) -> list[AdaptiveResult]:
    """What Newton's method finds, lowering the floor as long as that helps, in so many steps."""
    results: list[AdaptiveResult] = []
    enough = case.enough * case.total
    for k in range(1, _FLOORS + 1):
        part = case.tolerance.gap if k % _BLIND else None
        status = run(case.monitor, partial(way.run, enough, part))
        is_late = case.monitor.steps > steps or case.monitor.limit() is not None
        is_last = way.is_stuck or k == _FLOORS or is_late
        if way.is_settled or is_last:
            results.append(case.finished(way.found(), status))
            if is_last or case.is_over(results[-1]) or _in_vain(results):
                break
            least = _ROUNDING * case.total
            if way.is_low and enough > least:
                is_wrong = results[-1].certificate.primal_residual > _WRONG * case.tolerance.gap
                if way.is_strict or not is_wrong:
                    enough = max(_CLOSER * enough, least)
                way.is_strict |= is_wrong
                if is_wrong:
                    continue
        way.lower()
    return results


def _in_vain(results: list[AdaptiveResult]) -> bool:
    """Whether the last floors have not narrowed the gap."""
    gaps = [result.certificate.relative_gap for result in results]
    return len(gaps) > _VAIN and min(gaps[-_VAIN:]) > HELPS * min(gaps[:-_VAIN])


def _from_within(case: Case) -> list[AdaptiveResult]:
    """What the interior-point method finds: without entries next to nothing, or with them."""
    way, results = Interior(case.core), []
    status = run(case.monitor, partial(_go_on, case, way))
    for least in _NEXT_TO_NOTHING:
        results.append(case.finished(Ending.of(case.core, way.found, least), status))
        if case.is_over(results[-1]):
            break
    return results


def _go_on(case: Case, way: Interior) -> None:
    """All steps of the interior-point method, reported as one."""
    monitor = case.monitor
    before = monitor.steps

    def check() -> None:
        obey(monitor)
        monitor.steps += 1

    way.run(case.enough, min(_WITHIN, monitor.steps_left), check)
    size, steps = case.core.a.size * case.core.b.size, monitor.steps - before
    report(monitor, Iterate(way.path.wrong, size, size, 0, 0.0, steps))
