"""Repair of marginals: along a spanning forest of the support, and by the north-west corner."""

import numpy as np

from quot.kernels._jit import kernel


@kernel
def _find(parent, v):
    while parent[v] != v:
        parent[v] = parent[parent[v]]
        v = parent[v]
    return v


@kernel
def route_on_forest(order, rows, cols, n_rows, free, need, values):
    """Move the missing mass along a spanning forest of the support, in place in `values`.

    order (nnz,): entries by preference, the forest takes each that closes no cycle.
    free (n + m,) bool: nodes whose marginal may differ; each tree hangs from one if it has any.
    need (n + m,): what each row, then each column, misses; overwritten with what is left, which
    is zero except at one node of each tree.
    """
    size = need.size
    parent = np.arange(size)
    degree = np.zeros(size, np.int64)
    mixed = np.zeros(size, np.int64)  # xor of the forest entries at a node
    anchored = free.copy()  # by tree: whether it has an anchor yet
    anchor = free.copy()
    for e in order:
        i = rows[e]
        j = n_rows + cols[e]
        u = _find(parent, i)
        v = _find(parent, j)
        if u == v:
            continue
        if anchored[u] and anchored[v]:
            continue  # two trees that can each absorb their own need stay apart
        parent[max(u, v)] = min(u, v)
        anchored[min(u, v)] = anchored[u] or anchored[v]
        degree[i] += 1
        degree[j] += 1
        mixed[i] ^= e
        mixed[j] ^= e
    for begin in range(size):
        leaf = begin
        while degree[leaf] == 1 and not anchor[leaf]:
            e = mixed[leaf]
            i = rows[e]
            j = n_rows + cols[e]
            hub = j if leaf == i else i
            x = need[leaf]
            values[e] += x
            need[leaf] = 0.0
            need[hub] -= x
            degree[leaf] = 0
            degree[hub] -= 1
            mixed[hub] ^= e
            leaf = hub


@kernel
def northwest(excess_rows, excess_cols):
    """Fill by the north-west corner rule: rows, cols, values of at most n + m - 1 entries.

    excess_rows (n,), excess_cols (m,): what is missing, >= 0, of equal totals up to round-off.
    """
    n = excess_rows.size
    m = excess_cols.size
    rows = np.empty(n + m, np.int32)
    cols = np.empty(n + m, np.int32)
    values = np.empty(n + m)
    count = 0
    i = 0
    j = 0
    left = excess_rows[0]
    right = excess_cols[0]
    while True:
        if left <= right:
            amount = left
            if amount > 0.0:
                rows[count] = i
                cols[count] = j
                values[count] = amount
                count += 1
            right -= amount
            i += 1
            if i == n:
                break
            left = excess_rows[i]
        else:
            amount = right
            if amount > 0.0:
                rows[count] = i
                cols[count] = j
                values[count] = amount
                count += 1
            left -= amount
            j += 1
            if j == m:
                break
            right = excess_cols[j]
    return rows[:count], cols[:count], values[:count]
