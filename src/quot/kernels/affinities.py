"""Rows of affinities by their perplexity, and what pairs that were left out would get.

The pairs of row i are cost [start[i] : start[i + 1]]; where they lead does not matter here. Its
entries are p = h*'((price - C)/strength), exp(y) or max(y, 0), and sum to 1.
"""

import numpy as np

from quot.kernels._jit import exp, inlined, kernel

# Exponents below and above are as good as these.
_LEAST, _MOST = -700.0, 700.0
# Passes over a row at most, and how near the logarithm of its perplexity is to be.
_PASSES, _DONE = 200, 1e-13
# A temperature below has no inverse.
_COLDEST = 1e-300
# Of entries this small nothing is left.
_NOTHING = 1e-300


@inlined
def _entropy(d, size, inverse, p):
    """Entropy of exp(-d inverse) over its sum, its derivative by log temperature, and that sum.

    In place p, not yet divided by the sum.
    """
    total = 0.0
    first = 0.0
    second = 0.0
    for q in range(size):
        p[q] = exp(-min(d[q] * inverse, _MOST))
    for q in range(size):
        x = min(d[q] * inverse, _MOST)
        total += p[q]
        first += p[q] * x
        second += p[q] * x * x
    mean = first / total
    return np.log(total) + mean, max(second / total - mean * mean, 0.0), total


@inlined
def _temperature(d, size, goal, low, high, guess, p):
    """The temperature between two at which the entropy is a goal, and the sum; in place p."""
    room = np.log(size) - goal
    now = min(max(guess, low), high)
    total = 1.0
    for _ in range(_PASSES):
        entropy, slope, total = _entropy(d, size, 1.0 / now, p)
        off = goal - entropy
        if abs(off) <= _DONE * max(1.0, goal):
            break
        if off > 0.0:
            low = now
        else:
            high = now
        if high - low <= 4e-16 * high:
            break
        # What is missing to a uniform row falls like a power of the temperature where that is high;
        # elsewhere the entropy is nearly a line in its logarithm.
        missing = room + off
        step = off / slope
        if off < 0.0 and missing > 0.0:
            step = np.log(missing / room) * missing / slope
        following = now * np.exp(min(max(step, -50.0), 50.0))
        if not low < following < high:
            following = np.sqrt(low) * np.sqrt(high)
        now = following
    return now, total


@kernel
def entropic_rows(start, cost, goal, price, strength, p):
    """In place: entries p (K,) of rows whose entropy is a goal (n,), price and strength (n,).

    Where more pairs tie for the cheapest than that takes they share the row, at strength 0.
    Every goal is less than the logarithm of the number of pairs.
    """
    most = 0
    for i in range(goal.size):
        most = max(most, start[i + 1] - start[i])
    d = np.empty(most)
    ratio = 0.0
    for i in range(goal.size):
        at = start[i]
        size = start[i + 1] - at
        least = np.inf
        for q in range(size):
            least = min(least, cost[at + q])
        mean = 0.0
        widest = 0.0
        nearest = np.inf
        for q in range(size):
            d[q] = cost[at + q] - least
        for q in range(size):
            mean += d[q]
            widest = max(widest, d[q])
            nearest = min(nearest, d[q] if d[q] > 0.0 else np.inf)
        mean /= size
        ties = 0.0
        for q in range(size):
            ties += 1.0 if d[q] == 0.0 else 0.0
        price[i] = least
        strength[i] = 0.0
        if np.log(ties) >= goal[i] - _DONE:
            for q in range(size):
                p[at + q] = 1.0 / ties if d[q] == 0.0 else 0.0
            continue
        # Below, the others get nothing; above, what is missing to a uniform row is at most the
        # square of the widest difference over the temperature, over 8.
        low = max(nearest / _MOST, _COLDEST)
        high = max(widest / np.sqrt(8.0 * (np.log(size) - goal[i])), 2.0 * low)
        guess = ratio * mean if ratio > 0.0 else 2.0 * mean * np.exp(goal[i] - 1.0) / size
        row = p[at : at + size]
        strength[i], total = _temperature(d, size, goal[i], low, high, guess, row)
        ratio = strength[i] / mean
        price[i] = least - strength[i] * np.log(total)
        for q in range(size):
            row[q] = row[q] / total if row[q] > _NOTHING else 0.0


@kernel
def quadratic_rows(start, cost, perplexity, price, strength, p):
    """In place: entries p (K,) of rows of a perplexity (n,), their price and strength (n,).

    Where more pairs tie for the cheapest than that takes they share the row, at strength 0. Every
    perplexity is less than the number of pairs.
    """
    for i in range(perplexity.size):
        at = start[i]
        size = start[i + 1] - at
        xi = perplexity[i]
        d = np.sort(cost[at : at + size])
        least = d[0]
        price[i] = least
        strength[i] = 0.0
        # More entries than the perplexity are not 0, so that the price is beyond this cost.
        unit = d[min(int(xi), size - 1)] - least
        if not unit > 0.0:
            ties = 0.0
            for q in range(size):
                ties += 1.0 if cost[at + q] == least else 0.0
            for q in range(size):
                p[at + q] = 1.0 / ties if cost[at + q] == least else 0.0
            continue
        # Mean and squared deviations of the cheapest pairs, one more at a time, until at the cost
        # of the next one they have the perplexity.
        mean = 0.0
        squares = 0.0
        count = 0
        for q in range(size):
            y = (d[q] - least) / unit
            x = y - mean
            count = q + 1
            mean += x / count
            squares += x * (y - mean)
            if count == size:
                break
            over = count * ((d[q + 1] - least) / unit - mean)
            if count > xi and over * over >= xi * (squares + over * over / count):
                break
        lift = mean + np.sqrt(xi * squares / (count * (count - xi)))
        total = 0.0
        for q in range(size):
            p[at + q] = max(lift - (cost[at + q] - least) / unit, 0.0)
        for q in range(size):
            total += p[at + q]
        for q in range(size):
            p[at + q] /= total
        price[i] = least + lift * unit
        strength[i] = total * unit


@kernel
def left_out(block, first, start, col, f, g, eps, delta, is_entropic, out):
    """In place: what pairs that are not listed would get, out (r,), rows first .. of the block.

    An entry is h*'((f_i + g_j - C_ij)/(eps_i + delta_j)), none where that is 0/0. Columns of each
    row of the list ascend; a pair (i, i) counts as listed.
    """
    for r in range(block.shape[0]):
        i = first + r
        at = start[i]
        total = 0.0
        for j in range(block.shape[1]):
            if at < start[i + 1] and col[at] == j:
                at += 1
                continue
            E = eps[i] + delta[j]
            y = f[i] + g[j] - block[r, j]
            if j == i or not E > 0.0:
                continue
            if is_entropic:
                if y > _LEAST * E:
                    total += exp(y / E)
            elif y > 0.0:
                total += y / E
        out[r] = total
