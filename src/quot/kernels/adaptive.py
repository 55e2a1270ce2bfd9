"""Rows that share their mass with enough columns, and products with their Hessian.

The pairs of row i are col, cost [start[i] : start[i + 1]]. With prices f (n,), g (m,) and what
spreading costs, E = eps_i + delta_j > 0, an entry is p = h*'(l) with l = (f_i + g_j - C_ij)/E:
exp(l), or max(l, 0). Of each entry the Hessian knows its weight w = h*''(l)/E and l.
"""

import numpy as np

from quot.kernels._jit import exp, inlined, kernel

# Passes at most for a price, and for what spreading costs; and where each is done, relative.
_PRICES, _COSTS, _PRICE, _COST = 100, 100, 1e-13, 1e-12
# So many for both at once, as long as eps does not fall by this part nor grow by its inverse.
_TOGETHER, _NEARLY = 20, 0.75
# That changes by so much in one step at most, as a logarithm.
_STEP = 2.0
# A quadratic one grows by so many times at most; and none to more than so many floors.
_GROWS, _HIGHEST = 1e4, 1e40
# An eps below this part of what spreading costs anyway may be none.
_NEXT_TO_NOTHING = 1e-3
# Sums of exponentials between these have not lost what they consist of.
_SMALL, _LARGE = 1e-200, 1e200
# A logarithm below this that is not halved is rounding.
_ROUNDING = 1e-9
# Of two dependent directions in a row the second counts for so much at least.
_RANK = 1e-14


@inlined
def _entropic_price(k, inverse, size, a, f, l, p):
    """The f at which the sum of exp((f + k)/E) is a; in place l and p."""
    goal = np.log(a)
    before = np.inf
    for _ in range(_PRICES):
        total = 0.0
        slope = 0.0
        for q in range(size):
            l[q] = (f + k[q]) * inverse[q]
            p[q] = exp(l[q] - goal)
        for q in range(size):
            total += p[q]
            slope += p[q] * inverse[q]
        if not _SMALL < total < _LARGE:  # where the largest entry is a, the sum is little more
            f = np.inf
            for q in range(size):
                f = min(f, goal / inverse[q] - k[q])
            continue
        off = np.log(total)
        if abs(off) <= _PRICE or _ROUNDING > abs(off) > 0.5 * before:
            break
        before = abs(off)
        f -= off * total / slope
    for q in range(size):
        p[q] *= a
    return f


@inlined
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
        if slope == 0.0:  # digits are too few for so little: all goes to the first column
            f = -best
            for q in range(size):
                l[q] = (f + k[q]) * inverse[q]
                p[q] = 0.0
                if l[q] == 0.0 and total == 0.0:
                    total = a
                    l[q] = a
                    p[q] = a
            return f
        step = (a - total) / slope
        if f + step == f:
            break
        if step > f + best:  # no further than where one entry alone is enough
            for q in range(size):
                step = min(step, a / inverse[q] - k[q] - f)
        f = f + step if f + step + best > 0.0 else 0.1 * f - 0.9 * best
    for q in range(size):
        l[q] = (f + k[q]) * inverse[q]
        p[q] = max(l[q], 0.0)
    return f


@inlined
def _sums(inverse, size, is_entropic, l, p):
    """The sum of h over a row, and those of w, w l and w l^2."""
    spread = 0.0
    first = 0.0
    second = 0.0
    third = 0.0
    if is_entropic:
        for q in range(size):
            spread += p[q] * (l[q] - 1.0)
            w = p[q] * inverse[q]
            first += w
            second += w * l[q]
            third += w * l[q] * l[q]
    else:
        for q in range(size):
            spread += 0.5 * p[q] * p[q]
            first += inverse[q] if l[q] > 0.0 else 0.0
            second += p[q] * inverse[q]
            third += p[q] * p[q] * inverse[q]
    return spread, first, second, third


@inlined
def _at(k, d, size, a, eps, is_entropic, f, inverse, l, p):
    """The price of a row at eps, the sum of h over it, and sums of w, w l and w l^2."""
    for q in range(size):
        inverse[q] = 1.0 / (eps + d[q])
    if is_entropic:
        f = _entropic_price(k, inverse, size, a, f, l, p)
    else:
        f = _quadratic_price(k, inverse, size, a, f, l, p)
    spread, first, second, third = _sums(inverse, size, is_entropic, l, p)
    return f, spread, first, second, third


