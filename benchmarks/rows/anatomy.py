"""Where the time of one call goes."""

from __future__ import annotations

from benchmarks.cases import Case
from benchmarks.measure import judge
from benchmarks.peers.clocked import PARTS
from benchmarks.rows.duels import OURS
from benchmarks.rows.lines import Line, Options, Say, is_below, tolerance_label
from benchmarks.rows.turns import in_turns
from benchmarks.together import Turn

N, MASS, LIMIT = 5, 0.7, 0.3e-3
REGS = (1.0, 0.01, 0.0)


def s0c(options: Options, say: Say) -> list[Line]:
    """The smallest problem of the row on small ones; microseconds of each part."""
    lines = []
    for reg in REGS:
        for mass in (None, MASS):
            case = Case(N, reg, mass)
            turns = [Turn("quot", case, OURS), Turn("clocked", case, OURS)]
            (plain, answer), (parts, _) = in_turns(turns, options, say)
            judge(plain, answer, None)
            line = Line(tolerance_label(OURS["tol"]), plain, aim=f"<= {1e3 * LIMIT:g} ms")
            line.met = is_below(plain.seconds, LIMIT) and plain.is_certified(OURS["tol"])
            if plain.seconds is not None:
                line.extra["call"] = 1e6 * plain.seconds
            line.extra |= {part: 1e6 * parts.work[part] for part in PARTS if part in parts.work}
            lines.append(line)
    return lines
