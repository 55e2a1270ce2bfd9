"""Reference solvers: both problems, both solvers, signs of the duals, every way to fail."""

import sys

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import linprog
from scipy.special import logsumexp

from quot import solve_entropic
from quot.certificate import certify
from quot.convergence import Monitor, Status, Tolerance
from quot.exceptions import (
    InfeasibleError,
    InvalidProblemError,
    MissingDependencyError,
    NotConvergedError,
    NotConvergedWarning,
    SolverError,
)
from quot.problem import EntropicProblem, Problem
from quot.reference import solve_entropic_reference, solve_reference

N, M = 7, 9
FRACTIONS = (None, 0.3, 0.7, 1.0)


def needs_cvxpy():
    pytest.importorskip("cvxpy", reason="extra `reference` is not installed")


def masses(seed=0):
    rng = np.random.default_rng(seed)
    a, b = rng.random(N) + 0.1, rng.random(M) + 0.1
    return rng.random((N, M)), a / a.sum() * 3.0, b / b.sum() * 3.0


def mass_of(fraction):
    return None if fraction is None else fraction * 3.0


def solve(problem, method="clarabel", tol=1e-8, **options):
    needs_cvxpy()
    run = solve_entropic_reference if isinstance(problem, EntropicProblem) else solve_reference
    return run(problem, method, Tolerance.of(tol), Monitor(), **options)


def excess(r):
    """f + g + lam - C of a result, (n, m)."""
    return r.f[:, None] + r.g[None, :] + r.lam - r.problem.cost.block(0, N)


@pytest.mark.parametrize("fraction", FRACTIONS)
@pytest.mark.parametrize("reg", [0.0, 0.05, 1.0])
def test_quadratic_is_certified(fraction, reg):
    C, a, b = masses()
    r = solve(Problem(C, a, b, reg, mass_of(fraction)))
    assert r.status is Status.OPTIMAL
    assert r.converged
    assert r.certificate.lower <= r.certificate.upper + r.certificate.round_off
    assert r.method == "clarabel"
    assert r.history[-1].inner > 0
    assert (r.plan.values > 0).all()
    if reg > 0:  # the potentials are ours, in sign and in size
        np.testing.assert_allclose(np.maximum(excess(r), 0) / reg, r.plan.to_dense(), atol=1e-5)


@pytest.mark.parametrize("fraction", FRACTIONS)
@pytest.mark.parametrize("eps", [0.02, 0.5])
def test_entropic_is_certified(fraction, eps):
    C, a, b = masses(1)
    r = solve(EntropicProblem(C, a, b, eps=eps, mass=mass_of(fraction)))
    assert r.converged
    assert r.certificate.lower <= r.certificate.upper + r.certificate.round_off
    np.testing.assert_allclose(np.exp(excess(r) / eps), r.plan.to_dense(), atol=1e-5)
    P = r.plan.to_dense()
    objective = (C * P).sum() + eps * (P * (np.log(P) - 1)).sum()
    assert r.value == pytest.approx(objective, rel=1e-12)


@pytest.mark.parametrize("kind", ["quadratic", "entropic"])
def test_signs_of_the_duals(kind):
    """In a partial problem f and g are at most 0, and 0 where a bound is slack."""
    C, a, b = masses(2)
    problem = (
        Problem(C, a, b, 0.2, 2.0)
        if kind == "quadratic"
        else EntropicProblem(C, a, b, eps=0.05, mass=2.0)
    )
    r = solve(problem)
    assert kind == "entropic" or r.lam > 0
    for potential, sums, bound in ((r.f, r.plan.row_sums(), a), (r.g, r.plan.col_sums(), b)):
        slack = sums < bound - 1e-3
        assert slack.any()
        assert (~slack).any()
        assert potential.max() <= 1e-8
        assert np.abs(potential[slack]).max() < 1e-5
        assert potential[~slack].min() < -1e-3


def test_price_of_the_mass_is_the_slope_of_the_value():
    C, a, b = masses(3)
    h = 1e-4
    for make in (
        lambda s: Problem(C, a, b, 0.3, s),
        lambda s: EntropicProblem(C, a, b, eps=0.2, mass=s),
    ):
        up, here, down = (solve(make(s), tol=1e-10) for s in (1.5 + h, 1.5, 1.5 - h))
        assert here.lam == pytest.approx((up.value - down.value) / (2 * h), rel=1e-3)


