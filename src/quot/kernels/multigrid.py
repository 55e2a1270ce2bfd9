"""Aggregation multigrid for graph Laplacians: nodes joined along strong edges, level by level.

A level is a graph in CSR form, as `laplacian.adjacency` makes it: indptr (N+1,) int64, neighbour
(2E,) int32, weight (2E,) and diagonal (N,).
"""

import numpy as np

from quot.kernels._jit import kernel


@kernel
def aggregate(indptr, neighbour, weight, diagonal, most, fraction):
    """Join every node with the one it is tied to most, or with the pair that one is in.

    A node joins a pair rather than pair up where its best free neighbour is tied to it by less
    than `fraction` of the edge to a member. Pairs grow to `most` nodes, and past that take only
    those that have most of their weight there. Returns label (N,) int32, -1 for nodes without
    edges, and the number of aggregates.
    """
    n = diagonal.size
    label = np.empty(n, np.int32)
    for v in range(n):
        label[v] = -1
    size = np.zeros(n, np.int32)
    count = 0
    for v in range(n):
        if label[v] >= 0 or indptr[v] == indptr[v + 1]:
            continue
        free = -1
        strongest = 0.0
        taken = -1
        stronger = 0.0
        for q in range(indptr[v], indptr[v + 1]):
            u = neighbour[q]
            if label[u] < 0:
                if weight[q] > strongest:
                    strongest = weight[q]
                    free = u
            elif weight[q] > stronger and (size[label[u]] < most or weight[q] > 0.5 * diagonal[v]):
                stronger = weight[q]
                taken = u
        if free >= 0 and strongest >= fraction * stronger:
            label[v] = count
            label[free] = count
            size[count] = 2
            count += 1
        elif taken >= 0:
            label[v] = label[taken]
            size[label[taken]] += 1
        else:
            label[v] = count
            size[count] = 1
            count += 1
    return label, count


@kernel
def coarsen(indptr, neighbour, weight, label, count):
    """The graph of the aggregates: edges between two of them added up; CSR with diagonal."""
    n = label.size
    start = np.zeros(count + 1, np.int64)
    for v in range(n):
        if label[v] >= 0:
            start[label[v] + 1] += 1
    for c in range(count):
        start[c + 1] += start[c]
    fill = start[:-1].copy()
    member = np.empty(n, np.int32)
    for v in range(n):
        if label[v] >= 0:
            member[fill[label[v]]] = v
            fill[label[v]] += 1
    slot = np.empty(count, np.int64)
    for c in range(count):
        slot[c] = -1
    ends = np.zeros(count + 1, np.int64)
    other = np.empty(neighbour.size, np.int32)
    value = np.empty(neighbour.size)
    diagonal = np.zeros(count)
    nnz = 0
    for c in range(count):
        first = nnz
        total = 0.0
        for k in range(start[c], start[c + 1]):
            v = member[k]
            for q in range(indptr[v], indptr[v + 1]):
                d = label[neighbour[q]]
                if d == c:
                    continue
                total += weight[q]
                if slot[d] >= first:
                    value[slot[d]] += weight[q]
                else:
                    slot[d] = nnz
                    other[nnz] = d
                    value[nnz] = weight[q]
                    nnz += 1
        diagonal[c] = total
        ends[c + 1] = nnz
    return ends, other[:nnz].copy(), value[:nnz].copy(), diagonal


@kernel
def descend(indptr, neighbour, weight, diagonal, label, rhs, x, coarse_rhs):
    """One forward Gauss-Seidel sweep from zero; what is left goes to the aggregates.

    In place in x (N,) and coarse_rhs (K,).
    """
    n = rhs.size
    for c in range(coarse_rhs.size):
        coarse_rhs[c] = 0.0
    for v in range(n):
        s = rhs[v]
        for q in range(indptr[v], indptr[v + 1]):
            u = neighbour[q]
            s += weight[q] * (x[u] if u < v else 0.0)
        x[v] = s / diagonal[v] if diagonal[v] > 0.0 else 0.0
    for v in range(n):  # each row was right when its node moved: only later ones matter
        s = 0.0
        for q in range(indptr[v], indptr[v + 1]):
            u = neighbour[q]
            s += weight[q] * (x[u] if u > v else 0.0)
        if label[v] >= 0:
            coarse_rhs[label[v]] += s


@kernel
def ascend(indptr, neighbour, weight, diagonal, label, rhs, x, coarse):
    """Add what the aggregates say, in place in x, and a backward Gauss-Seidel sweep."""
    n = rhs.size
    for v in range(n):
        if label[v] >= 0:
            x[v] += coarse[label[v]]
    for v in range(n - 1, -1, -1):
        s = rhs[v]
        for q in range(indptr[v], indptr[v + 1]):
            s += weight[q] * x[neighbour[q]]
        x[v] = s / diagonal[v] if diagonal[v] > 0.0 else 0.0
