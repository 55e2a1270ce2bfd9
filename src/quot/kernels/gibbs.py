"""Passes over blocks of an entropic plan, exp((f + v - C)/T), and products with it.

C (r, m) is a block of rows of the costs, inf for a forbidden pair; f (r,) and v (m,) are prices.
"""

import numpy as np

from quot.kernels._jit import exp, inlined, kernel

# What exp is taken of at least: nothing below matters.
_LEAST = -700.0
# So many pairs at a time are looked at.
_RUN = 64
# Sums of exponentials between these have not lost what they consist of.
_SMALL, _LARGE = 1e-30, 1e30
# Less is slow to compute with in single precision, and counts as nothing.
_TINY = 1e-37


@inlined
def _line(C, i, v, shift, inverse, line):
    """In place: line (m,) = exp((shift + v - C_i)/T); returns its sum."""
    total = 0.0
    for j in range(line.size):
        line[j] = exp((shift + v[j] - C[i, j]) * inverse)
    for j in range(line.size):
        total += line[j]
    return total


@kernel
def answer(C, v, a, highest, T, f, sent, got, X):
    """In place: f (r,) at which each row of exp((f + v - C)/T) sums to a, no more than `highest`.

    It is quick where f was near that before. And what rows send (r,), and what columns get from all
    of them, added to got (m,). A row whose pairs are all forbidden stays at `highest` and sends
    nothing. And the entries in parts of a, in single precision, X (r, m), unless that is (r, 0).
    """
    m = C.shape[1]
    inverse = 1.0 / T
    line = np.empty(m)
    for i in range(C.shape[0]):
        shift = f[i]
        total = _line(C, i, v, shift, inverse, line)
        if not _SMALL < total < _LARGE:
            shift = np.inf
            for j in range(m):
                shift = min(shift, C[i, j] - v[j])
            f[i] = highest
            sent[i] = 0.0
            if shift == np.inf:
                X[i] = np.float32(0.0)
                continue
            total = _line(C, i, v, shift, inverse, line)
        f[i] = shift + T * (np.log(a[i]) - np.log(total))
        factor = a[i] / total
        if f[i] > highest:
            f[i] = highest
            y = (highest - shift) * inverse
            factor = exp(y) if y > _LEAST else 0.0
        sent[i] = factor * total
        for j in range(m):
            got[j] += factor * line[j]
        part = factor / a[i]
        for j in range(X.shape[1]):
            entry = part * line[j]
            X[i, j] = entry if entry > _TINY else 0.0


@inlined
def _sums_of_four(X, i, w):
    """The sums of rows i to i + 3 of X, its columns times w."""
    a, b, c, d = X[i], X[i + 1], X[i + 2], X[i + 3]
    first = 0.0
    second = 0.0
    third = 0.0
    fourth = 0.0
    for j in range(w.size):
        first += a[j] * w[j]
        second += b[j] * w[j]
        third += c[j] * w[j]
        fourth += d[j] * w[j]
    return first, second, third, fourth


@kernel
def answer_stored(X, a, w, before, highest, T, f, sent, got):
    """In place: the same for the plan a_i X_ij exp((f_i - before_i)/T) w_j; got is to be times w.

    X (r, m) and the prices before (r,) are those that `answer` left. Returns whether all sums are
    in the range of numbers, but of rows that were at `highest` and stay; else nothing counts.
    """
    rows, m = X.shape
    factor = np.empty(rows)
    four = rows // 4 * 4
    for i in range(0, four, 4):
        factor[i], factor[i + 1], factor[i + 2], factor[i + 3] = _sums_of_four(X, i, w)
    for i in range(four, rows):
        total = 0.0
        for j in range(m):
            total += X[i, j] * w[j]
        factor[i] = total
    for i in range(rows):
        total = factor[i]
        is_small = total <= _SMALL
        if total >= _LARGE or (is_small and before[i] < highest):
            return False
        f[i] = highest if is_small else before[i] - T * np.log(total)
        if f[i] < highest:
            factor[i] = a[i] / total
        else:
            f[i] = highest
            factor[i] = a[i] * np.exp((highest - before[i]) / T)
        sent[i] = factor[i] * total
    for i in range(0, four, 4):
        first, second, third, fourth = X[i], X[i + 1], X[i + 2], X[i + 3]
        p, q, r, s = factor[i], factor[i + 1], factor[i + 2], factor[i + 3]
        for j in range(m):
            got[j] += (p * first[j] + q * second[j]) + (r * third[j] + s * fourth[j])
    for i in range(four, rows):
        for j in range(m):
            got[j] += factor[i] * X[i, j]
    return True


@kernel
def answer_listed(start, col, entry, a, w, before, highest, T, f, sent, got):
    """In place: the same for entries of a plan that are listed, those of row i from start[i] on."""
    for i in range(start.size - 1):
        total = 0.0
        for e in range(start[i], start[i + 1]):
            total += entry[e] * w[col[e]]
        is_small = total <= _SMALL * a[i]
        if total >= _LARGE * a[i] or (is_small and before[i] < highest):
            return False
        factor = 1.0 if is_small else a[i] / total
        f[i] = highest if is_small else before[i] + T * np.log(factor)
        if f[i] >= highest:
            f[i] = highest
            factor = np.exp((highest - before[i]) / T)
        sent[i] = factor * total
        for e in range(start[i], start[i + 1]):
            got[col[e]] += factor * entry[e]
    return True


