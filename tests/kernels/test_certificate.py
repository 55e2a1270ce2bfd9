"""The pass over all pairs against three lines of NumPy."""

import math

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from quot.costs import METRICS
from quot.kernels import certificate as kernels
from quot.pairs.screen import Blocks

EXACT = Blocks.exact  # the block holds the costs themselves
SCALE = 0.7


def twin(C, f, g):
    Y = f[:, None] + g - C
    return (np.maximum(SCALE * Y, 0) ** 2).sum(axis=1), Y.max(axis=1)


@pytest.mark.parametrize("shape", [(1, 1), (4, 7), (9, 300)], ids=str)
def test_scan_rows(shape, rng):
    C, f, g = rng.normal(size=shape), rng.normal(size=shape[0]), rng.normal(size=shape[1])
    squares, largest = kernels.scan_rows(C, 0, f, g, SCALE, EXACT)
    expected = twin(C, f, g)
    np.testing.assert_allclose(squares, expected[0], rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(largest, expected[1])


def test_scan_of_rows_in_the_middle(rng):
    C, f, g = rng.normal(size=(9, 40)), rng.normal(size=9), rng.normal(size=40)
    squares, largest = kernels.scan_rows(C[3:7], 3, f, g, SCALE, EXACT)
    expected = twin(C, f, g)
    np.testing.assert_allclose(squares, expected[0][3:7], rtol=1e-12)
    np.testing.assert_array_equal(largest, expected[1][3:7])


@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean", "cosine"])
@pytest.mark.parametrize("level", [-3.0, -0.2, 0.0, 0.5])
def test_scan_of_bounds(metric, level, rng):
    """Of costs that are only bounded the scan asks for the exact ones; also if none counts."""
    X, Y = rng.normal(size=(9, 5)), rng.normal(size=(50, 5))
    if metric == "cosine":
        X /= np.linalg.norm(X, axis=1, keepdims=True)
        Y /= np.linalg.norm(Y, axis=1, keepdims=True)
    C = cdist(X, Y, metric)
    rough = (C - rng.uniform(0.01, 0.3, C.shape)).astype(np.float32)
    g = 0.2 * rng.normal(size=50)
    f = np.sort(C - g, axis=1)[:, 2] + level
    exact = X, Y, METRICS.index(metric)
    squares, largest = kernels.scan_rows(rough[2:], 2, f, g, SCALE, exact)
    expected = twin(C, f, g)
    np.testing.assert_allclose(squares, expected[0][2:], rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(largest, expected[1][2:], rtol=1e-12, atol=1e-13)


def test_scan_pairs(rng):
    C, f, g = rng.normal(size=(6, 8)), rng.normal(size=6), rng.normal(size=8)
    allowed = rng.random((6, 8)) < 0.4
    allowed[2] = False
    rows, cols = np.nonzero(allowed)
    squares, largest = kernels.scan_pairs(
        rows.astype(np.int32), cols.astype(np.int32), C[rows, cols], f, g, SCALE, 6
    )
    expected = twin(np.where(allowed, C, np.inf), f, g)
    np.testing.assert_allclose(squares, expected[0], rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(largest, expected[1])
    assert largest[2] == -np.inf


def test_forbidden_pairs_never_count():
    squares, largest = kernels.scan_rows(
        np.array([[np.inf, 1.0]]), 0, np.ones(1), np.ones(2), 1.0, EXACT
    )
    assert squares[0] == largest[0] == 1.0
    squares, largest = kernels.scan_rows(
        np.array([[np.inf]]), 0, np.ones(1), np.ones(1), 1.0, EXACT
    )
    assert squares[0] == 0.0
    assert largest[0] == -np.inf


def test_signed(rng):
    f = rng.normal(size=30)
    found, top, size = kernels.signed(f)
    np.testing.assert_array_equal(found, np.minimum(f, 0.0))
    assert (top, size) == (max(f.max(), 0.0), np.abs(f).max())
    f[3] = np.nan
    found, top, size = kernels.signed(f)
    assert np.isnan([found[3], top, size]).all()


@pytest.mark.parametrize("digits", [0, 8, 20])
def test_a_sum_is_rounded_once(digits, rng):
    x = rng.normal(size=1001) * 10.0 ** rng.uniform(-digits, digits, 1001)
    x = np.append(x, -x[:500])
    assert kernels.total(x) == pytest.approx(math.fsum(x), rel=1e-15)
    assert kernels.total(np.array([1e308, 1e308])) == np.inf
    assert np.isnan(kernels.total(np.array([1.0, np.nan])))


@pytest.mark.parametrize("moved", [0.0, 0.7])
def test_bounds(moved, rng):
    """Two sums, and how prices are lowered before the first."""
    f, g, a, b = rng.normal(size=(4, 9))
    a, b = np.maximum(a, 0.0), np.abs(b)
    squares, largest, top, lam = rng.random(9), rng.normal(size=9), 0.3, 1.5
    largest[4] = -np.inf
    linear, both, penalty = kernels.bounds(f, g, lam, top, a, b, moved, squares, largest)
    lowered = np.minimum(f - np.where(largest > -np.inf, largest, 0.0), top)
    assert penalty == pytest.approx(squares.sum())
    assert linear == pytest.approx(lowered @ a + g @ b + lam * moved)
    assert both == pytest.approx(f @ a + g @ b + lam * moved - squares.sum() / 2)
    f[2], a[2] = 1e300, 1e300
    assert not np.isfinite(kernels.bounds(f, g, lam, top, a, b, moved, squares, largest)[1])
