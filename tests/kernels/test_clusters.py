"""Clusters are nested, even, and cut at medians; averages are matrix products."""

import numpy as np
import pytest

from quot.kernels import clusters as kernels


@pytest.mark.parametrize("kind", ["normal", "duplicates", "constant", "line"])
@pytest.mark.parametrize(("n", "depth"), [(1, 0), (5, 2), (64, 6), (300, 4), (3, 4)])
def test_kd_order(kind, n, depth, rng):
    points = rng.normal(size=(n, 3))
    if kind == "duplicates":
        points = points[rng.integers(n, size=n) // 2]
    if kind == "constant":
        points[:] = 2.0
    if kind == "line":
        points[:, :2] = 0.0
    order, bounds = kernels.kd_order(points, depth)
    assert sorted(order) == list(range(n))
    assert bounds[0] == 0
    assert bounds[-1] == n
    sizes = np.diff(bounds)
    assert sizes.min() >= 0
    assert np.ptp(sizes) <= 1
    for level in range(depth):  # each cluster of a level is cut at the median of its widest axis
        step = 2 ** (depth - level)
        for c in range(0, 2**depth, step):
            lo, middle, hi = bounds[c], bounds[c + step // 2], bounds[c + step]
            if hi - lo < 2:
                continue
            inside = points[order[lo:hi]]
            axis = np.argmax(np.ptp(inside, axis=0))
            left, right = points[order[lo:middle], axis], points[order[middle:hi], axis]
            assert left.max() <= right.min()


def test_averages(rng):
    C = rng.random((7, 11))
    rows, cols = rng.integers(3, size=7), rng.integers(4, size=11)
    share_rows, share_cols = rng.random(7), rng.random(11)
    to_rows = (np.equal.outer(rows, np.arange(3)) * share_rows[:, None]).T
    to_cols = np.equal.outer(cols, np.arange(4)) * share_cols[:, None]
    out = np.ones((7, 4))
    kernels.average_columns(C, cols, share_cols, out)
    np.testing.assert_allclose(out, 1.0 + C @ to_cols, rtol=1e-13)
    out = np.ones((3, 11))
    kernels.average_rows(C[:4], 0, rows, share_rows, out)
    kernels.average_rows(C[4:], 4, rows, share_rows, out)
    np.testing.assert_allclose(out, 1.0 + to_rows @ C, rtol=1e-13)
