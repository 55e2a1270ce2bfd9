"""Colour transfer: spaces, palettes, the partial rule, files."""

import numpy as np
import pytest
from PIL import Image

import quot
from quot.applications.color import recolor
from quot.applications.images import read_image, write_image
from quot.applications.picture import draw_recoloring
from quot.applications.spaces import lab_to_rgb, rgb_to_lab
from quot.cli import main


@pytest.fixture
def pictures():
    rng = np.random.default_rng(0)
    source = rng.integers(0, 120, (40, 50, 3), dtype=np.uint8)
    reference = rng.integers(100, 255, (30, 60, 3), dtype=np.uint8)
    return source, reference


@pytest.fixture
def files(pictures, tmp_path):
    paths = tmp_path / "a.png", tmp_path / "b.png"
    for image, path in zip(pictures, paths, strict=True):
        Image.fromarray(image).save(path)
    return paths


# sRGB primaries under D65, from the definition of CIELAB.
@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        ((1, 1, 1), (100.0, 0.0, 0.0)),
        ((0, 0, 0), (0.0, 0.0, 0.0)),
        ((1, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 1, 0), (87.73, -86.18, 83.18)),
        ((0, 0, 1), (32.30, 79.19, -107.86)),
    ],
)
def test_lab_of_known_colors(rgb, lab):
    np.testing.assert_allclose(rgb_to_lab(np.array([rgb], float))[0], lab, atol=0.02)


def test_lab_there_and_back():
    rgb = np.random.default_rng(1).random((500, 3))
    np.testing.assert_allclose(lab_to_rgb(rgb_to_lab(rgb)), rgb, atol=1e-6)


def test_no_mass_changes_nothing(pictures):
    outcome = recolor(*pictures, mass=0.0, colors=16)
    np.testing.assert_array_equal(outcome.image, pictures[0])


def test_all_mass_takes_the_colors_of_the_reference(pictures):
    outcome = recolor(*pictures, mass=1.0, colors=32)
    assert outcome.result.converged
    assert abs(outcome.image.mean() - pictures[1].mean()) < 5


def test_what_is_not_moved_stays(pictures):
    outcome = recolor(*pictures, mass=0.4, colors=32)
    X, Y, plan = outcome.source, outcome.reference, outcome.result.plan.to_dense()
    sent = plan.sum(axis=1)
    expected = (plan @ Y.points + (X.masses - sent)[:, None] * X.points) / X.masses[:, None]
    np.testing.assert_allclose(outcome.moved, expected, atol=1e-9)


def test_same_seed_same_picture(pictures):
    first, second = (recolor(*pictures, colors=24, seed=3).image for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_alpha_is_kept(pictures, tmp_path):
    alpha = np.random.default_rng(2).integers(0, 255, (40, 50, 1), dtype=np.uint8)
    outcome = recolor(np.concatenate((pictures[0], alpha), axis=2), pictures[1], colors=16)
    np.testing.assert_array_equal(outcome.image[..., 3:], alpha)
    write_image(outcome.image, tmp_path / "out.png")
    assert read_image(tmp_path / "out.png").shape == (40, 50, 4)


@pytest.mark.parametrize("mode", ["L", "P", "LA", "RGBA"])
def test_other_kinds_of_picture(pictures, tmp_path, mode):
    Image.fromarray(pictures[0]).convert(mode).save(tmp_path / "x.png")
    assert read_image(tmp_path / "x.png").shape[:2] == (40, 50)


def test_files_that_are_no_pictures(files, tmp_path):
    text, short = tmp_path / "text.png", tmp_path / "short.png"
    text.write_text("not a picture")
    short.write_bytes(files[0].read_bytes()[:600])
    for path in (text, short, tmp_path / "missing.png", tmp_path):
        with pytest.raises(quot.InvalidProblemError, match=path.name):
            recolor(path, files[1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mass": 1.5}, "`mass=1.5` is not a share"),
        ({"colors": 1}, "`colors` must be at least 2"),
        ({"space": "hsv"}, "`space` must be one of"),
        ({"seed": -1}, "`seed` must be at least 0"),
    ],
)
def test_bad_options(pictures, options, message):
    with pytest.raises(quot.InvalidProblemError, match=message):
        recolor(*pictures, **options)


def test_picture_of_the_plan(pictures, tmp_path):
    draw_recoloring(recolor(*pictures, colors=16), tmp_path / "plan.png")
    with Image.open(tmp_path / "plan.png") as image:
        assert image.size == (1400, 850)


def test_command_line(files, tmp_path, capsys):
    out = tmp_path / "out.png"
    arguments = ["recolor", *map(str, files), "-o", str(out), "--colors", "16"]
    assert main(arguments) == 0
    assert "pairs carry mass" in capsys.readouterr().out
    assert out.exists()
    assert (tmp_path / "out-plan.png").exists()
    assert main([*arguments, "--json"]) == 0
    assert '"converged": true' in capsys.readouterr().out
    assert main(["recolor", str(out), str(tmp_path / "none.png"), "-o", str(out)]) == 2
    assert "quot: error:" in capsys.readouterr().err
