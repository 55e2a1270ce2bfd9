"""Newton on matrices, up from the vertices of small problems, many in a call.

See `steps` for a step and what `state` is, `stack` for how small problems are laid out. Of rows and
columns those that are more answer: here they are called rows, whatever they are in the problem.
"""

import numpy as np

from quot.kernels._jit import kernel, part
from quot.kernels.semidual import sent
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
from quot.kernels.steps import (
    HALVED,
    LOOSE,
    MANY,
    PATIENCE,
    WRONG,
    _see,
    _state,
    _step,
    _sweep,
    _top,
    _turned,
)
from quot.kernels.vertex import tidy

# What there is to report: what the worst column misses, pairs that carry something, steps, looks.
WORST, ACTIVE, STEPS, LOOKS = range(4)
# Rounding of prices, relative to the largest; and of a sum of two.
PRICES, TIED = 8 * 2.0**-52, 16 * 2.0**-52
# Where squares alone are to be paid for: a multiplier, relative, that says that all mass is sent;
# and how many times what squares may cost on a way through all rows and columns that is worth.
FULL, MUCH = 1e-10, 4.0


@part
def _climb(C, wanted, bounds, total, state, at, enough, most):
    """Go on until columns miss no more than enough: whether they do, the steps, and the looks.

    most: of steps.
    """
    turned = np.empty((0, 0))
    least, idle, firm, looks = np.inf, 0, LOOSE, 0
    for steps in range(most):
        if at[WRONG] <= enough * total or idle == PATIENCE:
            return at[WRONG] <= enough * total, steps, looks
        firm, more, is_slow = _step(C, wanted, bounds, total, state, at, firm)
        looks += more
        if is_slow:
            if turned.size == 0:
                turned = _turned(C)
            _sweep(C, turned, wanted, bounds, state, at)
            looks += 2
        idle = 0 if at[WRONG] <= HALVED * least else idle + 1
        least = min(least, at[WRONG])
    return at[WRONG] <= enough * total, most, looks


@kernel
def _worst(missing, at_top, spare):
    """The most that a column misses; those at the top may keep something, and count as one."""
    alone, together, is_any = 0.0, -spare, False
    for j in range(missing.size):
        if at_top[j]:
            together += missing[j]
            is_any = True
        else:
            alone = max(alone, abs(missing[j]))
    return max(alone, abs(together)) if is_any else alone


@part
def _prices(v, f, base_v, base_f, highest, is_balanced):
    """The dual point of prices of columns and rows, counted from a base: in place; lam."""
    top_f = _top(f) if highest == np.inf else 0.0
    top_v = _top(v)
    for i in range(f.size):
        f[i] = base_f[i] + f[i] if is_balanced else min(f[i] - top_f, 0.0)
    for j in range(v.size):
        v[j] = base_v[j] + v[j] if is_balanced else min(v[j] - top_v, 0.0)
    return 0.0 if is_balanced else top_f + top_v


@part
def _less(C, base_v, base_f, v, f):
    """The costs less prices that are counted from there; these become 0."""
    n, m = C.shape
    found = np.empty((n, m))
    for i in range(n):
        for j in range(m):
            found[i, j] = C[i, j] - v[j] - f[i]
    _put(v, base_v, 0)
    _put(f, base_f, 0)
    v[:] = 0.0
    f[:] = 0.0
    return found


