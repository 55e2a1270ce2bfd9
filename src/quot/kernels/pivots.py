"""Network simplex for linear costs on any network: one pivot after another, prices kept.

Arcs, their states and the tree are those of `cycles`. Without quadratic terms a pivot changes the
potentials of what it moves, all by the same, and those of no other node: so they are kept, and arcs
are looked through block by block; the one that gains most of a block enters.
"""

import numpy as np

from quot.kernels._jit import kernel
from quot.kernels.cycles import ITSELF, LOWER, TREE, _block, _exchange, _gain, leaves_first
from quot.kernels.tree import NEXT, PARENT, SIZE, _hang, _thread


@kernel
def _in_preorder(parent):
    """The tree of parents (N + 1,) as `links` (5, N + 1), see `tree`; the root is the last node."""
    size = parent.size
    nodes = leaves_first(parent)
    below = np.ones(size, np.int32)
    for v in nodes:
        below[parent[v]] += below[v]
    line = np.empty(size, np.int32)
    line[0] = size - 1
    free = np.ones(size, np.int32)  # the next place among the children of each
    for v in nodes[::-1]:
        place = free[parent[v]]
        line[place] = v
        free[parent[v]] += below[v]
        free[v] = place + 1
    links = np.empty((5, size), np.int32)
    links[PARENT] = parent
    _thread(line, links)
    return links


@kernel
def _read_prices(links, arc, head, paid, p):
    """In place in p (N + 1,): what the arcs of the tree cost, `paid`, from 0 at the root."""
    parent, after = links[PARENT], links[NEXT]
    root = np.int32(p.size - 1)
    p[root] = 0.0
    v = after[root]
    while v != root:
        p[v] = p[parent[v]] + (paid[v] if head[arc[v]] == v else -paid[v])
        v = after[v]


@kernel
def _join(u, v, parent, below):
    """Where the ways of two nodes to the root meet."""
    while u != v:
        if below[u] < below[v]:
            u = parent[u]
        else:
            v = parent[v]
    return u


@kernel
def _send(u, join, delta, tail, parent, arc, flow):
    """Add delta to what goes down to u from where the paths join, in place; returns the steps."""
    steps = 0
    while u != join:
        a = arc[u]
        flow[a] += -delta if tail[a] == u else delta
        u = parent[u]
        steps += 1
    return steps


@kernel
def _move(top, moved, follower, shift, after, p):
    """Add `shift` to the potentials below `top`, or take it from all others; returns how many."""
    x, count = top, moved
    if 2 * moved > p.size:
        x, count, shift = follower, p.size - moved, -shift
    for _ in range(count):
        p[x] += shift
        x = after[x]
    return count


@kernel
def _enter(e, p, links, paid, tail, head, cost, weight, capacity, undirected, flow, state, arc):
    """Let arc e in, which gains, or send along it all that it takes; in place.

    Returns how many nodes were looked at, -1 where its cycle has no limit.
    """
    parent, after, below = links[PARENT], links[NEXT], links[SIZE]
    y = p[head[e]] - p[tail[e]]
    more = _gain(e, y, state, cost, weight, undirected, flow) > 0.0
    if state[e] == LOWER and y < 0.0 and undirected[e]:
        tail[e], head[e] = head[e], tail[e]
    first, second = (tail[e], head[e]) if more else (head[e], tail[e])
    join = _join(first, second, parent, below)
    own = capacity[e] - flow[e] if more else flow[e]
    delta, out, on_first = _block(
        first, second, join, own, ITSELF, tail, head, capacity, flow, parent, arc
    )
    if delta == np.inf:
        return -1
    looks = 0
    if delta > 0.0:
        flow[e] += delta if more else -delta
        looks += _send(first, join, delta, tail, parent, arc, flow)
        looks += _send(second, join, -delta, tail, parent, arc, flow)
    if not _exchange(e, out, more, on_first, tail, capacity, flow, state, arc):
        return looks
    top, above = (first, second) if on_first else (second, first)
    shift = p[above] + (cost[e] if head[e] == top else -cost[e]) - p[top]
    moved = below[out]
    follower = _hang(top, above, out, np.int32(e), cost[e], join, links, arc, paid)
    return looks + _move(top, moved, follower, shift, after, p)


@kernel
def descend_linear(
    tail, head, cost, weight, capacity, undirected, flow, state, parent, arc, noise, most
):
    """Pivot until no arc gains, or for `most` looks at arcs and nodes; in place as `descend`.

    Returns the number of pivots, -1 where a cycle that gains has no limit, and whether none gains.
    """
    n = parent.size - 1
    size = tail.size - n  # arcs at the root never come back
    links = _in_preorder(parent)
    p, paid = np.empty(n + 1), np.zeros(n + 1)
    for v in range(n):
        paid[v] = cost[arc[v]]
    _read_prices(links, arc, head, paid, p)
    block = int(np.sqrt(size)) + 1
    pivots = looks = at = clean = 0
    is_fresh = True
    while looks < most:
        entering, largest = -1, noise
        for _ in range(min(block, size - clean)):
            if state[at] != TREE:
                y = p[head[at]] - p[tail[at]]
                gain = abs(_gain(at, y, state, cost, weight, undirected, flow))
                if largest < gain < np.inf:  # prices out of range say nothing
                    entering, largest = at, gain
            at = at + 1 if at + 1 < size else 0
            clean += 1
            looks += 1
        if entering < 0:
            if clean < size:
                continue
            if is_fresh:
                break
            _read_prices(links, arc, head, paid, p)
            is_fresh, clean = True, 0
            continue
        clean, is_fresh = 0, False
        seen = _enter(
            entering, p, links, paid, tail, head, cost, weight, capacity, undirected, flow, state,
            arc,
        )  # fmt: skip
        if seen < 0:
            return -1, False
        looks += seen
        pivots += 1
    parent[:] = links[PARENT]
    return pivots, is_fresh and clean >= size
