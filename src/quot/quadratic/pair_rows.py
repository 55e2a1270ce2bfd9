"""Rows of a quadratic problem, and how they answer prices of the columns: over all pairs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quot.ascent import Point
from quot.convergence import Iterate
from quot.kernels.flow import components
from quot.network.laplacian import LaplacianSolver
from quot.pairs import Pricer
from quot.pairs.balance import Balanced
from quot.parallel import dot
from quot.plan import Plan, sums
from quot.problem import Problem

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]

# Columns and rows that touch no others and miss something in total move so many times as far as
# they would with one pair more for each column.
_APART = 10.0
# Residual (relative) of the linear systems.
_SYSTEM = 1e-6


class PairRows:
    """How the rows answer: each with the price at which it sends its mass, but no more than 0.

    Parameters
    ----------
    problem : Problem
        Masses positive, reg > 0.
    pricer : Pricer
    solver : LaplacianSolver
    """

    reach, rounding, box = np.inf, 0.0, None

    def __init__(self, problem: Problem, pricer: Pricer, solver: LaplacianSolver) -> None:
        self.problem, self.pricer, self.solver = problem, pricer, solver
        self.C = problem.cost.block(0, problem.shape[0])

    def respond(self, v: Floats, near: Balanced) -> tuple[Balanced, Floats, float]:
        """The answer, what each column gets, and what the rows add to the dual value."""
        problem, reg = self.problem, self.problem.reg
        highest = np.inf if problem.is_balanced else 0.0
        rows = self.pricer.balance(self.C, v, reg * problem.a, near.f, highest)
        got = sums(rows.cols, rows.beyond, v.size) / reg
        return rows, got, dot(problem.a, rows.f) - 0.5 / reg * dot(rows.beyond, rows.beyond)

    def alone(self, answer: Balanced, v: Floats, highest: float) -> Floats:
        """Prices at which each column is balanced, the rows being where they are."""
        target = self.problem.reg * self.problem.b
        return self.pricer.balance(self.C.T, answer.f, target, v, highest).f

    def direction(
        self, answer: Balanced, wanted: Floats, at_top: Bools, top: float, firm: float
    ) -> Floats:
        """How the columns would move for each to get so much more; those at the top as one.

        The system is that of a graph, where pairs that carry something join rows and columns. Those
        that nearly do so count, too: columns that get next to nothing stay tied to what they touch.
        Rows of price 0 in a partial problem are the ground, which stays.
        """
        (n, m), reg = self.problem.shape, self.problem.reg
        peak, ground = n + m, n + m + 1
        stays = np.zeros(n, np.bool_) if self.problem.is_balanced else answer.f == 0.0
        row = np.where(stays, ground, np.arange(n, dtype=np.int32)).astype(np.int32)
        col = np.where(at_top, peak, np.arange(n, n + m, dtype=np.int32)).astype(np.int32)
        tail, head = row[answer.rows], col[answer.cols]
        rhs = np.zeros(n + m + 2)
        rhs[n : n + m] = np.where(at_top, 0.0, wanted)
        rhs[peak] = top
        pairs = np.full(tail.size, 1.0 / reg)
        part = components(np.arange(rhs.size, dtype=np.int32), pairs, tail, head)
        share = _share(part, rhs, np.unique(col), ground)
        rhs[col] -= share[col]
        rhs[ground] -= rhs.sum()
        x = self.solver.solve(
            np.append(tail, np.full(m, ground, np.int32)),
            np.append(head, col),
            np.append(pairs, np.full(m, firm / reg)),
            rhs,
            _SYSTEM,
        )
        direction: Floats = (x + _APART * reg * share)[col] - x[ground]
        return direction

    def iterate(self, point: Point[Balanced], steps: int) -> Iterate:
        """What there is to report."""
        effort = self.pricer.take_effort()
        return Iterate(
            residual=point.wrong / self.problem.unit,
            support=int(np.count_nonzero(point.answer.beyond)),
            candidates=self.C.size,
            violators=0,
            reg=self.problem.reg,
            inner=steps,
            pairs=effort.pairs,
            boxes=effort.boxes,
        )

    def plan(self, answer: Balanced) -> Plan:
        """What the rows send."""
        return Plan(self.problem.shape, answer.rows, answer.cols, answer.beyond / self.problem.reg)


def _share(part: Ints, rhs: Floats, cols: Ints, ground: int) -> Floats:
    """Of what the nodes of each part (N,) miss in total the share (N,) of each of its columns.

    No system could account for it. What is tied to the ground misses nothing.
    """
    net = np.bincount(part, rhs, rhs.size)
    net[part[ground]] = 0.0
    share = np.zeros(rhs.size)
    share[cols] = net[part[cols]] / np.bincount(part[cols], minlength=rhs.size)[part[cols]]
    return share
