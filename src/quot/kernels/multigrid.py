"""Aggregation multigrid for graph Laplacians: nodes joined along strong edges, level by level.

Nodes are joined on a graph in CSR form, as `laplacian.adjacency` makes it: indptr (N+1,) int64,
neighbour (2E,) int32, weight (2E,) and diagonal (N,). Cycles walk along lists of its edges.
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
def edges(indptr, neighbour, weight):
    """Tail, head (E,) int32 and weight (E,) of the edges, each once."""
    count = neighbour.size // 2
    tail = np.empty(count, np.int32)
    head = np.empty(count, np.int32)
    once = np.empty(count)
    k = 0
    for v in range(indptr.size - 1):
        for q in range(indptr[v], indptr[v + 1]):
            if neighbour[q] > v:
                tail[k] = v
                head[k] = neighbour[q]
                once[k] = weight[q]
                k += 1
    return tail, head, once


@kernel
def apply(tail, head, weight, x):
    """L x."""
    out = np.zeros(x.size)
    for e in range(tail.size):
        flow = weight[e] * (x[tail[e]] - x[head[e]])
        out[tail[e]] += flow
        out[head[e]] -= flow
    return out


@kernel
def _residual(tail, head, weight, rhs, x, left):
    """left = rhs - L x."""
    for v in range(x.size):
        left[v] = rhs[v]
    for e in range(tail.size):
        flow = weight[e] * (x[tail[e]] - x[head[e]])
        left[tail[e]] -= flow
        left[head[e]] += flow


@kernel
def descend(tail, head, weight, relaxed, label, rhs, x, left, coarse_rhs):
    """One damped Jacobi sweep from zero; what is left goes to the aggregates.

    relaxed (N,): damping over diagonal. In place in x and left (N,), and coarse_rhs (K,).
    """
    for v in range(x.size):
        x[v] = relaxed[v] * rhs[v]
    _residual(tail, head, weight, rhs, x, left)
    for c in range(coarse_rhs.size):
        coarse_rhs[c] = 0.0
    for v in range(x.size):
        if label[v] >= 0:
            coarse_rhs[label[v]] += left[v]


@kernel
def ascend(tail, head, weight, relaxed, label, rhs, x, left, coarse):
    """Add what the aggregates say, and another sweep; in place in x and left (N,)."""
    for v in range(x.size):
        if label[v] >= 0:
            x[v] += coarse[label[v]]
    _residual(tail, head, weight, rhs, x, left)
    for v in range(x.size):
        x[v] += relaxed[v] * left[v]
