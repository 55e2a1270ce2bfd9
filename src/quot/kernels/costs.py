"""Costs between points, by blocks and by pairs."""

import numpy as np

from quot.kernels._jit import kernel

SQEUCLIDEAN, EUCLIDEAN, CITYBLOCK, COSINE = 0, 1, 2, 3


@kernel
def _finish(metric, value):
    if metric == 1:
        return np.sqrt(value)
    if metric == 3:
        return 1.0 - value
    return value


@kernel
def point_block(X, YT, metric, start, out):
    """Fill out (r, m) with the costs of rows start .. start + r against all columns.

    X (n, d); YT (d, m), the columns transposed. For metric 3 both have rows of norm one.
    """
    d = X.shape[1]
    m = YT.shape[1]
    tile = 1024
    for lo in range(0, m, tile):
        hi = min(lo + tile, m)
        for r in range(out.shape[0]):
            line = out[r]
            for j in range(lo, hi):
                line[j] = 0.0
            for k in range(d):
                x = X[start + r, k]
                y = YT[k]
                if metric <= 1:
                    for j in range(lo, hi):
                        t = x - y[j]
                        line[j] += t * t
                elif metric == 2:
                    for j in range(lo, hi):
                        line[j] += abs(x - y[j])
                else:
                    for j in range(lo, hi):
                        line[j] += x * y[j]
            if metric == 1:
                for j in range(lo, hi):
                    line[j] = np.sqrt(line[j])
            elif metric == 3:
                for j in range(lo, hi):
                    line[j] = 1.0 - line[j]


@kernel
def point_pairs(X, Y, metric, rows, cols):
    """Cost of each pair (rows[e], cols[e])."""
    out = np.empty(rows.size)
    for e in range(rows.size):
        x = X[rows[e]]
        y = Y[cols[e]]
        value = 0.0
        for k in range(x.size):
            if metric <= 1:
                t = x[k] - y[k]
                value += t * t
            elif metric == 2:
                value += abs(x[k] - y[k])
            else:
                value += x[k] * y[k]
        out[e] = _finish(metric, value)
    return out
