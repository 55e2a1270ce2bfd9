"""Many points: from coarse levels down, on candidate pairs.

Rows and columns are clusters first, as many as all pairs can be kept of. The prices of a level are
read on the members of its clusters: a column pays what it would if it were its cluster, against the
clusters of rows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quot.adaptive.candidates import Candidates
from quot.adaptive.case import Ending
from quot.adaptive.newton import Newton
from quot.adaptive.path import along
from quot.adaptive.rows import Answer, balanced, col_scale
from quot.convergence import Monitor
from quot.coupling import sums
from quot.dual import Dual
from quot.pairs import Pricer
from quot.perplexity import largest
from quot.problem import AdaptiveProblem
from quot.quadratic.coarse import Level, coarsen
from quot.settings import settings

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

# A finer level begins at the perplexities of the coarser one over this, or at a part of the largest
# there is; how they fall then.
_JUMP, _EASY, _HARDER = 1.5, 0.5, 3.0


class Descent:
    """From the coarsest level to the problem.

    Parameters
    ----------
    problem : AdaptiveProblem
        Quadratic; masses positive, rows bounded.
    monitor : Monitor
    pricer : Pricer
    first : float
        See `Newton.begin`.

    Attributes
    ----------
    newton : Newton
        At the level where it is now.
    depth : int
        Levels from there to the problem.
    """

    def __init__(
        self, problem: AdaptiveProblem, monitor: Monitor, pricer: Pricer, first: float
    ) -> None:
        self.monitor, self.pricer = monitor, pricer
        self.levels = coarsen(problem, settings().shared)
        self.problems = [problem, *(level.problem for level in self.levels)]
        self.depth = len(self.levels)
        self.newton = Newton.begin(self.problems[-1], monitor, first, self.depth)

    @property
    def is_settled(self) -> bool:
        """See `Newton`."""
        return self.newton.is_settled

    @property
    def is_low(self) -> bool:
        """See `Newton`."""
        return self.newton.is_low

    @property
    def is_strict(self) -> bool:
        """See `Newton`."""
        return self.newton.is_strict

    @is_strict.setter
    def is_strict(self, value: bool) -> None:
        self.newton.is_strict = value

    @property
    def is_stuck(self) -> bool:
        """See `Newton`."""
        return self.newton.is_stuck

    def lower(self) -> None:
        """Lower the floor."""
        self.newton.lower()

    def run(self, enough: float, part: float | None) -> None:
        """Go down to the problem, and on as `Newton` does."""
        while self.depth:
            self.newton.run_loosely()
            self.newton = self._finer()
            self.depth -= 1
        self.newton.run(enough, part)

    def found(self) -> Ending:
        """The plan so far; of a coarse level clusters by their members."""
        found = self.newton.found()
        for depth in range(self.depth, 0, -1):
            level, finer = self.levels[depth - 1], self.problems[depth - 1]
            plan, dual = level.refine(found.plan, Dual(found.f, found.g), finer)
            ratio = _ratio(level, finer)
            eps, delta = ratio * found.eps[level.rows], ratio * found.delta[level.cols]
            found = Ending(plan, dual.f, dual.g, eps, delta)
        return found

    def _finer(self) -> Newton:
        """The method one level below, from where it is here."""
        level, finer = self.levels[self.depth - 1], self.problems[self.depth - 1]
        newton, ratio, n = self.newton, _ratio(level, finer), finer.a.size
        way = _way(level, finer)
        first = [*way, finer][0]
        g, f = self._prices(level, finer)
        v, eps = g, _spread(newton.best.eps, level.rows, level.problem.a, finer.a) * ratio
        scale = col_scale(first)
        if scale is not None:
            delta = _spread(newton.delta, level.cols, level.problem.b, finer.b)
            v = np.append(g, ratio * delta * scale)
        answer = Answer(v, f, eps, np.empty((3, n)))
        hint = level.extend_slacks(*newton.shared.slacks)
        shared = Candidates.around(first, self.pricer, answer, hint)
        begun = Newton(
            finer, shared, self.monitor, ratio * newton.floor, answer, way, self.depth - 1
        )
        begun.follow(_JUMP)
        return begun

    def _prices(
        self, level: Level[AdaptiveProblem], finer: AdaptiveProblem
    ) -> tuple[Floats, Floats]:
        """Prices of the finer columns, (m,), and rows, (n,)."""
        newton, coarse = self.newton, level.problem
        best, pairs, (n, m) = newton.answer, newton.shared.pairs, coarse.shape
        columns = pairs.turned.members(level.cols, level.col_cost)
        spread = best.eps, newton.rows.costs(best.v)[level.cols]
        near, masses = best.v[:m][level.cols], coarse.b[level.cols]
        g = balanced(columns, masses, best.f, spread, near, coarse.regularizer)
        row = pairs.rows
        beyond = np.maximum(best.f[row] + best.v[:m][pairs.col] - pairs.cost, 0.0)
        wanted = sums(row, beyond, n) * (finer.b.size / m)
        return g, self.pricer.row_roots(finer.cost, g, wanted[level.rows])


def _ratio(level: Level[AdaptiveProblem], finer: AdaptiveProblem) -> float:
    """How much more spreading costs if as large a part of others shares: entries are smaller."""
    return float(np.prod(finer.shape) / np.prod(level.problem.shape))


def _spread(multipliers: Floats, labels: Index, coarse: Floats, finer: Floats) -> Floats:
    """Multipliers of clusters for their members: in proportion to 1 / mass."""
    mean = coarse[labels] * (coarse.size / finer.size)
    spread: Floats = multipliers[labels] * (mean / finer)
    return spread


def _way(level: Level[AdaptiveProblem], finer: AdaptiveProblem) -> list[AdaptiveProblem]:
    """The finer problem at perplexities like those of the level, and down, but for its own."""
    coarse, name = level.problem, finer.regularizer
    rows = _members(coarse.row_perplexity, level.rows, finer.b.size / coarse.b.size)
    cols = _members(coarse.col_perplexity, level.cols, finer.a.size / coarse.a.size)
    return along(
        finer,
        _raised(finer.row_perplexity, rows, largest(finer.b, name)),
        _raised(finer.col_perplexity, cols, largest(finer.a, name)),
    )[:-1]


def _members(clusters: Floats | None, labels: NDArray[np.int64], ratio: float) -> Floats | None:
    """What perplexities of clusters are for their members, in clusters of so many others each."""
    return None if clusters is None else clusters[labels] * ratio / _JUMP


def _raised(asked: Floats | None, first: Floats | None, most: float) -> list[Floats] | None:
    """Perplexities from the first ones down to those asked for, if the largest is so much."""
    if asked is None or first is None:
        return None
    found = [np.maximum(asked, np.minimum(first, _EASY * most))]
    while (found[-1] > asked).any():
        found.append(np.maximum(asked, found[-1] / _HARDER))
    return found
