"""Clouds of other shapes than the Gaussian: none should take much longer."""

from __future__ import annotations

from benchmarks.rows.lines import Line, Options, Say, Trial, run_trial
from benchmarks.rows.strengths import SHAPES, planar

TIMES = 10.0
TOL = 1e-8


def clouds(options: Options, say: Say) -> list[Line]:
    """Each shape; the first is the Gaussian."""
    n = 200 if options.quick else 20_000
    lines: list[Line] = []
    for shape in SHAPES:
        line, _ = run_trial(Trial(planar(n, shape), TOL), options, say)
        lines.append(line)
        if line is lines[0]:
            continue
        line.aim = f"<= {TIMES:g} times the Gaussian"
        seconds, unit = line.measurement.seconds, lines[0].measurement.seconds
        if seconds and unit:
            line.extra["of Gaussian"] = seconds / unit
        times = line.extra.get("of Gaussian", float("inf"))
        line.met = times <= TIMES and line.measurement.is_certified(TOL)
    return lines
