"""Passes over all pairs, by blocks of rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quot.costs import Cost
from quot.kernels import pricing as kernels
from quot.parallel import map_rows
from quot.support import Support

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Pairs = tuple[Ints, Ints]

_BLOCK_ENTRIES = 1 << 17
# Rows are cut into at most so many parts, of at least so many rows: each has lists of its own for
# the columns, which short parts would only fill.
_PARTS, _PART_ROWS = 8, 512


def nearest(cost: Cost, f: Floats, g: Floats, count: int) -> tuple[Support, Floats, Floats]:
    """Return all pairs of no slack, and the next `count` of each row and of each column.

    Also returns the largest slack taken in each row (n,) and in each column (m,), inf where all
    pairs were taken: a pair left out has at least the larger of the two. Slack that round-off
    explains is none.
    """
    noise = round_off(f, g)
    n, m = cost.shape
    row_slack, row_index = np.full((n, min(count, m)), np.inf), np.zeros((n, min(count, m)), np.int32)

    def part(start: int, stop: int) -> tuple[Floats, Ints, list[Pairs]]:
        depth = min(count, n)
        col_slack, col_index = np.full((m, depth), np.inf), np.zeros((m, depth), np.int32)
        active = []
        step = max(1, _BLOCK_ENTRIES // m)
        for low in range(start, stop, step):
            block = cost.block(low, min(low + step, stop))
            kernels.nearest(block, low, f, g, noise, row_slack, row_index, col_slack, col_index)
            active.append(kernels.violators(block, low, f, g, -noise))
        return col_slack, col_index, active

    (col_slack, col_index, active), *others = map_rows(part, n, m, max(_PART_ROWS, -(-n // _PARTS)))
    for more_slack, more_index, more_active in others:
        kernels.merge(col_slack, col_index, more_slack, more_index)
        active += more_active
    near_rows, near_cols = row_slack < np.inf, col_slack < np.inf
    rows = [np.nonzero(near_rows)[0], col_index[near_cols], *(pairs[0] for pairs in active)]
    cols = [row_index[near_rows], np.nonzero(near_cols)[0], *(pairs[1] for pairs in active)]
    support = Support.of(cost.shape, np.concatenate(rows), np.concatenate(cols))
    return support, row_slack[:, -1], col_slack[:, -1]


def violators(cost: Cost, f: Floats, g: Floats, tau: float) -> Support:
    """Return all pairs with slack <= -tau."""
    n, m = cost.shape

    def scan(start: int, stop: int) -> Pairs:
        found: Pairs = kernels.violators(cost.block(start, stop), start, f, g, tau)
        return found

    parts = map_rows(scan, n, m, max(1, _BLOCK_ENTRIES // m))
    rows, cols = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Support(cost.shape, rows, cols)


def round_off(f: Floats, g: Floats) -> float:
    """How wrong the rounding of potentials may make a slack."""
    return float(8 * np.finfo(np.float64).eps * (np.abs(f).max() + np.abs(g).max()))


def row_roots(cost: Cost, g: Floats, target: Floats) -> Floats:
    """Return for each row the f with sum_j [f + g_j - C_ij]_+ = target, (n,)."""
    n, m = cost.shape

    def roots(start: int, stop: int) -> Floats:
        found: Floats = kernels.row_roots(cost.block(start, stop), g, target[start:stop])
        return found

    return np.concatenate(map_rows(roots, n, m, max(1, _BLOCK_ENTRIES // m)))
