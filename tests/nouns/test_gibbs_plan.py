"""A plan kept by its prices does what the same plan as an array does."""

import numpy as np
import pytest
import scipy.sparse as sp

import quot
from quot.costs import DenseCost, SparseCost, as_cost
from quot.gibbs_plan import GibbsPlan
from quot.gibbs_rounding import repair_gibbs
from quot.plan import Plan
from quot.problem import EntropicProblem
from quot.rounding import marginal_error


def costs(rng, n, m):
    C = rng.normal(size=(n, m))
    allowed = np.where(rng.random((n, m)) < 0.5, C, 0.0)
    points = quot.PointCost(rng.normal(size=(n, 2)), rng.normal(size=(m, 2)))
    return [DenseCost(C), SparseCost.of(sp.csr_array(allowed)), points]


@pytest.fixture(params=range(3), ids=["dense", "sparse", "points"])
def pair(request, rng):
    """A plan of 7 x 900 with extra entries, and the array that it is."""
    n, m, eps = 7, 900, 0.7
    cost = costs(rng, n, m)[request.param]
    f, g, u, w = rng.normal(size=n), rng.normal(size=m), 1 + rng.random(n), 1 + rng.random(m)
    f[2], g[3] = -np.inf, -np.inf
    P = np.exp((f[:, None] + g - cost.block(0, n)) / eps) * u[:, None] * w
    i, j = np.nonzero(np.quantile(P, 0.999) < P)
    extra = Plan((n, m), i.astype(np.int32), j.astype(np.int32), -0.25 * P[i, j])
    P[i, j] *= 0.75
    return GibbsPlan(cost, eps, f, g, u, w, extra), P


def test_products_and_sums(pair, rng):
    plan, P = pair
    n, m = P.shape
    np.testing.assert_allclose(plan.to_dense(), P, rtol=1e-13)
    np.testing.assert_allclose(plan.row_sums(), P.sum(axis=1))
    np.testing.assert_allclose(plan.col_sums(), P.sum(axis=0))
    assert plan.total == pytest.approx(P.sum())
    for x in (rng.normal(size=n), rng.normal(size=(n, 3))):
        np.testing.assert_allclose(plan.push(x), P.T @ x, atol=1e-9)
        np.testing.assert_allclose(plan.T @ x, P.T @ x, atol=1e-9)
    for y in (rng.normal(size=m), rng.normal(size=(m, 3))):
        np.testing.assert_allclose(plan @ y, P @ y, atol=1e-9)
        np.testing.assert_allclose(plan.T.push(y), P @ y, atol=1e-9)
    assert plan.nnz == plan.T.nnz == np.count_nonzero(P)
    assert plan.sparsity_at(0.01) == plan.T.sparsity_at(0.01) == pytest.approx(np.mean(P <= 0.01))
    assert plan.sparsity_at(0.5, relative=True) == pytest.approx(np.mean(0.5 * P.max() >= P))
    i, j = rng.integers(0, n, 50), rng.integers(0, m, 50)
    np.testing.assert_allclose(plan.at(i, j), P[i, j], rtol=1e-13)
    np.testing.assert_array_equal(plan.T.to_dense(), plan.to_dense().T)
    np.testing.assert_array_equal(plan.T.row_sums(), plan.col_sums())
    assert plan.T.shape == (m, n)
    assert plan.T.T is plan


def test_totals_at_its_own_and_at_other_costs(pair, rng):
    plan, P = pair
    for cost in (plan.cost, as_cost(rng.normal(size=P.shape))):
        C = np.where(P > 0.0, cost.block(0, P.shape[0]), 0.0)
        terms = np.where(P > 0.0, P * (np.log(np.where(P > 0.0, P, 1.0)) - 1.0), 0.0)
        exact = [(C * P).sum(), np.abs(C * P).sum(), terms.sum(), np.abs(terms).sum()]
        np.testing.assert_allclose(plan.totals(cost), exact, rtol=1e-10)


def test_barycentric_is_that_of_the_array(pair, rng):
    plan, P = pair
    Y, X = rng.normal(size=(P.shape[1], 2)), rng.normal(size=(P.shape[0], 2))
    same = Plan.from_dense(P)
    np.testing.assert_allclose(plan.barycentric(Y, X=X), same.barycentric(Y, X=X), rtol=1e-10)
    assert np.isnan(plan.barycentric(Y)[2]).all()


def test_a_threshold_states_what_is_lost(pair):
    plan, P = pair
    assert plan.to_csr().nnz == np.count_nonzero(P)
    lost = P[P <= 0.1].sum()
    assert plan.below(0.1) == pytest.approx(lost)
    with pytest.warns(quot.MassLostWarning, match=f"{lost:.3g} of the mass"):
        matrix = plan.to_csr(0.1)
    np.testing.assert_allclose(matrix.toarray(), np.where(P > 0.1, P, 0.0))
    with pytest.warns(quot.MassLostWarning):
        assert (plan.T.to_csr(0.1) != matrix.T).nnz == 0


