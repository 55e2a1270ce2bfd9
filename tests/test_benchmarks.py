"""The benchmark runs: tiny sizes, in this process, no word about time."""

import functools
import importlib.util
import json
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("benchmarks.run", reason="benchmarks are not part of this installation")

from benchmarks import measure, report, rows, run, worker
from benchmarks.cases import Case, HistogramCase, ImageCase, PointsCase, rebuild
from benchmarks.cases.histograms import SHAPES as HISTOGRAMS
from benchmarks.cases.points import SHAPES
from benchmarks.rows.brute import dual_value
from tests.test_adaptive_benchmarks import LINES as ADAPTIVE
from tests.test_entropic_benchmarks import LINES as ENTROPIC
from tests.test_graph_benchmarks import LINES
from tests.test_small_benchmarks import LINES as SMALL

import quot

NEEDS = {"S1": "cvxpy", "S2": "regot", "S3": "regot", "S8": "ot", "S10": "ot"}


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    return tmp_path


def needs_solve():
    if not hasattr(quot, "solve"):
        pytest.skip("quot.solve is not there yet")


@pytest.mark.parametrize("key", list(NEEDS))
def test_row_runs(key, results):
    needs_solve()
    if importlib.util.find_spec(NEEDS[key]) is None:
        pytest.skip(f"peer {NEEDS[key]} is not installed")
    options = rows.Options(quick=True, runs=1, isolated=False)
    lines = rows.ROWS[key][1](options, lambda text: None)
    path = report.save(key, lines, quick=True)
    assert json.loads(path.read_text())["row"] == key
    for line in lines:
        m = line.measurement
        assert m.outcome == "ok", m.message
        assert m.seconds > 0
        assert m.gap < (1e-9 if m.solver == "quot" else 1e-4)
        assert m.residual < (1e-9 if m.solver == "quot" else 1e-1)
    text = report.page(quick=True)
    assert f"## {key}: {rows.ROWS[key][0]}" in text
    assert lines[1].label in text


# Their lines, and columns that they add to those of all new rows.
ALONE = {"S4": (2, ""), "S5": (1, ""), "S6": (4, ""), "S7": (3, "slope")}
ALONE |= {"CLOUDS": (5, "of Gaussian"), "BF": (2, "difference"), "IMG": (6, "")}
WORK = {"peak GiB", "degree", "rounds", "steps"}


@pytest.mark.parametrize("key", list(ALONE))
def test_row_of_scale_runs(key, results):
    if key == "IMG":
        pytest.importorskip("skimage")
        pytest.importorskip("PIL")
        pytest.importorskip("ot")
    options = rows.Options(quick=True, runs=1, isolated=False)
    lines = rows.ROWS[key].run(options, lambda text: None)
    count, column = ALONE[key]
    assert len(lines) == count
    for line in lines:
        m = line.measurement
        assert m.outcome == "ok", m.message
        assert m.seconds > 0
        assert rebuild(m.case).as_dict() == m.case
        if m.solver == "quot":
            assert line.extra.keys() >= WORK
            assert m.is_certified(m.settings["tol"])
            assert m.lower <= m.value * (1 + 1e-12)
        elif m.solver != "brute":
            assert m.gap < 1e-9
    report.save(key, lines, quick=True)
    text = report.page(quick=True)
    row = rows.ROWS[key]
    assert f"## {key}: {row.title}" in text
    assert row.about in text
    assert "| peak GiB | degree | rounds | steps |" in text
    if column:
        assert f" {column} " in text
        assert column in lines[-1].extra
    if key == "BF":
        assert lines[-1].extra["difference"] < 1e-12
        assert lines[-1].met


def test_first_solves_run(monkeypatch, results):
    inside = functools.partial(measure.measure, isolated=False)  # nothing is compiled anew
    monkeypatch.setattr("benchmarks.rows.first.measure", inside)
    lines = rows.ROWS["S9"].run(rows.Options(quick=True), lambda text: None)
    assert [line.label for line in lines] == ["kernel cache absent", "kernel cache present"]
    for line in lines:
        assert line.measurement.outcome == "ok", line.measurement.message
        assert line.met is not None


@pytest.mark.parametrize("mass", [None, 0.7])
def test_brute_force_finds_the_bound(mass):
    case = PointsCase(150, 3, 300.0, mass)
    r = quot.solve(*case.data()[:3], reg=case.problem().reg, mass=mass)
    value = dual_value(case, r.f, r.g, r.lam)
    assert value == pytest.approx(r.certificate.lower, rel=1e-12)
    assert value != pytest.approx(dual_value(case, r.f + 1e-4, r.g, r.lam), rel=1e-12)


