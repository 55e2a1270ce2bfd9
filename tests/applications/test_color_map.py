"""The map of colours: it stays among the colours that were sent, and goes by colour alone."""

import numpy as np
import pytest
from tests.design import every_two

import quot
from quot.applications.color import match_colors, match_samples
from quot.applications.spaces import SPACES, from_space, lab_to_rgb, rgb_to_lab, to_space

# Red, green and blue, their opposites, each against the others, and each against one other.
WAYS = np.array([
    (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, -0.5, -0.5), (-0.5, 1, -0.5), (-0.5, -0.5, 1),
    (1, -1, 0), (0, 1, -1), (1, 0, -1), (1, 1, 1),
])  # fmt: skip
WAYS = np.concatenate((WAYS, -WAYS)).T


def levels(image):
    return image[..., :3].reshape(-1, 3).astype(float)


def crowds(rng, centres, shape, spread=12.0):
    """A picture of patches around these colours, as noisy as photographs are."""
    height, width = shape
    patch = (np.indices(shape)[0] * 3 // height + np.indices(shape)[1] * 5 // width) % len(centres)
    noisy = np.array(centres, float)[patch] + rng.normal(scale=spread, size=(*shape, 3))
    return np.clip(noisy, 0, 255).astype(np.uint8)


@pytest.fixture
def cup_and_cat(rng):
    """Red and white on dark brown, and greys and browns with a little green."""
    cup = crowds(rng, [(190, 40, 10), (240, 230, 220), (60, 40, 30), (180, 110, 60)], (60, 80))
    cat = crowds(rng, [(140, 120, 110), (90, 70, 60), (200, 190, 190), (130, 140, 60)], (50, 70))
    return cup, cat


@every_two(space=["lab", "rgb"], smooth=[0, 16], mass=[None, 0.6, 1.0], colors=[64, None])
def test_no_color_is_further_out_than_its_own_and_those_sent(
    cup_and_cat, space, smooth, mass, colors
):
    """In no direction, and for no pixel: smoothing over edges made some greener than either."""
    options = {"space": space, "smooth": smooth, "mass": mass, "colors": colors}
    cup, cat = cup_and_cat
    outcome = quot.recolor(cup, cat, **options)
    assert outcome.result.converged
    most = np.maximum(levels(cup) @ WAYS, (levels(cat) @ WAYS).max(axis=0))
    assert (levels(outcome.image) @ WAYS - most).max() <= 1.0  # rounding of three channels


def test_a_pixel_goes_by_its_own_color(rng):
    """Beside an edge as far from it, whatever is beyond the edge."""
    source = crowds(rng, [(190, 40, 10)], (40, 60), 1.0)
    source[:, 30:] = crowds(rng, [(90, 90, 100)], (40, 30), 1.0)
    reference = crowds(rng, [(20, 120, 60), (200, 200, 90)], (40, 60))
    image = quot.recolor(source, reference, mass=1.0).image.astype(float)
    for inside, near in ((slice(5, 20), slice(28, 30)), (slice(40, 55), slice(30, 32))):
        far = image[:, inside].mean(axis=(0, 1))
        np.testing.assert_allclose(image[:, near].mean(axis=(0, 1)), far, atol=2.0)


def test_a_steep_map_makes_no_blocks_of_noise(rng):
    """A nearly flat sky that goes to two colours: the noise does not decide which."""
    sky = 200.0 + np.linspace(0, 12, 160)[None, :, None] + rng.normal(scale=1.0, size=(80, 160, 3))
    reference = crowds(rng, [(20, 60, 70), (240, 170, 110)], (80, 160))
    image = quot.recolor(sky.astype(np.uint8), reference, mass=1.0).image.astype(float)
    assert image[:, -10:].mean() - image[:, :10].mean() > 30.0  # it does go to both
    means = image.mean(axis=0)
    assert (image - means).std() < 3.0
    assert np.abs(np.diff(means, axis=0)).max() < 6.0


@pytest.mark.parametrize("redness", [5.0, 10.0, 20.0])
@pytest.mark.parametrize("smooth", [0, 16])
def test_colors_led_beyond_those_sent_keep_their_order(redness, smooth, rng):
    """More or less red and of any lightness, by greys, which have no room for red.

    Taken back towards the middle of what is sent they became as light as that is, the more so the
    redder they are: thin contours were seen in skies.
    """
    light, red = rng.normal(size=(2, 40, 60))
    ramp = 30.0 + 40.0 * np.linspace(0, 1, 60) + 4.0 * light
    lab = np.stack((ramp, 20.0 + redness * red, np.full_like(red, 10.0)), axis=-1)
    source = np.rint(255 * np.clip(lab_to_rgb(lab), 0, 1)).astype(np.uint8)
    grey = rng.integers(60, 200, (40, 60), dtype=np.uint8)
    image = quot.recolor(source, grey, mass=1.0, smooth=smooth).image
    before, after = (np.diff(rgb_to_lab(x / 255.0)[..., 0], axis=1) for x in (source, image))
    assert not ((before * after < 0) & (abs(before) > 2.0)).any()
    assert np.polyfit(before.ravel(), after.ravel(), 1)[0] > 1.0  # to 55 of lightness, from 40


@pytest.mark.parametrize("seed", range(3))
def test_the_many_pixels_of_one_color_do_not_overrule_the_others(seed):
    """Greys before black, by a night sky: the dark ones became lighter than those of middle grey.

    They are to be darker than all that is lighter, but for a few levels.
    """
    rng = np.random.default_rng(seed)
    black, greys = rng.integers(0, 6, (4000, 3)), rng.integers(0, 256, (500, 1))
    night, stars = rng.integers(2, 12, (4365, 3)), rng.integers(12, 256, (135, 1))
    one, two = (
        np.concatenate((dark, np.repeat(light, 3, axis=1))).astype(np.uint8)
        for dark, light in ((black, greys), (night, stars))
    )
    ramp = np.linspace(0, 1, 101)[:, None] * np.ones(3)
    levels = 255 * match_colors(one, two, mass=1.0)(ramp).mean(axis=1)
    assert (np.maximum.accumulate(levels) - levels).max() < 8.0
    assert levels[-1] > 150.0


def test_the_same_pixels_by_themselves(cup_and_cat):
    """Without pictures: any colours of either side, and then any others."""
    cup, cat = cup_and_cat
    pixels = [image.reshape(-1, 3) for image in cup_and_cat]
    options = {"mass": 0.8, "colors": 32, "random_state": 5}
    colors = match_colors(*pixels, **options)
    whole = quot.recolor(cup, cat, smooth=0, **options)
    found = np.rint(255 * colors(pixels[0])).reshape(cup.shape)
    np.testing.assert_array_equal(found, whole.image)
    order = np.random.default_rng(0).permutation(len(pixels[0]))
    again = match_colors(pixels[0][order] / 255.0, pixels[1], **options)
    np.testing.assert_allclose(again(pixels[0]), colors(pixels[0]), atol=1e-12)
    assert colors.moved.shape == (32, 3)


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.zeros((4, 4, 3)), r"`source` has shape \(4, 4, 3\); pass colours of shape \(n, 3\)"),
        (np.zeros((0, 3)), r"`source` has shape \(0, 3\); pass colours"),
        (np.full((4, 3), 7.0), "`source` has float64 values from 7 to 7, and floats must be from"),
        (np.full((4, 3), np.nan), "`source` has float64 values from nan to nan"),
    ],
    ids=["picture", "nothing", "levels", "nan"],
)
def test_pixels_that_are_no_colors(pixels, message):
    with pytest.raises(quot.InvalidProblemError, match=message):
        match_colors(pixels, np.zeros((2, 3)))


