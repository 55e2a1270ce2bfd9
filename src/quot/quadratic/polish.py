"""Potentials read off a plan: as exact as the costs, where a solver's carry its round-off.

A solver's potentials are known to the rounding of the largest of them. On every pair that carries
mass f + g + lam = C + reg P, on a row or column that keeps mass back the multiplier is zero: along
a spanning forest of these equations each potential is a sum of few numbers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quot.dual import Dual
from quot.kernels import forest
from quot.plan import Plan
from quot.problem import Problem

Floats = NDArray[np.float64]
Ints = NDArray[np.integer]

# A marginal this close to its bound (relative) is on it.
_FULL = 1e-12


def polish(problem: Problem, plan: Plan, dual: Dual) -> Dual:
    """Return potentials that solve the equations of the plan along a spanning forest.

    Heavy entries first; each tree is put where its root was. Those of rows and columns without
    mass, NaN, stay so.
    """
    n, m = problem.shape
    source, sink = n + m, n + m + 1
    tail, head, length, order = equations(problem, plan)
    potentials = np.concatenate((-dual.f, dual.g + dual.lam, [0.0, dual.lam]))
    root = (np.arange(potentials.size) == source).astype(np.float64)
    tree = forest.span(order, tail, head, potentials.size, root)
    forest.stretch(*tree, tail, head, length, potentials)
    f, g = -potentials[:n], potentials[n : n + m]
    if problem.is_balanced:
        return Dual(f, g)
    lam = float(potentials[sink])
    return Dual(np.minimum(f, 0.0), np.minimum(g - lam, 0.0), lam)


def equations(problem: Problem, plan: Plan) -> tuple[Ints, Ints, Floats, Ints]:
    """Arcs, what potentials differ by along them, and the arcs by preference.

    Rows are the nodes 0 .. n - 1, then come the columns, S and T. What hangs on S and T comes
    first, then the heaviest entries.
    """
    n, m = problem.shape
    keeps_a = _keeps_back(problem, problem.a, plan.row_sums())
    keeps_b = _keeps_back(problem, problem.b, plan.col_sums())
    source, sink = np.full(keeps_a.size, n + m), np.full(keeps_b.size, n + m + 1)
    tail = np.concatenate((plan.rows, source, n + keeps_b)).astype(np.int32)
    head = np.concatenate((n + plan.cols, keeps_a, sink)).astype(np.int32)
    length = np.zeros(tail.size)
    length[: plan.nnz] = problem.cost.at(plan.rows, plan.cols) + problem.reg * plan.values
    order = np.concatenate(
        (np.arange(plan.nnz, tail.size), np.argsort(-plan.values, kind="stable"))
    )
    return tail, head, length, order


def _keeps_back(problem: Problem, mass: Floats, have: Floats) -> NDArray[np.int64]:
    """Rows (or columns) that do not move all their mass."""
    if problem.is_balanced:
        return np.zeros(0, np.int64)
    return np.flatnonzero((have < mass * (1.0 - _FULL)) & (mass > 0.0))
