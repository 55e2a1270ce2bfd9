"""One problem for several masses, or several reg, against single solves."""

from __future__ import annotations

from benchmarks.cases import PathCase
from benchmarks.rows.duels import OURS
from benchmarks.rows.lines import Line, Options, Say, tolerance_label
from benchmarks.rows.turns import in_turns, take_worst
from benchmarks.together import Turn

N, COUNT, MASS, REG = 1000, 10, 0.7, 0.01
# Some calls of seconds each.
SECONDS = 6.0
COLUMNS = ("breakpoints", "pivots", "steps")


def p(options: Options, say: Say) -> list[Line]:
    """Paths over reg and mass, for points and for random costs."""
    n, count = (12, 4) if options.quick else (N, COUNT)
    cases = [
        case
        for shape in ("gaussian", "random")
        for case in (
            PathCase(n, "reg", count, shape=shape),
            PathCase(n, "reg", count, mass=MASS, shape=shape),
            PathCase(n, "mass", 2 * count, shape=shape),
            PathCase(n, "mass", 2 * count, reg=REG, shape=shape),
            PathCase(n, "breakpoints", 2 * count, shape=shape),
        )
    ]
    return [line for case in cases for line in _one(case, options, say)]


def _one(case: PathCase, options: Options, say: Say) -> list[Line]:
    """The path, and as many solves that know nothing of each other, in one process."""
    solvers = ("path", "solves") if options.rivals else ("path",)
    turns = [Turn(solver, case, OURS) for solver in solvers]
    lines = []
    for m, _ in in_turns(turns, options, say, SECONDS):
        work = take_worst(m)
        line = Line(tolerance_label(OURS["tol"]), m)
        if m.seconds is not None and work.get("instances"):
            results = work["instances"]
            line.extra = {"results": results, "ms each": 1e3 * m.seconds / results}
            line.extra |= {name: work[name] for name in COLUMNS if name in work}
        lines.append(line)
    ours = lines[0].measurement.seconds
    for line in lines[1:]:
        if ours and line.measurement.seconds:
            line.ratio = line.measurement.seconds / ours
    return lines
