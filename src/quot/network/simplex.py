"""The linear problem by the network simplex method, on all pairs of a matrix.

Primal, on integer masses: each pivot lets a pair in that gains, sends mass round the cycle that it
closes with a spanning tree, and lets a pair out that is empty then. It does not mind masses of very
different sizes. Where it ends no pair gains: there is nothing left to price.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quot.kernels import minima
from quot.kernels import simplex as kernels
from quot.kernels import tree as trees
from quot.kernels import vertex as plans
from quot.network.basis import ROUNDS, Basis, Masses, stretch
from quot.prices import DEAR, HUGE, TINY, Extent, are_moderate, positive_middle_price, unit_for
from quot.settings import settings

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]

# Costs are capped at DEAR times what rows and columns have to pay. Where dearer pairs are needed
# the cap rises to as many times those, and with each try to the square of that: so often at most.
_CAPS = 20
# In single precision pairs are looked for that gain so much of the largest cost.
_SINGLE = 5e-7
# Places in which costs have to be convex for a staircase to be tried, and rows in which that has to
# be right to be looked at any further.
PLACES, _PROMISING = 16, 16
_NONE = np.zeros((0, 2), np.int32)


@dataclass(frozen=True, eq=False)
class Vertex:
    """A vertex of the linear problem, and the prices that go with its tree.

    Parameters
    ----------
    rows, cols : int32 arrays of shape (K,)
        Pairs that carry mass: those of the tree, and some where rounding leaves something over.
    values : array of shape (K,)
    u, v : array of shape (n,), (m,)
        Prices: ``u_i + v_j <= C_ij``, up to rounding, and equal on the pairs of the tree.
    kept : (float, float)
        Prices of what rows, and of what columns keep: no u_i, or v_j, is larger. NaN where none is.
    basis : Basis
        Its tree, with the spare nodes.
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
    basis: Basis
    pivots: int
    looks: int
    is_optimal: bool

    @property
    def parent(self) -> Ints:
        """What each row, then each column hangs on in the tree, (N,); -1: on none."""
        parent: Ints = self.basis.links[trees.PARENT]
        return parent

    @property
    def tree(self) -> Ints:
        """All pairs (N - 1, 2) of the tree, leaves first; spare ones are row n and column m."""
        return self.basis.arcs()


def solve_matrix(
    C: Floats,
    a: Floats,
    b: Floats,
    kept: tuple[float, float] = (0.0, 0.0),
    *,
    first: Ints | None = None,
    extent: Extent | None = None,
    must_stop: Callable[[], bool] = lambda: False,
) -> Vertex:
    """Minimise ``<C, P>`` over plans P that send `a` to `b` but for what is kept.

    Parameters
    ----------
    C : array of shape (n, m)
        C-contiguous; inf forbids a pair. Where more mass than rounding explains needs such pairs
        the result is not optimal.
    a, b : array of shape (n,), (m,)
        Masses, > 0. Their totals, less what is kept, are equal up to rounding.
    kept : (float, float)
        What all rows, and what all columns keep; 0 if all mass of the side moves.
    first : int32 array of shape (K, 2), optional
        The tree of an earlier vertex of nearly the same problem, to begin with.
    extent : Extent, optional
        Of the costs.
    must_stop : callable
        Asked now and then; True ends the method.
    """
    masses = Masses.beside(a, b, kept)
    if first is not None:  # a spare row or column may be no more
        first = first[(first[:, 0] < masses.a.size) & (first[:, 1] < masses.b.size)]
    extent = extent or Extent.of(C)
    if are_moderate(extent, a, b, float(a.sum()) - kept[0], DEAR):
        tree = _begin(C, masses, first, extent)
        done = tree.optimise(must_stop)
        return tree.vertex(is_optimal=done)
    u, v, reduced = _reduced(C, kept, extent)
    reach = extent if reduced is C else Extent.of(reduced)
    low, high = reach.low, reach.high
    cap = low + DEAR * _needed(reduced, reach, a, b, kept)
    if first is None and kept == (0.0, 0.0) and low < cap < high:  # convex until they are capped
        tree = _MatrixBasis(reduced, masses, staircase(masses), np.zeros(b.size), reach)
        even = tree.paid.max() - low <= DEAR * _typical(tree.paid - low) < np.inf
        if even and tree.is_clean(_PROMISING) and tree.is_clean(tree.rows):
            return tree.vertex(prices=(u, v), is_optimal=True)
    # A forbidden pair dearer than any way round it, that still carries something, has to.
    enough = low + 2.0 * sum(C.shape) * (_dearest(reduced, reach) - low)
    step = DEAR
    for _ in range(_CAPS):
        beyond = float(np.nextafter(cap, np.inf))  # what dearer pairs are taken to cost
        part = np.minimum(reduced, beyond) if cap < high else reduced
        size = max(abs(low), abs(min(high, beyond)))
        scale = unit_for(size, TINY, HUGE)
        part_costs = part / scale if scale != 1.0 else part
        now = reach if part_costs is reduced else Extent.of(part_costs)
        tree = _begin(part_costs, masses, first, now)
        done = tree.optimise(must_stop)
        dearest = tree.dearest(reduced)
        if part is reduced or dearest <= cap or not done:
            break
        done = False
        if cap >= enough:
            break
        cap = min(low + step * ((dearest if dearest < np.inf else cap) - low), enough)
        step, first = min(step * step, HUGE), tree.arcs()
    barred = np.inf if part is reduced else beyond / scale
    return tree.vertex(barred, scale, (u, v), is_optimal=done)


