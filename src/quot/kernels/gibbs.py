"""The Gibbs kernel of a matrix of costs, exp((f + v - C)/T): made once, then read again and again.

While prices change by a few T the plan is ``diag(u) X diag(w)`` with the X that is stored: what
rows and columns send is read off it without any exponential.
"""

import numpy as np

from quot.kernels._jit import as_bits, exact_kernel, from_bits, kernel

# log2(e); a number that rounds what it is added to, to an integer in the last bits; log(2) in two
# parts; and what exp is taken of at least: nothing below matters.
_LOG2E = 1.4426950408889634
_ROUNDER = 6755399441055744.0
_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
_LEAST, _MOST = -700.0, 700.0
# 1/k! for the Taylor series on [-log(2)/2, log(2)/2]: its next term is 6e-15 of the first.
_C2, _C3, _C4, _C5, _C6 = 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720
_C7, _C8, _C9, _C10, _C11 = 1 / 5040, 1 / 40320, 1 / 362880, 1 / 3628800, 1 / 39916800


@exact_kernel
def _exp(y):
    """exp(y) for -700 <= y <= 700, and the nearest end beyond; without branches, for vectors.

    y = k log(2) + r: 2^k goes to the exponent, exp(r) is a polynomial by Estrin's scheme.
    """
    y = min(max(y, _LEAST), _MOST)
    t = y * _LOG2E + _ROUNDER
    k = t - _ROUNDER
    r = (y - k * _LN2_HIGH) - k * _LN2_LOW
    r2 = r * r
    r4 = r2 * r2
    low = ((1.0 + r) + (_C2 + r * _C3) * r2) + ((_C4 + r * _C5) + (_C6 + r * _C7) * r2) * r4
    p = low + ((_C8 + r * _C9) + (_C10 + r * _C11) * r2) * (r4 * r4)
    return from_bits(as_bits(p) + (as_bits(t) << np.int64(52)))


@kernel
def row_prices(C, v, a, T, f):
    """In place: the f (n,) at which each row of exp((f + v - C)/T) sums to a; without overflow."""
    inverse = 1.0 / T
    for i in range(C.shape[0]):
        top = -np.inf
        for j in range(C.shape[1]):
            top = max(top, v[j] - C[i, j])
        total = 0.0
        for j in range(C.shape[1]):
            total += _exp((v[j] - C[i, j] - top) * inverse)
        f[i] = T * (np.log(a[i]) - np.log(total)) - top


@kernel
def exponentials(C, f, v, T, X):
    """In place: X (n, m) = exp((f + v - C)/T); a forbidden pair, of cost inf, has 0."""
    inverse = 1.0 / T
    for i in range(C.shape[0]):
        for j in range(C.shape[1]):
            y = (f[i] + v[j] - C[i, j]) * inverse
            X[i, j] = _exp(y) if y > _LEAST else 0.0


@kernel
def balance(X, w, target, most, u, got):
    """In place: u (n,) so that each row of diag(u) X diag(w) sums to its target, or is `most`.

    And got (m,), what each column of that has. Returns the sum of all.
    """
    got[:] = 0.0
    total = 0.0
    for i in range(X.shape[0]):
        sent = 0.0
        for j in range(X.shape[1]):
            sent += X[i, j] * w[j]
        u[i] = min(target[i] / sent, most[i])
        total += u[i] * sent
        for j in range(X.shape[1]):
            got[j] += u[i] * X[i, j]
    for j in range(X.shape[1]):
        got[j] *= w[j]
    return total


@kernel
def spread(X, u, w, share, p, y):
    """In place: y (m,) = sum_i P_ij (p_j - m_i) with m_i = share_i sum_j P_ij p_j.

    P is diag(u) X diag(w). A Laplacian in differences: what all prices have in common drops out.
    """
    y[:] = 0.0
    for i in range(X.shape[0]):
        mean = 0.0
        if share[i] > 0.0:
            for j in range(X.shape[1]):
                mean += X[i, j] * (w[j] * p[j])
            mean *= share[i] * u[i]
        for j in range(X.shape[1]):
            y[j] += (u[i] * X[i, j]) * (p[j] - mean)
    for j in range(X.shape[1]):
        y[j] *= w[j]


@kernel
def large(X, u, w, rows, cols, part, most):
    """Entries of diag(u) X diag(w) beyond a part of what their row or their column sums to.

    `rows` (n,) and `cols` (m,) are those sums. Returns row, column (int32) and entry of each, none
    if they are more than `most`.
    """
    row = np.empty(most, np.int32)
    col = np.empty(most, np.int32)
    entry = np.empty(most)
    hit = np.empty(X.shape[1] + 1, np.int32)
    count = 0
    for i in range(X.shape[0]):
        least = part * rows[i]
        found = 0
        for j in range(X.shape[1]):
            hit[found] = j
            found += 1 if u[i] * X[i, j] * w[j] > min(least, part * cols[j]) else 0
        if count + found > most:
            return row[:0], col[:0], entry[:0]
        for h in range(found):
            j = hit[h]
            row[count] = i
            col[count] = j
            entry[count] = u[i] * X[i, j] * w[j]
            count += 1
    return row[:count], col[:count], entry[:count]
