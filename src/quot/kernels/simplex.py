"""Network simplex for transport: trees over rows and columns, pivots, plans.

Nodes are the rows 0 .. R - 1, then the columns. Masses are integers, so that flows are exact. A
basis is a spanning tree under a root column: `links` (5, N) int32 has of each node its parent, the
next and the previous node in preorder (circular), the last node of its subtree and its size. Arc x
is the one from node x to its parent; flow[x] is what it carries, paid[x] what that costs a unit,
and p (N,) are the potentials at which u_i + v_j is the cost of every arc of the tree. A tree is
strongly feasible if every column under a row gets something: then the method does not go in circles
(Cunningham).

Pairs are either all those of a matrix C, or listed row by row. Beside a matrix a partial problem
has one more row and one more column, the spare ones, which take what is left over: their pairs cost
`spare`, the one between both `corner`.
"""

import numpy as np

from quot.kernels._jit import exact_kernel, kernel

PARENT, NEXT, PREVIOUS, LAST, SIZE = range(5)
# Where a descent is: the row it looks at, rows without a gain in turn, pivots, rows looked at.
ROW, CLEAN, PIVOTS, LOOKS = range(4)
CLOSED = -1e300  # the price of a column that takes nothing more
OFTEN = 32
SEVERAL = 32
ROUNDING = 8 * 2.0**-52
# The part of its row's and column's mass that an entry has to be to be more than the sum of a few.
CRUMB = 1e-6


@kernel
def _below(c, v, bound):
    """The least c_j - v_j that is below `bound`, and its j; else `bound` and -1.

    Counting what is below is a loop that runs in vectors; only where there is some it is read.
    """
    found = -1
    size = v.size
    whole = size - size % 64
    for start in range(0, whole, 64):
        count = 0
        for j in range(start, start + 64):
            count += (c[j] - v[j]) < bound
        if count > 0:
            for j in range(start, start + 64):
                x = c[j] - v[j]
                if x < bound:
                    bound = x
                    found = j
    for j in range(whole, size):
        x = c[j] - v[j]
        if x < bound:
            bound = x
            found = j
    return bound, found


@kernel
def _cheapest(C, i, v, bound, spare, corner):
    """The least cost - v_j of row i below `bound`, and its j; the spare row and column included."""
    n, m = C.shape
    if i < n:
        bound, j = _below(C[i], v[:m], bound)
        if v.size > m and spare - v[m] < bound:
            bound = spare - v[m]
            j = m
        return bound, j
    found = -1
    for j in range(v.size):
        x = (corner if j == m else spare) - v[j]
        if x < bound:
            bound = x
            found = j
    return bound, found


@kernel
def _cost(C, i, j, spare, corner):
    n, m = C.shape
    if i < n and j < m:
        return C[i, j]
    return corner if i == n and j == m else spare


@kernel
def _costs(C, spare, corner, arcs):
    """What the pairs (K, 2) cost, (K,)."""
    found = np.empty(arcs.shape[0])
    for k in range(found.size):
        found[k] = _cost(C, arcs[k, 0], arcs[k, 1], spare, corner)
    return found


@kernel
def column_minima(C, u):
    """min_i C_ij - u_i, (m,)."""
    n, m = C.shape
    v = np.full(m, np.inf)
    for i in range(n):
        c = C[i]
        for j in range(m):
            x = c[j] - u[i]
            v[j] = x if x < v[j] else v[j]
    return v


@kernel
def row_minima(C, v):
    """min_j C_ij - v_j, (n,)."""
    u = np.empty(C.shape[0])
    for i in range(u.size):
        u[i], _ = _below(C[i], v, np.inf)
    return u


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
def survey(C):
    """The least cost of each row (n,) and of each column (m,), the least and the largest of all.

    Minima of several numbers at a time, as vectors are.
    """
    n, m = C.shape
    u = np.empty(n)
    v = np.full(m, np.inf)
    low = np.empty(SEVERAL)
    top = np.full(SEVERAL, -np.inf)
    whole = m - m % SEVERAL
    high = -np.inf
    for i in range(n):
        c = C[i]
        for j in range(m):
            x = c[j]
            v[j] = x if x < v[j] else v[j]
        least = np.inf
        for k in range(SEVERAL):
            low[k] = np.inf
        for start in range(0, whole, SEVERAL):
            for k in range(SEVERAL):
                x = c[start + k]
                low[k] = x if x < low[k] else low[k]
                top[k] = x if x > top[k] else top[k]
        for k in range(SEVERAL):
            least = min(least, low[k])
        for j in range(whole, m):
            least = min(least, c[j])
            high = max(high, c[j])
        u[i] = least
    for x in top:
        high = max(high, x)
    least = np.inf
    for x in u:
        least = min(least, x)
    return u, v, least, high


