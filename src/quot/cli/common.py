"""What the verbs share: arguments, progress, and printing."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NoReturn, TypeAlias

import numpy as np

from quot.api import TIES
from quot.certificate import Certificate
from quot.cli.guarded import BAD_INPUT, complain, one_line
from quot.compiling import is_quiet
from quot.convergence import Iterate
from quot.io.cells import number
from quot.problem import Problem
from quot.quadratic.estimate import estimate
from quot.result import GraphResult, Result

Subparsers: TypeAlias = "argparse._SubParsersAction[Any]"

CERTIFIED, NOT_CERTIFIED = 0, 1

FILES = (
    "Files are .npy, .npz, .csv, or .parquet (extra `parquet`) with columns of numbers, never "
    "pickled. In a .csv a first line of names is a header, and one of numbers is data; one that "
    "may be either, as 0,1,2 is, is refused. A first column without a name, or named index or id "
    "and counting the rows, is left out. Masses go by names of rows and columns, and coordinates "
    "by theirs, where both sides have some. What was taken is said on stderr, and in --json. An "
    ".npz is a scipy.sparse matrix, a single array, or several with the names C, X, Y, a, b; the "
    "other formats hold one array. A .npy and an .npz that is not compressed are mapped into "
    "memory; do not change them in place while quot runs."
)
EXIT_CODES = (
    "Exit codes: 0 certified, 1 not converged or not certified, 2 bad input, 130 interrupted, 143 "
    "terminated. A first Ctrl-C or SIGTERM ends a solve like a limit: what is written then is the "
    "best so far, certified. Files are written whole or not at all."
)


class Parser(argparse.ArgumentParser):
    """An ArgumentParser with our one-line errors and no abbreviated options."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line and exit with 2."""
        self.exit(BAD_INPUT, f"quot: error: {one_line(message)}; see `{self.prog} --help`.\n")


# --- running ---------------------------------------------------------------------------------


@contextlib.contextmanager
def hushed() -> Iterator[None]:
    """Let nothing through that other libraries print on stderr, as Pillow and its libtiff do."""
    try:
        kept = os.dup(2)
    except OSError:  # there is none
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


# --- arguments -------------------------------------------------------------------------------


def add_solver_arguments(
    parser: argparse.ArgumentParser, *, tol: str = "1e-9", max_iter: str = "2000"
) -> None:
    """Add what tells a solver how far to go; `tol` and `max_iter` say what it does by default."""
    parser.add_argument(
        "--tol", type=number, metavar="T", help=f"relative tolerance (default: {tol})"
    )
    parser.add_argument(
        "--ties", choices=TIES,
        help="which of several cheapest answers at reg 0: the one in which what ties shares mass, "
        "or any, which may be quicker (default: share)",
    )  # fmt: skip
    parser.add_argument(
        "--max-iter", type=int, metavar="N", help=f"steps in all (default: {max_iter})"
    )
    parser.add_argument("--time-limit", type=number, metavar="S", help="seconds (default: none)")


def solver_options(args: argparse.Namespace) -> dict[str, Any]:
    """Return those that were given, by their names."""
    given = {name: getattr(args, name) for name in ("tol", "ties", "max_iter", "time_limit")}
    return {name: value for name, value in given.items() if value is not None}


def add_json_argument(parser: argparse.ArgumentParser) -> None:
    """Add --json."""
    parser.add_argument(
        "--json", action="store_true", help="print JSON; null is what there is not, what nobody "
        "counted, and a number that is not finite",
    )  # fmt: skip


# --- what was read ---------------------------------------------------------------------------


def say_read(args: argparse.Namespace, text: str) -> None:
    """Say on stderr what was read, before any work; with --json it is told with the rest.

    The table on stdout is as it was; QUOT_QUIET=1 keeps this quiet.
    """
    if not (args.json or is_quiet()):
        complain(f"read {text}")


def in_brackets(note: str) -> str:
    """Return what was taken of a file, to be put behind what it is."""
    return f" ({note})" if note else ""


# --- progress --------------------------------------------------------------------------------


@contextlib.contextmanager
def progress(
    what: str,
    problem: Problem | None = None,
    describe: Callable[[Iterate], str] | None = None,
) -> Iterator[Callable[[Iterate], None] | None]:
    """Give a callback that keeps a line on a terminal up to date; None if there is no terminal.

    What quot's own solve of a problem is expected to take is said first.
    """
    try:
        from rich.console import Console
    except ImportError:
        yield None
        return
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    console = Console(stderr=True, highlight=False)
    with console.status(f"{what} ...") as line:
        if problem is not None:
            console.print(f"expected: {estimate(problem)}")

        def report(k: Iterate) -> None:
            if k.iteration == 0:
                return
            line.update(f"{what}: {(describe or _describe)(k)}")

        yield report


def _describe(k: Iterate) -> str:
    return (
        f"level {k.level}, round {k.round}, reg {k.reg:.3g}, {k.candidates:,} candidates, "
        f"{k.violators:,} violators, {k.support:,} pairs carry mass, residual {k.residual:.1e}, "
        f"{k.seconds:.1f} s"
    )


# --- printing --------------------------------------------------------------------------------


def say(text: str) -> None:
    """Print to standard output whatever its encoding."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding))


def print_json(value: Any) -> None:
    """Print JSON of finite numbers; NaN and infinities are null."""
    print(json.dumps(_plain(value), indent=2, allow_nan=False))


def print_table(rows: Sequence[tuple[str, str]]) -> None:
    """Print names and texts in two columns."""
    width = max(len(name) for name, _ in rows)
    for name, text in rows:
        say(f"{name:<{width}}  {text}")


def rescaled_facts(result: Result[Any] | GraphResult) -> dict[str, Any] | None:
    """Return what was made smaller at the door, for JSON; None if nothing was."""
    return None if result.rescaled is None else result.rescaled._asdict()


def rescaled_rows(result: Result[Any] | GraphResult) -> list[tuple[str, str]]:
    """Return the line of a table on the same; none if nothing was."""
    return [] if result.rescaled is None else [("masses", str(result.rescaled))]


def certificate_facts(certificate: Certificate) -> dict[str, Any]:
    """Return what a certificate says, by the names of its attributes."""
    return {
        "lower": certificate.lower,
        "upper": certificate.upper,
        "gap": certificate.gap,
        "relative_gap": certificate.relative_gap,
        "primal_residual": certificate.primal_residual,
        "multiplier_violation": certificate.multiplier_violation,
        "scope": certificate.scope,
        "pairs": certificate.pairs,
    }


def certificate_rows(certificate: Certificate) -> list[tuple[str, str]]:
    """Return the lines of a table on a certificate."""
    return [
        ("gap", f"{certificate.gap:.2e}, relative {certificate.relative_gap:.2e}"),
        ("optimum between", f"{certificate.lower:.12g} and {certificate.upper:.12g}"),
        ("marginals within", f"{certificate.primal_residual:.2e}, relative"),
        (f"{certificate.priced} priced", f"{certificate.pairs:,} ({certificate.scope})"),
    ]


def _plain(value: Any) -> Any:
    """Return `value` in terms of what JSON knows."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, (str, int, float)) else str(value)
