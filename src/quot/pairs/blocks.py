"""Passes over all pairs of any cost, by blocks of rows; exact, or screened in single precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.kernels import pricing as kernels
from quot.pairs.sample import Listing, Sample
from quot.pairs.screen import Blocks, Screen
from quot.parallel import map_rows
from quot.settings import settings
from quot.support import Support

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Pairs = tuple[Ints, Ints]

# Rows are cut into at most so many parts, each with lists of its own for the columns.
_PARTS = 8


def nearest(  # noqa: PLR0917
    way: Blocks | Screen,
    f: Floats,
    g: Floats,
    count: int,
    hint: tuple[Floats, Floats],
    noise: float,
    check: Callable[[], None] = lambda: None,
    sample: Sample | None = None,
) -> tuple[Support, Floats, Floats]:
    """Return all pairs of slack <= noise, and the next `count` of each row and of each column.

    Only a `sample` of the former, if that is given. Also returns a slack for each row (n,) and each
    column (m,), inf where all pairs were taken: a pair left out has at least the larger of the two.
    The hint says beyond which slacks of rows and columns nothing is wanted; fewer may be taken.
    """
    n, m = way.cost.shape
    row_hint, col_hint = hint
    row_slack, row_index = _lists(row_hint, min(count, m))

    def part(start: int, stop: int) -> tuple[Floats, Ints, Listing]:
        col_slack, col_index = _lists(col_hint, min(count, n))
        active = Listing() if sample is None else sample.begin()
        step = way.rows
        for low in range(start, stop, step):
            check()
            block, _ = way.block(low, min(low + step, stop))
            lists = (row_slack, row_index, col_slack, col_index)
            active.show(*kernels.nearest(block, low, f, g, noise, *lists, way.exact))
        return col_slack, col_index, active

    chunk = max(settings().listed_rows, -(-n // _PARTS))
    (col_slack, col_index, active), *others = map_rows(part, n, m, chunk, check)
    for more_slack, more_index, more_active in others:
        kernels.merge(col_slack, col_index, more_slack, more_index)
        active.add(more_active)
    near_rows, near_cols = row_index >= 0, col_index >= 0
    rows: list[NDArray[np.integer[Any]]]
    cols: list[NDArray[np.integer[Any]]]
    pairs = active.pairs()
    rows = [np.nonzero(near_rows)[0], col_index[near_cols], *(i for i, _ in pairs)]
    cols = [row_index[near_rows], np.nonzero(near_cols)[0], *(j for _, j in pairs)]
    support = Support.of(way.cost.shape, np.concatenate(rows), np.concatenate(cols))
    return support, row_slack[:, -1], col_slack[:, -1]


def _lists(hint: Floats, depth: int) -> tuple[Floats, Ints]:
    """Lists of slacks and indices, empty: slack at the hint, index -1."""
    return np.repeat(hint[:, None], depth, axis=1), np.full((hint.size, depth), -1, np.int32)


def violators(
    way: Blocks | Screen,
    f: Floats,
    g: Floats,
    tau: float,
    check: Callable[[], None] = lambda: None,
) -> Support:
    """Return all pairs with slack <= -tau."""
    n, m = way.cost.shape

    def scan(start: int, stop: int) -> Pairs:
        check()
        block, _ = way.block(start, stop)
        found: Pairs = kernels.violators(block, start, f, g, tau, way.exact)
        return found

    parts = map_rows(scan, n, m, way.rows, check)
    rows, cols = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Support(way.cost.shape, rows, cols)


def row_roots(
    way: Blocks | Screen,
    g: Floats,
    target: Floats,
    check: Callable[[], None] = lambda: None,
) -> Floats:
    """Return for each row the f with sum_j [f + g_j - C_ij]_+ = target, the largest one; (n,)."""
    n, m = way.cost.shape

    def roots(start: int, stop: int) -> Floats:
        check()
        block, width = way.block(start, stop)
        found: Floats = kernels.row_roots(block, width, start, g, target[start:stop], way.exact)
        return found

    return np.concatenate(map_rows(roots, n, m, way.rows, check))
