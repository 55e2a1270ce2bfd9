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


@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (30, 200)])
@pytest.mark.parametrize("T", [0.3, 1e-3])
@pytest.mark.parametrize("highest", [np.inf, 0.0])
def test_rows_answer(rng, shape, T, highest):
    """From anywhere: near, far, or where nothing is known."""
    n, m = shape
    C, v, a = rng.random(shape), rng.random(m), 10.0 ** rng.uniform(-12, 0, n)
    exact = np.minimum(T * (np.log(a) - logsumexp((v - C) / T, axis=1)), highest)
    P = np.exp((exact[:, None] + v - C) / T)
    for start in (exact + 0.1 * T, exact - 1e4 * T, exact + 1e4 * T, -np.inf, np.nan):
        f, sent, got = np.full(n, start), np.empty(n), np.ones(m)
        X = np.empty(shape, np.float32)
        gibbs.answer(C, v, a, highest, T, f, sent, got, X)
        np.testing.assert_allclose(X, P / a[:, None], rtol=1e-6, atol=1e-37)
        np.testing.assert_allclose(f, exact, atol=1e-14)
        np.testing.assert_allclose(sent, P.sum(axis=1), rtol=1e-11)
        np.testing.assert_allclose(got, 1.0 + P.sum(axis=0), rtol=1e-11)


def test_a_row_of_forbidden_pairs_sends_nothing():
    C = np.array([[np.inf, np.inf], [0.0, np.inf]])
    f, sent, got = np.zeros(2), np.empty(2), np.zeros(2)
    gibbs.answer(C, np.zeros(2), np.ones(2), 0.0, 1.0, f, sent, got, np.empty((2, 0), np.float32))
    assert f.tolist() == [0.0, 0.0]
    assert sent.tolist() == [0.0, 1.0]
    assert got[0] == 1.0
    assert got[1] < 1e-300


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (30, 64)])
def test_products(rng, shape, dtype):
    n, m = shape
    X, u, w = rng.random(shape).astype(dtype), rng.random(n), rng.random(m)
    P = u[:, None] * X * w
    share, p = np.where(rng.random(n) < 0.7, 1 / P.sum(axis=1), 0.0), rng.random(m)
    H = np.diag(P.sum(axis=0)) - P.T @ np.diag(share) @ P
    y = np.zeros(m)
    gibbs.spread(X, u, share, w * p, p, y)
    np.testing.assert_allclose(w * y, H @ p, atol=1e-12)

    i, j = np.nonzero(P)
    y = np.zeros(m)
    start = np.searchsorted(i, np.arange(n + 1))
    gibbs.spread_entries(start, j.astype(np.int32), P[i, j], share, p, y)
    np.testing.assert_allclose(y, H @ p, atol=1e-12)


@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (30, 200)])
def test_large_entries(rng, shape):
    n, m = shape
    C, f, v = rng.random(shape), rng.random(n), rng.random(m)
    P = kernel(C, f, v, 0.1)
    rows, cols = 0.1 * P.sum(axis=1), 0.1 * P.sum(axis=0)
    large = np.minimum(rows[:, None], cols) < P
    levels = np.log(rows), np.log(cols)
    i, j, entry = gibbs.entries(C, f, v, 0.1, *levels, n * m)
    np.testing.assert_array_equal(np.transpose((i, j)), np.argwhere(large))
    np.testing.assert_allclose(entry, P[large])
    assert gibbs.count(C, f, v, 0.1, *levels) == large.sum()
    if large.sum() > 1:
        assert gibbs.entries(C, f, v, 0.1, *levels, int(large.sum()) - 1)[0].size == 0


def test_sums_over_a_plan(rng):
    C, f, g, u, w = rng.normal(size=(6, 9)), rng.random(6), rng.random(9), rng.random(6), np.ones(9)
    P = np.exp(u)[:, None] * kernel(C, f, g, 0.5)
    C[2, 3], P[2, 3] = np.inf, 0.0
    found = gibbs.totals(P, C, C, f, g, u, np.log(w), 0.5)
    P, C = P[P > 0.0], C[P > 0.0]
    exact = [C * P, np.abs(C) * P, P * (np.log(P) - 1), np.abs(P * (np.log(P) - 1))]
    np.testing.assert_allclose(found, [k.sum() for k in exact])


def test_what_all_prices_have_in_common_drops_out(rng):
    """``D p - P' (P p / r)`` would leave the rounding of large sums."""
    X, p, y = rng.random((8, 8)), np.full(8, 1e8), np.zeros(8)
    X /= X.sum(axis=1, keepdims=True)
    gibbs.spread(X, np.ones(8), np.ones(8), p, p, y)
    assert np.abs(y).max() <= 1e-16 * 8 * 1e8
