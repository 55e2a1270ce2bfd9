"""`solve_points` is `solve` on the matrix of costs."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from tests.checks import assert_solved, error_bound
from tests.design import every_two
from tests.strategies import Instance

import quot

METRICS = ["sqeuclidean", "euclidean", "cityblock", "cosine"]


def cloud(rng, n, d, kind):
    X = rng.normal(size=(n, d))
    if kind == "clusters":
        X = X * 0.01 + rng.integers(0, 3, (n, 1)) * 5.0 + 1.0
    if kind == "duplicates":
        X = X[rng.integers(max(n // 3, 1), size=n)]
    if kind == "line":
        X[:, 1:] = 0.0
        X[:, 0] += np.where(X[:, 0] >= 0, 0.1, -0.1)
    if kind == "outlier":
        X[0] += 100.0
    return X


@every_two(
    metric=METRICS,
    kind=["normal", "clusters", "duplicates", "line", "outlier"],
    mass=[None, 0.7],
    reg=[0.0, 1e-3, 1.0],
)
def test_points_are_their_matrix(metric, kind, mass, reg):
    rng = np.random.default_rng(6)
    X, Y = cloud(rng, 31, 2, kind), cloud(rng, 27, 2, "normal") + 0.5
    r = quot.solve_points(X, Y, reg=reg, mass=mass, metric=metric)
    instance = Instance(cdist(X, Y, metric), np.full(31, 1 / 31), np.full(27, 1 / 27), reg, mass)
    dense = quot.solve(*instance.data, **instance.options)
    assert_solved(instance, dense)
    assert r.converged
    assert abs(r.value - dense.value) <= 3e-9 * abs(dense.value) + 1e-13 * np.abs(instance.C).max()
    if reg:
        distance = np.linalg.norm(r.plan.to_dense() - dense.plan.to_dense())
        # The two costs differ by round-off, which moves each plan by that much over reg.
        blur = 1e-14 * np.abs(instance.C).max() * 31 / reg
        assert distance <= 2 * error_bound(instance, dense) + error_bound(instance, r) + blur


@pytest.mark.parametrize("d", [1, 3, 40])
def test_any_dimension(d):
    rng = np.random.default_rng(d)
    X, Y = rng.normal(size=(60, d)), rng.normal(size=(80, d))
    r = quot.solve_points(X, Y, reg=5.0 * d, mass=0.8)
    assert r.converged
    instance = Instance(
        cdist(X, Y, "sqeuclidean"), np.full(60, 1 / 60), np.full(80, 1 / 80), 5.0 * d, 0.8
    )
    assert_solved(instance, r)


def test_a_rigid_motion_changes_nothing():
    rng = np.random.default_rng(1)
    X, Y = rng.normal(size=(50, 3)), rng.normal(size=(40, 3))
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    r = quot.solve_points(X, Y, reg=1.0, mass=0.6)
    s = quot.solve_points(X @ turn + 2.0, Y @ turn + 2.0, reg=1.0, mass=0.6)
    np.testing.assert_allclose(r.value, s.value, rtol=3e-9)


def test_a_cloud_moved_a_little_goes_back_point_by_point():
    rng = np.random.default_rng(2)
    grid = np.stack(np.meshgrid(np.arange(8.0), np.arange(9.0)), axis=-1).reshape(-1, 2)
    order = rng.permutation(72)
    r = quot.solve_points(grid, grid[order] + 0.2)
    assert r.converged
    np.testing.assert_array_equal(order[r.plan.cols], r.plan.rows)
    np.testing.assert_allclose(r.plan.values, 1 / 72, rtol=1e-12)
    np.testing.assert_allclose(r.value, 2 * 0.2**2, rtol=1e-9)


@pytest.mark.parametrize("mass", [None, 0.7])
def test_several_levels(mass):
    """Large enough for the multiscale start; judged by the certificate over all pairs."""
    rng = np.random.default_rng(3)
    X, Y = rng.normal(size=(1500, 2)), 0.7 * rng.normal(size=(1800, 2)) + 1.0
    r = quot.solve_points(X, Y, reg=2.0, mass=mass)
    assert r.converged
    assert r.certificate.pairs == 1500 * 1800
    a, b = np.full(1500, 1 / 1500), np.full(1800, 1 / 1800)
    instance = Instance(cdist(X, Y, "sqeuclidean"), a, b, 2.0, mass)
    assert_solved(instance, r)
