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


@kernel
def _carried(y, l, w, k, undirected):
    """Flow and slope of one arc of positive weight at tension y."""
    if y > l:
        x = (y - l) / w
    elif undirected and y < -l:
        x = (y + l) / w
    else:
        return 0.0, 0.0
    if x >= k:
        return k, 0.0
    if x <= -k:
        return -k, 0.0
    return x, 1.0 / w


@kernel
def respond(p, side, tail, head, cost, weight, capacity, undirected, supply):
    """Flow x (E,), slope dx/dy (E,) and imbalance b - D x (N,) at the potentials p (N,).

    Tight arcs carry nothing here; `route` gives them their flow.
    """
    flow = np.empty(tail.size)
    slope = np.empty(tail.size)
    imbalance = supply.copy()
    for e in range(tail.size):
        u = tail[e]
        v = head[e]
        if weight[e] > 0.0:
            x, s = _carried(p[v] - p[u], cost[e], weight[e], capacity[e], undirected[e])
        else:
            x = capacity[e] if side[e] > 0 else 0.0
            s = 0.0
        flow[e] = x
        slope[e] = s
        imbalance[u] += x
        imbalance[v] -= x
    return flow, slope, imbalance


@kernel
def directional(p, move, side, tail, head, cost, weight, capacity, undirected):
    """Sum over arcs of x_e dy_e and of slope_e dy_e^2 at the potentials p + move, dy = D' move.

    These are the flow part of the derivative of the dual along `move`, and minus its slope. Arcs
    of weight zero keep the side they have.
    """
    first = 0.0
    second = 0.0
    for e in range(tail.size):
        u = tail[e]
        v = head[e]
        dy = move[v] - move[u]
        if weight[e] > 0.0:
            y = p[v] - p[u] + dy
            x, s = _carried(y, cost[e], weight[e], capacity[e], undirected[e])
            first += x * dy
            second += s * dy * dy
        elif side[e] > 0:
            first += capacity[e] * dy
    return first, second


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
def incidence(tail, head, cost, weight, capacity, undirected, n_nodes):
    """What each node sees of its arcs: everything about them, node after node; loops left out.

    Returns indptr (N+1,) int64 and, of size 2E: arc (int32), other end (int32), sign (int8; +1
    where the node is the tail), cost, weight, capacity, undirected.
    """
    indptr = np.zeros(n_nodes + 1, np.int64)
    for e in range(tail.size):
        if tail[e] != head[e]:
            indptr[tail[e] + 1] += 1
            indptr[head[e] + 1] += 1
    for v in range(n_nodes):
        indptr[v + 1] += indptr[v]
    fill = indptr[:-1].copy()
    size = indptr[-1]
    arc = np.empty(size, np.int32)
    other = np.empty(size, np.int32)
    sign = np.empty(size, np.int8)
    costs = np.empty(size)
    weights = np.empty(size)
    capacities = np.empty(size)
    both = np.empty(size, np.bool_)
    for e in range(tail.size):
        if tail[e] == head[e]:
            continue
        for end in range(2):
            v = tail[e] if end == 0 else head[e]
            q = fill[v]
            fill[v] += 1
            arc[q] = e
            other[q] = head[e] if end == 0 else tail[e]
            sign[q] = 1 if end == 0 else -1
            costs[q] = cost[e]
            weights[q] = weight[e]
            capacities[q] = capacity[e]
            both[q] = undirected[e]
    return indptr, arc, other, sign, costs, weights, capacities, both


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
    for e in range(tail.size):
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
def settle(component, p, side, tail, head, cost, weight, capacity, undirected, noise, max_rounds):
    """In place in p: lower whole components until no arc between two is stretched beyond its cost.

    Afterwards y <= l on every arc between components (|y| <= l on undirected ones, y >= l on full
    arcs of weight zero), up to `noise`, if that can be had; a Bellman-Ford over components.
    """
    shift = np.zeros(p.size)
    for _ in range(max_rounds):
        settled = True
        for e in range(tail.size):
            u = component[tail[e]]
            v = component[head[e]]
            if u == v:
                continue
            y = p[head[e]] + shift[v] - p[tail[e]] - shift[u]
            full = weight[e] == 0.0 and side[e] > 0
            if not full and y > cost[e] + noise:
                shift[v] -= y - cost[e]
                settled = False
            elif full and y < cost[e] - noise:
                shift[u] -= cost[e] - y
                settled = False
            elif undirected[e] and y < -cost[e] - noise:
                shift[u] -= -cost[e] - y
                settled = False
        if settled:
            break
    for v in range(p.size):
        p[v] += shift[component[v]]


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
                if leaf[z] == head[e]:
                    trial[leaf[z]] = trial[tail[e]] + cost[e]
                else:
                    trial[leaf[z]] = trial[head[e]] - cost[e]
    return landed


@kernel
def _sift_down(position, event, root, count):
    """Restore the min-heap on `position` below `root`, carrying `event` along."""
    while True:
        child = 2 * root + 1
        if child >= count:
            return
        if child + 1 < count and position[child + 1] < position[child]:
            child += 1
        if position[root] <= position[child]:
            return
        position[root], position[child] = position[child], position[root]
        event[root], event[child] = event[child], event[root]
        root = child