@part
def _up(C, masses, prices, kept, given, rules, report):
    """Up from a dual point: whether that gets there, the point, and the pairs.

    masses, prices, kept: of rows and of columns, all mass that is kept; given: what moves, reg, and
    whether all moves, and the price of the total. rules: as of `climb`, but for the last. In place
    report (4,).
    """
    moves, reg, is_balanced, lam = given
    enough, rounding, few, steps, tried, largest, left = rules
    n, m = C.shape
    wanted = np.empty(n), np.empty(m)
    state, at = _state(n, m), np.empty(3)
    v, f = state[0], state[1]
    highest, spare, moved = 0.0 if kept[0] > 0.0 else np.inf, reg * kept[1], reg * moves
    for i in range(n):
        wanted[0][i], f[i] = reg * masses[0][i], min(prices[0][i], highest)
    for j in range(m):
        wanted[1][j], v[j] = reg * masses[1][j], prices[1][j] + lam
    noise = PRICES * (_largest(f) + _largest(v))
    _see(C, wanted, (highest, spare, noise), state, at)
    base_v, base_f, looks = np.zeros(m), np.zeros(n), 1
    if is_balanced and noise * (n + m) > enough * moved:  # counted from there changes have digits
        C, noise, looks = _less(C, base_v, base_f, v, f), 0.0, 2
        _see(C, wanted, (highest, spare, noise), state, at)
    active = state[2][n]
    tried = tried if C.size <= largest else 0
    most = min(steps if active > few * (n + m) else tried, left)
    goal = max(enough, min(noise * (n + m) / moved, rounding))
    is_there, count, more = False, 0, 0
    if np.isfinite(at[WRONG]):
        bounds = highest, spare, noise
        is_there, count, more = _climb(C, wanted, bounds, moved, state, at, goal, most)
    report[WORST], report[ACTIVE] = _worst(state[6], state[7], spare) / reg, state[2][n]
    report[STEPS], report[LOOKS] = count, looks + more
    i, j, x = sent(state[2][: n + 1], state[3], state[4], *wanted, noise, reg)
    lam = _prices(v, f, base_v, base_f, highest, is_balanced)
    return is_there, f, v, lam, i, j, x


@kernel
def _dues(prices, noise, much):
    """What all mass has to be sent for: -much where a price says so, else 0."""
    found = np.empty(prices.size)
    for k in range(prices.size):
        found[k] = -much if prices[k] < -noise else 0.0
    return found


@part
def _free(C, f, g, lam, noise, dues, i, j):
    """Costs that forbid what no cheapest plan uses, and are what is due for all other pairs.

    f, g: prices of rows and of columns, that of the total, and the rounding of a sum; dues: of rows
    and columns that send, or get, all in every cheapest plan; i, j: the pairs of a vertex.
    """
    n, m = C.shape
    found = np.empty((n, m))
    for row in range(n):
        for col in range(m):
            is_tight = C[row, col] - (f[row] + lam) - g[col] <= noise
            found[row, col] = dues[0][row] + dues[1][col] if is_tight else np.inf
    for e in range(i.size):
        found[i[e], j[e]] = dues[0][i[e]] + dues[1][j[e]]
    return found


@kernel
def _is_lost(index, dues, is_all):
    """Who has to send, or get, all, and has no entry at `index`; dues < 0: of those, or of all."""
    found = np.empty(dues.size, np.bool_)
    for k in range(dues.size):
        found[k] = is_all or dues[k] < 0.0
    for k in index:
        found[k] = False
    return found


@kernel
def _with_lost(i, j, x, old_i, old_j, old_x, lost_rows, lost_cols, a, b):
    """The entries, and those of a vertex in rows and columns that are lost.

    Masses a (n,), b (m,) that are next to nothing beside others are, by rounding.
    """
    lost = 0
    for e in range(old_x.size):
        lost += lost_rows[old_i[e]] or lost_cols[old_j[e]]
    if lost == 0:
        return i, j, x
    size = x.size + lost
    rows, cols, values = np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size)
    _put(i, rows, 0)
    _put(j, cols, 0)
    _put(x, values, 0)
    size = x.size
    for e in range(old_x.size):
        if lost_rows[old_i[e]] or lost_cols[old_j[e]]:
            rows[size], cols[size], values[size] = old_i[e], old_j[e], old_x[e]
            size += 1
    return tidy(rows, cols, values, a, b, 0.0)


