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
def _network(start, col, tied, at_top, missing, top):
    """The graph of listed pairs: rows, columns, and one node for all columns at the top.

    Rows that are tied are the ground. Returns its edges, tail, head, weight (E,), the weight that
    ties each node to the ground (N,), what each is to get (N,), and which are columns (N,).
    """
    n = tied.size
    m = at_top.size
    peak = n + m
    tail = np.empty(col.size, np.int32)
    head = np.empty(col.size, np.int32)
    weight = np.empty(col.size)
    ground = np.zeros(peak + 1)
    rhs = np.zeros(peak + 1)
    is_col = np.zeros(peak + 1, np.bool_)
    for j in range(m):
        if at_top[j]:
            is_col[peak] = True
        else:
            rhs[n + j] = missing[j]
            is_col[n + j] = True
    rhs[peak] = top
    count = 0
    for i in range(n):
        high = 0
        for q in range(start[i], start[i + 1]):
            j = col[q]
            if at_top[j]:
                high += 1
            elif tied[i]:
                ground[n + j] += 1.0
            else:
                tail[count], head[count], weight[count] = i, n + j, 1.0
                count += 1
        if high > 0 and tied[i]:
            ground[peak] += high
        elif high > 0:
            tail[count], head[count], weight[count] = i, peak, high
            count += 1
    return tail[:count], head[:count], weight[:count], ground, rhs, is_col


@kernel
def _level(tail, head, ground, rhs, is_col):
    """Take from rhs, in place, what parts that touch no others miss in total.

    No system explains that. Each column's share of it, (N,), and a node for the part of each, (N,).
    """
    nodes = rhs.size
    part = np.arange(nodes)
    for e in range(tail.size):
        a = _find(part, tail[e])
        b = _find(part, head[e])
        if a != b:
            part[max(a, b)] = min(a, b)
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

    Its graph: tail, head, weight (E,), what ties each node to the ground (N,), and what each is to
    get (N,); and of what parts that touch no others miss in total the share of each column (N,),
    which no system could account for, with the part of each node (N,).
    """
    n = f.size
    tied = np.empty(n, np.bool_)
    for i in range(n):
        tied[i] = f[i] >= highest
    top = -spare
    for j in range(v.size):
        if at_top[j]:
            top += missing[j]
    tail, head, weight, ground, rhs, is_col = _network(
        start, col[: start[n]], tied, at_top, missing, top
    )
    share, part = _level(tail, head, ground, rhs, is_col)
    for x in range(rhs.size):
        if is_col[x]:
            ground[x] += firm
    return tail, head, weight, ground, rhs, share, part


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
def _reach(C, v, f, highest, start, col, at_top, part, share, x):
    """How far each node of `_system` goes, after a move x, until its part touches another, (N,).

    Parts that touch no others: where one is to get more it goes up, where less down, and two that
    go towards each other meet halfway. The dual value changes by no more than what they miss, and
    what touches counts in the next step. Where nothing is missing rounding says which way.
    """
    n, m = C.shape
    way, far, node = np.zeros(share.size), np.full(share.size, np.inf), np.empty(m, np.int64)
    for j in range(m):
        node[j] = n + m if at_top[j] else n + j
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
