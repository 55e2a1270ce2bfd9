"""One side of a solved problem as a function of where a point is, at the prices of the other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.costs import PointCost
from quot.interrupts import interruptible
from quot.kernels import adaptive as kernels
from quot.parallel import map_rows
from quot.perplexity import bounds
from quot.problem import AdaptiveProblem, EntropicProblem, Problem
from quot.result import AdaptiveResult, Result

Floats = NDArray[np.float64]

# Pairs of a block of new points with all others.
_PAIRS = 1 << 18
# What spreading costs at least where it costs something, in parts of the largest cost; and costs
# that differ by this part tie.
_FLOOR, _TIE = 1e-9, 1e-12


@dataclass(frozen=True, eq=False)
class Extension:
    """What points of one side get from the other, by the plan or, where they are new, its prices.

    A point where the problem has one gets what the plan says. Any other sends, or receives, what it
    would if it were one more, of the same mass, and the other side kept its prices.

    Parameters
    ----------
    points : array of shape (n, d)
        Those of its own side.
    others : array of shape (m, d)
        Those of the other side.
    metric : str
    values : array of shape (m, c)
        Of the other side: where its points are, or what else they have.
    images : array of shape (n, c)
        Of its own points: the averages of values by the plan; NaN where one moves nothing.
    prices : array of shape (m,)
        Of the other side, in total with that of the mass.
    highest : float
        What a price of this side may be at most.
    mass : float
        Of each point.
    own : float
        What spreading costs a point, unless `perplexity` is given.
    spread : array of shape (m,)
        What spreading costs the others; with `own` 0, too, it costs nothing.
    perplexity : float, optional
        That of each point, at least.
    is_entropic : bool
    """

    points: Floats
    others: Floats
    metric: str
    values: Floats
    images: Floats
    prices: Floats
    highest: float
    mass: float
    own: float
    spread: Floats
    perplexity: float | None
    is_entropic: bool

    @classmethod
    def of(cls, result: Result[Any], values: Floats, *, on_source: bool) -> Extension:
        """Return that of the source, or of the target, between points of even masses.

        Parameters
        ----------
        result : Result
        values : array of shape (m, c), or (n, c)
            Of the other side.
        on_source : bool
        """
        problem, plan = result.problem, result.plan
        cost, own, spread, asked = problem.cost, 0.0, np.zeros(0), None
        assert isinstance(cost, PointCost)
        is_entropic = isinstance(problem, EntropicProblem)
        sides = [(cost.X, result.f, problem.a), (cost.Y, result.g, problem.b)]
        (points, _, masses), (others, prices, _) = sides if on_source else sides[::-1]
        if isinstance(result, AdaptiveResult):
            assert isinstance(problem, AdaptiveProblem)
            is_entropic = problem.regularizer == "entropic"
            both = [result.row_multipliers, result.col_multipliers]
            of_own, spread = both if on_source else both[::-1]
            both_asked = [problem.row_perplexity, problem.col_perplexity]
            of_points = both_asked[0 if on_source else 1]
            if of_points is None or problem.is_average:
                own = float(of_own.max(initial=0.0))
            else:
                asked = float(of_points[0])
            if own == 0.0 and (asked is not None or spread.any()):
                by_mass = 1.0 if is_entropic else 1.0 / masses[0]
                spread = np.maximum(spread, _FLOOR * cost.diameter * by_mass)
        else:
            assert isinstance(problem, (Problem, EntropicProblem))
            own = problem.eps if isinstance(problem, EntropicProblem) else problem.reg
        return cls(
            points=points,
            others=others,
            metric=cost.metric,
            values=values,
            images=(plan if on_source else plan.T).barycentric(values),
            prices=prices + result.lam,
            highest=_highest(problem, masses),
            mass=float(masses[0]),
            own=own,
            spread=spread if spread.size else np.zeros(len(others)),
            perplexity=asked,
            is_entropic=is_entropic,
        )

    def __call__(self, X: Floats) -> Floats:
        """Return what points (k, d) get on average, (k, c); NaN where one moves nothing."""
        X = np.ascontiguousarray(X, dtype=np.float64) + 0.0  # -0 is 0
        place = np.array([self._places.get(row.tobytes(), -1) for row in X], np.intp)
        found = np.full((len(X), self.values.shape[1]), np.nan)
        found[place >= 0] = self.images[place[place >= 0]]
        new = np.flatnonzero(place < 0)
        if new.size:
            rows, m = X[new], len(self.others)
            parts = map_rows(
                lambda start, stop: self._average(rows[start:stop]), new.size, m, 1 + _PAIRS // m
            )
            found[new] = np.concatenate(parts)
        return found

    @cached_property
    def _places(self) -> dict[bytes, int]:
        """Where each point is among its own, the first of several."""
        rows = np.ascontiguousarray(self.points + 0.0)
        return {row.tobytes(): len(rows) - 1 - k for k, row in enumerate(rows[::-1])}

    @interruptible
    def _average(self, X: Floats) -> Floats:
        """The averages of new points."""
        weight = self.weights(X)
        with np.errstate(invalid="ignore"):
            average: Floats = weight @ self.values / weight.sum(axis=1, keepdims=True)
        return average

    def weights(self, X: Floats) -> Floats:
        """Return how much new points (k, d) exchange with each of the others, (k, m)."""
        C = PointCost(X, self.others, self.metric).block(0, len(X))
        if self.own == 0.0 and not self.spread.any():  # all goes to the nearest, at these prices
            slack, highest = C - self.prices, C.max(axis=1, keepdims=True)
            tie = _TIE * (highest + abs(self.prices).max())
            least = slack.min(axis=1, keepdims=True)
            is_sent = (slack <= least + tie) & (least <= self.highest + tie)
            return np.asarray(is_sent, dtype=np.float64)
        f, own = self._answer(C)
        y = np.minimum(f, self.highest)[:, None] + self.prices - C
        y /= own[:, None] + self.spread
        return np.asarray(np.exp(y) if self.is_entropic else np.maximum(y, 0.0))

    def _answer(self, C: Floats) -> tuple[Floats, Floats]:
        """Prices of new points at costs C, and what spreading costs them."""
        (k, m), is_free = C.shape, self.perplexity is None
        f, own, mass = np.zeros(k), np.full(k, self.own), np.full(k, self.mass)
        bound = mass
        if self.perplexity is not None:
            name = "entropic" if self.is_entropic else "quadratic"
            bound = bounds(mass, np.full(k, self.perplexity), name)
        kernels.answer(
            np.arange(k + 1, dtype=np.int64) * m,
            np.tile(np.arange(m, dtype=np.int32), k),
            C.ravel(),
            self.prices,
            self.spread,
            mass,
            bound,
            self.is_entropic,
            is_free,
            f,
            own,
            *np.empty((3, k)),
            *np.zeros((2, m)),
        )
        return f, own


def _highest(problem: Any, masses: Floats) -> float:
    """What a price may be at most: any where all these move, and none where nothing does."""
    if problem.fills(masses):
        return np.inf
    return 0.0 if problem.total > 0.0 else -np.inf
