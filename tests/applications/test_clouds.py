"""Clouds in files, the command line of registration, and its picture."""

import json

import numpy as np
import pytest
from tests.applications.shapes import leaf, rotation, surface

from quot.applications import clouds
from quot.applications.clouds import read_cloud, write_cloud, write_motion
from quot.applications.motion import Motion
from quot.cli import main
from quot.exceptions import InvalidProblemError

PLY = (
    "ply\nformat ascii 1.0\nelement vertex {}\nproperty float x\nproperty float y\n"
    "property float z\nend_header\n"
)


@pytest.mark.parametrize("suffix", [".ply", ".obj", ".xyz", ".npy"])
def test_a_cloud_comes_back(suffix, tmp_path, rng):
    if suffix == ".ply":
        pytest.importorskip("trimesh")
    X = rng.normal(size=(20, 3))
    write_cloud(X, tmp_path / f"x{suffix}")
    np.testing.assert_array_equal(read_cloud(tmp_path / f"x{suffix}"), X)
    write_cloud(X[:, :2], tmp_path / f"y{suffix}")
    flat = read_cloud(tmp_path / f"y{suffix}")
    np.testing.assert_array_equal(flat[:, :2], X[:, :2])
    assert flat.shape[1] == (3 if suffix in (".ply", ".obj") else 2)


def test_the_vertices_of_meshes_count(tmp_path):
    mesh = "mtllib /nowhere/x.mtl\nv 0 0 0\nv 1 0 0 0.5 0.5 0.5\nv 0 1 0\nf 1 2 3\nv 5 5 5\n"
    (tmp_path / "x.obj").write_text(mesh)
    assert read_cloud(tmp_path / "x.obj").tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0], [5, 5, 5]]
    (tmp_path / "x.xyz").write_text("# scan\n0 0 0 255 0 0\n\n1 2 3 0 0 0\n")
    assert read_cloud(tmp_path / "x.xyz").tolist() == [[0, 0, 0], [1, 2, 3]]
    pytest.importorskip("trimesh")
    (tmp_path / "x.ply").write_text(PLY.format(2) + "0 0 0\n1 2 3\n")
    assert read_cloud(tmp_path / "x.ply").tolist() == [[0, 0, 0], [1, 2, 3]]
    listed = "property list uchar int vertex_indices\nend_header"
    faces = PLY.format(3).replace("end_header", "element face 1\n" + listed)
    (tmp_path / "y.ply").write_text(faces + "0 0 0\n1 2 3\n1 0 0\n3 0 1 2\n")
    assert len(read_cloud(tmp_path / "y.ply")) == 3


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.stl", "", r"'.stl'; clouds of points are read from .ply, .obj, .xyz and .npy"),
        ("x.obj", "", "has no points; pass a mesh with vertices"),
        ("x.obj", "o empty\nf 1 2 3\n", "has no points"),
        ("x.obj", "v 0 0 zero\n", "has no point in line 1, `v 0 0 zero`"),
        ("x.obj", "v 0 0 nan\nv 1 1 1\n", "must be finite"),
        ("x.xyz", "0 0 0\n1 1\n", "has 2 coordinates in line 2, and 3 before"),
        ("x.xyz", "1\n2\n", "has 1 coordinates in line 1"),
        ("x.xyz", "", "has no points"),
        ("x.ply", "solid", "does not begin as a .ply does"),
        ("x.ply", PLY.format(0), "has no points"),
        ("x.ply", PLY.format(10**12), "says `element vertex 1000000000000` and has"),
        ("x.ply", PLY.format("-3"), "seems damaged"),
        ("x.ply", PLY.format(2).replace("property float z\n", "") + "0 0\n1 1\n", "cannot be read"),
        ("x.npy", "no array", "cannot be read"),
    ],
)  # fmt: skip
def test_what_is_no_cloud_is_refused(name, content, message, tmp_path):
    if name.endswith("ply"):
        pytest.importorskip("trimesh")
    (tmp_path / name).write_text(content)
    with pytest.raises(InvalidProblemError, match=message):
        read_cloud(tmp_path / name)


