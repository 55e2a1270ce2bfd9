"""The benchmark rows on adaptive transport, and the digits: tiny sizes, no word about time."""

import csv

import numpy as np
import pytest

pytest.importorskip("benchmarks.run", reason="benchmarks are not part of this installation")

from benchmarks import digits, report, rows
from benchmarks.cases import AdaptiveCase, rebuild
from benchmarks.peers import SOLVERS
from benchmarks.rows import adaptive

import quot

# Their lines when quick.
LINES = {"O-A": 14, "O-B": 14, "O-C": 4, "O-E": 4}
INSIDE = rows.Options(quick=True, runs=1, isolated=False)


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    monkeypatch.setattr(adaptive, "QUICK", 36)
    monkeypatch.setattr(adaptive, "LOW_QUICK", (12, 15))
    monkeypatch.setattr(adaptive, "PATIENCE", 1.0)
    return tmp_path


@pytest.mark.parametrize("key", list(LINES))
def test_row_runs(key, results):
    lines = rows.ROWS[key].run(INSIDE, lambda text: None)
    assert len(lines) == LINES[key]
    for line in lines:
        m = line.measurement
        assert m.outcome == "ok", m.message
        assert rebuild(m.case).as_dict() == m.case
        assert m.bound == "its own"
        if m.solver == "quot":
            assert m.is_certified(m.settings["tol"])
        else:
            assert m.lower <= m.value
    report.save(key, lines, quick=True)
    text = report.page(quick=True)
    assert f"## {key}: {rows.ROWS[key].title}" in text
    assert rows.ROWS[key].about in text


@pytest.mark.parametrize("regularizer", ["quadratic", "entropic"])
@pytest.mark.parametrize(("source", "target"), [(4.0, None), (None, 4.0), (4.0, 3.0)])
def test_general_optimiser_gets_there_where_it_is_easy(regularizer, source, target):
    case = AdaptiveCase(8, 10, source, target, regularizer, "uneven")
    call, read = SOLVERS["joint"][2](case, {"seconds": 60.0})
    answer = read(call())
    certificate = quot.certify(
        case.problem(),
        quot.Plan.from_dense(answer.plan),
        answer.f,
        answer.g,
        multipliers=answer.multipliers,
    )
    assert certificate.relative_gap < 1e-3
    assert certificate.primal_residual < 1e-3


def _domain(rng, size):
    """Three kinds of digits, as many of each, told apart by where they are bright."""
    labels = np.arange(size) % 3.0
    X = 0.1 * rng.random((size, 6))
    X[np.arange(size), labels.astype(int)] += 1.0
    return digits.Digits(X, labels)


@pytest.fixture
def quick_digits(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    sides = _domain(rng, 42), _domain(rng, 51)
    monkeypatch.setattr(digits, "load", lambda folder: sides)
    table = tmp_path / "table.csv"
    argv = ["--data", str(tmp_path), "--keep", str(tmp_path / "kept"), "--csv", str(table)]
    return [*argv, "--quick"], tmp_path / "kept", table


def test_digits_are_named_and_kept(quick_digits, monkeypatch, capsys):
    argv, kept, table = quick_digits
    monkeypatch.setattr(digits, "PERPLEXITIES", (10,))
    monkeypatch.setattr(
        digits,
        "PRINTED",
        {(way, 10): digits.PRINTED[way, 30] for way in digits.WAYS},
    )
    assert digits.main(argv) == 0
    first = capsys.readouterr()
    with table.open(newline="") as file:
        found = list(csv.DictReader(file))
    assert [row["column"] for row in found] == 2 * list(digits.COLUMNS)
    assert all(row["not converged"] == "0" for row in found)
    assert min(float(row["ours"]) for row in found if row["column"] != "OT") > 90.0
    assert len(list(kept.iterdir())) == 2 * 2 * 9
    monkeypatch.setattr(digits, "plan_of", None)  # nothing is solved again
    assert digits.main(argv) == 0
    again = capsys.readouterr()
    assert again.out == first.out
    assert "EOTARI-d" in first.err
    assert not again.err


@pytest.mark.parametrize("column", ["EOT", "QOT"])
def test_average_perplexity_is_as_asked(column):
    rng = np.random.default_rng(1)
    C = ((rng.random((30, 1, 2)) - rng.random((40, 2))) ** 2).sum(axis=2)
    P = digits.plan_of(digits.Entry("M to U", 7, column, 0), C).plan.to_dense()
    q = P / P.sum(axis=1, keepdims=True)
    if column == "EOT":
        found = np.exp(-np.mean(np.sum(q * np.log(q), axis=1)))
    else:
        found = 1.0 / np.mean(np.sum(q**2, axis=1))
    assert found == pytest.approx(7.0, rel=1e-5)


def test_gain_is_split_by_split():
    entries = [digits.Entry("M to U", 30, name, k) for name in ("QOT", "QOTARI-s") for k in (0, 1)]
    right = [0.5, 0.7, 0.6, 0.8]
    table = digits.Table(
        [
            vars(entry) | {"accuracy": part, "seconds": 1.0, "converged": True}
            for entry, part in zip(entries, right, strict=True)
        ]
    )
    row = table.rows()[1]
    assert row["gain"] == pytest.approx(10.0)
    assert row["error of gain"] == pytest.approx(0.0, abs=1e-12)
    assert (row["printed"], row["printed gain"]) == (68.3, 0.0)


def test_missing_digits_are_told(tmp_path):
    with pytest.raises(SystemExit, match=r"there is no .*MNIST_vs_USPS.mat"):
        digits.main(["--data", str(tmp_path)])
