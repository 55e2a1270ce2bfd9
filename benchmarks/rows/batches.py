"""Many small problems: one call of ours, against loops."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.cases import BatchCase
from benchmarks.rows.duels import GRSSN_OURS, OURS
from benchmarks.rows.lines import Line, Options, Say, tolerance_label
from benchmarks.rows.turns import in_turns, take_worst
from benchmarks.together import Turn

MASS = 0.7
# How many problems of n rows and columns, and milliseconds that one of them may take.
SIZES = {5: (4000, 0.05), 20: (2000, 0.1), 64: (1000, 0.5), 256: (100, 5.0)}
REGS = (0.0, 0.01, 1.0)
# `emd` in a loop is to take so many times longer.
FASTER = 2.0
# Problems of a batch that slow peers are given, and how long each solver is called.
FEW, SECONDS = {5: 1000, 20: 200, 64: 20, 256: 4}, 4.0
ENOUGH = {"numItermax": 10_000_000}


def s0b(options: Options, say: Say) -> list[Line]:
    """Every size and strength, balanced and partial."""
    sizes = {6: (20, 0.5)} if options.quick else SIZES
    return [
        line
        for n, (count, aim) in sizes.items()
        for reg in REGS
        for mass in (None, MASS)
        for line in _one(BatchCase(n, count, reg, mass), aim, options, say)
    ]


def _one(case: BatchCase, aim: float, options: Options, say: Say) -> list[Line]:
    """The batch, the same problems one by one, and what a peer takes for each."""
    rivals = [("quot loop", case, OURS), *_rivals(case)] if options.rivals else []
    turns = [Turn("batch", case, OURS), *(Turn(*rival) for rival in rivals)]
    lines = []
    for turn, (m, _) in zip(turns, in_turns(turns, options, say, SECONDS), strict=True):
        work = take_worst(m)
        line = Line(tolerance_label(turn.settings.get("tol", 0.0)), m)
        if "tol" not in turn.settings:
            line.label = "1e7 iterations"
        if m.seconds is not None:
            each = m.seconds / turn.case.count
            line.extra = {"instances": work.get("instances", 0.0), "ms each": 1e3 * each}
        lines.append(line)
    ours = lines[0]
    own, is_right = ours.extra.get("ms each"), ours.measurement.is_certified(OURS["tol"])
    ours.aim, ours.met = f"<= {aim:g} ms each", own is not None and own <= aim and is_right
    for line in lines[1:]:
        if own and "ms each" in line.extra:
            line.ratio = line.extra["ms each"] / own
            if line.measurement.solver == "emd loop":
                line.aim = f">= {FASTER:g}x"
                line.met = line.ratio >= FASTER and is_right
    return lines


def _rivals(case: BatchCase) -> list[tuple[str, BatchCase, dict[str, float]]]:
    """Solvers of these problems, or of a few of them if they are slow, and their settings."""
    if case.reg == 0.0:
        return [("emd loop" if case.mass is None else "partial loop", case, ENOUGH)]
    if case.mass is None:
        few = replace(case, count=min(FEW.get(case.n, 3), case.count))
        return [("grssn loop", few, GRSSN_OURS)]
    return []
