"""Weighted graph Laplacians: nodes of few neighbours eliminated, conjugate gradients for the rest.

For weights of about one size, as those of active pairs are. What is eliminated leaves no more edges
than there were: trees, and what hangs on a graph like one, are exact. What is left is
well-connected, and takes few iterations: a small part of a whole `elimination`.
"""

import numpy as np

from quot.kernels._jit import kernel

# Nodes with no more neighbours are eliminated: that adds no edges.
_FEW = 3


@kernel
def _simple(tail, head, conductance, nodes):
    """The edges without loops, zeros and parallel ones: tail, head, weight."""
    start = np.zeros(nodes + 1, np.int64)
    for e in range(tail.size):
        if conductance[e] > 0.0 and tail[e] != head[e]:
            start[min(tail[e], head[e]) + 1] += 1
    for x in range(nodes):
        start[x + 1] += start[x]
    size = start[nodes]
    other = np.empty(size, np.int32)
    weight = np.empty(size)
    fill = start[:-1].copy()
    for e in range(tail.size):
        if conductance[e] > 0.0 and tail[e] != head[e]:
            x = min(tail[e], head[e])
            other[fill[x]] = max(tail[e], head[e])
            weight[fill[x]] = conductance[e]
            fill[x] += 1
    place = np.full(nodes, -1, np.int64)
    one = np.empty(size, np.int32)
    count = 0
    for x in range(nodes):
        first = count
        for q in range(start[x], start[x + 1]):
            y = other[q]
            if place[y] >= first:
                weight[place[y]] += weight[q]
            else:
                place[y] = count
                one[count] = x
                other[count] = y
                weight[count] = weight[q]
                count += 1
    return one[:count], other[:count], weight[:count]


@kernel
def _eliminate(tail, head, weight, ground, rhs):
    """Eliminate nodes with few neighbours, in turn; in place in ground and rhs (N,).

    Returns how many, the nodes (N,), up to three neighbours each (N, 3), -1 if there are less, the
    part of each (N, 3), 1 over what is on the diagonal (N,); and the edges left.
    """
    nodes = rhs.size
    edges = tail.size
    to = np.empty(2 * edges, np.int32)
    by = np.empty(2 * edges)
    after = np.empty(2 * edges, np.int32)
    before = np.empty(2 * edges, np.int32)
    first = np.full(nodes, -1, np.int32)
    degree = np.zeros(nodes, np.int32)
    for e in range(edges):
        for side in range(2):
            h = 2 * e + side
            x = tail[e] if side == 0 else head[e]
            to[h] = head[e] if side == 0 else tail[e]
            by[h] = weight[e]
            after[h] = first[x]
            before[h] = -1
            if first[x] >= 0:
                before[first[x]] = h
            first[x] = h
            degree[x] += 1
    done = np.zeros(nodes, np.bool_)
    waiting = np.empty(nodes + 6 * nodes, np.int32)
    size = 0
    for x in range(nodes):
        if degree[x] <= _FEW:
            waiting[size] = x
            size += 1
    order = np.empty(nodes, np.int32)
    near = np.full((nodes, 3), -1, np.int32)
    part = np.zeros((nodes, 3))
    pivot = np.zeros(nodes)
    count = 0
    free = np.empty(3, np.int32)
    while size > 0:
        size -= 1
        x = waiting[size]
        if done[x] or degree[x] > _FEW:
            continue
        done[x] = True
        total = ground[x]
        k = 0
        h = first[x]
        while h >= 0:
            near[count, k] = to[h]
            part[count, k] = by[h]
            free[k] = h >> 1
            total += by[h]
            twin = h ^ 1
            y = to[h]
            if before[twin] >= 0:
                after[before[twin]] = after[twin]
            else:
                first[y] = after[twin]
            if after[twin] >= 0:
                before[after[twin]] = before[twin]
            degree[y] -= 1
            k += 1
            h = after[h]
        order[count] = x
        pivot[count] = 1.0 / total if total > 0.0 else 0.0
        for q in range(k):
            y = near[count, q]
            part[count, q] *= pivot[count]
            ground[y] += part[count, q] * ground[x]
            rhs[y] += part[count, q] * rhs[x]
        spare = k
        for q in range(k):
            for r in range(q):
                y, z = near[count, q], near[count, r]
                w = part[count, q] * part[count, r] * total
                if degree[y] > degree[z]:
                    y, z = z, y
                h = first[y]
                while h >= 0 and to[h] != z:
                    h = after[h]
                if h >= 0:
                    by[h] += w
                    by[h ^ 1] += w
                else:
                    spare -= 1
                    for side in range(2):
                        h = 2 * free[spare] + side
                        u = y if side == 0 else z
                        to[h] = z if side == 0 else y
                        by[h] = w
                        after[h] = first[u]
                        before[h] = -1
                        if first[u] >= 0:
                            before[first[u]] = h
                        first[u] = h
                        degree[u] += 1
        for q in range(k):
            y = near[count, q]
            if degree[y] <= _FEW and not done[y] and size < waiting.size:
                waiting[size] = y
                size += 1
        count += 1
    # What is left, as the rows of a matrix.
    core = np.full(nodes, -1, np.int32)
    inside = np.empty(nodes, np.int32)
    left = 0
    for x in range(nodes):
        if not done[x]:
            core[x] = left
            inside[left] = x
            left += 1
    begin = np.zeros(left + 1, np.int64)
    for k in range(left):
        begin[k + 1] = begin[k] + degree[inside[k]]
    index = np.empty(begin[left], np.int32)
    value = np.empty(begin[left])
    for k in range(left):
        q = begin[k]
        h = first[inside[k]]
        while h >= 0:
            index[q] = core[to[h]]
            value[q] = by[h]
            q += 1
            h = after[h]
    return count, order, near, part, pivot, inside[:left], begin, index, value


