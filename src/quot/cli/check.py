"""``quot check``: certify a saved result, or judge a bare plan, anew."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

import quot
from quot.certificate.adaptive import excess
from quot.cli import common, graph, problem_files, solve, transport
from quot.convergence import Tolerance
from quot.exceptions import InvalidProblemError
from quot.io.cells import number
from quot.io.plans import read_plan
from quot.io.results import holds_result
from quot.plan import Plan
from quot.problem import AdaptiveProblem, EntropicProblem, Problem
from quot.result import GraphResult
from quot.rounding import marginal_error

# What `quot.solve`, and what the other solves, reach by default.
TOL, OTHER_TOL = 1e-9, 1e-8
# Facts, lines of a table, and whether it is certified, in words, to which tolerance.
Said: TypeAlias = tuple[dict[str, Any], list[tuple[str, str]], tuple[bool, str, Tolerance]]
_OF_PLANS = (
    *("cost", "points", "metric", "a", "b", "reg", "eps", "mass", "formulation"),
    *("perplexity", "on", "regularizer", "solve"),
)


def add_parser(subparsers: common.Subparsers) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "check",
        help="certify a saved result or a plan anew",
        description=(
            "Certify a result saved by `quot solve --save`, `quot graph --save` or `quot.save`: "
            "the certificate is computed anew over all pairs or edges, and nothing the file says "
            "of its quality is believed. Or judge a bare plan, ours or a peer's, for the problem "
            "given by --cost or --points, which is entropic with --eps, and adaptive with "
            "--perplexity. "
            "A plan has no potentials, so only its feasibility and value can be said, and the "
            "exit code is 1 because optimality is not certified; --solve computes potentials for "
            "the bound. " + common.FILES
        ),
        epilog=common.EXIT_CODES,
    )
    parser.add_argument(
        "file",
        metavar="FILE",
        help="a saved result, .npz; or a plan: .npz (scipy.sparse, or n x m), .npy (n x m), "
        ".csv or .parquet (row,column,mass, or n x m)",
    )
    cost = parser.add_mutually_exclusive_group()
    cost.add_argument("--cost", metavar="C", help="cost of a bare plan")
    cost.add_argument("--points", nargs=2, metavar=("X", "Y"), help="points instead of a cost")
    transport.add_problem_arguments(parser)
    parser.add_argument(
        "--solve", action="store_true", help="solve the problem, for a bound on a bare plan"
    )
    parser.add_argument(
        "--tol",
        type=number,
        metavar="T",
        help="relative tolerance (default: that of the saved result; for a plan "
        f"{TOL:g}, with --eps or --perplexity {OTHER_TOL:g})",
    )
    common.add_json_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Certify, print; return the exit code."""
    tolerance = None if args.tol is None else Tolerance.of(args.tol)
    if Path(args.file).suffix.lower() == ".npz" and holds_result(args.file):
        return _check_result(args, tolerance)
    if args.cost is None and args.points is None:
        raise InvalidProblemError(
            f"`{args.file}` is not a saved result, and a bare plan says nothing of its problem; "
            "pass `--cost C` or `--points X Y`, with masses, and `--reg`, `--eps` or "
            "`--perplexity` if it had any."
        )
    problem, read = problem_files.read_problem(args)
    plan = read_plan(args.file, problem.shape)
    read = f"plan of {plan.nnz:,} entries; {read}"
    common.say_read(args, read)
    tolerance = tolerance or Tolerance.of(_tol(problem))
    if args.solve:
        facts, rows, verdict = _by_solving(problem, plan, tolerance)
    else:
        facts, rows, verdict = _feasibility(problem, plan, tolerance)
    return _print(args, {"read": read, **facts}, rows, verdict)


def _check_result(args: argparse.Namespace, tolerance: Tolerance | None) -> int:
    given = [k for k in _OF_PLANS if not (getattr(args, k) is None or getattr(args, k) is False)]
    extra = [f"`--{k}`" if len(k) > 1 else f"`-{k}`" for k in given]
    if extra:
        raise InvalidProblemError(
            f"`{args.file}` is a saved result and carries its problem and potentials; leave out "
            f"{', '.join(extra)}."
        )
    result = quot.load(args.file)
    tolerance = tolerance or result.tolerance
    certified = result.certificate.holds(tolerance)
    if isinstance(result, GraphResult):
        facts, rows = graph.result_facts(result), graph.result_rows(result)
    else:
        facts, rows = solve.result_facts(result), solve.result_rows(result)
    rows = [("claimed" if name == "status" else name, text) for name, text in rows]
    return _print(args, facts, rows, _verdict(certified, tolerance))


def _by_solving(problem: transport.AnyProblem, plan: Plan, tolerance: Tolerance) -> Said:
    """Certify the plan with the potentials of our own solution."""
    describe = transport.describe if isinstance(problem, EntropicProblem) else None
    with common.progress("solving for the bound", describe=describe) as callback:
        tol = min(_tol(problem), tolerance.gap)
        ours = transport.solve(problem, tol=tol, callback=callback)
    certificate = transport.certify_by(problem, plan, ours)
    facts = {
        **transport.plan_facts(problem, plan),
        **common.certificate_facts(certificate),
        "solution": {"value": ours.value, "status": ours.status.name, "seconds": ours.seconds},
    }
    rows = [
        *transport.plan_rows(problem, plan),
        *common.certificate_rows(certificate),
        ("our value", f"{ours.value:.12g}, {ours.status.name}, {ours.seconds:.3g} s"),
    ]
    return facts, rows, _verdict(certificate.holds(tolerance), tolerance)


def _feasibility(problem: transport.AnyProblem, plan: Plan, tolerance: Tolerance) -> Said:
    """Say what a plan alone can tell."""
    residual = marginal_error(problem, plan)
    if isinstance(problem, AdaptiveProblem):
        residual = max(residual, excess(problem, plan))
    forbidden = int(np.count_nonzero(np.isinf(problem.cost.at(plan.rows, plan.cols))))
    feasible = residual <= tolerance.primal and not forbidden
    facts = {
        **transport.plan_facts(problem, plan),
        "primal_residual": residual,
        "forbidden_pairs": forbidden,
        "feasible": feasible,
    }
    rows = [
        *transport.plan_rows(problem, plan),
        ("marginals within", f"{residual:.2e}, relative"),
        ("forbidden pairs", f"{forbidden}"),
        ("feasible", f"{'yes' if feasible else 'no'}, to {tolerance.primal:.1e}"),
    ]
    text = "no: a plan without potentials has no bound; pass `--solve` to compute one"
    return facts, rows, (False, text, tolerance)


def _tol(problem: transport.AnyProblem) -> float:
    return TOL if isinstance(problem, Problem) else OTHER_TOL


def _verdict(certified: bool, tolerance: Tolerance) -> tuple[bool, str, Tolerance]:  # noqa: FBT001
    if certified:
        return True, f"yes, to {tolerance.gap:.1e}", tolerance
    return False, f"no: gap or residuals exceed {tolerance.gap:.1e}", tolerance


def _print(
    args: argparse.Namespace,
    facts: dict[str, Any],
    rows: list[tuple[str, str]],
    verdict: tuple[bool, str, Tolerance],
) -> int:
    certified, text, tolerance = verdict
    if args.json:
        common.print_json({**facts, "certified": certified, "tolerance": tolerance.gap})
    else:
        common.print_table([*rows, ("certified", text)])
    return common.CERTIFIED if certified else common.NOT_CERTIFIED
