"""Newton's method for entropic plans, against CLARABEL, closed forms and the certificate."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.spatial.distance import cdist

import quot
from quot.convergence import Monitor
from quot.costs import DenseCost
from quot.entropic.newton import Descent
from quot.entropic.passes import Passes
from quot.entropic.products import Gibbs, Listed, Stored
from quot.entropic.rows import GibbsRows
from quot.problem import EntropicProblem


def clouds(rng, n, m):
    return cdist(rng.normal(size=(n, 2)), rng.normal(size=(m, 2)) + 0.5, "sqeuclidean")


def over(C):
    return Passes(DenseCost(C), lambda: None)


@pytest.mark.parametrize("mass", [None, 0.3, 0.9, 1.0])
@pytest.mark.parametrize("eps", [0.05, 1.0])
@pytest.mark.parametrize("shape", [(12, 12), (5, 20), (20, 5)])
def test_the_plan_is_that_of_the_reference(rng, shape, eps, mass):
    n, m = shape
    C, a, b = clouds(rng, n, m), rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(m))
    r = quot.solve_entropic(C, a, b, eps=eps, mass=mass)
    options = {"method": "clarabel", "tol": 1e-6, "on_failure": "ignore"}
    oracle = quot.solve_entropic(C, a, b, eps=eps, mass=mass, **options)
    assert r.converged
    np.testing.assert_allclose(r.plan.to_dense(), oracle.plan.to_dense(), atol=3e-5)
    assert r.value == pytest.approx(oracle.value, abs=1e-5)


@pytest.mark.parametrize("mass", [None, 0.6])
def test_potentials_give_the_plan(rng, mass):
    C, b = clouds(rng, 30, 40), rng.dirichlet(np.ones(40))
    r = quot.solve_entropic(C, None, b, eps=0.02, mass=mass)
    P = np.exp((r.f[:, None] + r.g + r.lam - C) / 0.02)
    np.testing.assert_allclose(r.plan.to_dense(), P, atol=1e-9)
    if mass is not None:
        assert max(r.f.max(), r.g.max()) <= 0.0
        np.testing.assert_allclose(r.f * (1 / 30 - P.sum(axis=1)), 0.0, atol=1e-10)
        np.testing.assert_allclose(r.g * (b - P.sum(axis=0)), 0.0, atol=1e-10)


def test_two_points_in_closed_form():
    """P = [[x, 1/2 - x], [1/2 - x, x]] with x / (1/2 - x) = exp(1 / eps)."""
    for eps in (0.1, 1.0, 10.0):
        r = quot.solve_entropic(np.array([[0.0, 1.0], [1.0, 0.0]]), eps=eps)
        x = 0.5 / (1.0 + np.exp(-1.0 / eps))
        np.testing.assert_allclose(r.plan.to_dense(), [[x, 0.5 - x], [0.5 - x, x]], rtol=1e-9)


@pytest.mark.parametrize("mass", [None, 0.4])
def test_dual_gradient_against_differences(rng, mass):
    C, a, b = clouds(rng, 9, 11), rng.dirichlet(np.ones(9)), rng.dirichlet(np.ones(11))
    rows = GibbsRows(EntropicProblem(C, a, b, eps=0.3, mass=mass), over(C), 0.3)
    v, h = rng.normal(size=11), 1e-6
    near = rows.first(v)
    _, got, _ = rows.respond(v, near)
    for j in range(11):
        step = h * (np.arange(11) == j)
        slope = (rows.respond(v + step, near)[2] - rows.respond(v - step, near)[2]) / (2 * h)
        assert slope == pytest.approx(-got[j], abs=1e-8)


def test_the_direction_solves_the_newton_system(rng):
    """With few iterations, and where these do not do with a factor."""
    n = 60
    C, a, b = clouds(rng, n, n), rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(n))
    for eps in (1.0, 0.1):
        rows = GibbsRows(EntropicProblem(C, a, b, eps=eps), over(C), eps)
        v = 0.1 * eps * rng.normal(size=n)
        answer, got, _ = rows.respond(v, rows.first(v))
        wanted = rng.normal(size=n) * got
        wanted -= got * wanted.sum() / got.sum()
        wanted *= 1e-6 / np.abs(wanted).sum()  # the less is missing, the finer
        d = rows.direction(answer, wanted, np.zeros(n, bool), 0.0, 1e-10)
        P = np.exp((answer.f[:, None] + v - C) / eps)
        left = (np.diag(got) - P.T @ (P / a[:, None])) @ d / eps - wanted
        assert left @ (left / got) < 1e-4 * wanted @ (wanted / got)


def nasty(seed):
    """Shapes, costs, masses and temperatures over many decades."""
    rng = np.random.default_rng(seed)
    n, m = rng.integers(1, 60, 2)
    C = [
        lambda: cdist(rng.normal(size=(n, 2)), rng.normal(size=(m, 2)), "sqeuclidean"),
        lambda: rng.integers(0, 5, (n, m)).astype(float),
        lambda: rng.normal(size=(n, m)),
    ][rng.integers(3)]()
    masses = []
    for k in (n, m):
        x = [
            lambda k=k: np.ones(k),
            lambda k=k: 10.0 ** rng.uniform(-12, 0, k),
            lambda k=k: np.append(rng.integers(0, 3, k - 1), 1).astype(float),
        ][rng.integers(3)]()
        masses.append(x / x.sum())
    part = [None, 0.5, 0.999, 1.0][rng.integers(4)]
    scale = 1.0 if part is None else rng.choice([0.7, 1.0, 3.0])
    eps = (np.abs(C).max() or 1.0) * 10.0 ** rng.uniform(-9, 3)
    return C, masses[0], scale * masses[1], eps, part and part * min(1.0, scale)


@pytest.mark.parametrize(
    "seeds", [*(range(k, k + 20) for k in range(0, 100, 20)), [2619]], ids=lambda k: f"from {k[0]}"
)
def test_nasty_problems(seeds):
    """2619 is a single pair of a negative cost, of which a thousandth is kept."""
    for seed in seeds:
        C, a, b, eps, mass = nasty(seed)
        r = quot.solve_entropic(C, a, b, eps=eps, mass=mass)
        assert r.converged, seed
        assert np.isfinite(r.value)
        assert np.isfinite(r.plan.to_dense()).all()


def test_prices_so_low_that_nothing_is_sent():
    """From one temperature to the next they may fall out of the range of floats."""
    C, eps = np.array([[1.0, 3.0], [2.0, 5.0]]), 1e-6
    problem = EntropicProblem(C, eps=eps, mass=0.5)
    descent = Descent(problem, over(C), Monitor())
    v = descent._settled(eps, np.full(2, -1.0), 1e-9)
    assert descent.best.point.wrong <= 1e-9
    assert v.max() == pytest.approx(1.0, abs=1e-4)


def test_forbidden_pairs(rng):
    C = clouds(rng, 15, 15)
    C[rng.random(C.shape) < 0.5] = 0.0
    np.fill_diagonal(C, 1.0)
    allowed = sp.csr_array(C)
    r = quot.solve_entropic(allowed, eps=0.1)
    assert r.converged
    assert (r.plan.to_dense()[C == 0.0] == 0.0).all()
    with pytest.raises(quot.InfeasibleError, match="cannot carry the mass"):
        quot.solve_entropic(sp.csr_array(np.array([[1.0, 0.0], [1.0, 0.0]])), eps=1.0)


def test_nothing_to_move():
    for mass in (0.0, None):
        a = np.zeros(2) if mass is None else None
        r = quot.solve_entropic(np.ones((2, 2)), a, a, eps=1.0, mass=mass)
        assert r.converged
        assert r.plan.total == 0.0


def test_points(rng):
    X, Y = rng.normal(size=(40, 3)), rng.normal(size=(30, 3))
    r = quot.solve_entropic(quot.PointCost(X, Y), eps=0.5, mass=0.5)
    s = quot.solve_entropic(cdist(X, Y, "sqeuclidean"), eps=0.5, mass=0.5)
    assert r.value == pytest.approx(s.value, rel=1e-12)


def test_where_newton_is_in_trouble_sinkhorn_goes_on(rng, monkeypatch):
    """With no Newton step at all the answer is the same."""
    from quot.ascent import Ascent

    C = clouds(rng, 20, 20)
    expected = quot.solve_entropic(C, eps=0.5, mass=0.5)
    monkeypatch.setattr(Ascent, "climb", lambda *_: None)
    r = quot.solve_entropic(C, eps=0.5, mass=0.5, tol=1e-6)
    assert r.converged
    assert r.value == pytest.approx(expected.value, rel=1e-6)


@pytest.mark.parametrize("mass", [None, 0.5])
@pytest.mark.parametrize("asked", [0, 3, 10])
def test_stopped(rng, tune, asked, mass):
    """However early, the plan is feasible and the bounds hold."""
    tune(pulse=0.0)
    C, seen = clouds(rng, 40, 50), []

    def stop(k):
        seen.append(k)
        return len(seen) > asked

    optimum = quot.solve_entropic(C, eps=0.01, mass=mass).value
    r = quot.solve_entropic(C, eps=0.01, mass=mass, callback=stop, on_failure="ignore")
    assert r.status is quot.Status.STOPPED
    assert len(seen) == asked + 1
    assert r.certificate.primal_residual < 1e-12
    assert r.certificate.lower <= optimum + 1e-9 <= r.certificate.upper + 2e-9


def test_iterations_are_limited_and_counted(rng):
    C = clouds(rng, 40, 50)
    r = quot.solve_entropic(C, eps=1e-3)
    assert sum(k.inner for k in r.history) < 100
    assert [k.reg for k in r.history] == sorted((k.reg for k in r.history), reverse=True)
    assert r.history[-1].reg == 1e-3
    with pytest.warns(quot.NotConvergedWarning, match="iteration limit"):
        few = quot.solve_entropic(C, eps=1e-3, max_iter=3)
    assert few.status is quot.Status.ITERATION_LIMIT
    assert few.certificate.primal_residual < 1e-12


def test_the_same_without_memory_for_anything(rng, monkeypatch):
    """Neither costs nor a plan are stored then."""
    from quot import memory

    X, Y = rng.normal(size=(40, 2)), rng.normal(size=(50, 2))
    expected = [quot.solve_entropic(quot.PointCost(X, Y), eps=e, mass=0.5) for e in (0.1, 10.0)]
    monkeypatch.setattr(memory, "available", lambda: 1)
    for r in expected:
        s = quot.solve_entropic(quot.PointCost(X, Y), eps=r.problem.eps, mass=0.5)
        assert s.converged
        assert s.value == pytest.approx(r.value, rel=1e-9)


@pytest.mark.parametrize("mass", [None, 0.6])
@pytest.mark.parametrize("T", [0.002, 1.0])  # few entries are large, or many
def test_a_kept_plan_answers_and_multiplies_near_its_prices(rng, mass, T):
    n, m = 50, 60
    C, a = clouds(rng, n, m), 10.0 ** rng.uniform(-6, 0, n)
    b = rng.dirichlet(np.ones(m)) * a.sum()
    problem = EntropicProblem(C, a, b, eps=T, mass=mass and mass * a.sum())
    exact = GibbsRows(problem, over(C), T)
    v = -T * rng.random(m)
    base = exact.respond(v, exact.first(v))[0]
    X = np.empty((n, m), np.float32)
    exact._exact(v, base, X)
    every = Stored(over(C), T, base, X, a, np.ones(m))
    few = Listed.of(Gibbs(over(C), base, T))
    assert (few is None) == (T == 1.0)
    for move in (0.0, 1.0, 4.0):
        v = base.v + move * T * rng.normal(size=m)
        answer = exact.respond(v, base)[0]
        P = np.exp((answer.f[:, None] + answer.v - C) / T)
        sent = P.sum(axis=1)
        moves, p = answer.f != 0.0, rng.normal(size=m)
        share = np.divide(1.0, sent, out=np.zeros(n), where=moves)
        product = P.sum(axis=0) * p - P.T @ (share * (P @ p))
        off = 1e-12 * product.size * sent.sum()
        np.testing.assert_allclose(Gibbs(over(C), answer, T).spread(share, p), product, atol=off)
        for kept, digits in ((every, 3e-7), (few, 1e-9)):
            if kept is None:
                continue
            found = kept.answer(v, a, exact.highest)
            np.testing.assert_allclose(found.f, answer.f, atol=digits * T)
            np.testing.assert_array_equal(found.f == 0.0, answer.f == 0.0)
            np.testing.assert_allclose(found.sent, sent, rtol=digits, atol=1e-20)
            assert np.abs(found.got - answer.got).sum() <= digits * sent.sum()
            there = kept.at(answer).spread(share, p)
            np.testing.assert_allclose(there, product, atol=digits * sent.sum())
    assert every.answer(base.v + 31.0 * T, a, exact.highest) is None
    assert every.at(exact.respond(base.v - 31.0 * T, base)[0]) is None


def test_a_kept_plan_of_rows_that_send_next_to_nothing():
    """These stay at price 0; where other rows have lost all their entries nothing is known."""
    C, a, T = np.array([[0.0, 1.0], [50.0, 60.0]]), np.ones(2), 0.1
    problem = EntropicProblem(C, a, a, eps=T, mass=1.0)
    rows = GibbsRows(problem, over(C), T)
    base, X = rows.respond(np.zeros(2), rows.first(np.zeros(2)))[0], np.empty((2, 2), np.float32)
    rows._exact(base.v, base, X)
    every = Stored(over(C), T, base, X, a, np.ones(2))
    answer = rows.respond(base.v + T, base)[0]
    found = every.answer(base.v + T, a, 0.0)
    assert X[1].tolist() == [0.0, 0.0]
    assert found.f.tolist() == pytest.approx(answer.f.tolist())
    assert found.got == pytest.approx(answer.got)
    assert every.answer(base.v + T, a, np.inf) is None


def test_few_passes_over_all_pairs(rng):
    """Without Newton's method the last temperature alone would take thousands."""
    r = quot.solve_entropic(clouds(rng, 100, 100), eps=1e-3)
    assert r.converged
    assert 10 < r.history[-1].passes < 400
    assert list(np.diff([k.passes for k in r.history]) > 0) == [True] * (len(r.history) - 1)


