"""``quot solve``: solve a problem from files."""

from __future__ import annotations

import argparse
from typing import Any

import quot
from quot.api import ADAPTIVE_METHODS, ENTROPIC_METHODS, METHODS
from quot.cli import common, plan_file, problem_files, transport
from quot.exceptions import InvalidProblemError
from quot.io.files import check_apart, check_writable
from quot.io.results import SUFFIXES
from quot.problem import AdaptiveProblem, EntropicProblem
from quot.reference import REFERENCE_METHODS
from quot.result import AdaptiveResult, Result


def add_parser(subparsers: common.Subparsers) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "solve",
        help="solve a problem from files",
        description=(
            "Minimise <C, P> + R/2 ||P||^2 over plans P >= 0 with the given masses, or over plans "
            "that move S of them, and print the value with its certificate. With --eps minimise "
            "<C, P> + E sum P (log P - 1) instead: then all pairs carry mass. With --perplexity "
            "minimise <C, P> over plans in which every point shares its mass with K others at "
            "least. " + common.FILES
        ),
        epilog=common.EXIT_CODES,
    )
    cost = parser.add_mutually_exclusive_group(required=True)
    cost.add_argument("cost", nargs="?", metavar="COST", help="cost per unit mass, n x m")
    cost.add_argument("--points", nargs=2, metavar=("X", "Y"), help="points instead of a cost")
    transport.add_problem_arguments(parser)
    common.add_solver_arguments(
        parser, tol="1e-9, with --eps or --perplexity 1e-8", max_iter="2000, with --eps 10000"
    )
    parser.add_argument(
        "--method", default="auto", metavar="M", help=f"{', '.join(METHODS)}; with --eps also "
        f"{', '.join(k for k in ENTROPIC_METHODS if k not in METHODS)} (default: auto)",
    )  # fmt: skip
    plan_file.add_plan_arguments(parser)
    parser.add_argument("--save", metavar="RESULT", help="write all of the result there, .npz")
    common.add_json_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Solve, write, print; return the exit code."""
    _check_outputs(args)
    _check_method(args)
    problem, read = problem_files.read_problem(args, args.method)
    common.say_read(args, read)
    plan_file.check_room(args, problem)
    with _progress(problem, args.method) as callback:
        result = transport.solve(
            problem, method=args.method, callback=callback, **common.solver_options(args)
        )
    if args.save is not None:  # first: the list of a plan may turn out to be too long
        quot.save(result, args.save)
    written = plan_file.write(args, result)
    if args.json:
        files = {**written.facts(), "result": args.save}
        common.print_json({"read": read, **result_facts(result), **files})
    else:
        saved = [] if args.save is None else [("result", args.save)]
        common.print_table([*result_rows(result), *written.rows(), *saved])
    return common.CERTIFIED if result.converged else common.NOT_CERTIFIED


def result_facts(result: Result[Any]) -> dict[str, Any]:
    """Return what there is to say about a result, for JSON."""
    return {
        **transport.plan_facts(result.problem, result.plan),
        "rescaled": common.rescaled_facts(result),
        **common.certificate_facts(result.certificate),
        "status": result.status.name,
        "converged": result.converged,
        "method": result.method,
        "iterations": len(result.history),
        "passes": _passes(result),
        "strength": _strength(result),
        "seconds": result.seconds,
    }


def result_rows(result: Result[Any]) -> list[tuple[str, str]]:
    """Return what there is to say about a result, for a table."""
    passes, strength = _passes(result), _strength(result)
    return [
        *common.rescaled_rows(result),
        *transport.plan_rows(result.problem, result.plan),
        *([] if strength is None else [("strength", f"{strength:.12g}, of all pairs")]),
        *common.certificate_rows(result.certificate),
        ("status", f"{result.status.name}, {result.status.advice}"),
        *([("method", f"{result.method}, {passes:.4g} passes over all pairs")] if passes else []),
        ("seconds", f"{result.seconds:.3g}"),
    ]


def _passes(result: Result[Any]) -> float | None:
    """Passes over all pairs; None where the method is not one that goes over them."""
    is_counted = isinstance(result.problem, EntropicProblem) and result.history
    return (result.history[-1].passes or None) if is_counted else None


def _strength(result: Result[Any]) -> float | None:
    """The one multiplier of a perplexity on average; None where there is not one for all."""
    if not isinstance(result, AdaptiveResult) or not result.problem.is_average:
        return None
    return float(max(result.row_multipliers.max(), result.col_multipliers.max()))


def _progress(problem: transport.AnyProblem, method: str) -> Any:
    """A line on a terminal, after what quot's own solve is expected to take."""
    if isinstance(problem, EntropicProblem):
        return common.progress("solving", describe=transport.describe)
    if isinstance(problem, AdaptiveProblem):
        return common.progress("solving")
    return common.progress("solving", None if method in REFERENCE_METHODS else problem)


def _check_method(args: argparse.Namespace) -> None:
    """Refuse, before any work, a method and an option that are of the other kind of problem."""
    transport.check_kind(args)
    able: tuple[str, ...]
    if args.perplexity is not None:
        kind, able = "with `--perplexity`", ADAPTIVE_METHODS
    elif args.eps is not None:
        kind, able = "with `--eps`", ENTROPIC_METHODS
    else:
        kind, able = "without `--eps`", METHODS
    if args.method not in able:
        if args.method in ENTROPIC_METHODS and args.perplexity is None:
            raise InvalidProblemError(
                f"`--method {args.method}` is for entropic problems; pass `--eps E`, or one of "
                f"{', '.join(able)}."
            )
        raise InvalidProblemError(
            f"`--method {args.method}` is unknown; {kind} there are {', '.join(able)}."
        )
    if args.ties is not None and not (args.eps is None and args.perplexity is None):
        option = kind.removeprefix("with ")
        raise InvalidProblemError(
            f"`--ties` says which of several cheapest plans to take, and with {option} there is "
            "one plan only; leave it out."
        )


def _check_outputs(args: argparse.Namespace) -> None:
    """Refuse, before any work, files that cannot be written."""
    plan_file.check_plan_arguments(args)
    if args.save is not None:
        check_writable(args.save, SUFFIXES)
    check_apart([("-o", args.output), ("--save", args.save)], problem_files.inputs(args))
