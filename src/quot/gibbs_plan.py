"""GibbsPlan: a plan in which all pairs carry mass, kept by its prices."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import Any, NamedTuple, TypeVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from quot import memory
from quot.costs import Cost
from quot.coupling import Coupling, Floats, Totals, flat
from quot.exceptions import MassLostWarning
from quot.interrupts import interruptible
from quot.kernels import gibbs as kernels
from quot.parallel import added, map_rows
from quot.plan import Ints, Plan
from quot.support import Support
from quot.validation import as_number

R = TypeVar("R")
_Pairs = tuple[NDArray[np.integer[Any]], NDArray[np.integer[Any]]]
_Blocks = Iterator[tuple[Floats, int]]

# Entries of a block of rows, made at a time; and parts of all rows, each with sums of its own for
# the columns.
_ENTRIES, _PARTS = 1 << 17, 64
# So much of the mass may be lost without a word: it is less than the rounding of its sum.
_ROUND_OFF = 1e-15


class _Sums(NamedTuple):
    """What is known after a pass over all entries."""

    rows: Floats
    cols: Floats
    totals: Totals


@dataclass(frozen=True, eq=False)
class GibbsPlan(Coupling):
    """A transport plan ``P = diag(u) exp((f + g - C)/eps) diag(w)``, but for a few entries.

    No (n, m) array is kept, nor is one made unless asked for: products and sums make the plan anew
    in blocks of rows, each in one pass over all pairs.

    Parameters
    ----------
    cost : Cost
        C, of shape (n, m); a forbidden pair costs inf and carries nothing.
    eps : float
        Temperature.
    f, g : array of shape (n,), (m,)
        Prices of rows and columns, -inf where there is no mass.
    u, w : array of shape (n,), (m,)
        What corrects for the rounding of prices at a small eps, about 1.
    extra : Plan
        What is added to few entries, of either sign, so that all marginals are exact.
    """

    cost: Cost
    eps: float
    f: Floats
    g: Floats
    u: Floats
    w: Floats
    extra: Plan

    @classmethod
    def of(cls, cost: Cost, eps: float, f: Floats, g: Floats) -> GibbsPlan:
        """Return the plan of prices alone."""
        return cls(cost, eps, f, g, np.ones(f.size), np.ones(g.size), Plan.empty(cost.shape))

    @property
    def shape(self) -> tuple[int, int]:  # type: ignore[override]
        """(n, m)."""
        return self.cost.shape

    @cached_property
    def nnz(self) -> int:
        """Number of entries that are not zero as floats; a pass."""
        return sum(self._over(lambda P, _: int(np.count_nonzero(P))))

    @cached_property
    def least(self) -> float:
        """The smallest entry, 0 if there is none: negative in no plan that is right."""
        if min(self.u.min(), self.w.min()) < 0.0:
            return min(self._over(lambda P, _: float(P.min())))
        entries = self.at(self.extra.rows, self.extra.cols)
        return float(np.append(entries, 0.0).min())

    def sparsity_at(self, threshold: float, *, relative: bool = False) -> float:
        """Return the fraction of the n * m entries that are at most `threshold`; see `Plan`."""
        threshold = as_number(threshold, "threshold")
        if relative:
            threshold = threshold * max(self._over(lambda P, _: float(P.max(initial=0.0))))
        n, m = self.shape
        return 1.0 - sum(self._over(lambda P, _: int(np.count_nonzero(threshold < P)))) / (n * m)

    @property
    def exponent(self) -> float:
        """The largest price over the temperature: entries are rounded by as many parts of it."""
        prices = np.concatenate((self.f, self.g))
        return float(np.abs(prices[np.isfinite(prices)]).max(initial=0.0)) / self.eps

    def row_sums(self) -> Floats:
        """Return P 1, (n,): mass sent by each row."""
        return self._sums.rows.copy()

    def col_sums(self) -> Floats:
        """Return P' 1, (m,): mass received by each column."""
        return self._sums.cols.copy()

    def totals(self, cost: Cost) -> Totals:
        """Return what is summed over all entries, at costs of the same shape."""
        return self._sums.totals if cost is self.cost else self._summed(cost).totals

    def paid(self, cost: Cost) -> tuple[float, float]:
        """Return the sums of ``C P`` and of ``|C| P``, at costs of the same shape."""
        totals = self.totals(cost)
        return totals.cost, totals.size

    def below(self, threshold: float) -> float:
        """Return the mass of all entries that are at most `threshold`, without its sign."""
        return float(sum(self._over(lambda P, _: np.abs(P[threshold >= P]).sum())))

    def to_plan(self, threshold: float = 0.0) -> Plan:
        """Return the entries beyond a threshold as a list; see `to_csr`."""
        listed = self._over(lambda P, start: _listed(P, start, threshold))
        rows, cols, values, lost = zip(*listed, strict=True)
        missed = float(sum(lost))
        if missed > _ROUND_OFF * self.total:
            left = self.shape[0] * self.shape[1] - sum(k.size for k in rows)
            warnings.warn(
                f"threshold={threshold:g} leaves out {left} entries with {missed:.3g} of the "
                f"mass of {self.total:.6g}; `below` tells how much before.",
                MassLostWarning,
                stacklevel=2,
            )
        plan = Plan(self.shape, *(np.concatenate(k) for k in (rows, cols, values)))
        return plan.labelled(self.row_labels, self.col_labels)

    def to_frame(self, threshold: float = 0.0) -> Any:
        """Return a pandas DataFrame of the entries beyond a threshold; see `Plan.to_frame`."""
        return self.to_plan(threshold).to_frame()

    def to_csr(self, threshold: float = 0.0) -> sp.csr_array:
        """Return the entries beyond a threshold as a scipy.sparse CSR array.

        Parameters
        ----------
        threshold : float, default=0
            Entries at most as large are left out.

        Warns
        -----
        MassLostWarning
            If these have more mass than rounding explains; says how much.
        """
        return self.to_plan(threshold).to_csr()

    def to_dense(self) -> Floats:
        """Return an (n, m) array."""
        memory.check_array(self.shape)
        every = np.empty(self.shape)

        def fill(P: Floats, start: int) -> None:
            every[start : start + P.shape[0]] = P

        self._over(fill)
        return every

    def matches(self) -> NDArray[np.intp]:
        """Return the column that gets most of each row, (n,); see `Plan`."""
        return np.concatenate(self._over(lambda P, _: _first_largest(P)[1]))

    def _matches_of_columns(self) -> NDArray[np.intp]:
        """The row that sends most to each column, (m,)."""

        def found(blocks: _Blocks) -> tuple[Floats, NDArray[np.intp]]:
            most, at = np.zeros(self.shape[1]), np.full(self.shape[1], -1)
            for P, start in blocks:
                here, row = _first_largest(P.T)
                at = np.where(here > most, row + start, at)
                most = np.maximum(here, most)
            return most, at

        most, at = (np.array(k) for k in zip(*self._parts(found), strict=True))
        best: NDArray[np.intp] = at[most.argmax(axis=0), np.arange(self.shape[1])]
        return best

    @property
    def T(self) -> Transposed:  # noqa: N802
        """The plan from columns to rows."""
        return Transposed(self)

    def push(self, x: Any) -> Floats:
        """Return P' x: carry a quantity per unit mass from rows (n, ...) to columns (m, ...).

        These are sums. What a column gets on average is ``plan.T.barycentric(x)``.
        """
        given = self._by_rows(x, "x")
        each = flat(given)

        def part(blocks: _Blocks) -> Floats:
            return added(P.T @ each[start : start + P.shape[0]] for P, start in blocks)

        return added(self._parts(part)).reshape(-1, *given.shape[1:])

    def pull(self, y: Any) -> Floats:
        """Return P y: bring a quantity per unit mass from columns (m, ...) to rows (n, ...)."""
        given = self._by_cols(y, "y")
        each = flat(given)
        brought = np.concatenate(self._over(lambda P, _: P @ each))
        return brought.reshape(-1, *given.shape[1:])

    def at(self, rows: NDArray[np.integer[Any]], cols: NDArray[np.integer[Any]]) -> Floats:
        """Return single entries, (k,)."""
        rows, cols = np.asarray(rows), np.asarray(cols)
        entry = np.empty(len(rows))
        costs = self.cost.at(rows, cols)
        kernels.exponentials_of(costs, self.f[rows], self.g[cols], self.eps, entry)
        entry *= self.u[rows]  # in the order of a block
        entry *= self.w[cols]
        return entry + self.extra.at(rows, cols)

    def largest(self, part: float, most: int) -> Plan:
        """Return the largest entry of each row and column, and others that are large.

        Those are beyond a part of their row or their column, but none where they are more than
        `most`.
        """
        f, g = self.f + self.eps * _logs(self.u), self.g + self.eps * _logs(self.w)
        with np.errstate(divide="ignore"):
            a, b = np.log(part * self.row_sums()), np.log(part * self.col_sums())

        def found(blocks: _Blocks) -> tuple[list[_Pairs], list[_Pairs], Floats, NDArray[np.intp]]:
            large: list[_Pairs] = []
            pairs: list[_Pairs] = []
            top, at = np.full(self.shape[1], -np.inf), np.zeros(self.shape[1], np.intp)
            for P, start in blocks:
                rows = slice(start, start + P.shape[0])
                C = self.cost.block(rows.start, rows.stop)
                i, j, _ = kernels.entries(C, f[rows], g, self.eps, a[rows], b, most)
                large.append((i + start, j))
                pairs.append((np.arange(rows.start, rows.stop), P.argmax(axis=1)))
                here = P.max(axis=0)
                at = np.where(here > top, P.argmax(axis=0) + start, at)
                top = np.maximum(top, here)
            return large, pairs, top, at

        parts, of_rows, tops, at = zip(*self._parts(found), strict=True)
        columns = np.arange(self.shape[1])
        of_columns = np.array(at)[np.argmax(tops, axis=0), columns], columns
        large = list(chain.from_iterable(parts))
        is_few = sum(i.size for i, _ in large) <= most
        listed = [*(large if is_few else ()), *chain.from_iterable(of_rows), of_columns]
        rows, cols = (np.concatenate(k).astype(np.int32) for k in zip(*listed, strict=True))
        pairs = Support.of(self.shape, rows, cols)
        values = self.at(pairs.rows, pairs.cols)
        kept = values > 0.0
        return Plan(self.shape, pairs.rows[kept], pairs.cols[kept], values[kept])

    def block(self, start: int, stop: int) -> Floats:
        """Return rows start .. stop, (stop - start, m)."""
        P = np.empty((stop - start, self.shape[1]))
        C, f = self.cost.block(start, stop), self.f[start:stop]
        kernels.exponentials(C, f, self.g, self.eps, P)
        with np.errstate(over="ignore", invalid="ignore"):  # of prices and factors of no plan
            P *= self.u[start:stop, None]
            P *= self.w
        here = slice(*np.searchsorted(self.extra.rows, (start, stop)))
        P[self.extra.rows[here] - start, self.extra.cols[here]] += self.extra.values[here]
        return P

    def scaled(self, u: Floats, w: Floats) -> GibbsPlan:
        """Return diag(u) P diag(w), without what is extra."""
        return replace(self, u=self.u * u, w=self.w * w, extra=Plan.empty(self.shape))

    @cached_property
    def _sums(self) -> _Sums:
        return self._summed(self.cost)

    def _summed(self, cost: Cost) -> _Sums:
        """Sums of all entries, with these costs."""
        logs = _logs(self.u), _logs(self.w)

        sent = np.empty(self.shape[0])

        def each(P: Floats, start: int) -> Floats:
            rows = slice(start, start + P.shape[0])
            own = self.cost.block(rows.start, rows.stop)
            C = own if cost is self.cost else cost.block(rows.start, rows.stop)
            exponents = own, self.f[rows], self.g, logs[0][rows], logs[1], self.eps
            sent[rows] = P.sum(axis=1)
            return np.append(P.sum(axis=0), kernels.totals(P, C, *exponents))

        total = added(self._parts(lambda blocks: added(each(*block) for block in blocks)))
        got, (paid, size, entropy, entropy_size) = total[:-4], total[-4:].tolist()
        # Of the entries that are not what their prices say.
        i, j = self.extra.rows, self.extra.cols
        P = self.at(i, j)
        said = (self.f[i] + self.g[j] - self.cost.at(i, j)) / self.eps + logs[0][i] + logs[1][j]
        meant = P[:, None] * (np.stack((_logs(P), said), axis=1) - 1.0)
        entropy += float((meant[:, 0] - meant[:, 1]).sum())
        entropy_size += float((np.abs(meant[:, 0]) - np.abs(meant[:, 1])).sum())
        totals = Totals(paid, size, entropy, entropy_size)
        return _Sums(sent, got, totals)

    def _over(self, function: Callable[[Floats, int], R]) -> list[R]:
        """Call ``function(P, start)`` with each block of rows, (r, m), and its first row."""
        parts = self._parts(lambda blocks: [function(*block) for block in blocks])
        return list(chain.from_iterable(parts))

    @interruptible
    def _parts(self, function: Callable[[_Blocks], R]) -> list[R]:
        """Call a function with the blocks of each part of the rows, on all threads."""
        n, m = self.shape
        step = max(1, _ENTRIES // m)

        def part(start: int, stop: int) -> R:
            lows = range(start, stop, step)
            return function((self.block(low, min(low + step, stop)), low) for low in lows)

        return map_rows(part, n, m, max(step, -(-n // _PARTS)))

    def _facts(self) -> dict[str, Any]:
        n, m = self.shape
        return {"shape": f"{n} x {m}", "eps": self.eps, "cost": type(self.cost).__name__}

    def __repr__(self) -> str:
        n, m = self.shape
        return f"GibbsPlan({n} x {m}, eps={self.eps:g})"


# What a solver may return.
AnyPlan = Plan | GibbsPlan


class Transposed(Coupling):
    """A plan from its columns to its rows."""

    def __init__(self, plan: GibbsPlan) -> None:
        self._plan = plan
        self.shape = plan.shape[::-1]
        self.row_labels, self.col_labels = plan.col_labels, plan.row_labels

    @property
    def T(self) -> GibbsPlan:  # noqa: N802
        """The plan from rows to columns."""
        return self._plan

    @property
    def nnz(self) -> int:
        """Number of entries that are not zero as floats; a pass."""
        return self._plan.nnz

    @property
    def least(self) -> float:
        """The smallest entry, 0 if there is none."""
        return self._plan.least

    def sparsity_at(self, threshold: float, *, relative: bool = False) -> float:
        """Return the fraction of the n * m entries that are at most `threshold`; see `Plan`."""
        return self._plan.sparsity_at(threshold, relative=relative)

    def at(self, rows: NDArray[np.integer[Any]], cols: NDArray[np.integer[Any]]) -> Floats:
        """Return single entries, (k,)."""
        return self._plan.at(cols, rows)

    def matches(self) -> NDArray[np.intp]:
        """Return the column that gets most of each row, (n,); see `Plan`."""
        return self._plan._matches_of_columns()

    def row_sums(self) -> Floats:
        """Mass sent by each row, (n,)."""
        return self._plan.col_sums()

    def col_sums(self) -> Floats:
        """Mass received by each column, (m,)."""
        return self._plan.row_sums()

    def to_csr(self, threshold: float = 0.0) -> sp.csr_array:
        """Return the entries beyond a threshold; see `GibbsPlan`."""
        return sp.csr_array(self._plan.to_csr(threshold).T)

    def to_frame(self, threshold: float = 0.0) -> Any:
        """Return a pandas DataFrame of the entries beyond a threshold; see `Plan.to_frame`."""
        turned = self._plan.to_plan(threshold).T
        return turned.labelled(self.row_labels, self.col_labels).to_frame()

    def to_dense(self) -> Floats:
        """Return an (n, m) array."""
        memory.check_array(self.shape)
        return np.ascontiguousarray(self._plan.to_dense().T)

    def push(self, x: Any) -> Floats:
        """Return P' x."""
        return self._plan.pull(self._by_rows(x, "x"))

    def pull(self, y: Any) -> Floats:
        """Return P y."""
        return self._plan.push(self._by_cols(y, "y"))

    def _facts(self) -> dict[str, Any]:
        n, m = self.shape
        return {**self._plan._facts(), "shape": f"{n} x {m}"}

    def __repr__(self) -> str:
        return f"{self._plan!r}.T"


def _listed(P: Floats, start: int, threshold: float) -> tuple[Ints, Ints, Floats, float]:
    """Rows, columns and values beyond a threshold, and how much mass the others have."""
    i, j = np.nonzero(threshold < P)
    values = P[i, j]
    rest = float(np.abs(P[threshold >= P]).sum())
    return (i + start).astype(np.int32), j.astype(np.int32), values, rest


def _first_largest(P: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """The largest entry of each row and the first place it is at, 0 and -1 where none is > 0."""
    most = P.max(axis=1)
    return np.maximum(most, 0.0), np.where(most > 0.0, P.argmax(axis=1), -1)


def _logs(x: Floats) -> Floats:
    """Logarithms, 0 where there is none: what has no mass does not count."""
    logs = np.zeros_like(x)
    np.log(x, out=logs, where=x > 0.0)
    return logs
