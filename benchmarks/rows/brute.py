"""The lower bound of the certificate against all pairs, one by one, in plain NumPy."""

from __future__ import annotations

import math
import time
from typing import Any

from benchmarks.cases import PointsCase
from benchmarks.measure import Measurement
from benchmarks.rows.lines import Line, Options, Say, Trial, run_trial
from benchmarks.rows.strengths import gaussian

AGREEMENT = 1e-12
# Rows and columns of a block that fits the cache.
_ROWS, _COLUMNS = 64, 2048


def bf(options: Options, say: Say) -> list[Line]:
    """Solve once, then scan; sharing no code with quot but the solve."""
    case = gaussian(300 if options.quick else 100_000, 2)
    ours, answer = run_trial(Trial(case, 1e-8), options, say)
    if answer is None:
        return [ours]
    say(f"{case}: all pairs")
    start = time.perf_counter()
    value = dual_value(case, answer.f, answer.g, answer.lam)
    seconds = time.perf_counter() - start
    scan = Measurement("brute", case.as_dict(), {}, seconds=seconds, runs=[seconds])
    line = Line("plain NumPy", scan, aim=f"difference <= {AGREEMENT:g}")
    lower = ours.measurement.lower
    ours.extra["lower bound"] = lower
    line.extra["lower bound"] = value
    line.extra["difference"] = abs(value - lower) / abs(lower)
    line.met = line.extra["difference"] <= AGREEMENT
    return [ours, line]


def dual_value(case: PointsCase, f: Any, g: Any, lam: float) -> float:
    """Return <f, a> + <g, b> + lam mass - sum [f + g + lam - C]_+^2 / (2 reg), f and g <= 0.

    In a balanced problem there is no sign and no lam. The sums are exact.
    """
    import numpy as np

    X, Y, a, b, reg = case.positions()
    if case.mass is None:
        lam = 0.0
    else:
        f, g = np.minimum(f, 0.0), np.minimum(g, 0.0)
    squares = []
    for i in range(0, len(X), _ROWS):
        x, high = X[i : i + _ROWS], f[i : i + _ROWS, None] + lam
        for j in range(0, len(Y), _COLUMNS):
            y = Y[j : j + _COLUMNS]
            cost = np.zeros((len(x), len(y)))
            for axis in range(case.d):
                apart = np.subtract.outer(x[:, axis], y[:, axis])
                apart *= apart
                cost += apart
            excess = high + g[None, j : j + _COLUMNS]
            excess -= cost
            squares.extend(np.square(excess[excess > 0.0]).tolist())
    linear = math.fsum((f * a).tolist()) + math.fsum((g * b).tolist()) + lam * (case.mass or 0.0)
    return linear - math.fsum(squares) / (2.0 * reg)
