"""A perplexity on average: against CLARABEL, and the other solvers at the strength found."""

import cvxpy as cp
import numpy as np
import pytest
from scipy.spatial.distance import cdist

import quot
from quot.problem import AdaptiveProblem

REGULARIZERS = ["quadratic", "entropic"]


def clouds(rng, n, m):
    return cdist(rng.normal(size=(n, 2)), 0.7 * rng.normal(size=(m, 2)) + 1.0, "sqeuclidean")


def spread(P, regularizer):
    """The sum of h over all entries by its definition."""
    if regularizer == "quadratic":
        return 0.5 * (P * P).sum()
    return (P * (np.log(P, out=np.zeros_like(P), where=P > 0.0) - 1.0)).sum()


def bound(a, xi, regularizer):
    """What that is of rows of `xi` equal entries."""
    a, xi = a[a > 0.0], np.broadcast_to(xi, a.shape)[a > 0.0]
    if regularizer == "quadratic":
        return 0.5 * (a * a / xi).sum()
    return (a * (np.log(a / xi) - 1.0)).sum()


def reference(C, a, b, xi, regularizer):
    """The cheapest plan by one cone for all rows together."""
    P = cp.Variable(C.shape, nonneg=True)
    inside = [cp.sum(P, axis=1) == a, cp.sum(P, axis=0) == b]
    if regularizer == "quadratic":
        inside.append(cp.sum_squares(P) <= 2.0 * bound(a, xi, regularizer))
    else:
        inside.append(cp.sum(cp.entr(P)) >= -bound(a, xi, regularizer) - a.sum())
    problem = cp.Problem(cp.Minimize(cp.sum(cp.multiply(C, P))), inside)
    problem.solve(solver=cp.CLARABEL)
    return problem.value, P.value


def checked(r):
    """Converged, within the bound, and of one strength."""
    assert r.converged, r
    P, kind = r.plan.to_dense(), r.problem.regularizer
    most = bound(r.problem.a, r.problem.row_perplexity, kind)
    assert spread(P, kind) <= most + 1e-7 * max(abs(most), r.problem.total)
    strength = r.row_multipliers[r.problem.a > 0.0]
    assert (strength == strength[0]).all()
    assert not r.col_multipliers.any()
    return float(strength[0])


@pytest.mark.parametrize("regularizer", REGULARIZERS)
@pytest.mark.parametrize(("shape", "xi"), [((7, 9), 2.5), ((5, 12), 1.8), ((11, 6), 4.5)])
def test_the_value_is_that_of_the_reference(rng, shape, xi, regularizer):
    n, m = shape
    C, a, b = clouds(rng, n, m), rng.dirichlet(np.full(n, 9.0)), rng.dirichlet(np.full(m, 9.0))
    r = quot.solve_adaptive(C, a, b, perplexity=xi, on="average", regularizer=regularizer)
    value, P = reference(C, a, b, xi, regularizer)
    checked(r)
    assert r.value == pytest.approx(value, rel=2e-6)
    np.testing.assert_allclose(r.plan.to_dense(), P, atol=2e-3 * P.max())


def test_one_perplexity_for_each_point(rng):
    C, a = clouds(rng, 8, 10), rng.dirichlet(np.full(8, 5.0))
    xi = rng.uniform(1.0, 6.0, 8)
    for kind in REGULARIZERS:
        r = quot.solve_adaptive(C, a, perplexity=xi, on="average", regularizer=kind)
        checked(r)
        assert r.value == pytest.approx(reference(C, a, np.full(10, 0.1), xi, kind)[0], rel=2e-6)


@pytest.mark.parametrize("xi", [3.0, 8.0, 20.0])
@pytest.mark.parametrize("regularizer", REGULARIZERS)
def test_it_is_ordinary_transport_at_the_strength_found(rng, regularizer, xi):
    """And bisection would find it: a little more spreads too much, a little less not enough."""
    C, a = clouds(rng, 30, 25), rng.dirichlet(np.full(30, 2.0))

    def plan(strength):
        if regularizer == "quadratic":
            return quot.solve(C, a, reg=strength).plan.to_dense()
        return quot.solve_entropic(C, a, eps=strength).plan.to_dense()

    r = quot.solve_adaptive(C, a, perplexity=xi, on="average", regularizer=regularizer)
    strength = checked(r)
    np.testing.assert_allclose(r.plan.to_dense(), plan(strength), atol=1e-7)
    assert r.average_perplexity == pytest.approx(xi, rel=1e-8)
    most = bound(a, xi, regularizer)
    assert spread(plan(0.999 * strength), regularizer) > most
    assert spread(plan(1.001 * strength), regularizer) < most


@pytest.mark.parametrize("regularizer", REGULARIZERS)
def test_where_the_cheapest_plan_has_it_that_is_it(rng, regularizer):
    """Few rows, many columns: all rows share with several anyway."""
    C = clouds(rng, 4, 40)
    r = quot.solve_adaptive(C, perplexity=3, on="average", regularizer=regularizer)
    assert checked(r) == 0.0
    assert r.value == pytest.approx(quot.solve(C).value, rel=1e-8)
    assert r.average_perplexity > 3
    one = quot.solve_adaptive(C.T, perplexity=1, on="average", regularizer=regularizer)
    checked(one)
    assert one.value == pytest.approx(quot.solve(C.T).value, rel=1e-8)


