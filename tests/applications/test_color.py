"""Colour transfer: spaces, palettes, the partial rule, files."""

import json
import re
import sys
from pathlib import Path

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
    first, second = (recolor(*pictures, colors=24, random_state=3).image for _ in range(2))
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


BAD_PICTURES = {
    "text.png": "`text.png` is not a picture that Pillow can read; pass a PNG or JPEG file.",
    "short.png": "`short.png` cannot be read as a picture (",
    "missing.png": "`missing.png` does not exist; check the name and the directory.",
    "folder": "`folder` is a directory; name a picture in it.",
    "empty.png": "`empty.png` is not a picture that Pillow can read",
    "array.npy": "`array.npy` is not a picture that Pillow can read",
}


@pytest.fixture
def bad_pictures(files, tmp_path, monkeypatch):
    """Files that are no pictures, in the current directory; a solve or a palette fails."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.png").write_text("not a picture")
    (tmp_path / "short.png").write_bytes(files[0].read_bytes()[:600])
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    np.save("array.npy", np.ones((2, 3)))
    for place in ("api.plans.solve_plan", "applications.color.make_palette"):
        monkeypatch.setattr(f"quot.{place}", lambda *_, **__: pytest.fail("worked"))


@pytest.mark.usefixtures("bad_pictures")
@pytest.mark.parametrize(("name", "text"), BAD_PICTURES.items(), ids=BAD_PICTURES)
@pytest.mark.parametrize("place", ["source", "reference"])
def test_files_that_are_no_pictures(name, text, place, capsys):
    """One clear error before any work, and exit code 2 on the command line."""
    pair = [name, "a.png"] if place == "source" else ["a.png", name]
    with pytest.raises(quot.InvalidProblemError) as caught:
        recolor(*pair)
    assert str(caught.value).startswith(text)
    assert main(["recolor", *pair, "-o", "out.png"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(f"quot: error: {text}")
    assert shown.err.count("\n") == 1
    assert not {"out.png", "out-plan.png"} & {path.name for path in Path().iterdir()}


@pytest.mark.usefixtures("bad_pictures")
@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (["-o", "out.txt"], "`out.txt` has the suffix '.txt', which names no format to write; use"),
        (["-o", "no/out.png"], "`no/out.png` cannot be written: there is no directory `no`; make"),
        (["-o", "out.png", "--picture", "p.txt"], "`p.txt` has the suffix '.txt', which names no"),
        (["-o", "out.png", "--mass", "1.5"], "`mass=1.5` is not a share of the pixels; pass a"),
        (["-o", "out.png", "--mass", "nan"], "argument --mass: invalid number value: 'nan'"),
        (["-o", "out.png", "--reg=-1"], "`reg` must not be negative; got -1."),
        (["-o", "out.png", "--colors", "1"], "`colors` must be at least 2; got 1."),
        (["-o", "out.png", "--smooth=-1"], "`smooth` must be at least 0; got -1."),
        (["-o", "out.png", "--seed=-1"], "`random_state` must be at least 0; got -1."),
        (["-o", "out.png", "--space", "hsv"], "argument --space: invalid choice: 'hsv'"),
        ([], "the following arguments are required: -o/--output; see `quot recolor --help`."),
    ],
    ids=lambda x: " ".join(x) if isinstance(x, list) else "",
)
def test_bad_options_of_the_command_line(argv, text, capsys):
    assert main(["recolor", "a.png", "b.png", *argv]) == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err.count("\n")) == ("", 1)
    assert shown.err.startswith(f"quot: error: {text}")


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.full((2, 3), 9.0), r"`source` has float64 values from 9 to 9, and floats must be from"),
        (np.ones((2, 3, 2), np.uint8), r"`source` is an array of uint8 and shape \(2, 3, 2\)"),
        (
            np.ones((0, 3, 3), np.uint8),
            r"`source` is empty, of shape \(0, 3, 3\); pass a picture\.",
        ),
        (
            np.zeros((2, 3, 4), np.uint8),
            "the picture is fully transparent and has no colours; pass",
        ),
    ],
    ids=["floats", "two channels", "empty", "transparent"],
)
def test_arrays_that_are_no_pictures(pictures, image, message):
    with pytest.raises(quot.InvalidProblemError, match=message):
        recolor(image, pictures[1])


def test_transparency_is_not_dropped_in_silence(tmp_path):
    with pytest.raises(quot.InvalidProblemError, match=r"would be a JPEG, which has no transpar"):
        write_image(np.zeros((2, 3, 4), np.uint8), tmp_path / "x.jpg")
    assert not list(tmp_path.iterdir())


def test_transparency_is_refused_before_any_work(files, tmp_path, monkeypatch, capsys):
    clear = tmp_path / "clear.png"
    write_image(np.full((4, 4, 4), 9, np.uint8), clear)
    monkeypatch.setattr("quot.applications.color.make_palette", pytest.fail)
    out = tmp_path / "out.jpg"
    assert main(["recolor", str(clear), str(files[1]), "-o", str(out)]) == 2
    assert f"`{out}` would be a JPEG, which has no transparency" in capsys.readouterr().err


def test_pictures_without_pillow(monkeypatch, files):
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    message = "`pillow` is not installed, and pictures need it .* install it with"
    with pytest.raises(quot.MissingDependencyError, match=message):
        read_image(files[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mass": 1.5}, "`mass=1.5` is not a share"),
        ({"colors": 1}, "`colors` must be at least 2"),
        ({"space": "hsv"}, "`space` must be one of"),
        ({"random_state": -1}, "`random_state` must be at least 0"),
        ({"reg": -1.0}, r"`reg` must not be negative; got -1\."),
        ({"tol": 0.0}, r"`tol` must be positive; got 0\."),
    ],
)
def test_bad_options(pictures, options, message, monkeypatch):
    monkeypatch.setattr("quot.applications.color.make_palette", lambda *_: pytest.fail("worked"))
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
    assert (
        main(["recolor", str(out), str(tmp_path / "none.png"), "-o", str(tmp_path / "x.png")]) == 2
    )
    assert "quot: error:" in capsys.readouterr().err


def test_the_command_line_says_where_the_mass_comes_from(files, tmp_path, capsys):
    out = tmp_path / "out.png"
    argv = ["recolor", *map(str, files), "-o", str(out), "--colors", "16"]
    assert main([*argv, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["knee"] == pytest.approx(told["mass"], rel=1e-9)
    assert main(argv) == 0
    shown = capsys.readouterr().out
    assert re.search(
        r"^mass +0\.\d+, the knee of the price; --mass sets another$", shown, re.MULTILINE
    )
    assert main([*argv, "--mass", "0.75"]) == 0
    assert re.search(r"^mass +0\.75$", capsys.readouterr().out, re.MULTILINE)


def test_all_colors_on_the_command_line(tmp_path, capsys):
    rng = np.random.default_rng(0)
    for name in ("a.png", "b.png"):
        image = rng.integers(0, 255, (12, 10, 3), dtype=np.uint8)
        Image.fromarray(image).save(tmp_path / name)
    pair = [str(tmp_path / name) for name in ("a.png", "b.png")]
    argv = ["recolor", *pair, "-o", str(tmp_path / "out.png"), "--full", "--space", "chromaticity"]
    assert main(argv) == 0
    assert re.search(r"^palettes +120 x 120 colours$", capsys.readouterr().out, re.MULTILINE)
    assert main([*argv, "--colors", "9"]) == 2
    message = "argument --colors: not allowed with argument --full"
    assert message in capsys.readouterr().err


def test_a_picture_of_many_colors_is_drawn(tmp_path, monkeypatch):
    """Of the plan between thousands of colours means are drawn."""
    images = np.random.default_rng(0).integers(0, 255, (2, 30, 30, 3), dtype=np.uint8)
    monkeypatch.setattr("quot.applications.picture._DRAWN", 40)
    outcome = recolor(*images, colors=None, mass=0.8)
    outcome.save(tmp_path / "out.png")
    assert read_image(tmp_path / "out.png").shape == (30, 30, 3)
    draw_recoloring(outcome, tmp_path / "plan.png")
    assert (tmp_path / "plan.png").stat().st_size > 10_000


def test_no_picture_is_written_over_another(files, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("quot.applications.color.make_palette", pytest.fail)
    for source, target, over in (
        (files[0], files[0], f"`-o` names `{files[0]}`, which is the file that `SOURCE` reads"),
        (files[1], files[0], f"`-o` names `{files[0]}`, which is the file that `REFERENCE` reads"),
    ):
        pair = [str(files[0]), str(files[1])]
        argv = ["recolor", *(pair if source is files[0] else pair[::-1]), "-o", str(target)]
        assert main(argv) == 2
        assert over in capsys.readouterr().err
    Path(files[0]).rename("x-plan.png")
    assert main(["recolor", "x-plan.png", str(files[1]), "-o", "x.png"]) == 2
    message = "`--picture` names `x-plan.png`, which is the file that `SOURCE` reads"
    assert message in capsys.readouterr().err


def test_that_there_are_more_pictures_is_said(files, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("QUOT_QUIET")
    frames = [Image.fromarray(np.full((4, 6, 3), level, np.uint8)) for level in (9, 99)]
    for name in ("many.tif", "many.gif"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        many = ["recolor", str(tmp_path / name), str(files[1]), "-o", str(tmp_path / "y.png")]
        assert main([*many, "--mass", "1"]) == 0
        said = capsys.readouterr().err
        assert "a photograph of 6 x 4 pixels (the first of 2 pictures) and one of" in said


def test_what_was_read_is_said(files, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("QUOT_QUIET")
    argv = ["recolor", *map(str, files), "-o", str(tmp_path / "out.png"), "--colors", "16"]
    assert main(argv) == 0
    said = capsys.readouterr().err
    assert re.fullmatch(r"quot: read a photograph of \d+ x \d+ pixels and one of .* pixels\n", said)
    assert main([*argv, "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert json.loads(captured.out)["read"] == said.removeprefix("quot: read ").strip()
