"""The arcs of a quadratic flow: what they carry at given potentials.

Arc e = (tail, head) has cost l, weight w >= 0, capacity k and a type; at tension
y = p_head - p_tail it carries the minimiser of

    directed     l x + w/2 x^2 - y x      over 0 <= x <= k
    undirected   l|x| + w/2 x^2 - y x     over |x| <= k

An arc of weight zero (always directed here) has a `side` instead of a slope: -1 where y < l and it
is empty, +1 where y > l and it is full, 0 where it is tight, y = l, and carries whatever its ends
need. Sides are stored, never read off y, so that round-off cannot untie a tight arc.
"""

import numpy as np

from quot.kernels._jit import kernel

EPS = 2.0**-52
# What an arc counts that is nearly awake.
DROWSY = 0.3


@kernel
def _answer(y, side, l, w, k, undirected):
    """Flow and slope of an arc at tension y; none of a tight one. No branches: none is foretold."""
    s = 1.0 / w if w > 0.0 else 0.0
    back = y + l if undirected else 0.0
    x = (max(y - l, 0.0) + min(back, 0.0)) * s
    s = s if (x != 0.0) & (x < k) & (x > -k) else 0.0
    x = max(min(x, k), -k)
    return k if (w == 0.0) & (side > 0) else x, s


@kernel
def respond(p, side, tail, head, cost, weight, capacity, undirected, supply):
    """Flow x (E,), slope dx/dy (E,) and imbalance b - D x (N,) at the potentials p (N,).

    Tight arcs carry nothing here; `route` gives them their flow.
    """
    flow = np.empty(tail.size)
    slope = np.empty(tail.size)
    imbalance = supply.copy()
    for e in range(tail.size):
        flow[e] = p[head[e]] - p[tail[e]]
    for e in range(tail.size):
        flow[e], slope[e] = _answer(
            flow[e], side[e], cost[e], weight[e], capacity[e], undirected[e]
        )
    for e in range(tail.size):
        imbalance[tail[e]] += flow[e]
        imbalance[head[e]] -= flow[e]
    return flow, slope, imbalance


@kernel
def directional(p, move, side, tail, head, cost, weight, capacity, undirected, part, parts):
    """Sum over arcs of x_e dy_e and of slope_e dy_e^2 at the potentials p + move, dy = D' move.

    These are the flow part of the derivative of the dual along `move`, and minus its slope, of
    each part (E,) of the network; `part` may be empty if there is one. Arcs of weight zero keep
    the side they have.
    """
    firsts = np.zeros(parts)
    seconds = np.zeros(parts)
    first = 0.0
    second = 0.0
    for e in range(tail.size):
        dy = move[head[e]] - move[tail[e]]
        y = p[head[e]] - p[tail[e]] + dy
        x, s = _answer(y, side[e], cost[e], weight[e], capacity[e], undirected[e])
        if parts > 1:
            firsts[part[e]] += x * dy
            seconds[part[e]] += s * dy * dy
        else:
            first += x * dy
            second += s * dy * dy
    if parts == 1:
        firsts[0] = first
        seconds[0] = second
    return firsts, seconds


@kernel
def _conjugate(y, l, w, k, undirected):
    """The conjugate of what an arc costs, at tension y: the largest y x less that cost."""
    over = max(y - l, -y - l if undirected else 0.0, 0.0)
    if w == 0.0:
        return k * over if over > 0.0 else 0.0
    x = min(over / w, k)
    return x * (over - 0.5 * w * x)


@kernel
def gain(p, other, tail, head, cost, weight, capacity, undirected, supply):
    """By how much the dual is larger at the potentials `other` than at p."""
    total = 0.0
    for v in range(p.size):
        total += supply[v] * (other[v] - p[v])
    for e in range(tail.size):
        y = p[head[e]] - p[tail[e]]
        z = other[head[e]] - other[tail[e]]
        total += _conjugate(y, cost[e], weight[e], capacity[e], undirected[e]) - _conjugate(
            z, cost[e], weight[e], capacity[e], undirected[e]
        )
    return total


@kernel
def tension(p, tail, head):
    """y = D'p, one entry an arc."""
    y = np.empty(tail.size)
    for e in range(tail.size):
        y[e] = p[head[e]] - p[tail[e]]
    return y


@kernel
def divergence(flow, tail, head, n_nodes):
    """D x: what the arcs bring to each node, less what they take away."""
    out = np.zeros(n_nodes)
    for e in range(tail.size):
        out[tail[e]] -= flow[e]
        out[head[e]] += flow[e]
    return out


@kernel
def _find(parent, v):
    while parent[v] != v:
        parent[v] = parent[parent[v]]
        v = parent[v]
    return v


