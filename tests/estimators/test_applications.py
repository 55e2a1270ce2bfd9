"""ColorTransfer and RigidRegistration: as the functions they call, and what they refuse."""

import inspect
import pickle
import re

import numpy as np
import pytest
from tests.applications.shapes import leaf, rotation, surface

pytest.importorskip("sklearn")

from sklearn.base import clone

import quot
from quot.applications.color import match_colors, match_samples
from quot.applications.registration import register
from quot.estimators import ColorTransfer, RigidRegistration

BOTH = pytest.mark.parametrize("make", [ColorTransfer, RigidRegistration])


@pytest.fixture
def pixels(rng):
    """Grey ones and warm ones, from 0 to 1."""
    return rng.random((300, 1)) * np.ones(3), rng.random((200, 3)) * [1.0, 0.6, 0.3]


@pytest.fixture
def clouds(rng):
    """A surface, and a part of it turned and shifted, with noise."""
    X = surface(900, rng)
    R = rotation(3, rng)
    Y = X[X[:, 0] < 0.3] @ R.T + [3.0, -1.0, 2.0]
    return X, Y + 0.005 * rng.normal(size=Y.shape), R


# --- as the functions they call --------------------------------------------------------------


@pytest.mark.parametrize("space", ["lab", "rgb", "chromaticity", None])
@pytest.mark.parametrize("mass", [None, "knee", 0.7])
def test_colors_are_those_of_match_colors(pixels, space, mass):
    source, reference = pixels
    model = ColorTransfer(space=space, mass=mass, colors=64, random_state=3)
    model.fit_domains(source, reference)
    options = {"mass": None if mass == "knee" else mass, "colors": 64, "random_state": 3}
    if space is None:
        expected = match_samples(source, reference, **options)
    else:
        expected = match_colors(source, reference, space=space, **options)
    np.testing.assert_array_equal(model.transform(source), expected(source))
    assert model.result_.converged
    assert model.result_ is model.map_.result
    assert model.map_.knee == expected.knee


def test_the_share_that_moves(pixels):
    totals = {
        share: ColorTransfer(**{name: share}).fit_domains(*pixels).result_.plan.total
        for name, share in (("mass", 0.6), ("mass_fraction", 0.7))
    }
    assert totals == pytest.approx({0.6: 0.6, 0.7: 0.7})
    model = ColorTransfer(mass=0.0).fit_domains(*pixels)
    assert np.array_equal(model.transform(pixels[0]), pixels[0])


def test_levels_are_colors_from_0_to_1(pixels):
    source, reference = (np.rint(255 * each).astype(np.uint8) for each in pixels)
    model = ColorTransfer(space="lab").fit_domains(source, reference)
    floats = ColorTransfer(space="lab").fit_domains(source / 255.0, reference / 255.0)
    assert np.array_equal(model.transform(source), floats.transform(source / 255.0))
    new = model.transform(source, sample_domain=np.tile([1, -1], 150))
    np.testing.assert_allclose(new[1::2], source[1::2] / 255.0)
    assert not np.allclose(new[::2], source[::2] / 255.0)


@pytest.mark.parametrize(
    "options", [{}, {"scale": True}, {"mass_fraction": 0.6}, {"max_points": 200}], ids=str
)
def test_the_motion_is_that_of_register(clouds, options):
    X, Y, R = clouds
    model = RigidRegistration(**options).fit_domains(X, Y)
    found = register(X, Y, **options)
    np.testing.assert_array_equal(model.rotation_, found.rotation)
    np.testing.assert_array_equal(model.translation_, found.translation)
    assert model.scale_ == found.scale
    np.testing.assert_array_equal(model.transform(X), found.moved)
    np.testing.assert_allclose(model.inverse_transform(found.moved), X, atol=1e-12)
    np.testing.assert_allclose(model.rotation_, R, atol=0.03)
    assert model.registration_.converged
    assert model.result_.plan.nnz == found.result.plan.nnz
    sent = np.zeros(len(X), bool)
    sent[found.rows] = found.result.plan.row_sums() > 0.0
    assert model.matches_.shape == (len(X),)
    np.testing.assert_array_equal(model.matches_ >= 0, sent)
    apart = np.linalg.norm(found.moved[sent] - Y[model.matches_[sent]], axis=1)
    assert np.median(apart) < 0.1


def test_an_entropic_registration():
    X = leaf(200)
    model = RigidRegistration(regularizer="entropic").fit_domains(X, X @ [[0, 1], [-1, 0]])
    np.testing.assert_allclose(model.rotation_, [[0, -1], [1, 0]], atol=0.02)
    assert (model.matches_ >= 0).mean() > 0.8


def test_domains_in_one_array(pixels, clouds):
    for make, (X, Y) in ((ColorTransfer, pixels), (RigidRegistration, clouds[:2])):
        both, domain = np.concatenate((Y, X)), [-1] * len(Y) + [2] * len(X)
        model = make().fit(both, sample_domain=domain)
        plain = make().fit_domains(X, Y)
        mapped = model.transform(both, sample_domain=domain)
        assert np.array_equal(mapped[: len(Y)], Y)
        assert np.array_equal(mapped[len(Y) :], plain.transform(X))
        assert np.array_equal(make().fit_transform(both, sample_domain=domain), mapped)


def test_the_order_of_samples_does_not_matter(pixels, clouds, rng):
    for make, (X, Y) in ((ColorTransfer, pixels), (RigidRegistration, clouds[:2])):
        plain = make().fit_domains(X, Y)
        other = make().fit_domains(rng.permutation(X), rng.permutation(Y))
        np.testing.assert_allclose(other.transform(X), plain.transform(X), atol=1e-6)


