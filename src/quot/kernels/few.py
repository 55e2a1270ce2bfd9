"""The system of a Newton step where columns are few: rows eliminated, and columns in order."""

import numpy as np

from quot.kernels._jit import kernel


@kernel
def _reduced(rows, tail, head, weight, ground):
    """The upper triangle of the system of the columns, once rows are eliminated: (m, m).

    Rows are the first nodes of a graph; its edges lead from them to columns, one row after another.
    tail, head, weight (E,); ground (rows + m,), of columns alone.
    """
    m = ground.size - rows
    found = np.zeros((m, m))
    for j in range(m):
        found[j, j] = ground[rows + j]
    begin = 0
    while begin < tail.size:
        end, total = begin, 0.0
        while end < tail.size and tail[end] == tail[begin]:
            total += weight[end]
            end += 1
        for q in range(begin, end):
            j, part = head[q] - rows, weight[q] / total
            found[j, j] += weight[q]
            for r in range(begin, end):
                k = head[r] - rows
                if k >= j:
                    found[j, k] -= part * weight[r]
        begin = end
    return found


@kernel
def _solve_few(rows, tail, head, weight, ground, rhs):
    """x (N,) with (L + diag(ground)) x = rhs at the columns of such a graph; 0 at its rows.

    rhs (N,), 0 at rows. Columns that touch nothing do not move.
    """
    upper, x = _reduced(rows, tail, head, weight, ground), np.zeros(rhs.size)
    m = rhs.size - rows
    for j in range(m):
        x[rows + j] = rhs[rows + j]
    for k in range(m):
        line = upper[k]
        if not line[k] > 0.0:
            line[k:] = 0.0
            continue
        for j in range(k + 1, m):
            part = line[j] / line[k]
            if part != 0.0:
                below = upper[j]
                for q in range(j, m):
                    below[q] -= part * line[q]
                x[rows + j] -= part * x[rows + k]
    for k in range(m - 1, -1, -1):
        line, y = upper[k], x[rows + k]
        for q in range(k + 1, m):
            y -= line[q] * x[rows + q]
        x[rows + k] = y / line[k] if line[k] > 0.0 else 0.0
    return x
