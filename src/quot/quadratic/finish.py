"""How every solve ends: a feasible primal, and the dual point that says best how good it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from quot.certificate import Certificate, certify
from quot.convergence import Status, Tolerance
from quot.quadratic.model import Answer, Model, R
from quot.result import Solved

# Relative gap, in units of the tolerance and as such, up to which a limit counts as reached.
_REACHED, _EXACT = 1e-3, 1e-12


def finish(model: Model[R], answer: Answer) -> R:
    """Repair an answer, certify it over all pairs or edges, and judge how it ended by that.

    Where the potentials do not certify a plan that may be their rounding: others, read off it, may.
    """
    primal, best, wanted = model.repaired(answer), None, _wanted(answer, model.tolerance)
    for dual in model.duals(primal, answer.dual):
        found = dual, certify(model.problem, primal, dual.f, dual.g, dual.lam)
        if best is None or _is_better(found[1], best[1], wanted):
            best = found
        if answer.status is not Status.OPTIMAL or best[1].holds(wanted):
            break
    assert best is not None
    dual, certificate = best
    return model.result.of(
        model.problem,
        primal,
        dual,
        answer.status,
        tolerance=model.tolerance,
        monitor=model.monitor,
        method=model.method,
        certificate=certificate,
    )


def is_good(answer: Answer, result: Solved[Any, Any]) -> bool:
    """Whether nothing else needs to be tried."""
    ended = answer.status is not Status.OPTIMAL
    return ended or result.certificate.holds(_wanted(answer, result.tolerance))


def _wanted(answer: Answer, tolerance: Tolerance) -> Tolerance:
    """The tolerance, but of a limit: that counts as reached or is another answer."""
    if not answer.is_limit:
        return tolerance
    return replace(tolerance, gap=max(_REACHED * tolerance.gap, _EXACT))


def _is_better(one: Certificate, other: Certificate, tolerance: Tolerance) -> bool:
    return one.holds(tolerance) or one.relative_gap < other.relative_gap
