"""The benchmark rows on graphs: tiny sizes, in this process, no word about time."""

import importlib.util
import json

import numpy as np
import pytest

pytest.importorskip("benchmarks.run", reason="benchmarks are not part of this installation")

from benchmarks import measure, report, rows
from benchmarks.cases import GraphCase, PointsCase, rebuild
from benchmarks.cases.graphs import SHAPES
from benchmarks.peers import SOLVERS

import quot

# Their lines, and a column of theirs alone.
LINES = {"G-A": (4, "its ratio"), "G-B": (6, "cost ratio"), "G-C": (6, "edges used")}
LINES |= {"G-D": (6, "difference"), "G-E": (3, "difference")}


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    return tmp_path


@pytest.mark.parametrize("key", list(LINES))
def test_row_runs(key, results):
    if key == "G-A":
        pytest.importorskip("cvxpy")
    options = rows.Options(quick=True, runs=1, isolated=False)
    lines = rows.ROWS[key].run(options, lambda text: None)
    count, column = LINES[key]
    assert len(lines) == count
    for line in lines:
        m = line.measurement
        if m.solver in {"networkx", "ortools"} and m.outcome == "missing":
            continue
        assert m.outcome == "ok", m.message
        assert m.seconds > 0
        assert rebuild(m.case).as_dict() == m.case
        if m.solver == "quot":
            assert m.is_certified(m.settings["tol"])
        elif m.solver == "football":
            assert line.extra["after repair"] > 1.0
            assert m.residual < 1e-9 or m.settings["variant"] == "printed"
        elif key in {"G-D", "G-E"}:
            assert line.extra["difference"] <= 1e-14
            assert m.residual == 0.0
        else:
            assert m.gap < 1e-6
            assert m.residual < 1e-6
            assert 0.0 < m.detail["solver alone"] < m.first
    report.save(key, lines, quick=True)
    text = report.page(quick=True)
    assert f"## {key}: {rows.ROWS[key].title}" in text
    assert rows.ROWS[key].about in text
    told = any(line.extra for line in lines)  # G-E has nothing to tell but of a peer
    assert (f" {column} " in text) == told
    assert told or (key == "G-E" and importlib.util.find_spec("ortools") is None)


@pytest.mark.parametrize("shape", list(SHAPES))
def test_graphs_are_rebuilt(shape):
    case = GraphCase(64, 0.0, shape)
    again = rebuild(json.loads(json.dumps(case.as_dict())))
    assert again == case
    (graph, *masses), (other, *others) = case.data()[:3], again.data()[:3]
    np.testing.assert_array_equal(graph.edges, other.edges)
    np.testing.assert_array_equal(graph.lengths, other.lengths)
    np.testing.assert_array_equal(masses, others)
    assert masses[0].sum() == pytest.approx(masses[1].sum(), rel=1e-14)
    assert graph.n_nodes == 64
    assert graph.n_components == 1
    assert isinstance(case.problem(), quot.GraphProblem)


@pytest.mark.parametrize("shape", ["integer grid", "integer points", "unit grid"])
def test_integers_are_the_problem(shape):
    case = GraphCase(49, 0.0, shape)
    graph, supply, lengths = case.integers()
    _, source, target, *_ = case.data()
    assert supply.dtype.kind == lengths.dtype.kind == "i"
    assert supply.sum() == 0
    np.testing.assert_array_equal(supply, source - target)
    np.testing.assert_array_equal(lengths, graph.lengths)
    assert (lengths.max() > 10) == (shape != "unit grid")


def test_solvers_for_integers_refuse_others():
    for case in (GraphCase(49, 0.0, "grid"), GraphCase(49, 1.0, "integer grid")):
        with pytest.raises(NotImplementedError, match="integers only"):
            case.integers()


def test_grids_are_square():
    with pytest.raises(ValueError, match="a square grid has no 50 nodes"):
        GraphCase(50, 1.0, "grid").data()


def test_half_the_mass_moves_to_the_right():
    graph, source, target, *_ = GraphCase(80, 1.0, "halves").data()
    assert graph.positions[source > 0, 0].max() < 0.5 <= graph.positions[target > 0, 0].min()
    assert (source * target == 0.0).all()
    assert source.sum() == pytest.approx(1.0)


def test_a_graph_needs_no_matrix():
    assert GraphCase(10**6, 1.0, "grid").matrix == 0
    assert PointsCase(10, 2, 1.0).matrix == 800


def test_a_worse_cost_is_not_met(monkeypatch):
    """A peer that finds another cost than ours is shown, and the aim is not met."""

    def stands_still(case, settings):
        from benchmarks.peers import Answer

        graph, source, target, *_ = case.data()

        def call():
            return quot.solve_graph(graph, source, target, reg=1e3)

        return call, lambda r: Answer(r.flow)

    monkeypatch.setitem(SOLVERS, "ortools", ("OR-tools", "quot", stands_still))
    monkeypatch.setitem(SOLVERS, "networkx", ("networkx", "quot", stands_still))
    monkeypatch.setattr(measure, "ALONE", set())
    monkeypatch.setattr("benchmarks.rows.duels.Measurement.is_certified", lambda *_: True)
    options = rows.Options(quick=True, runs=1, isolated=False)
    for line in rows.ROWS["G-D"].run(options, lambda text: None):
        if line.measurement.solver != "quot":
            assert line.extra["difference"] > 1e-3
            assert line.met is False


def test_missing_peer_is_a_line(monkeypatch):
    known = measure.importlib.util.find_spec
    monkeypatch.setattr(
        measure.importlib.util, "find_spec", lambda name: None if name == "ortools" else known(name)
    )
    options = rows.Options(quick=True, runs=1, isolated=False)
    lines = rows.ROWS["G-D"].run(options, lambda text: None)
    (line, _) = (line for line in lines if line.measurement.solver == "ortools")
    assert line.measurement.message == "package ortools is not installed"
    assert line.met is None
    assert "missing" in report.tables([line.as_dict()])
