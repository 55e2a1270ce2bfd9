"""The linear problem to an accuracy, against HiGHS."""

import numpy as np
import pytest
import scipy.sparse as sp
from tests.oracles.linear import solve_linear

import quot
from quot.gibbs_plan import GibbsPlan

METHODS = [
    "newton", "sinkhorn", "tuned-sinkhorn", "three-block", "apdagd", "aspot", "aam",
    "dual-extrapolation",
]  # fmt: skip


def instance(rng, n, m):
    """Costs up to 1, masses uneven, some of them zero."""
    C, a, b = rng.random((n, m)), rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(m))
    a[1], b[2] = 0.0, 0.0
    return C / C.max(), a / a.sum(), b / b.sum()


def check(r, C, a, b, mass, accuracy):
    """Feasible, within the accuracy of the optimum, and known to be."""
    best, _ = solve_linear(C, a, b, mass)
    P, slack = r.plan.to_dense(), C - r.f[:, None] - r.g - r.lam
    assert isinstance(r.problem, quot.Problem)
    assert P.min() >= 0.0
    if mass is None:
        np.testing.assert_allclose(P.sum(axis=1), a, atol=1e-12)
        np.testing.assert_allclose(P.sum(axis=0), b, atol=1e-12)
    else:
        assert (P.sum(axis=1) <= a + 1e-12).all()
        assert (P.sum(axis=0) <= b + 1e-12).all()
        assert abs(P.sum() - mass) <= 1e-12
        assert max(r.f.max(), r.g.max()) <= 0.0
    assert slack.min() >= -1e-12
    cost, rounding = float(P[P > 0.0] @ C[P > 0.0]), 1e-9 * np.abs(C[np.isfinite(C)]).max()
    assert r.cost == pytest.approx(cost, abs=rounding)
    assert best - rounding <= cost <= best + r.gap + rounding
    assert r.certificate.lower <= best + rounding
    assert r.converged == (r.gap <= accuracy)
    assert r.converged == (r.status is quot.Status.OPTIMAL)
    return best


@pytest.mark.parametrize("mass", [None, 0.6])
@pytest.mark.parametrize("method", METHODS)
def test_every_method(rng, method, mass):
    for accuracy, (n, m) in ((0.3, (9, 14)), (0.1, (14, 9)), (0.03, (12, 12))):
        C, a, b = instance(rng, n, m)
        r = quot.approximate_partial(C, a, b, mass, accuracy=accuracy, method=method)
        best = check(r, C, a, b, mass, accuracy)
        assert r.converged
        assert r.cost <= best + accuracy


@pytest.mark.parametrize("method", ["newton", "dual-extrapolation"])
def test_all_that_the_smaller_side_has(rng, method):
    C, a, b = instance(rng, 10, 12)
    b *= 3.0
    r = quot.approximate_partial(C, a, b, float(a.sum()), accuracy=0.02, method=method)
    check(r, C, a, b, float(a.sum()), 0.02)
    assert r.converged


def test_methods_that_need_mass_kept_say_so(rng):
    C, a, b = instance(rng, 5, 6)
    for method, options in (
        ("sinkhorn", None),
        ("aam", None),
        ("dual-extrapolation", {"start": 3}),
    ):
        with pytest.raises(quot.InvalidProblemError, match=r"mass that does not move.*'newton'"):
            quot.approximate_partial(
                C, a, b, 1.0, accuracy=0.1, method=method, solver_options=options
            )


@pytest.mark.parametrize("method", ["newton", "sinkhorn", "tuned-sinkhorn", "dual-extrapolation"])
def test_units_do_not_matter(rng, method):
    """Nor do costs below zero: what is added to all of them is paid by every plan."""
    C, a, b = instance(rng, 8, 9)
    r = quot.approximate_partial(C, a, b, 0.6, accuracy=0.05, method=method)
    s = quot.approximate_partial(1e3 * C, 1e4 * a, 1e4 * b, 6e3, accuracy=0.05e7, method=method)
    assert s.cost == pytest.approx(1e7 * r.cost, rel=1e-3)
    low = quot.approximate_partial(C - 2.0, a, b, 0.6, accuracy=0.05, method=method)
    check(low, C - 2.0, a, b, 0.6, 0.05)


def test_tuned_too_high_says_what_it_has_proved(rng):
    C, a, b = instance(rng, 12, 12)
    r = quot.approximate_partial(
        C, a, b, 0.6, accuracy=1e-3, method="tuned-sinkhorn", solver_options={"p": 4.0}
    )
    check(r, C, a, b, 0.6, 1e-3)
    assert r.status is quot.Status.APPROXIMATE
    exact = quot.approximate_partial(
        C, a, b, 0.6, accuracy=0.1, method="tuned-sinkhorn", solver_options={"tuning": "bias"}
    )
    assert exact.converged


