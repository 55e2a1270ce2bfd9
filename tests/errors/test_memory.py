"""What a solve will take is said before, and what does not fit is refused before."""

import numpy as np
import pytest
import scipy.sparse as sp

import quot
from quot import memory


def clouds(rng, n, m):
    return rng.normal(size=(n, 2)), 0.7 * rng.normal(size=(m, 2)) + 1.0


def test_available_memory_is_known_here():
    assert memory.available() > 1e8


@pytest.mark.parametrize("mass", [None, 0.7])
def test_estimate_of_points(mass, rng):
    """Within a factor of two of what the solve then takes."""
    X, Y = clouds(rng, 3000, 2500)
    problem = quot.Problem(quot.PointCost(X, Y), reg=50.0, mass=mass)
    expected = quot.estimate(problem)
    r = quot.solve(problem.cost, reg=50.0, mass=mass, tol=1e-6)
    assert 0.5 <= expected.entries / r.plan.nnz <= 2.0
    assert 0.5 <= expected.candidates / max(k.candidates for k in r.history) <= 2.0
    assert expected.memory == pytest.approx(memory.needed(expected.candidates))


@pytest.mark.parametrize("d", [3, 50])
@pytest.mark.parametrize("mass", [None, 0.7])
def test_estimate_in_any_dimension(d, mass, rng):
    """Means of clusters are nearer to each other than points: no count of theirs will do."""
    X, Y = rng.normal(size=(2, 2400, d)) / np.sqrt(2.0 * d)
    problem = quot.Problem(quot.PointCost(X, Y), reg=2400.0, mass=mass)
    r = quot.solve(problem.cost, reg=2400.0, mass=mass, tol=1e-5)
    assert 0.5 <= quot.estimate(problem).entries / r.plan.nnz <= 2.0


def test_many_dimensions_are_not_refused_for_what_coarse_levels_say(monkeypatch, rng):
    """25,000 points in 250 dimensions were, for want of 29 GB, with 40 pairs a row."""
    X, Y = rng.normal(size=(2, 2400, 50)) / 10.0
    problem = quot.Problem(quot.PointCost(X, Y), reg=2400.0)
    entries = quot.solve(problem.cost, reg=problem.reg, tol=1e-5).plan.nnz
    asked = []
    monkeypatch.setattr(memory, "fits", lambda pairs: False)
    monkeypatch.setattr(memory, "check", asked.append)
    quot.solve(problem.cost, reg=problem.reg, tol=1e-5)
    assert len(asked) > 1
    assert 0.5 * entries <= min(asked)
    assert max(asked) <= 2.0 * (entries + 10 * 4800)
    coarse = max(asked[:-1])
    assert coarse <= 2.0 * entries


def test_estimate_at_reg_zero(rng):
    problem = quot.Problem(quot.PointCost(*clouds(rng, 3000, 2500)))
    assert quot.estimate(problem).entries == 5500


def test_estimate_of_a_matrix(rng):
    dense = quot.Problem(rng.random((30, 20)), reg=1.0)
    assert quot.estimate(dense).entries == 600
    sparse = quot.Problem(sp.csr_array(np.eye(7)), reg=1.0)
    assert quot.estimate(sparse).candidates == 7


def test_estimate_reads_well(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 8_000_000_000)
    text = str(quot.estimate(quot.Problem(np.ones((2, 3)), reg=1.0)))
    assert text == "about 6 entries, 6 candidate pairs, 0.25 GB of 8 GB of memory"
    monkeypatch.setattr(memory, "available", lambda: None)
    text = str(quot.estimate(quot.Problem(np.ones((2, 3)), reg=1.0)))
    assert text.endswith("0.25 GB of memory")


def test_estimate_wants_a_problem():
    with pytest.raises(quot.InvalidProblemError, match="ndarray"):
        quot.estimate(np.ones((2, 2)))


def test_equal_points_are_refused_before_their_pairs_are_listed(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 1_000_000_000)
    X = np.ones((4000, 2))
    with pytest.raises(quot.ProblemTooLargeError, match=r"1\.6e\+07 pairs.*1 GB left"):
        quot.solve_points(X, X, reg=1.0)
    with pytest.raises(MemoryError):
        quot.solve_points(X, X, reg=1.0)


def test_candidates_that_do_not_fit_are_refused(monkeypatch, rng):
    """Where the coarse levels do not say so, the rows looked at before candidates are listed do."""
    X, Y = clouds(rng, 3000, 3000)
    monkeypatch.setattr(memory, "available", lambda: memory.needed(50_000))
    with pytest.raises(quot.ProblemTooLargeError, match="Lower `reg`"):
        quot.solve_points(X, Y, reg=300.0)
    monkeypatch.setattr(memory, "available", lambda: None)  # nothing known, nothing refused
    assert quot.solve_points(X, Y, reg=300.0, tol=1e-6).converged


def test_too_many_cheapest_plans(monkeypatch):
    """Along a line, where all go the same way, no pair is dearer than another."""
    x = np.linspace(0.0, 1.0, 3000)[:, None]
    monkeypatch.setattr(memory, "available", lambda: memory.needed(1_000_000))
    with pytest.raises(quot.ProblemTooLargeError, match=r"9\.0e\+06 pairs.*`ties=.any.`"):
        quot.solve_points(x, x + 2.0, metric="cityblock")
    r = quot.solve_points(x, x + 2.0, metric="cityblock", ties="any")
    assert r.converged
    assert r.value == pytest.approx(2.0)


def test_verbose_says_first_what_to_expect(capsys):
    quot.solve(np.ones((3, 4)), reg=1.0, verbose=True)
    assert capsys.readouterr().err.startswith("expected: about 12 entries, 12 candidate pairs")


def test_nothing_is_expected_of_a_reference_solver(capsys):
    pytest.importorskip("cvxpy")
    quot.solve(np.ones((3, 4)), reg=1.0, method="clarabel", tol=1e-6, verbose=True)
    assert "expected" not in capsys.readouterr().err


def test_what_is_checked_is_what_is_needed(monkeypatch):
    """Checked twice as high, a million points were refused that need 10 GB."""
    asked = []
    monkeypatch.setattr(memory, "check", asked.append)
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(3000, 2)), 0.7 * rng.normal(size=(3000, 2)) + 1.0
    r = quot.solve_points(X, Y, reg=30.0, mass=0.7)
    most = max(k.candidates for k in r.history)
    assert most < max(asked) < 1.7 * most
