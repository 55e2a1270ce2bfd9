"""Passes over all pairs of a cost, by blocks of rows, and how many there were."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from quot import memory
from quot.convergence import Iterate
from quot.costs import Cost, DenseCost, PointCost
from quot.parallel import added, map_rows

Floats = NDArray[np.float64]
R = TypeVar("R")

# Entries of a block; and parts that rows are cut into, each with sums of its own for the columns.
_ENTRIES, _PARTS = 1 << 17, 64


class Passes:
    """The passes of one solve.

    Parameters
    ----------
    cost : Cost
        Of shape (n, m); inf for a forbidden pair.
    check : callable
        Called before every block; may raise to end the pass.
    """

    def __init__(self, cost: Cost, check: Callable[[], None]) -> None:
        self.cost, self._counter, self._checks = cost, [0.0], [check]

    def of(self, cost: Cost) -> Passes:
        """Return passes over other costs that count here, and are checked alike."""
        other = Passes(cost, self.check)
        other._counter, other._checks = self._counter, self._checks
        return other

    def check_by(self, check: Callable[[], None]) -> None:
        """Call another function before every block from now on."""
        self._checks[0] = check

    def check(self) -> None:
        """Call what is called before every block."""
        self._checks[0]()

    @property
    def count(self) -> float:
        """Passes so far; one that looks at some pairs only counts as that part."""
        return self._counter[0]

    def add(self, passes: float) -> None:
        """Count so many more."""
        self._counter[0] += passes

    def iterate(self, residual: float, reg: float, steps: int) -> Iterate:
        """Return what there is to report after so many steps, in which every pair takes part."""
        n, m = self.shape
        return Iterate(
            residual=residual,
            support=n * m,
            candidates=n * m,
            violators=0,
            reg=reg,
            inner=steps,
            passes=self.count,
        )

    @property
    def shape(self) -> tuple[int, int]:
        """(n, m)."""
        return self.cost.shape

    def over(self, function: Callable[[Floats, slice], R]) -> list[R]:
        """Call ``function(C, rows)`` with each block of costs, (r, m), and its rows, in order."""
        self.add(1.0)

        def part(start: int, stop: int) -> list[R]:
            return [function(C, rows) for C, rows in self._blocks(start, stop)]

        return [result for results in self._mapped(part) for result in results]

    def columns(self, function: Callable[[Floats, slice, Floats], None]) -> Floats:
        """Sums over the rows: ``function(C, rows, y)`` adds what a block has to y, (m,)."""
        self.add(1.0)

        def part(start: int, stop: int) -> Floats:
            y = np.zeros(self.shape[1])
            for C, rows in self._blocks(start, stop):
                function(C, rows, y)
            return y

        return added(self._mapped(part))

    def read_columns(self, function: Callable[[slice, Floats], None]) -> Floats:
        """The same where costs are not asked for, but what is stored is read."""
        self.add(1.0)

        def part(start: int, stop: int) -> Floats:
            y = np.zeros(self.shape[1])
            function(slice(start, stop), y)
            return y

        return added(self._mapped(part))

    def _blocks(self, start: int, stop: int) -> Iterator[tuple[Floats, slice]]:
        """Costs of rows that are few enough to stay in the cache; gone with the next ones."""
        step, buffer = max(1, _ENTRIES // self.shape[1]), np.empty((0, 0))
        for low in range(start, stop, step):
            rows = slice(low, min(low + step, stop))
            if not isinstance(self.cost, PointCost):
                yield self.cost.block(rows.start, rows.stop), rows
                continue
            if len(buffer) != rows.stop - rows.start:
                buffer = np.empty((rows.stop - rows.start, self.shape[1]))
            self.cost.fill(rows.start, buffer)
            yield buffer, rows

    def _mapped(self, function: Callable[[int, int], R]) -> list[R]:
        n, m = self.shape
        return map_rows(function, n, m, max(_ENTRIES // m, -(-n // _PARTS)), self.check)


def held(cost: Cost) -> Cost:
    """The cost as a matrix, if it takes long to compute and memory has room."""
    n, m = cost.shape
    is_quick = isinstance(cost, DenseCost) or (isinstance(cost, PointCost) and cost.is_flat)
    if is_quick or not memory.has_room(8 * n * m):
        return cost
    return DenseCost(np.ascontiguousarray(cost.block(0, n)))
