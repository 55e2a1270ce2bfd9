"""Where the way down begins, and how many pairs are active at its end."""

from __future__ import annotations

import numpy as np

from quot.costs import DenseCost, sample, spread, usual_cost
from quot.dual import Dual
from quot.pairs.blocks import row_roots
from quot.pairs.screen import Blocks
from quot.problem import Problem

# Rows that are looked at to guess how many pairs are active.
_ROWS = 16


def smooth_reg(problem: Problem) -> float:
    """Return a reg at which a good part of all pairs is active, not below the problem's own."""
    costs = sample(problem.cost)
    off = np.abs(costs - np.median(costs))  # a few far points must not set the scale for all
    width = 1.5 * float(np.median(off)) or float(off.mean()) or float(np.abs(costs).max()) or 1.0
    typical = min(float(problem.a.mean()), problem.total)
    return max(2.0 * width / typical, problem.reg)


def active_at(problem: Problem, reg: float) -> float:
    """Guess how many pairs in a row carry mass at a reg: of some rows, each on its own."""
    n, m = problem.shape
    rows = spread(n, _ROWS)
    block = problem.cost.take(rows, np.arange(m)).block(0, rows.size)
    mass = problem.a[rows] * (problem.total / float(problem.a.sum()))
    f = row_roots(Blocks(DenseCost(np.ascontiguousarray(block))), np.zeros(m), reg * mass)
    return float(np.count_nonzero(block < f[:, None])) / rows.size


def first_dual(problem: Problem) -> Dual:
    """Where the path begins: all rows pay a typical cost."""
    n, m = problem.shape
    typical = usual_cost(problem.cost)
    if problem.is_balanced:
        return Dual(np.full(n, typical), np.zeros(m))
    return Dual(np.zeros(n), np.zeros(m), typical)
