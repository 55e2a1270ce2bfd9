"""Weighted graph Laplacians: adjacency, approximate Cholesky factor, conjugate gradients.

The matrix is ``L = sum_e c_e (1_u - 1_v)(1_u - 1_v)'`` over edges e = (u, v). It is singular: right
sides must sum to zero on every connected component, and solutions are known up to a constant there.
"""

import numpy as np

from quot.kernels._jit import kernel


@kernel
def adjacency(tail, head, conductance, n_nodes):
    """Symmetric adjacency in CSR form, loops and edges of zero conductance left out.

    tail, head (E,) int32; conductance (E,) float64 >= 0.
    Returns indptr (N+1,) int64, neighbour (2E',) int32, weight (2E',), diagonal (N,) of the
    Laplacian, and twin (2E',) int64: where the other half of each edge is.
    """
    indptr = np.zeros(n_nodes + 1, np.int64)
    for e in range(tail.size):
        if conductance[e] > 0.0 and tail[e] != head[e]:
            indptr[tail[e] + 1] += 1
            indptr[head[e] + 1] += 1
    for v in range(n_nodes):
        indptr[v + 1] += indptr[v]
    fill = indptr[:-1].copy()
    neighbour = np.empty(indptr[-1], np.int32)
    weight = np.empty(indptr[-1])
    twin = np.empty(indptr[-1], np.int64)
    diagonal = np.zeros(n_nodes)
    for e in range(tail.size):
        c = conductance[e]
        if c > 0.0 and tail[e] != head[e]:
            u = tail[e]
            v = head[e]
            neighbour[fill[u]] = v
            weight[fill[u]] = c
            neighbour[fill[v]] = u
            weight[fill[v]] = c
            twin[fill[u]] = fill[v]
            twin[fill[v]] = fill[u]
            fill[u] += 1
            fill[v] += 1
            diagonal[u] += c
            diagonal[v] += c
    return indptr, neighbour, weight, diagonal, twin


@kernel
def twins(indptr, neighbour):
    """Where the other half of each edge is, (2E,) int64, in a symmetric adjacency in CSR form."""
    n = indptr.size - 1
    fill = indptr[:-1].copy()
    order = np.empty(neighbour.size, np.int64)  # halves by their far end, near ends ascending
    near = np.empty(neighbour.size, np.int32)
    for v in range(n):
        for q in range(indptr[v], indptr[v + 1]):
            order[fill[neighbour[q]]] = q
            near[fill[neighbour[q]]] = v
            fill[neighbour[q]] += 1
    twin = np.empty(neighbour.size, np.int64)
    slot = np.empty(n, np.int64)
    following = np.empty(neighbour.size, np.int64)  # the next half of v with the same far end
    for v in range(n):
        for q in range(indptr[v], indptr[v + 1]):
            slot[neighbour[q]] = -1
        for q in range(indptr[v + 1] - 1, indptr[v] - 1, -1):
            following[q] = slot[neighbour[q]]
            slot[neighbour[q]] = q
        for k in range(indptr[v], indptr[v + 1]):
            u = near[k]
            twin[order[k]] = slot[u]
            slot[u] = following[slot[u]]
    return twin


@kernel
def apply(indptr, neighbour, weight, diagonal, x):
    """L x."""
    out = np.empty(x.size)
    _apply(indptr, neighbour, weight, diagonal, x, out)
    return out


@kernel
def _apply(indptr, neighbour, weight, diagonal, x, out):
    """out = L x."""
    for v in range(out.size):
        s = 0.0
        for q in range(indptr[v], indptr[v + 1]):
            s += weight[q] * x[neighbour[q]]
        out[v] = diagonal[v] * x[v] - s


@kernel
def _sort_star(key, a, b, count):
    """Shell sort of the first `count` of `key`, ascending, carrying `a` and `b` along."""
    gap = 1
    while gap < count:
        gap = 3 * gap + 1
    while gap > 1:
        gap //= 3
        for i in range(gap, count):
            k = key[i]
            x = a[i]
            y = b[i]
            j = i - gap
            while j >= 0 and key[j] > k:
                key[j + gap] = key[j]
                a[j + gap] = a[j]
                b[j + gap] = b[j]
                j -= gap
            key[j + gap] = k
            a[j + gap] = x
            b[j + gap] = y


@kernel
def _bucket_remove(v, key, bucket, before, after):
    if before[v] >= 0:
        after[before[v]] = after[v]
    else:
        bucket[key[v]] = after[v]
    if after[v] >= 0:
        before[after[v]] = before[v]


