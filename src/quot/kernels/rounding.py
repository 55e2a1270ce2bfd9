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
def route_on_forest(order, tail, head, need, values):
    """Send what nodes miss along a spanning forest of the arcs, in place in `values`.

    order (E,): arcs by preference, the forest takes each that closes no cycle.
    need (N,): what must still arrive at each node, net; overwritten with what is left, which is
    zero except at one node of each tree.
    """
    size = need.size
    parent = np.empty(size, np.int64)
    for v in range(size):
        parent[v] = v
    degree = np.zeros(size, np.int64)
    mixed = np.zeros(size, np.int64)  # xor of the forest arcs at a node
    for e in order:
        u = _find(parent, tail[e])
        v = _find(parent, head[e])
        if u != v:
            parent[max(u, v)] = min(u, v)
            degree[tail[e]] += 1
            degree[head[e]] += 1
            mixed[tail[e]] ^= e
            mixed[head[e]] ^= e
    for begin in range(size):
        leaf = begin
        while degree[leaf] == 1:
            e = mixed[leaf]
            x = need[leaf]
            if head[e] == leaf:
                hub = tail[e]
                values[e] += x
            else:
                hub = head[e]
                values[e] -= x
            need[leaf] = 0.0
            need[hub] += x
            degree[leaf] = 0
            degree[hub] -= 1
            mixed[hub] ^= e
            leaf = hub


@kernel
def refine(rows, cols, values, member_a, start_a, a, member_b, start_b, b):
    """Spread entries between clusters over their members by the north-west corner rule.

    Cluster I of rows has the members member_a[start_a[I] : start_a[I + 1]], of masses a; likewise
    columns. No member sends or takes more than its mass. Returns rows, cols, values.
    """
    size = values.size + a.size + b.size
    i = np.empty(size, np.int32)
    j = np.empty(size, np.int32)
    x = np.empty(size)
    at_a = start_a.copy()
    at_b = start_b.copy()
    left_a = a.copy()
    left_b = b.copy()
    count = 0
    for e in range(values.size):
        k = rows[e]
        q = cols[e]
        rest = values[e]
        while rest > 0.0 and at_a[k] < start_a[k + 1] and at_b[q] < start_b[q + 1]:
            u = member_a[at_a[k]]
            v = member_b[at_b[q]]
            amount = min(rest, left_a[u], left_b[v])
            if amount > 0.0:
                i[count] = u
                j[count] = v
                x[count] = amount
                count += 1
            rest -= amount
            left_a[u] -= amount
            left_b[v] -= amount
            if left_a[u] <= 0.0:
                at_a[k] += 1
            if left_b[v] <= 0.0:
                at_b[q] += 1
    return i[:count], j[:count], x[:count]


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
