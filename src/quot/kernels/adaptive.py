"""Rows that share their mass with enough columns, and products with their Hessian.

The pairs of row i are col, cost [start[i] : start[i + 1]]. With prices f (n,), g (m,) and what
spreading costs, E = eps_i + delta_j > 0, an entry is p = h*'(l) with l = (f_i + g_j - C_ij)/E:
exp(l), or max(l, 0). Of each entry the Hessian knows its weight w = h*''(l)/E and l.
"""

import numpy as np

from quot.kernels._jit import kernel

# Passes at most for a price, and for what spreading costs; and where each is done, relative.
_PRICES, _COSTS, _PRICE, _COST = 100, 100, 1e-13, 1e-12
# That changes by so much in one step at most, as a logarithm.
_STEP = 2.0
# An eps below this part of what spreading costs anyway may be none.
_NEXT_TO_NOTHING = 1e-3
# Exponents below are as good as this one beside 0, and slow.
_LEAST = -700.0
# Of two dependent directions in a row the second counts for so much at least.
_RANK = 1e-14


@kernel
def _entropic_price(k, inverse, size, a, f, l, p):
    """The f at which the sum of exp((f + k)/E) is a; in place l and p."""
    goal = np.log(a)
    top = 0.0
    for _ in range(_PRICES):
        top = -np.inf
        for q in range(size):
            l[q] = (f + k[q]) * inverse[q]
            top = max(top, l[q])
        total = 0.0
        slope = 0.0
        for q in range(size):
            p[q] = np.exp(max(l[q] - top, _LEAST))
            total += p[q]
            slope += p[q] * inverse[q]
        off = top + np.log(total) - goal
        if abs(off) <= _PRICE * max(1.0, abs(top)):
            break
        f -= off * total / slope
    scale = np.exp(top)
    for q in range(size):
        p[q] *= scale
    return f


@kernel
def _quadratic_price(k, inverse, size, a, f, l, p):
    """The f at which the sum of max((f + k)/E, 0) is a; in place l and p."""
    best = -np.inf
    widest = np.inf
    for q in range(size):
        best = max(best, k[q])
        widest = min(widest, inverse[q])
    if not f + best > 0.0:
        f = a / widest - best
    for _ in range(_PRICES):
        total = 0.0
        slope = 0.0
        for q in range(size):
            y = f + k[q]
            if y > 0.0:
                total += y * inverse[q]
                slope += inverse[q]
        if abs(total - a) <= _PRICE * a:
            break
        step = (a - total) / slope
        if f + step == f:
            break
        f = f + step if f + step + best > 0.0 else 0.1 * f - 0.9 * best
    for q in range(size):
        l[q] = (f + k[q]) * inverse[q]
        p[q] = max(l[q], 0.0)
    return f


@kernel
def _at(k, d, size, a, eps, is_entropic, f, inverse, l, p):
    """The price of a row at eps, the sum of h over it, and sums of w, w l and w l^2."""
    for q in range(size):
        inverse[q] = 1.0 / (eps + d[q])
    if is_entropic:
        f = _entropic_price(k, inverse, size, a, f, l, p)
    else:
        f = _quadratic_price(k, inverse, size, a, f, l, p)
    spread = 0.0
    first = 0.0
    second = 0.0
    third = 0.0
    for q in range(size):
        if is_entropic:
            spread += p[q] * (l[q] - 1.0)
            w = p[q] * inverse[q]
        else:
            spread += 0.5 * p[q] * p[q]
            w = inverse[q] if l[q] > 0.0 else 0.0
        first += w
        second += w * l[q]
        third += w * l[q] * l[q]
    return f, spread, first, second, third


@kernel
def _row(k, d, size, a, bound, is_entropic, f, eps, inverse, l, p):
    """The price of a row and its eps >= 0, at which the sum of h is the bound, or less at 0."""
    low = 0.0
    high = np.inf
    least = _NEXT_TO_NOTHING * d[0]
    scale = a if is_entropic else bound  # an entropic bound may be 0
    may_be_none = True
    f, spread, first, second, third = _at(k, d, size, a, eps, is_entropic, f, inverse, l, p)
    for _ in range(_COSTS):
        off = spread - bound
        if abs(off) <= _COST * scale or (eps == 0.0 and off <= 0.0):
            break
        if eps == 0.0:
            may_be_none = False
        elif off > 0.0:
            low = eps
        else:
            high = eps
        if high < np.inf and high - low <= 1e-15 * high:
            break
        fall = third - second * second / first
        if eps == 0.0:
            following = least
        elif not fall > _RANK * third:
            following = np.inf
        elif is_entropic:
            following = eps * np.exp(min(max(off / (fall * eps), -_STEP), _STEP))
        else:  # the square root of 1 over the sum of squares is nearly a line
            following = eps + 2.0 * spread * (np.sqrt(spread / bound) - 1.0) / fall
        if not low < following < high and not (following <= 0.0 and low == 0.0):
            if high == np.inf:
                following = 4.0 * max(low, d[0])
            elif low > 0.0:
                following = np.sqrt(low * high)
            else:
                following = 0.1 * high
        if following < least and low == 0.0 and may_be_none:
            following = 0.0
        elif not following > 0.0:
            following = 0.5 * min(high, least)
        eps = following
        f, spread, first, second, third = _at(k, d, size, a, eps, is_entropic, f, inverse, l, p)
    return f, eps, spread, first, second, third


