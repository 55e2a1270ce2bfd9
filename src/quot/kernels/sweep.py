"""One pass of exact coordinate ascent over the nodes of a quadratic flow.

Arcs are those of `flow`: of cost l, weight w, capacity k and a type, and a side where w = 0.
"""

import numpy as np

from quot.kernels._jit import kernel


@kernel
def _carried(y, l, w, k, undirected):
    """Flow of one arc of positive weight at tension y."""
    if y > l:
        x = (y - l) / w
    elif undirected and y < -l:
        x = (y + l) / w
    else:
        return 0.0
    if x >= k:
        return k
    if x <= -k:
        return -k
    return x


@kernel
def incidence(tail, head, weight, capacity, undirected, n_nodes):
    """The arcs of each node, loops left out: indptr (N+1,) int64, plain (N,) int8, arc int32.

    A node is plain if it has at most one arc of weight zero and all others are directed, without
    capacity, and leave it (+1) or arrive at it (-1); else it gets 0.
    """
    indptr = np.zeros(n_nodes + 1, np.int64)
    for e in range(tail.size):
        if tail[e] != head[e]:
            indptr[tail[e] + 1] += 1
            indptr[head[e] + 1] += 1
    for v in range(n_nodes):
        indptr[v + 1] += indptr[v]
    fill = indptr[:-1].copy()
    arc = np.empty(indptr[-1], np.int32)
    for e in range(tail.size):
        if tail[e] != head[e]:
            arc[fill[tail[e]]] = e
            fill[tail[e]] += 1
            arc[fill[head[e]]] = e
            fill[head[e]] += 1
    plain = np.empty(n_nodes, np.int8)
    for v in range(n_nodes):
        leaving = 0
        arriving = 0
        zeros = 0
        odd = False
        for q in range(indptr[v], indptr[v + 1]):
            e = arc[q]
            if weight[e] == 0.0:
                zeros += 1
            else:
                leaving += 1 if tail[e] == v else 0
                arriving += 1 if head[e] == v else 0
                odd = odd or undirected[e] or capacity[e] < np.inf
        if odd or zeros > 1 or (leaving > 0) == (arriving > 0):
            plain[v] = 0
        else:
            plain[v] = 1 if leaving > 0 else -1
    return indptr, plain, arc


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
def _rejoin(v, p, side, arc, other, sign, cost, weight, capacity, both, tol):
    """In place: put an idle node v on the kink of an empty arc of weight zero, if that is free.

    Free means that no arc at v carries more than `tol`, nor would on the way. An idle node off
    its kink would only stand in the way of the nodes that carry mass.
    """
    for q in range(arc.size):
        if weight[q] == 0.0 and side[arc[q]] < 0:
            there = p[other[q]] - sign[q] * cost[q]
            for r in range(arc.size):
                y = sign[r] * (p[other[r]] - p[v])
                new = sign[r] * (p[other[r]] - there)
                if weight[r] == 0.0:
                    if r != q and (new - cost[r]) * side[arc[r]] <= 0.0:
                        return
                else:
                    x = _carried(y, cost[r], weight[r], capacity[r], both[r])
                    if abs(x) > tol:
                        return
                    x = _carried(new, cost[r], weight[r], capacity[r], both[r])
                    if abs(x) > tol:
                        return
            p[v] = there
            side[arc[q]] = 0
            return


@kernel
def _root(start, wanted, reach, slope, count):
    """The t with sum_k slope_k [reach_k - t]_+ = wanted > 0, over k < count; found from `start`.

    Newton on a convex function: from the second step on it comes from the left, and it is there
    when no more terms drop out.
    """
    t = start
    last = -1
    for _ in range(100):
        total = 0.0
        h = 0.0
        active = 0
        for k in range(count):
            s = slope[k] if reach[k] > t else 0.0
            active += 1 if reach[k] > t else 0
            h += s
            total += s * (reach[k] - t)
        if active == 0:
            t = reach[0] - wanted / slope[0]
            for k in range(1, count):
                t = max(t, reach[k] - wanted / slope[k])
            continue
        t += (total - wanted) / h
        if active == last:
            break
        last = active
    return t


@kernel
def _carried_at(t, reach, slope, count):
    """sum_k slope_k [reach_k - t]_+ over k < count."""
    total = 0.0
    for k in range(count):
        total += slope[k] * max(reach[k] - t, 0.0)
    return total