@kernel
def contract(zero_arcs, side, tail, head, n_nodes):
    """Representative (N,) int32 of each node when the ends of every tight arc become one."""
    parent = np.empty(n_nodes, np.int32)
    for v in range(n_nodes):
        parent[v] = v
    for e in zero_arcs:
        if side[e] == 0:
            u = _find(parent, tail[e])
            v = _find(parent, head[e])
            if u != v:
                parent[max(u, v)] = min(u, v)
    for v in range(n_nodes):
        parent[v] = _find(parent, v)
    return parent


@kernel
def degrees(tail, head, n_nodes):
    """How many arcs each node has (N,), int32; a loop counts twice."""
    degree = np.zeros(n_nodes, np.int32)
    for e in range(tail.size):
        degree[tail[e]] += 1
        degree[head[e]] += 1
    return degree


@kernel
def components(parent, slope, tail, head):
    """Component (N,) int32 of each node in the graph of active arcs, numbered by a member.

    `parent` (N,) names the class of each node that tight arcs have made (see `contract`).
    """
    label = parent.copy()
    for e in range(tail.size):
        if slope[e] > 0.0:
            u = _find(label, tail[e])
            v = _find(label, head[e])
            if u != v:
                label[max(u, v)] = min(u, v)
    for v in range(label.size):
        label[v] = _find(label, v)
    return label


@kernel
def shift_components(
    label, joined, rhs, p, side, slope, tail, head, cost, weight, capacity, undirected, tol
):
    """Split a right side into one that Newton can solve and a shift of whole components.

    On a component K of the active graph that misses mass in total no Newton step exists; its dual
    grows linearly until the first arc across its border wakes. Returns shift (N,): for each such K
    the way to that arc and on, until it carries what K misses. In place, `rhs`, which lives on the
    representatives of `joined`, is made to sum to zero on every component.
    """
    n = label.size
    missing = np.zeros(n)
    size = np.zeros(n)
    way = np.empty(n)
    for v in range(n):
        way[v] = np.inf
        if joined[v] == v:
            missing[label[v]] += rhs[v]
            size[label[v]] += 1.0
    on = np.zeros(n)
    lacking = False
    for v in range(n):
        lacking = lacking or abs(missing[v]) > tol
    for e in range(tail.size if lacking else 0):
        u = label[tail[e]]
        v = label[head[e]]
        if u == v or slope[e] > 0.0 or (abs(missing[u]) <= tol and abs(missing[v]) <= tol):
            continue
        y = p[head[e]] - p[tail[e]]
        w = weight[e]
        # How far y may rise (fall) before the arc wakes.
        if w > 0.0:
            rise = cost[e] - y
            fall = y - cost[e] - w * capacity[e]
            if undirected[e]:
                if rise < 0.0:
                    rise = np.inf
                else:
                    fall = y + cost[e]
                if fall < 0.0:
                    fall = np.inf
                    rise = -cost[e] - w * capacity[e] - y
        else:
            rise = cost[e] - y if side[e] < 0 else np.inf
            fall = y - cost[e] if side[e] > 0 else np.inf
        if rise < 0.0:
            rise = np.inf
        if fall < 0.0:
            fall = np.inf
        reach = rise if missing[v] > 0.0 else fall
        if abs(missing[v]) > tol and reach < way[v]:
            way[v] = reach
            on[v] = w
        reach = rise if missing[u] < 0.0 else fall
        if abs(missing[u]) > tol and reach < way[u]:
            way[u] = reach
            on[u] = w
    shift = np.zeros(n)
    for v in range(n):
        k = label[v]
        if joined[v] == v:
            rhs[v] -= missing[k] / size[k]
        if abs(missing[k]) > tol and way[k] < np.inf:
            shift[v] = np.sign(missing[k]) * way[k] + on[k] * missing[k]
    return shift


@kernel
def _pass_on(zero_arcs, leaf, side, tail, head, capacity, flow, imbalance, degree, wish):
    """In place: move what hubs miss through leaves that are tight to two of them.

    A leaf takes what the hub before it has and passes it on; where the arc behind is too small, or
    where the hub after it still wants more than the arc before brings, `wish` says so.
    """
    inward = np.empty(imbalance.size, np.int64)
    for v in range(imbalance.size):
        inward[v] = -1
    for z in range(zero_arcs.size):
        e = zero_arcs[z]
        if side[e] == 0 and leaf[z] == head[e] and degree[leaf[z]] == 2:
            inward[leaf[z]] = z
    for stage in range(2):
        for z in range(zero_arcs.size):
            e = zero_arcs[z]
            v = leaf[z]
            if side[e] != 0 or v != tail[e] or inward[v] < 0:
                continue
            d = zero_arcs[inward[v]]
            source = tail[d]
            sink = head[e]
            if stage == 0:
                taken = min(capacity[d], max(-imbalance[source], 0.0))
                passed = min(taken, capacity[e], max(imbalance[sink], 0.0))
                wish[inward[v]] = taken
                wish[z] = taken
            else:
                taken = 0.0
                passed = min(capacity[e] - flow[e], max(imbalance[sink], 0.0))
                wish[inward[v]] += passed
            flow[d] += taken
            flow[e] += passed
            imbalance[source] += taken
            imbalance[sink] -= passed
            imbalance[v] += passed - taken


