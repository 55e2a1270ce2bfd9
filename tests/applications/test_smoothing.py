"""The guided filter: against its definition, and what it is for."""

import numpy as np
import pytest

from quot.applications.smoothing import smooth_change


def by_definition(change, picture, radius, contrast):
    """Least squares in every window, pixel by pixel, windows cut by repeating the border."""
    guide = np.pad(picture.mean(axis=2), radius, mode="edge")
    values = np.pad(change, radius, mode="edge")
    h, w = change.shape
    slope, offset = np.zeros((h, w)), np.zeros((h, w))
    for i in range(h):
        for j in range(w):
            window = slice(i, i + 2 * radius + 1), slice(j, j + 2 * radius + 1)
            x, y = guide[window].ravel(), values[window].ravel()
            ridge = x.size * contrast**2
            dx = x - x.mean()
            slope[i, j] = dx @ (y - y.mean()) / (dx @ dx + ridge)
            offset[i, j] = y.mean() - slope[i, j] * x.mean()
    out = np.zeros((h, w))
    slope, offset = (np.pad(x, radius, mode="edge") for x in (slope, offset))
    for i in range(h):
        for j in range(w):
            window = slice(i, i + 2 * radius + 1), slice(j, j + 2 * radius + 1)
            out[i, j] = slope[window].mean() * picture[i, j].mean() + offset[window].mean()
    return out


def test_it_is_the_least_squares_fit_in_windows(rng):
    picture, change = rng.random((9, 7, 3)), rng.normal(size=(9, 7, 3))
    found = smooth_change(change, picture, 2)
    for channel in range(3):
        expected = by_definition(change[..., channel], picture, 2, 0.04)
        np.testing.assert_allclose(found[..., channel], expected, atol=1e-12)


def test_radius_zero_changes_nothing(rng):
    change = rng.normal(size=(4, 5, 3))
    assert smooth_change(change, rng.random((4, 5, 3)), 0) is change


def test_a_constant_change_stays(rng):
    change = np.full((20, 30, 3), 0.3)
    np.testing.assert_allclose(smooth_change(change, rng.random((20, 30, 3)), 5), 0.3, atol=1e-12)


@pytest.mark.parametrize("radius", [4, 16])
def test_noise_goes_where_the_picture_is_flat_and_edges_stay(radius, rng):
    picture = np.full((64, 64, 3), 0.2)
    picture[:, 32:] = 0.8
    picture += rng.normal(scale=0.004, size=picture.shape)
    change = np.where(picture > 0.5, -0.4, 0.3) + rng.normal(scale=0.1, size=picture.shape)
    smoothed = smooth_change(change, picture, radius)
    left, right = smoothed[:, :31], smoothed[:, 33:]
    assert left.std() < 0.03
    assert right.std() < 0.03
    assert abs(left.mean() - 0.3) < 0.02
    assert abs(right.mean() + 0.4) < 0.02
