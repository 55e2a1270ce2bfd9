"""The linear problem on all pairs of a matrix, by the network simplex method.

Primal, on integer masses: each pivot lets a pair in that gains, sends mass round the cycle it closes
with a spanning tree, and lets a pair out that is empty then. It does not mind masses of very
different sizes. Where it ends no pair of the matrix gains: there is nothing left to price.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quot.kernels import simplex as kernels

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]

# The larger total of the masses as integers.
_UNITS = 2.0**61
# Costs of more than so many times what rows and columns have to pay are capped at that, unless that
# is not enough: what is never paid would only spoil the precision of prices.
_DEAR = 1e4
# Matrices of more entries are looked through in single precision first, for pairs that gain so much
# of the largest cost.
_LARGE, _SINGLE = 2_000_000, 5e-7
# Partial problems of more pairs start from the prices of one in so many rows and columns.
_MANY, _PART = 40_000, 6
# Entries that are looked at between two questions whether to stop.
_STRETCH = 50_000_000
# Costs beyond these are scaled.
_TINY, _HUGE = 1e-100, 1e100
# Passes from potentials read off the tree, and looks at each row in one of them: more are only taken
# where rounding decides what gains.
_ROUNDS, _PATIENCE = 10, 2000
# Rows in which a staircase has to be right, to be looked at any further.
_PROMISING = 16


@dataclass(frozen=True, eq=False)
class Vertex:
    """A vertex of the linear problem, and the prices that go with its tree.

    Parameters
    ----------
    rows, cols : int32 arrays of shape (K,)
        Pairs of the tree that carry mass.
    values : array of shape (K,)
    u, v : array of shape (n,), (m,)
        Prices: ``u_i + v_j <= C_ij``, up to rounding, and equal on the pairs of the tree.
    kept : (float, float)
        Prices of what rows, and of what columns keep: no u_i, or v_j, is larger. NaN where none is.
    basis : int32 array of shape (K, 2)
        Pairs of the tree, leaves first. Row n keeps for the columns, column m for the rows.
    pivots, looks : int
        Pivots, and rows looked through for pairs that gain.
    is_optimal : bool
        False if the method was stopped.
    """

    rows: Ints
    cols: Ints
    values: Floats
    u: Floats
    v: Floats
    kept: tuple[float, float]
    basis: Ints
    pivots: int
    looks: int
    is_optimal: bool


def solve_matrix(
    C: Floats,
    a: Floats,
    b: Floats,
    kept: tuple[float, float] = (0.0, 0.0),
    *,
    first: Ints | None = None,
    must_stop: Callable[[], bool] = lambda: False,
) -> Vertex:
    """Minimise ``<C, P>`` over plans P that send `a` to `b` but for what is kept.

    Parameters
    ----------
    C : array of shape (n, m)
        C-contiguous, finite.
    a, b : array of shape (n,), (m,)
        Masses, > 0. Their totals, less what is kept, are equal up to rounding.
    kept : (float, float)
        What all rows, and what all columns keep; 0 if all mass of the side moves.
    first : int32 array of shape (K, 2), optional
        Pairs for the first tree, leaves first, as the `basis` of a similar problem.
    must_stop : callable
        Asked now and then; True ends the method.
    """
    masses = _Masses.of(a, b, kept)
    u, v, reduced = _reduced(C, kept)
    low, high = float(reduced.min()), float(reduced.max())
    cap = low + _DEAR * _needed(reduced, low)
    while True:
        part = np.minimum(reduced, cap) if low < cap < high else reduced
        size = max(abs(low), abs(float(part.max())))
        scale = 1.0 if size == 0.0 or _TINY < size < _HUGE else 2.0 ** np.floor(np.log2(size))
        tree = _begin(part / scale if scale != 1.0 else part, masses, first)
        done = tree.descend(must_stop)
        dearest = tree.dearest(reduced)
        if part is reduced or dearest <= cap or not done:
            barred = np.inf if part is reduced else cap / scale
            return tree.vertex(barred, scale, u, v, is_optimal=done)
        cap, first = low + _DEAR * (dearest - low), tree.basis


def _reduced(C: Floats, kept: tuple[float, float]) -> tuple[Floats, Floats, Floats]:
    """The costs less a price (n,), (m,) of each row and column that is dear as a whole.

    That is one whose least cost is many times that of others, where all mass of its side moves.
    """
    u, v = np.zeros(C.shape[0]), np.zeros(C.shape[1])
    for price, axis in ((v, 0), (u, 1)):
        least = C.min(axis=axis)
        above = least - least.min()
        typical = _typical(above)
        if kept[1 - axis] == 0.0 and above.max() > _DEAR * typical:
            price[:] = np.where(above > _DEAR * typical, least, 0.0)
            C = C - (price if axis == 0 else price[:, None])
    return u, v, C


def _needed(C: Floats, low: float) -> float:
    """What a row or column has to pay, more or less."""
    return _typical(np.concatenate((C.min(axis=1), C.min(axis=0))) - low)


def _typical(x: Floats) -> float:
    """The median of what is positive."""
    positive = x[x > 0.0]
    return float(np.median(positive)) if positive.size else 0.0


class _Masses(NamedTuple):
    """Masses of rows and columns, the spare ones last: as integers, and as they are."""

    a: Longs
    b: Longs
    exact_a: Floats
    exact_b: Floats

    @classmethod
    def of(cls, a: Floats, b: Floats, kept: tuple[float, float]) -> _Masses:
        """The spare column takes what rows keep, the spare row gives what columns do."""
        units = _UNITS / max(float(a.sum()), float(b.sum()))
        if kept[0] > 0.0:
            b = np.append(b, kept[0])
        if kept[1] > 0.0:
            a = np.append(a, kept[1])
        whole_a, whole_b = (np.maximum(np.rint(x * units), 1.0).astype(np.int64) for x in (a, b))
        more = int(whole_a.sum()) - int(whole_b.sum())
        lighter = whole_b if more > 0 else whole_a
        lighter[int(lighter.argmax())] += abs(more)
        return cls(whole_a, whole_b, a, b)


class _Tree:
    """A strongly feasible tree, and how far it is from optimal."""

    def __init__(self, C: Floats, masses: _Masses, first: Ints, prices: Floats) -> None:
        self.C, self.masses = C, masses
        self.low, self.high = float(C.min()), float(C.max())
        size = max(abs(self.low), abs(self.high))
        self.corner = self.low + (max(2.0 * (self.high - self.low), 1e-3 * size) or 1.0)
        root = int(masses.b.argmax())
        order = np.argsort(-masses.a, kind="stable")
        arcs, flow = kernels.crash(
            C, self.low, self.corner, first, prices, order, masses.a, masses.b, root
        )
        rows, cols = masses.a.size, masses.b.size
        self.links, self.flow = kernels.plant(arcs, flow, rows, cols, root)
        self.rows, self.root = rows, rows + root
        self.p = np.zeros(rows + cols)
        self.at = np.zeros(4, np.int64)
        self._price()

    @property
    def basis(self) -> Ints:
        """Pairs (N - 1, 2) of the tree, leaves first."""
        nodes = kernels.leaves_first(self.links, self.root)
        hubs = self.links[kernels.PARENT, nodes]
        pairs: Ints = np.stack(
            (np.minimum(nodes, hubs), np.maximum(nodes, hubs) - self.rows), axis=1
        ).astype(np.int32)
        return pairs

    def _price(self) -> None:
        """Potentials once more from the tree, without the rounding of pivots; all rows are open."""
        self.p[self.root] = 0.0
        kernels.potentials(self.C, self.low, self.corner, self.links, self.root, self.rows, self.p)
        self.at[: kernels.CLEAN + 1] = 0

    def is_promising(self) -> bool:
        """Whether nothing gains in the first rows."""
        self._look(self.C, self.p[self.rows :], 0.0, _PROMISING)
        return self.at[kernels.PIVOTS] == 0

    def descend(self, must_stop: Callable[[], bool]) -> bool:
        """Pivot until no pair gains, at potentials read off the tree; True unless stopped."""
        done = True
        if self.C.size > _LARGE:
            margin = _SINGLE * max(abs(self.low), abs(self.high))
            rough, single = self.C.astype(np.float32), self.p[self.rows :].astype(np.float32)
            done = self._pass(rough, single, margin, must_stop)
            self._price()
        for _ in range(_ROUNDS):
            before = int(self.at[kernels.PIVOTS])
            done = done and self._pass(self.C, self.p[self.rows :], 0.0, must_stop)
            if not done or self.at[kernels.PIVOTS] == before:
                break
            self._price()
        return done

    def _pass(
        self,
        costs: NDArray[np.floating],
        v: NDArray[np.floating],
        margin: float,
        must_stop: Callable[[], bool],
    ) -> bool:
        """Pivot until no pair gains; True unless stopped."""
        most = max(1, _STRETCH // self.C.shape[1])
        last = int(self.at[kernels.LOOKS]) + _PATIENCE * self.rows
        while not self._look(costs, v, margin, most):
            if self.at[kernels.LOOKS] > last or must_stop():
                return False
        return True

    def _look(
        self, costs: NDArray[np.floating], v: NDArray[np.floating], margin: float, most: int
    ) -> bool:
        clean: bool = kernels.descend(
            self.C, self.low, self.corner, costs, v, margin,
            self.links, self.flow, self.p, self.at, most,
        )  # fmt: skip
        return clean

    def dearest(self, C: Floats) -> float:
        """The largest cost that something is sent at but what rounding to integers explains."""
        nodes = np.flatnonzero(self.flow > self.flow.size)
        hubs = self.links[kernels.PARENT, nodes]
        i, j = np.minimum(nodes, hubs), np.maximum(nodes, hubs) - self.rows
        real = (i < C.shape[0]) & (j < C.shape[1])
        return float(C[i[real], j[real]].max(initial=self.low))

    def vertex(
        self, barred: float, scale: float, u: Floats, v: Floats, *, is_optimal: bool
    ) -> Vertex:
        """The plan of the tree for the masses as they are, and prices in the units of the problem.

        `barred`: pairs at this cost or more get nothing. `scale`, `u` and `v`: what costs were
        divided by, after these prices were taken from them.
        """
        (n, m), masses, p = self.C.shape, self.masses, self.p
        i, j, x = kernels.plan(
            self.C, self.low, self.corner, barred, self.links, self.root, p,
            masses.exact_a, masses.exact_b,
        )  # fmt: skip
        real = (i < n) & (j < m)
        paid_a, paid_b = scale * p[: self.rows], scale * p[self.rows :]
        low = scale * self.low
        return Vertex(
            i[real],
            j[real],
            x[real],
            paid_a[:n] + u,
            paid_b[:m] + v,
            (
                low - float(paid_b[m]) if paid_b.size > m else np.nan,
                low - float(paid_a[n]) if paid_a.size > n else np.nan,
            ),
            self.basis,
            int(self.at[kernels.PIVOTS]),
            int(self.at[kernels.LOOKS]),
            is_optimal,
        )


def _begin(C: Floats, masses: _Masses, first: Ints | None) -> _Tree:
    """A tree to begin with: the given one; the staircase, if it looks right; or a crash basis."""
    n, m = C.shape
    none = np.zeros((0, 2), np.int32)
    balanced = masses.a.size == n and masses.b.size == m
    prices = np.zeros(masses.b.size)
    prices[:m] = kernels.column_minima(C, np.zeros(n))
    prices[m:] = float(C.min())
    if first is not None:
        return _Tree(C, masses, first, prices)
    if balanced:
        tree = _Tree(C, masses, _staircase(masses), prices)
        if tree.is_promising():
            return tree
    elif C.size > _MANY and min(n, m) > _PART:
        prices = _prices_of_a_part(C, masses)
    return _Tree(C, masses, none, prices)


def _staircase(masses: _Masses) -> Ints:
    """Pairs that the north-west corner rule takes: optimal where costs are convex along a line."""
    ends = np.cumsum(masses.a), np.cumsum(masses.b)
    at = np.union1d(np.append(0, ends[0][:-1]), ends[1][:-1])
    steps = [np.searchsorted(end, at, side="right") for end in ends]
    return np.stack(steps, axis=1).astype(np.int32)


def _prices_of_a_part(C: Floats, masses: _Masses) -> Floats:
    """Prices of the columns, and of what rows keep, from a problem of few rows and columns."""
    (n, m), a, b = C.shape, masses.exact_a, masses.exact_b
    rng = np.random.default_rng(0)
    rows, cols = (np.sort(rng.permutation(size)[: size // _PART]) for size in (n, m))
    part = float(a[rows].sum() / a[:n].sum())
    kept = tuple(part * float(side.sum()) for side in (b[m:], a[n:]))
    some = b[cols] * (part * float(b[:m].sum()) / float(b[cols].sum()))
    found = solve_matrix(np.ascontiguousarray(C[np.ix_(rows, cols)]), a[rows], some, kept)
    prices = np.empty(b.size)
    prices[:m] = kernels.column_minima(np.ascontiguousarray(C[rows]), found.u)
    prices[m:] = float(C.min()) - found.kept[0]
    return prices