def _reduced(C: Floats, kept: tuple[float, float], extent: Extent) -> tuple[Floats, Floats, Floats]:
    """Prices (n,), (m,) of rows and columns that are dear as a whole, and the costs less these.

    Dear is one whose least cost is many times that of others, where all mass of its side moves.
    """
    u, v, reduced = np.zeros(C.shape[0]), np.zeros(C.shape[1]), C
    for price, axis in ((v, 0), (u, 1)):
        least = (extent.cols, extent.rows)[axis] if reduced is C else reduced.min(axis=axis)
        above = np.where(least < np.inf, least, least.min()) - least.min()
        typical = _typical(above)
        if kept[1 - axis] == 0.0 and above.max() > DEAR * typical:
            price[:] = np.where(above > DEAR * typical, least, 0.0)
            reduced = reduced - (price if axis == 0 else price[:, None])
    return u, v, reduced


def _needed(C: Floats, reach: Extent, a: Floats, b: Floats, kept: tuple[float, float]) -> float:
    """What rows and columns have to pay beyond the least cost, more or less; positive."""
    low, sides = reach.low, zip((reach.rows, reach.cols), (a, b), kept, strict=True)
    paid = [
        positive_middle_price(least - low, mass, float(mass.sum()) - k) for least, mass, k in sides
    ]
    return max(paid) or _dearest(C, reach) - low or abs(low) or 1.0


def _dearest(C: Floats, reach: Extent) -> float:
    """The largest cost of a pair that is allowed; the least if there is none."""
    if reach.high < np.inf:
        return reach.high
    return float(np.max(C, initial=reach.low, where=np.inf > C))


def _typical(x: Floats) -> float:
    """The median of what is positive and finite."""
    positive = x[(x > 0.0) & (x < np.inf)]
    return float(np.median(positive)) if positive.size else 0.0


class _MatrixBasis(Basis):
    """A basis of the pairs of a matrix, and of the spare row and column.

    Parameters
    ----------
    C : array of shape (n, m)
    masses : Masses
    first : int32 array of shape (K, 2)
        Pairs that the tree takes first, by preference.
    prices : array of shape (K,)
        Of the columns: the other pairs of the tree are the cheapest of their rows.
    extent : Extent
        Of the costs.
    at_once : bool, default=False
        Whether to go on to the end, if that is not too far.
    """

    def __init__(
        self,
        C: Floats,
        masses: Masses,
        first: Ints,
        prices: Floats,
        extent: Extent,
        *,
        at_once: bool = False,
    ) -> None:
        self.C, self.low = C, extent.low
        self.size, self.corner = extent.size, corner_cost(extent)
        order = heaviest_first(masses)
        *state, self.has_ended = kernels.solve(
            C, self.low, self.corner, first, prices, order, masses.a, masses.b, masses.root,
            ROUNDS if at_once else 0, stretch(C.shape[1]),
        )  # fmt: skip
        super().__init__(masses, state)

    def is_clean(self, most: int) -> bool:
        """Whether nothing gained so far, nor gains in so many more rows."""
        self._look(most)
        return self.pivots == 0

    def optimise(self, must_stop: Callable[[], bool]) -> bool:
        """Pivot until no pair gains; True unless stopped. Large matrices in single precision."""
        if self.has_ended:
            return True
        length = self.C.shape[1]
        if self.C.size > settings().single:
            rough, v = self.C.astype(np.float32), self.p[self.rows :].astype(np.float32)
            margin = _SINGLE * self.size
            done = self.sweep(lambda most: self._look(most, rough, v, margin), length, must_stop)
            self.price()
            if not done:
                return False
        return self.descend(self._look, length, must_stop)

    def _look(
        self,
        most: int,
        costs: NDArray[np.floating] | None = None,
        v: NDArray[np.floating] | None = None,
        margin: float = 0.0,
    ) -> bool:
        costs = self.C if costs is None else costs
        v = self.p[self.rows :] if v is None else v
        clean: bool = kernels.descend_matrix(
            self.C, self.low, self.corner, costs, v, margin, *self.state, most
        )
        return clean

    def dearest(self, C: Floats) -> float:
        """The largest cost that something is sent at but what rounding explains.

        That is of all masses as they came, and of each to an integer.
        """
        least = 2.0**-50 * float(self.masses.a.sum()) + self.flow.size
        i, j = self.ends(np.flatnonzero(self.flow > least))
        real = (i < C.shape[0]) & (j < C.shape[1])
        return float(C[i[real], j[real]].max(initial=self.low))

    def vertex(
        self,
        barred: float = np.inf,
        scale: float = 1.0,
        prices: tuple[Floats | float, Floats | float] = (0.0, 0.0),
        *,
        is_optimal: bool,
    ) -> Vertex:
        """The plan for the masses as they are, and prices in the units of the problem.

        `barred`: pairs at this cost or more get nothing. `scale`, `prices`: what costs were divided
        by, after these of rows and columns were taken from them.
        """
        (n, m), p = self.C.shape, self.p
        pairs: tuple[Ints, Ints, Floats] = plans.read(
            self.C, self.low, self.corner, barred, self.links, self.paid, p,
            self.root, self.masses.exact_a, self.masses.exact_b,
        )  # fmt: skip
        u, v, low = scale * p[: self.rows], scale * p[self.rows :], scale * self.low
        return Vertex(
            *pairs,
            u[:n] + prices[0],
            v[:m] + prices[1],
            (
                low - float(v[m]) if v.size > m else np.nan,
                low - float(u[n]) if u.size > n else np.nan,
            ),
            self,
            self.pivots,
            self.looks,
            is_optimal,
        )


