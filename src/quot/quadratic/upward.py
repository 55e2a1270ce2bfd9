"""Up from a vertex of the linear problem: its flow, pushed round cycles of its tree.

Near the linear problem few pairs carry anything beside those of the tree. The cycles are sought on
pairs near its prices, all are priced then, and those that gain are listed, too.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from quot.costs import spread
from quot.coupling import sums, unique
from quot.kernels import semidual as kernels
from quot.network.cycles import Tree
from quot.network.network import Network
from quot.network.simplex import Vertex
from quot.plan import Plan
from quot.problem import Problem
from quot.quadratic.pair_list import prices, visible_plan

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]

# Pairs listed at first for a row, more or less: as many have no more slack in this many rows.
_NEAREST, _ROWS = 8, 16
# Rounds of pricing; and pushes, for each row and column, after which Newton is tried again.
_ROUNDS, _PUSHES = 30, 5.0


class Upward:
    """The flow of a quadratic problem on a matrix, from that of the linear one.

    After the rows comes a spare one, which sends what columns keep, and after the columns one that
    gets what rows keep.

    Parameters
    ----------
    problem : Problem
        Masses positive, reg > 0.
    C : array of shape (n, m)
        Its costs, C-contiguous.
    vertex : Vertex
    kept : pair of floats
        What all rows, and what all columns keep.
    must_stop : callable
    """

    def __init__(
        self,
        problem: Problem,
        C: Floats,
        vertex: Vertex,
        kept: tuple[float, float],
        must_stop: Callable[[], bool],
    ) -> None:
        (n, m), self.kept = C.shape, kept
        self.problem, self.C, self.must_stop = problem, C, must_stop
        self.rows, self.cols = n + (kept[1] > 0.0), m + (kept[0] > 0.0)
        self.low, high = float(C.min()), float(np.max(C, initial=C.min(), where=np.inf > C))
        self.corner = self.low + 2.0 * (high - self.low) + max(abs(self.low), abs(high))
        self.supply = np.concatenate(
            (
                -np.append(problem.a, kept[1] if self.rows > n else ()),
                np.append(problem.b, kept[0] if self.cols > m else ()),
            )
        )
        self.first = self.u, self.v = vertex.u, vertex.v
        self.found = np.empty(n + 1, np.int64), np.empty(n * m, np.int32)
        child = np.flatnonzero(vertex.parent >= 0)
        hub = vertex.parent[child]
        on_tree = self._key(np.minimum(child, hub), np.maximum(child, hub) - self.rows)
        carried, values = self._carried(vertex)
        near = self._near(self._slack())
        self.key = unique(np.concatenate((near, on_tree, carried)))
        flow = sums(np.searchsorted(self.key, carried), values, self.key.size)
        arc = np.full(vertex.parent.size, -1, np.int32)
        arc[child] = np.searchsorted(self.key, on_tree)
        self.tree = Tree.given(self._network(), flow, vertex.parent, arc)

    def _carried(self, vertex: Vertex) -> tuple[Longs, Floats]:
        """Keys of the pairs of a vertex, and of all with a spare end, and what they carry."""
        (n, m), problem = self.C.shape, self.problem
        keys, values = [self._key(vertex.rows, vertex.cols)], [vertex.values]
        if self.cols > m:
            keys.append(self._key(np.arange(n), np.full(n, m)))
            values.append(np.maximum(problem.a - sums(vertex.rows, vertex.values, n), 0.0))
        if self.rows > n:
            keys.append(self._key(np.full(m, n), np.arange(m)))
            values.append(np.maximum(problem.b - sums(vertex.cols, vertex.values, m), 0.0))
        return np.concatenate(keys), np.concatenate(values)

    def settle(self, enough: float, most: float) -> bool:
        """Push until no cycle gains more than `enough`, over all pairs; False if that takes long.

        most: what it may take in pushes, more or less.
        """
        last = self.tree.effort + most
        for _ in range(_ROUNDS):
            few = min(_PUSHES * self.supply.size, last - self.tree.effort)
            is_done = bool(self.tree.descend(enough, few, self.must_stop))
            self._read()
            new = np.setdiff1d(self._near(-enough), self.key, assume_unique=True)
            if not new.size or self.must_stop():
                return is_done
            if self.tree.effort >= last:
                return False
            self._widen(new)
        return False

    @property
    def typical(self) -> float:
        """What the quadratic term adds to the price of a typical pair."""
        return self.problem.reg * self.problem.total / max(self.problem.shape)

    def plan(self) -> Plan:
        """What is sent."""
        (i, j), (n, m) = self._pairs(), self.C.shape
        real = np.flatnonzero((i < n) & (j < m) & (self.flow > 0.0))
        pairs = i[real].astype(np.int32), j[real].astype(np.int32)
        return visible_plan(self.problem, *pairs, self.flow[real])

    def _read(self) -> None:
        """Flow and prices, as the tree has them."""
        self.flow, p = self.tree.read()
        (n, m), rows = self.C.shape, self.rows
        self.u, self.v = -p[:n], p[rows : rows + m]
        # What keeps some is worth no more than what that costs.
        kept = (
            self.low - float(p[rows + m]) if self.cols > m else np.nan,
            self.low + float(p[n]) if self.rows > n else np.nan,
        )
        self.dual = prices(self.problem, self.u, self.v, kept)

    def _slack(self) -> float:
        """Slack that so many pairs of a typical row have no more of."""
        rows = spread(self.C.shape[0], _ROWS)
        slack = self.C[rows] - self.v - self.u[rows, None]
        most = min(_NEAREST, slack.shape[1] - 1)
        typical = float(np.median(np.partition(slack, most, axis=1)[:, most]))
        return max(min(typical, float(np.max(slack, initial=0.0, where=np.inf > slack))), 0.0)

    def _near(self, bar: float) -> Longs:
        """Keys of the pairs with no more slack."""
        kernels.nearby(self.C, self.u, self.v, bar, *self.found)
        start, col = self.found
        return self._key(np.repeat(np.arange(start.size - 1), np.diff(start)), col[: start[-1]])

    def _key(self, i: NDArray[np.integer], j: NDArray[np.integer]) -> Longs:
        key: Longs = i.astype(np.int64) * self.cols + j
        return key

    def _pairs(self) -> tuple[Longs, Longs]:
        i, j = np.divmod(self.key, self.cols)
        return i, j

    def _network(self) -> Network:
        """The network of the listed pairs."""
        (i, j), (n, m) = self._pairs(), self.C.shape
        real = (i < n) & (j < m)
        cost = np.where((i == n) & (j == m), self.corner, self.low)
        cost[real] = self._costs(i[real], j[real])
        return Network(
            i.astype(np.int32),
            (self.rows + j).astype(np.int32),
            cost=cost,
            weight=np.where(real, self.problem.reg, 0.0),
            capacity=np.full(i.size, np.inf),
            undirected=np.zeros(i.size, np.bool_),
            supply=self.supply,
        )

    def _costs(self, i: Longs, j: Longs) -> Floats:
        """Costs of pairs; of a forbidden one, which is of the tree, what that was taken to be."""
        cost, (u, v) = self.C[i, j], self.first
        costs: Floats = np.where(cost < np.inf, cost, u[i] + v[j])
        return costs

    def _widen(self, new: Longs) -> None:
        """List more pairs."""
        old, self.key = self.key, unique(np.append(self.key, new))
        self.tree = self.tree.among(self._network(), np.searchsorted(self.key, old))
        self._read()
