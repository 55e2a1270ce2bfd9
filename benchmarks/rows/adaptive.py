"""Adaptive transport: two clouds, and low perplexities of points with very uneven masses."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.cases import AdaptiveCase, AdaptivePointsCase
from benchmarks.measure import judge, measure
from benchmarks.rows.lines import Line, Options, Say, Trial, run_trial

THREADS = 1
TOL, TOL_LOW = 1e-8, 1e-7
SIZE, QUICK = 1000, 40
# Perplexities of source and target.
ASKED = ((10.0, None), (30.0, None), (None, 10.0), (None, 30.0), (10.0, 10.0), (30.0, 30.0))
UNEQUAL = (10.0, 30.0)
# Seconds that we aim at: of one side or both, and of both with perplexities of their own.
AIMS = {"quadratic": (1.0, 1.0, 3.0), "entropic": (3.0, 4.0, 4.0)}
# Seconds for all runs of ours, where a general optimiser gets less: its time limit is often short.
ALL_RUNS = 300.0
# So many times as long it gets.
PATIENCE = 100.0
# Points of either side, perplexities of source and target, seconds and gigabytes that we aim at.
POINTS = (
    (10_000, 30.0, None, 10.0, 1.0),
    (10_000, 30.0, 30.0, 15.0, None),
    (10_000, 10.0, 30.0, 15.0, None),
    (100_000, 10.0, None, 180.0, 2.0),
)
PATIENT_SECONDS = 600.0
LOW, LOW_SIZE, LOW_QUICK, LOW_SECONDS = (3.0, 1.5), (500, 700), (25, 35), 10.0


def quadratic(options: Options, say: Say) -> list[Line]:
    """Two clouds, beside a general optimiser."""
    return _clouds("quadratic", options, say)


def entropic(options: Options, say: Say) -> list[Line]:
    """The same with an entropic perplexity."""
    return _clouds("entropic", options, say)


def points(options: Options, say: Say) -> list[Line]:
    """Many points, whose cost is never a matrix."""
    lines = []
    for n, source, target, seconds, gigabytes in POINTS:
        case = AdaptivePointsCase(QUICK if options.quick else n, 2, source, target)
        trial = Trial(case, TOL, seconds, gigabytes, patience=PATIENT_SECONDS)
        lines.append(run_trial(trial, options, say)[0])
    return lines


def low(options: Options, say: Say) -> list[Line]:
    """Low perplexities, uneven masses."""
    how = _patient_with_ours(options)
    n, m = LOW_QUICK if options.quick else LOW_SIZE
    lines = []
    for regularizer in AIMS:
        for xi in LOW:
            case = AdaptiveCase(n, m, xi, None, regularizer, "uneven")
            lines.append(run_trial(Trial(case, TOL_LOW, LOW_SECONDS), how, say)[0])
    return lines


def _clouds(regularizer: str, options: Options, say: Say) -> list[Line]:
    n = QUICK if options.quick else SIZE
    lines = []
    for source, target in (*ASKED, UNEQUAL):
        case = AdaptiveCase(n, n, source, target, regularizer)
        kind = 2 if (source, target) == UNEQUAL else int(None not in (source, target))
        line, _ = run_trial(
            Trial(case, TOL, AIMS[regularizer][kind]), _patient_with_ours(options), say
        )
        lines.append(line)
        if options.rivals and line.measurement.seconds is not None:
            lines.append(_optimiser(case, line, options, say))
    return lines


def _patient_with_ours(options: Options) -> Options:
    return replace(options, threads=THREADS, time_limit=max(options.time_limit, ALL_RUNS))


def _optimiser(case: AdaptiveCase, ours: Line, options: Options, say: Say) -> Line:
    """A general optimiser with so many times our seconds, or as many as there are for one."""
    seconds = ours.measurement.seconds or 0.0
    limit = min(PATIENCE * seconds, options.time_limit)
    say(f"{case}: L-BFGS-B, {limit:.3g} s")
    measurement, answer = measure(
        "joint",
        case,
        {"seconds": limit},
        runs=0,
        # It looks at the clock once an iteration, and only its own time counts.
        time_limit=2.0 * limit + 60.0,
        isolated=options.isolated,
        threads=THREADS,
    )
    judge(measurement, answer, None)
    label = f"up to {limit / seconds:.3g} times as long"
    ratio = measurement.seconds / seconds if measurement.seconds else None
    return Line(label, measurement, ratio=ratio)