@pytest.mark.parametrize("package", ["pandas", "polars"])
def test_columns_of_frames_are_matched_by_name(pixels, clouds, package):
    frames = pytest.importorskip(package)
    for make, (X, Y) in ((ColorTransfer, pixels), (RigidRegistration, clouds[:2])):
        source = frames.DataFrame({"x": X[:, 0], "y": X[:, 1], "z": X[:, 2]})
        target = frames.DataFrame({"z": Y[:, 2], "x": Y[:, 0], "y": Y[:, 1]})
        model = make().set_output(transform=package).fit_domains(source, target)
        mapped = model.transform(source)
        assert list(mapped.columns) == ["x", "y", "z"] == model.get_feature_names_out().tolist()
        assert np.array_equal(mapped.to_numpy(), make().fit_domains(X, Y).transform(X))
        with pytest.raises(ValueError, match="in the same order"):
            model.transform(target)


def test_pickled_and_cloned(pixels, clouds):
    for model, (X, Y) in (
        (ColorTransfer(space="rgb", mass_fraction=0.8), pixels),
        (ColorTransfer(), pixels),
        (RigidRegistration(scale=True), clouds[:2]),
    ):
        model.fit_domains(X, Y)
        again = pickle.loads(pickle.dumps(model))
        assert np.array_equal(again.transform(X), model.transform(X))
        assert clone(model).get_params() == model.get_params()


# --- what they refuse ------------------------------------------------------------------------


@BOTH
def test_samples(make, rng):
    X = rng.normal(size=(9, 3))
    with pytest.raises(ValueError, match="Input X contains NaN"):
        make().fit_domains(np.full((4, 3), np.nan), X)
    with pytest.raises(ValueError, match="Input Xt contains NaN"):
        make().fit_domains(X, np.full((4, 3), np.nan))
    with pytest.raises(quot.InvalidProblemError, match="`Xs` has 3 features and `Xt` has 2;"):
        make().fit_domains(X, X[:, :2])
    with pytest.raises(ValueError, match=r"3 features, but .* is expecting 2"):
        make().fit(X[:, :2]).transform(X)
    with pytest.raises(quot.InvalidProblemError, match="all 9 samples are of the source"):
        make().fit(X, sample_domain=[0] * 9)


def test_one_sample(rng):
    X = rng.normal(size=(9, 3))
    with pytest.raises(ValueError, match=r"Found array with 1 sample\(s\)"):
        RigidRegistration().fit(X[:1])
    with pytest.raises(quot.InvalidProblemError, match="`Y` has 1 point, and a motion in 3-D"):
        RigidRegistration().fit_domains(X, X[:1])
    np.testing.assert_allclose(ColorTransfer(mass=1.0).fit_domains(X, X[:1]).transform(X)[:, 0],
                               X[0, 0], atol=0.01 * np.ptp(X))  # fmt: skip


@pytest.mark.parametrize(
    ("options", "X", "message"),
    [
        (
            {"space": "lab"},
            np.eye(4),
            "`space='lab'` is one of colours, of three features, red, gr",
        ),
        ({"space": "rgb"}, np.eye(2), "and the samples have 2; pass `space=None` for other"),
        ({"space": "hsv"}, np.eye(3), "`space` must be one of"),
        ({"space": "lab"}, 7.0 * np.eye(3), "`X` has float64 values from 0 to 7, and floats must"),
        ({"mass": 1.5}, np.eye(3), "`mass` must be from 0 to 1, a share of the samples, or 'knee'"),
        ({"mass": 0.5, "mass_fraction": 0.5}, np.eye(3), "`mass` and `mass_fraction` both say how"),
        ({"reg": -1.0}, np.eye(3), "`reg` must not be negative"),
        ({"colors": 1}, np.eye(3), "`colors` must be at least 2"),
    ],
    ids=str,
)
def test_colors(options, X, message):
    with pytest.raises(quot.InvalidProblemError, match=re.escape(message)):
        ColorTransfer(**options).fit_domains(X, X)


@pytest.mark.parametrize(
    ("options", "X", "message"),
    [
        (
            {},
            np.arange(9.0)[:, None] * [1, 2, 3],
            "`X` has all its points on one line, about which",
        ),
        ({}, np.ones((9, 2)), "`X` has all its points in one place; pass a cloud"),
        ({"mass_fraction": 0.0}, np.eye(3), "is no share of the smaller cloud"),
        ({"regularizer": "cubic"}, np.eye(3), "`regularizer` must be one of"),
        ({"n_starts": 0}, np.eye(3), "`n_starts` must be at least 1"),
    ],
    ids=str,
)
def test_points(options, X, message):
    with pytest.raises(quot.InvalidProblemError, match=re.escape(message)):
        RigidRegistration(**options).fit_domains(X, X)


def test_a_flat_cloud_in_space(rng):
    flat = np.pad(leaf(200), ((0, 0), (0, 1)))
    Y = flat @ rotation(3, rng).T
    assert np.abs(RigidRegistration().fit_domains(flat, Y).transform(flat) - Y).max() < 1e-3


@BOTH
def test_docstrings_have_the_parameters(make):
    docscrape = pytest.importorskip("numpydoc.docscrape")
    for name in ("", "fit", "fit_domains", "transform", "fit_transform", "inverse_transform"):
        thing = getattr(make, name, None) if name else make
        if thing is not None:
            doc = docscrape.NumpyDocString(inspect.getdoc(thing))
            named = [entry.name for entry in doc["Parameters"]]
            assert named == [k for k in inspect.signature(thing).parameters if k != "self"]
