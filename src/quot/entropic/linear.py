"""Potentials of the linear problem from prices of the columns, whatever these are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quot.dual import Dual
from quot.entropic.passes import Passes
from quot.problem import Transport

Floats = NDArray[np.float64]


def linear_dual(problem: Transport, v: Floats, passes: Passes) -> Dual:
    """Return potentials with ``f_i + g_j + lam <= C_ij``, as good as these prices allow.

    Of a partial problem g is the price below the highest, and lam is best with that; then each f,
    and after that each g, is as high as it may be. Rows and columns without mass are in nobody's
    way, and come last. Two passes, and one more if there are such rows.

    Parameters
    ----------
    problem : Transport
    v : array of shape (m,)
        Prices of the columns, up to a constant.
    passes : Passes
        Over the costs of the problem.
    """
    top = np.inf if problem.is_balanced else 0.0
    full_a, full_b = problem.a > 0.0, problem.b > 0.0
    v = np.where(full_b, v - v[full_b].max(initial=-np.inf), -np.inf)
    cheapest = _least_of_rows(v, passes)
    lam = 0.0 if problem.is_balanced else _price(cheapest, problem.a, problem.total)
    f = np.where(full_a, np.minimum(cheapest - lam, top), -np.inf)
    left = passes.over(lambda C, rows: (C - f[rows, None]).min(axis=0))
    g = np.minimum(np.min(left, axis=0) - lam, top)
    g = np.where(np.isfinite(g), g, 0.0)  # of a column that no pair is allowed to
    if not full_a.all():
        f = np.where(full_a, f, np.minimum(_least_of_rows(g, passes) - lam, top))
    return Dual(f, g, lam)


def _least_of_rows(v: Floats, passes: Passes) -> Floats:
    """The cheapest pair of each row, less the price of its column; 0 if there is none."""
    least = np.concatenate(passes.over(lambda C, _: (C - v).min(axis=1)))
    return np.where(np.isfinite(least), least, 0.0)


def _price(cost: Floats, mass: Floats, total: float) -> float:
    """The price at which a total can be had from masses (n,) that cost so much."""
    order = np.argsort(cost, kind="stable")
    last = int(np.searchsorted(np.cumsum(mass[order]), total))
    return float(cost[order[min(last, order.size - 1)]])
