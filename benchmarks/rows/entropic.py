"""Entropic transport: against peers, at scale, and on thousands of problems meant to be hard."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

from benchmarks.cases import EntropicCase, EntropicPointsCase, StressCase
from benchmarks.cases.stress import FORMULATIONS
from benchmarks.measure import GIB, Measurement, measure, source_digest
from benchmarks.peers.ours import FAULTS
from benchmarks.rows.duels import Duel, Rival, run_duels
from benchmarks.rows.lines import Line, Options, Say, Trial, is_below, run_trial, tolerance_label

# All of these rows are on one thread.
THREADS = 1
TOL = 1e-8
# Beyond this L1 residual a peer has not solved the problem, and there is no ratio.
SOLVED = 1e-4
SIZES, TEMPERATURES = (300, 1000, 4000), (1e-2, 1e-3, 1e-4)
# POT stops after 1000 iterations by default, whatever is missing; ten times as many are given where
# they fit the time.
ITERATIONS = {"numItermax": 10_000}
PARTIAL_LONG = ITERATIONS | {"stopThr": 1e-10}
PATIENT = 1000
REGOT = {"tol": TOL, "max_iter": 10_000}
# What we aim at: passes, seconds by size, and how much more the best peer takes.
PASSES, SECONDS, PARTIAL_AIM = 110, {1000: 0.1, 4000: 3.0}, 100.0
BALANCED_AIMS = {1000: (20.0, 40.0, 40.0), 4000: (50.0, 50.0, 50.0)}
# Sizes of the row at scale, matrices and points, and those of a quick run; the memory over that of
# the matrix, and the time of a pass over that of its exponentials.
LARGE, QUICK = (10_000, 100_000), (4_000, 10_000)
OF_MATRIX, OF_EXPONENTIALS, PATIENCE = 1.6, 2.0, 600.0
# Random problems of each formulation, in slices; those done are kept here.
INSTANCES, FEW, SLICE = 25_000, 75, 500
SLICES = Path(__file__).resolve().parents[1] / "results" / "slices"


def partial(options: Options, say: Say) -> list[Line]:
    """Partial, against both ways of the only peer."""
    lines: list[Line] = []
    for n in (30,) if options.quick else SIZES:
        ways = ("entropic partial", "entropic partial log")
        rivals = [Rival(way, "defaults (1000 iterations)", {}, PARTIAL_AIM) for way in ways]
        if n <= PATIENT:
            rivals += [Rival(way, "10,000 iterations", PARTIAL_LONG, PARTIAL_AIM) for way in ways]
        for mass in (0.5, 0.9):
            for eps in TEMPERATURES:
                duel = _duel(EntropicCase(n, eps, mass), rivals, options, say)
                ours, seconds = duel[0], SECONDS.get(n)
                ours.aim = f"<= {PASSES} passes"
                ours.met = _is_right(ours) and ours.extra["passes"] <= PASSES
                if seconds is not None:
                    ours.aim = f"<= {seconds:g} s, {ours.aim}"
                    ours.met = ours.met and is_below(ours.measurement.seconds, seconds)
                lines += duel
    return lines


def balanced(options: Options, say: Say) -> list[Line]:
    """Balanced, against the best of several."""
    rivals = [Rival(name, "tol 1e-8", REGOT) for name in ("splr", "ssns", "lbfgs")]
    rivals.append(Rival("sinkhorn log", "10,000 iterations", ITERATIONS | {"stopThr": TOL}))
    lines: list[Line] = []
    for n in (30,) if options.quick else SIZES:
        for k, eps in enumerate(TEMPERATURES):
            duel = _duel(EntropicCase(n, eps), rivals, options, say)
            if n in BALANCED_AIMS:
                ours, aim = duel[0], BALANCED_AIMS[n][k]
                best = min((line.ratio for line in duel[1:] if line.ratio), default=None)
                ours.aim = f"best peer >= {aim:g}x"
                ours.met = None if best is None else _is_right(ours) and best >= aim
            lines += duel
    return lines


def _duel(case: EntropicCase, rivals: list[Rival], options: Options, say: Say) -> list[Line]:
    """Ours and its rivals, with no ratio to those that have not solved the problem."""
    duel = [Duel(case, tuple(rivals), TOL)]
    lines = run_duels(duel, replace(options, threads=THREADS), say)
    for line in lines:
        m = line.measurement
        line.extra = {k: m.work[k] for k in ("L1 residual", "passes") if k in m.work}
        if m.outcome != "ok" or not m.work.get("L1 residual", SOLVED) < SOLVED:
            line.ratio = line.met = None
        elif line.met is not None:
            line.met = line.met and _is_right(lines[0])
    return lines


def _is_right(line: Line) -> bool:
    """Whether an answer of ours is what it is to be."""
    right = line.measurement.is_certified(TOL) and line.extra["L1 residual"] <= TOL
    return bool(right)


def large(options: Options, say: Say) -> list[Line]:
    """A large matrix, and points without one: memory, and the time of a pass."""
    n, points = QUICK if options.quick else LARGE
    how = replace(options, threads=THREADS)
    lines: list[Line] = []
    for mass in (None, 0.5):
        for eps in (1e-2, 1e-3):
            case = EntropicCase(n, eps, mass)
            line, _ = run_trial(Trial(case, TOL, patience=PATIENCE), how, say)
            work = line.measurement.work
            line.aim, line.met = f"memory <= {OF_MATRIX:g} of C", False
            if "peak GiB" in work:
                beyond = (work["peak GiB"] - work["before GiB"]) * GIB
                line.extra["of C"] = beyond / case.matrix
                is_small = line.extra["of C"] <= OF_MATRIX
                line.met = is_small and line.measurement.is_certified(TOL)
            lines.append(line)
    return lines + _stream(EntropicPointsCase(points, 3, 1e-2), how, say)


def _stream(case: EntropicPointsCase, options: Options, say: Say) -> list[Line]:
    """A pass over points, and its exponentials alone."""
    lines = []
    for solver, label in (("exponentials", "of costs in the cache"), ("pass", "costs made anew")):
        say(f"{case}: {label}")
        measurement, _ = measure(
            solver,
            case,
            {},
            runs=1,
            time_limit=max(options.time_limit, PATIENCE),
            isolated=options.isolated,
            threads=options.threads,
        )
        line = Line(label, measurement)
        if measurement.seconds is not None:
            line.extra["ns a pair"] = 1e9 * measurement.seconds / case.n**2
        lines.append(line)
    alone, streamed = lines
    streamed.aim, streamed.met = f"<= {OF_EXPONENTIALS:g} of the exponentials", False
    if alone.extra and streamed.extra:
        streamed.extra["of exp"] = streamed.extra["ns a pair"] / alone.extra["ns a pair"]
        streamed.met = streamed.extra["of exp"] <= OF_EXPONENTIALS
    return lines


def robust(options: Options, say: Say) -> list[Line]:
    """Random problems by the thousand, every formulation; a run goes on where the last ended."""
    count = FEW if options.quick else INSTANCES
    lines = []
    for formulation in FORMULATIONS:
        whole = StressCase(formulation, 0, count)
        total = Measurement("stress", whole.as_dict(), {"tol": TOL}, seconds=0.0)
        for first in range(0, count, SLICE):
            case = StressCase(formulation, first, min(SLICE, count - first))
            _add(total, _slice(case, options, say))
        line = Line(tolerance_label(TOL), total, aim="no fault", extra=dict(total.work))
        faults = sum(line.extra.get(fault, 0.0) for fault in FAULTS)
        line.met = total.outcome == "ok" and not faults and line.extra["instances"] == count
        lines.append(line)
    return lines


def _slice(case: StressCase, options: Options, say: Say) -> Measurement:
    """The measurement of a slice, from the disk if this source has been there."""
    path = SLICES / source_digest() / f"{case.formulation}-{case.first}-{case.count}.json"
    if path.exists():
        return Measurement(**json.loads(path.read_text()))
    say(str(case))
    how = {"isolated": options.isolated, "threads": THREADS}
    limit = max(options.time_limit, PATIENCE)
    found, _ = measure("stress", case, {"tol": TOL}, runs=0, time_limit=limit, **how)
    if found.outcome == "ok" and not options.quick:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(found)))
    return found


def _add(total: Measurement, part: Measurement) -> None:
    """Add the counts of a slice, its time and what it says."""
    if part.outcome != "ok":
        total.outcome = part.outcome
    for name in ("instances", *FAULTS):
        total.work[name] = total.work.get(name, 0.0) + part.work.get(name, 0.0)
    total.seconds = (total.seconds or 0.0) + (part.seconds or 0.0)
    total.runs = [total.seconds]
    total.message = "; ".join(filter(None, (total.message, part.message)))
