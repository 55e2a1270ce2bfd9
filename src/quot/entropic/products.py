"""A plan that is kept, its large entries listed or all of them in single precision.

At one temperature it is scaled from prices to prices: no exponentials are needed to multiply with
it, nor to see what rows and columns get, if that need not be exact.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

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
# Prices of columns may move by so many T, and those of rows move by no more: what was too small to
# be kept does not count then.
_FAR = 30.0
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


@dataclass(frozen=True, eq=False)
class Listed:
    """The large entries of a plan, row by row; near its prices it is scaled.

    Parameters
    ----------
    passes : Passes
    T : float
        Temperature.
    base : Answer
        Whose plan it is.
    entries : tuple of arrays
        Rows, columns, entries.
    start : int array of shape (n + 1,)
        Where those of each row begin.
    """

    passes: Passes
    T: float
    base: Answer
    entries: Entries
    start: NDArray[np.int64]
    precision: ClassVar = 1e-9

    @classmethod
    def of(cls, plan: Gibbs) -> Listed | None:
        """Of a plan, if they are few."""
        n, m = plan.passes.shape
        most = int(_DENSE * n * m)
        if not memory.has_room(_ENTRY * most):
            return None
        entries = plan.entries(_LISTED, most)
        if entries is None:
            return None
        start = np.searchsorted(entries[0], np.arange(n + 1))
        return cls(plan.passes, plan.T, plan.answer, entries, start)

    def at(self, answer: Answer) -> Listed | None:
        """The same at another answer; None if that is too far."""
        w = _moved(answer.v - self.base.v, self.T)
        if w is None:
            return None
        row, col, entry = self.entries
        u = _answered(answer.f, self.base.f, self.T)
        if u is None:
            return None
        return replace(self, base=answer, entries=(row, col, entry * u[row] * w[col]))

    def answer(self, v: Floats, a: Floats, highest: float) -> Answer | None:
        """The answer of rows of masses a (n,) and prices at most `highest`; None if too far."""
        w = _moved(v - self.base.v, self.T)
        if w is None:
            return None
        self._look()
        f, sent, got = np.empty(a.size), np.empty(a.size), np.zeros(v.size)
        _, col, entry = self.entries
        is_in_range = kernels.answer_listed(
            self.start, col, entry, a, w, self.base.f, highest, self.T, f, sent, got
        )
        return Answer(f, v, sent, got * w) if is_in_range else None

    def spread(self, share: Floats, p: Floats) -> Floats:
        """See `Products`."""
        self._look()
        y = np.zeros(p.size)
        kernels.spread_entries(self.start, *self.entries[1:], share, p, y)
        return y

    def _look(self) -> None:
        n, m = self.passes.shape
        self.passes.check()
        self.passes.add(self.entries[0].size / (n * m))


@dataclass(frozen=True, eq=False)
class Stored:
    """All of a plan, diag(u) X diag(w), X in single precision; near its prices it is scaled.

    Parameters
    ----------
    passes : Passes
    T : float
        Temperature.
    base : Answer
        Whose plan it is.
    X : float32 array of shape (n, m)
        Entries in parts of u where w is 1.
    u, w : array of shape (n,), (m,)
        Masses of the rows, and ones, unless it is scaled.
    """

    passes: Passes
    T: float
    base: Answer
    X: NDArray[np.float32]
    u: Floats
    w: Floats
    precision: ClassVar = 3e-7

    def at(self, answer: Answer) -> Stored | None:
        """The same at another answer; None if that is too far."""
        w = _moved(answer.v - self.base.v, self.T)
        if w is None:
            return None
        u = _answered(answer.f, self.base.f, self.T)
        if u is None:
            return None
        return replace(self, base=answer, u=self.u * u, w=self.w * w)

    def answer(self, v: Floats, a: Floats, highest: float) -> Answer | None:
        """See `Listed`; not of one that is scaled."""
        w = _moved(v - self.base.v, self.T)
        if w is None:
            return None
        f, sent, is_in_range = np.empty(a.size), np.empty(a.size), []

        def part(rows: slice, got: Floats) -> None:
            X, before = self.X[rows], self.base.f[rows]
            is_in_range.append(
                kernels.answer_stored(
                    X, a[rows], w, before, highest, self.T, f[rows], sent[rows], got
                )
            )

        got = w * self.passes.read_columns(part)
        return Answer(f, v, sent, got) if all(is_in_range) else None

    def spread(self, share: Floats, p: Floats) -> Floats:
        """See `Products`."""
        q = self.w * p

        def part(rows: slice, y: Floats) -> None:
            kernels.spread(self.X[rows], self.u[rows], share[rows], q, p, y)

        return self.w * self.passes.read_columns(part)


def _answered(f: Floats, before: Floats, T: float) -> Floats | None:
    """Factors of rows that answered; None if some are out of range."""
    with np.errstate(over="ignore", invalid="ignore"):
        u: Floats = np.exp((f - before) / T)
    return u if np.isfinite(u).all() else None


def _moved(step: Floats, T: float) -> Floats | None:
    """Factors of columns whose prices moved; None if some moved too far."""
    return np.exp(step / T) if float(np.abs(step).max()) <= _FAR * T else None
