"""Network simplex: the linear flow problem on a spanning tree, pivot by pivot.

Arc e = (tail, head) has cost l and capacity k and carries 0 <= x <= k; an undirected one pays the
same either way, and is turned (tail and head swapped, in place) when it is to carry the other way.
Arc E + v joins node v to the root N and makes any tree feasible. A tree is kept by the parent of
each node, the arc to it, its depth, and lists of children. Ties are broken so that the tree stays
strongly feasible: the method does not go in circles.
"""

import numpy as np

from quot.kernels._jit import kernel

TREE, LOWER, UPPER = 0, 1, -1
OPTIMAL, USED_UP, UNBOUNDED = 0, 1, 2


@kernel
def _attach(v, parent, child, sibling, before):
    """Put v first among the children of its parent."""
    p = parent[v]
    s = child[p]
    sibling[v] = s
    before[v] = -1
    if s >= 0:
        before[s] = v
    child[p] = v


@kernel
def _detach(v, parent, child, sibling, before):
    """Take v out of the list of its parent's children."""
    s = sibling[v]
    b = before[v]
    if b >= 0:
        sibling[b] = s
    else:
        child[parent[v]] = s
    if s >= 0:
        before[s] = b


@kernel
def plant(nodes, arcs, tail, head, capacity, undirected, flow, need):
    """A feasible tree from a spanning forest: state (A,), parent, arc (N + 1,) of each node.

    nodes, arcs: the forest, leaves before what they hang on. flow (A,): what the other arcs
    carry, 0 or their capacity; in place, what the tree does. need (N,) what then must still arrive.
    Also returns how many nodes hang on the root because their arc cannot do what they need.
    """
    n = need.size
    first = tail.size - n
    state = np.full(tail.size, LOWER, np.int8)
    for e in range(first):
        if flow[e] > 0.0:
            state[e] = UPPER
    parent = np.full(n + 1, n, np.int32)
    arc = np.empty(n + 1, np.int32)
    for v in range(n):
        arc[v] = first + v
    parent[n] = -1
    arc[n] = -1
    stranded = 0
    for k in range(nodes.size):
        v = nodes[k]
        e = arcs[k]
        x = need[v] if head[e] == v else -need[v]
        if undirected[e] and (x < 0.0 or (x == 0.0 and head[e] == v)):
            tail[e], head[e] = head[e], tail[e]
            x = -x
        fits = 0.0 < x < capacity[e] or (x == 0.0 and tail[e] == v)
        fits = fits or (x == capacity[e] and head[e] == v)
        hub = tail[e] if head[e] == v else head[e]
        if fits:
            parent[v] = hub
            arc[v] = e
            state[e] = TREE
        else:
            stranded += 1
            x = min(max(x, 0.0), capacity[e])
            if x > 0.0:
                state[e] = UPPER
        flow[e] = x
        x = x if head[e] == v else -x
        need[v] -= x
        need[hub] += x
    for v in range(n):
        if parent[v] == n:
            e = first + v
            state[e] = TREE
            flow[e] = abs(need[v])
            tail[e] = v if need[v] <= 0.0 else n
            head[e] = n if need[v] <= 0.0 else v
    return state, parent, arc, stranded


@kernel
def _grow(top, parent, arc, child, sibling, depth, p, tail, head, cost):
    """Depths and potentials of the tree below a node, in place; those of the node are known."""
    v = child[top]
    while v >= 0:
        u = parent[v]
        e = arc[v]
        depth[v] = depth[u] + 1
        p[v] = p[u] + (cost[e] if head[e] == v else -cost[e])
        if child[v] >= 0:
            v = child[v]
            continue
        while v != top and sibling[v] < 0:
            v = parent[v]
        v = -1 if v == top else sibling[v]


