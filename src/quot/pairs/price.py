"""The pricer: passes over all pairs of a cost, each in the way that costs least."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from quot.costs import Cost
from quot.pairs import blocks, trees
from quot.pairs.effort import Effort
from quot.pairs.sample import Sample
from quot.pairs.screen import Blocks, Boxes, choose
from quot.prices import round_off
from quot.support import Support

Floats = NDArray[np.float64]


class Pricer:
    """Passes over all pairs of one cost after another; adds up what they look at.

    Parameters
    ----------
    check : callable, optional
        Called between the parts of a pass, by any thread; may raise to end it.
    """

    def __init__(self, check: Callable[[], None] = lambda: None) -> None:
        self.effort = Effort()
        self.check = check

    def nearest(  # noqa: PLR0917
        self,
        cost: Cost,
        f: Floats,
        g: Floats,
        count: int,
        hint: tuple[Floats, Floats],
        sample: Sample | None = None,
    ) -> tuple[Support, Floats, Floats]:
        """Return all pairs of no slack, and the next `count` of each row and of each column.

        Only a `sample` of the former, if that is given: then others, too, may be left out.
        Also returns a slack for each row (n,) and each column (m,), inf where all pairs were taken:
        a pair left out has at least the larger of the two. Slack that round-off explains is none.
        The hint says beyond which slacks of rows and columns nothing is wanted; fewer may be taken.
        """
        way = choose(cost, f.take, g, search=True)
        noise = round_off(f, g)
        if isinstance(way, Boxes):
            found, row_slack, col_slack, effort = trees.nearest(
                way.cost, f, g, count, hint, noise, self.check, sample
            )
            self.effort += effort
            return found, row_slack, col_slack
        self.effort += Effort(cost.shape[0] * cost.shape[1])
        return blocks.nearest(way, f, g, count, hint, noise, self.check, sample)

    def tight(self, cost: Cost, f: Floats, g: Floats) -> Support:
        """Return all pairs of C <= f + g, and those where round-off explains that C is more."""
        return self._beyond(cost, f, g, -round_off(f, g))

    def violators(self, cost: Cost, f: Floats, g: Floats) -> Support:
        """Return all pairs of C < f + g that round-off does not explain."""
        return self._beyond(cost, f, g, round_off(f, g))

    def worst(self, cost: Cost, f: Floats, g: Floats, count: int) -> Support:
        """Return of the violators the `count` worst of each row and of each column."""
        noise, way = round_off(f, g), choose(cost, f.take, g)
        if isinstance(way, Boxes):
            found, effort = trees.worst(way.cost, f, g, noise, count, self.check)
            self.effort += effort
            return found
        hint = np.full(f.size, -noise), np.full(g.size, -noise)
        self.effort += Effort(cost.shape[0] * cost.shape[1])
        return blocks.nearest(way, f, g, count, hint, -np.inf, self.check)[0]

    def _beyond(self, cost: Cost, f: Floats, g: Floats, tau: float) -> Support:
        """Return all pairs with slack <= -tau."""
        way = choose(cost, f.take, g)
        if isinstance(way, Boxes):
            found, effort = trees.violators(way.cost, f, g, tau, self.check)
            self.effort += effort
            return found
        self.effort += Effort(cost.shape[0] * cost.shape[1])
        return blocks.violators(way, f, g, tau, self.check)

    def take_effort(self) -> Effort:
        """Return the effort since this was asked last."""
        effort, self.effort = self.effort, Effort()
        return effort

    def row_roots(self, cost: Cost, g: Floats, target: Floats) -> Floats:
        """Return for each row the largest f with sum_j [f + g_j - C_ij]_+ = target, (n,)."""

        def prices(rows: NDArray[np.int64]) -> Floats:
            few = cost.take(rows, np.arange(cost.shape[1]))
            return blocks.row_roots(Blocks(few), g, target[rows])

        way = choose(cost, prices, g)
        if isinstance(way, Boxes):
            roots, effort = trees.row_roots(way.cost, g, target, self.check)
            self.effort += effort
            return roots
        self.effort += Effort(cost.shape[0] * cost.shape[1])
        return blocks.row_roots(way, g, target, self.check)
