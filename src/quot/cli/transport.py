"""Transport between rows and columns, of either kind: from arguments to facts."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

import numpy as np

import quot
from quot.api import SIDES
from quot.certificate import Certificate, certify
from quot.convergence import Iterate
from quot.costs import METRICS, SparseCost
from quot.exceptions import InvalidProblemError
from quot.gibbs_plan import AnyPlan
from quot.io.cells import number
from quot.perplexity import REGULARIZERS, average, perplexities
from quot.plan import Plan
from quot.problem import FORMULATIONS, AdaptiveProblem, EntropicProblem, Problem, Transport
from quot.result import AdaptiveResult, Result

# A problem as the command line knows it.
AnyProblem = Problem | EntropicProblem | AdaptiveProblem

_HAS_ENTROPY = {
    "E1": "E1: the plan has an entropy",
    "E2": "E2: the plan and what rows and columns keep have an entropy",
    "E3": "E3: the plan, what rows and columns keep and a corner have an entropy",
}


# --- from arguments --------------------------------------------------------------------


def add_problem_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what describes the problem, the cost apart."""
    parser.add_argument(
        "--metric", choices=METRICS, help="cost between two points (default: sqeuclidean)"
    )
    parser.add_argument("-a", metavar="FILE", help="masses of the rows (default: 1/n each)")
    parser.add_argument("-b", metavar="FILE", help="masses of the columns (default: 1/m each)")
    parser.add_argument(
        "--reg", type=number, metavar="R", help="strength of the quadratic term (default: 0)"
    )
    parser.add_argument(
        "--eps", type=number, metavar="E", help="temperature: an entropy instead of the squares"
    )
    parser.add_argument(
        "--mass", type=number, metavar="S", help="mass to move (default: all, and equal totals)"
    )
    parser.add_argument(
        "--formulation", choices=FORMULATIONS,
        help="what has an entropy, with --eps and --mass: the plan (E1), also what rows and "
        "columns keep (E2), also a corner (E3) (default: E1, or the first that the method solves)",
    )  # fmt: skip
    parser.add_argument(
        "--perplexity", type=_numbers, metavar="K[,L]",
        help="how many others a point shares its mass with at least; with --on both that of rows "
        "and that of columns, or one for all",
    )  # fmt: skip
    parser.add_argument(
        "--on", choices=SIDES, help="whose points share, with --perplexity: of the rows (source), "
        "the columns (target), both, or rows on average (default: source)",
    )  # fmt: skip
    parser.add_argument(
        "--regularizer", choices=REGULARIZERS,
        help="what perplexity is measured by, with --perplexity (default: quadratic)",
    )  # fmt: skip


def _numbers(text: str) -> tuple[float, ...]:
    """Numbers with commas between them."""
    try:
        return tuple(number(each) for each in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"must be a number K, or two as K,L; got {text!r}"
        ) from error


def check_kind(args: argparse.Namespace) -> None:
    """Refuse, before any work, arguments of several kinds of problems at once."""
    _check_adaptive(args)
    if args.eps is None and args.formulation is not None:
        raise InvalidProblemError(
            "`--formulation` says what has an entropy, and without `--eps` nothing has; pass "
            "`--eps E`, or leave it out."
        )
    if args.eps is not None and args.reg is not None:
        raise InvalidProblemError(
            "`--reg` is the strength of squares and `--eps` of an entropy, and a problem has one "
            "of them; leave out the other."
        )


def check_shared(args: argparse.Namespace) -> None:
    """Refuse arguments on perplexities where there is none."""
    for name in ("on", "regularizer"):
        if args.perplexity is None and getattr(args, name) is not None:
            raise InvalidProblemError(
                f"`--{name}` says how points share their mass; pass `--perplexity K` with how "
                "many they share it with, or leave it out."
            )


def _check_adaptive(args: argparse.Namespace) -> None:
    check_shared(args)
    if args.perplexity is None:
        return
    for name in ("reg", "eps", "mass"):
        if getattr(args, name) is not None:
            raise InvalidProblemError(
                f"with `--perplexity` the strength is found, and all mass moves; leave out "
                f"`--{name}`."
            )
    if len(args.perplexity) > (2 if args.on == "both" else 1):
        raise InvalidProblemError(
            f"`--perplexity` takes one number, or with `--on both` two; got {len(args.perplexity)}."
        )


# --- solving -------------------------------------------------------------------------------------


def solve(problem: AnyProblem, **options: Any) -> Result[Any]:
    """Solve a problem of any kind, with options of all; failure is for the result to say."""
    found: Any = _solve(problem, **options)
    solved: Result[Any] = replace(found, problem=problem)  # this one knows what the door changed
    return solved


def _solve(problem: AnyProblem, **options: Any) -> Result[Any]:
    cost, a, b = problem.cost, problem.a, problem.b
    if isinstance(problem, AdaptiveProblem):
        asked = (problem.row_perplexity, problem.col_perplexity)
        on = _whose(problem)
        return quot.solve_adaptive(
            cost,
            a,
            b,
            perplexity=asked if on == "both" else asked[on == "target"],
            on=on,
            regularizer=problem.regularizer,
            **{"on_failure": "ignore", **options},
        )
    options = {"mass": problem.mass, "on_failure": "ignore", **options}
    if isinstance(problem, EntropicProblem):
        kind = problem.formulation
        return quot.solve_entropic(cost, a, b, eps=problem.eps, formulation=kind, **options)
    return quot.solve(cost, a, b, reg=problem.reg, **options)


