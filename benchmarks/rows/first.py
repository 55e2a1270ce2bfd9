"""The first solve of a process."""

from __future__ import annotations

import tempfile

from benchmarks.cases import Case
from benchmarks.measure import judge, measure
from benchmarks.rows.duels import OURS
from benchmarks.rows.lines import Line, Options, Say


def s9(options: Options, say: Say) -> list[Line]:
    """First solve in a fresh process, without and with the kernels of an earlier one on disk."""
    case = Case(40 if options.quick else 300, 0.1, 0.7)
    lines = []
    with tempfile.TemporaryDirectory() as cache:
        for label, limit in (("kernel cache absent", 10.0), ("kernel cache present", 0.6)):
            say(f"{case}: quot, {label}")
            cold, answer = measure(
                "quot", case, OURS, runs=1, time_limit=options.time_limit, cache=cache
            )
            judge(cold, answer, None)
            met = None
            if cold.first is not None:
                met = cold.first < limit and cold.is_certified(OURS["tol"])
            lines.append(Line(label, cold, aim=f"first < {limit:g} s", met=met))
    return lines
