"""Nested clusters: points in kd order, and costs averaged over clusters."""

import numpy as np

from quot.kernels._jit import kernel


@kernel
def _select(key, order, lo, hi, nth):
    """Partially sort order[lo:hi] by key so that position nth is as in the full sort."""
    while hi - lo > 1:
        pivot = key[order[(lo + hi) >> 1]]
        i = lo
        j = hi - 1
        while i <= j:
            while key[order[i]] < pivot:
                i += 1
            while key[order[j]] > pivot:
                j -= 1
            if i <= j:
                order[i], order[j] = order[j], order[i]
                i += 1
                j -= 1
        if nth <= j:
            hi = j + 1
        elif nth >= i:
            lo = i
        else:
            return


@kernel
def kd_order(points, depth):
    """Order (n,) int64 of the points and bounds (2^depth + 1,) of their clusters in it.

    Every cluster is cut at the median of its widest axis, `depth` times; clusters of one level
    are unions of two of the next.
    """
    n, d = points.shape
    order = np.empty(n, np.int64)
    for q in range(n):
        order[q] = q
    leaves = 1 << depth
    bounds = np.zeros(leaves + 1, np.int64)
    bounds[leaves] = n
    width = leaves
    column = np.empty(n)
    for _ in range(depth):
        half = width // 2
        for c in range(0, leaves, width):
            lo = bounds[c]
            hi = bounds[c + width]
            middle = (lo + hi) >> 1
            bounds[c + half] = middle
            if hi - lo < 2:
                continue
            axis = 0
            widest = -1.0
            for k in range(d):
                low = np.inf
                high = -np.inf
                for q in range(lo, hi):
                    x = points[order[q], k]
                    low = min(low, x)
                    high = max(high, x)
                if high - low > widest:
                    widest = high - low
                    axis = k
            for q in range(lo, hi):
                column[order[q]] = points[order[q], axis]
            _select(column, order, lo, hi, middle)
        width = half
    return order, bounds


@kernel
def average_columns(block, label, share, out):
    """Add to out (r, K) the block (r, m) averaged over clusters.

    Column by column, ``out[:, label[j]] += share[j] C_j``.
    """
    for r in range(block.shape[0]):
        for j in range(block.shape[1]):
            out[r, label[j]] += share[j] * block[r, j]


@kernel
def average_rows(block, start, label, share, out):
    """Add to out (K, m) the rows start .. of a cost: out[label[i]] += share[i] C_i."""
    for r in range(block.shape[0]):
        line = out[label[start + r]]
        w = share[start + r]
        for j in range(block.shape[1]):
            line[j] += w * block[r, j]