@pytest.mark.parametrize("fraction", FRACTIONS)
@pytest.mark.parametrize("kind", ["quadratic", "entropic"])
def test_two_solvers_agree(kind, fraction):
    C, a, b = masses(4)
    mass = mass_of(fraction)
    problem = (
        Problem(C, a, b, 0.5, mass)
        if kind == "quadratic"
        else EntropicProblem(C, a, b, eps=0.3, mass=mass)
    )
    first, second = solve(problem), solve(problem, "scs", tol=1e-6)
    np.testing.assert_allclose(first.plan.to_dense(), second.plan.to_dense(), atol=1e-4)
    assert first.value == pytest.approx(second.value, abs=1e-4)


@pytest.mark.parametrize("fraction", [None, 0.6])
def test_linear_problem_equals_linear_programming(fraction):
    C, a, b = masses(5)
    r = solve(Problem(C, a, b, 0.0, mass_of(fraction)))
    rows, cols = np.kron(np.eye(N), np.ones(M)), np.kron(np.ones(N), np.eye(M))
    sums, bounds = np.vstack((rows, cols)), np.concatenate((a, b))
    if fraction is None:
        oracle = linprog(C.ravel(), A_eq=sums, b_eq=bounds)
    else:
        total = {"A_eq": np.ones((1, N * M)), "b_eq": [mass_of(fraction)]}
        oracle = linprog(C.ravel(), A_ub=sums, b_ub=bounds, **total)
    assert r.value == pytest.approx(oracle.fun, rel=1e-7)
    assert r.certificate.lower <= oracle.fun + 1e-12
    assert r.certificate.upper >= oracle.fun - 1e-12


@pytest.mark.parametrize("kind", ["quadratic", "entropic"])
def test_units_do_not_matter(kind):
    """Masses and costs of any size: the solver sees them scaled, the result does not."""
    C, a, b = masses(6)
    k, c = 1e-5, 1e4
    if kind == "quadratic":
        plain = solve(Problem(C, a, b, 0.1, 2.0))
        other = solve(Problem(c * C, k * a, k * b, 0.1 * c / k, k * 2.0))
    else:
        plain = solve(EntropicProblem(C, a, b, eps=0.1, mass=2.0))
        other = solve(EntropicProblem(c * C, k * a, k * b, eps=c * 0.1, mass=k * 2.0))
    assert other.converged
    np.testing.assert_allclose(other.plan.to_dense() / k, plain.plan.to_dense(), atol=1e-5)


@pytest.mark.parametrize("kind", ["quadratic", "entropic"])
def test_sparse_cost_uses_allowed_pairs_only(kind):
    C, a, b = masses(7)
    allowed = np.random.default_rng(8).random((N, M)) < 0.6
    S = sp.csr_array(np.where(allowed, C, 0.0))
    problem = (
        Problem(S, a, b, 0.1, 1.0)
        if kind == "quadratic"
        else EntropicProblem(S, a, b, eps=0.1, mass=1.0)
    )
    r = solve(problem)
    assert r.converged
    assert allowed[r.plan.rows, r.plan.cols].all()
    dense = np.where(allowed, C, 50.0)  # so dear that nothing goes there
    same = solve(
        Problem(dense, a, b, 0.1, 1.0)
        if kind == "quadratic"
        else EntropicProblem(dense, a, b, eps=0.1, mass=1.0)
    )
    assert r.value == pytest.approx(same.value, rel=1e-5)


@pytest.mark.parametrize("fraction", [None, 0.5])
@pytest.mark.parametrize("kind", ["quadratic", "entropic"])
def test_rows_and_columns_without_mass(kind, fraction):
    C, a, b = masses(9)
    a[2] = b[3] = b[5] = 0.0
    b *= a.sum() / b.sum()
    mass = None if fraction is None else fraction * a.sum()
    problem = (
        Problem(C, a, b, 0.1, mass)
        if kind == "quadratic"
        else EntropicProblem(C, a, b, eps=0.1, mass=mass)
    )
    r = solve(problem)
    assert r.converged
    assert r.plan.row_sums()[2] == 0.0
    assert r.plan.col_sums()[[3, 5]].tolist() == [0.0, 0.0]
    assert problem.trivial_sparsity == pytest.approx(1 - (N - 1) * (M - 2) / (N * M))
    assert r.plan.sparsity >= problem.trivial_sparsity
    if kind == "quadratic":
        assert excess(r)[2].max() <= 1e-9
        assert excess(r)[:, [3, 5]].max() <= 1e-9
    else:
        assert np.isneginf(r.f[2])
        assert np.isneginf(r.g[[3, 5]]).all()


