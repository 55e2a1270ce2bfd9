"""The file of a plan: which of its entries are written, whether they fit, and what is lost."""

from __future__ import annotations

import argparse
import warnings
from dataclasses import dataclass
from typing import Any

from quot import memory
from quot.cli.transport import AnyProblem, carriers
from quot.exceptions import InvalidProblemError, MassLostWarning, ProblemTooLargeError
from quot.gibbs_plan import AnyPlan, GibbsPlan
from quot.io.cells import number
from quot.io.plans import check_plan_path, write_plan
from quot.plan import Plan
from quot.problem import EntropicProblem, Transport
from quot.result import Result
from quot.validation import as_number

# Bytes for an entry at the peak, while a list of all is made and written (measured).
_ENTRY = 48


@dataclass(frozen=True)
class Written:
    """What there is to say about the file; nothing without one.

    Parameters
    ----------
    path : str, optional
    threshold : float, optional
        Entries at most as large were left out.
    entries : int, optional
        Those that were written.
    lost : float, optional
        Mass of the others.
    total : float, default=0
        Mass of the plan.
    """

    path: str | None = None
    threshold: float | None = None
    entries: int | None = None
    lost: float | None = None
    total: float = 0.0

    def facts(self) -> dict[str, Any]:
        """Return them for JSON."""
        return {
            "plan": self.path,
            "threshold": self.threshold,
            "entries": self.entries,
            "mass_lost": self.lost,
        }

    def rows(self) -> list[tuple[str, str]]:
        """Return them for a table."""
        if self.path is None:
            return []
        if self.threshold is None:
            return [("plan", self.path)]
        return [
            ("plan", self.path),
            ("entries", f"{self.entries:,}, all beyond {self.threshold:g}"),
            ("mass lost", f"{self.lost:.3g} of {self.total:.6g}"),
        ]


def add_plan_arguments(parser: argparse.ArgumentParser) -> None:
    """Add -o and --threshold."""
    parser.add_argument(
        "-o",
        dest="output",
        metavar="PLAN",
        help="write the plan there, .npz (scipy.sparse), or .csv or .parquet (row,column,mass)",
    )
    parser.add_argument(
        "--threshold", type=number, metavar="T", help="leave out entries of mass T or less in -o "
        "(default: with --eps 0, which keeps all that are not zero as floats; else keep all)",
    )  # fmt: skip


def check_plan_arguments(args: argparse.Namespace) -> None:
    """Refuse, before any work, a file that cannot be written, and a threshold that says nothing."""
    if args.output is not None:
        check_plan_path(args.output)
    if args.threshold is None:
        return
    if args.output is None:
        raise InvalidProblemError(
            "`--threshold` says which entries `-o` writes; pass `-o PLAN`, or leave it out."
        )
    if as_number(args.threshold, "threshold") < 0.0:
        raise InvalidProblemError(
            f"`threshold` must not be negative; got {args.threshold:.6g}. At 0 all entries of "
            "positive mass are kept."
        )


def check_room(args: argparse.Namespace, problem: AnyProblem) -> None:
    """Refuse, before any work, to list all entries of a plan if memory has no room for that."""
    if args.output is not None and not args.threshold and isinstance(problem, EntropicProblem):
        _check_room(carriers(problem), "--threshold T` to keep entries beyond T only")


def write(args: argparse.Namespace, result: Result[Any]) -> Written:
    """Write the plan of a result, if that was asked for."""
    if args.output is None:
        return Written()
    plan, threshold = result.plan, args.threshold
    if isinstance(plan, GibbsPlan):
        threshold = threshold or 0.0
        _check_kept(result.problem, plan, threshold)
    kept, lost = _beyond(plan, threshold)
    write_plan(kept, args.output)
    return Written(args.output, threshold, kept.nnz, lost, plan.total)


def _check_kept(problem: Transport, plan: GibbsPlan, threshold: float) -> None:
    """Refuse to list more entries than there is room for; they are counted if that may be so."""
    most = carriers(problem)
    if threshold > 0.0 and not memory.has_room(_ENTRY * min(most, plan.total / threshold)):
        n, m = plan.shape
        kept = round((1.0 - plan.sparsity_at(threshold)) * n * m)
        _check_room(kept, "--threshold T` with a larger T")


def _check_room(entries: int, advice: str) -> None:
    size = _ENTRY * entries
    room = memory.available()
    if room is not None and not memory.has_room(size):
        raise ProblemTooLargeError(
            f"`-o` would list {entries:,} entries of the plan, which takes "
            f"{memory.gigabytes(size)}, and this machine has {memory.gigabytes(room)} left. Pass "
            f"`{advice}, or `--save RESULT`, which keeps the plan by its prices."
        )


def _beyond(plan: AnyPlan, threshold: float | None) -> tuple[Plan, float]:
    """The entries beyond a threshold, and the mass of the others."""
    if isinstance(plan, GibbsPlan):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MassLostWarning)  # it is said with the facts
            return plan.to_plan(threshold or 0.0), plan.below(threshold or 0.0)
    if threshold is None:
        return plan, 0.0
    kept = plan.values > threshold
    lost = float(abs(plan.values[~kept]).sum())
    return plan.kept(kept), lost