@kernel
def answer(
    start, col, cost, g, d, a, bound, is_entropic, is_free, f, eps, first, second, third, got, sums
):
    """In place: price f and eps (n,) of each row at prices g and costs of spreading d > 0, (m,).

    The sum of h over a row is at most its bound (n,); if rows are free, eps stays. They are found
    from f and eps as they are. And sums of w, w l and w l^2 over each row, the last 0 where eps
    does not move; what columns get is added to got (m,), and sums of h over them to sums (m,).
    Returns what the rows add to the dual value.
    """
    most = 0
    for i in range(a.size):
        most = max(most, start[i + 1] - start[i])
    k = np.empty(most)
    e = np.empty(most)
    inverse = np.empty(most)
    l = np.empty(most)
    p = np.empty(most)
    value = 0.0
    for i in range(a.size):
        size = start[i + 1] - start[i]
        for q in range(size):
            j = col[start[i] + q]
            k[q] = g[j] - cost[start[i] + q]
            e[q] = d[j]
        if is_free:
            f[i], _, first[i], second[i], _ = _at(
                k, e, size, a[i], eps[i], is_entropic, f[i], inverse, l, p
            )
            third[i] = 0.0
        else:
            f[i], eps[i], _, first[i], second[i], third[i] = _row(
                k, e, size, a[i], bound[i], is_entropic, f[i], eps[i], inverse, l, p
            )
            value -= eps[i] * bound[i]
            if eps[i] == 0.0:
                third[i] = 0.0
        value += f[i] * a[i]
        for q in range(size):
            j = col[start[i] + q]
            got[j] += p[q]
            if is_entropic:
                sums[j] += p[q] * (l[q] - 1.0)
                value -= p[q] / inverse[q]
            else:
                sums[j] += 0.5 * p[q] * p[q]
                value -= 0.5 * p[q] * p[q] / inverse[q]
    return value


@kernel
def entries(start, col, cost, f, g, eps, d, least, is_entropic, begin, at, w, l):
    """In place: of each row the pairs of weight beyond a least one (n,), row i from begin[i] on.

    at, w, l have room for all pairs; l is the logarithm of an entry, or the entry. Returns how many
    there are.
    """
    count = 0
    begin[0] = 0
    for i in range(f.size):
        for q in range(start[i], start[i + 1]):
            j = col[q]
            inverse = 1.0 / (eps[i] + d[j])
            y = (f[i] + g[j] - cost[q]) * inverse
            if is_entropic:
                weight = np.exp(max(y, _LEAST)) * inverse
            else:
                weight = inverse if y > 0.0 else 0.0
            if weight > least[i]:
                at[count] = j
                w[count] = weight
                l[count] = y
                count += 1
        begin[i + 1] = count
    return count


@kernel
def _inverse_of_row(first, second, third):
    """The inverse of [[first, -second], [-second, third]]; of its corner alone if third is 0."""
    if third == 0.0:
        return 1.0 / first, 0.0, 0.0
    det = max(first * third - second * second, _RANK * first * third)
    return third / det, second / det, first / det


@kernel
def product(begin, at, w, l, first, second, third, x, y, out_x, out_y):
    """Add the Hessian times prices x and costs of spreading y, (m,) each, rows following."""
    for i in range(first.size):
        if first[i] == 0.0:
            continue
        one = 0.0
        two = 0.0
        for e in range(begin[i], begin[i + 1]):
            t = w[e] * (x[at[e]] - l[e] * y[at[e]])
            one += t
            two -= l[e] * t
        a, b, c = _inverse_of_row(first[i], second[i], third[i])
        price = -(a * one + b * two)
        cost = -(b * one + c * two)
        for e in range(begin[i], begin[i + 1]):
            t = w[e] * ((x[at[e]] + price) - l[e] * (y[at[e]] + cost))
            out_x[at[e]] += t
            out_y[at[e]] -= l[e] * t


@kernel
def diagonal(begin, at, w, l, first, second, third, x, xy, y):
    """In place: add what the Hessian has for each column, x, xy and y (m,) of its two variables."""
    for i in range(first.size):
        if first[i] == 0.0:
            continue
        a, b, c = _inverse_of_row(first[i], second[i], third[i])
        for e in range(begin[i], begin[i + 1]):
            t = w[e] * max(1.0 - w[e] * (a - 2.0 * b * l[e] + c * l[e] * l[e]), 0.0)
            x[at[e]] += t
            xy[at[e]] -= t * l[e]
            y[at[e]] += t * l[e] * l[e]