@kernel
def are_moderate(rows, cols, low, high, a, b, total, dear):
    """Whether no cost is more than `dear` times what is paid, beyond the least one, `low`.

    By the least costs of the rows (n,) and columns (m,): of half of them, and of half of the total.
    """
    bar = (high - low) / dear
    pays = False
    for side in range(2):
        least, mass = (rows, a) if side == 0 else (cols, b)
        count = 0
        dearer = whole = 0.0
        for k in range(mass.size):
            whole += mass[k]
            if least[k] - low >= bar:
                count += 1
                dearer += mass[k]
        if 2 * count < mass.size:
            return False
        pays |= dearer - (whole - total) >= 0.5 * total
    return pays


@kernel
def may_be_convex(C, tries):
    """Whether C_ij + C_kl <= C_il + C_kj for neighbours i, k and j, l, in so many places."""
    n, m = C.shape
    for t in range(tries):
        i = (n - 1) * (t + 1) // (tries + 1)
        j = (m - 1) * ((7 * t + 3) % tries + 1) // (tries + 1)
        if i + 1 < n and j + 1 < m:
            apart = C[i, j + 1] + C[i + 1, j]
            if C[i, j] + C[i + 1, j + 1] > apart + ROUNDING * abs(apart):
                return False
    return True


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
def _grow(arcs, rows, cols, root):
    """The tree of arcs (N - 1, 2) under column `root`: links (5, N), and the arc of each node."""
    size = rows + cols
    start = np.zeros(size + 1, np.int64)
    for k in range(arcs.shape[0]):
        start[arcs[k, 0] + 1] += 1
        start[rows + arcs[k, 1] + 1] += 1
    for x in range(size):
        start[x + 1] += start[x]
    fill = start[:-1].copy()
    near = np.empty(2 * arcs.shape[0], np.int32)
    which = np.empty(2 * arcs.shape[0], np.int32)
    for k in range(arcs.shape[0]):
        for end in range(2):
            x = arcs[k, 0] if end == 0 else rows + arcs[k, 1]
            near[fill[x]] = rows + arcs[k, 1] if end == 0 else arcs[k, 0]
            which[fill[x]] = k
            fill[x] += 1
    links = np.full((5, size), -1, np.int32)
    parent, after, before, last, below = links
    arc = np.full(size, -1, np.int32)
    line = np.empty(size, np.int32)
    waiting = np.empty(size, np.int32)
    waiting[0] = rows + root
    count = 1
    placed = 0
    while count > 0:
        count -= 1
        x = waiting[count]
        line[placed] = x
        placed += 1
        for q in range(start[x], start[x + 1]):
            y = near[q]
            if y != parent[x]:
                parent[y] = x
                arc[y] = which[q]
                waiting[count] = y
                count += 1
    for k in range(size):
        x = line[k]
        y = line[k + 1 if k + 1 < size else 0]
        after[x] = y
        before[y] = x
        last[x] = x
        below[x] = 1
    for k in range(size - 1, 0, -1):
        x = line[k]
        y = parent[x]
        below[y] += below[x]
        if last[y] == y:
            last[y] = last[x]
    return links, arc


@kernel
def leaves_first(links, root):
    """The nodes but the root (N - 1,), each before its parent."""
    before = links[PREVIOUS]
    nodes = np.empty(before.size - 1, np.int64)
    x = before[root]
    for k in range(nodes.size):
        nodes[k] = x
        x = before[x]
    return nodes


@kernel
def potentials(links, paid, root, p):
    """In place in p (N,): what the arcs of the tree cost, p[root] stays as it is."""
    parent, after = links[PARENT], links[NEXT]
    x = after[root]
    while x != root:
        p[x] = paid[x] - p[parent[x]]
        x = after[x]


@kernel
def plant(arcs, carried, cost, rows, cols, root):
    """The tree of arcs (N - 1, 2) under column `root`, of what these carry and cost.

    Returns links, flow, paid, p, and where a descent begins.
    """
    size = rows + cols
    links, arc = _grow(arcs, rows, cols, root)
    flow = np.zeros(size, np.int64)
    paid = np.zeros(size)
    for x in range(size):
        if arc[x] >= 0:
            flow[x], paid[x] = carried[arc[x]], cost[arc[x]]
    p = np.zeros(size)
    potentials(links, paid, rows + root, p)
    return links, flow, paid, p, np.zeros(4, np.int64)


