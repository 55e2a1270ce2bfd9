"""Spanning trees, as the network simplex method has them; here most are over rows and columns.

Nodes are the rows 0 .. R - 1, then the columns. `links` (5, N) int32 has of each node its parent,
the next and the previous node in preorder (circular), the last node of its subtree and its size;
the root is a column. Arc x is the one from node x to its parent; flow[x] is what it carries,
paid[x] what that costs a unit, and p (N,) are the potentials at which u_i + v_j is the cost of
every arc of the tree.
"""

import numpy as np

from quot.kernels._jit import exact_kernel, kernel

PARENT, NEXT, PREVIOUS, LAST, SIZE = range(5)
# Where a descent is: the row it looks at, rows without a gain in turn, pivots, rows looked at.
ROW, CLEAN, PIVOTS, LOOKS = range(4)


@kernel
def plant(arcs, carried, cost, rows, cols, root):
    """The tree of arcs (N - 1, 2) under column `root`, of what these carry and cost.

    Returns links, flow, paid, p, and where a descent begins.
    """
    size = rows + cols
    links, arc = _grow(arcs, rows, cols, root)
    flow = np.zeros(size, np.int64)
    paid = np.zeros(size)
    for x in range(size):
        if arc[x] >= 0:
            flow[x], paid[x] = carried[arc[x]], cost[arc[x]]
    p = np.zeros(size)
    potentials(links, paid, rows + root, p)
    return links, flow, paid, p, np.zeros(4, np.int64)


@kernel
def _grow(arcs, rows, cols, root):
    """The tree of arcs (N - 1, 2) under column `root`: links (5, N), and the arc of each node."""
    size = rows + cols
    start = np.zeros(size + 1, np.int64)
    for k in range(arcs.shape[0]):
        start[arcs[k, 0] + 1] += 1
        start[rows + arcs[k, 1] + 1] += 1
    for x in range(size):
        start[x + 1] += start[x]
    fill = start[:-1].copy()
    near = np.empty(2 * arcs.shape[0], np.int32)
    which = np.empty(2 * arcs.shape[0], np.int32)
    for k in range(arcs.shape[0]):
        for end in range(2):
            x = arcs[k, 0] if end == 0 else rows + arcs[k, 1]
            near[fill[x]] = rows + arcs[k, 1] if end == 0 else arcs[k, 0]
            which[fill[x]] = k
            fill[x] += 1
    links = np.full((5, size), -1, np.int32)
    parent = links[PARENT]
    arc = np.full(size, -1, np.int32)
    line = np.empty(size, np.int32)
    waiting = np.empty(size, np.int32)
    waiting[0] = rows + root
    count = 1
    placed = 0
    while count > 0:
        count -= 1
        x = waiting[count]
        line[placed] = x
        placed += 1
        for q in range(start[x], start[x + 1]):
            y = near[q]
            if y != parent[x]:
                parent[y] = x
                arc[y] = which[q]
                waiting[count] = y
                count += 1
    _thread(line, links)
    return links, arc


@kernel
def _thread(line, links):
    """In place in links (5, N), of which the parents are known: the preorder `line` (N,)."""
    parent, after, before, last, below = links
    size = line.size
    for k in range(size):
        x = line[k]
        y = line[k + 1 if k + 1 < size else 0]
        after[x] = y
        before[y] = x
        last[x] = x
        below[x] = 1
    for k in range(size - 1, 0, -1):
        x = line[k]
        y = parent[x]
        below[y] += below[x]
        if last[y] == y:
            last[y] = last[x]


@exact_kernel
def _add(x, y):
    """x + y, and what rounding took of that."""
    total = x + y
    part = total - x
    return total, (x - (total - part)) + (y - part)


@exact_kernel
def potentials(links, paid, root, p):
    """In place in p (N,): what the arcs of the tree cost, p[root] stays as it is.

    As if each were rounded once: along a way of thousands of arcs all else adds up, and a tree and
    the one before would gain on each other in turn.
    """
    parent, after = links[PARENT], links[NEXT]
    lost = np.zeros(p.size)
    x = after[root]
    while x != root:
        up = parent[x]
        p[x], part = _add(paid[x], -p[up])
        lost[x] = part - lost[up]
        x = after[x]
    for x in range(p.size):
        p[x] += lost[x]


