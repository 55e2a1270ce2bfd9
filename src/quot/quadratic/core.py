"""The part of a problem between rows and columns that is solved, and what of it is full."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quot.costs import PointCost
from quot.dual import Dual
from quot.pairs.boxes import trees
from quot.problem import Problem
from quot.quadratic.small import MUCH

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# A multiplier this small (relative to the largest) says nothing.
_NOISE = 1e-10


def in_order(problem: Problem) -> tuple[Ints, Ints]:
    """Rows and columns with mass; points in kd order."""
    if isinstance(problem.cost, PointCost):
        sides = zip(trees(problem.cost), (problem.a, problem.b), strict=True)
        rows, cols = (tree.order[mass[tree.order] > 0.0] for tree, mass in sides)
        return rows, cols
    return np.flatnonzero(problem.a), np.flatnonzero(problem.b)


def within_reach(problem: Problem) -> Problem:
    """The problem with no row or column that has much more than moves in all.

    That is never asked for, and takes the digits of what is.
    """
    most = MUCH * problem.total
    if problem.is_balanced or max(problem.a.max(), problem.b.max()) <= most:
        return problem
    return problem.with_masses(
        np.minimum(problem.a, most), np.minimum(problem.b, most), problem.mass
    )


def full(problem: Problem, dual: Dual) -> tuple[Bools, Bools] | None:
    """Tell the rows and columns of a partial problem whose multipliers say that they are full."""
    if problem.is_balanced:
        return None
    known = np.concatenate((dual.f[~np.isnan(dual.f)], dual.g[~np.isnan(dual.g)]))
    noise = _NOISE * max(float(np.abs(known).max(initial=0.0)), abs(dual.lam))
    return dual.f < -noise, dual.g < -noise
