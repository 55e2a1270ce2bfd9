"""The benchmark row on affinities: tiny sizes, in this process, no word about time."""

import pytest

pytest.importorskip("benchmarks.run", reason="benchmarks are not part of this installation")

from benchmarks import report, rows, run
from benchmarks.cases import rebuild


def test_row_runs(tmp_path, monkeypatch):
    pytest.importorskip("sklearn")
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    inside = rows.Options(quick=True, runs=1, isolated=False)
    lines = rows.ROWS["O-F"].run(inside, lambda text: None)
    assert len(lines) == 5
    for line in lines:
        m = line.measurement
        assert m.outcome == "ok", m.message
        assert rebuild(m.case).as_dict() == m.case
        assert (line.ratio is not None) == (m.solver == "sklearn rows")
        assert line.extra["off"] <= (1e-3 if m.solver == "sklearn rows" else 1e-6)
    report.save("O-F", lines, quick=True)
    text = report.page(quick=True)
    assert f"## O-F: {rows.ROWS['O-F'].title}" in text
    assert " problem gap " in text


def test_rows_are_named_in_either_case():
    assert run._rows("o-f, s1") == ["O-F", "S1"]
