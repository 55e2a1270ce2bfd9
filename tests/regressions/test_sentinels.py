"""Costs that stand for 'never' and carry nothing: neither plan nor verdict depends on them.

A gap was relative to a thousandth of the median cost, and excused by round-off of the largest
potential: where more than half of the costs were sentinels, plans many times too dear were optimal.
"""

import numpy as np
import pytest
import scipy.sparse as sp
from tests.oracles.linear import solve_linear

import quot

FAR = [1e3, 1e6, 1e9, 1e12, 1e15, 1e60, 1e150, 1e300]


def example():
    rng = np.random.default_rng(0)
    C = rng.integers(0, 20, (12, 12)).astype(float)
    usable = rng.random((12, 12)) < 0.4
    np.fill_diagonal(usable, True)
    return C, usable


@pytest.mark.parametrize("far", FAR)
@pytest.mark.parametrize("mass", [None, 0.75])
def test_dense(far, mass):
    C, usable = example()
    a = np.full(12, 1 / 12)
    best, _ = solve_linear(np.where(usable, C, 1e3), a, a, mass)
    r = quot.solve(np.where(usable, C, far), mass=mass)
    assert r.converged
    assert r.value == pytest.approx(best, rel=1e-9)
    if mass is not None:
        assert r.value == pytest.approx(2.9166666666666667, rel=1e-12)
    assert r.certificate.scale == pytest.approx(best)


@pytest.mark.parametrize("far", FAR)
@pytest.mark.parametrize("mass", [None, 0.75])
def test_sparse(far, mass):
    """Half of the pairs that are not usable are forbidden, the others cost far too much."""
    C, usable = example()
    allowed = usable | (np.random.default_rng(1).random(C.shape) < 0.5)
    a = np.full(12, 1 / 12)
    best, _ = solve_linear(np.where(usable, C, 1e3), a, a, mass)
    rows, cols = np.nonzero(allowed)
    pairs = sp.coo_array((np.where(usable, C, far)[allowed], (rows, cols)), C.shape)
    r = quot.solve(pairs, mass=mass)
    assert r.converged
    assert r.value == pytest.approx(best, rel=1e-9)


@pytest.mark.parametrize("far", FAR)
@pytest.mark.parametrize("mass", [None, 0.75])
def test_graph(far, mass):
    """A ring whose chords are far too long."""
    n = 16
    rng = np.random.default_rng(2)
    ring = [[k, (k + 1) % n] for k in range(n)]
    chords = [[i, j] for i in range(n) for j in range(i + 2, n) if (i, j) != (0, n - 1)]
    lengths = np.append(rng.integers(1, 9, n), np.full(len(chords), far))
    source, target = rng.dirichlet(np.ones(n), 2)
    r = quot.solve_graph(quot.Graph(n, ring + chords, lengths), source, target, mass=mass)
    assert r.converged
    D = np.abs(np.subtract.outer(*(np.append(0, np.cumsum(lengths[: n - 1])),) * 2))
    D = np.minimum(D, lengths[:n].sum() - D)
    best, _ = solve_linear(D, source, target, mass)
    assert r.value == pytest.approx(best, rel=1e-9)


@pytest.mark.parametrize("far", [1e3, 1e6, 1e12, 1e60, 1e100])
def test_points(far):
    """Points that keep their mass may be anywhere."""
    rng = np.random.default_rng(3)
    X, Y = rng.normal(size=(20, 2)), rng.normal(size=(8, 2))
    X[12:] *= far / np.linalg.norm(X[12:], axis=1, keepdims=True)
    a, b = np.full(20, 1 / 12), np.full(8, 1 / 8)
    D = ((X[:12, None] - Y) ** 2).sum(axis=2)
    best, _ = solve_linear(D, a[:12], b, 0.9)
    r = quot.solve_points(X, Y, a, b, mass=0.9)
    assert r.converged
    assert r.value == pytest.approx(best, rel=1e-9)
    assert r.plan.row_sums()[12:].sum() == 0.0