@kernel
def _rejoin(v, begin, end, p, side, arc, other, sign, cost, weight, capacity, both, tol):
    """In place: put an idle node v on the kink of an empty arc of weight zero, if that is free.

    Free means that no arc at v carries more than `tol`, nor would on the way. An idle node off
    its kink would only stand in the way of the nodes that carry mass.
    """
    for q in range(begin, end):
        if weight[q] == 0.0 and side[arc[q]] < 0:
            there = p[other[q]] - sign[q] * cost[q]
            for r in range(begin, end):
                y = sign[r] * (p[other[r]] - p[v])
                new = sign[r] * (p[other[r]] - there)
                if weight[r] == 0.0:
                    if r != q and (new - cost[r]) * side[arc[r]] <= 0.0:
                        return
                else:
                    x, _ = _carried(y, cost[r], weight[r], capacity[r], both[r])
                    if abs(x) > tol:
                        return
                    x, _ = _carried(new, cost[r], weight[r], capacity[r], both[r])
                    if abs(x) > tol:
                        return
            p[v] = there
            side[arc[q]] = 0
            return


@kernel
def sweep(p, side, indptr, arc, other, sign, cost, weight, capacity, both, supply, tol):
    """In place in p and side: one pass of exact coordinate ascent, node after node.

    The arcs come as `incidence` lists them. The imbalance of a node is a decreasing
    piecewise-linear function of its own potential, with a step at the kink of every arc of weight
    zero. From where it stands the walk goes from kink to kink towards the root; a heap hands the
    kinks out in order. A node whose imbalance is at most `tol` stays; one that no potential can
    balance goes to its last kink; an idle one rejoins its empty arc of weight zero.
    """
    position = np.empty(64)
    event = np.empty(64, np.int64)  # 2 q + 1 where the slope of arc q begins, 2 q where it ends
    for v in range(p.size):
        begin = indptr[v]
        end = indptr[v + 1]
        here = p[v]
        g = supply[v]  # with every tight arc as it is just below its kink
        step = 0.0  # what the tight arcs add just above it
        apart = False  # whether an empty arc of weight zero might be rejoined
        for q in range(begin, end):
            if weight[q] > 0.0:
                y = sign[q] * (p[other[q]] - here)
                x, _ = _carried(y, cost[q], weight[q], capacity[q], both[q])
                g += sign[q] * x
            elif side[arc[q]] == 0:
                step += capacity[q]
                if sign[q] > 0:
                    g += capacity[q]
            elif side[arc[q]] > 0:
                g += sign[q] * capacity[q]
            else:
                apart = True
        if g - step > tol:
            g -= step
            ahead = 1.0
        elif g < -tol:
            g = -g
            ahead = -1.0
        else:
            if apart:
                _rejoin(v, begin, end, p, side, arc, other, sign, cost, weight, capacity, both, tol)
            continue
        if position.size < 4 * (end - begin):
            position = np.empty(4 * (end - begin))
            event = np.empty(4 * (end - begin), np.int64)
        # Distances from here, in the direction of ascent, between which each arc has slope 1/w.
        h = 0.0
        active = 0
        count = 0
        nearest = np.inf
        for q in range(begin, end):
            w = weight[q]
            flip = -ahead * sign[q]
            shift = ahead * (p[other[q]] - here)
            if w == 0.0:
                # Passing the kink towards larger y fills the arc, towards smaller y empties it.
                toward = 1 if flip > 0.0 else -1
                e = arc[q]
                if side[e] == 0:
                    side[e] = toward
                elif side[e] != toward:
                    low = max(shift + flip * cost[q], 0.0)
                    position[count] = low
                    event[count] = 2 * q
                    count += 1
                    nearest = min(nearest, low)
                continue
            for turn in range(2 if both[q] else 1):
                low = cost[q]
                high = low + w * capacity[q]
                if turn == 1:
                    low, high = -high, -low
                if flip < 0.0:
                    low, high = -high, -low
                low += shift
                high += shift
                if high > 0.0:
                    if low > 0.0:
                        position[count] = low
                        event[count] = 2 * q + 1
                        count += 1
                        nearest = min(nearest, low)
                    else:
                        h += 1.0 / w
                        active += 1
                        nearest = min(nearest, high)
                    if high < np.inf:
                        position[count] = high
                        event[count] = 2 * q
                        count += 1
        landed = False
        travelled = 0.0
        if g > h * nearest:
            for root in range(count // 2 - 1, -1, -1):
                _sift_down(position, event, root, count)
            while count > 0:
                span = position[0] - travelled
                if g <= h * span:
                    break
                g -= h * span
                travelled = position[0]
                q = event[0] >> 1
                if weight[q] > 0.0:
                    if event[0] & 1:
                        h += 1.0 / weight[q]
                        active += 1
                    else:
                        h -= 1.0 / weight[q]
                        active -= 1
                    if active == 0:
                        h = 0.0  # round-off would leave a slope where no arc is active
                elif g <= capacity[q]:
                    side[arc[q]] = 0
                    p[v] = p[other[q]] - sign[q] * cost[q]
                    landed = True
                    break
                else:
                    g -= capacity[q]
                    side[arc[q]] = -side[arc[q]]
                count -= 1
                position[0] = position[count]
                event[0] = event[count]
                _sift_down(position, event, 0, count)
        if not landed:
            if h > 0.0:
                travelled += g / h
            p[v] = here + ahead * travelled
            if apart:
                _rejoin(v, begin, end, p, side, arc, other, sign, cost, weight, capacity, both, tol)
