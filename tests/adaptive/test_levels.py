"""Adaptive plans of many points: coarse levels, candidates and pricing, on few."""

import numpy as np
import pytest

import quot
from quot.adaptive.candidates import Candidates
from quot.adaptive.grid import Grid
from quot.adaptive.pairs import Pairs
from quot.adaptive.rows import Answer
from quot.adaptive.system import System
from quot.certificate import adaptive as certificate
from quot.convergence import Status
from quot.costs import DenseCost, PointCost
from quot.pairs import Pricer
from quot.pairs.candidates import beyond_all
from quot.problem import AdaptiveProblem
from quot.quadratic.coarse import coarsen
from quot.settings import using

SIDES = ["source", "target", "both"]


@pytest.fixture
def few():
    """A handful of points counts as many."""
    with using(shared=400, unclustered=8):
        yield


def points(rng, n, m, d=2):
    return PointCost(rng.normal(size=(n, d)), 0.7 * rng.normal(size=(m, d)) + 1.0)


@pytest.mark.parametrize("on", SIDES)
@pytest.mark.parametrize("d", [2, 6])
def test_candidates_end_where_all_pairs_do(rng, few, on, d):
    cost = points(rng, 90, 70, d)
    a, b = rng.dirichlet(np.full(90, 5.0)), rng.dirichlet(np.full(70, 5.0))
    asked = (4.0, 5.0) if on == "both" else 4.5
    r = quot.solve_adaptive(cost, a, b, perplexity=asked, on=on)
    with using(shared=10**9):
        every = quot.solve_adaptive(cost, a, b, perplexity=asked, on=on)
    assert r.converged
    assert r.value == pytest.approx(every.value, rel=2e-8)
    assert {h.level for h in r.history} >= {0, 1}
    assert r.history[-1].candidates < 90 * 70
    assert {h.level for h in every.history} == {0}


@pytest.mark.parametrize("on", SIDES)
def test_multigrid_changes_nothing_but_the_way(rng, few, on):
    cost = points(rng, 90, 70)
    found = []
    for multigrid in (10**9, 50):
        with using(multigrid=multigrid):
            found.append(quot.solve_adaptive(cost, perplexity=4, on=on))
    assert found[0].converged
    assert found[1].converged
    assert found[1].value == pytest.approx(found[0].value, rel=2e-8)


def test_components_move_apart(rng):
    w = rng.uniform(0.5, 1.0, 8)
    begin, at = np.array([0, 2, 4, 6, 8]), np.array([0, 1, 0, 1, 2, 3, 2, 3], np.int32)
    weight = np.bincount(at, w)
    grid = Grid.of(begin, at, w, weight)
    r = rng.normal(size=4)
    parts = slice(0, 2), slice(2, 4)
    for part in parts:
        assert grid.apart(r)[part].sum() == pytest.approx(0.0, abs=1e-12)
        assert grid.near(r)[part] @ weight[part] == pytest.approx(0.0, abs=1e-12)
    moments = np.array([[w[i : i + 2].sum() for i in range(0, 8, 2)], np.zeros(4), np.zeros(4)])
    with using(multigrid=1):
        system = System.of((begin, at, w, np.zeros(8)), moments, np.repeat((False, True), 4), 1e-3)
        rest, shift = system.apart(r)
    for part in parts:
        assert rest[part].sum() == pytest.approx(0.0, abs=1e-12)
        assert shift[part] == pytest.approx(1e3 * r[part].sum() / system.x[part].sum())


def test_a_matrix_has_levels_too(rng, few):
    C = points(rng, 60, 80).block(0, 60)
    r = quot.solve_adaptive(C, perplexity=5)
    assert r.converged
    assert any(h.level > 0 for h in r.history)


def test_no_pair_left_out_would_carry_mass(rng, few):
    cost = points(rng, 90, 90)
    r = quot.solve_adaptive(cost, perplexity=6)
    beyond = r.f[:, None] + r.g - cost.block(0, 90)
    used = r.plan.to_dense() > 0.0
    assert beyond[~used].max() <= 1e-9 * np.abs(beyond).max()


