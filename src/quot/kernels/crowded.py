"""A Newton step on a matrix of which many pairs carry something; see `steps`.

Rows are eliminated, and conjugate gradients run over the pairs as they are listed: a graph of edges
would take longer to make than the system to solve. A sample of the pairs says how to precondition.
"""

import numpy as np

from quot.kernels._jit import kernel
from quot.kernels.draws import _uniform
from quot.kernels.laplacian import precondition
from quot.kernels.moves import _moves, _reach, _system
from quot.kernels.steps import _go

# What ties a node to the ground by less, in parts of a pair, does not hold it.
_HELD = 1e-3


@kernel
def system(v, f, bounds, start, col, missing, at_top, firm):
    """The system of a step, see `moves`: its graph (rows tied, nodes, ground, parts), rhs, shares.

    Also the diagonal of the columns' nodes (N + 1,) without the rows; node N is the ground.
    """
    highest, spare, _ = bounds
    tied, node, ground, rhs, share, part = _system(
        v, f, highest, start, col, missing, at_top, spare, firm
    )
    diagonal = np.append(ground, 0.0)
    last = ground.size - 1
    for i in range(tied.size):
        size, high = start[i + 1] - start[i], 0
        for q in range(start[i], start[i + 1] if not tied[i] else start[i]):
            u = node[col[q]]
            diagonal[u] += 1.0 - 1.0 / size
            high += u == last
        if high > 0:
            diagonal[last] -= high * (high - 1.0) / size
    return (tied, node, ground, part), rhs, share, diagonal


@kernel
def sample(start, col, graph, many):
    """About `many` pairs for each node, as edges of a graph like that of all: tail, head, weight.

    A pair is the likelier, and weighs the less, the fewer its row and its column have (Spielman and
    Srivastava, *Graph sparsification by effective resistances*: what these are about where many
    are joined to many). Node N is the ground, of what is held there by more than next to nothing.
    """
    tied, node, ground, _ = graph
    n, last = tied.size, ground.size
    degree = np.zeros(last)
    for i in range(n):
        for q in range(start[i], start[i + 1] if not tied[i] else start[i]):
            degree[node[col[q]]] += 1.0
    size = 0
    for once in range(2):  # count, then list
        if once == 1:
            tail, head = np.empty(size, np.int32), np.empty(size, np.int32)
            weight = np.empty(size)
        else:
            tail, head, weight = np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0)
        size = 0
        for i in range(n):
            own = many / max(start[i + 1] - start[i], 1)
            for q in range(start[i], start[i + 1] if not tied[i] else start[i]):
                u = node[col[q]]
                chance = own + many / degree[u]
                if chance >= 1.0 or _uniform(i, col[q]) < chance:
                    if once == 1:
                        tail[size], head[size], weight[size] = i, u, 1.0 / min(chance, 1.0)
                    size += 1
        for u in range(last):
            if ground[u] >= _HELD:
                if once == 1:
                    tail[size], head[size], weight[size] = u, last, ground[u]
                size += 1
    return tail, head, weight


@kernel
def solve(start, col, graph, factor, rhs, tol, most):
    """x (N,) of the columns' nodes by conjugate gradients, and whether it is one.

    graph: see `system`; factor: of what is like it, with the ground, see `laplacian`; tol:
    residual, relative; most: iterations. What a row answers is the mean of what its columns do.
    """
    nodes, first = rhs.size, graph[0].size
    x, r, p, ap = np.zeros(nodes), rhs.copy(), np.zeros(nodes), np.empty(nodes)
    z = np.empty(nodes + 1)
    left = _dot(r, r)
    enough, before = tol * tol * left, np.inf
    for _ in range(most):
        if not left > enough:
            break
        z[:nodes] = r
        z[nodes] = -np.sum(r)
        precondition(*factor, z)
        z[first:] -= z[nodes]
        new = _dot(r[first:], z[first:nodes])
        for u in range(first, nodes):
            p[u] = z[u] + new / before * p[u]
        before = new
        _apply(start, col, graph, p, ap)
        pap = _dot(p, ap)
        if not (pap > 0.0 and new > 0.0):
            break
        for u in range(nodes):
            x[u] += new / pap * p[u]
            r[u] -= new / pap * ap[u]
        left = _dot(r, r)
    _centre(graph, x)
    return x, left <= enough


@kernel
def _dot(x, y):
    """The sum of x y."""
    total = 0.0
    for k in range(x.size):
        total += x[k] * y[k]
    return total


@kernel
def _centre(graph, x):
    """Move columns of parts that nothing holds as one, to a mean of zero; in place in x (N,)."""
    tied, _, ground, part = graph
    total, size = np.zeros(x.size), np.zeros(x.size)
    held = np.zeros(x.size, np.bool_)
    for u in range(tied.size, x.size):
        total[part[u]] += x[u]
        size[part[u]] += 1.0
        held[part[u]] |= ground[u] >= _HELD
    for u in range(tied.size, x.size):
        x[u] -= 0.0 if held[part[u]] else total[part[u]] / size[part[u]]


@kernel
def _apply(start, col, graph, p, ap):
    """The system without its rows, times p (N,), in place in ap."""
    tied, node, ground, _ = graph
    by_col, got = np.empty(node.size), np.zeros(node.size)
    for j in range(node.size):
        by_col[j] = p[node[j]]
    for i in range(tied.size):
        if tied[i] or start[i] == start[i + 1]:
            continue
        mean = 0.0
        for q in range(start[i], start[i + 1]):
            mean += by_col[col[q]]
        mean /= start[i + 1] - start[i]
        for q in range(start[i], start[i + 1]):
            got[col[q]] += by_col[col[q]] - mean
    for u in range(p.size):
        ap[u] = ground[u] * p[u]
    for j in range(node.size):
        ap[node[j]] += got[j]


@kernel
def move(C, wanted, bounds, state, at, firm, graph, share, x, is_last):
    """Go where the nodes of the system do, x (N,), in place in state, at; as `steps.step` does.

    Whether some columns would pass the top instead, then nothing has moved, unless `is_last`; and
    what holds the columns next, looks, and whether to sweep.
    """
    v, f, start, col, _, _, _, at_top = state
    highest, _, noise = bounds
    _, node, _, part = graph
    reach = _reach(C, v, f, highest, start, col, at_top, node, part, share, x)
    way, is_passing = _moves(f.size, v, noise, x, share, reach, at_top)
    if is_passing and not is_last:
        return True, firm, 0, False
    firm, looks, is_slow = _go(C, wanted, bounds, way, state, at, firm)
    return False, firm, looks, is_slow