@pytest.mark.parametrize("regularizer", REGULARIZERS)
def test_where_there_is_nothing_to_choose(rng, regularizer):
    for C in (np.ones((5, 6)), rng.random((1, 6))):
        r = quot.solve_adaptive(C, perplexity=4, on="average", regularizer=regularizer)
        checked(r)
        np.testing.assert_allclose(r.plan.to_dense(), 1.0 / C.size)


@pytest.mark.parametrize("seed", range(12))
def test_uneven_masses_ties_and_perplexities_of_all_sizes(seed):
    rng = np.random.default_rng(seed)
    n, m = rng.integers(3, 18, 2)
    kind = REGULARIZERS[seed % 2]
    C = rng.integers(0, 4, (n, m)).astype(float) if seed % 3 else 1e-3 * rng.normal(size=(n, m))
    a, b = 10.0 ** rng.uniform(-8, 0, n), 10.0 ** rng.uniform(-8, 0, m)
    a[rng.integers(n)], b[rng.integers(m)] = 0.0, 0.0
    a, b = a / a.sum(), b / b.sum()
    q = b[b > 0.0]
    most = np.exp(-(q * np.log(q)).sum()) if kind == "entropic" else 1.0 / (q * q).sum()
    part = [0.0, 1e-4, 0.3, 0.7, 1.0 - 1e-5][seed % 5]
    xi = 1.0 + part * (most - 1.0)
    r = quot.solve_adaptive(C, a, b, perplexity=xi, on="average", regularizer=kind, tol=1e-7)
    checked(r)


@pytest.mark.parametrize("regularizer", REGULARIZERS)
def test_columns_on_average(rng, regularizer):
    """A problem knows both sides; it is that of the transpose."""
    C, b = clouds(rng, 12, 9), rng.dirichlet(np.full(9, 3.0))
    problem = AdaptiveProblem(
        C, None, b, col_perplexity=3, regularizer=regularizer, is_average=True
    )
    r = quot.solve_adaptive(C.T, b, perplexity=3, on="average", regularizer=regularizer)
    eps = checked(r)
    found = quot.certify(problem, r.plan.T, r.g, r.f, multipliers=(np.zeros(12), np.full(9, eps)))
    assert found.relative_gap <= 1e-8
    assert found.lower == pytest.approx(r.certificate.lower, rel=1e-12)


@pytest.mark.parametrize("regularizer", REGULARIZERS)
def test_the_certificate_is_that_of_this_problem(rng, regularizer):
    """Its bound, at any multiplier; and what misses the average is said, and mended."""
    C, xi = clouds(rng, 10, 12), 4.0
    r = quot.solve_adaptive(C, perplexity=xi, on="average", regularizer=regularizer)
    eps = checked(r)
    for part in (0.3, 1.0, 2.0):
        y = (r.f[:, None] + r.g - C) / (part * eps)
        paid = np.exp(y) if regularizer == "entropic" else 0.5 * np.maximum(y, 0.0) ** 2
        value = r.f.mean() + r.g.mean()
        value -= part * eps * (paid.sum() + bound(r.problem.a, xi, regularizer))
        several = np.full(10, part * eps) * np.linspace(0.0, 1.0, 10)
        found = quot.certify(r.problem, r.plan, r.f, r.g, multipliers=(several, np.zeros(12)))
        assert found.lower == pytest.approx(value, rel=1e-9)
        assert found.lower <= r.certificate.upper + 1e-9
    cheap = quot.solve(C)
    found = quot.certify(r.problem, cheap.plan, cheap.f, cheap.g)
    assert found.primal_residual > 0.5
    assert found.lower == pytest.approx(cheap.value, rel=1e-8)
    assert found.upper >= r.value - 1e-9


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"perplexity": 8}, "on average, be less than 8, that of the plan a b' / sum b; got 8"),
        ({"perplexity": [9.0] * 6}, "less than 8, .*got 9"),
        ({"perplexity": 0.5}, "at least 1 and, on average, less than 8"),
        ({"perplexity": np.inf}, "`perplexity` must be finite"),
        ({"perplexity": [2.0, 3.0]}, "2 entries, but there are 6 rows"),
        ({"perplexity": (2, 3)}, "both"),
    ],
)
def test_what_cannot_be_asked_for(rng, asked, message):
    with pytest.raises(quot.InvalidProblemError, match=message):
        quot.solve_adaptive(rng.random((6, 8)), on="average", **asked)


def test_an_average_is_over_one_side(rng):
    for asked in ({}, {"row_perplexity": 2.0, "col_perplexity": 2.0}):
        with pytest.raises(quot.InvalidProblemError, match="over rows or over columns"):
            AdaptiveProblem(rng.random((4, 4)), **asked, is_average=True)


def test_a_limit_ends_it_with_what_there_is(rng):
    C = clouds(rng, 30, 30)
    with pytest.warns(quot.NotConvergedWarning, match="iteration limit"):
        few = quot.solve_adaptive(C, perplexity=3, on="average", max_iter=2)
    assert few.status is quot.Status.ITERATION_LIMIT
    assert few.certificate.lower <= few.value
    stopped = quot.solve_adaptive(
        C, perplexity=3, on="average", callback=lambda iterate: True, on_failure="ignore"
    )
    assert stopped.status is quot.Status.STOPPED
    assert len(stopped.history) == 1
