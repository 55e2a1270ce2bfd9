"""Measure several solvers in one process, whose calls take turns.

For calls of milliseconds: a process each would measure the processes. What counts is the least of
many calls; whatever else the machine does meets all solvers alike. As a script this is the fresh
process: ``python -m benchmarks.together spec.json``.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.cases import Instance
from benchmarks.measure import THREADS, absent, collect, launch
from benchmarks.worker import Measurement, Worker

# Each solver is called until it has had so many seconds, but not more or less often than this.
SECONDS, MOST, LEAST = 1.0, 500, 3


class Turn(NamedTuple):
    """A solver with its settings, and what it solves."""

    solver: str
    case: Instance
    settings: dict[str, Any]


def measure_together(
    turns: list[Turn],
    *,
    seconds: float = SECONDS,
    time_limit: float = 600.0,
    isolated: bool = True,
    threads: int = THREADS,
) -> list[tuple[Measurement, Any]]:
    """Return the measurement and the answer of each, not yet judged.

    `seconds` of the measurements are the least of their runs; the first call is not one of these.
    """
    missing = [absent(*turn) for turn in turns]
    with tempfile.TemporaryDirectory() as folder:
        outs = [str(Path(folder) / f"out{k}") for k in range(len(turns))]
        known = zip(turns, outs, missing, strict=True)
        work = [
            {"solver": turn.solver, "case": turn.case.as_dict(), "settings": turn.settings}
            | {"out": out}
            for turn, out, gone in known
            if gone is None
        ]
        spec = {"work": work, "seconds": seconds}
        outcome, message, others = "ok", "", None
        if isolated:
            limit = time_limit * max(len(work), 1)
            how = {"time_limit": limit, "threads": threads}
            outcome, message, others = launch("benchmarks.together", spec, folder, **how)
        else:
            _take_turns(spec)
        found: list[tuple[Measurement, Any]] = []
        for (solver, case, settings), out, gone in zip(turns, outs, missing, strict=True):
            if gone is not None:
                found.append((gone, None))
            elif outcome != "ok":
                failed = Measurement(solver, case.as_dict(), settings, outcome, message)
                found.append((failed, None))
            else:
                found.append(collect(out))
                found[-1][0].others = others
    return found


def _take_turns(spec: dict[str, Any]) -> None:
    """Every solver once, off the record; then one call of each in turn."""
    workers = [Worker(work["solver"], work["case"], work["settings"]) for work in spec["work"]]
    for worker in workers:
        worker.attempt(worker.begin)
        worker.attempt(worker.first)
    waiting = workers
    while waiting:
        for worker in waiting:
            worker.attempt(worker.again)
        waiting = [worker for worker in waiting if _is_open(worker.measurement, spec["seconds"])]
    for worker, work in zip(workers, spec["work"], strict=True):
        runs = worker.measurement.runs
        worker.measurement.seconds = min(runs, default=None)
        worker.leave(work["out"])


def _is_open(m: Measurement, seconds: float) -> bool:
    """Whether a solver is to be called again."""
    if m.outcome != "ok" or len(m.runs) >= MOST:
        return False
    return len(m.runs) < LEAST or sum(m.runs) < seconds


if __name__ == "__main__":
    _take_turns(json.loads(Path(sys.argv[1]).read_text()))
