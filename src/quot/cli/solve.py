"""``quot solve``: solve a problem from files."""

from __future__ import annotations

import argparse
import os
from typing import Any

import quot
from quot.api import METHODS
from quot.cli import common
from quot.exceptions import InvalidProblemError
from quot.io.files import check_writable
from quot.io.plans import check_plan_path, write_plan
from quot.reference import REFERENCE_METHODS
from quot.result import Result


def add_parser(subparsers: common.Subparsers) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "solve",
        help="solve a problem from files",
        description=(
            "Minimise <C, P> + R/2 ||P||^2 over plans P >= 0 with the given masses, or over plans "
            "that move S of them, and print the value with its certificate. " + common.FILES
        ),
        epilog=common.EXIT_CODES,
    )
    cost = parser.add_mutually_exclusive_group(required=True)
    cost.add_argument("cost", nargs="?", metavar="COST", help="cost per unit mass, n x m")
    cost.add_argument("--points", nargs=2, metavar=("X", "Y"), help="points instead of a cost")
    common.add_problem_arguments(parser)
    common.add_solver_arguments(parser)
    parser.add_argument("--method", choices=METHODS, default="auto", help="(default: auto)")
    parser.add_argument(
        "-o",
        dest="output",
        metavar="PLAN",
        help="write the plan there, .npz (scipy.sparse), or .csv or .parquet (row,column,mass)",
    )
    parser.add_argument("--save", metavar="RESULT", help="write all of the result there, .npz")
    common.add_json_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Solve, write, print; return the exit code."""
    _check_outputs(args.output, args.save)
    problem = common.read_problem(args)
    expected = None if args.method in REFERENCE_METHODS else problem
    with common.progress("solving", expected) as callback:
        result = quot.solve(
            problem.cost,
            problem.a,
            problem.b,
            reg=problem.reg,
            mass=problem.mass,
            method=args.method,
            callback=callback,
            on_failure="ignore",
            **common.solver_options(args),
        )
    if args.output is not None:
        write_plan(result.plan, args.output)
    if args.save is not None:
        quot.save(result, args.save)
    if args.json:
        common.print_json({**result_facts(result), "plan": args.output, "result": args.save})
    else:
        written = [("plan", args.output), ("result", args.save)]
        common.print_table([*result_rows(result), *((k, v) for k, v in written if v is not None)])
    return common.CERTIFIED if result.converged else common.NOT_CERTIFIED


def result_facts(result: Result[Any]) -> dict[str, Any]:
    """Return what there is to say about a result, for JSON."""
    return {
        **common.plan_facts(result.problem, result.plan),
        **common.certificate_facts(result.certificate),
        "status": result.status.name,
        "converged": result.converged,
        "method": result.method,
        "iterations": len(result.history),
        "seconds": result.seconds,
    }


def result_rows(result: Result[Any]) -> list[tuple[str, str]]:
    """Return what there is to say about a result, for a table."""
    return [
        *common.plan_rows(result.problem, result.plan),
        *common.certificate_rows(result.certificate),
        ("status", f"{result.status.name}, {result.status.advice}"),
        ("seconds", f"{result.seconds:.3g}"),
    ]


def _check_outputs(output: str | None, save: str | None) -> None:
    """Refuse, before any work, files that cannot be written."""
    if output is not None:
        check_plan_path(output)
    if save is not None:
        check_writable(save, (".npz",))
    both = output is not None and save is not None
    if both and os.path.realpath(str(output)) == os.path.realpath(str(save)):
        raise InvalidProblemError(
            f"`-o` and `--save` both name `{save}`, and one would overwrite the other; "
            "choose two names."
        )
