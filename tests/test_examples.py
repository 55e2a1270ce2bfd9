"""The examples do what they say."""

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

EXAMPLES = Path(__file__).parent.parent / "examples"


def test_million_points_on_few(tmp_path):
    """From two files of points to a plan on disk, which SciPy reads, and a picture."""
    pytest.importorskip("matplotlib")
    script = [sys.executable, str(EXAMPLES / "million_points.py"), "--points", "500"]
    done = subprocess.run(script, cwd=tmp_path, capture_output=True, text=True, check=True)
    plan = sparse.csr_array(sparse.load_npz(tmp_path / "demo-output" / "points-plan.npz"))
    assert plan.sum() == pytest.approx(0.7, abs=1e-12)
    assert plan.sum(axis=1).max() <= (1 + 1e-12) / 500
    assert 4 <= np.diff(plan.indptr)[np.diff(plan.indptr) > 0].mean() <= 12
    assert "optimal: gap and residuals" in done.stdout
    assert "relative gap" in done.stdout
    assert (tmp_path / "demo-output" / "points.png").stat().st_size > 10_000


def run(name, folder, *options):
    script = [sys.executable, str(EXAMPLES / name), *options]
    return subprocess.run(script, cwd=folder, capture_output=True, text=True, check=True).stdout


def test_streets(tmp_path):
    """Part of the bikes is cheaper a bike; reg spreads them; capacities hold."""
    pytest.importorskip("matplotlib")
    said = run("streets.py", tmp_path, "--quick")
    rows = {
        line[:18].strip(): [float(number) for number in line[18:].split()]
        for line in said.splitlines()
        if "%, reg =" in line
    }
    assert list(rows) == [
        "100 %, reg = 0", "100 %, reg = 0.02", "60 %, reg = 0", "60 %, reg = 0.02",
    ]  # fmt: skip
    for bikes, km, each, _, _, gap, _ in rows.values():
        assert each == pytest.approx(km / bikes, abs=1e-3)
        assert gap <= 1e-9
    whole, spread, part, part_spread = rows.values()
    assert (whole[0], part[0]) == (400, 240)
    assert part[2] < whole[2]
    for shortest, wide in ((whole, spread), (part, part_spread)):
        assert wide[1] > shortest[1]  # longer ways
        assert wide[3] > shortest[3]  # on more streets
        assert wide[4] < shortest[4]  # and the fullest less full
    assert (tmp_path / "demo-output" / "streets.png").stat().st_size > 10_000


def test_graphs_report(tmp_path):
    """Rows of its tables, by what is known of them from elsewhere."""
    pytest.importorskip("matplotlib")
    said = run("graphs_report.py", tmp_path, "--quick")
    rows = {line[:31].strip(): line[31:].split() for line in said.splitlines()}
    assert [title for title in ("G1", "G2", "G3", "G4", "G5", "G6", "G7") if title in said] == [
        "G1", "G2", "G3", "G4", "G5", "G6", "G7",
    ]  # fmt: skip
    assert rows["12 nearest"][0] == "3480"
    assert 3350 <= float(rows["12 nearest"][1]) <= 3500
    assert rows["Partition 4 of 12"][0] == "0.4"  # of G5, the last of that name
    assert 0.35 <= float(rows["Partition 4 of 12"][1]) <= 0.5
    plain, scaled = map(float, rows["Partition 4 of 12"][-2:])
    assert 1.0 < scaled < plain < 1.3
    assert all(float(ratio) >= 1.0 for ratio in rows["uniform, disjoint"][:5])
    across = {name: float(rows[name][3]) for name in ("least norm", "Football, printed", "exact")}
    assert across["exact"] < 0.0 == across["Football, printed"] < across["least norm"]
    gaps = [float(cells[-1]) for name, cells in rows.items() if name.startswith("n = 200,")]
    assert len(gaps) == 2
    assert max(gaps) <= 1e-9
    for name in ("graphs.png", "graph-flows.png", "football.png"):
        assert (tmp_path / "demo-output" / name).stat().st_size > 10_000


def test_entropic_methods(tmp_path):
    """Its tables say what the page about them says."""
    pytest.importorskip("matplotlib")
    said = run("entropic_methods.py", tmp_path, "--quick")
    rows = {line[:27].strip(): line[27:].split() for line in said.splitlines()}
    three = float(rows["three blocks, E2"][0])
    assert 4.0 * float(rows["Sinkhorn, E2 = E3"][0]) < three < float(rows["ASPOT, step 1/L"][0])
    assert float(rows["Newton, E2 = E3"][0]) < 0.2 * three
    one, two, apart, *full = map(float, rows["eps 0.02"])
    assert 0.0 < one < two
    assert apart > 0.1
    assert full[0] > full[1] == 0
    for corner, smaller in (("0.5", "1.1"), ("1.1", "2")):
        more, less = (map(float, rows[f"eps 0.3, corner {k}"]) for k in (corner, smaller))
        assert all(a > 5.0 * b for a, b in zip(more, less, strict=True))
    enough, beyond, in_corner, ours = map(float, rows["eps 1, corner 1.1"])
    assert enough == 1e-8
    assert beyond == pytest.approx(in_corner, rel=1e-3)
    assert beyond > 1e-2 > 1e-12 > abs(ours)
    temperatures, passes, errors = zip(
        *(map(float, rows[f"p = {p}"]) for p in ("1", "1.5", "2", "4")), strict=True
    )
    assert sorted(temperatures) == list(temperatures)
    assert sorted(passes, reverse=True) == list(passes)
    assert sorted(errors) == list(errors)
    for name in ("entropic-passes.png", "entropic-costs.png"):
        assert (tmp_path / "demo-output" / name).stat().st_size > 10_000