@kernel
def _leaving(i, j, rows, links, flow, paid):
    """Where the ways from i and j to the root meet, and what blocks the cycle a pair closes there.

    Of several arcs that block more from i to j the last one on the way round from where they meet:
    the tree stays strongly feasible. Returns the meeting point, what can go round, the node of that
    arc, whether it is above j, and u_i + v_j.
    """
    parent, below = links[PARENT], links[SIZE]
    x = i
    y = j
    least_x = least_y = np.int64(np.iinfo(np.int64).max)
    out_x = out_y = np.int32(-1)
    both = 0.0
    while x != y:
        if below[x] < below[y]:
            if x < rows:
                both += paid[x]
                if flow[x] < least_x:
                    least_x = flow[x]
                    out_x = x
            else:
                both -= paid[x]
            x = parent[x]
        else:
            if y >= rows:
                both += paid[y]
                if flow[y] <= least_y:
                    least_y = flow[y]
                    out_y = y
            else:
                both -= paid[y]
            y = parent[y]
    if least_y <= least_x:
        return x, least_y, out_y, True, both
    return x, least_x, out_x, False, both


@kernel
def _send(i, j, meet, amount, rows, links, flow):
    """Send `amount` more from i to j, and less along the tree, in place."""
    parent = links[PARENT]
    x = i
    while x != meet:
        flow[x] += -amount if x < rows else amount
        x = parent[x]
    x = j
    while x != meet:
        flow[x] += amount if x < rows else -amount
        x = parent[x]


@kernel
def _hang(top, above, out, amount, cost, meet, links, flow, paid):
    """Cut the arc of `out`, turn what hung on it so that `top` is its root, hang that on `above`.

    amount, cost: what the new arc carries, and what a unit of that costs.
    """
    parent, after, before, last, below = links
    moved = below[out]
    x = parent[out]
    while x != meet:
        below[x] -= moved
        x = parent[x]
    x = above
    while x != meet:
        below[x] += moved
        x = parent[x]
    ahead, behind, up, end = before[out], after[last[out]], parent[out], last[out]
    # Turned, the preorder is the subtree of `top`, then, from parent to parent up to `out`, what
    # each has besides the subtree before: a piece in front of that, and one behind.
    tail = last[top]
    inner_first = before[top]
    inner_last = after[tail]
    inner_end = tail
    x = top
    hook, load, price, passed = above, amount, cost, np.int32(0)
    while True:
        old, old_load, old_price, old_size = parent[x], flow[x], paid[x], below[x]
        parent[x], flow[x], paid[x], below[x] = hook, load, price, moved - passed
        if x == out:
            break
        hook, load, price, passed = x, old_load, old_price, old_size
        x = old
        first = before[x]
        after[tail] = x
        before[x] = tail
        if inner_end != last[x]:
            after[inner_first] = inner_last
            before[inner_last] = inner_first
            tail = last[x]
            inner_last = after[tail]
            inner_end = tail
        else:
            tail = inner_first
        inner_first = first
    x = out
    while x != above:
        last[x] = tail
        x = parent[x]
    after[ahead] = behind
    before[behind] = ahead
    x = up
    while x >= 0 and last[x] == end:
        last[x] = ahead
        x = parent[x]
    follower = after[above]
    after[above] = top
    before[top] = above
    after[tail] = follower
    before[follower] = tail
    x = above
    while x >= 0 and last[x] == above:
        last[x] = tail
        x = parent[x]
    return follower


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
def has_ties(C, u, v, top_u, top_v, noise, parent):
    """Whether another pair than those of a tree costs no more than its prices, but for `noise`.

    parent (N,): the tree, with the spare nodes. top_u, top_v: the prices of what rows, and of what
    columns keep; NaN where none do.
    """
    n, m = C.shape
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


@kernel
def plan(barred, links, paid, root, a, b):
    """The plan of a tree for masses a (R,), b (K,) that are no integers: rows, cols, values.

    Leaves first each arc gets what its leaf has left, or its hub: nothing is negative, and nothing
    but the root gets too much. Pairs that cost `barred` or more get nothing: with integers that was
    rounding. a and b become what that leaves over, as little; b[root] is not kept.
    """
    rows = a.size
    parent, before = links[PARENT], links[PREVIOUS]
    i = np.empty(parent.size, np.int32)
    j = np.empty(parent.size, np.int32)
    x = np.empty(parent.size)
    b[root - rows] = np.inf
    count = 0
    node = before[root]
    while node != root:
        hub = parent[node]
        r, c = (node, hub - rows) if node < rows else (hub, node - rows)
        amount = min(a[r], b[c])
        if amount > 0.0 and paid[node] < barred:
            i[count], j[count], x[count] = r, c, amount
            a[r] -= amount
            b[c] -= amount
            count += 1
        node = before[node]
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