@pytest.mark.parametrize("space", SPACES)
def test_every_space_there_and_back(space, rng):
    rgb = np.concatenate((rng.random((200, 3)), np.zeros((1, 3)), np.ones((1, 3))))
    np.testing.assert_allclose(from_space(to_space(rgb, space), space), rgb, atol=1e-6)


def test_chromaticity_keeps_how_bright_each_pixel_is(cup_and_cat):
    cup, cat = cup_and_cat
    cup[0, 0] = 0
    outcome = quot.recolor(cup, cat, space="chromaticity", mass=1.0, smooth=0)
    assert not outcome.image[0, 0].any()
    change = outcome.image.sum(axis=2, dtype=int) - cup.sum(axis=2, dtype=int)
    assert np.abs(change).max() <= 2
    assert np.abs(outcome.image.astype(int) - cup).mean() > 10
    # as the document prints it: L = R + G + B, U = G / L, V = B / L
    np.testing.assert_allclose(
        to_space(np.array([[0.2, 0.5, 0.3]]), "chromaticity"), [[0.5, 0.3, 1]]
    )


def test_colors_of_one_hue_at_the_end_of_the_range_move(rng):
    """Red to blue, where what is sent has no room on any side, and own values are 0."""
    red, blue = np.zeros((2, 8, 9, 3), np.uint8)
    red[..., 0], blue[..., 2] = rng.integers(200, 255, (2, 8, 9))
    for space in ("lab", "rgb"):
        image = quot.recolor(red, blue, mass=1.0, space=space).image
        assert image[..., :2].max() <= 1
        assert image[..., 2].min() >= 195


