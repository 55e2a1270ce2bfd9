"""Problems whose solution can be written down."""

import numpy as np


def one_row(c, b, reg, mass):
    """min c p + reg/2 |p|^2 over 0 <= p <= b, sum p = mass: fill up to a level of marginal cost."""
    edges = np.unique(np.r_[c, c + reg * b])

    def filled(level):
        return np.clip((level - c) / reg, 0.0, b)

    sums = np.array([filled(level).sum() for level in edges])
    k = np.searchsorted(sums, mass)
    if k == len(edges):
        return filled(edges[-1])
    if k == 0:
        return filled(edges[0])
    part = (mass - sums[k - 1]) / (sums[k] - sums[k - 1])
    return filled(edges[k - 1] + part * (edges[k] - edges[k - 1]))


def monotone(x, y, a, b):
    """The plan between points of the line that crosses nowhere: optimal for |x - y|^2."""
    return north_west(a, b, np.argsort(x), np.argsort(y))


def north_west(a, b, rows, cols):
    """The plan of the corner rule, with rows and columns in this order."""
    P = np.zeros((a.size, b.size))
    left, right = a[rows].copy(), b[cols].copy()
    i = j = 0
    while i < a.size and j < b.size:
        amount = min(left[i], right[j])
        P[rows[i], cols[j]] += amount
        down = left[i] <= right[j]
        left[i], right[j] = left[i] - amount, right[j] - amount
        i, j = (i + 1, j) if down else (i, j + 1)
    return P