def corner_cost(extent: Extent) -> float:
    """What the pair of both spare nodes costs, more than any other, where pairs reach so far."""
    return extent.low + (max(2.0 * (extent.high - extent.low), 1e-3 * extent.size) or 1.0)


def heaviest_first(masses: Masses) -> Longs:
    """The rows in the order in which they take their cheapest columns."""
    return np.argsort(-masses.a, kind="stable")


def column_prices(masses: Masses, extent: Extent) -> Floats:
    """What rows compare columns by at first: the least each of them costs."""
    prices = np.full(masses.b.size, extent.low)
    prices[: extent.cols.size] = extent.cols
    return prices


def looks_convex(C: Floats) -> bool:
    """Whether a staircase is worth a try on balanced costs, as far as a few places say."""
    return C.size > settings().convex and bool(minima.may_be_convex(C, PLACES))


def _begin(C: Floats, masses: Masses, first: Ints | None, extent: Extent) -> _MatrixBasis:
    """A tree to begin with: the given one; the staircase, if it looks right; or a crash basis."""
    n, m = C.shape
    balanced = masses.a.size == n and masses.b.size == m
    prices = column_prices(masses, extent)
    if first is not None:
        return _MatrixBasis(C, masses, first, prices, extent)
    if balanced and looks_convex(C):
        tree = _MatrixBasis(C, masses, staircase(masses), prices, extent)
        if tree.is_clean(_PROMISING):
            return tree
    if C.size > settings().priced_apart and min(n, m) > settings().part:
        apart = _prices_of_a_part(C, masses, extent.low)
        if not balanced or _is_more(C, masses, extent, apart):
            prices = apart
    is_small = C.size <= settings().single
    return _MatrixBasis(C, masses, _NONE, prices, extent, at_once=is_small)


def staircase(masses: Masses) -> Ints:
    """Pairs that the north-west corner rule takes: optimal where costs are convex along a line.

    Where a row and a column end together, the one comes first that does so for `kernels.crash`.
    """
    rows, cols = masses.a.size - 1, masses.b.size - 1
    ends = np.concatenate((np.cumsum(masses.a)[:-1], np.cumsum(masses.b)[:-1]))
    late = np.where(np.arange(cols) < masses.root, 0, 2)
    order = np.lexsort((np.concatenate((np.ones(rows), late)), ends))
    is_row = np.append(False, order < rows)
    return np.stack((np.cumsum(is_row), np.cumsum(~is_row) - 1), axis=1).astype(np.int32)


def _is_more(C: Floats, masses: Masses, extent: Extent, prices: Floats) -> bool:
    """Whether prices of columns promise more than the cheapest pairs of rows, or of columns, cost.

    Where they do not, those of a few rows say nothing of the others, and the crash basis is worse.
    """
    a, b = masses.exact_a, masses.exact_b
    promised = float(minima.row_minima(C, prices) @ a + prices @ b)
    return promised > max(float(extent.rows @ a), float(extent.cols @ b))


def _prices_of_a_part(C: Floats, masses: Masses, low: float) -> Floats:
    """Prices of the columns, and of what rows keep, from a problem of few rows and columns."""
    (n, m), a, b = C.shape, masses.exact_a, masses.exact_b
    rng = np.random.default_rng(0)
    rows, cols = (np.sort(rng.permutation(size)[: size // settings().part]) for size in (n, m))
    some_a = a[rows] / a[rows].sum() * a[:n].sum()
    some_b = b[cols] / b[cols].sum() * b[:m].sum()
    kept = float(b[m:].sum()), float(a[n:].sum())
    found = solve_matrix(np.ascontiguousarray(C[np.ix_(rows, cols)]), some_a, some_b, kept)
    prices = np.empty(b.size)
    prices[:m] = minima.column_minima(np.ascontiguousarray(C[rows]), found.u)
    prices[m:] = low - found.kept[0]
    return prices
