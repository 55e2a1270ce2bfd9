"""Coarse versions of a problem: rows and columns in nested clusters.

Rows are points: their coordinates, or their costs to a few columns where only a matrix is known.
A kd tree cuts them into clusters of equal size; their mass is the sum, the cost between two the
mean, or that between the mean points. Potentials found there, read on single columns against
the clusters of rows, are good to second order in the size of a cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from quot.costs import Cost, DenseCost, PointCost, SparseCost
from quot.coupling import sums
from quot.dual import Dual
from quot.kernels import clusters as kernels
from quot.kernels import rounding
from quot.pairs import Pricer
from quot.pairs.screen import Blocks
from quot.parallel import map_rows
from quot.plan import Plan
from quot.problem import Problem, Transport
from quot.settings import settings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

T = TypeVar("T", bound=Transport)

_LANDMARKS = 8


@dataclass(frozen=True, eq=False)
class Level(Generic[T]):
    """A coarse problem and how the next finer one hangs on it.

    Parameters
    ----------
    problem : Problem or AdaptiveProblem
        Between clusters, K_a x K_b.
    rows, cols : int64 arrays of shape (n,), (m,)
        Cluster of each row and column of the finer problem.
    col_cost : Cost of shape (m, K_a)
        Finer columns against clusters of rows.
    """

    problem: T
    rows: Ints
    cols: Ints
    col_cost: Cost

    def extend(
        self: Level[Problem], dual: Dual, reg: float, finer: Problem, pricer: Pricer
    ) -> Dual:
        """Read the potentials of this level at `reg` on the rows and columns of the finer one.

        A finer column is treated as if it were its cluster: it pays the g at which it would take
        the cluster's mass from the clusters of rows. Then every finer row pays what it takes to
        send its own mass at the finer reg.
        """
        g = self.column_prices(dual, reg, pricer)
        f = pricer.row_roots(finer.cost, g + dual.lam, finer.reg * finer.a)
        if not finer.is_balanced:
            f = np.minimum(f, 0.0)
        return Dual(f, g, dual.lam)

    def column_prices(self: Level[Problem], dual: Dual, reg: float, pricer: Pricer) -> Floats:
        """Return the g of the finer columns, (m,), from the potentials of this level at `reg`."""
        coarse = self.problem
        g = pricer.row_roots(self.col_cost, dual.f + dual.lam, reg * coarse.b[self.cols])
        return g if coarse.is_balanced else np.minimum(g, 0.0)

    def extend_slacks(self, rows: Floats, cols: Floats) -> tuple[Floats, Floats]:
        """Read slacks of rows and columns on those of the finer problem."""
        return rows[self.rows], cols[self.cols]

    def refine(self, plan: Plan, dual: Dual, finer: T) -> tuple[Plan, Dual]:
        """Spread a plan of this level over the finer one, clusters by their members, no search.

        What is feasible stays so; members pay what their cluster does. For a solve that is stopped
        here: `extend` says more, and takes longer.
        """
        member_a, start_a = _members(self.rows, self.problem.shape[0])
        member_b, start_b = _members(self.cols, self.problem.shape[1])
        rows, cols, values = rounding.refine(
            plan.rows, plan.cols, plan.values,
            member_a, start_a, finer.a, member_b, start_b, finer.b,
        )  # fmt: skip
        order = np.lexsort((cols, rows))
        finer_plan = Plan(finer.shape, rows[order], cols[order], values[order])
        return finer_plan, Dual(dual.f[self.rows], dual.g[self.cols], dual.lam)


def _members(label: Ints, count: int) -> tuple[Ints, Ints]:
    """Members of each cluster, one after another, and where each begins, (count + 1,)."""
    order = np.argsort(label, kind="stable")
    return order, np.searchsorted(label[order], np.arange(count + 1))


def coarsen(problem: T, complete: int | None = None) -> list[Level[T]]:
    """Return coarse versions of a problem, finest first; none if it is small or sparse.

    Problems of so many pairs are small, `settings().complete` by default.
    """
    levels: list[Level[T]] = []
    n, m = problem.shape
    complete = settings().complete if complete is None else complete
    if isinstance(problem.cost, SparseCost) or n * m <= complete or min(n, m) < 2:
        return levels
    depth_a, depth_b = _depth(n), _depth(m)
    rows = _clusters(_features(problem.cost, 0), depth_a)
    cols = _clusters(_features(problem.cost, 1), depth_b)
    finer = problem
    while finer.shape[0] * finer.shape[1] > complete and max(depth_a, depth_b) > 0:
        level = _join(finer, rows, cols)
        levels.append(level)
        depth_a, depth_b = max(depth_a - 2, 0), max(depth_b - 2, 0)
        finer = level.problem
        rows, cols = _parents(finer.shape[0], depth_a), _parents(finer.shape[1], depth_b)
    return levels


def span(problem: T, levels: list[Level[T]]) -> Level[T]:
    """Join several levels, finest first, to one: from the problem to the coarsest of them."""
    rows, cols = (np.arange(size) for size in problem.shape)
    for level in levels:
        rows, cols = level.rows[rows], level.cols[cols]
    return _join(problem, rows, cols)


def _depth(size: int) -> int:
    """Cuts that leave about four points a cluster; an even number."""
    return 0 if size <= settings().unclustered else 2 * round((np.log2(size) - 2) / 2)


def _parents(size: int, depth: int) -> Ints:
    """Cluster of each cluster, four to one while the tree has cuts left."""
    return np.arange(size) >> 2 if depth > 0 else np.arange(size)


def _features(cost: Cost, side: int) -> Floats:
    """Points whose distances tell which rows (0) or columns (1) are alike."""
    if isinstance(cost, PointCost):
        return cost.positions[side]
    n, m = cost.shape
    rng = np.random.default_rng(0)
    if side == 0:
        chosen = np.sort(rng.permutation(m)[:_LANDMARKS])
        parts = map_rows(lambda i, j: cost.block(i, j)[:, chosen], n, m, Blocks(cost).rows)
        return np.ascontiguousarray(np.concatenate(parts))
    chosen = np.sort(rng.permutation(n)[:_LANDMARKS])
    landmarks = cost.take(chosen, np.arange(m)).block(0, chosen.size)
    return np.ascontiguousarray(landmarks.T)


def _clusters(features: Floats, depth: int) -> Ints:
    """Cluster of each point after `depth` cuts."""
    if depth == 0:
        return np.arange(features.shape[0])
    order, bounds = kernels.kd_order(features, depth)
    label = np.empty(order.size, np.int64)
    label[order] = np.repeat(np.arange(bounds.size - 1), np.diff(bounds))
    return label


def _join(problem: T, rows: Ints, cols: Ints) -> Level[T]:
    """Join the rows and columns of each cluster."""
    k, q = int(rows.max()) + 1, int(cols.max()) + 1
    a, b = sums(rows, problem.a, k), sums(cols, problem.b, q)
    share_a, share_b = problem.a / a[rows], problem.b / b[cols]
    cost = problem.cost
    joined: Cost
    col_cost: Cost
    if isinstance(cost, PointCost):
        X, Y = cost.positions
        means = _means(X, rows, share_a, k), _means(Y, cols, share_b, q)
        joined = PointCost(*means, metric=cost.metric)
        col_cost = PointCost(Y, means[0], metric=cost.metric)
    else:
        by_rows = _average_rows(cost, rows, share_a, k)
        joined = DenseCost(_average_columns(DenseCost(by_rows), cols, share_b, q))
        col_cost = DenseCost(np.ascontiguousarray(by_rows.T))
    return Level(problem.joined(joined, rows, cols), rows, cols, col_cost)


def _means(points: Floats, label: Ints, share: Floats, count: int) -> Floats:
    """Weighted mean of each cluster; where it has no direction, its first point."""
    mean = np.stack([sums(label, share * x, count) for x in points.T], axis=1)
    lost = ~mean.any(axis=1)
    if lost.any():
        _, first = np.unique(label, return_index=True)
        mean[lost] = points[first[lost]]
    return mean


def _average_columns(cost: Cost, label: Ints, share: Floats, count: int) -> Floats:
    """Average a cost over clusters of columns, (n, count)."""
    n, m = cost.shape
    out = np.zeros((n, count))

    def part(start: int, stop: int) -> None:
        kernels.average_columns(cost.block(start, stop), label, share, out[start:stop])

    map_rows(part, n, m, Blocks(cost).rows)
    return out


def _average_rows(cost: Cost, label: Ints, share: Floats, count: int) -> Floats:
    """Average a cost over clusters of rows, (count, m)."""
    n, m = cost.shape
    out = np.zeros((count, m))
    order, first = _members(label, count)
    everything: Any = np.arange(m)

    def part(start: int, stop: int) -> None:
        members = order[first[start] : first[stop]]
        block = cost.take(members, everything).block(0, members.size)
        kernels.average_rows(block, 0, label[members], share[members], out)

    map_rows(part, count, m * max(1, n // count), max(1, 4 * Blocks(cost).rows * count // n))
    return out
