"""One call on a small dense problem, against the best peers there are for it."""

from __future__ import annotations

from benchmarks.cases import Case, EverydayCase
from benchmarks.measure import judge
from benchmarks.rows.duels import GRSSN, GRSSN_OURS, OURS
from benchmarks.rows.lines import Line, Options, Say, is_below, tolerance_label
from benchmarks.rows.turns import in_turns, milliseconds
from benchmarks.together import Turn

MASS = 0.7
# Milliseconds that a call may take, by n, and from where on it is to be faster than `emd`.
SIZES, FASTER = {5: 0.3, 20: 0.5, 100: 2.5, 300: 10.0}, 100
REGS = (1.0, 0.01, 0.0)
# The same where many plans are the cheapest, or rows have no mass.
EVERYDAY = {20: 1.0, 100: 5.0, 300: 20.0}
# An interior point takes too long beyond.
CLARABEL_TO = 100
ENOUGH = {"numItermax": 10_000_000}


def s0(options: Options, say: Say) -> list[Line]:
    """Every size and strength, balanced and partial."""
    sizes = {5: 0.3, 12: 0.5} if options.quick else SIZES
    return [
        line
        for n, aim in sizes.items()
        for reg in REGS
        for mass in (None, MASS)
        for line in _one(Case(n, reg, mass), aim, options, say)
    ]


def s0d(options: Options, say: Say) -> list[Line]:
    """What is not plain: many cheapest plans, and rows without mass."""
    sizes = {12: 1.0} if options.quick else EVERYDAY
    return [
        line
        for work in ("integer costs", "distances of bins", "without mass")
        for n, aim in sizes.items()
        for mass in (None, MASS)
        for line in _one(EverydayCase(work, n, mass=mass), aim, options, say)
    ]


def _one(case: Case | EverydayCase, aim: float, options: Options, say: Say) -> list[Line]:
    """Ours and its peers on one problem, in one process."""
    rivals = _rivals(case) if options.rivals else []
    turns = [Turn("quot", case, OURS), *(Turn(name, case, how) for name, _, how in rivals)]
    labels = [tolerance_label(OURS["tol"]), *(label for _, label, _ in rivals)]
    (ours, our_answer), *others = found = in_turns(turns, options, say)
    lines = []
    for label, (measurement, answer) in zip(labels, found, strict=True):
        judge(measurement, answer, our_answer)
        lines.append(Line(label, measurement, extra=milliseconds(measurement)))
    is_right = ours.is_certified(OURS["tol"])
    lines[0].aim = f"<= {aim:g} ms"
    lines[0].met = is_below(ours.seconds, 1e-3 * aim) and is_right
    for line, (theirs, _) in zip(lines[1:], others, strict=True):
        if ours.seconds and theirs.seconds:
            line.ratio = theirs.seconds / ours.seconds
            if isinstance(case, Case) and theirs.solver == "emd" and case.n >= FASTER:
                line.aim, line.met = ">= 1x", line.ratio >= 1.0 and is_right
    return lines


def _rivals(case: Case | EverydayCase) -> list[tuple[str, str, dict[str, float]]]:
    """Solvers of this problem, what they are called, and their settings."""
    if case.reg == 0.0:
        return [("emd" if case.mass is None else "partial", "1e7 iterations", ENOUGH)]
    if case.mass is None:
        return [
            ("grssn", "defaults (tol 1e-6)", GRSSN),
            ("grssn", "tol 1e-9", GRSSN_OURS),
        ]
    return [("clarabel", "defaults", {})] if case.n <= CLARABEL_TO else []
