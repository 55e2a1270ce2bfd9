"""The one pass over all pairs behind a certificate."""

import numpy as np

from quot.kernels._jit import exact_kernel, kernel

# So many pairs at a time are looked at.
_RUN = 64


@kernel
def _between(X, Y, metric, i, j):
    """Cost between two points."""
    total = 0.0
    for k in range(X.shape[1]):
        if metric == 3:
            total += X[i, k] * Y[j, k]
        else:
            total += (X[i, k] - Y[j, k]) ** 2
    if metric == 3:
        return 1.0 - total
    return np.sqrt(total) if metric == 1 else total


@kernel
def own(sums, mass, off, most):
    """The sums of a plan where they are the masses up to `off`; else these, but `most` at most."""
    found = np.empty(mass.size)
    for i in range(mass.size):
        found[i] = sums[i] if abs(sums[i] - mass[i]) <= off else min(mass[i], most)
    return found


@kernel
def signed(f):
    """No price above 0, the largest there was beyond that, and the largest size; NaN propagates."""
    found = np.empty(f.size)
    top = size = unknown = 0.0
    for i in range(f.size):
        found[i] = min(f[i], 0.0) if f[i] == f[i] else f[i]
        top = max(top, f[i])
        size = max(size, abs(f[i]))
        unknown += 0.0 if f[i] == f[i] else f[i]
    return found, top + unknown, size + unknown


@exact_kernel
def terms(f, mass, lam):
    """What is added up in sum f mass, where f is known no better than lam >= 0 is."""
    total = 0.0
    for i in range(f.size):
        total += (abs(f[i]) + lam) * mass[i]
    return total


@exact_kernel
def _plus(total, lost, x):
    """The sum so far and one more number, and what rounding has taken from it."""
    new = total + x
    if abs(total) >= abs(x):
        lost += (total - new) + x
    else:
        lost += (x - new) + total
    return new, lost


@exact_kernel
def total(x):
    """The sum, rounded once; without that where it overflows."""
    found = lost = 0.0
    for y in x:
        found, lost = _plus(found, lost, y)
    return found + lost if np.isfinite(found + lost) else found


@exact_kernel
def bounds(f, g, lam, top, a, b, moved, squares, largest):
    """Two values of the dual, of the linear and the quadratic problem, and the sum of squares.

    For the first each f (n,) is moved to where no pair of its row is violated by more than
    `largest` says, nor above `top`. squares, largest (n,): see `scan_rows`.
    """
    given, lost_given = lam * moved, 0.0
    for j in range(g.size):
        given, lost_given = _plus(given, lost_given, g[j] * b[j])
    linear, lost_linear = given, lost_given
    both, lost_both = given, lost_given
    paid = lost_paid = 0.0
    for i in range(f.size):
        paid, lost_paid = _plus(paid, lost_paid, squares[i])
        both, lost_both = _plus(both, lost_both, f[i] * a[i])
        if a[i] > 0.0:
            low = min(f[i] - (largest[i] if np.isfinite(largest[i]) else 0.0), top)
            linear, lost_linear = _plus(linear, lost_linear, low * a[i])
    squared = paid + lost_paid if np.isfinite(paid + lost_paid) else paid
    both, lost_both = _plus(both, lost_both, -0.5 * squared)
    linear += lost_linear if np.isfinite(linear + lost_linear) else 0.0
    both += lost_both if np.isfinite(both + lost_both) else 0.0
    return linear, both, squared


@kernel
def scan_rows(block, start, f, g, scale, exact):
    """Of Y = f + g - C over the rows of a block: sum of [scale Y]_+^2 and largest Y, a row each.

    block (r, m) holds rows start .. start + r of C, or lower bounds if `exact` (X, Y, metric) has a
    metric >= 0; f (n,); g (m,). A forbidden pair costs inf and never counts.
    """
    X, Y, metric = exact
    m = block.shape[1]
    squares = np.empty(block.shape[0])
    largest = np.empty(block.shape[0])
    for r in range(block.shape[0]):
        total = 0.0
        top = -np.inf
        for low in range(0, m, _RUN):  # views: what begins at 0 goes into vectors
            price, cost = g[low : low + _RUN], block[r, low : low + _RUN]
            bar = min(top, 0.0)
            hits = 0  # most runs of pairs hold nothing that counts
            for j in range(cost.size):
                hits += 0 if f[start + r] + price[j] - cost[j] <= bar else 1
            if hits == 0:
                continue
            for j in range(cost.size):
                y = f[start + r] + price[j] - cost[j]
                if metric >= 0:
                    if y <= min(top, 0.0):
                        continue
                    y = f[start + r] + price[j] - _between(X, Y, metric, start + r, low + j)
                top = max(top, y)
                y = scale * max(y, 0.0)
                total += y * y
        squares[r] = total
        largest[r] = top
    return squares, largest


@kernel
def scan_pairs(rows, cols, cost, f, g, scale, n_rows):
    """Do the same over a list of pairs, (n,) each."""
    squares = np.zeros(n_rows)
    largest = np.empty(n_rows)
    for r in range(n_rows):
        largest[r] = -np.inf
    for e in range(rows.size):
        y = f[rows[e]] + g[cols[e]] - cost[e]
        largest[rows[e]] = max(largest[rows[e]], y)
        y = scale * max(y, 0.0)
        squares[rows[e]] += y * y
    return squares, largest


@kernel
def flow_error(values, sent, received, source, target, ends, directed, capacity, balanced):
    """The largest violation of a constraint by a flow along edges; NaN where it is not finite.

    values, directed, capacity (E,); sent, received, source, target (N,); ends (E, 2). Of the
    balance of a node, of what it may send and receive, of the direction of an edge and its
    capacity. An edge from a node to itself brings nothing.
    """
    n = sent.size
    arriving = np.zeros(n)
    worst = 0.0
    lost = False
    for e in range(values.size):
        x = values[e]
        over = abs(x) - capacity[e]
        if directed[e]:
            over = max(over, -x)
        if over > worst:
            worst = over
        lost = lost or not np.isfinite(x)
        if ends[e, 0] != ends[e, 1]:
            arriving[ends[e, 0]] -= x
            arriving[ends[e, 1]] += x
    for v in range(n):
        over = abs(arriving[v] - (received[v] - sent[v]))
        if balanced:
            over = max(over, abs(sent[v] - source[v]), abs(received[v] - target[v]))
        else:
            over = max(over, sent[v] - source[v], -sent[v])
            over = max(over, received[v] - target[v], -received[v])
        if over > worst:
            worst = over
        lost = lost or not np.isfinite(sent[v] + received[v])
    return np.nan if lost else worst
