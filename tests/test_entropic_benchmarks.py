"""The benchmark rows on entropic transport: tiny sizes, in this process, no word about time."""

import importlib.util
import json
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("benchmarks.run", reason="benchmarks are not part of this installation")

from benchmarks import measure, report, rows
from benchmarks.cases import EntropicCase, EntropicPointsCase, StressCase, rebuild
from benchmarks.cases.entropic import SHAPES
from benchmarks.cases.stress import FORMULATIONS
from benchmarks.natural import natural_residual
from benchmarks.peers import SOLVERS, Answer
from benchmarks.peers.ours import FAULTS
from benchmarks.rows import entropic, methods

import quot

# Their lines when quick, and a column of theirs.
LINES = {"E-A": (20, "L1 residual"), "E-B": (10, "L1 residual"), "E-C": (30, "linear error")}
LINES |= {"E-D": (6, "of C"), "E-E": (4, "above tolerance")}
INSIDE = rows.Options(quick=True, runs=1, isolated=False)


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    monkeypatch.setattr(entropic, "SLICES", tmp_path / "slices")
    monkeypatch.setattr(entropic, "QUICK", (40, 50))
    monkeypatch.setattr(entropic, "TEMPERATURES", (1e-2, 1e-4))
    monkeypatch.setattr(entropic, "FEW", 5)
    monkeypatch.setattr(entropic, "SLICE", 3)
    short = {"numItermax": 100}
    monkeypatch.setattr(entropic, "ITERATIONS", short)
    monkeypatch.setattr(entropic, "PARTIAL_LONG", short)
    monkeypatch.setattr(entropic, "REGOT", {"tol": 1e-8, "max_iter": 100})
    return tmp_path


@pytest.mark.parametrize("key", list(LINES))
def test_row_runs(key, results):
    for peer in {"E-A": ["ot"], "E-B": ["ot", "regot"]}.get(key, []):
        if importlib.util.find_spec(peer) is None:
            pytest.skip(f"peer {peer} is not installed")
    lines = rows.ROWS[key].run(INSIDE, lambda text: None)
    count, column = LINES[key]
    assert len(lines) == count
    for line in lines:
        m = line.measurement
        assert rebuild(m.case).as_dict() == m.case
        if key in {"E-A", "E-B"} and m.solver != "quot":
            solved = m.outcome == "ok" and m.work["L1 residual"] < entropic.SOLVED
            assert (line.ratio is not None) == solved
            continue
        assert m.outcome == "ok", m.message
        if key in {"E-A", "E-B"}:
            assert line.extra["L1 residual"] < 1e-8
            assert line.extra["passes"] > 10
        if m.solver == "quot" and key != "E-C":
            assert m.is_certified(1e-8)
    report.save(key, lines, quick=True)
    text = report.page(quick=True)
    assert f"## {key}: {rows.ROWS[key].title}" in text
    assert rows.ROWS[key].about in text
    assert f" {column} " in text


@pytest.mark.parametrize("way", [methods.Way("three-block", "E2"), methods.Way("sinkhorn", "E3")])
def test_missing_is_what_the_prices_miss(way):
    """Read off the history in the right unit."""
    case = EntropicCase(20, 0.05, 0.7, "palette")
    C, a, b, eps, mass = case.data()
    line = methods._counted(case, way, 0.0)
    assert line.extra["missing"] <= methods.ENOUGH
    how = {"method": way.method, "formulation": way.formulation, "on_failure": "ignore"}
    r = quot.solve_entropic(
        C, a, b, eps=eps, mass=mass, **how, tol=1e-9, callback=lambda it: it.passes >= 10
    )
    assert 10 <= r.history[-1].passes < line.extra["passes"]
    P = np.exp((r.f[:, None] + r.g + r.lam - C) / eps)
    kept = np.exp(r.f / eps), np.exp(r.g / eps)
    missing = np.abs(P.sum(axis=1) + kept[0] - a).sum() + np.abs(P.sum(axis=0) + kept[1] - b).sum()
    if way.method == "three-block":
        missing += abs(P.sum() - mass)
    else:  # a dummy row and a dummy column have what is kept; the corner has next to nothing
        missing += sum(
            abs(x.sum() - y) for x, y in zip(kept, (1.0 - mass, 1.0 - mass), strict=True)
        )
    told = min(iterate.residual for iterate in r.history) * methods._unit(case, way)
    assert told == pytest.approx(missing, rel=1e-6)


@pytest.mark.parametrize("mass", [None, 0.6])
def test_a_plan_of_prices_is_kept_and_judged(mass):
    case = EntropicCase(30, 0.01, mass)
    found, answer = measure.measure("quot", case, {"tol": 1e-8}, runs=0, isolated=False)
    measure.judge(found, answer, None)
    r = quot.solve_entropic(*case.data()[:3], eps=0.01, mass=mass)
    np.testing.assert_allclose(answer.plan.to_dense(), r.plan.to_dense(), atol=1e-15)
    assert found.value == pytest.approx(r.certificate.upper, rel=1e-12)
    assert found.work["L1 residual"] < 1e-8


