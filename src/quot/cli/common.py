"""What the verbs share: errors, arguments, progress, and printing."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import math
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NoReturn, TypeAlias

import numpy as np

from quot.api import TIES
from quot.certificate import Certificate
from quot.compiling import is_quiet
from quot.convergence import Iterate
from quot.exceptions import QuotError, QuotWarning
from quot.io.cells import number
from quot.problem import Problem
from quot.quadratic.estimate import estimate
from quot.result import GraphResult, Result

Subparsers: TypeAlias = "argparse._SubParsersAction[Any]"

CERTIFIED, NOT_CERTIFIED, BAD_INPUT, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 130, 141

FILES = (
    "Files are .npy, .npz, .csv, or .parquet (extra `parquet`) with columns of numbers, never "
    "pickled. In a .csv a first line of names is a header, and one of numbers is data; one that "
    "may be either, as 0,1,2 is, is refused. A first column without a name, or named index or id "
    "and counting the rows, is left out. What was taken is said on stderr, and in --json. An .npz "
    "is a scipy.sparse matrix, a single array, or several with the names C, X, Y, a, b; the other "
    "formats hold one array. A .npy and an .npz that is not compressed are mapped into memory; do "
    "not change them in place while quot runs."
)
EXIT_CODES = "Exit codes: 0 certified, 1 not converged or not certified, 2 bad input."


class Parser(argparse.ArgumentParser):
    """An ArgumentParser with our one-line errors and no abbreviated options."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line and exit with 2."""
        self.exit(BAD_INPUT, f"quot: error: {_line(message)}; see `{self.prog} --help`.\n")


# --- running ---------------------------------------------------------------------------------


def guarded(action: Callable[[], int]) -> int:
    """Return the exit code of `action`; errors and warnings of quot become one line each."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", QuotWarning)
            warnings.showwarning = _show_warning
            try:
                code = action()
            except SystemExit as stop:  # argparse: --help, --version, errors in the arguments
                code = stop.code if isinstance(stop.code, int) else BAD_INPUT
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except (QuotError, MemoryError, OSError, KeyboardInterrupt) as error:
        return _exit_code(error)


def _exit_code(error: BaseException) -> int:
    """Say in one line what went wrong; return the exit code for it."""
    if isinstance(error, KeyboardInterrupt):
        _complain("interrupted")
        return INTERRUPTED
    if isinstance(error, BrokenPipeError):
        _drop_output()
        return BROKEN_PIPE
    text = str(error)
    if isinstance(error, MemoryError) and not isinstance(error, QuotError):
        text = f"not enough memory ({text}); points need much less than their cost matrix."
    if isinstance(error, OSError):
        _drop_output()
    _complain(f"error: {text}")
    return BAD_INPUT


def _complain(text: str) -> None:
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            print(f"quot: {_line(text)}", file=sys.stderr, flush=True)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    _complain(f"warning: {message}")


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


def _line(text: str) -> str:
    return " ".join(text.split())


def _drop_output() -> None:
    """Let what cannot be written go nowhere, so that the interpreter can close quietly."""
    try:
        sys.stdout.flush()
        return
    except (OSError, ValueError, AttributeError):
        pass
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


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
        _complain(f"read {text}")


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
