"""Our own exponential against that of NumPy in more digits; passes against dense formulas."""

import numpy as np
import pytest
from scipy.special import logsumexp

from quot.kernels import gibbs


def kernel(C, f, v, T):
    X = np.empty(C.shape)
    gibbs.exponentials(C, f, v, T, X)
    return X


def test_exponentials_to_fourteen_digits(rng):
    y = np.concatenate((rng.uniform(-699, 699, 4000), rng.uniform(-1, 1, 4000), [0.0, -0.0, 699.0]))
    found = kernel(-y[None, :], np.zeros(1), np.zeros(y.size), 1.0)[0]
    exact = np.exp(y.astype(np.longdouble))
    assert np.abs(found / exact - 1).max() < 2e-14
    assert found[-3] == found[-2] == 1.0


def test_what_is_out_of_range_and_what_is_forbidden():
    C = np.array([[np.inf, 701.0, 1e300, -701.0, -1e300]])
    found = kernel(C, np.zeros(1), np.zeros(5), 1.0)[0]
    assert found[:3].tolist() == [0.0, 0.0, 0.0]
    assert np.isfinite(found).all()
    assert (found[3:] > 1e300).all()


@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (30, 64)])
def test_passes(rng, shape):
    n, m = shape
    C, f, v = rng.random(shape), rng.random(n), rng.random(m)
    X = kernel(C, f, v, 0.3)
    found, a = np.empty(n), 10.0 ** rng.uniform(-12, 0, n)
    gibbs.row_prices(C, v, a, 1e-3, found)
    exact = 1e-3 * (np.log(a) - logsumexp((v - C) / 1e-3, axis=1))
    np.testing.assert_allclose(found, exact, atol=1e-14)

    w, target, most = rng.random(m), rng.random(n), np.where(rng.random(n) < 0.5, 1e-2, np.inf)
    u, got = np.empty(n), np.empty(m)
    total = gibbs.balance(X, w, target, most, u, got)
    np.testing.assert_allclose(u, np.minimum(target / (X @ w), most))
    P = u[:, None] * X * w
    np.testing.assert_allclose(got, P.sum(axis=0))
    assert total == pytest.approx(P.sum())

    share, p, y = np.where(rng.random(n) < 0.7, 1 / P.sum(axis=1), 0.0), rng.random(m), np.empty(m)
    gibbs.spread(X, u, w, share, p, y)
    H = np.diag(P.sum(axis=0)) - P.T @ np.diag(share) @ P
    np.testing.assert_allclose(y, H @ p, atol=1e-12)

    rows, cols = P.sum(axis=1), P.sum(axis=0)
    i, j, entry = gibbs.large(X, u, w, rows, cols, 0.1, n * m)
    large = np.minimum(0.1 * rows[:, None], 0.1 * cols) < P
    np.testing.assert_array_equal(np.transpose((i, j)), np.argwhere(large))
    np.testing.assert_allclose(entry, P[large])
    if large.sum() > 1:
        assert gibbs.large(X, u, w, rows, cols, 0.1, int(large.sum()) - 1)[0].size == 0


def test_what_all_prices_have_in_common_drops_out(rng):
    """``D p - P' (P p / r)`` would leave the rounding of large sums."""
    X, p, y = rng.random((8, 8)), np.full(8, 1e8), np.empty(8)
    X /= X.sum(axis=1, keepdims=True)
    gibbs.spread(X, np.ones(8), np.ones(8), np.ones(8), p, y)
    assert np.abs(y).max() <= 1e-16 * 8 * 1e8