@pytest.mark.parametrize("mass", [0.5, 0.7])
def test_at_next_to_no_temperature_it_is_as_sparse_as_with_squares(mass):
    """Entries beyond 1e-10 of histograms of two samples, the first source's at eps = 1e-6."""
    rng = np.random.default_rng(0)
    mixture = np.where(rng.random(10**5) < 0.5, rng.normal(1, 2, 10**5), rng.normal(10, 1.5, 10**5))
    samples = rng.binomial(10, 0.4, 10**5), mixture
    ends = min(x.min() for x in samples), max(x.max() for x in samples)
    counts = (np.histogram(x, 100, ends)[0] / 10**5 + 1e-6 for x in samples)
    a, b = (x / x.sum() for x in counts)
    C = np.subtract.outer(np.arange(100.0), np.arange(100.0)) ** 2 / 99.0**2
    squares = quot.solve(C, a, b, reg=1e-6, mass=mass)
    entropic = quot.solve_entropic(C, a, b, eps=5e-7, mass=mass)  # the source writes eps/2
    assert squares.converged
    assert entropic.converged
    assert entropic.plan.sparsity == pytest.approx(squares.plan.sparsity, abs=5e-4)
    assert entropic.plan.sparsity > 0.98


@pytest.mark.parametrize("eps", [1e-6, 0.1])
@pytest.mark.parametrize("turned", [False, True])
def test_all_mass_of_one_side_but_for_rounding(rng, eps, turned):
    C, a = rng.integers(0, 5, (45, 32)).astype(float), rng.integers(0, 3, 45).astype(float)
    a, b = a / a.sum(), rng.dirichlet(np.ones(32)) * 3.0
    problem = (C.T.copy(), b, a) if turned else (C, a, b)
    values = []
    for mass in (a.sum(), a.sum() * (1.0 - 4e-16)):
        r = quot.solve_entropic(*problem, eps=eps, mass=mass)
        assert r.converged
        assert max(r.f.max(), r.g.max()) <= 0.0
        values.append(r.value)
    assert values[0] == pytest.approx(values[1], rel=1e-8)


@pytest.mark.parametrize("formulation", ["E1", "E2", "E3"])
def test_where_prices_are_rounded_away(formulation):
    """At a billionth of the largest cost floats know a price to a ten-millionth of the temperature.

    Groups of points that hardly exchange mass then need differences of prices.
    """
    for seed in range(8):
        rng = np.random.default_rng(seed)
        n, m = rng.integers(20, 60, 2)
        C = rng.integers(0, 5, (n, m)).astype(float) if seed % 2 else rng.normal(size=(n, m))
        a, b = (rng.integers(0, 3, k).astype(float) for k in (n, m))
        given = {"eps": 1.2e-9 * np.abs(C).max(), "formulation": formulation}
        mass = None if formulation == "E1" else 0.5
        r = quot.solve_entropic(C, a / a.sum(), b / b.sum(), mass=mass, **given)
        assert r.converged, seed
        assert r.certificate.primal_residual < 1e-13