@pytest.mark.parametrize("shape", list(SHAPES))
@pytest.mark.parametrize("same", [False, True])
def test_points_are_rebuilt_and_scaled(shape, same):
    case = PointsCase(60, 2, 5.0, 0.7, shape, same)
    again = rebuild(json.loads(json.dumps(case.as_dict())))
    assert again == case
    X, Y, _, _, reg = case.positions()
    assert (X is Y) == same
    for mine, other in zip((X, Y), again.positions()[:2], strict=True):
        np.testing.assert_array_equal(mine, other)
    corners = np.concatenate((X.min(axis=0) - Y.max(axis=0), X.max(axis=0) - Y.min(axis=0)))
    reach = np.abs(corners).reshape(2, -1).max(axis=0)
    assert np.square(reach).sum() == pytest.approx(1.0)
    assert 0.0 < reg < 5.0
    C = case.dense()[0]
    assert C.max() <= 1.0 + 1e-12
    np.testing.assert_allclose(case.problem().cost.block(0, 60), C, atol=1e-15)


def test_duplicates_occur_ten_times():
    X = PointsCase(1000, 2, 1.0, shape="duplicated").positions()[0]
    assert 90 <= len(np.unique(X, axis=0)) <= 100


def test_collinear_points_share_a_line():
    X, Y, *_ = PointsCase(50, 2, 1.0, shape="collinear").positions()
    for points in (X, Y):
        np.testing.assert_allclose(points[:, 0], points[:, 1], atol=1e-15)


def test_pictures_are_distributions():
    pytest.importorskip("skimage")
    pytest.importorskip("PIL")
    case = ImageCase(16, 1.0, 0.8)
    assert rebuild(case.as_dict()) == case
    X, Y, a, b, reg = case.positions()
    assert reg == 1.0
    assert X is Y
    assert X.shape == (case.n, 2) == (256, 2)
    assert (X.min(), X.max()) == (1 / 32, 31 / 32)
    for levels in (a, b):
        assert levels.sum() == pytest.approx(1.0)
        assert levels.min() >= 0.0
    assert np.abs(a - b).max() > 1e-3


@pytest.mark.parametrize("shape", list(HISTOGRAMS))
@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean"])
def test_histograms_are_rebuilt(shape, metric):
    case = HistogramCase(64, 1e-3, 0.7, shape, metric)
    again = rebuild(json.loads(json.dumps(case.as_dict())))
    assert again == case
    C, a, b, reg, mass = case.dense()
    for mine, other in zip((C, a, b), again.dense()[:3], strict=True):
        np.testing.assert_array_equal(mine, other)
    assert (reg, mass, C.max()) == (1e-3, 0.7, 1.0)
    for masses in (a, b):
        assert masses.sum() == pytest.approx(1.0)
        assert masses.min() < 1e-6 * masses.max()


def test_shuffled_histograms_are_the_same_problem():
    sorted_ones, shuffled = (HistogramCase(40, 0.0, shape=s).dense() for s in ("line", "shuffled"))
    for mine, other in zip(sorted_ones[:3], shuffled[:3], strict=True):
        assert not np.array_equal(mine, other)
        np.testing.assert_allclose(np.sort(mine, axis=None), np.sort(other, axis=None), rtol=1e-14)


def test_every_row_has_a_test():
    assert {*NEEDS, *ALONE, *LINES, *ENTROPIC, *ADAPTIVE, *SMALL, "O-F", "S9"} == set(rows.ROWS)


def test_old_results_are_still_read():
    case = Case(5, 1.0, 0.7)
    assert "kind" not in case.as_dict()
    assert rebuild({"n": 5, "reg": 1.0, "mass": 0.7, "seed": 0}) == case


def test_results_without_extra_columns_have_no_table_for_them():
    measurement = measure.Measurement("quot", Case(5, 1.0).as_dict(), {})
    line = rows.Line("tol 1e-9", measurement).as_dict()
    del line["extra"]
    text = report.tables([line])
    assert "peak GiB" not in text
    assert text.count("| case ") == 2


def test_failure_leaves_its_cells_empty(monkeypatch, results):
    def fails(solver, case, settings, **how):
        return measure.Measurement(solver, case.as_dict(), settings, "failed", "no"), None

    monkeypatch.setattr("benchmarks.rows.lines.measure", fails)
    options = rows.Options(quick=True)
    for key in ("S4", "S7", "CLOUDS", "BF"):
        lines = rows.ROWS[key].run(options, lambda text: None)
        assert not lines[-1].met
        assert "failed" in report.tables([line.as_dict() for line in lines])


