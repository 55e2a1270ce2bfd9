"""Small problems between rows and columns, many in one call: solved, and their plans made exact.

See `stack` for how they are laid out, `simplex` for the method.
"""

import numpy as np

from quot.kernels._jit import exact_kernel, kernel, part
from quot.kernels.certificate import total
from quot.kernels.forest import mend
from quot.kernels.minima import ROUNDING, _below, are_moderate, may_be_convex, survey
from quot.kernels.rounding import _error
from quot.kernels.rounding import survey as marginals
from quot.kernels.simplex import has_ties, solve, whole
from quot.kernels.stack import (
    DONE,
    INEXACT,
    KEPT_COLS,
    KEPT_ROWS,
    LAM,
    NODES,
    OTHER,
    PAIRS,
    REG,
    TOP_U,
    TOP_V,
    TOTAL,
    VERTEX,
    _at,
    _between,
    _kept,
    _largest,
    _places,
    _problem,
    _put,
    _spread,
)
from quot.kernels.vertex import read, tidy

# Of plans made exact, see `rounding`: what rounding may miss, of the largest mass; one that fills,
# but for rounding; how full what is full has to be; a multiplier that says nothing, relative.
EPS = 2.0**-52
EXACT, FILLED, MOSTLY, LITTLE, NOISE = 16 * EPS, 1.0 - 16 * EPS, 0.5, 1e-6, 1e-10
# Rounding of a sum of few numbers, see `quadratic.fill`.
FILLING = 4 * EPS


@kernel
def _heaviest_first(a):
    """The rows by mass, of equal ones the first first: Shell sort."""
    order = np.arange(a.size)
    gap = a.size // 2
    while gap > 0:
        for k in range(gap, a.size):
            row = order[k]
            q = k
            while q >= gap:
                before = order[q - gap]
                if a[before] > a[row] or (a[before] == a[row] and before < row):
                    break
                order[q] = before
                q -= gap
            order[q] = row
        gap //= 2
    return order


@kernel
def _with_spare(a, kept):
    """Masses, and one more that is what the other side keeps, if it does."""
    found = np.empty(a.size + (1 if kept > 0.0 else 0))
    _put(a, found, 0)
    if kept > 0.0:
        found[a.size] = kept
    return found


@part
def _ceiling(C, masses, numbers, is_balanced, extent, rules):
    """What costs are capped at, inf if they need not be; NaN where a problem is not solved here.

    It is where masses > 0, none much more than moves, and costs moderate, but for what is far above
    the cheapest pair of any row or column.
    """
    rows, cols, low, high = extent
    tiny, huge, dear, much, convex, places = rules
    if not tiny < max(abs(low), abs(high)):
        return np.nan
    most = np.inf if is_balanced else much * numbers[TOTAL]
    for k in range(2):
        for x in masses[k]:
            if not 0.0 < x <= most:
                return np.nan
    cap = np.inf
    if not are_moderate(rows, cols, low, high, *masses, numbers[TOTAL], dear):
        second, needed = np.inf, 0.0  # where half of it may cost no more than the least
        for i in range(C.shape[0]):
            needed = max(needed, rows[i] - low)
            for c in C[i]:
                second = c if low < c < second else second
        for j in range(C.shape[1]):
            needed = max(needed, cols[j] - low)
        if high - low > dear * (second - low):
            cap = low + dear * (needed if needed > 0.0 else second - low)
            if not cap < high:
                return np.nan
    if not max(abs(low), abs(min(cap, high))) < huge:
        return np.nan
    is_even = numbers[KEPT_ROWS] == 0.0 and numbers[KEPT_COLS] == 0.0
    return np.nan if is_even and C.size > convex and may_be_convex(C, places) else cap


@kernel
def _capped(C, cap):
    """The costs, none above the cap."""
    found = np.empty(C.shape)
    for i in range(C.shape[0]):
        for j in range(C.shape[1]):
            found[i, j] = min(C[i, j], cap)
    return found