def test_trivial_sparsity_is_zero_when_all_have_mass():
    assert Problem(np.zeros((3, 4))).trivial_sparsity == 0.0


@pytest.mark.parametrize("kind", ["quadratic", "entropic"])
def test_nothing_to_move(kind):
    C, a, b = masses()
    problem = (
        Problem(C, a, b, 0.1, 0.0)
        if kind == "quadratic"
        else EntropicProblem(C, a, b, eps=0.1, mass=0.0)
    )
    r = solve(problem)
    assert r.converged
    assert r.plan.nnz == 0
    assert r.value == 0.0


def test_plan_is_not_repaired():
    """A loose solve shows its residual, and the bracket still holds the optimum."""
    C, a, b = masses(10)
    best = solve(Problem(C, a, b, 0.1)).value
    loose = solve(Problem(C, a, b, 0.1), "scs", solver_options={"max_iters": 20})
    assert loose.status is Status.ITERATION_LIMIT
    assert loose.certificate.primal_residual > 1e-4
    assert np.abs(loose.plan.row_sums() - a).max() > 1e-4
    assert loose.certificate.lower <= best + 1e-9
    assert loose.certificate.upper >= best - 1e-9


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("mass", [None, 1.0])
def test_entropic_bound_holds_for_any_potentials(seed, mass):
    C, a, b = masses(11)
    problem = EntropicProblem(C, a, b, eps=0.05, mass=mass)
    r = solve(problem)
    rng = np.random.default_rng(seed)
    size = 10.0 ** rng.integers(-3, 5)  # up to exponents that overflow
    f, g = r.f + size * rng.normal(size=N), r.g + size * rng.normal(size=M)
    lower = certify(problem, r.plan, f, g, r.lam + size * rng.normal()).lower
    assert lower <= r.certificate.upper + 1e-12
    assert not np.isnan(lower)


def test_entropic_bound_is_the_dual_value():
    C, a, b = masses(12)
    eps = 0.1
    r = solve(EntropicProblem(C, a, b, eps=eps, mass=1.0))
    dual = r.f @ a + r.g @ b + r.lam * 1.0 - eps * np.exp(excess(r) / eps).sum()
    assert r.certificate.lower >= dual - r.certificate.round_off
    assert r.certificate.lower == pytest.approx(dual, abs=1e-7)


def test_log_sums_equal_scipy():
    from quot.certificate.entropic import log_sums

    rng = np.random.default_rng(0)
    f, g, C = rng.normal(size=4), 300 * rng.normal(size=6), rng.random((4, 6))
    C[1, 2], C[3] = np.inf, np.inf
    expected = logsumexp((f[:, None] + g - C) / 0.01, axis=1)
    np.testing.assert_allclose(log_sums(C, f, g, 0.01), expected, rtol=1e-13)
    for eps in (1e-3, 1e3):
        with np.errstate(divide="ignore"):
            expected = logsumexp((f[:, None] + g - C) / eps, axis=1)
        np.testing.assert_allclose(log_sums(C, f, g, eps), expected, rtol=1e-12)
    g[4] = np.nan
    C[1] = np.inf  # the NaN is all that is left of this row
    C[1, 4] = 0.0
    assert np.isnan(log_sums(C, f, g, 0.01)[:3]).all()


@pytest.mark.parametrize("method", ["clarabel", "scs"])
@pytest.mark.parametrize("mass", [None, 0.9])
def test_infeasible(method, mass):
    S = sp.csr_array(np.array([[1.0, 0, 0], [0, 1, 0], [0, 1, 0]]))
    with pytest.raises(InfeasibleError, match="cannot carry the mass"):
        solve(Problem(S, reg=0.1, mass=mass), method)
    with pytest.raises(InfeasibleError, match="cannot carry the mass"):
        solve(EntropicProblem(S, eps=0.1, mass=mass), method)


def test_no_pair_at_all_is_infeasible():
    with pytest.raises(InfeasibleError, match="allow more pairs"):
        solve(Problem(sp.csr_array((3, 3)), reg=0.1, mass=0.5))


