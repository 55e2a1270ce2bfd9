"""Registration: what is recovered, what is stated, and what is refused."""

import numpy as np
import pytest
from tests.applications.shapes import knot, leaf, rotation, surface

from quot.applications.motion import Motion, angles, best_motion, cover
from quot.applications.polishing import misfit
from quot.applications.registration import register
from quot.applications.search import Clouds
from quot.exceptions import InvalidProblemError, NotConvergedWarning


def degrees(found, R):
    return float(np.degrees(angles(R.T @ found.rotation)))


@pytest.fixture(scope="module")
def part():
    """A surface, a turned and noisy part of it with outliers, and the motion between them."""
    rng = np.random.default_rng(4)
    X = surface(2500, rng)
    R, t = rotation(3, rng), np.array([3.0, -1.0, 2.0])
    some = X[X[:, 0] < 0.1]
    Y = some @ R.T + t + 0.01 * rng.normal(size=some.shape)
    Y = np.concatenate((Y, rng.uniform(Y.min(axis=0), Y.max(axis=0), size=(100, 3))))
    return X, Y, R, t, register(X, Y)


@pytest.mark.parametrize("scale", [1.0, 2.5])
@pytest.mark.parametrize("shape", ["surface", "knot", "leaf"])
def test_without_noise_the_motion_is_exact(shape, scale, rng):
    X = {"surface": lambda: surface(900, rng), "knot": lambda: knot(500), "leaf": lambda: leaf(300)}
    X = X[shape]()
    d = X.shape[1]
    R, t = rotation(d, rng), rng.normal(size=d)
    Y = scale * X @ R.T + t
    found = register(X, Y[rng.permutation(len(Y))], scale=scale != 1.0)
    np.testing.assert_allclose(found.rotation, R, atol=1e-5)
    np.testing.assert_allclose(found.translation, t, atol=1e-5)
    assert found.scale == pytest.approx(scale, rel=1e-5)
    assert found.converged
    assert np.linalg.det(found.rotation) == pytest.approx(1.0)


def test_a_part_with_noise_and_outliers(part):
    X, _, R, t, found = part
    assert degrees(found, R) < 0.5
    np.testing.assert_allclose(found.moved, X @ R.T + t, atol=0.02)
    assert found.converged
    assert found.result.certificate.scope == "all"
    assert 0.7 < found.overlap < 1.0
    assert found.mass_fraction == pytest.approx(0.9 * found.overlap)
    assert found.error < 0.05
    assert 0.8 < found.misfit < 1.3
    assert found.fits


def test_the_plan_is_the_best_for_the_motion_and_the_motion_for_the_plan(part):
    X, Y, _, _, found = part
    plan, problem = found.result.plan, found.result.problem
    assert found.rows.tolist() == list(range(len(X)))
    np.testing.assert_array_equal(problem.cost.X, found.moved)
    far = ((found.moved[plan.rows] - Y[plan.cols]) ** 2).sum(axis=1)
    assert found.result.cost == pytest.approx(float(plan.values @ far))
    best = best_motion(X[plan.rows], Y[plan.cols], plan.values, scale=False)
    least = float(plan.values @ ((best.transform(X[plan.rows]) - Y[plan.cols]) ** 2).sum(axis=1))
    assert found.history[-1].gain == pytest.approx(found.result.cost - least, abs=1e-12)
    assert found.history[-1].gain <= found.tol * found.result.value


def test_the_order_of_points_does_not_matter(part, rng):
    X, Y, _, _, found = part
    other = register(X[rng.permutation(len(X))], Y[rng.permutation(len(Y))])
    np.testing.assert_allclose(other.matrix, found.matrix, atol=1e-6)
    again = register(X, Y)
    np.testing.assert_array_equal(again.matrix, found.matrix)


def test_two_parts_that_share_half(rng):
    V = surface(4000, rng)
    X, Y = V[V[:, 0] < 0.33], V[V[:, 0] > -0.33]
    R = rotation(3, rng)
    found = register(X, Y @ R.T + 1.0)
    assert degrees(found, R) < 0.5
    assert 0.35 < found.overlap < 0.7


def test_different_samples_of_a_surface(rng):
    R = rotation(3, rng)
    found = register(surface(2000, rng), surface(900, rng) @ R.T)
    assert degrees(found, R) < 1.0
    assert found.overlap > 0.8


