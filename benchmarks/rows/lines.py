"""What a row is made of: lines, and trials of ours without a peer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.cases import Instance
from benchmarks.measure import GIB, THREADS, Measurement, judge, measure

Say = Callable[[str], None]


@dataclass
class Line:
    """One line of a table: a measurement, and how ours compares."""

    label: str
    measurement: Measurement
    ratio: float | None = None  # seconds of the peer over ours
    aim: str = ""
    met: bool | None = None
    extra: dict[str, float] = field(default_factory=dict)  # columns of this table only

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Options:
    """How to measure."""

    quick: bool = False
    runs: int = 5
    time_limit: float = 600.0  # for one solver
    memory_limit: float = 16.0  # GiB, for one peer
    isolated: bool = True
    rivals: bool = True
    threads: int = THREADS


@dataclass(frozen=True)
class Trial:
    """Our solver on one case, what we aim at, and how often it runs.

    A solve as long as `patience` seconds runs once, its first call; else the options say how often.
    """

    case: Instance
    tol: float
    seconds: float | None = None
    gigabytes: float | None = None
    patience: float | None = None


def run_trial(trial: Trial, options: Options, say: Say) -> tuple[Line, Any]:
    """Measure and judge; return the line and the answer."""
    say(f"{trial.case}: quot")
    measurement, answer = measure(
        "quot",
        trial.case,
        {"tol": trial.tol},
        runs=0 if trial.patience is not None else options.runs,
        time_limit=max(options.time_limit, trial.patience or 0.0),
        isolated=options.isolated,
        threads=options.threads,
    )
    judge(measurement, answer, None)
    line = Line(tolerance_label(trial.tol), measurement, extra=dict(measurement.work))
    seconds, peak = measurement.seconds, measurement.work.get("peak GiB")
    limits = []
    if trial.seconds is not None:
        limits.append((f"< {trial.seconds:g} s", seconds, trial.seconds))
    if trial.gigabytes is not None:
        gib = trial.gigabytes * 1e9 / GIB
        limits.append((f"< {trial.gigabytes:g} GB ({gib:.3g} GiB)", peak, gib))
    line.aim = ", ".join(text for text, _, _ in limits)
    if limits:
        within = all(is_below(number, limit) for _, number, limit in limits)
        line.met = within and measurement.is_certified(trial.tol)
    return line, answer


def limit_seconds(line: Line, seconds: float) -> None:
    """Say what a line of ours may take, and whether it did, with a certificate; in place."""
    ours = line.measurement
    line.aim = f"< {seconds:g} s"
    line.met = is_below(ours.seconds, seconds) and ours.is_certified(ours.settings["tol"])


def tolerance_label(tol: float) -> str:
    """Return what our lines are called."""
    return f"tol {tol:g}".replace("e-0", "e-")


def is_below(number: float | None, limit: float) -> bool:
    """Whether a number is known and below its limit."""
    return number is not None and number < limit
