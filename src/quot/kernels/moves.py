"""How the columns of a matrix move in a Newton step, see `semidual`.

A graph of the pairs listed says it, nodes are rows, columns, and one for all columns at the top. It
may have parts that touch no others: what these miss in total no move within them gives.
"""

import numpy as np

from quot.kernels._jit import kernel


@kernel
def _find(part, x):
    while part[x] != x:
        part[x] = part[part[x]]
        x = part[x]
    return x


@kernel
def _edges(start, col, tied, at_top):
    """The edges of the graph: tail, head, weight (E,); rows that are tied are the ground."""
    n, m = tied.size, at_top.size
    peak = n + m
    tail = np.empty(start[n], np.int32)
    head = np.empty(start[n], np.int32)
    weight = np.empty(start[n])
    count = 0
    for i in range(n):
        high = 0
        for q in range(start[i], start[i + 1] if not tied[i] else start[i]):
            if at_top[col[q]]:
                high += 1
            else:
                tail[count], head[count], weight[count] = i, n + col[q], 1.0
                count += 1
        if high > 0:
            tail[count], head[count], weight[count] = i, peak, high
            count += 1
    return tail[:count], head[:count], weight[:count]


@kernel
def _nodes(n, at_top):
    """The node of each column (m,): after the n rows, or the last for those at the top."""
    node = np.empty(at_top.size, np.int64)
    for j in range(at_top.size):
        node[j] = n + at_top.size if at_top[j] else n + j
    return node


@kernel
def _level(start, col, tied, node, ground, rhs):
    """Take from rhs, in place, what parts that touch no others miss in total.

    No system explains that. Each column's share of it, (N,), and a node for the part of each, (N,).
    """
    nodes = rhs.size
    part = np.arange(nodes)
    for i in range(tied.size):
        for q in range(start[i], start[i + 1] if not tied[i] else start[i]):
            a = _find(part, i)
            b = _find(part, node[col[q]])
            if a != b:
                part[max(a, b)] = min(a, b)
    is_col = np.zeros(nodes, np.bool_)
    for j in range(node.size):
        is_col[node[j]] = True
    net = np.zeros(nodes)
    cols = np.zeros(nodes)
    held = np.zeros(nodes, np.bool_)
    for x in range(nodes):
        p = _find(part, x)
        net[p] += rhs[x]
        cols[p] += 1.0 if is_col[x] else 0.0
        held[p] |= ground[x] > 0.0
    share = np.zeros(nodes)
    for x in range(nodes):
        p = _find(part, x)
        part[x] = p
        if is_col[x] and not held[p]:
            share[x] = net[p] / cols[p]
            rhs[x] -= share[x]
    return share, part


@kernel
def _system(v, f, highest, start, col, missing, at_top, spare, firm):
    """The system of how prices of columns would move if the rows' answer changed as at first.

    Its nodes are rows, columns, and one for all columns at the top; rows that are tied (n,) are the
    ground. The node of each column (m,); what ties each node to the ground (N,), and what each is
    to get (N,); and of what parts that touch no others miss in total the share of each column (N,),
    which no system could account for, with the part of each node (N,).
    """
    n, m = f.size, v.size
    node, tied = _nodes(n, at_top), np.empty(n, np.bool_)
    ground, rhs = np.zeros(n + m + 1), np.zeros(n + m + 1)
    rhs[n + m] = -spare
    for j in range(m):
        rhs[node[j]] += missing[j]
    for i in range(n):
        tied[i] = f[i] >= highest
        for q in range(start[i], start[i + 1] if tied[i] else start[i]):
            ground[node[col[q]]] += 1.0
    share, part = _level(start, col, tied, node, ground, rhs)
    for j in range(m):
        ground[n + j] += 0.0 if at_top[j] else firm
    ground[n + m] += firm
    return tied, node, ground, rhs, share, part


@kernel
def _after(v, f, highest, start, col, node, x):
    """Prices of columns (m,) and rows (n,) after moves x of the nodes, if the same pairs answer."""
    after_v, after_f = np.empty(v.size), np.empty(f.size)
    for j in range(v.size):
        after_v[j] = v[j] + x[node[j]]
    for i in range(f.size):
        after_f[i] = f[i]
        size = start[i + 1] - start[i]
        if f[i] < highest and size > 0:
            moved = 0.0
            for q in range(start[i], start[i + 1]):
                moved += x[node[col[q]]]
            after_f[i] = min(f[i] - moved / size, highest)
    return after_v, after_f


@kernel
def _reach(C, v, f, highest, start, col, at_top, node, part, share, x):
    """How far each node of `_system` goes, after a move x, until its part touches another, (N,).

    Parts that touch no others: where one is to get more it goes up, where less down, and two that
    go towards each other meet halfway. The dual value changes by no more than what they miss, and
    what touches counts in the next step. Where nothing is missing rounding says which way.
    """
    n, m = C.shape
    way, far = np.zeros(share.size), np.full(share.size, np.inf)
    for j in range(m):
        way[part[node[j]]] = share[node[j]]
    found, is_one = np.zeros(share.size), True
    for i in range(n):
        is_one &= part[i] == part[node[0]]
    for j in range(m):
        is_one &= part[node[j]] == part[node[0]]
    if is_one or not way.any():
        return found
    after_v, after_f = _after(v, f, highest, start, col, node, x)
    top = np.inf
    for j in range(m):
        top = after_v[j] if at_top[j] else top
    for j in range(m):
        if way[part[node[j]]] > 0.0 and not at_top[j]:
            far[part[node[j]]] = min(far[part[node[j]]], top - after_v[j])
    for i in range(n):
        p = part[i]
        if way[p] < 0.0:
            far[p] = min(far[p], highest - after_f[i])
        for j in range(m):
            q = part[node[j]]
            if p == q or not (way[q] > 0.0 or way[p] < 0.0):
                continue
            slack = C[i, j] - after_f[i] - after_v[j]
            if way[q] > 0.0 and way[p] < 0.0:
                slack *= 0.5
            if way[q] > 0.0:
                far[q] = min(far[q], slack)
            if way[p] < 0.0:
                far[p] = min(far[p], slack)
    for u in range(n, share.size):
        d = max(far[part[u]], 0.0)
        if d < np.inf:
            found[u] = d if way[part[u]] > 0.0 else -d
    return found


@kernel
def _moves(n, v, noise, x, share, reach, at_top):
    """How the columns move (m,), of the nodes of `_system`, and whether some would pass the top.

    x: within parts; reach: until these touch, and then as far as they would with one pair more for
    each column. Those that pass are tied to the columns at the top, in place in at_top.
    """
    m = v.size
    found = np.empty(m)
    peak = -np.inf
    some = -1
    for j in range(m):
        u = n + m if at_top[j] else n + j
        found[j] = x[u] + reach[u] + share[u]
        peak = max(peak, v[j])
        some = j if at_top[j] else some
    passing = False
    if some >= 0:
        for j in range(m):
            if v[j] >= peak - noise and not at_top[j] and found[j] > found[some]:
                at_top[j] = True
                passing = True
    return found, passing