def test_mirror_images_are_not_matched(rng):
    X = leaf(300)
    found = register(X, X * [-1.0, 1.0])
    assert np.linalg.det(found.rotation) == pytest.approx(1.0)
    assert found.overlap < 0.9
    X = surface(800, rng)
    with pytest.warns(NotConvergedWarning, match="times as far off each other's surface as off"):
        found = register(X, -X)
    assert np.linalg.det(found.rotation) == pytest.approx(1.0)
    assert found.misfit > 2.0
    assert found.result.converged
    assert not found.fits
    assert not found.converged


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.05])
@pytest.mark.parametrize("unit", [1.0, 1e3])
def test_a_wrong_motion_is_a_misfit_whatever_the_noise(noise, unit, rng):
    """The sheet upon itself, and turned by a half about each axis, where it fits best."""
    X = surface(2500, rng)
    Y = surface(1500, rng)
    Y = unit * (Y + noise * rng.normal(size=Y.shape))
    clouds = Clouds.of(X, Y, scale=False)
    close = 0.2 * unit
    right = misfit(clouds, Motion(np.eye(3), np.zeros(3), unit), close)
    assert right < (1.3 if noise < 0.02 else 1.7)  # of one cloud alone, and of many spacings
    back = Clouds.of(Y, X, scale=False)
    inverse = misfit(back, Motion(np.eye(3), np.zeros(3), 1.0 / unit), 0.2)
    assert inverse == pytest.approx(right, rel=1e-9)
    for signs in ((1, -1, -1), (-1, 1, -1), (-1, -1, 1)):
        turned = Motion(np.diag(np.array(signs, float)), np.zeros(3), unit)
        assert misfit(clouds, turned, close) > 2.0
    away = Motion(np.eye(3), np.full(3, 99.0 * unit), unit)
    assert misfit(clouds, away, close) == np.inf


def test_figures_with_symmetries_have_rivals(rng):
    t = np.linspace(0.0, 2.0 * np.pi, 240, endpoint=False)
    square = np.stack((np.cos(t), np.sin(t)), axis=1)
    square /= np.abs(square).max(axis=1, keepdims=True)
    found = register(square, square + 2.0)
    assert max(fit for _, fit in found.rivals) > 0.95
    ball = rng.normal(size=(600, 3))
    ball /= np.linalg.norm(ball, axis=1, keepdims=True)
    assert register(ball, ball).error < 0.2
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 9)] * 3), axis=-1).reshape(-1, 3)
    assert register(grid, grid + 5.0).error < 0.1


def test_a_plane_in_space_and_a_line_in_the_plane(rng):
    flat = np.pad(leaf(300), ((0, 0), (0, 1)))
    R = rotation(3, rng)
    found = register(flat, flat @ R.T)
    assert np.abs(found.moved - flat @ R.T).max() < 1e-3
    line = np.linspace(0.0, 1.0, 50)[:, None] ** 1.5 * [[1.0, 2.0]]
    R = rotation(2, rng)
    moved = register(line, line @ R.T).moved @ R
    assert np.abs(moved @ [2.0, -1.0]).max() < 1e-6


@pytest.mark.parametrize("case", [3, 4])
def test_very_few_points(case, rng):
    X = rng.normal(size=(case, 3))
    R = rotation(3, rng)
    found = register(X, X @ R.T, mass_fraction=1.0)
    assert np.linalg.det(found.rotation) == pytest.approx(1.0)


@pytest.mark.parametrize("scale", [1.0, 0.4])
@pytest.mark.parametrize("d", [1, 4, 6])
def test_other_dimensions(d, scale, rng):
    """From the axes: the whole is found, with noise, in any order."""
    X = rng.normal(size=(300, d)) * np.linspace(1.0, 2.0, d) + np.linspace(0, 1, 300)[:, None] ** 3
    R, t = rotation(d, rng), rng.normal(size=d)
    R = np.ones((1, 1)) if d == 1 else R
    Y = scale * (X + 0.02 * rng.normal(size=X.shape)) @ R.T + t
    found = register(X, Y[rng.permutation(300)], scale=scale != 1.0)
    np.testing.assert_allclose(found.rotation, R, atol=0.02)
    np.testing.assert_allclose(found.translation, t, atol=0.02)
    assert found.scale == pytest.approx(scale, rel=0.1)  # what is shared is drawn inwards
    assert found.converged
    assert found.starts == min(60, 1 + 2 ** (d - 1))
    far = register(X, 100.0 * rng.normal(size=(40, d)))
    assert np.linalg.det(far.rotation) == pytest.approx(1.0)


