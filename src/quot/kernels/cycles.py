"""Network simplex for linear and quadratic costs: flow round the cycles of a spanning tree.

Arc e = (tail, head) has cost l, weight w and capacity k and carries 0 <= x <= k for l x + w/2 x^2;
an undirected one pays the same either way, and is turned (tail and head swapped, in place) when it
is to carry the other way. Arc E + v joins node v to the root N and makes any tree feasible. A tree
is kept by the parent of each node, the arc to it, and how many nodes hang there; every other arc
closes a cycle with it. Ties are broken so that the tree of a linear problem stays strongly
feasible: the method does not go in circles.
"""

import numpy as np

from quot.kernels._jit import kernel
from quot.kernels.tree import _recount

TREE, LOWER, UPPER, FREE = 0, 1, -1, 2
# Gains are sorted into so many bins; and so many arcs for each node, more or less.
BINS = 256
_EACH = 8
NOBODY, ITSELF = -2, -1  # no arc of the tree blocks; the arc that closes the cycle does


@kernel
def plant(nodes, arcs, tail, head, capacity, undirected, flow, need, little):
    """A feasible tree from a spanning forest: state (A,), parent, arc (N + 1,) of each node.

    nodes, arcs: the forest, leaves before what they hang on. flow (A,): what the other arcs
    carry; in place, what the tree does. need (N,) what then must still arrive. little: less than
    that is nothing. Also returns how many nodes hang on the root because their arc cannot do what
    they need.
    """
    n = need.size
    first = tail.size - n
    state = np.full(tail.size, LOWER, np.int8)
    for e in range(first):
        if flow[e] > 0.0:
            state[e] = UPPER if flow[e] >= capacity[e] else FREE
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
        if not fits and -little <= x <= little and tail[e] == v:
            need[hub] += need[v]
            need[v] = 0.0
            x = 0.0
            fits = True
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


@kernel
def _gain(e, y, state, cost, weight, undirected, flow):
    """What a unit more on arc e would gain at the tension y; negative: a unit less, its opposite.

    Zero where neither gains or the arc has no room for it. More on an undirected arc that carries
    nothing may be more the other way.
    """
    if state[e] == LOWER:
        return max((abs(y) if undirected[e] else y) - cost[e], 0.0)
    gain = y - cost[e] - weight[e] * flow[e]
    return min(gain, 0.0) if state[e] == UPPER else gain


@kernel
def _sort(arcs, gains, begin, end):
    """Shell sort from begin to end, in place: the largest gain first."""
    gap = 1
    while gap < end - begin:
        gap = 3 * gap + 1
    while gap > 1:
        gap //= 3
        for k in range(begin + gap, end):
            gain = gains[k]
            arc = arcs[k]
            at = k - gap
            while at >= begin and gains[at] < gain:
                gains[at + gap] = gains[at]
                arcs[at + gap] = arcs[at]
                at -= gap
            gains[at + gap] = gain
            arcs[at + gap] = arc


@kernel
def _worth(e, gain, weight, capacity, flow):
    """What arc e alone is worth less than the dual says, where a unit more, or less, gains that."""
    room = flow[e] if gain < 0.0 else capacity[e] - flow[e]
    gain = abs(gain)
    if weight[e] == 0.0:
        return gain * room
    x = min(gain / weight[e], room)
    return x * (gain - 0.5 * weight[e] * x)


@kernel
def _worst(
    p, state, tail, head, cost, weight, capacity, undirected, flow, size, noise, part, is_asked
):  # fmt: skip
    """The arcs that gain most, most first; the most and the least of those gains; the sum of all.

    Last the duality gap, where it is asked for. part: of the most that a gain has to be. Far more
    than there are nodes wait for another pass: most of them will have lost what they gain.
    """
    enough = _EACH * p.size
    arcs = np.empty(size, np.int32)
    gains = np.empty(size)
    count = 0
    most = 0.0
    total = 0.0
    gap = 0.0
    for e in range(size):
        if state[e] != TREE:
            y = p[head[e]] - p[tail[e]]
            change = _gain(e, y, state, cost, weight, undirected, flow)
            gain = abs(change)
            if not gain < np.inf:  # prices out of range say nothing
                gap = np.inf
                continue
            if is_asked and gain > 0.0:
                gap += _worth(e, change, weight, capacity, flow)
            if gain > noise:
                total += gain
            if gain > max(noise, part * most):
                arcs[count] = e
                gains[count] = gain
                count += 1
                most = max(most, gain)
    least = max(part * most, noise)
    place = np.zeros(BINS + 1, np.int64)
    bins = np.empty(count, np.int64)  # once: another loop may round the same to another bin
    for k in range(count):
        bins[k] = min(max(np.int64((1.0 - gains[k] / most) * BINS), 0), BINS - 1)
    for k in range(count):
        if gains[k] > least:
            place[bins[k] + 1] += 1
    last = 0
    for q in range(BINS):
        place[q + 1] += place[q]
        if place[q + 1] <= enough:
            last = q
    order = np.empty(place[last + 1], np.int32)
    gain = np.empty(place[last + 1])
    for k in range(count):
        q = bins[k]
        if q <= last and gains[k] > least:
            order[place[q]] = arcs[k]
            gain[place[q]] = gains[k]
            place[q] += 1
    begin = 0
    for q in range(last + 1):
        _sort(order, gain, begin, place[q])
        begin = place[q]
    return order, most, least, total, gap


@kernel
def _round(u, v, parent, below, lift, heavy):
    """The way along the tree from u to v.

    Returns where the paths from both join, the tension of the tree from u to v, the weight of the
    arcs on the way, and how many these are.
    """
    tension = 0.0
    total = 0.0
    steps = 0
    while u != v:
        steps += 1
        if below[u] < below[v]:
            tension -= lift[u]
            total += heavy[u]
            u = parent[u]
        else:
            tension += lift[v]
            total += heavy[v]
            v = parent[v]
    return u, tension, total, steps