@pytest.mark.parametrize("on", SIDES)
def test_stopped_on_a_coarse_level_there_is_a_plan(rng, few, on):
    cost, a, b = points(rng, 90, 70), rng.dirichlet(np.ones(90)), rng.dirichlet(np.ones(70))
    r = quot.solve_adaptive(
        cost, a, b, perplexity=4, on=on, callback=lambda iterate: True, on_failure="ignore"
    )
    assert r.status is Status.STOPPED
    assert r.history[-1].level > 0
    np.testing.assert_allclose(r.plan.row_sums(), a, rtol=1e-9)
    np.testing.assert_allclose(r.plan.col_sums(), b, rtol=1e-9)
    assert (r.row_multipliers.shape, r.col_multipliers.shape) == ((90,), (70,))


def test_candidates_are_enough_to_share_with(rng):
    problem = AdaptiveProblem(points(rng, 80, 90), row_perplexity=30, col_perplexity=20)
    n, m = problem.shape
    answer = Answer(np.zeros(2 * m), np.full(n, -10.0), np.zeros(n), np.empty((3, n)))
    found = Candidates.around(problem, Pricer(), answer, beyond_all(problem))
    assert np.diff(found.pairs.start).min() >= 30
    assert np.bincount(found.pairs.col, minlength=m).min() >= 20
    assert found.pairs.col.size < n * m


def test_what_is_lacking_is_taken_in(rng):
    problem = AdaptiveProblem(points(rng, 80, 90), row_perplexity=2)
    n, m = problem.shape
    C = problem.cost.block(0, n)
    f = np.sort(C, axis=1)[:, 2]
    answer = Answer(np.zeros(m), f, np.zeros(n), np.empty((3, n)))
    before = Candidates.around(problem, Pricer(), answer, beyond_all(problem))
    further = Answer(np.zeros(m), 3.0 * f, np.zeros(n), np.empty((3, n)))
    lacking = before.lacking(further)
    wanted = set(zip(*np.nonzero(further.f[:, None] > C), strict=True))
    have = set(zip(before.support.rows, before.support.cols, strict=True))
    assert set(zip(lacking.rows, lacking.cols, strict=True)) == wanted - have
    after = before.renewed(further, lacking)
    assert after.lacking(further).size == 0


def test_clusters_share_with_as_large_a_part(rng):
    asked = rng.uniform(20, 40, 400)
    problem = AdaptiveProblem(points(rng, 400, 500), row_perplexity=asked)
    (level, *_) = coarsen(problem, 10_000)
    coarse, members = level.problem, np.bincount(level.rows)
    part = coarse.shape[1] / 500
    mean = np.exp(np.bincount(level.rows, np.log(asked)) / members)
    np.testing.assert_allclose(coarse.row_perplexity, np.maximum(part * mean, 6.0))
    assert coarse.col_perplexity is None
    np.testing.assert_allclose(coarse.a, members / 400)


def test_members_have_the_pairs_of_their_cluster(rng):
    cost = rng.random((5, 3))
    pairs = Pairs(np.array([0, 2, 2, 3]), np.array([0, 2, 1], np.int32), np.zeros(3))
    found = pairs.members(np.array([0, 2, 0, 1, 0]), DenseCost(cost))
    np.testing.assert_array_equal(found.start, [0, 2, 3, 5, 5, 7])
    np.testing.assert_array_equal(found.col, [0, 2, 1, 0, 2, 0, 2])
    np.testing.assert_array_equal(found.cost, cost[[0, 0, 1, 2, 2, 4, 4], found.col])


@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean", "cityblock", "cosine"])
def test_what_all_pairs_cost_is_bounded(rng, metric):
    X, Y = rng.normal(size=(30, 3)), rng.normal(size=(40, 3)) + 2.0
    a, b = 3.0 * rng.dirichlet(np.ones(30)), 3.0 * rng.dirichlet(np.ones(40))
    problem = AdaptiveProblem(PointCost(X, Y, metric), a, b, row_perplexity=2)
    exact, _ = certificate._even(problem)
    with using(boxed=10):
        most, _ = certificate._even(problem)
    if metric in {"sqeuclidean", "cosine"}:
        assert most == pytest.approx(exact, rel=1e-12)
    else:
        assert exact < most < 1.5 * exact
