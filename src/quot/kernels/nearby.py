"""A part of a network around some of its nodes, and what the whole carries when only that moves."""

import numpy as np

from quot.kernels._jit import kernel
from quot.kernels.flow import _answer, _missing, _put, route


@kernel
def surroundings(seeds, rings, most, indptr, arc, tail, head, weight, is_hub):
    """The nodes up to `rings` arcs from the seeds, and the arcs that touch these.

    Arcs of weight zero lead nowhere, nor does a way to a hub or across one. Fewer rings are taken
    where these would be more than `most` nodes, which the seeds never are. indptr, arc: as
    `sweep.incidence`. Also returns whether a node is inside (N,).
    """
    inside = np.zeros(indptr.size - 1, np.bool_)
    nodes = np.empty(most, np.int32)
    count = 0
    for v in seeds:
        inside[v] = True
        nodes[count] = v
        count += 1
    begin = 0
    for _ in range(rings):
        end = count
        fits = True
        for u in nodes[begin:end]:
            for q in range(indptr[u], indptr[u + 1]):
                e = arc[q]
                v = head[e] if tail[e] == u else tail[e]
                if weight[e] > 0.0 and not inside[v] and not is_hub[v]:
                    fits = fits and count < most
                    if fits:
                        inside[v] = True
                        nodes[count] = v
                        count += 1
            if not fits:
                break
        if not fits:
            for v in nodes[end:count]:
                inside[v] = False
            count = end
            break
        begin = end
    nodes = nodes[:count]
    size = 0
    for v in nodes:
        size += indptr[v + 1] - indptr[v]
    arcs = np.empty(size, np.int64)
    size = 0
    for v in nodes:
        for q in range(indptr[v], indptr[v + 1]):
            e = arc[q]
            if tail[e] == v or not inside[tail[e]]:
                arcs[size] = e
                size += 1
    return nodes, arcs[:size], inside


@kernel
def evaluate_near(
    inside, arcs, before, flow, slope, imbalance, p, side, zero_arcs, leaf, tail, head, cost,
    weight, capacity, undirected,
):  # fmt: skip
    """As `flow.evaluate`, where only nodes inside have moved and the sides of arcs there.

    In place in `flow`, `slope` and `imbalance`, which are of the sides `before`. arcs: those that
    touch a node inside.
    """
    for z in range(zero_arcs.size):
        e = zero_arcs[z]
        if before[e] == 0:  # back to where `route` took it from
            imbalance[tail[e]] -= flow[e]
            imbalance[head[e]] += flow[e]
            flow[e] = 0.0
        if side[e] == 0 and inside[leaf[z]]:
            _put(leaf[z], e, tail, head, cost, p)
    for e in arcs:
        y = p[head[e]] - p[tail[e]]
        x, s = _answer(y, side[e], cost[e], weight[e], capacity[e], undirected[e])
        more = x - flow[e]
        imbalance[tail[e]] += more
        imbalance[head[e]] -= more
        flow[e] = x
        slope[e] = s
    wish = route(zero_arcs, leaf, side, tail, head, capacity, flow, imbalance)
    most, total = _missing(imbalance)
    return wish, most, total
