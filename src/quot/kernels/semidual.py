"""Newton for quadratic transport on a matrix, in the prices v of its columns.

The rows answer any v with prices f of their own. All amounts are counted times reg: row i sends
[f_i + v_j - C_ij]_+ to column j. Pairs that carry something, or nearly do, are listed row by row:
those of row i are col, beyond [start[i] : start[i + 1]].
"""

import numpy as np

from quot.kernels._jit import kernel

# Passes of a row towards its root, each with fewer pairs than the one before.
_PASSES = 100
# The search along a step ends where the dual rises no more by this part of the slope before, nor
# falls by that part; or where no more than so much of what was missing is. It begins anew so often,
# between these parts of the step before.
_RISES, _SLOPE, _SOLVED, _SEARCHES, _LEAST, _MOST = 0.1, 0.5, 0.1, 20, 0.1, 0.9
# Pairs are looked through in blocks, and are many if more of one are found.
BLOCK, MANY = 64, 8
# Of the mass of a row or column, what is next to nothing beside it; and how many times the rounding
# of prices that are the last of many steps are off.
_CRUMB, _OFF = 1e-6, 4.0
# Rounding of the dual value, relative.
ROUNDING = 1e-14


@kernel
def _collect(line, bar, index):
    """Where the line is at most `bar`, in order, in place in index (m + 1,); how many there are.

    Counting is a loop that runs in vectors; only where there is some it is read, and where there
    are many that is without branches.
    """
    found = 0
    whole = line.size - line.size % BLOCK
    for begin in range(0, whole, BLOCK):
        count = 0
        for j in range(begin, begin + BLOCK):
            count += line[j] <= bar
        if count > MANY:
            for j in range(begin, begin + BLOCK):
                index[found] = j
                found += 1 if line[j] <= bar else 0
        elif count > 0:
            for j in range(begin, begin + BLOCK):
                if line[j] <= bar:
                    index[found] = j
                    found += 1
    for j in range(whole, line.size):
        index[found] = j
        found += 1 if line[j] <= bar else 0
    return found


@kernel
def _sent(line, size, x):
    """The sum of [x - line]_+ over the first `size`, and how many are positive."""
    sent = 0.0
    count = 0
    for j in range(size):
        d = x - line[j]
        sent += max(d, 0.0)
        count += d > 0.0
    return sent, count


@kernel
def _respond(C, v, wanted, highest, noise, f, start, col, beyond, got):
    """Put each row where it sends what is wanted of it (n,), but not above `highest`.

    In place: f (n,), near which the roots are looked for; the pairs with f + v >= C - noise, start
    (n + 1,), col, beyond (n m,); got (m,), what each column gets. Returns the sum of beyond^2.
    """
    n, m = C.shape
    line = np.empty(m)
    near = np.empty(m)
    index = np.empty(m + 1, np.int32)
    for j in range(m):
        got[j] = 0.0
    start[0] = 0
    squares = 0.0
    count = 0
    for i in range(n):
        c = C[i]
        for j in range(m):
            line[j] = c[j] - v[j]
        x = f[i]
        sent, some = _sent(line, m, x)
        if some > 0:
            x += (wanted[i] - sent) / some  # beyond the root, as the sum is convex
        else:
            least = np.inf
            for j in range(m):
                least = min(least, line[j])
            x = least + wanted[i]
        x = min(x, highest)
        size = _collect(line, x + noise, index)
        for h in range(size):
            near[h] = line[index[h]]
        last = -1
        for _ in range(_PASSES):
            sent, some = _sent(near, size, x)
            if some == last or some == 0 or (x >= highest and sent <= wanted[i]):
                break
            x = min(x + (wanted[i] - sent) / some, highest)
            last = some
        f[i] = x
        own = 0.0  # added up by row: millions of terms in one sum lose digits
        for h in range(size):
            if near[h] <= x + noise:
                y = max(x - near[h], 0.0)
                col[count] = index[h]
                beyond[count] = y
                got[index[h]] += y
                own += y * y
                count += 1
        squares += own
        start[i + 1] = count
    return squares


