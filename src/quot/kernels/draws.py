"""Drawing a few of many pairs."""

import numpy as np

from quot.kernels._jit import kernel
from quot.kernels.forest import _scrambled
from quot.kernels.pricing import _insert


@kernel
def _uniform(i, j):
    """A random number between 0 and 1 of a pair, always the same."""
    h = _scrambled(np.uint64(i) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(j + 1))
    return (np.float64(h >> np.uint64(11)) + 0.5) * 2.0**-53


@kernel
def _key(i, j, mass):
    """A random number of a pair: of several the least is one with a chance as its mass.

    That is which of them happens first, of events that come so often (an exponential race).
    """
    return -np.log(_uniform(i, j)) / mass


@kernel
def draw(rows, cols, a, b, most, col_key, col_index):
    """Of pairs that come row by row (E,), `most` of each row, drawn with chances as the masses b.

    Of rows that have more, each column draws by the masses a, into its ascending lists col_key,
    col_index (m, most), in place. Returns rows, cols (int32).
    """
    key = np.empty(most)
    index = np.empty(most, np.int32)
    kept_rows = np.empty(rows.size, np.int32)
    kept_cols = np.empty(rows.size, np.int32)
    count = begin = 0
    while begin < rows.size:
        i = rows[begin]
        end = begin + 1
        while end < rows.size and rows[end] == i:
            end += 1
        if end - begin <= most:
            for e in range(begin, end):
                kept_rows[count] = i
                kept_cols[count] = cols[e]
                count += 1
            begin = end
            continue
        key[:] = np.inf
        index[:] = -1
        for e in range(begin, end):
            j = cols[e]
            x = _key(i, j, b[j])
            if x < key[most - 1]:
                _insert(key, index, x, j)
            x = _key(j, i, a[i])
            if x < col_key[j, most - 1]:
                _insert(col_key[j], col_index[j], x, i)
        for k in range(most):
            if index[k] >= 0:
                kept_rows[count] = i
                kept_cols[count] = index[k]
                count += 1
        begin = end
    return kept_rows[:count], kept_cols[:count]