@inlined
def _both(k, d, size, a, bound, f, eps, inverse, l, p):
    """Price and eps > 0 of an entropic row by Newton's method in both, and its sums.

    And whether that came to an end: it does from near the answer.
    """
    before = np.inf
    spread, first, second, third = 0.0, 0.0, 0.0, 0.0
    for _ in range(_TOGETHER):
        total = 0.0
        for q in range(size):
            inverse[q] = 1.0 / (eps + d[q])
            l[q] = (f + k[q]) * inverse[q]
            p[q] = exp(l[q])
        for q in range(size):
            total += p[q]
        spread, first, second, third = _sums(inverse, size, True, l, p)
        wrong = max(abs(total - a), abs(spread - bound)) / a
        if wrong <= _COST or _ROUNDING > wrong > 0.5 * before:
            return True, f, eps, spread, first, second, third
        det = first * third - second * second
        if not (wrong < before and det > _RANK * first * third):
            break
        before = wrong
        more = total * np.log(a / total)
        price = (third * more - second * (bound - spread)) / det
        change = (second * more - first * (bound - spread)) / det
        if not -_NEARLY * eps < change < eps / _NEARLY:
            break
        f += price
        eps += change
    return False, f, eps, spread, first, second, third


@inlined
def _row(k, d, size, a, bound, is_entropic, f, eps, inverse, l, p):
    """The price of a row and its eps >= 0, at which the sum of h is the bound, or less at 0."""
    if is_entropic and eps > 0.0:
        done, price, cost, spread, first, second, third = _both(
            k, d, size, a, bound, f, eps, inverse, l, p
        )
        if done:
            return price, cost, spread, first, second, third
    low = 0.0
    high = np.inf
    lowest = np.inf
    for q in range(size):
        lowest = min(lowest, d[q])
    least = _NEXT_TO_NOTHING * lowest
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
            following = min(following, _GROWS * max(eps, lowest))
        if not low < following < high and not (following <= 0.0 and low == 0.0):
            if high == np.inf:
                if low > _HIGHEST * lowest:  # there are too few columns
                    break
                following = 4.0 * max(low, lowest)
            elif low > 0.0:
                following = np.sqrt(low * high)
            else:
                following = 0.1 * high
        if following < least and low == 0.0 and may_be_none:
            following = 0.0
        elif not following > 0.0:
            following = 0.5 * min(high, least)
        f += second / first * (following - eps)  # at first order
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
        for q in range(size):  # digits are for how the price changes
            j = col[start[i] + q]
            k[q] = g[j] - cost[start[i] + q] + f[i]
            e[q] = d[j]
        if is_free:
            change, _, first[i], second[i], _ = _at(
                k, e, size, a[i], eps[i], is_entropic, 0.0, inverse, l, p
            )
            third[i] = 0.0
        else:
            change, eps[i], _, first[i], second[i], third[i] = _row(
                k, e, size, a[i], bound[i], is_entropic, 0.0, eps[i], inverse, l, p
            )
            value -= eps[i] * bound[i]
            if eps[i] == 0.0:
                third[i] = 0.0
        f[i] += change
        value += f[i] * a[i]
        if is_entropic:
            for q in range(size):
                j = col[start[i] + q]
                got[j] += p[q]
                sums[j] += p[q] * (l[q] - 1.0)
                value -= p[q] * (eps[i] + e[q])
        else:
            for q in range(size):
                j = col[start[i] + q]
                got[j] += p[q]
                sums[j] += 0.5 * p[q] * p[q]
                value -= 0.5 * p[q] * p[q] * (eps[i] + e[q])
    return value


@kernel
def entries(start, col, cost, f, g, eps, d, least, is_entropic, begin, at, w, l):
    """In place: of each row the pairs of weight beyond a least one (n,), row i from begin[i] on.

    at, w, l have room for all pairs; l is the logarithm of an entry, or the entry. Returns how many
    there are.
    """
    most = 0
    for i in range(f.size):
        most = max(most, start[i + 1] - start[i])
    y = np.empty(most)
    weight = np.empty(most)
    count = 0
    begin[0] = 0
    for i in range(f.size):
        size = start[i + 1] - start[i]
        for q in range(size):
            weight[q] = 1.0 / (eps[i] + d[col[start[i] + q]])
            y[q] = (f[i] + g[col[start[i] + q]] - cost[start[i] + q]) * weight[q]
        if is_entropic:
            for q in range(size):
                weight[q] *= exp(y[q])
        else:
            for q in range(size):
                weight[q] = weight[q] if y[q] > 0.0 else 0.0
        for q in range(size):
            if weight[q] > least[i]:
                at[count] = col[start[i] + q]
                w[count] = weight[q]
                l[count] = y[q]
                count += 1
        begin[i + 1] = count
    return count


@inlined
def _inverse_of_row(first, second, third):
    """The inverse of [[first, -second], [-second, third]]; of its corner alone if third is 0."""
    if third == 0.0:
        return 1.0 / first, 0.0, 0.0
    det = max(first * third - second * second, _RANK * first * third)
    return third / det, second / det, first / det


@kernel
def inverses(first, second, third, a, b, c):
    """In place: [[a, b], [b, c]] of each row that has entries, (n,) each, as in products."""
    for i in range(first.size):
        if first[i] != 0.0:
            a[i], b[i], c[i] = _inverse_of_row(first[i], second[i], third[i])


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
