"""What is left of costs beside prices: where a temperature is so low that prices are rounded.

A price of the size of the largest cost is known to 1e-16 of it, an entry of the plan to as many
parts as that is of the temperature. The differences to prices that are held are small, and known to
all digits; the plan is what it is at those, times factors.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.costs import Cost, DenseCost
from quot.problem import EntropicProblem

Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class RestCost:
    """Costs less prices, rounded as they are in a plan of these prices.

    Parameters
    ----------
    inner : Cost
        Of shape (n, m).
    f, v : array of shape (n,), (m,)
        Prices of rows and columns.
    """

    inner: Cost
    f: Floats
    v: Floats

    @property
    def shape(self) -> tuple[int, int]:
        """(n, m)."""
        return self.inner.shape

    def block(self, start: int, stop: int) -> Floats:
        """Return rows start .. stop against all columns, (stop - start, m)."""
        return -((self.f[start:stop, None] + self.v) - self.inner.block(start, stop))

    def at(self, rows: Ints, cols: Ints) -> Floats:
        """Return the costs of single pairs, (k,)."""
        return -((self.f[rows] + self.v[cols]) - self.inner.at(rows, cols))

    def take(self, rows: Ints, cols: Ints) -> DenseCost:
        """Return the cost restricted to the given rows and columns, in the given order."""
        return DenseCost(self.block(0, self.shape[0])[np.ix_(rows, cols)])


def beside(problem: EntropicProblem, f: Floats, v: Floats) -> EntropicProblem:
    """Return the balanced problem whose prices are the differences to these."""
    other = copy(problem)
    object.__setattr__(other, "cost", RestCost(problem.cost, f, v))
    return other
