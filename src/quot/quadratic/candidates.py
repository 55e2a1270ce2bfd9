"""Candidates: the pairs that a solve works on, and the box in which they are enough."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quot import memory
from quot.costs import Cost, SparseCost, spread
from quot.flow.network import FlowState
from quot.pricing import Pricer
from quot.problem import Problem
from quot.quadratic.bipartite import Bipartite, Box, Dual
from quot.quadratic.coarse import SMALL
from quot.support import Support

Floats = NDArray[np.float64]

# Pairs beyond the active ones kept for each row and column.
NEAREST = 10
# Rows that are looked at before candidates are listed, if there are many pairs.
_SAMPLE, _MANY = 32, 5_000_000


class Candidates(NamedTuple):
    """Candidate pairs, their box (None if they are all there are), and how complete they are.

    A pair left out has at least the slack `rows_at` of its row (n,) and `cols_at` of its column
    (m,).
    """

    support: Support
    box: Box | None
    rows_at: Floats
    cols_at: Floats


def beyond_all(problem: Problem) -> tuple[Floats, Floats]:
    """Slacks of rows and columns beyond those of any pair."""
    n, m = problem.shape
    return np.full(n, np.inf), np.full(m, np.inf)


def choose_candidates(  # noqa: PLR0917
    pricer: Pricer,
    problem: Problem,
    dual: Dual,
    count: int,
    hint: tuple[Floats, Floats],
    reach: float,
) -> Candidates:
    """All pairs of a small or sparse problem; else the active ones and the `count` nearest.

    The hint says beyond which slacks of rows and columns nothing is wanted; fewer may do. In the
    box potentials may rise `reach` times further than no pair left out could object to.
    """
    cost, (n, m) = problem.cost, problem.shape
    if isinstance(cost, SparseCost):
        return Candidates(Support(cost.shape, cost.rows, cost.cols), None, *beyond_all(problem))
    if n * m <= SMALL:
        rows, cols = np.divmod(np.arange(n * m, dtype=np.int32), np.int32(m))
        return Candidates(Support((n, m), rows, cols), None, *beyond_all(problem))
    f = dual.f + dual.lam
    _check_memory(cost, f, dual.g, count, hint)
    support, rows_at, cols_at = pricer.nearest(cost, f, dual.g, count, hint)
    box = Box.around(dual, reach * rows_at, reach * cols_at)
    return Candidates(support, box, rows_at, cols_at)


def join(
    network: Bipartite, near: Candidates, state: FlowState, again: Dual | None
) -> tuple[Bipartite, FlowState]:
    """The network with more candidates, at the state it was in, or `again` at a dual point.

    A row or column that has all its pairs needs no bound.
    """
    support, box = network.support | near.support, near.box
    if box is not None:
        n, m = support.shape
        full_row = np.bincount(support.rows, minlength=n) == m
        full_col = np.bincount(support.cols, minlength=m) == n
        box = Box(np.where(full_row, np.inf, box.rows), np.where(full_col, np.inf, box.cols))
    wider = Bipartite(network.problem, support, box)
    return wider, wider.state(again) if again else wider.resume(network, state)


def _check_memory(
    cost: Cost, f: Floats, g: Floats, count: int, hint: tuple[Floats, Floats]
) -> None:
    """Raise if pairs of no slack, and the `count` nearest, would not fit the machine.

    Where the hint says how far to look, there are no more than usual.
    """
    n, m = cost.shape
    if n * m < _MANY:
        return
    rows = spread(n, _SAMPLE)
    block = cost.take(rows, np.arange(m)).block(0, rows.size)
    active = np.count_nonzero(block - f[rows, None] - g <= 0.0) / rows.size
    wide = sum(np.count_nonzero(np.isinf(far)) for far in hint)
    others = count * wide + NEAREST * (n + m - wide)
    memory.check(n * active + min(others, n * (m - active)))
