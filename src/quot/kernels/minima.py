"""Least costs of a matrix and of its rows and columns, at prices, and what they say of it.

Beside a matrix C (n, m) a partial problem has one more row and one more column, the spare ones,
which take what is left over: their pairs cost `spare`, the one between both `corner`.
"""

import numpy as np

from quot.kernels._jit import kernel

CLOSED = -1e300  # the price of a column that takes nothing more
SEVERAL = 32
ROUNDING = 8 * 2.0**-52


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
