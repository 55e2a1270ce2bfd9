"""Pairs of a bipartite problem as the network simplex lists them, and what it finds read back.

After the rows of the problem come a spare one, which gives what columns keep, and the hub; after
the columns a spare one, which takes what rows keep, and the hub. The hub takes what rows cannot
send on listed pairs, and gives what columns cannot get, at the prices of the box around the list.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quot.dual import Dual
from quot.kernels import forest
from quot.kernels import vertex as kernels
from quot.network.basis import Masses
from quot.network.listed import ListBasis
from quot.pairs.candidates import Box
from quot.plan import Plan
from quot.problem import Problem
from quot.problem.many import Many
from quot.support import Support

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]

# Mass that is rounding, relative.
_ROUND_OFF = 1e-14
# The integer one, as a part of the total.
UNIT = 2.0**-60
# What a row or column sends through the hub is no crumb if it is this part of its mass.
_PART = 0.5


class Kept(NamedTuple):
    """What all rows, and what all columns keep; 0 where that is rounding."""

    rows: float
    cols: float

    @classmethod
    def of(cls, problem: Problem) -> Kept:
        """What a partial problem leaves where it is."""
        if problem.is_balanced:
            return cls(0.0, 0.0)
        left = (float(side.sum()) - problem.total for side in (problem.a, problem.b))
        return cls(*(x if x > _ROUND_OFF * problem.total else 0.0 for x in left))

    @staticmethod
    def each(problems: Many) -> Floats:
        """The same of many, (k, 2)."""
        if problems.is_balanced:
            return np.zeros((len(problems), 2))
        moves = problems.moves[:, None]
        left = np.stack([side.sum(axis=1) for side in (problems.a, problems.b)], axis=1) - moves
        return np.where(left > _ROUND_OFF * moves, left, 0.0)


def prices(problem: Problem, u: Floats, v: Floats, kept: tuple[float, float]) -> Dual:
    """The dual point of prices of rows and columns, and of what they keep (NaN: nothing)."""
    if problem.is_balanced:
        return Dual(u, v)
    rows, cols = (float(x.max()) if np.isnan(k) else k for x, k in zip((u, v), kept, strict=True))
    return Dual(np.minimum(u - rows, 0.0), np.minimum(v - cols, 0.0), rows + cols)


def visible_plan(
    problem: Problem, rows: Ints, cols: Ints, values: Floats, total: float | None = None
) -> Plan:
    """The plan of these pairs, less crumbs that the rounding to integers has left.

    total: what the integers are parts of, if it is more than what moves.
    """
    most = crumb(problem, total or problem.total)
    return Plan(problem.shape, *kernels.tidy(rows, cols, values, problem.a, problem.b, most))


def crumb(problem: Problem, total: float) -> float:
    """What the rounding of masses to integers of such a total may leave on a pair."""
    return sum(problem.shape) * UNIT * total


class PairList:
    """The pairs of a support, of the spare nodes, and of the hub.

    Parameters
    ----------
    problem : Problem
        Masses positive.
    support : Support
    box : Box, optional
    beyond : float, default=2
        Where the box has no price the hub is so many times dearer than any pair.
    """

    def __init__(
        self, problem: Problem, support: Support, box: Box | None, beyond: float = 2.0
    ) -> None:
        self.problem, self.kept = problem, Kept.of(problem)
        (n, m), kept = problem.shape, self.kept
        much = float(problem.a.sum() + problem.b.sum())
        a, b = np.append(problem.a, kept.cols), np.append(problem.b, kept.rows)
        self.masses = Masses.of(np.append(a[a > 0.0], much), np.append(b[b > 0.0], much))
        self._total = max(float(a.sum()), float(b.sum())) + much
        self.hub = self.masses.a.size - 1, self.masses.b.size - 1
        rows, cols = np.arange(n), np.arange(m)
        cost = problem.cost.at(support.rows, support.cols)
        dear = beyond * (float(np.abs(cost).max(initial=0.0)) or 1.0)
        bounds = (np.full(n, np.inf), np.full(m, np.inf)) if box is None else (box.rows, box.cols)
        up, down = (np.where(np.isfinite(x), x, dear) for x in bounds)
        hub_row, hub_col = self.hub
        # Costs at the hub: of a row, of the spare row where there is one, of the hub itself.
        self.up = np.concatenate((up, np.zeros(self.masses.a.size - n)))
        self.down = np.concatenate((down, np.zeros(self.masses.b.size - m)))
        spare = [(rows, np.full(n, m), np.zeros(n))] if kept.rows else []
        spare += [(np.full(m, n), cols, np.zeros(m))] if kept.cols else []
        self._last = (
            (np.arange(self.up.size), np.full(self.up.size, hub_col), self.up),
            (np.full(hub_col, hub_row), np.arange(hub_col), self.down[:hub_col]),
        )
        blocks = [(support.rows, support.cols, cost), *spare, *self._last]
        i, j, c = (np.concatenate(part) for part in zip(*blocks, strict=True))
        order = np.argsort(i, kind="stable")
        start = np.searchsorted(i[order], np.arange(self.masses.a.size + 1))
        self.pairs = start.astype(np.int64), j[order].astype(np.int32), c[order]

    def basis(self, first: Ints) -> ListBasis:
        """A basis that takes these pairs (K, 2) first; then the hub serves what is left."""
        rows = np.concatenate([first[:, 0], *(block[0] for block in self._last)])
        cols = np.concatenate([first[:, 1], *(block[1] for block in self._last)])
        pairs = np.stack((rows, cols), axis=1).astype(np.int32)
        return ListBasis(self.masses, self.pairs, pairs, self._cost(pairs))

    def _cost(self, pairs: Ints) -> Floats:
        """What pairs cost, those of the spare nodes and the hub included."""
        (n, m), (i, j), (hub_row, hub_col) = self.problem.shape, pairs.T, self.hub
        cost = np.where(j == hub_col, self.up[i], np.where(i == hub_row, self.down[j], 0.0))
        real = (i < n) & (j < m)
        cost[real] = self.problem.cost.at(i[real], j[real])
        return cost

    def forest(self, plan: Plan) -> Ints:
        """Pairs of a plan and of what is kept, leaves first, as far as they make a forest."""
        problem, (n, m) = self.problem, self.problem.shape
        part = 1.0 - _ROUND_OFF
        keeps_a = (plan.row_sums() < problem.a * part) & (self.kept.rows > 0.0)
        keeps_b = (plan.col_sums() < problem.b * part) & (self.kept.cols > 0.0)
        some_a, some_b = np.flatnonzero(keeps_a), np.flatnonzero(keeps_b)
        i = np.concatenate((plan.rows, some_a, np.full(some_b.size, n))).astype(np.int32)
        j = np.concatenate((plan.cols, np.full(some_a.size, m), some_b)).astype(np.int32)
        head, size = self.masses.a.size + j, self.masses.a.size + self.masses.b.size
        _, arcs = forest.span(np.arange(i.size), i, head.astype(np.int32), size, np.zeros(0))
        return np.stack((i[arcs], j[arcs]), axis=1)

    def read(self, tree: ListBasis) -> tuple[Plan, Dual, tuple[Bools, Bools]]:
        """The plan, the prices, and which rows and columns send through the hub."""
        (n, m), (hub_row, hub_col) = self.problem.shape, self.hub
        i, j, x = tree.plan()
        real = (i < n) & (j < m)
        total, all_a, all_b = self._total, self.masses.exact_a, self.masses.exact_b
        plan = visible_plan(self.problem, i[real], j[real], x[real], total)
        u, v = tree.p[: tree.rows], tree.p[tree.rows :]
        kept = (
            -float(v[m]) if self.kept.rows else np.nan,
            -float(u[n]) if self.kept.cols else np.nan,
        )
        # Crumbs of what is whole otherwise press nothing: they would at any price.
        least = np.minimum(crumb(self.problem, total), _PART * np.minimum(all_a[i], all_b[j]))
        much = x > np.maximum(least, _ROUND_OFF * self.problem.total)
        sends = np.bincount(i[much & (j == hub_col) & (i < n)], minlength=n) > 0
        gets = np.bincount(j[much & (i == hub_row) & (j < m)], minlength=m) > 0
        return plan, prices(self.problem, u[:n].copy(), v[:m].copy(), kept), (sends, gets)
