"""Certificates of small problems, many in one call; see `stack` for how they are laid out."""

import numpy as np

from quot.kernels._jit import exact_kernel, part
from quot.kernels.certificate import bounds, own, signed, terms, total
from quot.kernels.rounding import _error
from quot.kernels.rounding import survey as marginals
from quot.kernels.stack import DONE, LAM, NODES, OTHER, PAIRS, REG, TOTAL, _largest, _problem

# What a certificate consists of, in this order: as the fields of `Bracket`, and what is violated.
LOWER, UPPER, ROUND_OFF, SCALE, RESIDUAL, VIOLATION = range(6)


@exact_kernel
def _moved(f, lam):
    """All of f, (n,), with lam more."""
    found = np.empty(f.size)
    for i in range(f.size):
        found[i] = f[i] + lam
    return found


@part
def _without_lam(f, g, lam, a, b, moved, rounding):
    """Potentials of the same dual value that do without lam where all of a side moves.

    f, g, lam, and the most that f may be; see `certificate.plans.without_lam`.
    """
    off = 2.0 * rounding * moved
    full_a, full_b = abs(total(a) - moved) <= off, abs(total(b) - moved) <= off
    more_f, more_g = _moved(f, lam), _moved(g, lam)
    if full_a and full_b:
        with_f = terms(more_f, a, 0.0) + terms(g, b, 0.0)
        full_a = with_f <= terms(f, a, 0.0) + terms(more_g, b, 0.0)
    if full_a:
        return more_f, g, 0.0, lam
    if full_b:
        return f, more_g, 0.0, 0.0
    return f, g, lam, 0.0


@exact_kernel
def _bracket(value, noise, used, rules, found):
    """Put a lower bound into a certificate if it leaves less unexplained than the one there.

    noise: its rounding; used: all that is added up in the value above it.
    """
    _, eps, excused = rules
    scale, noise = max(used, abs(value)), noise + eps * used
    rest = abs(found[UPPER] - value) - min(noise, excused * scale)
    before = abs(found[UPPER] - found[LOWER]) - min(found[ROUND_OFF], excused * found[SCALE])
    rest, before = max(rest, 0.0), max(before, 0.0)
    is_nearer = value > found[LOWER] or (value == found[LOWER] and noise < found[ROUND_OFF])
    if rest < before or (rest == before and is_nearer):
        found[LOWER], found[ROUND_OFF], found[SCALE] = value, noise, scale


@part
def _certificate(C, a, b, rows, cols, values, f, g, lam, given, rules, found):
    """The certificate (6,) of a plan, in place; False if that is not feasible, or not finite.

    given: what moves, the quadratic term, and whether all moves.
    """
    moves, reg, is_balanced = given
    exact, eps, _ = rules
    off, over, moved, sent, got, is_beyond = marginals(rows, cols, values, a, b)
    found[RESIDUAL], differ = _error((off, over, moved), moves, a, b, is_balanced)
    if is_beyond or not found[RESIDUAL] <= exact + differ:
        return False
    paid = used = 0.0
    for e in range(values.size):
        cost, squares = C[rows[e], cols[e]], 0.5 * reg * values[e]
        paid += (cost + squares) * values[e]
        used += (abs(cost) + squares) * values[e]
    found[LOWER], found[UPPER] = -np.inf, paid
    found[ROUND_OFF] = found[SCALE] = found[VIOLATION] = 0.0
    cheapest = np.inf
    for i in range(C.shape[0]):
        for c in C[i]:
            cheapest = min(cheapest, c)
    least = min(cheapest * moves, cheapest * (total(b) if is_balanced else moves))
    unit = min(max(_largest(a), _largest(b)), moves)
    most = np.inf if is_balanced else moves
    a, b = own(sent, a, eps * unit, most), own(got, b, eps * unit, most)
    top, size = np.inf, 0.0
    if is_balanced:
        size = terms(f, a, 0.0) + terms(g, b, 0.0)
        lam = moves = 0.0
    else:
        f, top_f, size_f = signed(f)
        g, top_g, size_g = signed(g)
        spread = abs(lam) + size_f + size_g
        found[VIOLATION] = max(top_f, top_g) / (spread if spread > 0.0 else 1.0)
        size = terms(f, a, abs(lam)) + terms(g, b, abs(lam))
        moves = moved if abs(moved - moves) <= eps * moves else moves
        f, g, lam, top = _without_lam(f, g, lam, a, b, moves, eps)
    squared, largest = np.zeros(f.size), np.full(f.size, -np.inf)
    scale = reg**-0.5 if reg > 0.0 else 1.0
    for i in range(f.size):
        for j in range(g.size):
            y = (f[i] + lam) + g[j] - C[i, j]
            largest[i] = max(largest[i], y)
            y = scale * max(y, 0.0)
            squared[i] += y * y
    linear, both, penalty = bounds(f, g, lam, top, a, b, moves, squared, largest)
    if not np.isfinite(size + linear + both):
        return False
    _bracket(linear, eps * size, used, rules, found)
    if reg > 0.0:
        _bracket(both, eps * (size + 0.5 * penalty), used, rules, found)
    _bracket(least, eps * abs(least), used, rules, found)
    return True


@exact_kernel
def certify_each(
    where, costs, a, b, numbers, is_balanced, rows, cols, values, counts, potentials, found, rules,
    certificates, ends,
):  # fmt: skip
    """Certificates (K, 6) of many small plans, in place; see `stack` for how they are laid out.

    rules: rounding of a marginal, of a sum, and the part of the scale that it excuses. Those whose
    `ends` (K,) is DONE are judged, and OTHER where a plan is not feasible as it is.
    """
    for k in range(ends.size):
        if ends[k] != DONE:
            continue
        C, mass_a, mass_b = _problem(where, k, costs, a, b)
        first, node = where[k, PAIRS], where[k, NODES]
        last, middle, end = first + counts[k], node + mass_a.size, node + mass_a.size + mass_b.size
        is_judged = _certificate(
            C, mass_a, mass_b, rows[first:last], cols[first:last], values[first:last],
            potentials[node:middle], potentials[middle:end], found[k, LAM],
            (numbers[k, TOTAL], numbers[k, REG], is_balanced[k]), rules, certificates[k],
        )  # fmt: skip
        ends[k] = DONE if is_judged else OTHER
