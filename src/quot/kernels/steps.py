"""Newton on a matrix: a step of all columns, and a sweep over them; see `semidual` for the method.

What there is to know: `wanted`, the masses of rows and columns, times reg; `bounds`, the most that
the price of a row may be, what columns keep, times reg, and what is rounding of a price; `state`,
prices v (m,) and f (n,), the pairs listed, start, col and beyond, and got, missing and at_top (m,);
`at` (3,), the dual value, what columns miss together, and the size of what is added up.
"""

import numpy as np

from quot.kernels._jit import kernel
from quot.kernels.few import _solve_few
from quot.kernels.moves import _edges, _moves, _reach, _system
from quot.kernels.reduction import _solve
from quot.kernels.semidual import ROUNDING, _advance, _measure, _respond
from quot.kernels.stack import _put

VALUE, WRONG, SIZE = range(3)

# Columns that are so many times more than the rows answer in their place.
MANY = 1.5
# So many steps that do not halve what is missing, and it will not get there.
PATIENCE = 8
# A step is followed by a sweep over the columns unless it leaves less than this of what is missing.
HALVED = 0.5
# What holds columns where they are, in parts of a pair: at least; after a step shorter than so much
# of a whole one, then growing by a factor; and how it falls with a whole one.
LOOSE, _FIRM, _SHORT, _FIRMER, _LOOSER = 1e-10, 1e-4, 0.3, 10.0, 0.1
# Residual (relative) of the linear systems: a part of what is missing, between these; iterations.
_PART, _COARSE, _FINE, ITERATIONS = 0.1, 1e-2, 1e-8, 500
# Columns that would pass the top are tied to it so often at most.
TIES = 5
# So many columns are eliminated one after another: then a step is exact, and quicker, too.
_FEW = 64


@kernel
def see(C, wanted, bounds, state, at):
    """What the rows make of the prices, from an answer that is near; in place in state, at."""
    _see(C, wanted, bounds, state, at)


@kernel
def _see(C, wanted, bounds, state, at):
    v, f, start, col, beyond, got, missing, at_top = state
    highest, spare, noise = bounds
    squares = _respond(C, v, wanted[0], highest, noise, f, start, col, beyond, got)
    now = _measure(v, f, wanted[0], wanted[1], spare, noise, squares, got, missing, at_top)
    at[VALUE], at[WRONG], at[SIZE] = now


@kernel
def step(C, wanted, bounds, total, state, at, firm):
    """One step of all columns, in place in state, at.

    total: what moves, times reg; firm: what holds the columns, in parts of a pair. Returns what
    holds them next, looks, and whether to sweep then.
    """
    return _step(C, wanted, bounds, total, state, at, firm)


@kernel
def _step(C, wanted, bounds, total, state, at, firm):
    v, f, start, col, _, _, missing, at_top = state
    highest, spare, noise = bounds
    move = v
    for _ in range(TIES + 1):
        tied, node, ground, rhs, share, part = _system(
            v, f, highest, start, col, missing, at_top, spare, firm
        )
        tail, head, weight = _edges(start, col, tied, at_top)
        if v.size <= _FEW:
            x = _solve_few(f.size, tail, head, weight, ground, rhs)
        else:
            tol = residual(at[WRONG] / total)
            x, _ = _solve(tail, head, weight, ground, rhs, tol, ITERATIONS)
        reach = _reach(C, v, f, highest, start, col, at_top, node, part, share, x)
        move, is_passing = _moves(f.size, v, noise, x, share, reach, at_top)
        if not is_passing:
            break
    return _go(C, wanted, bounds, move, state, at, firm)


@kernel
def residual(wrong):
    """The residual (relative) of a system where so much is missing, relative."""
    return min(max(_PART * wrong, _FINE), _COARSE)


@kernel
def _go(C, wanted, bounds, move, state, at, firm):
    """Move the columns (m,), in place in state, at; see `step` for what comes back."""
    v, f, start, col, beyond, got, missing, at_top = state
    highest, spare, noise = bounds
    before = at[WRONG]
    now, tau, looks = _advance(
        C, wanted[0], wanted[1], spare, highest, noise, (at[VALUE], at[WRONG], at[SIZE]), move,
        v, f, start, col, beyond, got, missing, at_top,
    )  # fmt: skip
    at[VALUE], at[WRONG], at[SIZE] = now
    if tau < _SHORT:
        firm = max(_FIRMER * firm, _FIRM)
    elif tau >= 1.0:
        firm = max(_LOOSER * firm, LOOSE)
    return firm, looks, at[WRONG] > HALVED * before


@kernel
def _top(x):
    """The largest value."""
    found = x[0]
    for y in x:
        found = max(found, y)
    return found


@kernel
def _turned(C):
    """The transposed matrix, of its own memory."""
    n, m = C.shape
    found = np.empty((m, n))
    for i in range(n):
        for j in range(m):
            found[j, i] = C[i, j]
    return found


@kernel
def sweep(C, turned, wanted, bounds, state, at):
    """Balance the columns one by one, and then the rows, where that is better: in place.

    turned: C transposed.
    """
    _sweep(C, turned, wanted, bounds, state, at)


@kernel
def _sweep(C, turned, wanted, bounds, state, at):
    v, f, start, col, beyond, _, _, _ = state
    _, spare, noise = bounds
    value, wrong, size = at[VALUE], at[WRONG], at[SIZE]
    old_v, old_f = v.copy(), f.copy()
    highest = _top(v) if spare > 0.0 else np.inf
    _respond(turned, f, wanted[1], highest, noise, v, start, col, beyond, np.empty(f.size))
    _see(C, wanted, bounds, state, at)
    if at[VALUE] < value - ROUNDING * size or at[WRONG] > wrong:
        _put(old_v, v, 0)
        _put(old_f, f, 0)
        _see(C, wanted, bounds, state, at)


@kernel
def _state(n, m):
    """Room for a state of so many rows and columns."""
    return (
        np.zeros(m), np.zeros(n), np.zeros(max(n, m) + 1, np.int64), np.empty(n * m, np.int32),
        np.empty(n * m), np.empty(m), np.empty(m), np.empty(m, np.bool_),
    )  # fmt: skip