@kernel
def climb(
    where, costs, a, b, numbers, is_balanced, pivots, rules,
    rows, cols, values, counts, potentials, found, reports, ends,
):  # fmt: skip
    """Newton from the vertices of those that have a quadratic term: in place in the last line.

    Those without one, of which other plans cost no more, have the squares alone to pay for, on the
    pairs of the cheapest plans; their prices stay.

    pivots (K,): of the simplex. rules: what columns may miss, relative, and what of that
    rounding may excuse; how many pairs, for each row and column, are many; steps if many are active
    and if few are, and of how many costs at most then; steps in all, and how many pivots for each
    row and column are one. reports (K, 4): what there is to report. ends (K,): DONE where that gets
    there, or INEXACT if squares alone are paid for; else VERTEX, and nothing has changed.
    """
    enough, rounding, few, steps, tried, largest, most, pushes = rules
    for k in range(ends.size):
        is_linear, reg, lam = numbers[k, REG] == 0.0, numbers[k, REG], found[k, LAM]
        if ends[k] == OTHER or (is_linear and ends[k] != VERTEX):
            continue
        C, whole_a, whole_b = _problem(where, k, costs, a, b)
        n, m = C.shape
        node, first, end = where[k, NODES], where[k, PAIRS], where[k, NODES] + n + m
        mass_a, mass_b, at_a, at_b = whole_a, whole_b, _places(whole_a), _places(whole_b)
        prices = _kept(potentials[node : node + n], at_a), _kept(potentials[node + n : end], at_b)
        if is_linear:
            last, largest_mass = first + counts[k], min(_largest(mass_a), _largest(mass_b))
            f, g = potentials[node : node + n], potentials[node + n : end]
            size = max(_largest(prices[0]), _largest(prices[1])) + abs(lam)
            much = 0.0 if is_balanced[k] else MUCH * (n + m) * largest_mass
            dues = _dues(f, FULL * size, much), _dues(g, FULL * size, much)
            C = _free(C, f, g, lam, TIED * size, dues, rows[first:last], cols[first:last])
            prices = _kept(dues[0], at_a), _kept(dues[1], at_b)
            reg, lam = 1.0, 0.0
        if at_a.size > 0 or at_b.size > 0:
            C, mass_a, mass_b = _between(C, at_a, at_b), _kept(mass_a, at_a), _kept(mass_b, at_b)
        masses = mass_a, mass_b
        kept = numbers[k, KEPT_ROWS], numbers[k, KEPT_COLS]
        left = most - int(np.ceil(pivots[k] / (pushes * (n + m))))
        given = numbers[k, TOTAL], reg, is_balanced[k], lam
        is_turned = C.shape[1] > MANY * C.shape[0]
        if is_turned:
            C, masses, prices = _turned(C), (mass_b, mass_a), (prices[1], prices[0])
            kept = kept[1], kept[0]
        is_there, f, g, lam, i, j, x = _up(
            C, masses, prices, kept, given,
            (enough, rounding, few, steps, tried, largest, max(left, 0)), reports[k],
        )  # fmt: skip
        ends[k] = VERTEX
        if is_there:
            if is_turned:
                f, g = g, f
                i, j, x = tidy(j, i, x, mass_a, mass_b, 0.0)
            for e in range(x.size):
                i[e], j[e] = _at(at_a, i[e]), _at(at_b, j[e])
            if is_linear:
                last = first + counts[k]
                old = rows[first:last], cols[first:last], values[first:last]
                lost_a = _is_lost(i, dues[0], numbers[k, KEPT_ROWS] == 0.0)
                lost_b = _is_lost(j, dues[1], numbers[k, KEPT_COLS] == 0.0)
                i, j, x = _with_lost(i, j, x, *old, lost_a, lost_b, whole_a, whole_b)
                ends[k] = INEXACT
            else:
                _spread(f, potentials, node, at_a)
                _spread(g, potentials, node + n, at_b)
                found[k, LAM] = lam
                ends[k] = DONE
            _put(i, rows, first)
            _put(j, cols, first)
            _put(x, values, first)
            counts[k] = x.size
