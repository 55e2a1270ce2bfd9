"""Small problems between rows and columns, one after another in flat arrays.

where (K + 1, 5) says where of each begin, and the last ends: its costs, row by row; its masses of
rows; of columns; its nodes, rows, columns and two spare ones, with potentials f and g at the first;
and the pairs of its plan, with room for more.
"""

import numpy as np

from quot.kernels._jit import kernel

COSTS, ROWS, COLS, NODES, PAIRS = range(5)
# A problem's own numbers: what moves; its strength; what rows, and what columns keep.
TOTAL, REG, KEPT_ROWS, KEPT_COLS = range(4)
# What is found of one: the price of the total, of what rows and of what columns keep.
LAM, TOP_U, TOP_V = range(3)
# How one stands: it has to go another way; it is done; it is at a vertex, where it need not end, as
# others may cost no more; it is done but for marginals that may not be exact.
OTHER, DONE, VERTEX, INEXACT = range(4)


@kernel
def _problem(where, k, costs, a, b):
    """Costs (n, m) and masses of one of them."""
    rows, cols = a[where[k, ROWS] : where[k + 1, ROWS]], b[where[k, COLS] : where[k + 1, COLS]]
    C = costs[where[k, COSTS] : where[k + 1, COSTS]]
    return C.reshape(rows.size, cols.size), rows, cols


@kernel
def _put(values, to, first):
    """Write values into an array, from a place on."""
    for k in range(values.size):
        to[first + k] = values[k]


@kernel
def _largest(x):
    """The largest absolute value."""
    found = 0.0
    for y in x:
        found = max(found, abs(y))
    return found


@kernel
def _places(x):
    """Where there is something, in order; nowhere, (0,), if that is everywhere."""
    count = 0
    for y in x:
        count += y > 0.0
    found = np.empty(count if count < x.size else 0, np.int64)
    count = 0
    for k in range(x.size if found.size > 0 else 0):
        if x[k] > 0.0:
            found[count] = k
            count += 1
    return found


@kernel
def _at(places, k):
    """Which one of all that is; see `_places`."""
    return places[k] if places.size > 0 else k


@kernel
def _kept(x, places):
    """The values at these places."""
    found = np.empty(places.size if places.size > 0 else x.size)
    for k in range(found.size):
        found[k] = x[_at(places, k)]
    return found


@kernel
def _between(C, rows, cols):
    """The costs between these rows and columns."""
    n = rows.size if rows.size > 0 else C.shape[0]
    m = cols.size if cols.size > 0 else C.shape[1]
    found = np.empty((n, m))
    for i in range(n):
        for j in range(m):
            found[i, j] = C[_at(rows, i), _at(cols, j)]
    return found


@kernel
def _spread(values, to, first, places):
    """Write values into an array, from a place on, where they belong."""
    for k in range(values.size):
        to[first + _at(places, k)] = values[k]
