"""The linear problem to an accuracy, by methods for entropic ones ("Approximating POT").

A temperature and an amount of missing mass are chosen by the accuracy, masses are mixed with
uniform ones, the entropic plan is rounded. What the source proves of that need not be believed: the
certificate of the linear problem says how good the plan is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quot.certificate import certify
from quot.convergence import Monitor, Status, Tolerance
from quot.costs import SparseCost
from quot.dummy import largest_cost
from quot.entropic.dual_extrapolation import STEPS, extrapolate
from quot.entropic.linear import linear_dual
from quot.entropic.methods import METHODS, Options, options_of
from quot.entropic.passes import Passes
from quot.entropic.solve import Core
from quot.entropic.tuned import least_entropy, temperature
from quot.exceptions import InfeasibleError, InvalidProblemError
from quot.gibbs_plan import AnyPlan, GibbsPlan
from quot.gibbs_rounding import repair_gibbs
from quot.plan import Plan
from quot.problem import LEFT, EntropicProblem, Problem
from quot.quadratic.feasibility import check_pairs
from quot.quadratic.plans import solve_plan
from quot.result import Result
from quot.rounding import is_feasible, repair
from quot.stopping import run
from quot.validation import check_count, check_option

Floats = NDArray[np.float64]

DUAL_EXTRAPOLATION = "dual-extrapolation"
APPROXIMATE = (*METHODS, DUAL_EXTRAPOLATION)
_EXTRAPOLATION_OPTIONS: Options = {
    "step": ("long", partial(check_option, allowed=tuple(STEPS))),
    "start": (0, partial(check_count, least=0)),
}
# Of the accuracy: what the entropy may cost, and the missing mass where all costs are 1; of which
# as much again goes to uniform masses.
_ENTROPY, _MISSING = 4.0, 8.0
# An accuracy of no more than this part of what a plan may cost has no temperature.
_ROUNDED = 1e-9
# How much of it is missing at the end.
_PART = 0.5
# Where forbidden pairs leave no way for what is missing so many times more is taken back, and each
# time again.
_MORE = 10.0


class _Found(NamedTuple):
    """A feasible plan, prices of the columns, and why the way there ended."""

    plan: AnyPlan
    v: Floats
    status: Status


def read_options(method: str, given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the options of one of `APPROXIMATE`, with its defaults; see `options_of`."""
    return options_of(
        method, given, _EXTRAPOLATION_OPTIONS if method == DUAL_EXTRAPOLATION else None
    )


def approximate_linear_problem(
    problem: Problem, accuracy: float, monitor: Monitor, *, method: str, options: Mapping[str, Any]
) -> Result[AnyPlan]:
    """Solve by one of `APPROXIMATE`, round, certify; see `quot.approximate_partial`.

    Raises
    ------
    InvalidProblemError
        If the method needs some mass that does not move, or all pairs, and there is none, or not.
    InfeasibleError
        If the allowed pairs of a sparse cost cannot carry the mass.
    """
    check_pairs(problem)
    if problem.total == 0.0:
        found = _Found(Plan.empty(problem.shape), np.zeros(problem.b.size), Status.OPTIMAL)
    elif method == DUAL_EXTRAPOLATION:
        found = _extrapolated(problem, accuracy, monitor, options)
    else:
        found = _entropic(problem, accuracy, monitor, method, options)
    dual = linear_dual(problem, found.v, Passes(problem.cost, lambda: None))
    certificate = certify(problem, found.plan, dual.f, dual.g, dual.lam)
    # A gap is at most twice the scale.
    gap = accuracy / max(certificate.scale, 0.5 * accuracy)
    return Result.of(
        problem,
        found.plan,
        dual,
        Status.APPROXIMATE if found.status is Status.OPTIMAL else found.status,
        tolerance=Tolerance(gap=gap),
        monitor=monitor,
        method=method,
        certificate=certificate,
    )


def _check(problem: Problem, method: str, options: Mapping[str, Any]) -> str:
    """The entropic formulation that a method goes by, as published, if the problem lets it."""
    if method == DUAL_EXTRAPOLATION and isinstance(problem.cost, SparseCost):
        raise InvalidProblemError(
            f"method={method!r} needs the costs of all pairs, and a sparse `C` forbids some; pass "
            "method='newton'."
        )
    if problem.is_balanced or method == "newton":
        return "E1"
    keeps = method != DUAL_EXTRAPOLATION or options["start"] > 0
    least = min(float(problem.a.sum()), float(problem.b.sum()))
    if keeps and problem.total > (1.0 - LEFT) * least:
        raise InvalidProblemError(
            f"method={method!r} needs mass that does not move, of rows and of columns, but "
            f"`mass={problem.total:.6g}` is all that the smaller side has. Pass method='newton', "
            "or move less."
        )
    return "E3" if "sinkhorn" in method else "E2"