@pytest.mark.parametrize("far", [1e3, 1e15, 1e288])
@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_verdict_on_a_wrong_plan(far, scale):
    """What the old one called optimal is not, at any scale."""
    C, usable = example()
    problem = quot.Problem(scale * np.where(usable, C, far))
    wrong = quot.Plan.from_dense(np.eye(12) / 12)
    best = quot.solve(scale * np.where(usable, C, 1e3))
    c = quot.certify(problem, wrong, best.f, best.g)
    assert c.upper > 1.5 * best.value
    assert c.relative_gap > 0.3
    assert not c.holds(quot.Tolerance())


@pytest.mark.parametrize("size", [1.0, 1e12, 1e-12])
@pytest.mark.parametrize("noise", [0.0, 1e-6])
@pytest.mark.parametrize("mass", [None, 0.7])
def test_clouds_that_coincide_or_nearly(size, noise, mass):
    """Their value is nothing, or 10^-12 of a typical cost, and they are certified without that."""
    rng = np.random.default_rng(4)
    X, w = rng.normal(size=(40, 2)), rng.dirichlet(np.ones(40))
    Y = X + noise * rng.normal(size=X.shape)
    for a in (np.full(40, 1 / 40), w):
        r = quot.solve(size * ((X[:, None] - Y) ** 2).sum(axis=2), a, a, mass=mass)
        assert r.converged
        assert r.certificate.relative_gap <= 1e-9
        points = quot.solve_points(X, Y, a, a, mass=mass)
        assert points.converged
        assert size * points.value == pytest.approx(r.value, rel=1e-9)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_constant_and_negative_costs(sign):
    rng = np.random.default_rng(5)
    assert quot.solve(np.full((5, 7), 3.0 * sign)).value == pytest.approx(3.0 * sign)
    C = sign * rng.random((9, 9))
    r = quot.solve(np.where(rng.random((9, 9)) < 0.3, 1e200, C), mass=0.5)
    assert r.converged


def test_potentials_where_nobody_has_mass():
    """They differ by what is far too dear; its rounding violates no pair."""
    C = np.array([[1.0, 2.0, 1e77], [3.0, 1.0, 1e92], [1e80, 1e60, 1e76]])
    r = quot.solve(C, [0.5, 0.5, 0.0], [0.5, 0.5, 0.0], reg=1.0)
    assert r.converged
    assert (r.f[:, None] + r.g - C)[2].max() <= 0.0
    assert (r.f[:, None] + r.g - C)[:, 2].max() <= 0.0


def test_mass_that_the_total_does_not_notice():
    """A row of 1e-116 was sent at 1e150, since the column of mass 1 was to get all there is."""
    C = [[0.0], [0.0], [1e150]]
    r = quot.solve(C, [1.0, 1e-24, 1e-116], [1.0], mass=1.0)
    assert r.converged
    assert r.value == 0.0


def test_prices_where_a_little_cannot_be_moved():
    """Those of pairs that are not there went up to 1e300, and over it in the unit of the others."""
    pairs = sp.csr_array(([1e172, 1.0, 1e172], ([0, 0, 1], [0, 1, 1])), shape=(2, 2))
    with pytest.warns(quot.NotConvergedWarning):
        r = quot.solve(pairs, [1.0, 5e-14], [1.0 + 5e-14, 1e-27])
    assert np.abs(r.f).max() <= 1e180
    assert np.abs(r.g).max() <= 1e180


def test_a_price_of_all_mass_cancels_on_the_side_where_it_does():
    """Added to potentials that were small it made them large, and those of the others, too."""
    r = quot.solve([[1.0, 1e12], [1.0, 1e12]], [0.5, 0.5], [1.0 - 1e-12, 1e-12], mass=1.0)
    assert r.lam > 1e11
    assert r.converged


@pytest.mark.parametrize("cost", [1e-40, 1.0, 1e20, 1e55])
def test_allowed_pairs_of_one_large_cost(cost):
    """A forbidden pair was taken to cost one unit in 10^16 more, which is next to nothing."""
    C = sp.csr_array(cost * np.array([[1, 1, 1], [1, 1, 1], [1, 0, 0], [1, 0, 1]]))
    a, b = np.array([4.6e-3, 4e-12, 1.4e-9, 5.7e-4]), np.array([2e-3, 2e-3, 0.0])
    b[2] = a.sum() - b.sum()
    r = quot.solve(C, a, b)
    assert r.converged
    assert r.value == pytest.approx(cost * a.sum(), rel=1e-12)