def test_unknown_option_of_the_solver():
    for method in ("clarabel", "scs"):
        with pytest.raises(InvalidProblemError, match="refuses its options") as caught:
            solve(Problem(np.ones((2, 2)), reg=1.0), method, solver_options={"nonsense": 1})
        assert caught.value.__cause__ is not None


def test_breakdown_of_the_solver_is_ours(monkeypatch):
    needs_cvxpy()
    import cvxpy

    def fail(self, **options):
        raise cvxpy.error.SolverError("Broke.")

    monkeypatch.setattr(cvxpy.Problem, "solve", fail)
    with pytest.raises(SolverError, match="clarabel failed: Broke") as caught:
        solve(Problem(np.ones((2, 2)), reg=1.0))
    assert isinstance(caught.value.__cause__, cvxpy.error.SolverError)


def test_no_answer_is_said(monkeypatch):
    needs_cvxpy()
    import cvxpy

    monkeypatch.setattr(cvxpy.Problem, "solve", lambda self, **options: None)
    with pytest.raises(SolverError, match="without an answer"):
        solve(Problem(np.ones((2, 2)), reg=1.0))


def test_missing_cvxpy(monkeypatch):
    monkeypatch.setitem(sys.modules, "cvxpy", None)
    for call in (
        lambda: solve_reference(Problem(np.ones((2, 2))), "scs", Tolerance(), Monitor()),
        lambda: solve_entropic(np.ones((2, 2)), eps=1.0, method="scs"),
    ):
        with pytest.raises(MissingDependencyError, match=r"quot\[reference\]"):
            call()


def test_missing_solver(monkeypatch):
    needs_cvxpy()
    import cvxpy

    monkeypatch.setattr(cvxpy, "installed_solvers", lambda: ["OSQP"])
    with pytest.raises(MissingDependencyError, match="needs the solver clarabel"):
        solve(Problem(np.ones((2, 2))))


def test_limits():
    C, a, b = masses()
    needs_cvxpy()
    problem = Problem(C, a, b, 0.1)
    few = solve_reference(problem, "clarabel", Tolerance(), Monitor(max_iter=3))
    assert few.status is Status.ITERATION_LIMIT
    assert few.history[-1].inner == 3
    short = solve_reference(
        problem,
        "scs",
        Tolerance.of(1e-15),
        Monitor(time_limit=1e-3),
        solver_options={"max_iters": 10**9},
    )
    assert short.status is Status.TIME_LIMIT


def test_callback_sees_the_end():
    seen = []
    needs_cvxpy()
    monitor = Monitor(callback=seen.append)
    r = solve_reference(Problem(np.eye(3), reg=1.0), "clarabel", Tolerance(), monitor)
    assert tuple(seen) == r.history


def test_solve_entropic():
    needs_cvxpy()
    C, a, b = masses()
    r = solve_entropic(C, a, b, eps=0.1, mass=1.0, method="clarabel", tol=1e-6)
    assert r.converged
    assert r.problem.eps == 0.1
    assert solve_entropic(C, a, b, eps=0.1, mass=1.0, method="scs", tol=1e-3).converged
    few = {"eps": 0.1, "mass": 1.0, "max_iter": 2, "method": "clarabel"}
    with pytest.warns(NotConvergedWarning, match="iteration limit"):
        solve_entropic(C, a, b, **few)
    with pytest.raises(NotConvergedError, match="iteration limit"):
        solve_entropic(C, a, b, **few, on_failure="raise")
    assert not solve_entropic(C, a, b, **few, on_failure="ignore").converged


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"eps": 0.0}, "`eps` must be positive"),
        ({"eps": np.nan}, "`eps` must be finite"),
        ({"mass": 9.0}, r"`mass=9` exceeds"),
        ({"method": "sinkhor"}, "`method` must be one of 'auto', 'newton', 'sinkhorn'"),
        ({"method": "scs", "mass": 0.5, "formulation": "E2"}, "'scs' solves E1, not E2"),
        ({"on_failure": "weep"}, "`on_failure` must be one of"),
    ],
)
def test_solve_entropic_refuses(change, message):
    with pytest.raises(InvalidProblemError, match=message):
        solve_entropic(np.ones((2, 3)), **({"eps": 1.0} | change))