def test_pickles_large_files_and_other_arrays_are_refused(tmp_path, monkeypatch):
    np.save(tmp_path / "x.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(InvalidProblemError):
        read_cloud(tmp_path / "x.npy")
    np.save(tmp_path / "y.npy", np.ones((4, 5)))
    with pytest.raises(InvalidProblemError, match="has rows of 5 numbers; points have 2 or 3"):
        read_cloud(tmp_path / "y.npy")
    with pytest.raises(InvalidProblemError, match=r"z\.ply` does not exist"):
        read_cloud(tmp_path / "z.ply")
    monkeypatch.setattr(clouds, "MOST_BYTES", 5)
    (tmp_path / "x.xyz").write_text("0 0 0\n1 1 1\n")
    with pytest.raises(InvalidProblemError, match="has 12 bytes, and clouds of at most 5 are read"):
        read_cloud(tmp_path / "x.xyz")


def test_motions_in_files(tmp_path):
    motion = Motion(np.array([[0.0, -1.0], [1.0, 0.0]]), np.array([1.0, 1 / 3]), 2.0)
    for name in ("m.txt", "m.npy", "m.json"):
        write_motion(motion, tmp_path / name)
    np.testing.assert_array_equal(np.loadtxt(tmp_path / "m.txt"), motion.matrix)
    np.testing.assert_array_equal(np.load(tmp_path / "m.npy"), motion.matrix)
    told = json.loads((tmp_path / "m.json").read_text())
    assert told["scale"] == 2.0
    assert told["matrix"] == motion.matrix.tolist()


@pytest.fixture
def pair(tmp_path, rng):
    """Two files, and the motion between them."""
    pytest.importorskip("matplotlib")
    X = surface(700, rng)
    R = rotation(3, rng)
    write_cloud(X, tmp_path / "a.obj")
    write_cloud(X[X[:, 0] < 0.3] @ R.T + 2.0, tmp_path / "b.xyz")
    return tmp_path, R


def test_from_files_to_files(pair, capsys):
    folder, R = pair
    files = [str(folder / name) for name in ("a.obj", "b.xyz", "moved.npy")]
    assert main(["register", *files[:2], "-o", files[2]]) == 0
    out, err = capsys.readouterr()
    assert "read 700 points in 3-D to move, and" in err or err == ""
    assert [line.split()[0] for line in out.splitlines()][:4] == [
        "turn",
        "shift",
        "scale",
        "overlap",
    ]
    matrix = np.loadtxt(folder / "moved-motion.txt")
    np.testing.assert_allclose(matrix[:3, :3], R, atol=1e-3)
    moved = read_cloud(folder / "a.obj") @ matrix[:3, :3].T + matrix[:3, 3]
    np.testing.assert_allclose(np.load(folder / "moved.npy"), moved)
    assert (folder / "moved-picture.png").stat().st_size > 10_000
    argv = ["register", *files[:2], "-o", str(folder / "c.obj"), "--motion", str(folder / "m.json")]
    assert main([*argv, "--picture", str(folder / "p.png"), "--json", "--seed", "1"]) == 0
    told = json.loads(capsys.readouterr().out)
    np.testing.assert_allclose(np.array(told["matrix"])[:3, :3], R, atol=1e-3)
    assert told["converged"] is True
    assert told["scope"] == "all"
    assert told["picture"].endswith("p.png")
    assert told["misfit"] < 1.3


def test_clouds_that_do_not_fit_are_written_and_warned_of(tmp_path, rng, capsys):
    pytest.importorskip("matplotlib")
    X = surface(700, rng)
    files = [str(tmp_path / name) for name in ("a.npy", "b.npy", "c.npy")]
    write_cloud(X, files[0])
    write_cloud(-X, files[1])  # a mirror image
    assert main(["register", *files[:2], "-o", files[2]]) == 1
    out, err = capsys.readouterr()
    assert err.count("times as far off each other's surface as off their own") == 1
    assert float(out.split("misfit")[1].split(";")[0]) > 2.0
    assert read_cloud(files[2]).shape == X.shape


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["a.obj", "b.xyz"], "the following arguments are required: -o/--output"),
        (["a.obj", "b.xyz", "-o", "a.obj"], "is the file that `SOURCE` reads"),
        (["a.obj", "b.xyz", "-o", "c.stl"], "'.stl', which names no format to write"),
        (["a.obj", "b.xyz", "-o", "c.npy", "--motion", "c.npy"], "`-o` and `--motion` both name"),
        (["a.obj", "none.xyz", "-o", "c.npy"], "`none.xyz` does not exist"),
        (["a.obj", "b.xyz", "-o", "c.npy", "--picture", "c.gif"], "has the suffix '.gif'"),
        (["a.obj", "b.xyz", "-o", "c.npy", "--mass-fraction", "2"], "no share of"),
    ],
)  # fmt: skip
def test_bad_command_lines(argv, message, pair, monkeypatch, capsys):
    monkeypatch.chdir(pair[0])
    assert main(["register", *argv]) == 2
    assert message in capsys.readouterr().err


def test_a_picture_of_before_and_after(rng):
    pytest.importorskip("matplotlib")
    from quot import plot
    from quot.applications.registration import register

    X = leaf(200)
    found = register(X, X[:150] + 4.0)
    axes = plot.registration(found)
    assert [ax.get_title(loc="left") for ax in axes] == ["before", "what belongs together", "after"]
    (lines,) = [k for k in axes[1].collections if hasattr(k, "get_segments")]
    assert 0 < len(lines.get_segments()) <= 160
    (dots,) = axes[2].collections
    assert len(dots.get_offsets()) == 350
    axes[0].figure.canvas.draw()
    own = axes[0].figure.subplots(1, 3)
    assert plot.registration(found, own, matches=0) == tuple(own)
    with pytest.raises(InvalidProblemError, match="`ax` has 1 axes; pass three"):
        plot.registration(found, own[0])
    with pytest.raises(InvalidProblemError, match=r"`found` must be what .* got a dict"):
        plot.registration({})
    with pytest.raises(InvalidProblemError, match=r"two directions, of shape \(2, 2\)"):
        plot.registration(found, view=np.ones((2, 3)))
