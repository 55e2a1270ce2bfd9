"""Adaptive plans against CLARABEL, against each other and by their certificate."""

import cvxpy as cp
import numpy as np
import pytest
from scipy.spatial.distance import cdist

import quot
from quot.perplexity import largest

SIDES = ["source", "target", "both"]
REGULARIZERS = ["quadratic", "entropic"]


def clouds(rng, n, m):
    return cdist(rng.normal(size=(n, 2)), 0.7 * rng.normal(size=(m, 2)) + 1.0, "sqeuclidean")


def spreads(P, axis, regularizer):
    """Perplexities by their definition."""
    q = P / P.sum(axis=axis, keepdims=True)
    if regularizer == "quadratic":
        return 1.0 / (q * q).sum(axis=axis)
    logs = np.log(q, out=np.zeros_like(q), where=q > 0.0)
    return np.exp(-(q * logs).sum(axis=axis))


def reference(C, a, b, xi, on, regularizer):
    """The cheapest plan, by a cone for each row or column."""
    P = cp.Variable(C.shape, nonneg=True)
    constraints = [cp.sum(P, axis=1) == a, cp.sum(P, axis=0) == b]

    def bounded(line, mass, xi):
        if regularizer == "quadratic":
            return cp.sum_squares(line / mass) <= 1.0 / xi
        return cp.sum(cp.entr(line / mass)) >= np.log(xi)

    if on in {"source", "both"}:
        constraints += [bounded(P[i], a[i], xi[0]) for i in range(a.size)]
    if on in {"target", "both"}:
        constraints += [bounded(P[:, j], b[j], xi[1]) for j in range(b.size)]
    problem = cp.Problem(cp.Minimize(cp.sum(cp.multiply(C, P))), constraints)
    problem.solve(solver=cp.CLARABEL)
    return problem.value, P.value


@pytest.mark.parametrize("on", SIDES)
@pytest.mark.parametrize("regularizer", REGULARIZERS)
@pytest.mark.parametrize("shape", [(7, 9), (4, 12)])
def test_the_value_is_that_of_the_reference(rng, shape, regularizer, on):
    n, m = shape
    C, a, b = clouds(rng, n, m), rng.dirichlet(np.full(n, 5.0)), rng.dirichlet(np.full(m, 5.0))
    xi = (2.5, 1.7)
    asked = xi if on == "both" else xi[on == "target"]
    r = quot.solve_adaptive(C, a, b, perplexity=asked, on=on, regularizer=regularizer, tol=1e-7)
    value, P = reference(C, a, b, xi, on, regularizer)
    assert r.converged
    assert r.value == pytest.approx(value, rel=2e-6)
    np.testing.assert_allclose(r.plan.to_dense(), P, atol=2e-3 * P.max())
    if on != "target":
        assert spreads(r.plan.to_dense(), 1, regularizer).min() >= 2.5 - 1e-6
        np.testing.assert_allclose(r.row_perplexity, spreads(r.plan.to_dense(), 1, regularizer))
    if on != "source":
        assert spreads(r.plan.to_dense(), 0, regularizer).min() >= 1.7 - 1e-6
        np.testing.assert_allclose(r.col_perplexity, spreads(r.plan.to_dense(), 0, regularizer))


@pytest.mark.parametrize("regularizer", REGULARIZERS)
def test_potentials_and_multipliers_give_the_plan(rng, regularizer):
    C = clouds(rng, 40, 50)
    asked = {"perplexity": (4, 6), "on": "both", "regularizer": regularizer}
    r = quot.solve_adaptive(C, **asked)
    E = r.row_multipliers[:, None] + r.col_multipliers
    y = (r.f[:, None] + r.g - C) / E
    P = np.exp(y) if regularizer == "entropic" else np.maximum(y, 0.0)
    assert r.converged
    floor = E.min()  # what is paid for beside the bounds
    np.testing.assert_allclose(r.plan.to_dense(), P, atol=1e-3 * P.max())
    assert floor >= 0.0
    again = quot.certify(
        r.problem, r.plan, r.f, r.g, multipliers=(r.row_multipliers, r.col_multipliers)
    )
    assert again.relative_gap <= 1e-8


@pytest.mark.parametrize("regularizer", REGULARIZERS)
def test_no_multipliers_are_a_bound_all_the_same(rng, regularizer):
    """Any potentials and multipliers are; those found are the best."""
    C = clouds(rng, 12, 15)
    r = quot.solve_adaptive(C, perplexity=3, regularizer=regularizer)
    for scale in (0.0, 0.5, 2.0):
        multipliers = scale * r.row_multipliers, r.col_multipliers
        other = quot.certify(r.problem, r.plan, r.f, r.g, multipliers=multipliers)
        assert other.lower <= r.certificate.lower + 1e-12
        assert other.upper == pytest.approx(r.certificate.upper)


@pytest.mark.parametrize("regularizer", REGULARIZERS)
def test_where_few_share_with_many_no_bound_is_felt(rng, regularizer):
    C = clouds(rng, 8, 32)
    r = quot.solve_adaptive(C, perplexity=3, regularizer=regularizer)
    linear = quot.solve(C, reg=0.0)
    assert r.converged
    assert r.value == pytest.approx(linear.value, rel=1e-7)


def test_the_stricter_side_alone_decides(rng):
    """Uniform masses, 10 of rows and 3 of columns: what rows do is enough."""
    C = clouds(rng, 60, 60)
    both = quot.solve_adaptive(C, perplexity=(10, 3), on="both")
    source = quot.solve_adaptive(C, perplexity=10)
    assert both.converged
    assert both.value == pytest.approx(source.value, rel=1e-7)
    turned = quot.solve_adaptive(C.T.copy(), perplexity=10, on="target")
    assert turned.value == pytest.approx(source.value, rel=1e-7)
    np.testing.assert_allclose(turned.plan.to_dense().T, source.plan.to_dense(), atol=1e-7)


