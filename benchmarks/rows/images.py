"""Pictures as distributions, with reg and without, against the network simplex."""

from __future__ import annotations

from benchmarks.cases import ImageCase
from benchmarks.rows.duels import EMD_LONG, Duel, Rival, run_duels
from benchmarks.rows.lines import Line, Options, Say, limit_seconds
from benchmarks.rows.strengths import PICTURES

MASS = 0.8
# Seconds that we aim at where reg is 0, by the side.
AIMS = {128: 4.0, 256: 30.0}


def images(options: Options, say: Say) -> list[Line]:
    """Every size: balanced and partial, quadratic and linear; peers know the linear problem."""
    emd = Rival("emd", "1e7 iterations", EMD_LONG)
    partial = Rival("partial", "1e7 iterations", EMD_LONG)
    duels = []
    for side in (8,) if options.quick else (64, 128, 256):
        duels += [
            Duel(ImageCase(side, PICTURES), ()),
            Duel(ImageCase(side, 0.0), (emd,)),
            Duel(ImageCase(side, PICTURES, MASS), ()),
            Duel(ImageCase(side, 0.0, MASS), (partial,)),
        ]
    lines = run_duels(duels, options, say)
    for line in lines:
        ours = line.measurement
        line.extra = dict(ours.work)
        seconds = None if ours.case["reg"] else AIMS.get(ours.case["side"])
        if ours.solver == "quot" and seconds is not None:
            limit_seconds(line, seconds)
    return lines