@kernel
def _pays(C, i, j, cap):
    """Whether a pair that carries something costs so much."""
    for e in range(i.size):
        if C[i[e], j[e]] >= cap:
            return True
    return False


@part
def _vertex(C, masses, numbers, extent, scales):
    """The tree of a vertex, and whether the method has ended; the pairs of its plan."""
    n, m = C.shape
    units, unit, rounds, most = scales
    _, least, low, high = extent
    a, b = _with_spare(masses[0], numbers[KEPT_COLS]), _with_spare(masses[1], numbers[KEPT_ROWS])
    whole_a, whole_b = whole(a, b, max(total(a), total(b)), units)
    price = np.empty(b.size)
    price[b.size - 1] = low
    _put(least, price, 0)
    beyond = max(2.0 * (high - low), 1e-3 * max(abs(low), abs(high)))
    corner = low + (beyond if beyond > 0.0 else 1.0)
    root = np.int64(0)
    for j in range(b.size):
        root = j if whole_b[j] > whole_b[root] else root
    links, flow, paid, p, at, has_ended = solve(
        C, low, corner, np.empty((0, 2), np.int32), price, _heaviest_first(whole_a),
        whole_a, whole_b, root, rounds, max(1, most // m),
    )  # fmt: skip
    i, j, x = read(C, low, corner, np.inf, links, paid, p, a.size + root, a, b)
    i, j, x = tidy(i, j, x, masses[0], masses[1], (n + m) * unit * numbers[TOTAL])
    return links, flow, paid, p, at, has_ended, i, j, x


@part
def _price(C, links, p, low, numbers, is_balanced, found):
    """Potentials and prices of a vertex, and whether other plans cost no more; in place found."""
    n, m = C.shape
    rows = n + (1 if numbers[KEPT_COLS] > 0.0 else 0)
    u, v = p[:n], p[rows : rows + m]
    top_u = low - p[rows + m] if numbers[KEPT_ROWS] > 0.0 else np.nan
    top_v = low - p[n] if numbers[KEPT_COLS] > 0.0 else np.nan
    most_u, most_v = u[0], v[0]
    for x in u:
        most_u = max(most_u, x)
    for x in v:
        most_v = max(most_v, x)
    most_u = most_u if np.isnan(top_u) else top_u
    most_v = most_v if np.isnan(top_v) else top_v
    lam = 0.0 if is_balanced else most_u + most_v
    f, g, size_f, size_g = np.empty(n), np.empty(m), 0.0, 0.0
    for k in range(n):
        f[k] = u[k] if is_balanced else min(u[k] - most_u, 0.0)
        size_f = max(size_f, abs(f[k] + lam))
    for k in range(m):
        g[k] = v[k] if is_balanced else min(v[k] - most_v, 0.0)
        size_g = max(size_g, abs(g[k]))
    found[LAM], found[TOP_U], found[TOP_V] = lam, top_u, top_v
    noise = ROUNDING * (size_f + size_g)
    return f, g, has_ties(C, u, v, top_u, top_v, noise, links)


@kernel
def solve_linear(
    where, costs, a, b, numbers, is_balanced, rules, scales,
    links, flow, paid, p, at, rows, cols, values, counts, potentials, found, ends,
):  # fmt: skip
    """The linear problems by the simplex method, if they are plain: in place in the last line.

    numbers (K, 4); is_balanced (K,). rules: what is plain, see `_ceiling`. scales: a total in
    integers, what rounding to them leaves on a pair, rounds, and pairs looked at in one.
    Of the nodes links (5, .), flow, paid, p, and of each problem at (K, 4), see `simplex`; of the
    pairs rows, cols, values, and how many in counts (K,); potentials, <= 0 where not all is to
    move, of what has mass; found (K, 3), NaN for the price of what nobody keeps; ends (K,), how it
    stands. Rows and columns without mass are left out: a tree is then of the others.
    """
    for k in range(ends.size):
        C, mass_a, mass_b = _problem(where, k, costs, a, b)
        n, at_a, at_b = mass_a.size, _places(mass_a), _places(mass_b)
        if at_a.size > 0 or at_b.size > 0:
            C, mass_a, mass_b = _between(C, at_a, at_b), _kept(mass_a, at_a), _kept(mass_b, at_b)
        masses, extent = (mass_a, mass_b), survey(C)
        ends[k] = OTHER
        cap = _ceiling(C, masses, numbers[k], is_balanced[k], extent, rules)
        if np.isnan(cap):
            continue
        if cap < np.inf:
            C = _capped(C, cap)
            extent = survey(C)
        hung, tree, cost, price, pivots, has_ended, i, j, x = _vertex(
            C, masses, numbers[k], extent, scales
        )
        node, first = where[k, NODES], where[k, PAIRS]
        for q in range(hung.shape[0]):
            _put(hung[q], links[q], node)
        _put(tree, flow, node)
        _put(cost, paid, node)
        _put(price, p, node)
        _put(pivots, at[k], 0)
        for e in range(x.size):
            rows[first + e], cols[first + e] = _at(at_a, i[e]), _at(at_b, j[e])
        _put(x, values, first)
        counts[k] = x.size
        if has_ended and not (cap < np.inf and _pays(C, i, j, cap)):
            f, g, has_ties = _price(C, hung, price, extent[2], numbers[k], is_balanced[k], found[k])
            _spread(f, potentials, node, at_a)
            _spread(g, potentials, node + n, at_b)
            ends[k] = VERTEX if has_ties else DONE


@kernel
def _clip(i, j, x, a, b):
    """No entry larger than the mass of its row or column: in place."""
    for e in range(x.size):
        x[e] = min(x[e], a[i[e]], b[j[e]])


@kernel
def _positive(i, j, x):
    """How many entries are positive; they come first then, in place."""
    size = 0
    for e in range(x.size):
        if x[e] > 0.0:
            i[size], j[size], x[size] = i[e], j[e], x[e]
            size += 1
    return size


@exact_kernel
def _slack(mass, have, price, noise, moved, moves, is_balanced):
    """Which rows, or columns, keep mass back, and how much they fall short of what moves."""
    is_free = np.zeros(mass.size, np.bool_)
    if is_balanced or moves >= FILLED * total(mass):
        return is_free, 0.0
    most, lacking = _largest(mass), 0.0
    for k in range(mass.size):
        missing = mass[k] - have[k]
        is_full = price[k] < -noise and have[k] > MOSTLY * mass[k] and missing <= LITTLE * most
        is_free[k] = missing > 0.0 and not is_full
        lacking += 0.0 if is_free[k] else missing
    return is_free, (moves - moved) - lacking  # sums of all of them would be rounded by more


@part
def _visible(C, i, j, x, a, b, numbers, is_balanced):
    """How many entries are more than the rounding of what they belong to; they come first."""
    crumb = 0.0 if is_balanced else EPS * numbers[TOTAL]
    paid = 0.0
    for e in range(x.size):
        if x[e] > crumb:
            paid += abs(C[i[e], j[e]] + numbers[REG] * x[e]) * x[e]
    kept = 0
    for e in range(x.size):
        if x[e] <= EPS * min(a[i[e]], b[j[e]]):
            continue
        if x[e] <= crumb and abs(C[i[e], j[e]] + numbers[REG] * x[e]) * x[e] > EPS * paid:
            continue
        i[kept], j[kept], x[kept] = i[e], j[e], x[e]
        kept += 1
    return kept


@exact_kernel
def _fill(C, a, b, f, g, lam, is_linear):
    """Potentials of what has no mass, the largest that no pair beats; of all rows if linear.

    In place. The last round-off is taken from f.
    """
    n, m = C.shape
    for j in range(m):
        if b[j] > 0.0:
            continue
        least = np.inf
        for i in range(n):
            if a[i] > 0.0:
                least = min(least, C[i, j] - (f[i] + lam) - FILLING * abs(f[i] + lam))
        g[j] = least - FILLING * abs(least)
    v, noise = np.empty(m), 0.0 if is_linear else FILLING
    for j in range(m):
        v[j] = (g[j] + lam) + noise * abs(g[j] + lam)
    for i in range(n):
        if is_linear or not a[i] > 0.0:
            least, _ = _below(C[i], v, np.inf)
            f[i] = least - noise * abs(least)


@exact_kernel
def make_exact(
    where, costs, a, b, numbers, is_balanced, rows, cols, values, counts, potentials, found, ends
):
    """Potentials of what has no mass, and at reg = 0 of all rows; entries as large as they may be.

    They are no larger than the masses they belong to, and large enough to be seen beside them. In
    place: rows, cols, values, counts, potentials; ends are INEXACT where marginals are not, or may
    not be those of small masses.
    """
    for k in range(ends.size):
        if ends[k] != DONE and ends[k] != INEXACT:
            continue
        C, mass_a, mass_b = _problem(where, k, costs, a, b)
        node, first, lam = where[k, NODES], where[k, PAIRS], found[k, LAM]
        last, middle, end = first + counts[k], node + mass_a.size, node + mass_a.size + mass_b.size
        i, j, x = rows[first:last], cols[first:last], values[first:last]
        _clip(i, j, x, mass_a, mass_b)
        f, g = potentials[node:middle], potentials[middle:end]
        _fill(C, mass_a, mass_b, f, g, lam, numbers[k, REG] == 0.0)
        for q in range(node, node if is_balanced[k] else end):
            potentials[q] = min(potentials[q], 0.0)
        off, over, moved, _, _, _ = marginals(i, j, x, mass_a, mass_b)
        moves = numbers[k, TOTAL]
        wrong, differ = _error((off, over, moved), moves, mass_a, mass_b, is_balanced[k])
        if not is_balanced[k] or not wrong <= EXACT + differ:
            ends[k] = INEXACT
        elif ends[k] == DONE:
            counts[k] = _visible(C, i, j, x, mass_a, mass_b, numbers[k], is_balanced[k])


@exact_kernel
def mend_each(
    where, costs, a, b, numbers, is_balanced, rows, cols, values, counts, potentials, found, ends
):
    """Exact marginals for plans that are INEXACT: then DONE, or OTHER where it is not so easy.

    In place: rows, cols, values, counts, ends.
    """
    for k in range(ends.size):
        if ends[k] != INEXACT:
            continue
        C, mass_a, mass_b = _problem(where, k, costs, a, b)
        moves, is_all, ends[k] = numbers[k, TOTAL], is_balanced[k], OTHER
        node, first = where[k, NODES], where[k, PAIRS]
        last, middle, end = first + counts[k], node + mass_a.size, node + mass_a.size + mass_b.size
        i, j, x = rows[first:last], cols[first:last], values[first:last]
        noise = NOISE * max(_largest(potentials[node:end]), abs(found[k, LAM]))
        f, g = potentials[node:middle], potentials[middle:end]
        for again in range(2):
            _, _, moved, have_a, have_b, _ = marginals(i, j, x, mass_a, mass_b)
            free_a, short_a = _slack(mass_a, have_a, f, noise, moved, moves, is_all)
            free_b, short_b = _slack(mass_b, have_b, g, noise, moved, moves, is_all)
            if again:  # what is rounding of the total may be more than those that are free have
                short_a = short_b = 0.0
            mended = mend(i, j, x, have_a, have_b, mass_a, mass_b, free_a, free_b, short_a, short_b)
            _put(mended, x, 0)
            _clip(i, j, x, mass_a, mass_b)
            size = _positive(i, j, x)
            i, j, x = i[:size], j[:size], x[:size]
            off, over, moved, _, _, _ = marginals(i, j, x, mass_a, mass_b)
            wrong, differ = _error((off, over, moved), moves, mass_a, mass_b, is_all)
            if wrong <= EXACT + differ:
                counts[k] = _visible(C, i, j, x, mass_a, mass_b, numbers[k], is_all)
                ends[k] = DONE
                break
