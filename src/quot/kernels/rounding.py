"""Marginals of plans: how far they are off; repair by the north-west corner rule, or in turn."""

import numpy as np

from quot.kernels._jit import exact_kernel, kernel
from quot.kernels.stack import _largest

# Totals that differ by this part are equal but for the rounding of their masses.
TOTALS = 64 * 2.0**-52


@exact_kernel
def _take(left, lost, i, x):
    """Take x from left[i]; what rounding changes goes to lost[i]."""
    before = left[i]
    after = before - x
    if abs(before) >= abs(x):
        lost[i] += (before - after) - x
    else:
        lost[i] -= (x + after) - before
    left[i] = after


@exact_kernel
def survey(rows, cols, values, a, b):
    """How far marginals of a plan are off, at most, by how much they are over, and its total.

    A negative entry counts as both. NaN if any entry is. Then the sums of its rows (n,) and columns
    (m,), and whether an entry is larger than the mass of its row or column.
    """
    left_a, left_b = a.copy(), b.copy()
    lost_a, lost_b = np.zeros(a.size), np.zeros(b.size)
    total = lost = least = unknown = 0.0
    beyond = False
    for e in range(values.size):
        x = values[e]
        i, j = rows[e], cols[e]
        _take(left_a, lost_a, i, x)
        _take(left_b, lost_b, j, x)
        beyond |= x > a[i] or x > b[j]
        least = min(least, x)
        unknown += 0.0 * x
        more = x - lost  # what the rounding of the sum so far has taken
        new = total + more
        lost = (new - total) - more
        total = new
    for i in range(a.size):
        left_a[i] += lost_a[i]
    for j in range(b.size):
        left_b[j] += lost_b[j]
    off = over = -least
    for x in left_a:
        off = max(off, abs(x))
        over = max(over, -x)
    for x in left_b:
        off = max(off, abs(x))
        over = max(over, -x)
    return off + unknown, over + unknown, total + unknown, a - left_a, b - left_b, beyond


@exact_kernel
def long_sums(index, values, size):
    """The sum of the values at each index 0 .. size - 1, as if rounded once."""
    less, lost = np.zeros(size), np.zeros(size)
    for e in range(values.size):
        _take(less, lost, index[e], values[e])
    return -(less + lost)


@exact_kernel
def _error(seen, moves, a, b, is_balanced):
    """The largest violation by a plan, and what of it is none of the plan: totals that are rounded.

    seen: how far off, how far over, and what it moves, see `survey`; moves: what it should, > 0.
    Marginals count in units of the most that a row or column can send or get.
    """
    off, over, moved = seen
    unit = min(max(_largest(a), _largest(b)), moves)
    if is_balanced:
        more = lost = 0.0
        for k in range(a.size + b.size):
            x = (a[k] if k < a.size else -b[k - a.size]) - lost
            new = more + x
            lost = (new - more) - x
            more = new
        return off / unit, abs(more) / unit if abs(more) <= TOTALS * moves else 0.0
    excess = abs(moved - moves) / moves
    return (excess if excess > over / unit else over / unit), 0.0


@kernel
def refine(rows, cols, values, member_a, start_a, a, member_b, start_b, b):
    """Spread entries between clusters over their members by the north-west corner rule.

    Cluster I of rows has the members member_a[start_a[I] : start_a[I + 1]], of masses a; likewise
    columns. No member sends or takes more than its mass. Returns rows, cols, values.
    """
    size = values.size + a.size + b.size
    i = np.empty(size, np.int32)
    j = np.empty(size, np.int32)
    x = np.empty(size)
    at_a = start_a.copy()
    at_b = start_b.copy()
    left_a = a.copy()
    left_b = b.copy()
    count = 0
    for e in range(values.size):
        k = rows[e]
        q = cols[e]
        rest = values[e]
        while rest > 0.0 and at_a[k] < start_a[k + 1] and at_b[q] < start_b[q + 1]:
            u = member_a[at_a[k]]
            v = member_b[at_b[q]]
            amount = min(rest, left_a[u], left_b[v])
            if amount > 0.0:
                i[count] = u
                j[count] = v
                x[count] = amount
                count += 1
            rest -= amount
            left_a[u] -= amount
            left_b[v] -= amount
            if left_a[u] <= 0.0:
                at_a[k] += 1
            if left_b[v] <= 0.0:
                at_b[q] += 1
    return i[:count], j[:count], x[:count]


@kernel
def fill(rows, cols, a, b, mass):
    """Send `mass` from a to b by the pairs (rows, cols) in turn, as much as fits: values, (E,)."""
    values = np.zeros(rows.size)
    left_a = a.copy()
    left_b = b.copy()
    rest = mass
    for e in range(rows.size):
        if rest <= 0.0:
            break
        amount = min(rest, left_a[rows[e]], left_b[cols[e]])
        values[e] = amount
        rest -= amount
        left_a[rows[e]] -= amount
        left_b[cols[e]] -= amount
    return values
