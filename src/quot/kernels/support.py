"""Sorting pairs."""

import numpy as np

from quot.kernels._jit import kernel


@kernel
def sort_pairs(rows, cols, n_rows):
    """Sort pairs by row, then column, and drop repetitions; new rows, cols (int32).

    rows, cols (E,) int32. A counting sort by row, then a Shell sort of each row.
    """
    start = np.zeros(n_rows + 1, np.int64)
    for e in range(rows.size):
        start[rows[e] + 1] += 1
    for i in range(n_rows):
        start[i + 1] += start[i]
    fill = start[:-1].copy()
    line = np.empty(rows.size, np.int32)
    for e in range(rows.size):
        line[fill[rows[e]]] = cols[e]
        fill[rows[e]] += 1
    out_rows = np.empty(rows.size, np.int32)
    out_cols = np.empty(rows.size, np.int32)
    count = 0
    for i in range(n_rows):
        low = start[i]
        high = start[i + 1]
        gap = 1
        while gap < high - low:
            gap = 3 * gap + 1
        while gap > 1:
            gap //= 3
            for a in range(low + gap, high):
                c = line[a]
                b = a - gap
                while b >= low and line[b] > c:
                    line[b + gap] = line[b]
                    b -= gap
                line[b + gap] = c
        for a in range(low, high):
            if a == low or line[a] != line[a - 1]:
                out_rows[count] = i
                out_cols[count] = line[a]
                count += 1
    return out_rows[:count], out_cols[:count]
