"""Many points, many dimensions, and how the time grows."""

from __future__ import annotations

import math
from statistics import linear_regression

from benchmarks.rows.lines import Line, Options, Say, Trial, run_trial
from benchmarks.rows.strengths import gaussian, isotropic, spiral

MILLION = 1_000_000
# Seconds that a million points may take.
PATIENCE = 3600.0
SLOPE = 1.1


def s4(options: Options, say: Say) -> list[Line]:
    """A hundred thousand points a side, in the plane and in space."""
    n = 300 if options.quick else 100_000
    trials = [Trial(gaussian(n, d), 1e-8, seconds=12.0, gigabytes=1.2) for d in (2, 3)]
    return [run_trial(trial, options, say)[0] for trial in trials]


def s5(options: Options, say: Say) -> list[Line]:
    """A million points a side."""
    n = 400 if options.quick else MILLION
    trial = Trial(gaussian(n, 2), 1e-6, seconds=150.0, gigabytes=6.0, patience=PATIENCE)
    return [run_trial(trial, options, say)[0]]


def s6(options: Options, say: Say) -> list[Line]:
    """Points in many dimensions: with themselves, and with others."""
    n, d = (100, 20) if options.quick else (25_000, 250)
    trials = [Trial(spiral(n, d, same=same), 1e-6, seconds=20.0) for same in (True, False)]
    trials += [Trial(isotropic(n, d, part), 1e-6, seconds=40.0) for part in (1.0, 0.1)]
    return [run_trial(trial, options, say)[0] for trial in trials]


def s7(options: Options, say: Say) -> list[Line]:
    """The same from ten thousand points to a million; the last line has the slope over all."""
    sizes = [100, 200, 400] if options.quick else [10_000, 30_000, 100_000, 300_000, MILLION]
    lines: list[Line] = []
    known: list[tuple[float, float]] = []
    for n in sizes:
        patience = PATIENCE if n >= MILLION else None
        line, _ = run_trial(Trial(gaussian(n, 2), 1e-6, patience=patience), options, say)
        lines.append(line)
        if line.measurement.seconds is None:
            continue
        known.append((math.log(n), math.log(line.measurement.seconds)))
        if len(known) > 1:
            line.extra["slope"] = linear_regression(*zip(*known, strict=True)).slope
    lines[-1].aim = f"slope <= {SLOPE:g}"
    certified = all(line.measurement.is_certified(1e-6) for line in lines)
    lines[-1].met = certified and lines[-1].extra.get("slope", math.inf) <= SLOPE
    return lines
