"""Shortest ways along the arcs of a network, by Dijkstra's method.

An arc of length l >= 0 is passed from tail to head, an undirected one either way; those that leave
node v are ``arc[start[v] : start[v + 1]]``. Of each node that a search has met are kept the length
of its way, inf of all others, and the arc it came by, NO_ARC where ways begin.
"""

import numpy as np

from quot.kernels._jit import kernel

NO_ARC = -1


@kernel
def leaving(tail, head, undirected, n_nodes):
    """The arcs that leave each node, loops left out: start (N + 1,) int64, arc int32."""
    start = np.zeros(n_nodes + 1, np.int64)
    for e in range(tail.size):
        if tail[e] != head[e]:
            start[tail[e] + 1] += 1
            start[head[e] + 1] += 1 if undirected[e] else 0
    for v in range(n_nodes):
        start[v + 1] += start[v]
    fill = start[:-1].copy()
    arc = np.empty(start[-1], np.int32)
    for e in range(tail.size):
        if tail[e] != head[e]:
            arc[fill[tail[e]]] = e
            fill[tail[e]] += 1
            if undirected[e]:
                arc[fill[head[e]]] = e
                fill[head[e]] += 1
    return start, arc


@kernel
def _push(node, key, count, new, at):
    """Put a node at a key on the heap of `count`, in place."""
    k = count
    while k > 0:
        up = (k - 1) // 2
        if key[up] <= at:
            break
        node[k], key[k] = node[up], key[up]
        k = up
    node[k], key[k] = new, at


@kernel
def _pop(node, key, count):
    """Take the first of `count` off the heap, in place."""
    last, at = node[count - 1], key[count - 1]
    k = 0
    while 2 * k + 1 < count - 1:
        below = 2 * k + 1
        if below + 1 < count - 1 and key[below + 1] < key[below]:
            below += 1
        if at <= key[below]:
            break
        node[k], key[k] = node[below], key[below]
        k = below
    node[k], key[k] = last, at


@kernel
def _room(start, arc, begins):
    """What a search that begins at so many nodes works in: way, by, node, key, met."""
    n = start.size - 1
    way = np.full(n, np.inf)
    by = np.empty(n, np.int32)
    node = np.empty(arc.size + begins, np.int32)
    key = np.empty(arc.size + begins)
    met = np.empty(n, np.int32)
    return way, by, node, key, met


@kernel
def _search(start, arc, tail, head, length, way, by, node, key, met, begins, is_goal, found):
    """Settle nodes, nearest first, until `found` is full of goals; in place, as all that is kept.

    The first `begins` nodes of `met` are where ways begin, as long as they are there. Returns how
    many nodes were met, and how many goals were found.
    """
    count = 0
    for k in range(begins):
        by[met[k]] = NO_ARC
        _push(node, key, count, met[k], way[met[k]])
        count += 1
    reached = begins
    goals = 0
    while count > 0 and goals < found.size:
        v, at = node[0], key[0]
        _pop(node, key, count)
        count -= 1
        if at > way[v]:
            continue
        if is_goal[v]:
            found[goals] = v
            goals += 1
        for q in range(start[v], start[v + 1]):
            e = arc[q]
            u = head[e] if tail[e] == v else tail[e]
            longer = at + length[e]
            if longer < way[u]:
                if way[u] == np.inf:
                    met[reached] = u
                    reached += 1
                way[u] = longer
                by[u] = e
                _push(node, key, count, u, longer)
                count += 1
    return reached, goals


@kernel
def nearest(start, arc, tail, head, length, sources, is_sink, most):
    """The sinks nearest to each source, at most so many: row (K,), sink (K,), length (K,).

    A row is the place of a source in the list, a sink a node.
    """
    way, by, node, key, met = _room(start, arc, 1)
    row = np.empty(sources.size * most, np.int32)
    sink = np.empty(sources.size * most, np.int32)
    far = np.empty(sources.size * most)
    count = 0
    for i in range(sources.size):
        met[0] = sources[i]
        way[met[0]] = 0.0
        found = sink[count : count + most]
        reached, goals = _search(
            start, arc, tail, head, length, way, by, node, key, met, 1, is_sink, found
        )
        for k in range(count, count + goals):
            row[k], far[k] = i, way[sink[k]]
        count += goals
        for k in range(reached):
            way[met[k]] = np.inf
    return row[:count], sink[:count], far[:count]


@kernel
def cheapest(start, arc, tail, head, length, sources, price):
    """To each node from where it is cheapest: what a unit costs there (N,), from which source (N,).

    price (R,): of a unit at each source. Sources are told by their place in the list. Also returns
    the length of the way alone, (N,): as a difference it would have the rounding of the prices.
    """
    way, by, node, key, met = _room(start, arc, sources.size)
    first = np.empty(way.size, np.int32)
    far = np.zeros(way.size)
    for i in range(sources.size):
        met[i] = sources[i]
        way[met[i]] = price[i]
        first[met[i]] = i
    nowhere = np.zeros(way.size, np.bool_)
    found = np.empty(1, np.int32)
    reached, _ = _search(
        start, arc, tail, head, length, way, by, node, key, met, sources.size, nowhere, found
    )
    trail = node
    for k in range(reached):
        v = met[k]
        count = 0
        while by[v] != NO_ARC:
            trail[count] = v
            count += 1
            e = by[v]
            v = tail[e] if head[e] == v else head[e]
        for j in range(count - 1, -1, -1):
            u = trail[j]
            first[u] = first[v]
            far[u] = far[v] + length[by[u]]
            by[u] = NO_ARC
            v = u
    return way, first, far


@kernel
def route(start, arc, tail, head, length, sources, begin, sink, amount, flow):
    """Send from source i amount[begin[i] : begin[i + 1]] to these sinks, the shortest ways.

    In place in flow (E,).
    """
    way, by, node, key, met = _room(start, arc, 1)
    is_goal = np.zeros(way.size, np.bool_)
    for i in range(sources.size):
        met[0] = sources[i]
        way[met[0]] = 0.0
        for k in range(begin[i], begin[i + 1]):
            is_goal[sink[k]] = True
        found = np.empty(begin[i + 1] - begin[i], np.int32)
        reached, _ = _search(
            start, arc, tail, head, length, way, by, node, key, met, 1, is_goal, found
        )
        for k in range(begin[i], begin[i + 1]):
            v = sink[k]
            is_goal[v] = False
            while by[v] != NO_ARC:
                e = by[v]
                flow[e] += amount[k] if head[e] == v else -amount[k]
                v = tail[e] if head[e] == v else head[e]
        for k in range(reached):
            way[met[k]] = np.inf