@kernel
def _iterate(begin, index, value, ground, rhs, enough, most):
    """Conjugate gradients until the residual, squared, is enough: x (N,), and what that is then."""
    size = rhs.size
    diagonal = ground.copy()
    for k in range(size):
        for q in range(begin[k], begin[k + 1]):
            diagonal[k] += value[q]
    x = np.zeros(size)
    r = rhs.copy()
    z = r / diagonal
    p = z.copy()
    ap = np.empty(size)
    rz = 0.0
    left = 0.0
    for k in range(size):
        rz += r[k] * z[k]
        left += r[k] * r[k]
    for _ in range(most):
        if not left > enough:
            break
        pap = 0.0
        for k in range(size):
            y = diagonal[k] * p[k]
            for q in range(begin[k], begin[k + 1]):
                y -= value[q] * p[index[q]]
            ap[k] = y
        for k in range(size):
            pap += ap[k] * p[k]
        if not pap > 0.0:
            break
        alpha = rz / pap
        new = 0.0
        left = 0.0
        for k in range(size):
            x[k] += alpha * p[k]
            r[k] -= alpha * ap[k]
            z[k] = r[k] / diagonal[k]
        for k in range(size):
            new += r[k] * z[k]
            left += r[k] * r[k]
        beta = new / rz
        rz = new
        for k in range(size):
            p[k] = z[k] + beta * p[k]
    return x, left


@kernel
def _solve(tail, head, conductance, ground, rhs, tol, most):
    """x (N,) with (L + diag(ground)) x = rhs, L the Laplacian of a graph, and whether that is one.

    tail, head (E,) int32; conductance (E,), ground (N,) >= 0; rhs (N,): without ground it sums to
    zero on a component. tol: residual, relative. most: iterations.
    """
    nodes = rhs.size
    one, other, weight = _simple(tail, head, conductance, nodes)
    held, b = ground.copy(), rhs.copy()
    count, order, near, part, pivot, inside, begin, index, value = _eliminate(
        one, other, weight, held, b
    )
    size = 0.0
    for x in range(nodes):
        size += rhs[x] * rhs[x]
    x = np.zeros(nodes)
    done = True
    if inside.size > 0:
        left_held = np.empty(inside.size)
        left_b = np.empty(inside.size)
        for k in range(inside.size):
            left_held[k] = held[inside[k]]
            left_b[k] = b[inside[k]]
        enough = tol * tol * size
        found, left = _iterate(begin, index, value, left_held, left_b, enough, most)
        for k in range(inside.size):
            x[inside[k]] = found[k]
        done = left <= enough
    for k in range(count - 1, -1, -1):
        u = order[k]
        y = pivot[k] * b[u]
        for q in range(3):
            if near[k, q] >= 0:
                y += part[k, q] * x[near[k, q]]
        x[u] = y
    return x, done