@kernel
def route(zero_arcs, leaf, side, tail, head, capacity, flow, imbalance):
    """Send the imbalance along the tight arcs, in place in `flow` and `imbalance`.

    The tight arcs are pruned leaf by leaf, the given leaves (Z,) first, so that what does not fit
    is left at the hubs; each gets the flow its leaf needs, clipped to [0, k]. Returns wish (Z,),
    the flow before clipping: outside [0, k] it says on which side the arc must be let go. Where
    tight arcs form a cycle, those left over carry nothing.
    """
    wish = np.zeros(zero_arcs.size)
    degree = np.zeros(imbalance.size, np.int32)
    mixed = np.zeros(imbalance.size, np.int64)  # xor of the tight arcs at a node
    count = 0
    for z in range(zero_arcs.size):
        e = zero_arcs[z]
        if side[e] == 0:
            count += 1
            degree[tail[e]] += 1
            degree[head[e]] += 1
            mixed[tail[e]] ^= z
            mixed[head[e]] ^= z
    if count == 0:
        return wish
    for late in range(2):
        for begin in range(imbalance.size):
            node = begin
            while degree[node] == 1 and (late == 1 or leaf[mixed[node]] == node):
                z = mixed[node]
                e = zero_arcs[z]
                if head[e] == node:
                    x = imbalance[node]
                    hub = tail[e]
                else:
                    x = -imbalance[node]
                    hub = head[e]
                wish[z] = x
                x = min(max(x, 0.0), capacity[e])
                flow[e] = x
                imbalance[head[e]] -= x
                imbalance[tail[e]] += x
                degree[node] = 0
                degree[hub] -= 1
                mixed[hub] ^= z
                node = hub
        if late == 0:
            _pass_on(zero_arcs, leaf, side, tail, head, capacity, flow, imbalance, degree, wish)
    return wish


@kernel
def _put(v, e, tail, head, cost, p):
    """In place in p: the end v of arc e where that is tight."""
    if v == head[e]:
        p[v] = p[tail[e]] + cost[e]
    else:
        p[v] = p[head[e]] - cost[e]


@kernel
def clamp(zero_arcs, leaf, side, tail, head, cost, p, trial):
    """In place: where a trial point leaves the side of an arc, put the leaf on the kink.

    Returns landed (Z,) bool: the arcs that reached their kink.
    """
    landed = np.zeros(zero_arcs.size, np.bool_)
    for z in range(zero_arcs.size):
        e = zero_arcs[z]
        if side[e] != 0:
            gap = trial[head[e]] - trial[tail[e]] - cost[e]
            if gap * side[e] <= 0.0:
                landed[z] = True
                _put(leaf[z], e, tail, head, cost, trial)
    return landed


@kernel
def _missing(imbalance):
    """The largest imbalance, and the sum of all."""
    most = 0.0
    total = 0.0
    for v in range(imbalance.size):
        missing = abs(imbalance[v])
        total += missing
        if not missing <= most:
            most = missing
    return most, total


@kernel
def evaluate(p, side, zero_arcs, leaf, tail, head, cost, weight, capacity, undirected, supply):
    """What every arc carries at the potentials p, tight ones included, and what nodes still miss.

    The ends of tight arcs have moved together but for rounding, which stays when potentials that
    were large are small again: in place, the leaf of each is put where it belongs. Returns what
    `respond` and `route` do, the largest imbalance and the sum of all.
    """
    for z in range(zero_arcs.size):
        e = zero_arcs[z]
        if side[e] == 0:
            _put(leaf[z], e, tail, head, cost, p)
    flow, slope, imbalance = respond(
        p, side, tail, head, cost, weight, capacity, undirected, supply
    )
    wish = route(zero_arcs, leaf, side, tail, head, capacity, flow, imbalance)
    most, total = _missing(imbalance)
    return flow, slope, imbalance, wish, most, total


