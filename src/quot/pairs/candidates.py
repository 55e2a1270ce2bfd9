"""Candidates: the pairs that a solve works on, and the box in which they are enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quot import memory
from quot.costs import Cost, SparseCost, spread
from quot.dual import Dual
from quot.pairs.price import Pricer
from quot.pairs.sample import Sample
from quot.problem import Problem, Transport
from quot.settings import settings
from quot.support import Support

Floats = NDArray[np.float64]

# Rows that are looked at before candidates are listed, if there are many pairs.
_SAMPLE, _MANY = 32, 5_000_000


@dataclass(frozen=True, eq=False)
class Box:
    """The most a row and a column may pay before pairs left out become interesting.

    f <= rows and g + lam <= cols; inf where no pair was left out.
    """

    rows: Floats
    cols: Floats

    @classmethod
    def around(cls, dual: Dual, row_slack: Floats, col_slack: Floats) -> Box:
        """Half the given slacks above the present potentials.

        If pairs left out have at least the larger of their two slacks, hence their mean, none of
        them can be violated inside.
        """
        return cls(dual.f + 0.5 * row_slack, dual.g + dual.lam + 0.5 * col_slack)


class Candidates(NamedTuple):
    """Candidate pairs, their box (None if they are all there are), and how complete they are.

    A pair left out has at least the slack `rows_at` of its row (n,) and `cols_at` of its column
    (m,).
    """

    support: Support
    box: Box | None
    rows_at: Floats
    cols_at: Floats


def beyond_all(problem: Transport) -> tuple[Floats, Floats]:
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
    sample: Sample | None = None,
) -> Candidates:
    """All pairs of a small or sparse problem; else the active ones and the `count` nearest.

    Only a `sample` of the active ones, if that is given: then the box says nothing of the others.

    The hint says beyond which slacks of rows and columns nothing is wanted; fewer may do. In the
    box potentials may rise `reach` times further than no pair left out could object to.
    """
    cost, (n, m) = problem.cost, problem.shape
    if isinstance(cost, SparseCost):
        return Candidates(Support(cost.shape, cost.rows, cost.cols), None, *beyond_all(problem))
    if n * m <= settings().complete:
        rows, cols = np.divmod(np.arange(n * m, dtype=np.int32), np.int32(m))
        return Candidates(Support((n, m), rows, cols), None, *beyond_all(problem))
    f = dual.f + dual.lam
    most = np.inf if sample is None else sample.most * (n + m)
    _check_memory(cost, f, dual.g, count, hint, most)
    support, rows_at, cols_at = pricer.nearest(cost, f, dual.g, count, hint, sample)
    box = Box.around(dual, reach * rows_at, reach * cols_at)
    return Candidates(support, box, rows_at, cols_at)


def _check_memory(  # noqa: PLR0917
    cost: Cost, f: Floats, g: Floats, count: int, hint: tuple[Floats, Floats], most: float
) -> None:
    """Raise if pairs of no slack, at `most`, and the `count` nearest, would not fit the machine.

    Where the hint says how far to look, there are no more than usual.
    """
    n, m = cost.shape
    if n * m < _MANY:
        return
    active = expected(cost, f, g)
    wide = sum(np.count_nonzero(np.isinf(far)) for far in hint)
    others = count * wide + settings().nearest * (n + m - wide)
    memory.check(min(active, most) + min(others, n * m - active))


def expected(cost: Cost, f: Floats, g: Floats, noise: float = 0.0) -> float:
    """How many pairs have no slack, but for so much rounding; by a sample where there are many."""
    n, m = cost.shape
    rows = spread(n, _SAMPLE) if n * m >= _MANY else np.arange(n)
    block = cost.take(rows, np.arange(m)).block(0, rows.size)
    return float(np.count_nonzero(block - f[rows, None] - g <= noise)) * n / rows.size