@kernel
def _bucket_insert(v, k, key, bucket, before, after):
    key[v] = k
    before[v] = -1
    after[v] = bucket[k]
    if bucket[k] >= 0:
        before[bucket[k]] = v
    bucket[k] = v


@kernel
def _minus_one(size):
    """An array of -1, for none yet; np.full would cost a second of compilation."""
    out = np.empty(size, np.int64)
    for k in range(size):
        out[k] = -1
    return out


@kernel
def factor(indptr, neighbour, weight, mate, seed):
    """Approximate Cholesky factor of a graph Laplacian (Gao, Kyng and Spielman's AC).

    `mate` is the last array of `adjacency`. Vertices go by dynamic minimum degree; the clique an
    elimination creates is sampled to a tree of one edge per neighbour, so the work is nearly
    linear. Exact when the graph is a forest. The last vertex of each component has pivot zero.

    Returns order (N,) int32, start (N+1,) int64, row (nnz,) int32, fraction (nnz,), pivot (N,):
    column q of the factor belongs to vertex order[q].
    """
    n = indptr.size - 1
    half = neighbour.size
    # Half-edges as linked lists, one list per vertex; `twin` is the other half of the same edge.
    other = neighbour.copy()
    value = weight.copy()
    following = np.empty(half, np.int64)
    twin = mate.copy()
    first = _minus_one(n)
    for v in range(n):
        for q in range(indptr[v], indptr[v + 1]):
            following[q] = first[v]
            first[v] = q

    cap = min(n, 4096)
    bucket = _minus_one(cap + 2)
    before = _minus_one(n)
    after = _minus_one(n)
    key = np.zeros(n, np.int64)
    degree = np.zeros(n, np.int64)
    for v in range(n - 1, -1, -1):
        degree[v] = indptr[v + 1] - indptr[v]
        _bucket_insert(v, min(degree[v], cap), key, bucket, before, after)

    order = np.empty(n, np.int32)
    start = np.empty(n + 1, np.int64)
    size = half + n
    row = np.empty(size, np.int32)
    fraction = np.empty(size)
    pivot = np.zeros(n)
    slot = _minus_one(n)
    # A star has at most so many edges, parallel ones merged.
    star_value = np.empty(n)
    star_node = np.empty(n, np.int64)
    star_half = np.empty(n, np.int64)
    cumulative = np.empty(n)
    state = np.uint64(seed) * np.uint64(2685821657736338717) + np.uint64(88172645463325252)
    nnz = 0
    lowest = 0
    step = -1
    while step < n - 1:
        while bucket[lowest] < 0:
            lowest += 1
        v = bucket[lowest]
        _bucket_remove(v, key, bucket, before, after)
        if min(degree[v], cap) > lowest:  # it has grown since it was put there
            _bucket_insert(v, min(degree[v], cap), key, bucket, before, after)
            continue
        step += 1
        order[step] = v
        start[step] = nnz
        # Gather the star of v, parallel edges merged.
        count = 0
        q = first[v]
        while q >= 0:
            follow = following[q]
            if value[q] > 0.0:
                u = np.int64(other[q])
                if slot[u] >= 0:
                    star_value[slot[u]] += value[q]
                    value[q] = 0.0
                    value[twin[q]] = 0.0
                    degree[u] -= 1
                    _bucket_remove(u, key, bucket, before, after)
                    k = min(degree[u], cap)
                    _bucket_insert(u, k, key, bucket, before, after)
                    if k < lowest:
                        lowest = k
                else:
                    slot[u] = count
                    star_value[count] = value[q]
                    star_node[count] = u
                    star_half[count] = q
                    count += 1
            q = follow
        for i in range(count):
            slot[star_node[i]] = -1
        if count == 0:
            continue
        _sort_star(star_value, star_node, star_half, count)
        total = 0.0
        for i in range(count):
            total += star_value[i]
            cumulative[i] = total
        if nnz + count > row.size:
            size = 2 * (nnz + count)
            longer_row = np.empty(size, np.int32)
            longer_fraction = np.empty(size)
            for i in range(nnz):
                longer_row[i] = row[i]
                longer_fraction[i] = fraction[i]
            row = longer_row
            fraction = longer_fraction
        rest = total
        scale = 1.0
        for i in range(count - 1):
            j = star_node[i]
            h = star_half[i]
            t = twin[h]
            f = star_value[i] * scale / rest
            # Sample a later neighbour with probability proportional to its weight.
            state ^= state << np.uint64(13)
            state ^= state >> np.uint64(7)
            state ^= state << np.uint64(17)
            uniform = np.float64(state >> np.uint64(11)) * (1.0 / 9007199254740992.0)
            mark = cumulative[i] + uniform * (total - cumulative[i])
            low = i + 1
            high = count - 1
            while low < high:
                mid = (low + high) >> 1
                if cumulative[mid] > mark:
                    high = mid
                else:
                    low = mid + 1
            k = star_node[low]
            new = f * (1.0 - f) * rest
            # The two halves of (v, j) become the two halves of (j, k).
            other[t] = k
            value[t] = new
            other[h] = j
            value[h] = new
            following[h] = first[k]
            first[k] = h
            if new > 0.0:
                degree[k] += 1
            else:
                degree[j] -= 1
                _bucket_remove(j, key, bucket, before, after)
                b = min(degree[j], cap)
                _bucket_insert(j, b, key, bucket, before, after)
                if b < lowest:
                    lowest = b
            row[nnz] = j
            fraction[nnz] = f
            nnz += 1
            scale *= 1.0 - f
            rest *= (1.0 - f) * (1.0 - f)
        j = star_node[count - 1]
        h = star_half[count - 1]
        pivot[v] = star_value[count - 1] * scale
        value[h] = 0.0
        value[twin[h]] = 0.0
        degree[j] -= 1
        _bucket_remove(j, key, bucket, before, after)
        b = min(degree[j], cap)
        _bucket_insert(j, b, key, bucket, before, after)
        if b < lowest:
            lowest = b
        row[nnz] = j
        fraction[nnz] = 1.0
        nnz += 1
    start[n] = nnz
    return order, start, row[:nnz], fraction[:nnz], pivot


