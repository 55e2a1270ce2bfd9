"""The pass over all pairs against three lines of NumPy."""

import numpy as np
import pytest
from scipy.special import logsumexp

from quot.kernels import certificate as kernels


def twin(C, f, g):
    Y = f[:, None] + g - C
    return (np.maximum(Y, 0) ** 2).sum(axis=1), Y.max(axis=1)


@pytest.mark.parametrize("shape", [(1, 1), (4, 7), (9, 300)], ids=str)
def test_scan_rows(shape, rng):
    C, f, g = rng.normal(size=shape), rng.normal(size=shape[0]), rng.normal(size=shape[1])
    squares, largest = kernels.scan_rows(C, f, g)
    expected = twin(C, f, g)
    np.testing.assert_allclose(squares, expected[0], rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(largest, expected[1])


def test_scan_pairs(rng):
    C, f, g = rng.normal(size=(6, 8)), rng.normal(size=6), rng.normal(size=8)
    allowed = rng.random((6, 8)) < 0.4
    allowed[2] = False
    rows, cols = np.nonzero(allowed)
    squares, largest = kernels.scan_pairs(
        rows.astype(np.int32), cols.astype(np.int32), C[rows, cols], f, g, 6
    )
    expected = twin(np.where(allowed, C, np.inf), f, g)
    np.testing.assert_allclose(squares, expected[0], rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(largest, expected[1])
    assert largest[2] == -np.inf


def test_forbidden_pairs_never_count():
    squares, largest = kernels.scan_rows(np.array([[np.inf, 1.0]]), np.ones(1), np.ones(2))
    assert squares[0] == largest[0] == 1.0
    squares, largest = kernels.scan_rows(np.array([[np.inf]]), np.ones(1), np.ones(1))
    assert squares[0] == 0.0
    assert largest[0] == -np.inf


def test_log_sums(rng):
    C, f, g = rng.normal(size=(4, 7)), rng.normal(size=4), rng.normal(size=7)
    C[1, 2:5] = np.inf
    C[3] = np.inf
    for eps in (1e-3, 1.0, 1e3):
        with np.errstate(divide="ignore"):
            expected = logsumexp((f[:, None] + g - C) / eps, axis=1)
        np.testing.assert_allclose(kernels.log_sums(C, f, g, eps), expected, rtol=1e-12)
