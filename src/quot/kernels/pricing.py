"""Passes over blocks of pairs: nearest pairs by slack, violators, rows at their roots."""

import numpy as np

from quot.kernels._jit import kernel

# Steps towards a root that are nothing but rounding, relative.
_ROUNDING = 4.0 * np.finfo(np.float64).eps


@kernel
def _insert(slack, index, value, where):
    """Put `value` into the ascending list `slack`, dropping its last entry."""
    k = slack.size - 1
    while k > 0 and slack[k - 1] > value:
        slack[k] = slack[k - 1]
        index[k] = index[k - 1]
        k -= 1
    slack[k] = value
    index[k] = where


@kernel
def _doubled(index):
    """A copy with twice the room."""
    longer = np.empty(2 * index.size, np.int32)
    for k in range(index.size):
        longer[k] = index[k]
    return longer


@kernel
def _cost(block, r, j, i, exact):
    """Cost of the pair (i, j): that in the block, at (r, j), unless that is only a bound."""
    X, Y, metric = exact
    if metric < 0:
        return np.float64(block[r, j])
    value = 0.0
    for k in range(X.shape[1]):
        if metric <= 1:
            t = X[i, k] - Y[j, k]
            value += t * t
        else:
            value += X[i, k] * Y[j, k]
    if metric == 1:
        return np.sqrt(value)
    return 1.0 - value if metric == 3 else value


@kernel
def nearest(block, start, f, g, noise, row_slack, row_index, col_slack, col_index, exact):
    """Keep the pairs of least slack C - f - g > noise of each row and each column, in place.

    block (r, m) holds rows start .. start + r. row_slack, row_index (n, k) and col_slack,
    col_index (m, q) are ascending lists; places not used yet hold a slack beyond which
    nothing is wanted. The costs are at least the block, and equal to it unless `exact`, which is
    (X, Y, metric), has a metric >= 0 to compute them by.
    Returns rows, cols (int32) of the pairs of slack <= noise, row by row.
    """
    metric = exact[2]
    k = row_slack.shape[1] - 1
    q = col_slack.shape[1] - 1
    m = block.shape[1]
    last = col_slack[:, q].copy()
    rows = np.empty(8 * block.shape[0], np.int32)
    cols = np.empty(8 * block.shape[0], np.int32)
    hit = np.empty(m + 1, np.int32)
    count = 0
    for r in range(block.shape[0]):
        i = start + r
        fi = f[i]
        worst = row_slack[i, k]
        # First, without branches, what may matter; then, in turn, whether it does.
        found = 0
        for j in range(m):
            hit[found] = j
            found += 1 if block[r, j] - fi - g[j] < max(worst, last[j]) else 0
        for h in range(found):
            j = np.int64(hit[h])
            s = np.float64(block[r, j])
            if s - fi - g[j] >= max(worst, last[j]):
                continue
            if metric >= 0:
                s = _cost(block, r, j, i, exact)
            s -= fi + g[j]
            if s <= noise:
                if count == rows.size:
                    rows = _doubled(rows)
                    cols = _doubled(cols)
                rows[count] = i
                cols[count] = j
                count += 1
                continue
            if s < worst:
                _insert(row_slack[i], row_index[i], s, j)
                worst = row_slack[i, k]
            if s < last[j]:
                _insert(col_slack[j], col_index[j], s, i)
                last[j] = col_slack[j, q]
    return rows[:count], cols[:count]


@kernel
def merge(slack, index, more_slack, more_index):
    """Merge ascending lists (m, k) into `slack` and `index`, in place."""
    for j in range(slack.shape[0]):
        for q in range(slack.shape[1]):
            if more_slack[j, q] >= slack[j, -1]:
                break
            _insert(slack[j], index[j], more_slack[j, q], more_index[j, q])


@kernel
def violators(block, start, f, g, tau, exact):
    """Rows, cols (int32) of the pairs of slack C - f - g <= -tau, row by row; `exact` as above."""
    rows = np.empty(8 * block.shape[0], np.int32)
    cols = np.empty(8 * block.shape[0], np.int32)
    hit = np.empty(block.shape[1] + 1, np.int32)
    count = 0
    for r in range(block.shape[0]):
        i = start + r
        fi = f[i] - tau
        found = 0
        for j in range(block.shape[1]):
            hit[found] = j
            found += 1 if block[r, j] - fi - g[j] <= 0.0 else 0
        for h in range(found):
            j = np.int64(hit[h])
            if _cost(block, r, j, i, exact) - fi - g[j] <= 0.0:
                if count == rows.size:
                    rows = _doubled(rows)
                    cols = _doubled(cols)
                rows[count] = i
                cols[count] = j
                count += 1
    return rows[:count], cols[:count]


@kernel
def _root(line, size, target, start):
    """The f with sum_j [f - line_j]_+ = target over the first `size`; the largest if target is 0.

    Newton on a convex increasing function, from `start` if something is sent there: from the
    second step on it comes from the right, and it is there when no term drops out.
    """
    f = start
    before = -1.0
    for _ in range(100):
        total = -target
        count = 0.0
        for j in range(size):
            y = f - line[j]
            count += 1.0 if y > 0.0 else 0.0
            total += max(y, 0.0)
        if count == 0.0:
            low = np.inf
            for j in range(size):
                low = min(low, line[j])
            f = low + target
            if not low < f < np.inf:
                break
            before = -1.0
            continue
        step = total / count
        f -= step
        if count == before or abs(step) <= _ROUNDING * abs(f):
            break
        before = count
    return f


@kernel
def row_roots(block, width, start, g, target, exact):
    """For each row the f with sum_j [f + g_j - C_j]_+ = target, (r,); inf where all C are inf.

    With target 0 the largest such f. No cost is larger than the block and width (r,); where the
    block is only a bound the root there is at most so much too low, and pairs that are beyond that
    do not count.
    """
    m = block.shape[1]
    out = np.empty(block.shape[0])
    line = np.empty(m)
    for r in range(block.shape[0]):
        for j in range(m):
            line[j] = block[r, j] - g[j]
        out[r] = _root(line, m, target[r], -np.inf)
        if exact[2] < 0:
            continue
        bar = out[r] + width[r]
        size = 0
        for j in range(m):
            if line[j] <= bar:
                line[size] = _cost(block, r, j, start + r, exact) - g[j]
                size += 1
        out[r] = _root(line, size, target[r], -np.inf)
    return out