@kernel
def leaves_first(links, root):
    """The nodes but the root (N - 1,), each before its parent."""
    before = links[PREVIOUS]
    nodes = np.empty(before.size - 1, np.int64)
    x = before[root]
    for k in range(nodes.size):
        nodes[k] = x
        x = before[x]
    return nodes


@exact_kernel
def _leaving(i, j, rows, links, flow, paid):
    """Where the ways from i and j to the root meet, and what blocks the cycle a pair closes there.

    Of several arcs that block more from i to j the last one on the way round from where they meet:
    the tree stays strongly feasible. Returns the meeting point, what can go round, the node of that
    arc, whether it is above j, and u_i + v_j.
    """
    parent, below = links[PARENT], links[SIZE]
    x = i
    y = j
    least_x = least_y = np.int64(np.iinfo(np.int64).max)
    out_x = out_y = np.int32(-1)
    both = lost = 0.0
    while x != y:
        if below[x] < below[y]:
            if x < rows:
                both, part = _add(both, paid[x])
                lost += part
                if flow[x] < least_x:
                    least_x = flow[x]
                    out_x = x
            else:
                both, part = _add(both, -paid[x])
                lost += part
            x = parent[x]
        else:
            if y >= rows:
                both, part = _add(both, paid[y])
                lost += part
                if flow[y] <= least_y:
                    least_y = flow[y]
                    out_y = y
            else:
                both, part = _add(both, -paid[y])
                lost += part
            y = parent[y]
    if least_y <= least_x:
        return x, least_y, out_y, True, both + lost
    return x, least_x, out_x, False, both + lost


@kernel
def _send(i, j, meet, amount, rows, links, flow):
    """Send `amount` more from i to j, and less along the tree, in place."""
    parent = links[PARENT]
    x = i
    while x != meet:
        flow[x] += -amount if x < rows else amount
        x = parent[x]
    x = j
    while x != meet:
        flow[x] += amount if x < rows else -amount
        x = parent[x]


@kernel
def _recount(out, above, meet, parent, below):
    """What hangs on the arc of `out` is to hang on `above`: sizes, in place; returns how many."""
    moved = below[out]
    x = parent[out]
    while x != meet:
        below[x] -= moved
        x = parent[x]
    x = above
    while x != meet:
        below[x] += moved
        x = parent[x]
    return moved


@kernel
def _hang(top, above, out, amount, cost, meet, links, flow, paid):
    """Cut the arc of `out`, turn what hung on it so that `top` is its root, hang that on `above`.

    amount, cost: what the new arc carries, and what a unit of that costs; or whatever else flow and
    paid have of the arc of each node.
    """
    parent, after, before, last, below = links
    moved = _recount(out, above, meet, parent, below)
    ahead, behind, up, end = before[out], after[last[out]], parent[out], last[out]
    # Turned, the preorder is the subtree of `top`, then, from parent to parent up to `out`, what
    # each has besides the subtree before: a piece in front of that, and one behind.
    tail = last[top]
    inner_first = before[top]
    inner_last = after[tail]
    inner_end = tail
    x = top
    hook, load, price, passed = above, amount, cost, np.int32(0)
    while True:
        old, old_load, old_price, old_size = parent[x], flow[x], paid[x], below[x]
        parent[x], flow[x], paid[x], below[x] = hook, load, price, moved - passed
        if x == out:
            break
        hook, load, price, passed = x, old_load, old_price, old_size
        x = old
        first = before[x]
        after[tail] = x
        before[x] = tail
        if inner_end != last[x]:
            after[inner_first] = inner_last
            before[inner_last] = inner_first
            tail = last[x]
            inner_last = after[tail]
            inner_end = tail
        else:
            tail = inner_first
        inner_first = first
    x = out
    while x != above:
        last[x] = tail
        x = parent[x]
    after[ahead] = behind
    before[behind] = ahead
    x = up
    while x >= 0 and last[x] == end:
        last[x] = ahead
        x = parent[x]
    follower = after[above]
    after[above] = top
    before[top] = above
    after[tail] = follower
    before[follower] = tail
    x = above
    while x >= 0 and last[x] == above:
        last[x] = tail
        x = parent[x]
    return follower
