"""How to pass over all pairs of a cost: by blocks, by blocks in single precision, or by boxes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quot.costs import Cost, PointCost, spread
from quot.kernels import boxes as box_kernels
from quot.kernels import costs as kernels
from quot.pairs.boxes import trees
from quot.settings import settings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Singles = NDArray[np.float32]
# What a kernel needs to compute a single cost; metric -1 says that the block is exact.
Exact = tuple[Floats, Floats, int]

# Entries of a block, which is to stay in the cache.
ENTRIES = 1 << 17
# Boxes are tried in so many dimensions at most, products in so many at least.
_FEW_AXES, _MANY_AXES = 12, 8
# Nanoseconds a pair and, added to that, a dimension (measured): of a block, of one in single
# precision, and alone.
_BLOCK, _SINGLE, _ALONE = (12.0, 0.25), (9.0, 0.03), (30.0, 0.5)
# The same for a pair that boxes do not leave out, near enough in 2 to 12 dimensions; a search for
# nearest pairs goes further than those.
_BOXED, _SEARCHED = 150.0, 1000.0
# Rows that are looked at to choose, and their nearest pairs that are wanted for certain.
_SAMPLE, _WANTED = 16, 16

# Rounding in single precision, relative.
_UNIT = 2.0**-24
# Squares of points scaled by more than this would leave the range of single precision.
_RANGE = 2.0**30


class Blocks:
    """Costs of all pairs, by blocks of rows."""

    exact: Exact = (np.empty((0, 0)), np.empty((0, 0)), -1)

    def __init__(self, cost: Cost) -> None:
        self.cost = cost
        self.rows = max(1, ENTRIES // cost.shape[1])

    def block(self, start: int, stop: int) -> tuple[Floats, Floats]:
        """Return rows start .. stop, (stop - start, m), and zeros: see `Screen.block`."""
        return self.cost.block(start, stop), np.zeros(stop - start)


class Screen:
    """Lower bounds of the costs of all pairs of points, in single precision, by matrix products.

    Whatever a pass wants to know of a pair is decided by its exact cost; the bound only says which
    pairs need not be asked. None is ever missed, because the bound is one:

    With ``u = 2^-24`` points, centred and scaled to norms of at most 1, and their squared norms are
    rounded to single precision, by ``u`` each, and ``|x|^2 + |y|^2 - 2 x.y`` is one product of
    K = d + 2 terms. Summed in any order its error is at most ``K u / (1 - K u)`` times the sum of
    the sizes of the terms (Higham, *Accuracy and Stability of Numerical Algorithms*, 3.1), which is
    at most ``(|x| + |y|)^2 (1 + 2 u)^2``. Rounding the input adds ``3 u`` of the same, taking the
    bound away another ``u``; terms that underflow lose ``2^-125`` each, and scaling back as much of
    the cost, ``2^-125 / s^2`` here. Centring, in double precision, subtracts the same centre from
    all and loses ``2^-53`` of what is left. With ``K u < 1e-3`` all that is less than::

        1.01 (K + 6) u (|x| + |y|)^2 + K 2^-125 + 2^-125 / min(s, 1)^2

    Parameters
    ----------
    cost : PointCost
        With a metric other than "cityblock".
    """

    def __init__(self, cost: PointCost) -> None:
        X, Y = cost.positions
        self.cost = cost
        self.exact: Exact = (X, Y, cost.metric_code)
        self.rows = max(1, settings().screened // cost.shape[1])
        self.scale = 1.0
        if cost.metric != "cosine":
            centre = 0.5 * ((X / X.shape[0]).sum(axis=0) + (Y / Y.shape[0]).sum(axis=0))
            X, Y = X - centre, Y - centre
            largest = max(float(np.abs(X).max()), float(np.abs(Y).max())) or 1.0
            norm = max(_norms(X / largest).max(), _norms(Y / largest).max()) * largest
            self.scale = float(2.0 ** np.ceil(np.log2(norm))) if norm > 0.0 else 1.0
            X, Y = X / self.scale, Y / self.scale
        p, q = _norms(X), _norms(Y)
        if cost.metric == "cosine":  # 1 - x.y
            self._left = _columns(-X, np.ones(p.size))
            self._right = _columns(Y, np.ones(q.size))
        else:
            self._left = _columns(-2.0 * X, np.ones(p.size), p**2)
            self._right = _columns(Y, q**2, np.ones(q.size))
        reach = p + q.max(initial=0.0)
        terms = self._left.shape[1]
        lost = terms * 2.0**-125 + 2.0**-125 / min(self.scale, 1.0) ** 2
        self._off = 1.01 * (terms + 6) * _UNIT * reach**2 + lost
        # Whether the proof covers these points.
        self.holds = terms * _UNIT < 1e-3 and 1.0 / _RANGE < self.scale < _RANGE

    def block(self, start: int, stop: int) -> tuple[Singles, Floats]:
        """Return lower bounds of rows start .. stop, (stop - start, m), and how low they may be.

        No cost of a row is larger than its bound and the second number, (stop - start,).
        """
        rough = self._left[start:stop] @ self._right.T
        width = kernels.lower_bounds(rough, self.exact[2], self._off[start:stop], self.scale)
        return rough, width


@dataclass(frozen=True, eq=False)
class Boxes:
    """Trees of boxes around points, which leave most pairs out; see `boxes`."""

    cost: PointCost


def choose(
    cost: Cost, prices: Callable[[Ints], Floats], g: Floats, *, search: bool = False
) -> Blocks | Screen | Boxes:
    """Return the way that is expected to take least time near the given potentials.

    Each is tried on a few rows: pairs are counted, not seconds.

    Parameters
    ----------
    cost : Cost of shape (n, m)
    prices : callable
        The potentials f of the rows given, (k,); asked for a few.
    g : array of shape (m,)
    search : bool, default=False
        Whether pairs beyond those with f + g > C are wanted.
    """
    n, m = cost.shape
    blocks = Blocks(cost)
    if n * m < settings().boxed or not isinstance(cost, PointCost):
        return blocks
    d, rows = cost.X.shape[1], spread(n, _SAMPLE)
    f = prices(rows)
    ways: list[tuple[float, Blocks | Screen | Boxes]] = [(m * _time(_BLOCK, d), blocks)]
    if d <= _FEW_AXES:
        pairs = _boxed(cost, rows, f, g)
        ways.append((pairs * (_SEARCHED if search else _BOXED), Boxes(cost)))
    if d >= _MANY_AXES and cost.metric != "cityblock":
        screen = Screen(cost)
        if screen.holds:
            alone = _shortlist(screen, rows, f, g)
            ways.append((m * _time(_SINGLE, d) + alone * _time(_ALONE, d), screen))
    return min(ways, key=lambda way: way[0])[1]


def _boxed(cost: PointCost, rows: Ints, f: Floats, g: Floats) -> float:
    """Pairs that one of the rows takes by boxes, in the mean."""
    tree, other = trees(cost)
    g, prices = g[other.order], np.zeros(cost.shape[0])
    prices[rows] = f
    side, prices = other.side(g), prices[tree.order]
    places = np.flatnonzero(np.isin(tree.order, rows))
    seen = [
        box_kernels.scan(at, at + 1, cost.metric_code, tree.points, prices, side, g, 1.0)[2]
        for at in places
    ]
    return float(np.mean(seen))


def _shortlist(screen: Screen, rows: Ints, f: Floats, g: Floats) -> float:
    """Pairs that one of the rows needs exactly, in the mean."""
    counts = []
    for row, price in zip(rows, f, strict=True):
        lower, width = screen.block(row, row + 1)
        slack = lower[0] - price - g
        wanted = min(_WANTED, slack.size) - 1
        bar = max(float(np.partition(slack, wanted)[wanted]), 0.0) + width[0]
        counts.append(np.count_nonzero(slack <= bar))
    return float(np.mean(counts))


def _time(cost: tuple[float, float], d: int) -> float:
    return cost[0] + cost[1] * d


def _norms(points: Floats) -> Floats:
    norms: Floats = np.sqrt(np.einsum("ij,ij->i", points, points))
    return norms


def _columns(*parts: Floats) -> Singles:
    """Columns side by side, in single precision."""
    return np.ascontiguousarray(np.column_stack(parts), np.float32)