@pytest.mark.parametrize("seed", [3, 9, 10, 11])
@pytest.mark.parametrize("method", ["newton", "sinkhorn", "aam"])
def test_forbidden_pairs(seed, method):
    """What is missing at the end has no way but by what others would have to give back."""
    rng = np.random.default_rng(seed)
    C, a, b = instance(rng, 10, 10)
    a = b = np.full(10, 0.1)
    forbidden = (rng.random(C.shape) < 0.5) & ~np.eye(10, dtype=bool)
    C[forbidden] = 0.0
    given = sp.csr_array(C)
    C[forbidden] = np.inf
    for mass in (None, 0.6):
        r = quot.approximate_partial(given, a, b, mass, accuracy=0.1, method=method)
        check(r, C, a, b, mass, 0.1)
        assert r.converged
        assert len(r.history) <= 1000
        assert (r.plan.to_dense()[forbidden] == 0.0).all()


def test_a_linear_certificate_lists_no_entries(rng, monkeypatch):
    C, a, b = instance(rng, 15, 20)
    r = quot.approximate_partial(C, a, b, 0.6, accuracy=0.05)
    assert isinstance(r.plan, GibbsPlan)
    listed = quot.certify(r.problem, r.plan.to_plan(), r.f, r.g, r.lam)
    assert r.certificate.lower == pytest.approx(listed.lower, rel=1e-14)
    assert r.certificate.upper == pytest.approx(listed.upper, rel=1e-14)
    quadratic = quot.Problem(C, a, b, reg=0.1, mass=0.6)
    squares = 0.05 * (r.plan.to_dense() ** 2).sum()
    assert quadratic.objective(r.plan) == pytest.approx(r.cost + squares, rel=1e-12)
    monkeypatch.setattr(GibbsPlan, "to_plan", lambda *_: pytest.fail("a list was made"))
    again = quot.certify(r.problem, r.plan, r.f, r.g, r.lam)
    assert again == r.certificate


def test_nothing_to_move_and_nothing_to_choose():
    for mass, method in ((0.0, "newton"), (0.0, "aspot"), (0.0, "dual-extrapolation")):
        r = quot.approximate_partial(np.ones((2, 3)), mass=mass, accuracy=0.1, method=method)
        assert r.converged
        assert r.plan.total == 0.0
    for method in METHODS:
        one = quot.approximate_partial([[2.0]], mass=0.5, accuracy=0.1, method=method)
        assert one.converged
        assert one.cost == pytest.approx(1.0)
        free = quot.approximate_partial(np.zeros((2, 3)), accuracy=0.1, method=method)
        assert free.converged
        assert free.cost == 0.0


@pytest.mark.parametrize("method", ["newton", "sinkhorn", "aspot", "dual-extrapolation"])
def test_limits(rng, method):
    """The plan is feasible and bounded whatever ended it."""
    C, a, b = instance(rng, 12, 15)
    given = {"accuracy": 1e-4, "method": method}
    with pytest.warns(quot.NotConvergedWarning, match="iteration limit"):
        r = quot.approximate_partial(C, a, b, 0.6, max_iter=1, **given)
    check(r, C, a, b, 0.6, 1e-4)
    assert r.status is quot.Status.ITERATION_LIMIT
    with pytest.raises(quot.NotConvergedError, match="stopped by the callback"):
        quot.approximate_partial(C, a, b, 0.6, callback=lambda _: True, on_failure="raise", **given)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"accuracy": 0.0}, "`accuracy` must be positive"),
        ({"method": "simplex"}, "`method` must be one of"),
        ({"solver_options": {"p": 2}}, "'p', but method='newton' has none"),
        ({"method": "dual-extrapolation", "solver_options": {"start": -1}}, "at least 0"),
        ({"method": "dual-extrapolation", "solver_options": {"step": "x"}}, "'long', 'proved'"),
        ({"C": sp.csr_array(np.eye(2)), "method": "dual-extrapolation"}, "costs of all pairs"),
    ],
)
def test_bad_input(change, message):
    given = {"C": np.eye(2), "accuracy": 0.1, **change}
    with pytest.raises(quot.InvalidProblemError, match=message):
        quot.approximate_partial(**given)


def test_the_entropic_door_shows_the_way():
    with pytest.raises(quot.InvalidProblemError, match=r"linear problem.*approximate_partial"):
        quot.solve_entropic(np.eye(2), eps=1.0, method="dual-extrapolation")
