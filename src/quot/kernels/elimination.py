"""Weighted graph Laplacians solved outright, by elimination of one node after another.

A node of few neighbours goes first: what it missed goes to these in proportion to its edges, and
these are joined to each other. Nothing is ever subtracted, so that rounding does no harm whatever
the weights. On graphs that are large and well-connected this takes far too long.
"""

import numpy as np

from quot.kernels._jit import kernel


@kernel
def _lists(tail, head, conductance, degree, start):
    """The neighbours of each node (2E,), int32, and the weights (2E,), with room to grow.

    In place in degree (N,) how many there are, and in start (N + 1,) where a list begins, each of
    them twice as long as it needs to be. Parallel edges are merged, loops and zeros left out.
    """
    n = degree.size
    for e in range(tail.size):
        if conductance[e] > 0.0 and tail[e] != head[e]:
            start[tail[e] + 1] += 2
            start[head[e] + 1] += 2
    for v in range(n):
        start[v + 1] += start[v]
    node = np.empty(start[n], np.int32)
    weight = np.empty(start[n])
    for e in range(tail.size):
        if conductance[e] > 0.0 and tail[e] != head[e]:
            for end in range(2):
                u = tail[e] if end == 0 else head[e]
                node[start[u] + degree[u]] = head[e] if end == 0 else tail[e]
                weight[start[u] + degree[u]] = conductance[e]
                degree[u] += 1
    slot = np.zeros(n, np.int64)
    for v in range(n):
        kept = start[v]
        for q in range(start[v], start[v] + degree[v]):
            u = node[q]
            at = slot[u]
            if at > start[v] and node[at - 1] == u:
                weight[at - 1] += weight[q]
            else:
                node[kept] = u
                weight[kept] = weight[q]
                kept += 1
                slot[u] = kept
        degree[v] = kept - start[v]
    return node, weight


@kernel
def _take_out(v, key, bucket, before, after):
    """Take a node out of the list of those of its degree."""
    if before[v] >= 0:
        after[before[v]] = after[v]
    else:
        bucket[key[v]] = after[v]
    if after[v] >= 0:
        before[after[v]] = before[v]


@kernel
def _put_in(v, degree, key, bucket, before, after):
    """Put a node into the list of those of a degree."""
    key[v] = degree
    before[v] = -1
    after[v] = bucket[degree]
    if bucket[degree] >= 0:
        before[bucket[degree]] = v
    bucket[degree] = v


@kernel
def solve(tail, head, conductance, rhs, effort):
    """x (N,) with L x = rhs, and whether that is one: False where it takes more than `effort`.

    tail, head (E,) int32; conductance (E,) >= 0; rhs (N,) sums to zero on every component, and x is
    zero at one node of each. effort: pairs of neighbours that may be joined, in all.
    """
    n = rhs.size
    degree = np.zeros(n, np.int64)
    start = np.zeros(n + 1, np.int64)
    node, weight = _lists(tail, head, conductance, degree, start)
    room = np.empty(n, np.int64)
    for v in range(n):
        room[v] = start[v + 1] - start[v]
    free = start[n]  # where lists go on that have no more room
    bucket = np.empty(n + 1, np.int32)
    before = np.empty(n, np.int32)
    after = np.empty(n, np.int32)
    key = np.empty(n, np.int64)
    mark = np.empty(n, np.int64)
    for v in range(n):
        bucket[v] = -1
        mark[v] = -1
    for v in range(n - 1, -1, -1):
        _put_in(v, degree[v], key, bucket, before, after)
    order = np.empty(n, np.int32)
    b = rhs.copy()
    lowest = 0
    joined = 0
    base = np.int64(0)  # marks from here on are of the node at hand
    step = 0
    while step < n:
        while bucket[lowest] < 0:
            lowest += 1
        v = bucket[lowest]
        _take_out(v, key, bucket, before, after)
        if degree[v] > lowest:  # it has grown since it was put there
            _put_in(v, degree[v], key, bucket, before, after)
            continue
        order[step] = v
        step += 1
        count = degree[v]
        joined += count * count
        if joined > effort:
            return b, False
        first = start[v]
        total = 0.0
        for q in range(first, first + count):
            total += weight[q]
        for q in range(first, first + count):
            u = node[q]
            share = weight[q] / total
            b[u] += share * b[v]
            begin = start[u]
            size = degree[u]
            at = begin
            for r in range(begin, begin + size):
                mark[node[r]] = base + r
                if node[r] == v:
                    at = r
            size -= 1
            last = node[begin + size]
            node[at] = last
            weight[at] = weight[begin + size]
            mark[last] = base + at
            mark[u] = base + at  # no loops
            if size + count > room[u]:  # it has to move
                room[u] = 2 * (size + count)
                if free + room[u] > node.size:
                    more = 2 * node.size + room[u]
                    longer = np.empty(more, np.int32)
                    heavier = np.empty(more)
                    for r in range(free):
                        longer[r] = node[r]
                        heavier[r] = weight[r]
                    node = longer
                    weight = heavier
                for r in range(size):
                    node[free + r] = node[begin + r]
                    weight[free + r] = weight[begin + r]
                start[u] = free
                free += room[u]
            move = start[u] - begin
            for r in range(first, first + count):
                k = node[r]
                if k == u:
                    continue
                new = share * weight[r]
                if mark[k] >= base:
                    weight[mark[k] - base + move] += new
                else:
                    node[start[u] + size] = k
                    weight[start[u] + size] = new
                    size += 1
            base += node.size
            degree[u] = size
            if size < key[u]:
                _take_out(u, key, bucket, before, after)
                _put_in(u, size, key, bucket, before, after)
                lowest = min(lowest, size)
        b[v] = b[v] / total if count > 0 else 0.0
    for step in range(n - 1, -1, -1):
        v = order[step]
        if degree[v] > 0:
            total = 0.0
            inner = 0.0
            for q in range(start[v], start[v] + degree[v]):
                total += weight[q]
                inner += weight[q] * b[node[q]]
            b[v] += inner / total
    return b, True
