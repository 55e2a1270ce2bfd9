"""Costs between points against scipy.spatial.distance."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from quot.costs import METRICS
from quot.kernels import costs as kernels

SHAPES = [(1, 1, 1), (5, 3, 2), (3, 7, 10), (2, 2100, 3)]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_blocks_and_pairs(metric, shape, rng):
    n, m, d = shape
    X, Y = rng.normal(size=(n, d)), rng.normal(size=(m, d))
    if metric == "cosine":
        X /= np.linalg.norm(X, axis=1, keepdims=True)
        Y /= np.linalg.norm(Y, axis=1, keepdims=True)
    expected = cdist(X, Y, metric)
    code = METRICS.index(metric)
    for start, stop in ((0, n), (n - 1, n)):
        out = np.full((stop - start, m), np.nan)
        kernels.point_block(X, Y, code, start, out)
        np.testing.assert_allclose(out, expected[start:stop], rtol=1e-13, atol=1e-14)
    rows, cols = rng.integers(n, size=50), rng.integers(m, size=50)
    pairs = kernels.point_pairs(X, Y, code, rows.astype(np.int32), cols.astype(np.int32))
    np.testing.assert_allclose(pairs, expected[rows, cols], rtol=1e-13, atol=1e-14)


def test_metric_codes_are_those_of_the_kernels():
    codes = (kernels.SQEUCLIDEAN, kernels.EUCLIDEAN, kernels.CITYBLOCK, kernels.COSINE)
    assert [METRICS[k] for k in codes] == ["sqeuclidean", "euclidean", "cityblock", "cosine"]


def test_no_distance_between_equal_points(rng):
    """Differences are formed, not |x|^2 + |y|^2 - 2 x.y: far from the origin nothing cancels."""
    X = 1e8 + rng.normal(size=(4, 3))
    for code in range(3):
        out = np.empty((4, 4))
        kernels.point_block(X, X, code, 0, out)
        assert (np.diag(out) == 0).all()
        np.testing.assert_allclose(out, cdist(X, X, METRICS[code]), rtol=1e-12)
