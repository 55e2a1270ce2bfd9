"""Network simplex for transport, on trees over rows and columns; see `tree`.

Masses are integers, so that flows are exact. A tree is strongly feasible if every column under a
row gets something: then the method does not go in circles (Cunningham). Pairs are either all those
of a matrix, with a spare row and column, see `minima`, or listed row by row.
"""

import numpy as np

from quot.kernels._jit import exact_kernel, kernel
from quot.kernels.minima import CLOSED, ROUNDING, _below, _cheapest, _cost, _costs
from quot.kernels.tree import (
    CLEAN,
    LOOKS,
    NEXT,
    PARENT,
    PIVOTS,
    ROW,
    SIZE,
    _hang,
    _leaving,
    _send,
    plant,
    potentials,
)

OFTEN = 32  # one row in so many is the spare one


@exact_kernel
def whole(a, b, total, units):
    """Masses as integers > 0 of equal totals, `units` in all, more or less.

    What is left over by rounding goes to the heaviest of the side that has less.
    """
    whole_a = np.empty(a.size, np.int64)
    whole_b = np.empty(b.size, np.int64)
    more = np.int64(0)
    for i in range(a.size):
        whole_a[i] = max(np.int64(np.rint(a[i] / total * units)), 1)
        more += whole_a[i]
    for j in range(b.size):
        whole_b[j] = max(np.int64(np.rint(b[j] / total * units)), 1)
        more -= whole_b[j]
    lighter = whole_b if more > 0 else whole_a
    heaviest = 0
    for k in range(lighter.size):
        heaviest = k if lighter[k] > lighter[heaviest] else heaviest
    lighter[heaviest] += abs(more)
    return whole_a, whole_b


@kernel
def crash(C, spare, corner, first, v, order, a, b, root):
    """A strongly feasible basis: arcs (N - 1, 2) of a spanning tree, and what each carries.

    first (K, 2): pairs that are taken first, in this order, if both still have something; then each
    row, by `order`, takes the columns of least cost - v_j. Every step closes one row or column.
    Ties go as if every row had a little more, and column `root` took all that.
    """
    rows, cols = a.size, b.size
    arcs = np.empty((rows + cols - 1, 2), np.int32)
    flow = np.empty(rows + cols - 1, np.int64)
    left_a, left_b = a.copy(), b.copy()
    extra_a = np.ones(rows, np.int64)
    extra_b = np.zeros(cols, np.int64)
    extra_b[root] = rows
    open_a, open_b = np.ones(rows, np.bool_), np.ones(cols, np.bool_)
    price = v.copy()
    count_a, count_b = rows, cols
    count = listed = at = 0
    while count_a > 0 and count_b > 0:
        if listed < len(first):
            i, j = first[listed, 0], first[listed, 1]
            listed += 1
            if not (open_a[i] and open_b[j]):
                continue
        else:
            while not open_a[order[at]]:
                at += 1
            i = order[at]
            _, j = _cheapest(C, i, price, np.inf, spare, corner)
        arcs[count, 0] = i
        arcs[count, 1] = j
        if left_a[i] != left_b[j]:
            ends = left_a[i] < left_b[j]
        else:
            ends = extra_a[i] <= extra_b[j]
        if (ends and count_a > 1) or count_b == 1:
            flow[count] = left_a[i]
            left_b[j] -= left_a[i]
            extra_b[j] -= extra_a[i]
            open_a[i] = False
            count_a -= 1
        else:
            flow[count] = left_b[j]
            left_a[i] -= left_b[j]
            extra_a[i] -= extra_b[j]
            open_b[j] = False
            price[j] = CLOSED
            count_b -= 1
        count += 1
    return arcs, flow


@kernel
def _gains(u, v, cost):
    """Whether u + v is more than the cost, and not by rounding."""
    return u + v - cost > ROUNDING * (abs(cost) + abs(u) + abs(v))


@kernel
def _stride(rows):
    """A step through the rows that visits all of them, neighbours far from each other."""
    step = int(0.618 * rows) + 1
    while True:
        x, y = step, rows
        while y > 0:
            x, y = y, x % y
        if x == 1:
            return step
        step += 1


@kernel
def _pivot(i, j, cost, rows, links, flow, paid, p, v):
    """Let the pair of row i and column node j in, which gains; v: the p of the columns again."""
    gain = p[i] + p[j] - cost
    meet, amount, out, above_j, _ = _leaving(i, j, rows, links, flow, paid)
    if amount > 0:
        _send(i, j, meet, amount, rows, links, flow)
    top, above = (j, i) if above_j else (i, j)
    moved = links[SIZE, out]
    follower = _hang(top, above, out, amount, cost, meet, links, flow, paid)
    # The potentials of the smaller part.
    step = -gain if top < rows else gain
    x, count = top, moved
    if 2 * moved > p.size:
        x, count, step = follower, p.size - moved, -step
    after = links[NEXT]
    for _ in range(count):
        if x < rows:
            p[x] += step
        else:
            p[x] -= step
            v[x - rows] = p[x]
        x = after[x]