def test_a_fraction_that_is_given(part):
    X, Y, R, _, _ = part
    found = register(X, Y, mass_fraction=0.5)
    assert found.mass_fraction == 0.5
    assert degrees(found, R) < 0.5
    small = min(found.result.problem.b.sum(), 1.0)
    assert found.result.plan.total == pytest.approx(0.5 * small)


def test_an_entropic_plan(part):
    X, Y, R, _, _ = part
    found = register(X, Y, regularizer="entropic", max_points=300)
    assert degrees(found, R) < 1.0
    assert found.result.problem.eps > 0.0
    assert found.rows.size == found.cols.size == 300
    assert found.result.plan.shape == (300, 300)


def test_inverse_matrix_and_words(part):
    X, _, _, _, found = part
    np.testing.assert_allclose(found.inverse.transform(found.moved), X, atol=1e-12)
    ones = np.column_stack((X, np.ones(len(X))))
    np.testing.assert_allclose((ones @ found.matrix.T)[:, :3], found.moved, atol=1e-12)
    assert repr(found).startswith("Registration(2500 upon ")
    assert "\n" not in repr(found)
    html = found._repr_html_()
    assert "<caption>Registration</caption>" in html
    assert "% of the smaller cloud" in html
    assert repr(Motion(np.eye(2), np.zeros(2), 2.0)) == "Motion(2-D, 0 degrees, shift 0, scale 2)"
    with pytest.raises(InvalidProblemError, match="have 2 coordinates, and the motion is one in 3"):
        found.transform(np.zeros((4, 2)))


def test_a_cover_is_of_rotations_and_spread(rng):
    for d, far in ((2, 0.1), (3, 0.8)):
        R = cover(100, d, rng)
        np.testing.assert_allclose(
            R @ R.transpose(0, 2, 1), np.broadcast_to(np.eye(d), R.shape), atol=1e-12
        )
        np.testing.assert_allclose(np.linalg.det(R), 1.0)
        other = np.stack([rotation(d, rng) for _ in range(200)])
        nearest = angles(other[:, None].swapaxes(2, 3) @ R[None]).min(axis=1)
        assert nearest.max() < far


def points(*shape):
    return np.random.default_rng(0).normal(size=shape)


@pytest.mark.parametrize(
    ("X", "Y", "options", "message"),
    [
        (np.full((5, 3), np.nan), points(5, 3), {}, r"`X` must be finite; X\[0, 0\] is nan"),
        (points(5, 3), np.full((5, 3), np.inf), {}, "`Y` must be finite"),
        (points(1, 3), points(9, 3), {}, "`X` has 1 point, and a motion in 3-D needs at least 3"),
        (points(9, 3), points(2, 3), {}, "`Y` has 2 points, and a motion in 3-D needs at least 3"),
        (points(9, 3), points(9, 2), {}, "`X` has 3 columns and `Y` has 2; points need one"),
        (points(9, 4) * [1, 1, 0, 0], points(9, 4), {}, "`X` has all its points in 2 of 4 dim"),
        (np.ones((9, 1)), points(9, 1), {}, "`X` has all its points in one place; pass a cloud"),
        (points(9, 1) * [[1.0, 2.0, 3.0]], points(9, 3), {}, "`X` has all its points on one line"),
        (points(9, 2), np.ones((9, 2)), {}, "`Y` has all its points in one place"),
        (points(9, 3), points(9, 3), {"mass_fraction": 0.0}, "no share of the smaller cloud"),
        (points(9, 3), points(9, 3), {"mass_fraction": 1.5}, "no share of the smaller cloud"),
        (points(9, 3), points(9, 3), {"regularizer": "l2"}, "`regularizer` must be one of"),
        (points(9, 3), points(9, 3), {"n_starts": 0}, "`n_starts` must be at least 1"),
        (points(9, 3), points(9, 3), {"max_points": 2}, "`max_points` must be at least 4"),
        (points(9, 3), points(9, 3), {"tol": 0.0}, "`tol` must be positive"),
        (points(9, 3), points(9, 3), {"random_state": -1}, "`random_state` must be at least 0"),
    ],
)  # fmt: skip
def test_what_cannot_be_registered_is_refused(X, Y, options, message):
    with pytest.raises(InvalidProblemError, match=message):
        register(X, Y, **options)
