"""Transport along the edges of graphs."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.cases import GraphCase
from benchmarks.rows.duels import Duel, Rival, run_duels
from benchmarks.rows.lines import Line, Options, Say, Trial, limit_seconds, run_trial
from benchmarks.rows.turns import milliseconds

# Seconds that the source says its quadratic program took, by the number of points.
PUBLISHED = {200: 1.8, 300: 3.2, 500: 9.4}
CLARABEL_OURS = {"tol_gap_abs": 1e-10, "tol_gap_rel": 1e-10, "tol_feas": 1e-10}
# So many times longer the interior point is to take; and runs of ours, which take milliseconds.
FASTER, RUNS = 20.0, 100
# Seconds that a million nodes may take before the row gives up.
PATIENCE = 300.0
# Costs that differ by less, relative, are the same: all numbers are integers.
SAME = 1e-12


def program(options: Options, say: Say) -> list[Line]:
    """The quadratic program of the source, by ours and through cvxpy."""
    rivals = (
        Rival("flow clarabel", "defaults", {}, FASTER),
        Rival("flow clarabel", "tolerances 1e-10", CLARABEL_OURS, FASTER),
        Rival("flow osqp", "defaults"),
    )
    sizes = (60,) if options.quick else tuple(PUBLISHED)
    how = options if options.quick else replace(options, runs=RUNS)
    lines: list[Line] = []
    for n in sizes:
        duel = run_duels([Duel(GraphCase(n, 1.0, "halves"), rivals, 1e-10)], how, say)
        ours = duel[0].measurement
        duel[0].extra = milliseconds(ours)
        for line in duel[1:]:
            alone = line.measurement.detail.get("solver alone")
            line.extra = milliseconds(line.measurement)
            if alone is not None and ours.seconds:
                line.extra |= {"solver alone": alone, "its ratio": alone / ours.seconds}
        if n in PUBLISHED:
            duel[0].extra["published"] = PUBLISHED[n]
        lines += duel
    return lines


def football(options: Options, say: Say) -> list[Line]:
    """The approximation of the source in time and in cost."""
    rivals = tuple(
        Rival("football", variant, {"variant": variant}, 1.0) for variant in ("printed", "mended")
    )
    lines: list[Line] = []
    for n in (60, 90) if options.quick else (300, 1000, 3000):
        duel = run_duels([Duel(GraphCase(n, 1.0, "halves"), rivals)], options, say)
        best = duel[0].measurement.value
        for line in duel[1:]:
            m = line.measurement
            if best and m.value is not None:
                line.extra = {
                    "cost ratio": m.work["as left"] / best,
                    "after repair": m.value / best,
                }
        lines += duel
    return lines


def million(options: Options, say: Say) -> list[Line]:
    """A million nodes, on a grid and among points, at three strengths."""
    n = 400 if options.quick else 1_000_000
    trials = [
        Trial(GraphCase(n, reg, shape), 1e-8, seconds=seconds, gigabytes=6.0, patience=PATIENCE)
        for shape in ("grid", "points")
        for reg, seconds in ((1.0, 40.0), (0.01, 60.0), (0.0, 60.0))
    ]
    return [run_trial(trial, options, say)[0] for trial in trials]


def linear(options: Options, say: Say) -> list[Line]:
    """Without a quadratic term: two others that find the cheapest flow, in integers."""
    n = 100 if options.quick else 10_000
    rivals = (Rival("networkx", "defaults", {}, 100.0), Rival("ortools", "defaults", {}, 1.0))
    lines: list[Line] = []
    for shape in ("integer grid", "integer points"):
        duel = run_duels([Duel(GraphCase(n, 0.0, shape), rivals)], options, say)
        _compare_costs(duel)
        for line in duel[1:]:
            if "difference" in line.extra:
                line.met = bool(line.met) and line.extra["difference"] <= SAME
        lines += duel
    return lines


def units(options: Options, say: Say) -> list[Line]:
    """Some sources and sinks on a grid of edges of length 1; the peer finds the cheapest flow."""
    lines: list[Line] = []
    for side, seconds in ((10, 1.0),) if options.quick else ((200, 1.0), (1000, 90.0)):
        how = options
        if seconds > 1.0:  # once, and patiently
            how = replace(options, runs=0, time_limit=max(options.time_limit, PATIENCE))
        for reg in (1.0, 0.0):
            rivals = () if reg else (Rival("ortools", "defaults"),)
            duel = run_duels([Duel(GraphCase(side**2, reg, "unit grid"), rivals)], how, say)
            limit_seconds(duel[0], seconds)
            _compare_costs(duel)
            lines += duel
    return lines


def _compare_costs(duel: list[Line]) -> None:
    """Relate the costs that peers found to ours."""
    best = duel[0].measurement.value
    for line in duel[1:]:
        value = line.measurement.value
        if best and value is not None:
            line.extra = {"difference": abs(value - best) / best}
