"""Components of a network moved against each other, until no arc gains more than it costs.

Nodes have potentials p (N,), and part (N,) says which component a node belongs to: shift (K,) is
added to all potentials of a component. An arc gains what the potential of its head is above that of
its tail; where that is more than it costs the component of its head is lowered, as Bellman and Ford
do. Arcs inside a component do not count. A node of p = inf lowers no other, one of -inf is lowered
by none.
"""

from quot.kernels._jit import kernel

ROUNDING = 8 * 2.0**-52


@kernel
def lower_rows(block, start, part, p, shift):
    """Over the pairs of some rows, in place in shift: whether anything was lowered.

    block (r, m) holds rows start .. start + r of a cost; of the nodes the last m are the columns.
    """
    m = block.shape[1]
    first = p.size - m
    lowered = False
    for r in range(block.shape[0]):
        i = start + r
        for j in range(m):
            u = p[i] + shift[part[i]]
            v = p[first + j] + shift[part[first + j]]
            excess = v - u - block[r, j]
            if excess > 0.0 and part[i] != part[first + j]:
                if excess > ROUNDING * (abs(u) + abs(v) + abs(block[r, j])):
                    shift[part[first + j]] -= excess
                    lowered = True
    return lowered


@kernel
def lower_arcs(tail, head, cost, part, p, shift):
    """Do the same over a list of arcs, (E,) each."""
    lowered = False
    for e in range(tail.size):
        u = p[tail[e]] + shift[part[tail[e]]]
        v = p[head[e]] + shift[part[head[e]]]
        excess = v - u - cost[e]
        if excess > 0.0 and part[tail[e]] != part[head[e]]:
            if excess > ROUNDING * (abs(u) + abs(v) + abs(cost[e])):
                shift[part[head[e]]] -= excess
                lowered = True
    return lowered
