"""Affinities: rows of a perplexity, and the doubly stochastic problem."""

from __future__ import annotations

from benchmarks.cases import AffinityCase
from benchmarks.measure import measure
from benchmarks.rows.lines import Line, Options, Say, is_below

# The peer has one thread only.
THREADS = 1
TOL, PERPLEXITY, NEIGHBOURS, AXES = 1e-6, 30.0, 91, 5
# Points, and those of a quick run: of rows alone, and of the whole problem.
ROWS, QUICK_ROWS, POINTS, QUICK_POINTS = 100_000, 200, 5_000, 150
# What we aim at: seconds, and how much longer the peer takes.
SEARCH, AIM, WHOLE = 0.5, 5.0, 5.0


def affinities(options: Options, say: Say) -> list[Line]:
    """The search for bandwidths beside that of scikit-learn, and the problem that has no peer."""
    n, points = (QUICK_ROWS, QUICK_POINTS) if options.quick else (ROWS, POINTS)
    lines = []
    for regularizer in ("entropic", "quadratic"):
        case = AffinityCase(n, AXES, PERPLEXITY, regularizer, NEIGHBOURS)
        ours = _line("share rows", case, f"< {SEARCH:g} s", options, say)
        ours.met = is_below(ours.measurement.seconds, SEARCH) and _is_right(ours)
        lines.append(ours)
        if regularizer == "entropic" and options.rivals:
            lines.append(_rival(case, ours, options, say))
    for regularizer in ("quadratic", "entropic"):
        case = AffinityCase(points, AXES, PERPLEXITY, regularizer)
        line = _line("affinities", case, f"< {WHOLE:g} s", options, say)
        line.met = is_below(line.measurement.seconds, WHOLE) and _is_right(line)
        lines.append(line)
    return lines


def _rival(case: AffinityCase, ours: Line, options: Options, say: Say) -> Line:
    line = _line("sklearn rows", case, f">= {AIM:g}x", options, say)
    seconds, best = line.measurement.seconds, ours.measurement.seconds
    if seconds and best:
        line.ratio = seconds / best
        line.met = line.ratio >= AIM and _is_right(ours)
    return line


def _line(solver: str, case: AffinityCase, aim: str, options: Options, say: Say) -> Line:
    say(f"{case}: {solver}")
    found, _ = measure(
        solver,
        case,
        {},
        runs=options.runs,
        time_limit=options.time_limit,
        isolated=options.isolated,
        threads=THREADS,
    )
    names = ("off", "problem gap", "neglected", "degree")
    extra = {name: found.work[name] for name in names if name in found.work}
    return Line("defaults", found, aim=aim, extra=extra)


def _is_right(line: Line) -> bool:
    """Whether an answer of ours is what it is to be."""
    off = max(line.extra.get("off", 1.0), line.extra.get("problem gap", 0.0))
    return line.measurement.outcome == "ok" and off <= TOL
