"""Rows of a matrix of costs balanced against prices of the columns: one pass over all pairs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quot.kernels import pricing as kernels
from quot.pairs.screen import ENTRIES
from quot.parallel import map_rows
from quot.prices import round_off

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Balanced:
    """Rows at their roots, and the pairs that then carry something, or nearly do.

    Parameters
    ----------
    f : array of shape (n,)
        Prices of the rows.
    rows, cols : int32 arrays of shape (K,)
        Pairs of no slack ``C - f - v``, and those where round-off explains that there is some.
    beyond : array of shape (K,)
        How much ``f + v`` is beyond the cost, or 0.
    """

    f: Floats
    rows: Ints
    cols: Ints
    beyond: Floats

    @classmethod
    def at(cls, f: Floats) -> Balanced:
        """Rows at given prices, whatever they send."""
        none = np.zeros(0, np.int32)
        return cls(f, none, none, np.zeros(0))


def balance_rows(  # noqa: PLR0917
    C: Floats,
    v: Floats,
    target: Floats,
    start: Floats,
    highest: float,
    check: Callable[[], None] = lambda: None,
) -> Balanced:
    """Put each row where ``sum_j [f + v_j - C_ij]_+`` is its target > 0, but not above `highest`.

    The roots are found from `start` (n,).
    """
    f = np.minimum(start, highest)
    noise = round_off(f, v)

    def part(first: int, last: int) -> tuple[NDArray[np.int64], Ints, Floats]:
        check()
        found: tuple[NDArray[np.int64], Ints, Floats] = kernels.balance_rows(
            np.ascontiguousarray(C[first:last]),
            v,
            target[first:last],
            highest,
            noise,
            f[first:last],
        )
        return found

    parts = map_rows(part, f.size, v.size, max(1, ENTRIES // v.size), check)
    sizes, cols, beyond = (np.concatenate(pieces) for pieces in zip(*parts, strict=True))
    rows = np.repeat(np.arange(f.size, dtype=np.int32), sizes)
    return Balanced(f, rows, cols, beyond)
