"""Optimal trees of more and more mass, from one to the next by dual pivots; see `tree`."""

import numpy as np

from quot.kernels._jit import kernel
from quot.kernels.minima import CLOSED, _below
from quot.kernels.tree import (
    CLEAN,
    LOOKS,
    NEXT,
    PARENT,
    PIVOTS,
    SIZE,
    _hang,
    _leaving,
    _send,
    potentials,
)

OFTEN = 32  # potentials are read off the tree anew after so many pivots


@kernel
def list_nearest(C, i, v, near, cost, key):
    """The columns of least cost - v_j of row i, and these differences, in place in row i.

    near (n, k) int32, -1 where there is none, and cost (n, k), what they cost; key (n, k + 1),
    sorted: its last is what cost - v_j is at least for all others.
    """
    k = near.shape[1]
    near[i] = -1
    key[i] = np.inf
    for j in range(v.size):
        x = C[i, j] - v[j]
        if x < key[i, k]:
            q = k
            while q > 0 and x < key[i, q - 1]:
                key[i, q] = key[i, q - 1]
                if q < k:
                    near[i, q] = near[i, q - 1]
                q -= 1
            key[i, q] = x
            if q < k:
                near[i, q] = j
    for q in range(k):
        cost[i, q] = C[i, near[i, q]] if near[i, q] >= 0 else np.inf


@kernel
def _entering(C, u, is_far, v, open_v, near, cost, key):
    """The far row and the near column that cost least beyond u_i + v_j, and by how much.

    u, v: prices; open_v: v with far columns closed. Rows have risen and columns fallen since a row
    was listed in near, cost, key: what it does not list is looked through only where it may be
    less, and then the row is listed again. Column -1 where all such pairs are forbidden.
    """
    n, k = near.shape
    least = -0.5 * CLOSED  # less than any closed column, and forbidden pair, has
    row = col = -1
    for i in range(n):
        if is_far[i]:
            for q in range(k):
                if key[i, q] - u[i] >= least:
                    break
                j = near[i, q]
                x = cost[i, q] - open_v[j] - u[i]
                if x < least:
                    least, row, col = x, i, j
    for i in range(n):
        if is_far[i] and key[i, k] - u[i] < least:
            list_nearest(C, i, v, near, cost, key)
            x, j = _below(C[i], open_v, least + u[i])
            if j >= 0:
                least, row, col = x - u[i], i, j
    return row, col, least


@kernel
def _shift(x, count, step, rows, links, p):
    """Add `step` to the u of `count` nodes from x on in preorder, and take it from their v."""
    after = links[NEXT]
    for _ in range(count):
        p[x] += step if x < rows else -step
        x = after[x]


@kernel
def send_more(C, a, b, links, flow, paid, p, at, near, cost, key, left, ends, prices, count, most):
    """Send more and more mass at least cost, from one tree to the next, by dual pivots.

    The tree is optimal for the rows and columns of C and the spare ones, the last, at no cost; the
    spare row sends, and the spare column gets, less and less, by no more than `left`. Whenever an
    arc is empty then, the pair of least reduced cost that joins both parts of the tree takes its
    place. a (n,), b (m,) are the masses as they are: all that the rows near the spare row have and
    the columns far from it moves by then. near, cost, key: see `list_nearest`.

    In place: links, flow, paid, p, at; and from `count` on `ends`, how much moves when an arc is
    empty, and `prices`, what a unit cost until then. at[CLEAN] is 1 where something moved since.
    Returns what is left, the new count, and 0 at the end, 1 if there is more after `most` looks at
    a row or where `ends` is full, 2 if forbidden pairs let nothing more move.
    """
    n, m = C.shape
    rows, size = n + 1, p.size
    source, sink = np.int32(n), np.int32(size - 1)
    is_far = np.empty(size, np.bool_)
    u, v, open_v = np.empty(n), np.empty(m), np.empty(m)
    root = np.int32(0)
    while links[PARENT, root] >= 0:
        root = links[PARENT, root]
    stop = at[LOOKS] + most
    while True:
        _, amount, out, is_far_below, _ = _leaving(source, sink, rows, links, flow, paid)
        step = min(amount, left)
        if step > 0:
            _send(source, sink, root, step, rows, links, flow)
            left -= step
            at[CLEAN] = 1
        if left == 0:
            return left, count, 0
        if count == ends.size or at[LOOKS] >= stop:
            return left, count, 1
        is_far[:] = not is_far_below
        node = out
        for _ in range(links[SIZE, out]):
            is_far[node] = is_far_below
            node = links[NEXT, node]
        level = p[source]  # where this is kept, rows only rise and columns fall
        for i in range(n):
            u[i] = p[i] - level
        for j in range(m):
            v[j] = p[rows + j] + level
            open_v[j] = CLOSED if is_far[rows + j] else v[j]
        row, col, gain = _entering(C, u, is_far, v, open_v, near, cost, key)
        at[LOOKS] += n
        if at[CLEAN] == 1:
            moved = 0.0
            for i in range(n):
                moved += 0.0 if is_far[i] else a[i]
            for j in range(m):
                moved += b[j] if is_far[rows + j] else 0.0
            ends[count], prices[count] = moved, -p[source] - p[sink]
            count += 1
            at[CLEAN] = 0
        if row < 0:
            return left, count, 2
        top, above = (row, rows + col) if is_far_below else (rows + col, row)
        top, above = np.int32(top), np.int32(above)
        below = links[SIZE, out]
        follower = _hang(top, above, out, np.int64(0), C[row, col], root, links, flow, paid)
        at[PIVOTS] += 1
        gain = gain if is_far_below else -gain
        if at[PIVOTS] % OFTEN == 0:
            potentials(links, paid, root, p)
        elif 2 * below > size:
            _shift(follower, size - below, -gain, rows, links, p)
        else:
            _shift(top, below, gain, rows, links, p)