@kernel
def active(zero_arcs, side, slope, tail, head, n_nodes):
    """The graph of the arcs of positive slope, where the ends of each tight arc are one node.

    Returns the node (N,) that stands for each, and tail, head and conductance of the arcs.
    """
    joined = contract(zero_arcs, side, tail, head, n_nodes)
    count = 0
    for e in range(tail.size):
        count += 1 if slope[e] != 0.0 else 0
    first = np.empty(count, np.int32)
    second = np.empty(count, np.int32)
    conductance = np.empty(count)
    count = 0
    for e in range(tail.size):
        if slope[e] != 0.0:
            first[count] = joined[tail[e]]
            second[count] = joined[head[e]]
            conductance[count] = slope[e]
            count += 1
    return joined, first, second, conductance


@kernel
def system(
    p, side, slope, imbalance, zero_arcs, tail, head, cost, weight, capacity, undirected, supply,
    tol, reach,
):  # fmt: skip
    """The Newton system at the potentials p: the active graph, its right side (N,), and a shift.

    Tight arcs carry nothing here: their ends are one node. Arcs whose tension is within `reach` of
    waking them are there, too, in part: the step would soon be kept short by them. See `active` and
    `shift_components` for what else is returned; last what each node misses (N,).
    """
    missing = imbalance
    if zero_arcs.size > 0:
        _, _, missing = respond(p, side, tail, head, cost, weight, capacity, undirected, supply)
    awake = slope
    if reach > 0.0:
        awake = slope.copy()
        for e in range(tail.size):
            y = p[head[e]] - p[tail[e]]
            lacks = cost[e] - (abs(y) if undirected[e] else y)
            if 0.0 <= lacks < reach and weight[e] > 0.0:
                awake[e] = DROWSY / weight[e]
    joined, first, second, conductance = active(zero_arcs, side, awake, tail, head, p.size)
    rhs = np.zeros(p.size)
    for v in range(p.size):
        rhs[joined[v]] += missing[v]
    label = components(joined, conductance, first, second)
    shift = shift_components(
        label, joined, rhs, p, side, slope, tail, head, cost, weight, capacity, undirected, tol
    )
    return joined, first, second, conductance, rhs, shift, missing


@kernel
def search(
    p, side, direction, imbalance, zero_arcs, leaf, tail, head, cost, weight, capacity, undirected,
    supply, part, arc_part, parts, enough, most,
):  # fmt: skip
    """Exact search along the path that sticks to every kink it meets.

    Each part of the network, of nodes part (N,) and arcs arc_part (see `directional`), has a step
    length of its own: the dual is a sum over them. Along the path the derivative of the dual falls,
    piece by piece, from its slope at 0, what nodes miss times the direction; any point where it has
    fallen to `enough` of that on either side of zero will do. Where `most` trials find none: as far
    as the dual is known to rise, and if there are none at all the whole way. Returns potentials
    (N,), sides (E,), steps (parts,), and whether most of these potentials are on one side of zero.
    """
    n = p.size
    slope = np.zeros(parts)
    tau = np.ones(parts)
    low = np.zeros(parts)
    high = np.empty(parts)
    for k in range(parts):
        high[k] = np.inf
    for v in range(n):
        slope[part[v]] += imbalance[v] * direction[v]
    trial = np.empty(n)
    landed = np.empty(zero_arcs.size, np.bool_)
    given = np.empty(parts)
    move = np.empty(n)
    for trials in range(most + 1):
        for v in range(n):
            trial[v] = p[v] + tau[part[v]] * direction[v]
        landed = clamp(zero_arcs, leaf, side, tail, head, cost, p, trial)
        if trials == most:
            break
        for k in range(parts):
            given[k] = 0.0
        for v in range(n):
            move[v] = trial[v] - p[v]
            given[part[v]] += supply[v] * move[v]
        carried, curvature = directional(
            p, move, side, tail, head, cost, weight, capacity, undirected, arc_part, parts
        )
        wrong = False
        for k in range(parts):
            derivative = given[k] - carried[k]
            noise = EPS * (abs(given[k]) + abs(carried[k]))
            if not abs(derivative) > max(enough * slope[k] * tau[k], noise):
                continue
            wrong = True
            if derivative > 0.0:
                low[k] = tau[k]
            else:
                high[k] = tau[k]
            newton = np.inf
            if curvature[k] > 0.0:
                newton = tau[k] * (1.0 + derivative / curvature[k])
            if trials == most - 1:
                tau[k] = low[k]
            elif high[k] < np.inf:
                inside = low[k] < newton < high[k]
                tau[k] = newton if inside else 0.5 * (low[k] + high[k])
            else:
                tau[k] = min(max(newton, 2.0 * tau[k]), 10.0 * tau[k])
        if not wrong:
            break
    sides = side.copy()
    for z in range(zero_arcs.size):
        if landed[z]:
            sides[zero_arcs[z]] = 0
    above = 0
    below = 0
    for v in range(n):
        above += 1 if trial[v] >= 0.0 else 0
        below += 1 if trial[v] <= 0.0 else 0
    return trial, sides, tau, 4 * min(above, below) < n
