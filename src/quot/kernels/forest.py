"""Spanning forests of a set of arcs: flows and potentials along them.

A forest is the list of its nodes but the roots, each with the arc to the next node on the way to
its root, leaves before what they hang on.
"""

import numpy as np

from quot.kernels._jit import kernel


@kernel
def _find(parent, v):
    while parent[v] != v:
        parent[v] = parent[parent[v]]
        v = parent[v]
    return v


@kernel
def _heaviest(weight, tail, head, size):
    """The arcs (K,) of a spanning forest of most weight; of equal ones those that come first.

    Boruvka's way: in each round every part takes its heaviest arc to another. That reads the arcs a
    few times, where sorting them would take far longer.
    """
    parent = np.empty(size, np.int64)
    for v in range(size):
        parent[v] = v
    part = parent.copy()
    best = np.empty(size, np.int64)
    chosen = np.empty(size, np.int64)
    count = 0
    while True:
        best[:] = -1
        for e in range(tail.size):
            u = part[tail[e]]
            v = part[head[e]]
            if u != v:
                if best[u] < 0 or weight[e] > weight[best[u]]:
                    best[u] = e
                if best[v] < 0 or weight[e] > weight[best[v]]:
                    best[v] = e
        before = count
        for v in range(size):
            e = best[v]
            if e >= 0:
                u = _find(parent, np.int64(tail[e]))
                w = _find(parent, np.int64(head[e]))
                if u != w:
                    parent[max(u, w)] = min(u, w)
                    chosen[count] = e
                    count += 1
        if count == before:
            return chosen[:count]
        for v in range(size):
            part[v] = _find(parent, v)


@kernel
def span(order, tail, head, size, mass):
    """Forest nodes (K,) and arcs (K,) of a graph of `size` nodes.

    order (E,): arcs by preference, the forest takes each that closes no cycle. mass (N,): of each
    tree the node of most is the root, whichever it is where none has any; (0,) for whichever.
    """
    parent = np.empty(size, np.int64)
    for v in range(size):
        parent[v] = v
    degree = np.zeros(size, np.int64)
    mixed = np.zeros(size, np.int64)  # xor of the forest arcs at a node
    count = 0
    for e in order:
        u = _find(parent, np.int64(tail[e]))
        v = _find(parent, np.int64(head[e]))
        if u != v:
            parent[max(u, v)] = min(u, v)
            count += 1
            degree[tail[e]] += 1
            degree[head[e]] += 1
            mixed[tail[e]] ^= e
            mixed[head[e]] ^= e
    roots = np.empty(size, np.int64)
    roots[:] = -1
    for v in range(mass.size):
        r = _find(parent, v)
        if mass[v] > 0.0 and (roots[r] < 0 or mass[v] > mass[roots[r]]):
            roots[r] = v
    for v in roots:
        if v >= 0:
            degree[v] += 2  # never a leaf
    nodes = np.empty(count, np.int64)
    arcs = np.empty(count, np.int64)
    count = 0
    for begin in range(size):
        leaf = begin
        while degree[leaf] == 1:
            e = mixed[leaf]
            nodes[count] = leaf
            arcs[count] = e
            count += 1
            hub = tail[e] if head[e] == leaf else head[e]
            degree[leaf] = 0
            degree[hub] -= 1
            mixed[hub] ^= e
            leaf = hub
    return nodes, arcs


@kernel
def _scrambled(h):
    """Bits (uint64) that look like chance, always the same of the same ones; how splitmix ends."""
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return h ^ (h >> np.uint64(31))


@kernel
def on_cycles(nodes, arcs, tail, head, size):
    """Whether each arc lies on a cycle, (E,) bool; nodes and arcs are a spanning forest.

    Every arc outside the forest closes a cycle and gets a random number; an arc of the forest is on
    none if those of the cycles through it, xor, are zero (wrong with a chance of 2^-64).
    """
    mixed = np.zeros(size, np.uint64)
    cyclic = tail != head
    cyclic[arcs] = False
    for e in range(tail.size):
        if cyclic[e]:
            h = _scrambled(np.uint64(e + 1) * np.uint64(0x9E3779B97F4A7C15))
            mixed[tail[e]] ^= h
            mixed[head[e]] ^= h
    for k in range(nodes.size):
        leaf = nodes[k]
        e = arcs[k]
        cyclic[e] = mixed[leaf] != 0
        mixed[tail[e] if head[e] == leaf else head[e]] ^= mixed[leaf]
    return cyclic


@kernel
def route(nodes, arcs, tail, head, need, values):
    """Send what nodes miss along a forest, in place in `values`.

    need (N,): what must still arrive at each node, net; overwritten with what is left, which is
    zero except at the root of each tree.
    """
    for k in range(nodes.size):
        leaf = nodes[k]
        e = arcs[k]
        x = need[leaf]
        need[leaf] = 0.0
        if head[e] == leaf:
            values[e] += x
            need[tail[e]] += x
        else:
            values[e] -= x
            need[head[e]] += x


@kernel
def stretch(nodes, arcs, tail, head, length, potentials):
    """Potentials, in place: p_head - p_tail = length on every arc of a forest, as the roots are."""
    for k in range(nodes.size - 1, -1, -1):
        leaf = nodes[k]
        e = arcs[k]
        if head[e] == leaf:
            potentials[leaf] = potentials[tail[e]] + length[e]
        else:
            potentials[leaf] = potentials[head[e]] - length[e]


@kernel
def mend(rows, cols, values, have_a, have_b, a, b, free_a, free_b, short_a, short_b):
    """The values of a plan with what is missing sent along its heaviest entries, (nnz,).

    have_a (n,), have_b (m,): what rows send and columns get; a, b: their masses. Those that are
    free keep mass back and hang on two more nodes, through which the total is put right: short_a,
    short_b are what each side moves too little. Entries are preferred by how far they are from
    their bounds. By how much masses of both sides differ is left to what keeps some back, or has
    most.
    """
    n, m, size = a.size, b.size, values.size
    source, sink = n + m, n + m + 1
    arcs = size
    for is_free in free_a:
        arcs += is_free
    for is_free in free_b:
        arcs += is_free
    tail, head = np.empty(arcs, np.int32), np.empty(arcs, np.int32)
    carried, room = np.empty(arcs), np.empty(arcs)
    need, mass = np.zeros(n + m + 2), np.empty(n + m + 2)
    for e in range(size):
        tail[e], head[e] = rows[e], n + cols[e]
        carried[e] = room[e] = values[e]
    for i in range(n):
        mass[i] = a[i]
        if free_a[i]:
            tail[size], head[size] = source, i
            carried[size], room[size] = have_a[i], min(have_a[i], a[i] - have_a[i])
            need[source] = -short_a
            size += 1
        else:
            need[i] = have_a[i] - a[i]
    for j in range(m):
        mass[n + j] = b[j]
        if free_b[j]:
            tail[size], head[size] = n + j, sink
            carried[size], room[size] = have_b[j], min(have_b[j], b[j] - have_b[j])
            need[sink] = short_b
            size += 1
        else:
            need[n + j] = b[j] - have_b[j]
    mass[source] = mass[sink] = np.inf
    order = _heaviest(room, tail, head, need.size)
    nodes, chosen = span(order, tail, head, need.size, mass)
    route(nodes, chosen, tail, head, need, carried)
    found = np.empty(values.size)
    for e in range(values.size):
        found[e] = max(carried[e], 0.0)
    return found