@kernel
def descend_matrix(C, spare, corner, seen, v, margin, links, flow, paid, p, at, most):
    """Pivot, row after row, until no row has a pair that gains, or for `most` looks at a row.

    A row whose pair was long in coming is gone on with; the spare row, on which all prices hang, is
    looked at often. seen, v: cost matrix and prices of the columns to look through, in double or
    single precision; `margin`: what a pair must gain there to be looked at. In place: links, flow,
    paid, p, v, at. True when all rows are clean.
    """
    n, m = C.shape
    rows = p.size - v.size
    row, clean = at[ROW], at[CLEAN]
    stop = at[LOOKS] + most
    stride = _stride(rows)
    stay = False
    while clean < rows and at[LOOKS] < stop:
        at[LOOKS] += 1
        often = rows > n and at[LOOKS] % OFTEN == 0
        i = n if often else row
        if i < n:
            least, j = _below(seen[i], v[:m], seen.dtype.type(p[i] - margin))
            if v.size > m and spare - p[rows + m] < min(least, p[i]):
                j = m
        else:
            _, j = _cheapest(C, i, p[rows:], p[i], spare, corner)
        cost = _cost(C, i, j, spare, corner) if j >= 0 else 0.0
        gains = j >= 0 and _gains(p[i], p[rows + j], cost)
        stay = gains and not often and (stay or clean > 1)
        if gains:
            _pivot(np.int32(i), np.int32(rows + j), cost, rows, links, flow, paid, p, v)
            at[PIVOTS] += 1
            clean = 0
        elif not often:
            clean += 1
        if not (stay or often):
            row = (row + stride) % rows
    at[ROW], at[CLEAN] = row, clean
    return clean >= rows


@kernel
def enter(start, col, cost, links, flow, paid, p, at):
    """Let in, most first, what gains most in each row; True where no listed pair gains.

    The pairs of row i are col, cost [start[i] : start[i + 1]]. Listed trees are large, and to keep
    all potentials up would take longest: p are those of the tree as it comes, and of each pair the
    way along the tree tells whether it still gains. In place: links, flow, paid, at.
    """
    rows = start.size - 1
    row = np.empty(rows, np.int32)
    pair = np.empty(rows, np.int64)
    reduced = np.empty(rows)
    count = 0
    for i in range(rows):
        best = -1
        least = p[i]
        for q in range(start[i], start[i + 1]):
            x = cost[q] - p[rows + col[q]]
            if x < least:
                least = x
                best = q
        if best >= 0 and _gains(p[i], p[rows + col[best]], cost[best]):
            row[count], pair[count], reduced[count] = i, best, least - p[i]
            count += 1
    at[LOOKS] += rows
    before = at[PIVOTS]
    for k in np.argsort(reduced[:count], kind="mergesort"):  # ties as they come
        i, q = row[k], pair[k]
        j = np.int32(rows + col[q])
        meet, amount, out, above_j, both = _leaving(i, j, rows, links, flow, paid)
        if both - cost[q] <= ROUNDING * (abs(cost[q]) + abs(p[i]) + abs(p[j])):
            continue
        if amount > 0:
            _send(i, j, meet, amount, rows, links, flow)
        top, above = (j, i) if above_j else (i, j)
        _hang(top, above, out, amount, cost[q], meet, links, flow, paid)
        at[PIVOTS] += 1
    return at[PIVOTS] == before


@kernel
def solve(C, spare, corner, first, v, order, a, b, root, rounds, most):
    """Begin, and pivot until no pair gains at potentials read off the tree: so often at most.

    Returns links, flow, paid, p, where the descent is, and whether it has ended, in `most` looks at
    a row each time. With no rounds that is a basis to begin with, see `crash`.
    """
    arcs, carried = crash(C, spare, corner, first, v, order, a, b, root)
    cost = _costs(C, spare, corner, arcs)
    links, flow, paid, p, at = plant(arcs, carried, cost, a.size, b.size, root)
    top = a.size + root
    for _ in range(rounds):
        before, prices = at[PIVOTS], p[a.size :]
        if not descend_matrix(C, spare, corner, C, prices, 0.0, links, flow, paid, p, at, most):
            return links, flow, paid, p, at, False
        if at[PIVOTS] == before:
            return links, flow, paid, p, at, True
        p[top] = 0.0
        potentials(links, paid, top, p)
        at[: CLEAN + 1] = 0
    return links, flow, paid, p, at, rounds > 0


@kernel
def has_ties(C, u, v, top_u, top_v, noise, links):
    """Whether another pair than those of a tree costs no more than its prices, but for `noise`.

    links (5, N): the tree, with the spare nodes. top_u, top_v: the prices of what rows, and of what
    columns keep; NaN where none do.
    """
    n, m = C.shape
    parent = links[PARENT]
    rows = n + (0 if np.isnan(top_v) else 1)
    for i in range(n):
        c = C[i]
        bar = u[i] + noise
        count = 0
        for j in range(m):
            count += c[j] - v[j] <= bar
        for j in range(m if count > 0 else 0):
            if c[j] - v[j] <= bar and parent[i] != rows + j and parent[rows + j] != i:
                return True
        if top_u - u[i] <= noise and parent[i] != rows + m and parent[rows + m] != i:
            return True
    for j in range(m):
        if top_v - v[j] <= noise and parent[rows + j] != n and parent[n] != rows + j:
            return True
    return False
