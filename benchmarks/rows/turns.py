"""Lines of solvers that are called in turns: milliseconds, and the least of many calls."""

from __future__ import annotations

from statistics import median
from typing import Any

from benchmarks.measure import Measurement
from benchmarks.rows.lines import Options, Say
from benchmarks.together import SECONDS, Turn, measure_together


def in_turns(
    turns: list[Turn], options: Options, say: Say, seconds: float = SECONDS
) -> list[tuple[Measurement, Any]]:
    """Measure these; each is called for so many seconds."""
    say(f"{turns[0].case}: {', '.join(turn.solver for turn in turns)}")
    return measure_together(
        turns,
        seconds=0.0 if options.quick else seconds,
        time_limit=options.time_limit,
        isolated=options.isolated,
        threads=options.threads,
    )


def milliseconds(measurement: Measurement) -> dict[str, float]:
    """Return the columns of the shortest call and of the median."""
    if measurement.seconds is None:
        return {}
    runs = measurement.runs
    return {"least ms": 1e3 * min(runs), "median ms": 1e3 * median(runs)}


def take_worst(measurement: Measurement) -> dict[str, float]:
    """Take over how good the worst of many answers is; return what else there is of work."""
    work = dict(measurement.work)
    if "gap" in work:
        measurement.residual, measurement.gap = work.pop("residual"), work.pop("gap")
        measurement.bound = "its own"
    return work
