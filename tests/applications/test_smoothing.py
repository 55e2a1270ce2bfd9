"""The filter that stops at edges: what it averages, and what it never does."""

import numpy as np
import pytest

from quot.applications.smoothing import smooth_flat
from quot.applications.spaces import rgb_to_lab


def everywhere(picture):
    return np.ones(picture.shape[:2], dtype=bool)


def test_radius_zero_changes_nothing(rng):
    values = rng.normal(size=(4, 5, 3))
    assert smooth_flat(values, rng.random((4, 5, 3)), everywhere(values), 0) is values


@pytest.mark.parametrize("radius", [3, 8])
def test_a_flat_picture_is_averaged_over_the_radius(radius):
    """A single pixel becomes a bump around it, of this standard deviation and the same sum."""
    values = np.zeros((101, 121, 1))
    values[50, 60] = 1.0
    out = smooth_flat(values, np.full((101, 121, 3), 50.0), everywhere(values), radius)[..., 0]
    rows, cols = np.indices(out.shape)
    assert out.sum() == pytest.approx(1.0, abs=1e-3)
    for place, centre in ((rows, 50), (cols, 60)):
        assert np.sqrt((out * (place - centre) ** 2).sum()) == pytest.approx(radius, rel=0.1)


def test_it_averages(rng):
    picture = rng.uniform(0, 100, (20, 30, 3))
    out = smooth_flat(picture, picture, everywhere(picture), 16)
    assert picture.min() <= out.min() <= out.max() <= picture.max()
    np.testing.assert_allclose(
        smooth_flat(np.full_like(picture, 7.0), picture, everywhere(picture), 5), 7.0
    )


@pytest.mark.parametrize("apart", ["color", "transparency"])
def test_nothing_gets_over_an_edge(apart, rng):
    picture = 50.0 + rng.normal(scale=0.3, size=(40, 40, 3))
    seen = everywhere(picture)
    if apart == "color":
        picture[:, 20:, 1] += 40.0
    else:
        seen[:, 20:] = False
    values = rng.normal(size=(40, 40, 2))
    other = values.copy()
    other[:, 20:] += 100.0
    before, after = (smooth_flat(x, picture, seen, 16) for x in (values, other))
    np.testing.assert_allclose(after[:, :20], before[:, :20], atol=1e-4)
    np.testing.assert_allclose(after[:, 20:], before[:, 20:] + 100.0, atol=1e-4)


@pytest.mark.parametrize("radius", [4, 16])
def test_noise_goes_where_the_picture_is_flat(radius, rng):
    rgb = np.full((64, 64, 3), 0.2)
    rgb[:, 32:] = 0.8
    lab = rgb_to_lab(rgb + rng.normal(scale=0.004, size=rgb.shape))
    out = smooth_flat(lab, lab, everywhere(lab), radius)
    for half in (slice(32), slice(32, 64)):
        assert out[:, half].std(axis=(0, 1)).max() < 0.3 * lab[:, half].std(axis=(0, 1)).max()