# --- how much moves ---------------------------------------------------------------------------


def test_the_mass_is_the_knee_of_the_price(rng):
    """Four fifths of the pixels have near colours in the reference, the others are far from all."""
    near = [(120, 110, 100), (150, 140, 130), (90, 80, 80), (60, 60, 60)]
    source = crowds(rng, [*near, (20, 240, 20)], (60, 50), 6.0)
    reference = crowds(rng, np.array(near) + 5, (60, 60), 6.0)
    green = (source[..., 1] > 200).mean()
    outcome = quot.recolor(source, reference)
    assert outcome.map.knee == pytest.approx(1.0 - green, abs=0.04)
    assert outcome.result.plan.total == pytest.approx(outcome.map.knee, rel=1e-9)
    assert outcome.summary()["knee"] == outcome.map.knee
    stay = np.abs(outcome.image.astype(int) - source)[source[..., 1] > 200]
    assert stay.mean() < 12.0
    assert quot.recolor(source, reference, mass=0.7).map.knee is None


def test_the_knee_is_at_least_half(rng):
    noise = rng.integers(0, 255, (2, 30, 30, 3), dtype=np.uint8)
    assert 0.5 <= quot.recolor(noise[0], noise[1] // 4).map.knee <= 1.0


# --- small and plain pictures -----------------------------------------------------------------

ONE = np.array([[[200, 30, 40]]], np.uint8)


@pytest.mark.parametrize("colors", [256, None])
@pytest.mark.parametrize("space", SPACES)
def test_pictures_of_one_color(space, colors, cup_and_cat):
    other = np.full((3, 4, 3), (100, 110, 180), np.uint8)
    options = {"space": space, "colors": colors}
    np.testing.assert_array_equal(quot.recolor(ONE, ONE, **options).image, ONE)
    image = quot.recolor(ONE, other, **options).image
    bright = 270 / 390 if space == "chromaticity" else 1.0
    np.testing.assert_allclose(image[0, 0], bright * other[0, 0], atol=1)
    if space != "chromaticity":
        image = quot.recolor(cup_and_cat[0], other, mass=1.0, space=space).image
        np.testing.assert_allclose(levels(image), np.tile((100, 110, 180), (4800, 1)), atol=1)


@pytest.mark.parametrize("space", ["lab", "rgb"])
def test_grey_stays_grey(space):
    ramp = np.linspace(0, 1, 128)[None].repeat(4, axis=0)
    for smooth, near in ((0, 9), (16, 20)):
        outcome = quot.recolor(ramp, ramp**2, space=space, mass=1.0, smooth=smooth)
        image = outcome.image.astype(int)
        assert np.ptp(image, axis=2).max() <= 1
        assert np.abs(image[2, 4:-4, 0] - 255 * ramp[2, 4:-4] ** 2).max() < near


def test_grey_has_one_chromaticity(cup_and_cat):
    """That of all greys but for round-off; black is black in any."""
    ramp = np.linspace(0, 1, 64)[None].repeat(8, axis=0)
    image = quot.recolor(ramp, cup_and_cat[0], space="chromaticity").image.astype(int)
    assert not image[:, 0].any()
    assert np.abs(image.sum(axis=2) - 3 * np.rint(255 * ramp)).max() <= 2
    assert (image[:, 5:-5, 0] > image[:, 5:-5, 2]).all()  # warm, as the cup is
    image = quot.recolor(cup_and_cat[0], ramp, space="chromaticity", mass=1.0).image.astype(int)
    assert np.ptp(image, axis=2).max() <= 1


@pytest.mark.parametrize("colors", [64, None])
def test_equal_pictures_stay_as_they_are(colors, cup_and_cat):
    outcome = quot.recolor(cup_and_cat[0], cup_and_cat[0].copy(), colors=colors)
    change = np.abs(outcome.image.astype(int) - cup_and_cat[0])
    assert outcome.map.knee == 1.0
    assert change.mean() < 3.0


def test_all_colors_are_matched(cup_and_cat):
    cup, cat = cup_and_cat
    outcome = quot.recolor(cup, cat, colors=None)
    assert outcome.source.size == len(np.unique(levels(cup), axis=0))
    assert outcome.result.converged
    coarse = quot.recolor(cup, cat, mass=outcome.map.knee)
    assert np.abs(outcome.image.astype(int) - coarse.image).mean() < 6.0


def test_what_is_not_seen_does_not_count(cup_and_cat):
    """Colours under full transparency change neither the palette nor their neighbours."""
    cup, cat = cup_and_cat
    clear = np.dstack((cup, np.full(cup.shape[:2], 255, np.uint8)))
    clear[:, :40, 3] = 0
    other = clear.copy()
    other[:, :40, :3] = (0, 255, 0)
    images = [quot.recolor(x, cat, mass=0.8, colors=32).image[:, 40:] for x in (clear, other)]
    np.testing.assert_allclose(*(x.astype(int) for x in images), atol=1)


# --- samples that are no colours --------------------------------------------------------------


@pytest.mark.parametrize("axes", [1, 2, 3, 5])
def test_samples_of_any_columns_get_the_distribution_of_others(axes, rng):
    X, Y = rng.normal(size=(400, axes)), 30.0 + 5.0 * rng.normal(size=(300, axes))
    found = match_samples(X, Y, mass=1.0)
    new = found(rng.normal(size=(500, axes)))
    assert found.result.converged
    np.testing.assert_allclose(new.mean(axis=0), 30.0, atol=2.0)
    assert (new.std(axis=0) > 0.6 * 5.0).all()  # means of neighbours are narrower
    assert (new.std(axis=0) < 1.2 * 5.0).all()
    assert found.moved.shape == (256, axes)
    np.testing.assert_allclose(found.moved.mean(axis=0), 30.0, atol=2.0)
    assert (new >= Y.min(axis=0) - 0.01 * found.unit).all()
    assert (new <= Y.max(axis=0) + 0.01 * found.unit).all()


def test_samples_may_be_of_any_size_and_place(rng):
    X, Y, new = rng.normal(size=(3, 90, 2))
    plain = match_samples(X, Y + 2.0)(new)
    for factor, shift in ((1e-8, 0.0), (1e9, 1e9), (3.0, -1e5)):
        other = match_samples(factor * X + shift, factor * (Y + 2.0) + shift)
        np.testing.assert_allclose(
            (other(factor * new + shift) - shift) / factor, plain, atol=1e-6, rtol=0
        )


def test_samples_of_one_kind_go_there_and_equal_ones_stay(rng):
    X = rng.normal(size=(50, 4))
    np.testing.assert_allclose(match_samples(X, np.ones((3, 4)), mass=1.0)(X), 1.0, atol=0.02)
    np.testing.assert_allclose(match_samples(np.ones((3, 4)), X[:1])([[1.0] * 4]), X[:1], atol=0.02)
    assert np.abs(match_samples(X, X)(X) - X).max() < 0.5
    assert np.array_equal(match_samples(X, X + 9.0, mass=0.0)(X), X)


@pytest.mark.parametrize(
    ("X", "Y", "message"),
    [
        (np.zeros(4), np.zeros((2, 1)), "`source` must have 2 axes"),
        (np.zeros((0, 2)), np.zeros((2, 2)), r"`source` has shape \(0, 2\); pass samples of"),
        (
            np.zeros((4, 2)),
            np.zeros((2, 3)),
            r"`reference` has shape \(2, 3\); pass samples of .*2",
        ),
        (np.full((4, 2), np.nan), np.zeros((2, 2)), "`source` must be finite"),
    ],
)
def test_samples_that_are_none(X, Y, message):
    with pytest.raises(quot.InvalidProblemError, match=message):
        match_samples(X, Y)
