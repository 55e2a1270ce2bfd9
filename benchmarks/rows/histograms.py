"""Histograms, with reg and without, against the network simplex."""

from __future__ import annotations

from benchmarks.cases import HistogramCase
from benchmarks.rows.duels import EMD_LONG, Duel, Rival

MASS = 0.7
LINES, SIDES = (100, 300, 1000, 2000, 4000), (16, 32, 64)
# What we aim at where reg is 0 and where it is small, on as many bins at least.
SMALL, LINEAR_AIM, SMALL_AIM, FROM = 1e-3, 3.0, 1.0, 300


def s10(quick: bool) -> list[Duel]:
    """Every shape and size, balanced and partial, at three strengths."""
    lines, sides = ((20,), (4,)) if quick else (LINES, SIDES)
    kinds = [(n, shape, "sqeuclidean") for n in lines for shape in ("line", "shuffled")]
    kinds += [
        (side**2, "blobs", metric) for side in sides for metric in ("sqeuclidean", "euclidean")
    ]
    return [
        _duel(n, reg, mass, shape, metric)
        for n, shape, metric in kinds
        for mass in (None, MASS)
        for reg in (0.0, SMALL, 1.0)
    ]


def _duel(n: int, reg: float, mass: float | None, shape: str, metric: str) -> Duel:
    """Peers know the linear problem only, which is a yardstick where reg is small."""
    case, linear = (HistogramCase(n, r, mass, shape, metric) for r in (reg, 0.0))
    if reg > SMALL:
        return Duel(case, ())
    aim = None if n < FROM else SMALL_AIM if reg else LINEAR_AIM
    label = "reg = 0, 1e7 iterations" if reg else "1e7 iterations"
    peer = "emd" if mass is None else "partial"
    return Duel(case, (Rival(peer, label, EMD_LONG, aim, linear if reg else None),))