@pytest.mark.parametrize("regularizer", REGULARIZERS)
@pytest.mark.parametrize("on", SIDES)
def test_ties_zero_masses_and_masses_over_eight_decades(rng, on, regularizer):
    C = rng.integers(0, 4, (14, 11)).astype(float)
    a, b = 10.0 ** rng.uniform(-8, 0, 14), 10.0 ** rng.uniform(-8, 0, 11)
    a[3], b[5] = 0.0, 0.0
    a, b = a / a.sum(), b / b.sum()
    most = min(largest(a, regularizer), largest(b, regularizer))
    asked = 1.0 + 0.3 * (most - 1.0)
    r = quot.solve_adaptive(C, a, b, perplexity=asked, on=on, regularizer=regularizer, tol=1e-6)
    assert r.converged
    assert np.isnan(r.row_perplexity[3])
    assert np.isnan(r.col_perplexity[5])
    sides = {"source": [r.row_perplexity], "target": [r.col_perplexity]}
    for found in sides.get(on, [r.row_perplexity, r.col_perplexity]):
        assert np.nanmin(found) >= asked - 1e-5


@pytest.mark.parametrize("on", SIDES)
@pytest.mark.parametrize("regularizer", REGULARIZERS)
def test_bounds_that_every_plan_keeps_to_are_none(rng, on, regularizer):
    n, m = {"source": (5, 60), "target": (60, 5), "both": (30, 30)}[on]
    asked = 1.0 if on == "both" else 11.0
    cost = quot.PointCost(rng.normal(size=(n, 2)), rng.normal(size=(m, 2)))
    r = quot.solve_adaptive(cost, perplexity=asked, on=on, regularizer=regularizer)
    assert r.converged
    assert r.value == pytest.approx(quot.solve(cost).value, rel=1e-9)
    assert not r.row_multipliers.any()
    assert not r.col_multipliers.any()


@pytest.mark.parametrize("on", [*SIDES, "average"])
@pytest.mark.parametrize("regularizer", REGULARIZERS)
def test_no_mass_moves_nowhere(rng, on, regularizer):
    C = clouds(rng, 4, 5)
    r = quot.solve_adaptive(
        C, np.zeros(4), np.zeros(5), perplexity=2, on=on, regularizer=regularizer
    )
    assert r.converged
    assert (r.value, r.plan.nnz) == (0.0, 0)
    assert np.isnan(r.row_perplexity).all()


def test_each_point_may_ask_for_its_own(rng):
    C = clouds(rng, 30, 40)
    asked = np.linspace(1.0, 12.5, 30)
    r = quot.solve_adaptive(C, perplexity=asked)
    assert r.converged
    assert (r.row_perplexity >= asked - 1e-6).all()
    assert r.row_perplexity[-1] == pytest.approx(12.5)


def test_perplexity_one_asks_for_nothing(rng):
    C = clouds(rng, 20, 20)
    r = quot.solve_adaptive(C, perplexity=1)
    assert r.value == pytest.approx(quot.solve(C, reg=0.0).value, rel=1e-7)


def test_points_are_a_cost(rng):
    X, Y = rng.normal(size=(25, 3)), rng.normal(size=(35, 3))
    r = quot.solve_adaptive(quot.PointCost(X, Y), perplexity=5, on="target")
    s = quot.solve_adaptive(cdist(X, Y, "sqeuclidean"), perplexity=5, on="target")
    assert r.value == pytest.approx(s.value, rel=1e-7)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"perplexity": 8}, r"less than 8, that of the plan a b' / sum b.*got 8"),
        ({"perplexity": 0.5}, "at least 1"),
        ({"perplexity": np.nan}, "`perplexity` must be finite"),
        ({"perplexity": [2.0, 3.0]}, "2 entries, but there are 6 rows"),
        ({"perplexity": "many"}, "number"),
        ({"perplexity": None}, "None"),
        ({"perplexity": (2, 3)}, "both"),
        ({"perplexity": (2, 3, 4), "on": "both"}, "pair"),
        ({"perplexity": 2, "on": "rows"}, "source"),
        ({"perplexity": 2, "regularizer": "cubic"}, "quadratic"),
        ({"perplexity": 2, "method": "simplex"}, "newton"),
    ],
)
def test_what_cannot_be_asked_for(rng, asked, message):
    with pytest.raises(quot.InvalidProblemError, match=message):
        quot.solve_adaptive(rng.random((6, 8)), **asked)


def test_forbidden_pairs_are_refused(rng):
    import scipy.sparse as sp

    with pytest.raises(quot.InvalidProblemError, match="forbids pairs"):
        quot.solve_adaptive(sp.csr_array(rng.random((5, 5))), perplexity=2)


def test_more_pairs_than_memory(rng, monkeypatch):
    from quot import memory

    monkeypatch.setattr(memory, "available", lambda: 10_000)
    with pytest.raises(quot.ProblemTooLargeError, match="20 x 20 pairs"):
        quot.solve_adaptive(rng.random((20, 20)), perplexity=2)


def test_a_limit_ends_it_with_what_there_is(rng):
    C = clouds(rng, 30, 30)
    with pytest.warns(quot.NotConvergedWarning, match="iteration limit"):
        few = quot.solve_adaptive(C, perplexity=3, max_iter=2)
    assert few.status is quot.Status.ITERATION_LIMIT
    assert few.certificate.lower <= few.value
    stopped = quot.solve_adaptive(
        C, perplexity=3, callback=lambda iterate: True, on_failure="ignore"
    )
    assert stopped.status is quot.Status.STOPPED
    assert len(stopped.history) == 1