def test_matrix_without_room_is_not_started():
    pytest.importorskip("ot")
    case = ImageCase(256, 0.0)
    measurement, answer = measure.measure("emd", case, {}, isolated=False, memory=16.0)
    assert answer is None
    assert measurement.outcome == "memory limit"
    assert measurement.message == "not started: its matrix alone takes 32 of 16 GiB"


def test_peer_out_of_memory_is_a_result(monkeypatch):
    def greedy(case, settings):
        raise MemoryError("unable to allocate 9 GiB")

    monkeypatch.setitem(measure.SOLVERS, "emd", ("POT emd", "quot", greedy))
    measurement, answer = measure.measure("emd", Case(5, 0.0), {}, isolated=False)
    assert answer is None
    assert (measurement.outcome, measurement.message) == (
        "memory limit",
        "unable to allocate 9 GiB",
    )


def test_process_that_dies_of_memory_is_a_result(monkeypatch):
    def dies(command, **how):
        return subprocess.CompletedProcess(command, -6, "", "abort\n  what(): std::bad_alloc\n")

    monkeypatch.setattr(measure.subprocess, "run", dies)
    measurement, answer = measure.measure("quot", Case(5, 0.0), {})
    assert answer is None
    assert (measurement.outcome, measurement.message) == (
        "memory limit",
        "the process ended with code -6: what(): std::bad_alloc",
    )


def test_peak_memory_is_of_the_process_alone():
    if not measure.Path("/proc/self/status").exists():
        pytest.skip("this system knows only the peak that a process inherits")
    ballast = np.ones(40_000_000)
    assert worker.peak_memory() > ballast.nbytes / worker.GIB
    code = "from benchmarks.worker import peak_memory; print(peak_memory())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=measure.ROOT, capture_output=True, text=True, check=True
    )
    assert 0.0 < float(done.stdout) < 0.2


KINDS = ("matrix", "points", "image", "graph", "entropic", "adaptive", "adaptive points")


@pytest.mark.parametrize(
    ("keys", "kinds"),
    [
        (["S1"], {"matrix"}),
        (["S0", "S0b", "S0c", "P"], {"matrix"}),
        (["S4", "BF"], {"points"}),
        (["IMG"], {"image"}),
        (["G-A", "G-C"], {"graph"}),
        (["E-A", "E-C", "E-E"], {"entropic"}),
        (["O-A", "O-E"], {"adaptive"}),
        (["O-C"], {"adaptive", "adaptive points"}),
        (list(rows.ROWS), {*KINDS}),
    ],
)
def test_warming_is_what_the_rows_need(keys, kinds):
    assert {case.kind for case in rows.warming(keys, quick=True)} == kinds


def test_missing_peer_is_said(monkeypatch):
    monkeypatch.setattr(measure.importlib.util, "find_spec", lambda name: None)
    measurement, answer = measure.measure("grssn", Case(5, 1.0), {})
    assert answer is None
    assert (measurement.outcome, measurement.message) == (
        "missing",
        "package regot is not installed",
    )


def test_peer_that_raises_is_a_result():
    if importlib.util.find_spec("regot") is None:
        pytest.skip("peer regot is not installed")
    measurement, answer = measure.measure("grssn", Case(5, 1.0, 0.5), {}, isolated=False)
    assert answer is None
    assert measurement.outcome == "failed"
    assert measurement.message == "NotImplementedError: regot solves balanced problems only"
    line = rows.Line("defaults", measurement)
    assert "balanced problems only" in report.tables([line.as_dict()])


def test_unknown_row(capsys):
    with pytest.raises(SystemExit):
        run.main(["--rows", "S1,S77"])
    assert "no such row: S77" in capsys.readouterr().err


def test_nothing_measured(results):
    with pytest.raises(SystemExit, match="nothing is measured yet"):
        report.page()


def test_each_row_says_where_it_was_measured(results):
    for key, cores in (("S1", 1), ("S2", 2)):
        path = report.save(key, [], quick=False)
        content = json.loads(path.read_text())
        content["machine"]["cores"] = cores
        path.write_text(json.dumps(content))
    page = report.page()
    one, two = page.index("(row-s1)="), page.index("(row-s2)=")
    assert " 1 cores" in page[one:two]
    assert " 2 cores" in page[two:]


def test_rows_that_are_not_measured_again_stay(results):
    for key in ("S1", "S2"):
        report.save(key, [], quick=False)
    before = report.page().replace("Measured on", "Found on")
    (report.RESULTS / "S2.json").unlink()
    after = report.page(before)
    one, two = after.index("(row-s1)="), after.index("(row-s2)=")
    assert "Measured on" in after[one:two]
    assert "Found on" in after[two:]
    assert report.page(after) == after