@kernel
def _measure(v, f, wanted_a, wanted_b, spare, noise, squares, got, missing, at_top):
    """The dual value times reg, how much columns miss together, and the size of what is added up.

    In place: missing (m,), what each column is still to get; at_top (m,), those that move as one,
    as far as rounding lets on.
    """
    value = -0.5 * squares
    size = 0.5 * squares
    top = v[0]
    for j in range(v.size):
        missing[j] = wanted_b[j] - got[j]
    for j in range(v.size):
        value += wanted_b[j] * v[j]
        size += 2.0 * wanted_b[j] * abs(v[j])
        top = max(top, v[j])
    for i in range(f.size):
        value += wanted_a[i] * f[i]
    wrong = 0.0
    some = -1
    together = -spare
    for j in range(v.size):
        is_there = spare > 0.0 and v[j] >= top - noise
        at_top[j] = is_there and missing[j] >= 0.0
        if is_there and (some < 0 or not at_top[some]):
            some = j if some < 0 or at_top[j] else some
    if some >= 0:
        at_top[some] = True
    for j in range(v.size):
        if at_top[j]:
            together += missing[j]
        else:
            wrong += abs(missing[j])
    if spare > 0.0:
        wrong += abs(together)
        value -= spare * top
    return value, wrong, size + abs(value)


@kernel
def _advance(
    C, wanted_a, wanted_b, spare, highest, noise, at, move, v, f, start, col, beyond, got,
    missing, at_top,
):  # fmt: skip
    """Go on in a direction (m,) as far as the dual rises; in place in all that follows it.

    at: the dual value, what is missing together, and the size of what is added up, here. Returns
    the same there, how much of the step was taken, 0 if round-off decides, and the trials it took.
    """
    n, m = C.shape
    v0, f0 = v.copy(), f.copy()
    some = -1
    top0 = v[0]
    slope = 0.0
    for j in range(m):
        slope += missing[j] * move[j]
        top0 = max(top0, v[j])
        if at_top[j]:
            some = j
    if some >= 0:
        slope -= spare * move[some]
    if not slope > 0.0:
        return at, 0.0, 0
    tau, low, high = 1.0, 0.0, np.inf
    now = at
    trials = 0
    for _ in range(_SEARCHES):
        trials += 1
        cap = v0[some] + tau * move[some] if some >= 0 else np.inf
        top = -np.inf
        for j in range(m):
            v[j] = min(v0[j] + tau * move[j], cap)
            top = max(top, v[j])
        for i in range(n):
            f[i] = f0[i]
        squares = _respond(C, v, wanted_a, highest, noise, f, start, col, beyond, got)
        now = _measure(v, f, wanted_a, wanted_b, spare, noise, squares, got, missing, at_top)
        rise = -spare * (top - top0) if spare > 0.0 else 0.0
        for j in range(m):
            rise += missing[j] * (v[j] - v0[j])
        rise /= tau
        is_lower = now[0] < at[0] - ROUNDING * at[2]
        is_near = -_SLOPE * slope <= rise <= _RISES * slope
        if (is_near or now[1] <= _SOLVED * at[1]) and not is_lower:
            break
        if rise > 0.0 and not is_lower:
            low, tau = tau, 2.0 * tau if high == np.inf else 0.5 * (tau + high)
        else:
            nearer = min(max(slope / (slope - min(rise, 0.0)), _LEAST), _MOST) * tau
            high, tau = tau, nearer if low == 0.0 else 0.5 * (low + tau)
    return now, tau, trials


@kernel
def sent(start, col, beyond, wanted_a, wanted_b, noise, reg):
    """The pairs that carry something, row by row: rows, cols, values.

    Less what prices do not tell from nothing, if it is that to its row and its column, too.
    """
    size = start[-1]
    rows, cols, values = np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size)
    count = 0
    for i in range(start.size - 1):
        for q in range(start[i], start[i + 1]):
            least = min(_OFF * noise, _CRUMB * min(wanted_a[i], wanted_b[col[q]]))
            if beyond[q] > least:
                rows[count], cols[count], values[count] = i, col[q], beyond[q] / reg
                count += 1
    return rows[:count], cols[:count], values[:count]


@kernel
def nearby(C, u, v, bar, start, col):
    """The pairs with C - u - v <= bar, in place in start (n + 1,), col (n m,)."""
    n, m = C.shape
    line = np.empty(m)
    index = np.empty(m + 1, np.int32)
    count = 0
    start[0] = 0
    for i in range(n):
        c = C[i]
        for j in range(m):
            line[j] = c[j] - v[j]
        size = _collect(line, u[i] + bar, index)
        for h in range(size):
            col[count + h] = index[h]
        count += size
        start[i + 1] = count
