"""Passes over all pairs of a cost, by blocks of rows, and how many there were."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from quot import memory
from quot.costs import Cost, DenseCost
from quot.parallel import map_rows

Floats = NDArray[np.float64]
R = TypeVar("R")

# Entries of a block.
_ENTRIES = 1 << 18


class Passes:
    """The passes of one solve.

    Parameters
    ----------
    cost : Cost
        Of shape (n, m); inf for a forbidden pair.
    check : callable
        Called before every block; may raise to end the pass.

    Attributes
    ----------
    count : float
        Passes so far. One that looks at some pairs only counts as that part.
    """

    def __init__(self, cost: Cost, check: Callable[[], None]) -> None:
        self.cost, self.check = cost, check
        self.count = 0.0

    @property
    def shape(self) -> tuple[int, int]:
        """(n, m)."""
        return self.cost.shape

    def over(self, function: Callable[[Floats, slice], R]) -> list[R]:
        """Call ``function(C, rows)`` with each block of costs, (r, m), and its rows, in order."""
        return self.by_rows(lambda rows: function(self.cost.block(rows.start, rows.stop), rows))

    def by_rows(self, function: Callable[[slice], R]) -> list[R]:
        """Call ``function(rows)`` for each block, where what is read is at hand."""
        self.count += 1.0
        n, m = self.shape
        step = max(1, _ENTRIES // m)
        return map_rows(lambda start, stop: function(slice(start, stop)), n, m, step, self.check)


def held(cost: Cost) -> Cost:
    """The cost as a matrix, if it is none and memory has room: what is read is not computed."""
    n, m = cost.shape
    if isinstance(cost, DenseCost) or not memory.has_room(8 * n * m):
        return cost
    return DenseCost(np.ascontiguousarray(cost.block(0, n)))
