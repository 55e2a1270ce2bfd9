"""Dense rounding into the feasible set (T5), and where the naive one fails (T6)."""

import numpy as np
import pytest

import quot
from quot.entropic.rounding import round_dense, round_pot

SHARES = [0.0, 1e-9, 0.3, 0.999, 1.0]


def masses(rng, size):
    """Over eight decades, a third of them zero but for the first."""
    x = 10.0 ** rng.uniform(-8, 0, size) * (rng.random(size) < 0.7)
    x[0] = 1.0
    return x


def rough(rng, share):
    """A plan with any marginals and many zeros, masses, and what is to move."""
    n, m = rng.integers(1, 12, 2)
    a, b = masses(rng, n), masses(rng, m)
    X = 10.0 ** rng.uniform(-10, 1, (n, m)) * (rng.random((n, m)) < 0.5)
    return X, a, b, share * min(a.sum(), b.sum())


def check_feasible(P, a, b, mass):
    unit = 1e-12 * max(a.max(), b.max())
    assert P.min() >= 0.0
    assert (P.sum(axis=1) <= a + unit).all()
    assert (P.sum(axis=0) <= b + unit).all()
    assert abs(P.sum() - mass) <= unit


@pytest.mark.parametrize("share", SHARES)
def test_round_dense_is_exact_and_near(rng, share):
    for _ in range(40):
        X, a, b, mass = rough(rng, share)
        P = round_dense(X, a, b, mass)
        check_feasible(P, a, b, mass)
        over = np.maximum(X.sum(axis=1) - a, 0).sum() + np.maximum(X.sum(axis=0) - b, 0).sum()
        assert np.abs(P - X).sum() <= 2 * over + abs(X.sum() - mass) + 1e-12 * (1 + X.sum())


@pytest.mark.parametrize("share", SHARES)
def test_round_pot_is_exact_and_near(rng, share):
    for _ in range(40):
        X, a, b, mass = rough(rng, share)
        p, q = rng.random(a.size) * a * 1.5, rng.random(b.size) * b * rng.integers(0, 2)
        P = round_pot(X, p, q, a, b, mass)
        check_feasible(P, a, b, mass)
        off = np.abs(X.sum(axis=1) + p - a).sum() + np.abs(X.sum(axis=0) + q - b).sum()
        off += abs(X.sum() - mass)
        assert np.abs(P - X).sum() <= 23 * off + 1e-12


def test_what_is_feasible_stays(rng):
    P = rng.random((5, 7))
    a, b = P.sum(axis=1) + rng.random(5), P.sum(axis=0)
    b[3] += a.sum() - b.sum()
    np.testing.assert_allclose(round_dense(P, a, b, P.sum()), P, rtol=1e-13)
    p, q = a - P.sum(axis=1), b - P.sum(axis=0)
    np.testing.assert_allclose(round_pot(P, p, q, a, b, P.sum()), P, rtol=1e-12)


def altschuler(X, a, b):
    """The rounding for balanced problems."""
    X = X * np.minimum(a / X.sum(axis=1), 1.0)[:, None]
    X = X * np.minimum(b / X.sum(axis=0), 1.0)
    left_a, left_b = a - X.sum(axis=1), b - X.sum(axis=0)
    return X + np.outer(left_a, left_b) / left_a.sum()


@pytest.mark.parametrize(
    ("eps", "corner", "steps", "least"), [(1.0, 1.1, 500, 1e-2), (0.1, 10.0, 10, 1e-6)]
)
def test_the_naive_rounding_moves_too_much_by_the_corner(rng, eps, corner, steps, least):
    """Of the entropy where it is warm; else of the rounding itself, if all rows miss something."""
    n, m, mass = 20, 30, 0.6
    C, a, b = rng.random((n, m)), rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(m))
    wide = np.zeros((n + 1, m + 1))
    wide[:n, :m], wide[n, m] = C, corner
    more_a, more_b = np.append(a, 1.0 - mass), np.append(b, 1.0 - mass)
    K, v = np.exp(-wide / eps), np.ones(m + 1)
    for _ in range(steps):
        u = more_a / (K @ v)
        v = more_b / (K.T @ u)
    u *= 1.0 - 1e-2 * rng.random(n + 1)  # as if it had ended early
    rounded = altschuler(u[:, None] * K * v, more_a, more_b)
    naive = rounded[:n, :m]
    assert (naive.sum(axis=1) <= a + 1e-14).all()
    assert (naive.sum(axis=0) <= b + 1e-14).all()
    assert rounded[n, m] > least
    assert naive.sum() - mass == pytest.approx(rounded[n, m], rel=1e-9)
    X = (u[:, None] * K * v)[:n, :m]
    check_feasible(round_dense(X, a, b, mass), a, b, mass)
    p, q = (u[:, None] * K * v)[:n, m], (u[:, None] * K * v)[n, :m]
    check_feasible(round_pot(X, p, q, a, b, mass), a, b, mass)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": [[1.0, -2.0]]}, r"`X` must not be negative; X\[0, 1\] is -2"),
        ({"a": [1.0, 2.0]}, "`a` has 2 entries, but `X` has 1 rows"),
        ({"b": [1.0]}, "`b` has 1 entries, but `X` has 2 columns"),
        ({"b": [1.0, -1.0]}, r"`b` must not be negative; b\[1\] is -1"),
        ({"mass": 2.0}, "exceeds"),
        ({"mass": None}, "`mass` must be a number"),
    ],
)
def test_bad_input(change, message):
    given = {"X": [[1.0, 0.0]], "a": [1.0], "b": [0.5, 0.5], "mass": 1.0, **change}
    with pytest.raises(quot.InvalidProblemError, match=message):
        round_dense(**given)
    with pytest.raises(quot.InvalidProblemError, match=message):
        round_pot(p=[0.0], q=[0.0, 0.0], **given)