def test_the_largest_entries(pair):
    plan, P = pair
    found = plan.largest(0.05, 10**6)
    wanted = (0.05 * P.sum(axis=1, keepdims=True) < P) | (0.05 * P.sum(axis=0) < P)
    wanted[np.arange(P.shape[0]), P.argmax(axis=1)] = True
    wanted[P.argmax(axis=0), np.arange(P.shape[1])] = True
    wanted &= P > 0.0
    assert (found.to_dense() > 0.0)[wanted].all()
    assert found.nnz == wanted.sum()
    np.testing.assert_allclose(found.values, P[found.rows, found.cols], rtol=1e-13)
    few = plan.largest(1e-9, 5)
    assert few.nnz <= sum(P.shape)


def test_an_entropic_plan_says_what_it_is(pair):
    plan, _ = pair
    assert repr(plan) == "GibbsPlan(7 x 900, eps=0.7)"
    assert repr(plan.T) == "GibbsPlan(7 x 900, eps=0.7).T"


@pytest.mark.parametrize(
    ("formulation", "mass"), [("E1", None), ("E1", 0.4), ("E1", 1.0), ("E2", 0.4)]
)
@pytest.mark.parametrize("off", [0.0, 1e-9, 1e-3, 3.0])
def test_repair_meets_the_marginals(rng, mass, formulation, off):
    """However wrong the prices are."""
    n, m = 30, 40
    a, b = rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(m))
    C = rng.random((n, m))
    r = quot.solve_entropic(C, a, b, eps=0.05, mass=mass, formulation=formulation)
    f, g = r.f + off * rng.normal(size=n), r.g + r.lam + off * rng.normal(size=m)
    plan = repair_gibbs(r.problem, GibbsPlan.of(r.problem.cost, 0.05, f, g))
    P = plan.to_dense()
    assert P.min() >= 0.0
    assert marginal_error(r.problem, plan) <= 4e-15
    if mass is None:
        np.testing.assert_allclose(P.sum(axis=1), a, atol=1e-15)
        np.testing.assert_allclose(P.sum(axis=0), b, atol=1e-15)
    else:
        assert (P.sum(axis=1) <= a + 1e-15).all()
        assert (P.sum(axis=0) <= b + 1e-15).all()
        assert P.sum() == pytest.approx(mass, rel=1e-14)
    assert r.problem.objective(plan) >= r.certificate.lower - 1e-12


def test_what_moves_nothing_is_repaired_along_the_cheapest_pairs(rng):
    problem = EntropicProblem(rng.random((5, 6)), eps=0.1)
    plan = GibbsPlan.of(problem.cost, 0.1, np.full(5, -np.inf), np.zeros(6))
    mended = repair_gibbs(problem, plan)
    np.testing.assert_allclose(mended.row_sums(), 0.2)
    np.testing.assert_allclose(mended.col_sums(), 1 / 6)
    assert mended.extra.nnz <= 10


def test_a_repaired_plan_that_is_a_little_wrong_is_repaired_where_it_is(rng):
    """What was corrected before stays so."""
    r = quot.solve_entropic(rng.random((12, 15)), eps=0.02)
    first = r.plan
    i, j = first.extra.rows, first.extra.cols
    off = Plan(first.shape, i, j, first.extra.values + 1e-12 * rng.random(i.size))
    plan = GibbsPlan(first.cost, first.eps, first.f, first.g, first.u, first.w, off)
    assert i.size
    assert marginal_error(r.problem, plan) > 1e-13
    mended = repair_gibbs(r.problem, plan)
    assert marginal_error(r.problem, mended) <= 4e-15
    np.testing.assert_allclose(mended.to_dense(), first.to_dense(), atol=1e-10)


def test_what_is_known_to_keep_next_to_nothing_is_not_filled(rng):
    """A row of price 0 that keeps 1e-8 of its mass, in a plan that is off by 1e-12."""
    C, f, v = rng.random((9, 8)), -rng.random(9), -0.02 * rng.random(8)
    f[0] = 0.0
    plan = GibbsPlan.of(DenseCost(C), 0.05, f, v)
    a, b = plan.row_sums(), plan.col_sums()
    total = a.sum()
    a[0] *= 1.0 + 1e-8
    b[3] *= 1.0 - 1e-12
    b[4] += 1.0
    problem = EntropicProblem(C, a, b, eps=0.05, mass=total)
    mended = repair_gibbs(problem, plan, (f < 0.0, np.arange(8) != 4))
    assert marginal_error(problem, mended) <= 1e-15
    assert np.abs(mended.to_dense() - plan.to_dense()).sum() < 1e-10