@kernel
def _block(first, second, join, most, out, tail, head, capacity, flow, parent, arc):
    """What can go round from `first` over an arc to `second` and back along the tree, at `most`.

    Returns that, the node whose arc blocks (`out` if none) and whether that is on the path of the
    first. Of equals the last on the way round, from where the paths join: the tree stays strongly
    feasible.
    """
    delta = most
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
    return delta, out, on_first


@kernel
def _push(u, join, delta, tail, parent, arc, lift, heavy, flow):
    """Add delta to what goes down to u from where the paths join, in place."""
    while u != join:
        a = arc[u]
        flow[a] += -delta if tail[a] == u else delta
        lift[u] += heavy[u] * delta
        u = parent[u]


@kernel
def _hang(top, above, e, step, weight, out, join, parent, arc, below, lift, heavy):
    """What hung on the arc of `out` hangs with its node `top` on `above`, by the arc e.

    step, weight: of e, how much higher `top` is than `above`, and its weight.
    """
    moved = _recount(out, above, join, parent, below)
    u = top
    passed = 0
    while True:
        old, old_arc, old_step, old_weight = parent[u], arc[u], lift[u], heavy[u]
        count = below[u]
        below[u] = moved - passed
        passed = count
        parent[u], arc[u], lift[u], heavy[u] = above, e, step, weight
        if u == out:
            break
        above, e, step, weight = u, old_arc, -old_step, old_weight
        u = old


@kernel
def _exchange(e, out, more, on_first, tail, capacity, flow, state, arc):
    """What arc e is now, and the one that leaves the tree for it, in place; whether one does."""
    if out == NOBODY:
        state[e] = FREE
        return False
    if out == ITSELF:
        state[e] = UPPER if more else LOWER
        flow[e] = capacity[e] if more else 0.0
        return False
    leave = arc[out]
    down = (tail[leave] == out) == on_first
    state[leave] = LOWER if down else UPPER
    flow[leave] = 0.0 if down else capacity[leave]
    state[e] = TREE
    return True


@kernel
def descend(
    tail, head, cost, weight, capacity, undirected, flow, state, parent, arc, noise, part, waste,
    closed,
):  # fmt: skip
    """One pass over the arcs that gain most, in place in flow, state, parent, arc, tail, head.

    Each pushes round its cycle what gains most there, or what the first arc lets through that is
    then empty or full: that one leaves the tree. Returns the largest gain before the pass, the sum
    of all, and the number of pushes, -1 where a cycle that gains has no limit; and the duality gap
    before the pass, at the potentials of the tree, where `closed` >= 0: where it is no more than
    that nothing is pushed.

    noise: gains up to there are none. part: of the largest gain that one has to be. waste: the pass
    ends when so many steps along the tree, per arc, went on cycles that gain no longer; where there
    was one, other arcs between such nodes wait for the next pass.
    """
    n = parent.size - 1
    size = tail.size - n  # arcs at the root never come back
    nodes = leaves_first(parent)
    below = np.ones(n + 1, np.int32)  # nodes of the tree from here down
    for v in nodes:
        below[parent[v]] += below[v]
    lift = np.zeros(n + 1)  # from the parent up to each node
    heavy = np.zeros(n + 1)
    for v in range(n):
        a = arc[v]
        price = cost[a] + weight[a] * flow[a]
        lift[v] = price if head[a] == v else -price
        heavy[v] = weight[a]
    p = np.zeros(n + 1)
    for v in nodes[::-1]:
        p[v] = p[parent[v]] + lift[v]
    arcs, most, least, total, gap = _worst(
        p, state, tail, head, cost, weight, capacity, undirected, flow, size, noise, part,
        closed >= 0.0,
    )  # fmt: skip
    if gap <= closed:
        return most, total, 0, gap
    quiet = np.zeros(n, np.bool_)
    pushes = 0
    wasted = 0
    for e in arcs:
        if wasted > waste * size:
            break
        if quiet[tail[e]] and quiet[head[e]]:
            continue
        join, y, total_weight, steps = _round(tail[e], head[e], parent, below, lift, heavy)
        gain = _gain(e, y, state, cost, weight, undirected, flow)
        if abs(gain) <= least:
            wasted += steps
            quiet[tail[e]] = True
            quiet[head[e]] = True
            continue
        if state[e] == LOWER and y < 0.0 and undirected[e]:
            tail[e], head[e] = head[e], tail[e]
        total_weight += weight[e]
        more = gain > 0.0
        delta = abs(gain) / total_weight if total_weight > 0.0 else np.inf
        own = capacity[e] - flow[e] if more else flow[e]
        out = ITSELF if own <= delta else NOBODY
        first = tail[e] if more else head[e]
        second = head[e] if more else tail[e]
        delta, out, on_first = _block(
            first, second, join, min(own, delta), out, tail, head, capacity, flow, parent, arc
        )
        if delta == np.inf:
            return most, total, -1, gap
        pushes += 1
        if delta > 0.0:
            flow[e] += delta if more else -delta
            _push(first, join, delta, tail, parent, arc, lift, heavy, flow)
            _push(second, join, -delta, tail, parent, arc, lift, heavy, flow)
        if _exchange(e, out, more, on_first, tail, capacity, flow, state, arc):
            top = first if on_first else second
            above = second if on_first else first
            price = cost[e] + weight[e] * flow[e]
            step = price if head[e] == top else -price
            _hang(top, above, e, step, weight[e], out, join, parent, arc, below, lift, heavy)
    return most, total, pushes, gap