def test_adaptation(tmp_path):
    """Part of the mass names fewer samples wrongly, and no strays."""
    pytest.importorskip("matplotlib")
    pytest.importorskip("sklearn")
    said = run("adaptation.py", tmp_path, "--quick")
    rows = [(line[:26].strip(), line[26:].split()) for line in said.splitlines()]
    plain, whole, part = (
        [float(cell) for cell in next(r for name, r in rows if name == wanted)]
        for wanted in ("no transport", "all mass", "mass 0.7")
    )
    assert plain[1] < 50.0 < 75.0 < whole[1] < part[1]  # the SVM on the target
    assert (whole[2], part[2]) == (100.0, pytest.approx(70.0, abs=2.0))
    assert whole[3] < part[3]
    counts = [re.findall(r"\d+", line.partition(":")[2]) for line in said.splitlines()]
    wrong, strays = zip(*((int(k[0]), int(k[2])) for k in counts if len(k) == 4), strict=True)
    assert wrong[1] < 0.5 * wrong[0]
    assert strays == (60, 0)
    assert (tmp_path / "demo-output" / "moons.png").stat().st_size > 10_000


def numbers(line):
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", line)]


def test_cells(tmp_path):
    """Up to the knee fewer cells of the unknown type are named, and more cells judged rightly."""
    pytest.importorskip("matplotlib")
    pytest.importorskip("sklearn")
    pytest.importorskip("scanpy")
    lines = run("cells.py", tmp_path).splitlines()
    knee, known = next(numbers(line) for line in lines if line.startswith("knee at"))
    assert abs(knee - known) < 0.1
    whole, part = (numbers(line) for line in lines if "of the T cells labelled" in line)
    assert whole[0] == whole[2] == 100.0
    assert whole[1] < part[1]
    assert part[0] > 95.0 > 40.0 > part[2]
    start = next(k for k, line in enumerate(lines) if line.startswith("judged rightly"))
    ways = lines[start].partition("per cent")[2].split("  ")
    assert [way.strip() for way in ways if way.strip()] == [
        "knee", "all mass", "nearest", "if near", "spreading",
    ]  # fmt: skip
    right = np.array([numbers(line) for line in lines[start + 1 : start + 6]])
    assert right.shape == (5, 5)
    assert (right[:4, 0] > right[:4, 1:].max(axis=1)).all()  # NK cells: no better than others
    assert (right[:, 0] > right[:, 1]).all()
    assert (tmp_path / "demo-output" / "cells.png").stat().st_size > 10_000


def test_the_notebook_of_the_cells(tmp_path):
    """It has the cells of the script, and what they say when run in one namespace."""
    pytest.importorskip("matplotlib")
    pytest.importorskip("sklearn")
    pytest.importorskip("scanpy")
    stored = json.loads((EXAMPLES / "cells.ipynb").read_text())["cells"]
    script = (EXAMPLES / "cells.py").read_text()
    made = runpy.run_path(str(EXAMPLES / "notebook.py"))["cells"](script)
    assert [(k["cell_type"], "".join(k["source"])) for k in stored] == made
    code = [cell for cell in stored if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert [k for cell in code for k in cell["outputs"] if k["output_type"] == "error"] == []
    assert sum("image/png" in k.get("data", ()) for cell in code for k in cell["outputs"]) == 1
    (tmp_path / "cells.py").write_text(script)
    again = [sys.executable, str(EXAMPLES / "notebook.py"), str(tmp_path / "cells.py")]
    subprocess.run(again, cwd=tmp_path, capture_output=True, check=True)
    told = said((tmp_path / "cells.ipynb").read_text())
    want = said((EXAMPLES / "cells.ipynb").read_text())
    assert re.sub(r"[\d. ]+", " ", told) == re.sub(r"[\d. ]+", " ", want)
    np.testing.assert_allclose(numbers(told), numbers(want), atol=3.0)  # per cent


def said(notebook):
    """All that the cells of a notebook print."""
    outputs = [k for cell in json.loads(notebook)["cells"] for k in cell.get("outputs", ())]
    return "".join(line for k in outputs for line in k.get("text", ()))


GALLERY = sorted((EXAMPLES / "gallery").glob("*.py"))


@pytest.fixture
def pyplot(monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("Agg")
    yield pyplot
    pyplot.close("all")


@pytest.mark.parametrize("script", GALLERY, ids=[script.stem for script in GALLERY])
def test_gallery(script, pyplot):
    """Each draws one picture, in which something is to be seen, and titles are within it."""
    if "sklearn" in script.read_text():
        pytest.importorskip("sklearn")
    runpy.run_path(str(script))
    (number,) = pyplot.get_fignums()
    figure = pyplot.figure(number)
    figure.canvas.draw()
    picture = np.asarray(figure.canvas.buffer_rgba())[..., :3] @ [1, 256, 65536]
    assert np.unique(picture).size > 50
    room = figure.bbox
    for axes in figure.axes:
        title = axes.title.get_window_extent()
        assert not axes.get_title() or (room.x0 <= title.x0 and title.x1 <= room.x1)


def test_the_gallery_is_short_and_has_seeds():
    assert 10 <= len(GALLERY) <= 15
    for script in GALLERY:
        text = script.read_text()
        assert len(text.splitlines()) <= 60, script.name
        assert text.count("default_rng(") == len(re.findall(r"default_rng\(\d+\)", text))
        assert "np.random.seed" not in text
