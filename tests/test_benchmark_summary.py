"""Summaries of the benchmarks say what the tables say."""

import pytest

pytest.importorskip("benchmarks.run", reason="benchmarks are not part of this installation")

from benchmarks import report, summary
from benchmarks.cases import Case
from benchmarks.measure import Measurement
from benchmarks.rows import ROWS, Line

TABLES = summary.TABLES.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", summary.SUMMARIES)
def test_summaries_are_what_the_tables_say(name):
    """`python -m benchmarks.summary` writes them."""
    text = (summary.ROOT / name).read_text(encoding="utf-8")
    assert "<!-- compared -->" in text
    linked = name.startswith("docs/")
    assert summary.renewed(text, TABLES, linked=linked) == text
    line = next(line for line in summary.LINES if line.row == "S1")
    (ratio,) = summary.ratios(line, TABLES)
    assert f"| {line.work} | {ratio:.0f} | {line.against} |" in text
    others = TABLES.replace(f"| {ratio:.0f}x ", "| 2.5x ")
    assert summary.ratios(line, others) == [2.5]
    assert f"| {line.work} | 2.5 | {line.against} |" in summary.renewed(text, others, linked=linked)


def test_what_is_not_measured_is_no_summary():
    line = summary.LINES[0]
    for other, said in (
        (line._replace(row="S99"), "no times of row S99 in the tables; measure it first"),
        (line._replace(solver="nobody"), "row S1 has no ratio of cvxpy \\+ CLARABEL for n = 300"),
    ):
        with pytest.raises(LookupError, match=said):
            summary.ratios(other, TABLES)
    with pytest.raises(LookupError, match="row S1 has no seconds of ours for n = 7"):
        summary.ours(TABLES, "S1", "n = 7", "Times", "seconds")


def test_the_best_peer_counts_where_none_is_named():
    line = next(line for line in summary.LINES if not line.solver)
    peers = [
        row for row in summary.rows(TABLES, line.row)
        if row["case"] == line.cases[0] and row["ratio"] != "-"
    ]  # fmt: skip
    assert len(peers) > 1
    assert summary.ratios(line, TABLES)[0] == min(float(row["ratio"][:-1]) for row in peers)


def test_a_page_has_no_aims_and_its_tables_open_when_asked(tmp_path, monkeypatch):
    """Those are for who works on quot: the screen shows them."""
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    measured = Measurement("quot", Case(5, 1.0).as_dict(), {}, seconds=0.25, runs=[0.25])
    line = Line("tol 1e-9", measured, aim="<= 0.1 s", met=False)
    report.save("S1", [line], quick=False)
    page = report.page()
    assert "<= 0.1 s" in report.tables([line.as_dict()])
    assert "<= 0.1 s" not in page
    assert f"(row-s1)=\n## S1: {ROWS['S1'].title}" in page
    assert page.count("<details>") == page.count("</details>") == 2
    assert not page.startswith("This page is written")
    (row,) = summary.rows(page, "S1")
    assert row["seconds"] == "0.25"
