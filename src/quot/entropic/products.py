"""Products with a plan for Newton's method: its large entries listed, or all of them stored.

A direction need not be exact, so that single precision does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from quot import memory
from quot.costs import spread
from quot.entropic.passes import Passes
from quot.kernels import gibbs as kernels

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Entries = tuple[Ints, Ints, Floats]

# Entries beyond this part of their row or their column are listed, if they are at most that part of
# all pairs.
_LISTED, _DENSE = 1e-12, 0.1
# Bytes for each at the peak, while lists of blocks are joined.
_ENTRY = 32
# How many there are is guessed from so many pairs.
_SAMPLE = 100_000


@dataclass(frozen=True, eq=False)
class Answer:
    """What rows make of prices of the columns: the plan ``exp((f + v - C)/T)``.

    Parameters
    ----------
    f, v : array of shape (n,), (m,)
        Prices of rows and columns.
    sent, got : array of shape (n,), (m,)
        What rows send and columns get.
    """

    f: Floats
    v: Floats
    sent: Floats
    got: Floats


class Products(Protocol):
    """A plan P (n, m) that is multiplied with."""

    def spread(self, share: Floats, p: Floats) -> Floats:
        """Return sum_i P_ij (p_j - share_i sum_k P_ik p_k), (m,)."""


class Gibbs:
    """A plan ``exp((f + v - C)/T)``, made anew in every pass.

    Parameters
    ----------
    passes : Passes
    answer : Answer
    T : float
        Temperature.
    """

    def __init__(self, passes: Passes, answer: Answer, T: float) -> None:
        self.passes, self.answer, self.T = passes, answer, T

    def spread(self, share: Floats, p: Floats) -> Floats:
        """See `Products`."""

        def part(C: Floats, rows: slice, y: Floats) -> None:
            X = np.empty(C.shape)
            kernels.exponentials(C, self.answer.f[rows], self.answer.v, self.T, X)
            kernels.spread(X, np.ones(C.shape[0]), share[rows], p, p, y)

        return self.passes.columns(part)

    def likely(self, part: float) -> float:
        """About how many entries are beyond a part of their row or their column, from some rows."""
        n, m = self.passes.shape
        some = spread(n, max(1, _SAMPLE // m))
        a, b = self._levels(part)
        C = np.concatenate([self.passes.cost.block(i, i + 1) for i in some])
        f, v = self.answer.f[some], self.answer.v
        return n / some.size * float(kernels.count(C, f, v, self.T, a[some], b))

    def _levels(self, part: float) -> tuple[Floats, Floats]:
        """Logarithms of a part of what rows send and columns get; inf where that is nothing."""
        with np.errstate(divide="ignore"):
            a, b = (
                np.log(part * np.where(x > 0.0, x, np.inf))
                for x in (self.answer.sent, self.answer.got)
            )
        return a, b

    def entries(self, part: float, most: int) -> Entries | None:
        """Rows, columns and entries beyond a part of their row or column; None if too many."""
        levels = self._levels(part)
        n = self.passes.shape[0]
        if not self.likely(part) <= most:
            return None

        def found(C: Floats, rows: slice) -> Entries:
            # No block has much more than its share.
            room = min(most, C.size, 1000 + 4 * most * C.shape[0] // n)
            f, level = self.answer.f[rows], levels[0][rows]
            i, j, entry = kernels.entries(C, f, self.answer.v, self.T, level, levels[1], room)
            return i + rows.start, j, entry

        listed = tuple(np.concatenate(k) for k in zip(*self.passes.over(found), strict=True))
        return (listed[0], listed[1], listed[2]) if 0 < listed[0].size <= most else None


class Listed:
    """The large entries of a plan, row by row."""

    def __init__(self, passes: Passes, entries: Entries) -> None:
        self.passes, self.entries = passes, entries
        self.start = np.searchsorted(entries[0], np.arange(passes.shape[0] + 1))

    def spread(self, share: Floats, p: Floats) -> Floats:
        """See `Products`."""
        self.passes.check()
        _, col, entry = self.entries
        n, m = self.passes.shape
        self.passes.add(col.size / (n * m))
        y = np.zeros(m)
        kernels.spread_entries(self.start, col, entry, share, p, y)
        return y


class Stored:
    """All of a plan in single precision, relative to roots of what rows and columns have."""

    def __init__(self, plan: Gibbs) -> None:
        self.passes = plan.passes
        # Exponents are shifted, not the entries: these may be out of range.
        at = plan.answer
        sides = [np.log(np.where(x > 0.0, x, 1.0)) / 2 for x in (at.sent, at.got)]
        self.u, self.w = (np.exp(x) for x in sides)
        f, v = (p - plan.T * x for p, x in zip((at.f, at.v), sides, strict=True))
        self.X = np.empty(self.passes.shape, np.float32)
        self.passes.over(lambda C, rows: kernels.exponentials(C, f[rows], v, plan.T, self.X[rows]))

    def spread(self, share: Floats, p: Floats) -> Floats:
        """See `Products`."""
        q = self.w * p

        def part(rows: slice, y: Floats) -> None:
            kernels.spread(self.X[rows], self.u[rows], share[rows], q, p, y)

        return self.w * self.passes.read_columns(part)


def products(plan: Gibbs) -> Products:
    """The quickest way to multiply with a plan."""
    n, m = plan.passes.shape
    most = int(_DENSE * n * m)
    entries = plan.entries(_LISTED, most) if memory.has_room(_ENTRY * most) else None
    if entries is not None:
        return Listed(plan.passes, entries)
    return Stored(plan) if memory.has_room(4 * n * m) else plan