def test_natural_residual_by_hand():
    """Row 0 at price 0 may keep; row 1 is to send all; column 1 gets too much."""
    problem = quot.EntropicProblem(np.ones((2, 2)), eps=0.5, mass=0.6)
    plan = quot.Plan.from_sparse(np.array([[0.0, 0.1], [0.0, 0.45]]))
    at = SimpleNamespace(f=np.array([0.0, -5.0]), g=np.zeros(2))
    assert natural_residual(problem, plan, at) == pytest.approx((0.05 + 0.05 + 0.05) / 0.6)
    even = quot.EntropicProblem(np.ones((2, 2)), eps=0.5)
    assert natural_residual(even, plan, at) == pytest.approx(0.4 + 0.05 + 0.5 + 0.05)


def test_a_plan_that_is_not_a_number_is_shown(monkeypatch):
    def nan(case, settings):
        from benchmarks.peers.entropic import _answer

        return lambda: np.full((5, 5), np.nan), _answer

    monkeypatch.setitem(SOLVERS, "splr", ("regot sinkhorn_splr", "quot", nan))
    found, answer = measure.measure("splr", EntropicCase(5, 1.0), {}, isolated=False)
    assert answer is None
    assert (found.outcome, found.message) == ("NaN", "the plan has entries that are not finite")


def test_threads_are_those_asked_for():
    assert set(measure.environment(threads=1)[k] for k in measure.THREAD_VARIABLES) == {"1"}


@pytest.mark.parametrize("shape", list(SHAPES))
def test_matrices_are_rebuilt(shape):
    case = EntropicCase(40, 1e-3, 0.7, shape)
    again = rebuild(json.loads(json.dumps(case.as_dict())))
    assert again == case
    C, a, b, eps, mass = case.dense()
    for mine, other in zip((C, a, b), again.dense()[:3], strict=True):
        np.testing.assert_array_equal(mine, other)
    assert (C.max(), eps, mass) == (1.0, 1e-3, 0.7)
    for masses in (a, b):
        assert masses.sum() == pytest.approx(1.0)
    assert case.problem().eps == 1e-3


def test_points_are_scaled():
    case = EntropicPointsCase(50, 3, 0.01)
    assert rebuild(case.as_dict()) == case
    problem = case.problem()
    assert isinstance(problem.cost, quot.PointCost)
    assert problem.cost.block(0, 50).max() <= 1.0 + 1e-12


@pytest.mark.parametrize("formulation", FORMULATIONS)
def test_random_problems_are_valid_and_their_own(formulation):
    case, other = (StressCase(formulation, 0, count) for count in (20, 40))
    for seed in range(20):
        C, a, b, eps, mass = case.draw(seed)
        np.testing.assert_array_equal(C, other.draw(seed)[0])
        own = "E1" if formulation == "balanced" else formulation
        problem = quot.EntropicProblem(C, a, b, eps=eps, mass=mass, formulation=own)
        assert problem.is_balanced == (formulation == "balanced")


def test_faults_are_counted_and_told(monkeypatch, results):
    solve = quot.solve_entropic

    def faulty(C, *args, **options):
        if options["eps"] == draws[1][3]:
            raise RuntimeError("no")
        r = solve(C, *args, **options, max_iter=1 if options["eps"] == draws[2][3] else 10_000)
        return r

    case = StressCase("E1", 0, 4)
    draws = [case.draw(seed) for seed in range(4)]
    monkeypatch.setattr(quot, "solve_entropic", faulty)
    found, answer = measure.measure("stress", case, {"tol": 1e-8}, runs=0, isolated=False)
    assert answer is None
    assert found.work["instances"] == 4
    assert {fault: found.work[fault] for fault in FAULTS} == {
        "not converged": 1,
        "NaN": 0,
        "above tolerance": 0,
        "exceptions": 1,
    }
    assert found.message == "seeds 1 (exceptions), 2 (not converged)"


def test_slices_that_are_done_are_not_done_again(monkeypatch, results):
    how = rows.Options(isolated=False)
    monkeypatch.setattr(entropic, "INSTANCES", 5)
    first = entropic.robust(how, lambda text: None)
    said = []
    again = entropic.robust(how, said.append)
    assert said == []
    assert [line.as_dict() for line in again] == [line.as_dict() for line in first]
    assert [line.extra["instances"] for line in first] == [5] * 4


def test_a_peer_that_has_not_solved_has_no_ratio(monkeypatch):
    def even(case, settings):
        n = case.n
        return lambda: None, lambda raw: Answer(np.full((n, n), 1.0 / n**2))

    monkeypatch.setitem(SOLVERS, "splr", ("regot sinkhorn_splr", "quot", even))
    rivals = [entropic.Rival("splr", "even", {}, 1.0)]
    line = entropic._duel(EntropicCase(20, 0.01), rivals, INSIDE, lambda text: None)[1]
    assert line.measurement.outcome == "ok"
    assert line.extra["L1 residual"] > entropic.SOLVED
    assert line.ratio is None
    assert line.met is None


@pytest.mark.parametrize(("formulation", "seed"), [("E2", 7635), ("E2", 16000), ("E3", 7812)])
def test_entries_are_judged_like_the_prices_they_come_from(formulation, seed):
    """Where next to nothing is kept; rows were filled up, and the entropy of that was lost."""
    C, a, b, eps, mass = StressCase(formulation, seed, 1).draw(seed)
    r = quot.solve_entropic(C, a, b, eps=eps, mass=mass, formulation=formulation)
    entries = quot.Plan.from_dense(r.plan.to_dense())
    found = quot.certify(r.problem, entries, r.f, r.g, r.lam)
    assert r.converged
    assert found.relative_gap <= 1e-10
