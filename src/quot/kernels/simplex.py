"""Network simplex: the linear flow problem on a spanning tree, pivot by pivot.

Arc e = (tail, head) has cost l and capacity k and carries 0 <= x <= k; an undirected one pays the
same either way, and is turned (tail and head swapped, in place) when it is to carry the other way.
Arc E + v joins node v to the root N and makes any tree feasible. A tree is kept by the parent of
each node, the arc to it, how many nodes hang there, and lists of children. Ties are broken so that
the tree stays strongly feasible: the method does not go in circles.
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
def _walk(v, top, child, sibling, parent, skip):
    """The node after v, parents first, in the tree below `top` without what hangs on `skip`.

    -1 after the last.
    """
    u = child[v]
    while True:
        if u == skip and u >= 0:
            u = sibling[u]
        if u >= 0:
            return u
        if v == top:
            return -1
        u = sibling[v]
        v = parent[v]


@kernel
def _stretch(parent, arc, child, sibling, p, tail, head, cost):
    """Potentials along the tree, in place; that of the root is zero."""
    root = parent.size - 1
    p[root] = 0.0
    v = _walk(root, root, child, sibling, parent, -1)
    while v >= 0:
        e = arc[v]
        p[v] = p[parent[v]] + (cost[e] if head[e] == v else -cost[e])
        v = _walk(v, root, child, sibling, parent, -1)


@kernel
def _price(at, block, state, tail, head, cost, undirected, p, noise, size):
    """The arc that violates most of the first block with any, -1 if there is none; and the next."""
    best = noise
    enter = -1
    left = block
    for _ in range(size):
        e = at
        at += 1
        if at == size:
            at = 0
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
        left -= 1
        if left == 0:
            if enter >= 0:
                break
            left = block
    return enter, at


@kernel
def _block(first, second, most, tail, head, capacity, flow, parent, arc, below):
    """What can go round from `first` over the arc to `second` and back along the tree, at `most`.

    Returns where the paths of the two join, what can go, the node whose arc blocks (-1 if none) and
    whether that is on the path of the first. Of equals the last on the way round, from where they
    join: the tree stays strongly feasible.
    """
    u = first
    v = second
    while u != v:
        if below[u] < below[v]:
            u = parent[u]
        else:
            v = parent[v]
    join = u
    delta = most
    out = -1
    on_first = False
    u = first
    while u != join:
        a = arc[u]
        room = flow[a] if tail[a] == u else capacity[a] - flow[a]
        if room < delta:
            delta = room
            out = u
            on_first = True
        u = parent[u]
    v = second
    while v != join:
        a = arc[v]
        room = capacity[a] - flow[a] if tail[a] == v else flow[a]
        if room <= delta:
            delta = room
            out = v
            on_first = False
        v = parent[v]
    return join, delta, out, on_first


@kernel
def _push(u, join, delta, tail, parent, arc, flow):
    """Add delta to what goes down to u from where the paths join, in place."""
    while u != join:
        a = arc[u]
        flow[a] += -delta if tail[a] == u else delta
        u = parent[u]


@kernel
def _hang(top, above, e, out, join, parent, arc, child, sibling, before, below):
    """What hung on the arc of `out` hangs with its node `top` on `above`, by the arc e."""
    moved = below[out]
    u = parent[out]
    while u != join:
        below[u] -= moved
        u = parent[u]
    u = above
    while u != join:
        below[u] += moved
        u = parent[u]
    u = top
    passed = 0
    while True:
        old = parent[u]
        old_arc = arc[u]
        count = below[u]
        below[u] = moved - passed
        passed = count
        _detach(u, parent, child, sibling, before)
        parent[u] = above
        arc[u] = e
        _attach(u, parent, child, sibling, before)
        if u == out:
            break
        above = u
        e = old_arc
        u = old


@kernel
def pivot(tail, head, cost, capacity, undirected, flow, state, parent, arc, noise, max_pivots):
    """Pivot towards the optimum, in place in flow, state, parent, arc, and tail and head.

    Returns the number of pivots and a code: OPTIMAL to `noise` and to the rounding of as many
    changes of the potentials, pivots USED_UP, or UNBOUNDED, where a cycle of negative cost has no
    limit.
    """
    n = parent.size - 1
    child = np.full(n + 1, -1, np.int32)
    sibling = np.full(n + 1, -1, np.int32)
    before = np.full(n + 1, -1, np.int32)
    for v in range(n):
        _attach(v, parent, child, sibling, before)
    below = np.ones(n + 1, np.int32)  # nodes of the tree from here down
    for v in leaves_first(parent):
        below[parent[v]] += below[v]
    p = np.zeros(n + 1)
    _stretch(parent, arc, child, sibling, p, tail, head, cost)
    size = tail.size - n  # those at the root never come back
    block = max(20, int(np.sqrt(size)))
    at = 0
    pivots = 0
    while True:
        e, at = _price(at, block, state, tail, head, cost, undirected, p, noise, size)
        if e < 0:
            return pivots, OPTIMAL
        if pivots == max_pivots:
            return pivots, USED_UP
        pivots += 1
        if state[e] == LOWER and p[head[e]] < p[tail[e]] and undirected[e]:
            tail[e], head[e] = head[e], tail[e]
        first = tail[e] if state[e] == LOWER else head[e]
        second = head[e] if state[e] == LOWER else tail[e]
        join, delta, out, on_first = _block(
            first, second, capacity[e], tail, head, capacity, flow, parent, arc, below
        )
        if delta == np.inf:
            return pivots, UNBOUNDED
        if delta > 0.0:
            flow[e] += delta * state[e]
            _push(first, join, delta, tail, parent, arc, flow)
            _push(second, join, -delta, tail, parent, arc, flow)
        if out < 0:  # from one of its ends to the other
            state[e] = -state[e]
            flow[e] = 0.0 if state[e] == LOWER else capacity[e]
            continue
        leave = arc[out]
        down = (tail[leave] == out) == on_first
        state[leave] = LOWER if down else UPPER
        flow[leave] = 0.0 if down else capacity[leave]
        state[e] = TREE
        top = first if on_first else second
        above = second if on_first else first
        _hang(top, above, e, out, join, parent, arc, child, sibling, before, below)
        # Only differences matter: the smaller side moves.
        change = p[above] + (cost[e] if head[e] == top else -cost[e]) - p[top]
        begin, skip = top, -1
        if 2 * below[top] > n:
            begin, skip, change = n, top, -change
        v = begin
        while v >= 0:
            p[v] += change
            v = _walk(v, begin, child, sibling, parent, skip)


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
