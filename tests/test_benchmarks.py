"""The benchmark runs: tiny sizes, in this process, no word about time."""

import importlib.util
import json

import pytest

pytest.importorskip("benchmarks.run", reason="benchmarks are not part of this installation")

from benchmarks import measure, report, rows, run
from benchmarks.cases import Case

import quot

NEEDS = {"S1": "cvxpy", "S2": "regot", "S8": "ot"}


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


def test_rows_of_two_machines_are_not_mixed(results):
    for key, cores in (("S1", 1), ("S2", 2)):
        path = report.save(key, [], quick=False)
        content = json.loads(path.read_text())
        content["machine"]["cores"] = cores
        path.write_text(json.dumps(content))
    with pytest.raises(SystemExit, match="different machines"):
        report.page()
