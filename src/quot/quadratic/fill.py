"""Potentials of rows and columns without mass, that nothing has priced."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quot.costs import Cost, DenseCost, SparseCost, turned
from quot.dual import Dual
from quot.kernels import minima as kernels
from quot.pairs import Pricer
from quot.plan import Plan
from quot.problem import Problem
from quot.settings import settings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Rounding of a sum of few numbers, relative.
_ROUND_OFF = 4 * float(np.finfo(np.float64).eps)


def fill(problem: Problem, dual: Dual) -> Dual:
    """Give rows and columns without mass the largest potential that violates no pair.

    At reg = 0 no pair may be violated at all: the last round-off is taken from f.
    """
    f, g, lam = dual.f, dual.g, dual.lam
    is_open = np.isnan(g)
    if is_open.any():
        open_g, known = np.flatnonzero(is_open), np.flatnonzero(~np.isnan(f))
        if known.size:
            g = g.copy()
            g[open_g] = _below(turned(problem.cost.take(known, open_g)), f[known] + lam)
    if problem.reg == 0.0:
        f = _least(problem.cost, g + lam)
    elif (is_open := np.isnan(f)).any():
        open_f, everything = np.flatnonzero(is_open), np.arange(problem.shape[1])
        f = f.copy()
        f[open_f] = _below(problem.cost.take(open_f, everything), g + lam)
    if not problem.is_balanced:
        f, g = np.minimum(f, 0.0), np.minimum(g, 0.0)
    return Dual(f, g, lam)


def nothing(problem: Problem) -> tuple[Plan, Dual]:
    """The answer where no mass moves."""
    n, m = problem.shape
    lam = 0.0 if problem.is_balanced else float(_least(problem.cost, np.zeros(m)).min())
    f = np.full(n, np.nan) if problem.is_balanced else np.zeros(n)
    return Plan.empty(problem.shape), Dual(f, np.zeros(m), lam)


def _least(cost: Cost, g: Floats) -> Floats:
    """min_j C_ij - g_j for every row; 0 where all pairs are forbidden."""
    if isinstance(cost, DenseCost) and cost.C.size < settings().threaded:
        least = kernels.row_minima(cost.C, g)
    elif isinstance(cost, SparseCost):
        least = np.full(cost.shape[0], np.inf)
        np.minimum.at(least, cost.rows, cost.values - g[cost.cols])
    else:
        least = Pricer().row_roots(cost, g, np.zeros(cost.shape[0]))
    return np.where(np.isfinite(least), least, 0.0)


def _below(cost: Cost, g: Floats) -> Floats:
    """The same less its round-off, and that of g: so that no pair is violated."""
    least = _least(cost, g + _ROUND_OFF * np.abs(g))
    return least - _ROUND_OFF * np.abs(least)