@kernel
def _balance(v, way, p, side, arc, other, sign, cost, weight, capacity, supply, slope, reach, tol):
    """In place in p and side: the potential at which a plain node v is balanced; see `sweep`.

    Its weighted arcs leave (`way` 1) or arrive (-1); with t = way p they carry
    sum_k [reach_k - t]_+ / w_k. `slope` and `reach` are room to work in. Returns 0, with nothing
    done, where no potential balances it; 2 where an empty arc of weight zero might be rejoined.
    """
    count = np.int64(0)
    zero = -1
    for q in range(arc.size):
        if weight[q] > 0.0:
            reach[count] = way * p[other[q]] - cost[q]
            slope[count] = 1.0 / weight[q]
            count += 1
        else:
            zero = q
    below = supply
    above = supply
    if zero >= 0:  # what that arc adds below its kink and above
        below += capacity[zero] if sign[zero] > 0 else 0.0
        above = below - capacity[zero]
    now = way * _carried_at(way * p[v], reach, slope, count)
    at_most = now + below
    at_least = now + above
    if zero >= 0 and side[arc[zero]] != 0:
        if side[arc[zero]] * sign[zero] > 0:
            at_least = at_most
        else:
            at_most = at_least
    if at_least <= tol and at_most >= -tol:
        return 2 if zero >= 0 and side[arc[zero]] < 0 else 1
    wanted = -way * supply
    new = 0
    if zero >= 0:
        kink = p[other[zero]] - sign[zero] * cost[zero]
        carried = way * _carried_at(way * kink, reach, slope, count)
        if above + carried > 0.0:
            wanted = -way * above
            new = -sign[zero]
        elif below + carried < 0.0:
            wanted = -way * below
            new = sign[zero]
        else:
            side[arc[zero]] = 0
            p[v] = kink
            return 1
    if not wanted > 0.0:
        return 0
    p[v] = way * _root(way * p[v], wanted, reach, slope, count)
    if zero >= 0:
        side[arc[zero]] = new
    return 2 if new < 0 else 1


@kernel
def _room(size):
    """Room for what a node sees of so many arcs, and for the kinks of these.

    Other end, sign (+1 where the node is the tail), cost, weight, capacity, undirected; position
    and event (2 q + 1 where the slope of its arc q begins, 2 q where it ends), and reach.
    """
    return (
        np.empty(size, np.int32),
        np.empty(size, np.int8),
        np.empty(size),
        np.empty(size),
        np.empty(size),
        np.empty(size, np.bool_),
        np.empty(4 * size),
        np.empty(4 * size, np.int64),
        np.empty(4 * size),
    )


@kernel
def sweep(
    p, side, indptr, plain, arcs, tail, head, costs, weights, capacities, undirected, supply, tol
):
    """In place in p and side: one pass of exact coordinate ascent, node after node.

    indptr, plain, arcs: from `incidence`. The imbalance of a node is a decreasing
    piecewise-linear function of its own potential, with a step at the kink of every arc of weight
    zero. From where it stands the walk goes from kink to kink towards the root; a heap hands the
    kinks out in order; plain nodes need no walk, their imbalance is convex or concave. A node
    whose imbalance is at most `tol` stays. One that no potential can balance goes to its last
    kink; an idle one rejoins its empty arc of weight zero.
    """
    room = _room(16)
    for v in range(p.size):
        arc = arcs[indptr[v] : indptr[v + 1]]
        if room[0].size < arc.size:
            room = _room(arc.size)
        other, sign, cost, weight, capacity, both, position, event, reach = room
        for q in range(arc.size):
            e = arc[q]
            other[q] = head[e] if tail[e] == v else tail[e]
            sign[q] = 1 if tail[e] == v else -1
            cost[q], weight[q] = costs[e], weights[e]
            capacity[q], both[q] = capacities[e], undirected[e]
        done = 0
        if plain[v] != 0:
            done = _balance(
                v, plain[v], p, side, arc, other, sign, cost, weight, capacity, supply[v],
                position, reach, tol,
            )  # fmt: skip
        if done == 2:
            _rejoin(v, p, side, arc, other, sign, cost, weight, capacity, both, tol)
        if done > 0:
            continue
        here = p[v]
        g = supply[v]  # with every tight arc as it is just below its kink
        step = 0.0  # what the tight arcs add just above it
        apart = False  # whether an empty arc of weight zero might be rejoined
        for q in range(arc.size):
            if weight[q] > 0.0:
                y = sign[q] * (p[other[q]] - here)
                x = _carried(y, cost[q], weight[q], capacity[q], both[q])
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
                _rejoin(v, p, side, arc, other, sign, cost, weight, capacity, both, tol)
            continue
        # Distances from here, in the direction of ascent, between which each arc has slope 1/w.
        h = 0.0
        active = 0
        count = np.int64(0)
        nearest = np.inf
        for q in range(arc.size):
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
                _sift_down(position, event, np.int64(0), count)
        if not landed:
            if h > 0.0:
                travelled += g / h
            p[v] = here + ahead * travelled
            if apart:
                _rejoin(v, p, side, arc, other, sign, cost, weight, capacity, both, tol)
