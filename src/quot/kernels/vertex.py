"""Plans that trees carry: see `tree` for these, and `minima` for the spare row and column."""

import numpy as np

from quot.kernels._jit import kernel
from quot.kernels.minima import CLOSED, ROUNDING, _cheapest, _cost
from quot.kernels.tree import PARENT, leaves_first

# The part of its row's and column's mass that an entry has to be to be more than the sum of a few.
CRUMB = 1e-6


@kernel
def plan(barred, links, paid, root, a, b):
    """The plan of a tree for masses a (R,), b (K,) that are no integers: rows, cols, values.

    Leaves first each arc gets what its leaf has left, or its hub: nothing is negative, and nothing
    but the root gets too much. Pairs that cost `barred` or more get nothing: with integers that was
    rounding. a and b become what that leaves over, as little; b[root] is not kept.
    """
    rows = a.size
    parent = links[PARENT]
    i = np.empty(parent.size, np.int32)
    j = np.empty(parent.size, np.int32)
    x = np.empty(parent.size)
    b[root - rows] = np.inf
    count = 0
    for node in leaves_first(links, root):
        hub = parent[node]
        r, c = (node, hub - rows) if node < rows else (hub, node - rows)
        amount = min(a[r], b[c])
        if amount > 0.0 and paid[node] < barred:
            i[count], j[count], x[count] = r, c, amount
            a[r] -= amount
            b[c] -= amount
            count += 1
    return i[:count], j[:count], x[:count]


@kernel
def _crumbs(C, spare, corner, barred, p, root, i, j, x, a, b):
    """What `plan` leaves over of a and b, by the pairs that lose least: rows, cols, values.

    No further than that loses no more than the rounding of the value a time; the rest stays open.
    What columns lack is taken from what the root column gets by the largest entry of i, j, x, in
    place in x.
    """
    rows, cols = a.size, b.size
    change = 0.0
    for k in range(x.size):
        if i[k] < C.shape[0] and j[k] < C.shape[1]:
            change += abs(C[i[k], j[k]]) * x[k]
    change *= 2.0**-52 / p.size
    more_i = np.empty(2 * (rows + cols), np.int32)
    more_j = np.empty(2 * (rows + cols), np.int32)
    more_x = np.empty(2 * (rows + cols))
    count = 0
    price = p[rows:].copy()
    for c in range(cols):
        if b[c] <= 0.0:
            price[c] = CLOSED
    for r in range(rows):
        while a[r] > 0.0:
            least, c = _cheapest(C, r, price, np.inf, spare, corner)
            if c < 0 or price[c] == CLOSED or _cost(C, r, c, spare, corner) >= barred:
                break
            amount = min(a[r], b[c])
            if (least - p[r]) * amount > change + ROUNDING * abs(p[r]) * amount:
                break
            more_i[count], more_j[count], more_x[count] = r, c, amount
            count += 1
            a[r] -= amount
            b[c] -= amount
            if b[c] == 0.0:
                price[c] = CLOSED
    big = -1
    for k in range(x.size):
        if j[k] == root - rows and (big < 0 or x[k] > x[big]):
            big = k
    for c in range(cols):
        if c != root - rows and b[c] > 0.0 and big >= 0 and b[c] < x[big]:
            cost = _cost(C, i[big], c, spare, corner)
            if cost < barred and (cost - p[i[big]] - p[rows + c]) * b[c] <= change:
                more_i[count], more_j[count], more_x[count] = i[big], c, b[c]
                x[big] -= b[c]
                count += 1
    return more_i[:count], more_j[:count], more_x[:count]


@kernel
def read(C, spare, corner, barred, links, paid, p, root, a, b):
    """The plan of a tree under the node `root` for masses a (R,), b (K,): rows, cols, values.

    See `plan`; what that leaves over goes by the pairs that lose least. Without the spare ones.
    """
    n, m = C.shape
    left_a, left_b = a.copy(), b.copy()
    i, j, x = plan(barred, links, paid, root, left_a, left_b)
    left_b[root - a.size] = 0.0
    more_i, more_j, more_x = _crumbs(C, spare, corner, barred, p, root, i, j, x, left_a, left_b)
    size = x.size + more_x.size
    rows, cols, values = np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size)
    count = 0
    for part in range(2):
        r, c, y = (i, j, x) if part == 0 else (more_i, more_j, more_x)
        for k in range(y.size):
            if r[k] < n and c[k] < m:
                rows[count], cols[count], values[count] = r[k], c[k], y[k]
                count += 1
    return rows[:count], cols[:count], values[:count]


@kernel
def tidy(i, j, x, a, b, crumb):
    """Entries row by row, columns ascending, each pair once, without crumbs: rows, cols, values.

    A crumb is no larger than `crumb`, and next to nothing beside the mass of its row or column,
    a (n,), b (m,).
    """
    n, m = a.size, b.size
    of_col = np.zeros(m + 1, np.int64)
    of_row = np.zeros(n + 1, np.int64)
    for k in range(x.size):
        of_col[j[k] + 1] += 1
        of_row[i[k] + 1] += 1
    for c in range(m):
        of_col[c + 1] += of_col[c]
    for r in range(n):
        of_row[r + 1] += of_row[r]
    by_col = np.empty(x.size, np.int64)
    by_row = np.empty(x.size, np.int64)
    for k in range(x.size):
        by_col[of_col[j[k]]] = k
        of_col[j[k]] += 1
    for k in by_col:
        by_row[of_row[i[k]]] = k
        of_row[i[k]] += 1
    rows = np.empty(x.size, np.int32)
    cols = np.empty(x.size, np.int32)
    values = np.empty(x.size)
    count = 0
    for k in by_row:
        if count > 0 and rows[count - 1] == i[k] and cols[count - 1] == j[k]:
            values[count - 1] += x[k]
        else:
            rows[count], cols[count], values[count] = i[k], j[k], x[k]
            count += 1
    kept = 0
    for k in range(count):
        if values[k] > crumb or values[k] > CRUMB * min(a[rows[k]], b[cols[k]]):
            rows[kept], cols[kept], values[kept] = rows[k], cols[k], values[k]
            kept += 1
    return rows[:kept], cols[:kept], values[:kept]