@kernel
def pivot(tail, head, cost, capacity, undirected, flow, state, parent, arc, noise, max_pivots):
    """Pivot to the optimum, in place in flow, state, parent, arc, and tail and head.

    Returns the potentials (N + 1,), the number of pivots, and a code: OPTIMAL to `noise`, pivots
    USED_UP, or UNBOUNDED, where a cycle of negative cost has no limit.
    """
    n = parent.size - 1
    child = np.full(n + 1, -1, np.int32)
    sibling = np.full(n + 1, -1, np.int32)
    before = np.full(n + 1, -1, np.int32)
    depth = np.zeros(n + 1, np.int32)
    p = np.zeros(n + 1)
    for v in range(n):
        _attach(v, parent, child, sibling, before)
    _grow(n, parent, arc, child, sibling, depth, p, tail, head, cost)
    size = tail.size - n  # those at the root never come back
    block = max(20, int(np.sqrt(size)))
    at = 0
    pivots = 0
    while True:
        # The arc that violates most, of the first block with any.
        best = noise
        enter = -1
        seen = 0
        left = block
        while seen < size:
            e = at
            at += 1
            if at == size:
                at = 0
            seen += 1
            left -= 1
            s = state[e]
            if s != TREE:
                y = p[head[e]] - p[tail[e]]
                if s == LOWER:
                    over = (abs(y) if undirected[e] else y) - cost[e]
                else:
                    over = cost[e] - y
                if over > best:
                    best = over
                    enter = e
            if left == 0:
                if enter >= 0:
                    break
                left = block
        if enter < 0:
            return p, pivots, OPTIMAL
        if pivots == max_pivots:
            return p, pivots, USED_UP
        pivots += 1
        e = enter
        if state[e] == LOWER and p[head[e]] < p[tail[e]] and undirected[e]:
            tail[e], head[e] = head[e], tail[e]
        first = tail[e] if state[e] == LOWER else head[e]
        second = head[e] if state[e] == LOWER else tail[e]
        # Up to where the two paths join; what blocks most.
        delta = capacity[e]
        out = -1
        side = 0
        u = first
        v = second
        while u != v:
            if depth[u] >= depth[v]:
                a = arc[u]
                room = flow[a] if tail[a] == u else capacity[a] - flow[a]
                if room < delta:
                    delta = room
                    out = u
                    side = 1
                u = parent[u]
            else:
                v = parent[v]
        join = u
        v = second
        while v != join:
            a = arc[v]
            room = capacity[a] - flow[a] if tail[a] == v else flow[a]
            if room <= delta:
                delta = room
                out = v
                side = 2
            v = parent[v]
        if delta == np.inf:
            return p, pivots, UNBOUNDED
        if delta > 0.0:
            flow[e] += delta * state[e]
            u = first
            while u != join:
                a = arc[u]
                flow[a] += -delta if tail[a] == u else delta
                u = parent[u]
            v = second
            while v != join:
                a = arc[v]
                flow[a] += delta if tail[a] == v else -delta
                v = parent[v]
        if out < 0:  # from one of its ends to the other
            state[e] = -state[e]
            flow[e] = 0.0 if state[e] == LOWER else capacity[e]
            continue
        leave = arc[out]
        down = (tail[leave] == out) == (side == 1)
        state[leave] = LOWER if down else UPPER
        flow[leave] = 0.0 if down else capacity[leave]
        state[e] = TREE
        # What hung on the arc that leaves hangs on the one that enters.
        u = first if side == 1 else second
        top = u
        above = second if side == 1 else first
        a = e
        while True:
            old = parent[u]
            old_arc = arc[u]
            _detach(u, parent, child, sibling, before)
            parent[u] = above
            arc[u] = a
            _attach(u, parent, child, sibling, before)
            if u == out:
                break
            above = u
            a = old_arc
            u = old
        v = parent[top]
        depth[top] = depth[v] + 1
        p[top] = p[v] + (cost[e] if head[e] == top else -cost[e])
        _grow(top, parent, arc, child, sibling, depth, p, tail, head, cost)


@kernel
def leaves_first(parent):
    """The nodes but the root (N,), int64, each before its parent."""
    n = parent.size - 1
    degree = np.zeros(n + 1, np.int32)
    for v in range(n):
        degree[parent[v]] += 1
    degree[n] += 1  # never a leaf
    nodes = np.empty(n, np.int64)
    count = 0
    for begin in range(n):
        v = begin
        while degree[v] == 0:
            nodes[count] = v
            count += 1
            degree[v] = -1
            v = parent[v]
            degree[v] -= 1
    return nodes