def certify_by(problem: AnyProblem, plan: Plan, ours: Result[Any]) -> Certificate:
    """Certify another plan of a problem with what belongs to our own solution of it."""
    if isinstance(ours, AdaptiveResult):
        multipliers = ours.row_multipliers, ours.col_multipliers
        return certify(problem, plan, ours.f, ours.g, multipliers=multipliers)
    return certify(problem, plan, ours.f, ours.g, ours.lam)


def _whose(problem: AdaptiveProblem) -> str:
    """Whose points share their mass, as `on` says it."""
    if problem.is_average:
        return "average"
    if problem.row_perplexity is None:
        return "target"
    return "source" if problem.col_perplexity is None else "both"


def describe(k: Iterate) -> str:
    """Return what a line of progress says while an entropic problem is solved."""
    return (
        f"temperature {k.reg:.3g}, {k.passes:.1f} passes over all pairs, residual "
        f"{k.residual:.1e}, {k.seconds:.1f} s"
    )


# --- what there is to say ------------------------------------------------------------------------


def carriers(problem: Transport) -> int:
    """Return the number of pairs that carry mass in an entropic plan: all that may."""
    if problem.total == 0.0:
        return 0
    rows, cols = problem.a > 0.0, problem.b > 0.0
    if isinstance(problem.cost, SparseCost):
        return int(np.count_nonzero(rows[problem.cost.rows] & cols[problem.cost.cols]))
    return int(np.count_nonzero(rows)) * int(np.count_nonzero(cols))


def plan_facts(problem: Transport, plan: AnyPlan) -> dict[str, Any]:
    """Return what there is to say about a plan without potentials.

    Nothing is counted if that would be a pass over all pairs.
    """
    is_listed = isinstance(plan, Plan)
    return {
        "shape": list(problem.shape),
        "reg": getattr(problem, "reg", None),
        "eps": getattr(problem, "eps", None),
        "formulation": _formulation(problem),
        **_perplexity_facts(problem, plan),
        "mass": problem.mass,
        "value": problem.objective(plan),
        "cost": problem.linear_cost(plan),
        "mass_moved": plan.total,
        "nnz": plan.nnz if is_listed else None,
        "sparsity": plan.sparsity if is_listed else None,
    }


def plan_rows(problem: Transport, plan: AnyPlan) -> list[tuple[str, str]]:
    """Return the lines of a table on a plan without potentials."""
    facts = plan_facts(problem, plan)
    (n, m), kind = problem.shape, facts["formulation"]
    if facts["nnz"] is None:
        entries = [("carry mass", _all(problem))]
    else:
        sparsity = f"{100 * facts['sparsity']:.6g} %"
        entries = [("nnz", f"{facts['nnz']}"), ("sparsity", sparsity)]
    return [
        ("shape", f"{n} x {m}"),
        *((name, f"{facts[name]:g}") for name in ("reg", "eps") if facts[name] is not None),
        *([] if kind is None else [("formulation", _HAS_ENTROPY[kind])]),
        *_perplexity_rows(problem, facts),
        ("value", f"{facts['value']:.12g}"),
        ("cost", f"{facts['cost']:.12g}"),
        ("mass moved", f"{facts['mass_moved']:.12g}"),
        *entries,
    ]


def _perplexity_facts(problem: Transport, plan: AnyPlan) -> dict[str, Any]:
    """Whose points share their mass, and the least perplexity, or the average, that a side has."""
    names = ("row_perplexity", "col_perplexity")
    facts: dict[str, Any] = dict.fromkeys(("on", "regularizer", *names))
    if not isinstance(problem, AdaptiveProblem) or not isinstance(plan, Plan):
        return facts
    facts.update(on=_whose(problem), regularizer=problem.regularizer)
    found = perplexities(plan, problem.regularizer)
    for name, each, mass in zip(names, found, (problem.a, problem.b), strict=True):
        some = (mass > 0.0) & ~np.isnan(each)
        if getattr(problem, name) is None or not some.any():
            continue
        facts[name] = float(each[some].min())
        if problem.is_average:
            facts[name] = average(mass[some], each[some], problem.regularizer)
    return facts


def _perplexity_rows(problem: Transport, facts: dict[str, Any]) -> list[tuple[str, str]]:
    """The same for a table, and what was asked."""
    if not isinstance(problem, AdaptiveProblem):
        return []
    kind, how = problem.regularizer, "on average" if problem.is_average else "at least"
    rows = [("regularizer", kind)]
    for side, name, mass in (
        ("rows", "row_perplexity", problem.a),
        ("columns", "col_perplexity", problem.b),
    ):
        asked, reached = getattr(problem, name), facts[name]
        if asked is not None and reached is not None:
            goal = average(mass, asked, kind) if problem.is_average else asked[mass > 0.0].min()
            rows.append((f"perplexity of {side}", f"{reached:.9g} {how}, {goal:.9g} asked"))
    return rows


def _formulation(problem: Transport) -> str | None:
    """The formulation, if it is said: of a balanced problem all are one."""
    if isinstance(problem, EntropicProblem) and not problem.is_balanced:
        return problem.formulation
    return None


def _all(problem: Transport) -> str:
    """Which pairs have mass, where all have that may."""
    pairs, (n, m) = carriers(problem), problem.shape
    if pairs == 0:
        return "none, for no mass moves"
    may = "" if pairs == n * m else " that may"
    return f"all {pairs:,} pairs{may}, however little"
