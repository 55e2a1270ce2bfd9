"""Affinities of a point set with itself: what they are, and how they are put together."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import DTypeLike, NDArray

from quot import memory
from quot.adaptive.neighbours import Kept, Neighbours
from quot.adaptive.shares import Shares, exact_shares, shares
from quot.adaptive.symmetric import Judged, Symmetric, ascend, descend, first_guess
from quot.arraylike import ArrayLike, no_copy
from quot.costs import Cost, SparseCost
from quot.interrupts import interruptible
from quot.kernels import affinities as kernels
from quot.labels import Labels
from quot.pairs.price import Pricer
from quot.pairs.screen import Blocks
from quot.parallel import map_rows
from quot.perplexity import spreads
from quot.shown import Shown, ends
from quot.support import Support

Floats = NDArray[np.float64]

KINDS = ("directed", "symmetric", "doubly_stochastic")

# Neighbours of a point in units of its perplexity: what t-SNE takes; where points must share with
# each other; and to begin with where the rest is priced.
_USUAL, _MUTUAL, _PRICED = 3.0, 10.0, 3.0
# To begin with there are so many more, as few points need not have a plan among few neighbours.
# Where that does not do they are doubled, up to so many times those; up to all, if these are few.
_MORE, _WIDER, _FEW = 20, 2, 1_000_000
# How often pairs that were found missing are taken in at most.
_ROUNDS = 20


@dataclass(frozen=True, eq=False)
class Affinities(ArrayLike, Shown):
    """How much each point has to do with others, as a sparse matrix, and how good that is.

    To NumPy it is that matrix.

    Parameters
    ----------
    matrix : scipy.sparse.csr_array of shape (n, n)
        Rows sum to 1; with kind="symmetric" only their mean does.
    kind : {"directed", "symmetric", "doubly_stochastic"}
    regularizer : {"entropic", "quadratic"}
    perplexity : array of shape (n,)
        Reached, by rows of the matrix; with kind="symmetric" by the directed rows it is made of.
    price, strength : array of shape (n,)
        What entries are made of, h*'(y) being exp(y) (entropic) or max(y, 0) (quadratic):
        ``h*'((price_i - C_ij)/strength_i)`` in a directed row, where of squared distances the
        strength is 2 sigma^2 of t-SNE, and ``h*'((price_i + price_j - C_ij)/(strength_i +
        strength_j))`` if doubly stochastic. It is 0 where points that tie for the nearest share a
        directed row evenly.
    residual : float
        The most that a row misses: of its sum, or of its perplexity, relative to that (if entropic
        its logarithm, absolute).
    gap : float
        If doubly stochastic how much more ``<C, P>`` is than a lower bound over symmetric P on the
        pairs that were kept, relative; else 0, as rows are found exactly.
    is_exact : bool
        Whether no pair is left out that would have an entry.
    tol : float
        What `converged` is judged by.
    labels : sequence of n names, optional
        Names of the points, if they came in a DataFrame.
    """

    matrix: sp.csr_array
    kind: str
    regularizer: str
    perplexity: Floats
    price: Floats
    strength: Floats
    residual: float
    gap: float
    is_exact: bool
    tol: float
    _cost: Cost = field(repr=False)
    _pairs: Kept = field(repr=False)
    labels: Labels = field(default=None, repr=False)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:  # noqa: FBT001
        no_copy(copy)
        memory.check_array(self.matrix.shape)
        every: Floats = self.matrix.toarray()
        return every.astype(dtype or np.float64, copy=False)

    @property
    def converged(self) -> bool:
        """Whether residual and gap are within the tolerance."""
        return Judged(self.residual, self.gap).holds(self.tol)

    @cached_property
    @interruptible
    def neglected(self) -> Floats:
        """What pairs that were left out would get of each row, at its price and strength, (n,).

        0 if `is_exact`; else one pass over all pairs of points, the first time it is asked for. A
        directed row over all pairs would have this mass more, and is to be divided by 1 plus that.
        """
        n = self.price.size
        out = np.zeros(n)
        if self.is_exact:
            return out
        is_mutual = self.kind == "doubly_stochastic"
        none = np.zeros(n)
        g, delta = (self.price, self.strength) if is_mutual else (none, none)
        blocks = Blocks(self._cost)

        def part(start: int, stop: int) -> None:
            kernels.left_out(
                blocks.block(start, stop)[0],
                start,
                self._pairs.start,
                self._pairs.col,
                self.price,
                g,
                self.strength,
                delta,
                self.regularizer == "entropic",
                out[start:stop],
            )

        map_rows(part, n, n, blocks.rows)
        return out

    def _facts(self) -> dict[str, Any]:
        return {
            "points": self.price.size,
            "kind": self.kind,
            "regularizer": self.regularizer,
            "perplexity": ends(self.perplexity),
            "entries": self.matrix.nnz,
            "pairs": "all that count" if self.is_exact else "those kept",
            "residual": f"{self.residual:.1e}",
            "gap": f"{self.gap:.1e}",
        }

    def __repr__(self) -> str:
        n = self.price.size
        how = "exact" if self.is_exact else "of the pairs kept"
        return (
            f"Affinities({n} points, {self.kind}, {self.regularizer}, nnz={self.matrix.nnz}, "
            f"{how}, residual={self.residual:.1e}, gap={self.gap:.1e})"
        )


@dataclass(frozen=True, eq=False)
class Task:
    """What is asked for.

    Parameters
    ----------
    cost : Cost of shape (n, n)
        Sparse if only some pairs are allowed.
    perplexity : array of shape (n,)
    kind, regularizer : str
    count : int or None
        Nearest others of each point to keep; None leaves it to the perplexity.
    diagonal : bool
    tol : float
    max_iter : int
    """

    cost: Cost
    perplexity: Floats
    kind: str
    regularizer: str
    count: int | None
    diagonal: bool
    tol: float
    max_iter: int

    @property
    def is_priced(self) -> bool:
        """Whether the answer is to be that over all pairs."""
        is_free = self.count is None and not isinstance(self.cost, SparseCost)
        return is_free and self.regularizer == "quadratic"

    @property
    def first_count(self) -> int:
        """How many others of each point to begin with."""
        if self.count is not None:
            return self.count
        times, more = _MUTUAL if self.kind == "doubly_stochastic" else _USUAL, 1
        if self.is_priced:
            times, more = _PRICED, _MORE if self.kind == "doubly_stochastic" else 1
        most = int(times * float(self.perplexity.max())) + more
        return min(most, self.cost.shape[0] - 1)


def find(task: Task) -> Affinities:
    """Find them."""
    if isinstance(task.cost, SparseCost):
        near, pairs = None, Kept.stored(task.cost, diagonal=task.diagonal)
    else:
        near = Neighbours(task.cost, diagonal=task.diagonal)
        if task.kind != "doubly_stochastic" and task.is_priced:
            rows = exact_shares(near, task.perplexity, task.first_count)
            return _directed(task, rows, is_exact=True)
        pairs = near.pairs(task.first_count)
    rows = shares(pairs, task.perplexity, task.regularizer)
    if task.kind == "doubly_stochastic":
        return _mutual(task, near, rows)
    return _directed(task, rows, is_exact=pairs.is_complete)


def _directed(task: Task, rows: Shares, *, is_exact: bool) -> Affinities:
    """Rows as they are, or the mean with their transpose."""
    P = _matrix(rows.entries, rows.pairs)
    reached = _reached(P, task.regularizer)
    short = np.maximum(task.perplexity / reached - 1.0, 0.0)
    off = np.abs(P.sum(axis=1) - 1.0)
    return Affinities(
        matrix=P if task.kind == "directed" else _mean(P),
        kind=task.kind,
        regularizer=task.regularizer,
        perplexity=reached,
        price=rows.price,
        strength=rows.strength,
        residual=float(np.maximum(short, off).max()),
        gap=0.0,
        is_exact=is_exact,
        tol=task.tol,
        _cost=task.cost,
        _pairs=rows.pairs,
    )


def _mutual(task: Task, near: Neighbours | None, rows: Shares) -> Affinities:
    """The symmetric problem: on more and more pairs, until none is missing, if it is priced."""
    problem = Symmetric(
        rows.pairs.mutual(task.cost), task.perplexity, task.regularizer, task.max_iter
    )
    f, e = first_guess(rows)
    is_exact = False
    for _ in range(_ROUNDS):
        point, floor = ascend(problem, f, e, task.tol)
        judged = problem.judge(point, floor)
        if not judged.holds(task.tol):
            wider = _wider(task, near, rows)
            if wider is not None:  # on so few pairs there may be no such plan
                rows, (f, e) = wider, first_guess(wider)
                problem = problem.on(rows.pairs.mutual(task.cost))
                continue
            point, floor = descend(problem, task.tol)
            judged = problem.judge(point, floor)
        is_exact = problem.pairs.is_complete
        if is_exact or not task.is_priced or not judged.holds(task.tol):
            break
        every, count = _with_missing(task.cost, problem.pairs, point.f)
        is_exact = count == 0
        if is_exact:
            break
        problem, f, e = problem.on(every), point.f, point.e
    P = _mean(_matrix(point.entries, problem.pairs))
    return Affinities(
        matrix=P,
        kind=task.kind,
        regularizer=task.regularizer,
        perplexity=_reached(P, task.regularizer),
        price=point.f,
        strength=point.e + 0.5 * floor,
        residual=judged.residual,
        gap=judged.gap,
        is_exact=is_exact,
        tol=task.tol,
        _cost=task.cost,
        _pairs=problem.pairs,
    )


def _wider(task: Task, near: Neighbours | None, rows: Shares) -> Shares | None:
    """The rows on twice as many pairs, if that may be and is not too much."""
    n, size = task.perplexity.size, rows.pairs.cost.size
    most = n * n if n * n <= _FEW else _WIDER * task.first_count * n
    if near is None or not task.is_priced or rows.pairs.is_complete or 2 * size > most:
        return None
    pairs = near.pairs(min(2 * (size // n), n - 1))
    return shares(pairs, task.perplexity, task.regularizer)


def _with_missing(cost: Cost, pairs: Kept, f: Floats) -> tuple[Kept, int]:
    """All pairs, and how many new ones there are: those with C < f_i + f_j."""
    n = f.size
    found = Pricer().violators(cost, f, f)
    keys = pairs.rows * np.int64(n) + pairs.col
    new = np.setdiff1d(found.keys[found.rows != found.cols], keys, assume_unique=True)
    rows, cols = new // n, new % n
    support = Support.of(
        (n, n), np.concatenate((pairs.rows, rows, cols)), np.concatenate((pairs.col, cols, rows))
    )
    return Kept.joined(support, cost, pairs.beyond), new.size


def _matrix(entries: Floats, pairs: Kept) -> sp.csr_array:
    """Entries that are not zero."""
    n, kept = pairs.start.size - 1, entries > 0.0
    before = np.concatenate((np.zeros(1, np.int64), np.cumsum(kept)))
    start = before[pairs.start]
    if start[-1] <= np.iinfo(np.int32).max:  # others take no wider ones
        start = start.astype(np.int32)
    return sp.csr_array((entries[kept], pairs.col[kept], start), shape=(n, n))


def _mean(P: sp.csr_array) -> sp.csr_array:
    """The mean of a matrix and its transpose: symmetric to the last bit."""
    mean = sp.csr_array(0.5 * (P + P.T))
    mean.sort_indices()
    return mean


def _reached(P: sp.csr_array, regularizer: str) -> Floats:
    """The perplexity of each row, (n,)."""
    n = P.shape[0]
    row = np.repeat(np.arange(n), np.diff(P.indptr))
    spread = spreads(P.data, row, n, regularizer)
    return np.asarray(0.5 / spread if regularizer == "quadratic" else np.exp(-1.0 - spread))