@kernel
def sums(C, f, v, T, sent, got):
    """In place: what the rows of exp((f + v - C)/T) sum to, sent (r,); columns add it to got (m,).

    A forbidden pair does not count.
    """
    inverse = 1.0 / T
    line = np.empty(C.shape[1])
    for i in range(C.shape[0]):
        total = 0.0
        for j in range(line.size):
            y = (f[i] + v[j] - C[i, j]) * inverse
            line[j] = exp(y) if y > _LEAST else 0.0
        for j in range(line.size):
            got[j] += line[j]
        for j in range(line.size):
            total += line[j]
        sent[i] = total


@kernel
def exponentials(C, f, v, T, X):
    """In place: X (r, m) = exp((f + v - C)/T), rounded to the type of X; 0 if that is too small."""
    inverse = 1.0 / T
    for i in range(C.shape[0]):
        for j in range(C.shape[1]):
            y = (f[i] + v[j] - C[i, j]) * inverse
            X[i, j] = exp(y) if y > _LEAST else 0.0


@kernel
def exponentials_of(cost, f, g, T, entry):
    """In place: entry (k,) = exp((f + g - cost)/T), as in a plan of them; all (k,)."""
    inverse = 1.0 / T
    for e in range(cost.size):
        y = (f[e] + g[e] - cost[e]) * inverse
        entry[e] = exp(y) if y > _LEAST else 0.0


@kernel
def totals(P, C, own, f, g, u, w, T):
    """Sums over a block of C P, |C| P, P (L - 1) and its absolute value, L the logarithm of P.

    That is u + (f + g - own)/T + w. An entry of 0 does not count, whatever it costs.
    """
    inverse = 1.0 / T
    cost = 0.0
    size = 0.0
    entropy = 0.0
    entropy_size = 0.0
    for i in range(P.shape[0]):
        for j in range(P.shape[1]):
            paid = C[i, j] * P[i, j] if P[i, j] != 0.0 else 0.0
            logarithm = u[i] + (f[i] + g[j] - own[i, j]) * inverse + w[j]
            term = P[i, j] * (logarithm - 1.0) if P[i, j] != 0.0 else 0.0
            cost += paid
            size += abs(paid)
            entropy += term
            entropy_size += abs(term)
    return cost, size, entropy, entropy_size


@kernel
def count(C, f, v, T, rows, cols):
    """How many entries of exp((f + v - C)/T) are beyond a level of their row or column.

    Levels rows (r,) and cols (m,) are logarithms.
    """
    inverse = 1.0 / T
    hits = 0
    for i in range(C.shape[0]):
        for j in range(C.shape[1]):
            y = (f[i] + v[j] - C[i, j]) * inverse
            hits += 1 if (y > rows[i]) | (y > cols[j]) else 0
    return hits


@kernel
def entries(C, f, v, T, rows, cols, most):
    """Entries of exp((f + v - C)/T) beyond a level of their row or their column.

    Levels rows (r,) and cols (m,) are logarithms. Returns row, column (int32) and entry of each,
    row by row, none if they are more than `most`.
    """
    m = C.shape[1]
    inverse = 1.0 / T
    row = np.empty(most, np.int32)
    col = np.empty(most, np.int32)
    entry = np.empty(most)
    count = 0
    for i in range(C.shape[0]):
        for low in range(0, m, _RUN):  # views: what begins at 0 goes into vectors
            price, cost, level = v[low : low + _RUN], C[i, low : low + _RUN], cols[low : low + _RUN]
            hits = 0  # most runs of pairs hold none
            for j in range(cost.size):
                y = (f[i] + price[j] - cost[j]) * inverse
                hits += 1 if (y > rows[i]) | (y > level[j]) else 0
            if count + hits > most:
                return row[:0], col[:0], entry[:0]
            if hits == 0:
                continue
            for j in range(cost.size):
                y = (f[i] + price[j] - cost[j]) * inverse
                if ((y > rows[i]) | (y > level[j])) and count < most:  # rounded another way
                    row[count] = i
                    col[count] = low + j
                    entry[count] = exp(y)
                    count += 1
    return row[:count], col[:count], entry[:count]


@kernel
def spread(X, u, share, q, p, y):
    """Add to y (m,) the sum over i of u_i X_ij (p_j - m_i) with m_i = share_i u_i sum_j X_ij q_j.

    With q = w p, and y times w afterwards, P being diag(u) X diag(w): a Laplacian in differences,
    so that what all p have in common drops out.
    """
    rows, m = X.shape
    four = rows // 4 * 4
    for i in range(0, four, 4):
        k, l, n, o = _sums_of_four(X, i, q)
        first, second, third, fourth = X[i], X[i + 1], X[i + 2], X[i + 3]
        a, b, c, d = u[i], u[i + 1], u[i + 2], u[i + 3]
        k *= share[i] * a
        l *= share[i + 1] * b
        n *= share[i + 2] * c
        o *= share[i + 3] * d
        for j in range(m):
            y[j] += (a * first[j] * (p[j] - k) + b * second[j] * (p[j] - l)) + (
                c * third[j] * (p[j] - n) + d * fourth[j] * (p[j] - o)
            )
    for i in range(four, rows):
        mean = 0.0
        for j in range(m):
            mean += X[i, j] * q[j]
        mean *= share[i] * u[i]
        for j in range(m):
            y[j] += (u[i] * X[i, j]) * (p[j] - mean)


@kernel
def spread_entries(start, col, entry, share, p, y):
    """Add the same for entries of P that are listed, those of row i from start[i] on."""
    for i in range(start.size - 1):
        mean = 0.0
        for e in range(start[i], start[i + 1]):
            mean += entry[e] * p[col[e]]
        mean *= share[i]
        for e in range(start[i], start[i + 1]):
            y[col[e]] += entry[e] * (p[col[e]] - mean)
