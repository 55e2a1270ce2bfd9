"""The pricer: passes over all pairs of a cost, each in the way that costs least."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quot.costs import Cost, trees_pay
from quot.pricing import blocks, trees
from quot.pricing.effort import Effort
from quot.support import Support

Floats = NDArray[np.float64]


class Pricer:
    """Passes over all pairs of one cost after another; adds up what they look at."""

    def __init__(self) -> None:
        self.effort = Effort()

    def nearest(
        self,
        cost: Cost,
        f: Floats,
        g: Floats,
        count: int,
        hint: tuple[Floats, Floats] | None = None,
    ) -> tuple[Support, Floats, Floats]:
        """Return all pairs of no slack, and the next `count` of each row and of each column.

        Also returns a slack for each row (n,) and each column (m,), inf where all pairs were taken:
        a pair left out has at least the larger of the two. Slack that round-off explains is none.
        With a `hint`, slacks of rows and columns beyond which nothing is wanted, fewer may be
        taken.
        """
        noise = round_off(f, g)
        if trees_pay(cost):
            support, row_slack, col_slack, effort = trees.nearest(cost, f, g, count, hint, noise)
            self.effort += effort
            return support, row_slack, col_slack
        self.effort += Effort(cost.shape[0] * cost.shape[1])
        return blocks.nearest(cost, f, g, count, hint, noise)

    def violators(self, cost: Cost, f: Floats, g: Floats) -> Support:
        """Return all pairs of C < f + g that round-off does not explain."""
        tau = round_off(f, g)
        if trees_pay(cost):
            found, effort = trees.violators(cost, f, g, tau)
            self.effort += effort
            return found
        self.effort += Effort(cost.shape[0] * cost.shape[1])
        return blocks.violators(cost, f, g, tau)

    def row_roots(self, cost: Cost, g: Floats, target: Floats) -> Floats:
        """Return for each row the largest f with sum_j [f + g_j - C_ij]_+ = target, (n,)."""
        if trees_pay(cost):
            roots, effort = trees.row_roots(cost, g, target)
            self.effort += effort
            return roots
        self.effort += Effort(cost.shape[0] * cost.shape[1])
        return blocks.row_roots(cost, g, target)


def round_off(f: Floats, g: Floats) -> float:
    """How wrong the rounding of potentials may make a slack."""
    return float(8 * np.finfo(np.float64).eps * (np.abs(f).max() + np.abs(g).max()))