@kernel
def diagonal_factor(diagonal):
    """The diagonal of a Laplacian as a factor of it, that of no edges."""
    n = diagonal.size
    order = np.empty(n, np.int32)
    for v in range(n):
        order[v] = v
    return order, np.zeros(n + 1, np.int64), np.zeros(0, np.int32), np.zeros(0), diagonal


@kernel
def precondition(order, start, row, fraction, pivot, y):
    """In place: y <- (approximate inverse of L) y."""
    n = order.size
    for q in range(n):
        v = order[q]
        s = start[q]
        e = start[q + 1]
        if e > s:
            yv = y[v]
            for i in range(s, e - 1):
                y[row[i]] += fraction[i] * yv
                yv *= 1.0 - fraction[i]
            y[row[e - 1]] += yv
            y[v] = yv
        if pivot[v] > 0.0:
            y[v] /= pivot[v]
        else:
            y[v] = 0.0
    for q in range(n - 1, -1, -1):
        s = start[q]
        e = start[q + 1]
        if e > s:
            v = order[q]
            yv = y[v] + y[row[e - 1]]
            for i in range(e - 2, s - 1, -1):
                yv = (1.0 - fraction[i]) * yv + fraction[i] * y[row[i]]
            y[v] = yv


@kernel
def cg(
    indptr, neighbour, weight, diagonal, order, start, row, fraction, pivot, rhs, rtol, max_iter
):
    """Conjugate gradients preconditioned by a factor: see `factor` and `diagonal_factor`.

    Stops at ||r||_2 <= rtol ||rhs||_2. Returns x (N,), iterations, relative residual reached.
    """
    n = rhs.size
    x = np.zeros(n)
    r = rhs.copy()
    z = np.empty(n)
    p = np.empty(n)
    q = np.empty(n)
    norm2 = 0.0
    for v in range(n):
        norm2 += r[v] * r[v]
    norm0 = np.sqrt(norm2)
    if norm0 == 0.0:
        return x, 0, 0.0
    target = (rtol * norm0) ** 2
    for v in range(n):
        z[v] = r[v]
    precondition(order, start, row, fraction, pivot, z)
    rz = 0.0
    for v in range(n):
        p[v] = z[v]
    for v in range(n):
        rz += r[v] * z[v]
    rr = norm2
    it = 0
    while it < max_iter and rr > target:
        it += 1
        _apply(indptr, neighbour, weight, diagonal, p, q)
        pq = 0.0
        for v in range(n):
            pq += p[v] * q[v]
        if not pq > 0.0:
            break
        alpha = rz / pq
        rr = 0.0
        for v in range(n):
            x[v] += alpha * p[v]
            r[v] -= alpha * q[v]
            z[v] = r[v]
        for v in range(n):
            rr += r[v] * r[v]
        if rr <= target:
            break
        precondition(order, start, row, fraction, pivot, z)
        rz_new = 0.0
        for v in range(n):
            rz_new += r[v] * z[v]
        if not rz_new > 0.0:
            break
        beta = rz_new / rz
        rz = rz_new
        for v in range(n):
            p[v] = z[v] + beta * p[v]
    return x, it, np.sqrt(rr) / norm0
