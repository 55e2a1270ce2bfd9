"""Small problems between rows and columns, one after another in flat arrays.

where (K + 1, 5) says where of each begin, and the last ends: its costs, row by row; its masses of
rows; of columns; its nodes, rows, columns and two spare ones, with potentials f and g at the first;
and the pairs of its plan, with room for more.
"""

from quot.kernels._jit import kernel

COSTS, ROWS, COLS, NODES, PAIRS = range(5)
# A problem's own numbers: what moves; its strength; what rows, and what columns keep.
TOTAL, REG, KEPT_ROWS, KEPT_COLS = range(4)
# What is found of one: the price of the total, of what rows and of what columns keep.
LAM, TOP_U, TOP_V = range(3)
# How one stands: it has to go another way; it is done; it is at a vertex, where it need not end, as
# others may cost no more; it is done but for marginals that are not exact.
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
