"""Costs between points, by blocks and by pairs."""

import numpy as np

from quot.kernels._jit import kernel

SQEUCLIDEAN, EUCLIDEAN, CITYBLOCK, COSINE = 0, 1, 2, 3


@kernel
def _finish(metric, value):
    if metric == 1:
        return np.sqrt(value)
    return 1.0 - value if metric == 3 else value


@kernel
def point_block(X, Y, metric, start, out):
    """Fill out (r, m) with the costs of rows start .. start + r against all columns.

    X (n, d); Y (m, d). For metric 3 both have rows of norm one.
    """
    d = X.shape[1]
    m = out.shape[1]
    tile = 1 + 8192 // d  # so many columns stay in the cache
    for low in range(0, m, tile):
        high = min(low + tile, m)
        for r in range(out.shape[0]):
            i = start + r
            for j in range(low, high):
                value = 0.0
                if metric <= 1:
                    for k in range(d):
                        t = X[i, k] - Y[j, k]
                        value += t * t
                elif metric == 2:
                    for k in range(d):
                        value += abs(X[i, k] - Y[j, k])
                else:
                    for k in range(d):
                        value += X[i, k] * Y[j, k]
                out[r, j] = _finish(metric, value)


@kernel
def axis_block(X, Y, metric, start, out):
    """Do the same by one axis after the other, in vectors over the columns; Y (d, m).

    In three dimensions at most that is the same to the last bit.
    """
    tile = 1024  # columns that stay in the nearest cache
    for r in range(out.shape[0]):
        for low in range(0, out.shape[1], tile):
            line = out[r, low : low + tile]
            line[:] = 0.0
            for k in range(Y.shape[0]):
                x = X[start + r, k]
                y = Y[k, low : low + tile]
                if metric <= 1:
                    for j in range(line.size):
                        t = x - y[j]
                        line[j] += t * t
                elif metric == 2:
                    for j in range(line.size):
                        line[j] += abs(x - y[j])
                else:
                    for j in range(line.size):
                        line[j] += x * y[j]
            if metric == 1 or metric == 3:
                for j in range(line.size):
                    line[j] = _finish(metric, line[j])


@kernel
def point_pairs(X, Y, metric, rows, cols):
    """Cost of each pair (rows[e], cols[e])."""
    out = np.empty(rows.size)
    for e in range(rows.size):
        i = rows[e]
        j = cols[e]
        value = 0.0
        if metric <= 1:
            for k in range(X.shape[1]):
                t = X[i, k] - Y[j, k]
                value += t * t
        elif metric == 2:
            for k in range(X.shape[1]):
                value += abs(X[i, k] - Y[j, k])
        else:
            for k in range(X.shape[1]):
                value += X[i, k] * Y[j, k]
        out[e] = _finish(metric, value)
    return out


@kernel
def lower_bounds(rough, metric, off, scale):
    """In place: from scaled squares of distances, or costs, to lower bounds of the costs.

    rough (r, m) float32 is wrong by at most off (r,); points were divided by `scale`. Returns
    width (r,): a true cost is at most its bound and that.
    """
    rounded = np.float32((1.0 - 2.0**-22) * scale)
    squared = np.float32(scale * scale)
    width = np.empty(rough.shape[0])
    for r in range(rough.shape[0]):
        line = rough[r]
        less = np.float32(off[r])
        if metric == 3:
            for j in range(line.size):
                line[j] -= less
            width[r] = 2.0 * off[r]
            continue
        least = np.float32(np.inf)
        for j in range(line.size):
            line[j] = max(line[j] - less, np.float32(0.0))
            least = min(least, line[j])
        if metric == 0:
            for j in range(line.size):
                line[j] *= squared
            width[r] = 2.0 * off[r] * scale * scale
        else:
            for j in range(line.size):
                line[j] = np.sqrt(line[j]) * rounded
            # sqrt(t + 2 off) - sqrt(t) falls with t; then what `rounded` takes from distances <= 2
            width[r] = (np.sqrt(least + 2.0 * off[r]) - np.sqrt(least) + 2.0**-20) * scale
    return width
