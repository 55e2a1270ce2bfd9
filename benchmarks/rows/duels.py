"""Ours against peers on the same case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.cases import Case, Instance
from benchmarks.measure import THREADS, Measurement, judge, measure
from benchmarks.peers import SOLVERS
from benchmarks.rows.lines import Line, Options, Say, tolerance_label

OURS = {"tol": 1e-9}
# Settings of the peers: as their authors recommend them, and at our tolerance.
CLARABEL_OURS = {"tol_gap_abs": 1e-9, "tol_gap_rel": 1e-9, "tol_feas": 1e-9}
GRSSN = {"tol": 1e-6, "max_iter": 1000}
GRSSN_OURS = {"tol": 1e-9, "max_iter": 1000}
# By default the network simplex stops after 1e5 iterations, which is not enough here: emd then
# warns and returns a plan that is not optimal; partial_wasserstein raises and advises more dummies.
EMD = {"numThreads": THREADS}
EMD_LONG = EMD | {"numItermax": 10_000_000}
EMD_DUMMIES = EMD | {"nb_dummies": 100}


@dataclass(frozen=True)
class Rival:
    """A peer with settings and the speed-up we aim at; `case` if it cannot solve ours."""

    solver: str
    label: str
    settings: dict[str, Any] = field(default_factory=dict)
    aim: float | None = None
    case: Instance | None = None


@dataclass(frozen=True)
class Duel:
    """Our solver on one case to a tolerance, and its rivals."""

    case: Instance
    rivals: tuple[Rival, ...]
    tol: float = OURS["tol"]


def s1(quick: bool) -> list[Duel]:
    n = 30 if quick else 300
    rivals = (
        Rival("clarabel", "defaults", {}, 200.0),
        Rival("clarabel", "tolerances 1e-9", CLARABEL_OURS, 200.0),
    )
    return [Duel(Case(n, 0.01, 0.7), rivals)]


def s2(quick: bool) -> list[Duel]:
    return _balanced(40 if quick else 1000, (20.0, 40.0, 100.0))


def s3(quick: bool) -> list[Duel]:
    return _balanced(50 if quick else 2000, (60.0, 150.0, 300.0))


def _balanced(n: int, aims: tuple[float, ...]) -> list[Duel]:
    return [
        Duel(
            Case(n, reg),
            (
                Rival("grssn", "defaults (tol 1e-6)", GRSSN, aim),
                Rival("grssn", "tol 1e-9", GRSSN_OURS, aim),
                Rival("smooth", "defaults", {}),
            ),
        )
        for reg, aim in zip((1.0, 0.1, 0.01), aims, strict=True)
    ]


def s8(quick: bool) -> list[Duel]:
    sizes = {60: 1.5} if quick else {100: 1.5, 300: 3.0, 1000: 6.0, 4096: 7.0}
    return [duel for n, aim in sizes.items() for duel in _linear(n, aim)]


def _linear(n: int, aim: float) -> list[Duel]:
    balanced, partial = Case(n, 0.0), Case(n, 0.0, 0.7)
    return [
        Duel(
            partial,
            (
                Rival("emd", "balanced, 1e7 iterations", EMD_LONG, case=balanced),
                Rival("partial", "defaults", EMD),
                Rival("partial", "100 dummy points", EMD_DUMMIES),
                Rival("partial", "1e7 iterations", EMD_LONG, aim),
            ),
        ),
        Duel(
            balanced,
            (Rival("emd", "defaults", EMD), Rival("emd", "1e7 iterations", EMD_LONG, aim)),
        ),
    ]


def run_duels(duels: list[Duel], options: Options, say: Say) -> list[Line]:
    """Measure ours and each rival, and judge all plans by the same code."""
    how = {
        "time_limit": options.time_limit,
        "isolated": options.isolated,
        "threads": options.threads,
    }
    lines = []
    for duel in duels:
        say(f"{duel.case}: quot")
        settings = OURS | {"tol": duel.tol}
        ours, our_answer = measure("quot", duel.case, settings, runs=options.runs, **how)
        judge(ours, our_answer, None)
        lines.append(Line(tolerance_label(duel.tol), ours))
        for rival in duel.rivals if options.rivals else ():
            say(f"{duel.case}: {SOLVERS[rival.solver][0]}, {rival.label}")
            theirs, answer = measure(
                rival.solver,
                rival.case or duel.case,
                rival.settings,
                runs=2,
                memory=options.memory_limit,
                **how,
            )
            judge(theirs, answer, None if rival.case else our_answer)
            lines.append(_compare(rival, ours, theirs))
    return lines


def _compare(rival: Rival, ours: Measurement, theirs: Measurement) -> Line:
    line = Line(rival.label, theirs, aim=f">= {rival.aim:g}x" if rival.aim else "")
    if ours.seconds and theirs.seconds:
        line.ratio = theirs.seconds / ours.seconds
        if rival.aim is not None:
            line.met = line.ratio >= rival.aim and ours.is_certified(ours.settings["tol"])
    return line


def duels_of(of: Callable[[bool], list[Duel]]) -> Callable[[Options, Say], list[Line]]:
    """Return the row of these duels."""
    return lambda options, say: run_duels(of(options.quick), options, say)