def _entropic(
    problem: Problem, accuracy: float, monitor: Monitor, method: str, options: Mapping[str, Any]
) -> _Found:
    """By an entropic method: steps 1 to 5 of the source, in units of the larger total mass.

    Masses keep their totals where they are mixed, so that what moves can move whatever these are.
    """
    formulation = _check(problem, method, options)
    unit, top = _larger(problem), largest_cost(problem.cost) or 1.0
    missing = min(accuracy / (_MISSING * top), unit)
    share = missing / (_MISSING * unit)
    try:
        smooth = EntropicProblem(
            problem.cost,
            _mixed(problem.a, share),
            _mixed(problem.b, share),
            eps=_temperature(problem, accuracy, more=int(formulation == "E3")),
            mass=problem.mass,
            formulation=formulation,
        )
    except InvalidProblemError as error:
        if accuracy > _ROUNDED * top * unit:
            raise
        raise InvalidProblemError(
            f"`accuracy={accuracy:.3g}` is less than the rounding of costs of {top:.3g} for a mass "
            f"of {unit:.3g}; raise it, or solve exactly by `quot.solve`."
        ) from error
    if method == "tuned-sinkhorn":
        every = smooth.extended if smooth.has_slack else smooth
        entropy = least_entropy(every.a, every.b)
        if entropy > 0.0:  # else there is but one plan
            eps = top * temperature(accuracy / (top * every.total), entropy, **options)
            smooth = replace(smooth, eps=eps)
    core = Core(smooth, METHODS[method])
    way = core.way(monitor, options)
    status, prices = run(monitor, partial(way.run, _PART * missing)), core.prices(way)
    plan = repair_gibbs(problem, GibbsPlan.of(problem.cost, smooth.eps, prices.f, prices.v))
    if isinstance(problem.cost, SparseCost) and not is_feasible(problem, plan):
        return _Found(_carried(problem, plan.to_plan()), prices.v, status)
    return _Found(plan, prices.v, status)


def _carried(problem: Problem, plan: Plan) -> Plan:
    """A feasible plan near one that moves too little, since only forbidden pairs could take more.

    All but a part of it is kept. What that part moves, and what is missing, goes by the cheapest
    pairs that are allowed; the part is larger each time that there is no way.
    """
    part = 1.0 - plan.total / problem.total
    while part < 1.0:
        part = min(_MORE * part, 1.0)
        kept = replace(plan, values=(1.0 - part) * plan.values)
        a = np.maximum(problem.a - kept.row_sums(), 0.0)
        b = np.maximum(problem.b - kept.col_sums(), 0.0)
        mass = None if problem.is_balanced else problem.total - kept.total
        rest = problem.with_masses(a, b, mass)
        try:
            more = solve_plan(rest, Monitor(), Tolerance(), ties="any").plan
        except InfeasibleError:
            if part == 1.0:
                raise
            continue
        mended = repair(problem, Plan.from_sparse(kept.to_csr() + more.to_csr()))
        if is_feasible(problem, mended):
            return mended
    return plan


def _extrapolated(
    problem: Problem, accuracy: float, monitor: Monitor, options: Mapping[str, Any]
) -> _Found:
    """By dual extrapolation, without rows and columns that have no mass."""
    _check(problem, DUAL_EXTRAPOLATION, options)
    rows, cols = np.flatnonzero(problem.a), np.flatnonzero(problem.b)
    core = problem.taken(rows, cols)
    X, prices, status = extrapolate(
        core, accuracy, _temperature(problem, accuracy), monitor, options
    )
    i, j = np.nonzero(X)
    v = np.zeros(problem.b.size)
    v[cols] = prices
    plan = Plan(problem.shape, rows[i].astype(np.int32), cols[j].astype(np.int32), X[i, j])
    return _Found(plan, v, status)


def _temperature(problem: Problem, accuracy: float, *, more: int = 0) -> float:
    """``accuracy / (4 log n)``, n the larger number of rows or columns with mass, and more."""
    n = max(int(np.count_nonzero(x)) for x in (problem.a, problem.b)) + more
    return accuracy / (_ENTROPY * math.log(max(n, 2)) * _larger(problem))


def _larger(problem: Problem) -> float:
    """The larger total mass."""
    return max(float(problem.a.sum()), float(problem.b.sum()))


def _mixed(mass: Floats, share: float) -> Floats:
    """Masses of which a share is spread evenly over those that are positive."""
    full = mass > 0.0
    even = float(mass.sum()) / np.count_nonzero(full)
    return np.where(full, (1.0 - share) * mass + share * even, 0.0)
