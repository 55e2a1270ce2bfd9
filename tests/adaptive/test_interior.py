"""The interior-point method: its system, and problems on which Newton's method ends short."""

import numpy as np
import pytest
from tests.oracles.perplexity import adaptive_by_clarabel

import quot
from quot.adaptive.interior import Interior, _System
from quot.perplexity import largest
from quot.problem import AdaptiveProblem

SIDES = {"source": (2.5, None), "target": (None, 1.7), "both": (2.5, 1.7)}
REGULARIZERS = ["quadratic", "entropic"]


def awkward(seed, on, regularizer):
    """Costs with ties or without, masses even or over eight decades, bounds loose or strict."""
    rng = np.random.default_rng(seed)
    n, m = rng.integers(2, 40, 2)
    X, Y = rng.normal(size=(n, 2)), rng.normal(size=(m, 2))
    C = [
        ((X[:, None] - Y) ** 2).sum(axis=2),
        rng.random((n, m)),
        rng.integers(0, 5, (n, m)).astype(float),
        rng.normal(size=(n, m)),
    ][rng.integers(4)] * 10 ** rng.uniform(-6, 6)

    def mass(k):
        x = [np.ones(k), rng.dirichlet(np.ones(k)), 10 ** rng.uniform(-8, 0, k)][rng.integers(3)]
        return x / x.sum()

    def asked(others, k):
        most = largest(others, regularizer) - 1.0
        return 1.0 + most * [rng.random() * 0.98, 0.02, 0.5, rng.random(k) * 0.95][rng.integers(4)]

    a, b = mass(n), mass(m)
    xi = asked(b, n), asked(a, m)
    return C, a, b, xi if on == "both" else xi[on == "target"]


@pytest.mark.parametrize("regularizer", REGULARIZERS)
@pytest.mark.parametrize("side", SIDES)
def test_the_value_is_that_of_clarabel(rng, side, regularizer):
    n, m = 7, 9
    C, a, b = (
        rng.normal(size=(n, m)),
        rng.dirichlet(np.full(n, 5.0)),
        rng.dirichlet(np.full(m, 5.0)),
    )
    xi = SIDES[side]
    P = adaptive_by_clarabel(C, a, b, *xi, regularizer, 0.0)
    asked = xi if side == "both" else xi[side == "target"]
    how = {"perplexity": asked, "on": side, "regularizer": regularizer, "tol": 1e-7}
    r = quot.solve_adaptive(C, a, b, method="interior", **how)
    assert r.converged
    assert r.method == "interior"
    np.testing.assert_allclose(r.plan.to_dense(), P, atol=2e-3 * P.max())
    assert r.value == pytest.approx(float((C * P).sum()), rel=2e-6)
    newton = quot.solve_adaptive(C, a, b, method="newton", **how)
    assert newton.method == "newton"
    assert r.value == pytest.approx(newton.value, rel=2e-7)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("regularizer", REGULARIZERS)
def test_a_step_solves_the_equations_at_first_order(rng, regularizer, side):
    xi = SIDES[side]
    problem = AdaptiveProblem(
        rng.random((8, 6)), row_perplexity=xi[0], col_perplexity=xi[1], regularizer=regularizer
    )
    path = Interior(problem).path
    path.step(1e-8)
    wanted = [rng.normal(size=x.shape) for x in path.x]
    step = _System(path).step(wanted)
    P, dP = path.x[0], step.x[0]
    slope, bend = (np.log(P), 1.0 / P) if regularizer == "entropic" else (P, np.ones_like(P))
    E, dE = np.zeros_like(P), np.zeros_like(P)
    for k, axis in ((1, 1), (2, 0)):
        np.testing.assert_allclose(dP.sum(axis=axis), path.lacking[k - 1], atol=1e-11)
        if path.y[k].size:
            E += np.expand_dims(path.y[k], axis)
            dE += np.expand_dims(step.y[k], axis)
            change = (slope * dP).sum(axis=axis) + step.x[k]
            np.testing.assert_allclose(change, path.over[k - 1], atol=1e-11)
    paid = dE * slope + E * bend * dP - step.f[:, None] - step.g - step.y[0]
    np.testing.assert_allclose(paid, path.unpaid, atol=1e-9 * np.abs(dE).max(initial=1.0))
    for x, y, dx, dy, change in zip(path.x, path.y, step.x, step.y, wanted, strict=True):
        np.testing.assert_allclose(x * dy + y * dx, change, atol=1e-10)


@pytest.mark.parametrize(
    ("on", "regularizer", "seed"),
    [
        *(("both", "quadratic", seed) for seed in (1, 9, 21, 35)),
        *(("both", "entropic", seed) for seed in (1, 78)),
        ("source", "quadratic", 46),
        ("target", "entropic", 108),
    ],
)
def test_where_newton_ended_short_the_interior_does_not(on, regularizer, seed):
    C, a, b, xi = awkward(seed, on, regularizer)
    how = {"perplexity": xi, "on": on, "regularizer": regularizer, "tol": 1e-7}
    r = quot.solve_adaptive(C, a, b, **how)
    assert r.converged
    found = {"source": [r.row_perplexity], "target": [r.col_perplexity]}
    asked = xi if on == "both" else (xi,)
    for reached, least in zip(
        found.get(on, [r.row_perplexity, r.col_perplexity]), asked, strict=True
    ):
        assert (reached >= least * (1.0 - 1e-6)).all()


@pytest.mark.parametrize("regularizer", REGULARIZERS)
@pytest.mark.parametrize("method", ["newton", "interior"])
def test_what_can_be_had_for_nothing(method, regularizer):
    """Pairs that cost nothing are enough: the optimal value is 0, and a gap has no scale."""
    C = np.where(np.add.outer(np.arange(8), np.arange(8)) % 2, 1.0, 0.0)
    r = quot.solve_adaptive(C, perplexity=2, on="both", regularizer=regularizer, method=method)
    assert r.converged
    assert r.value == 0.0


def test_entries_that_are_none_are_left_out(rng):
    C = rng.random((20, 30))
    newton = quot.solve_adaptive(C, perplexity=4, method="newton")
    interior = quot.solve_adaptive(C, perplexity=4, method="interior")
    assert interior.plan.nnz < 1.2 * newton.plan.nnz < 400


def test_limits_end_it_with_what_there_is(rng):
    C = rng.random((20, 30))
    how = {"perplexity": 4, "method": "interior", "on_failure": "ignore"}
    few = quot.solve_adaptive(C, max_iter=3, **how)
    assert few.status is quot.Status.ITERATION_LIMIT
    assert few.history[-1].inner == 3
    assert few.certificate.lower <= few.value
    late = quot.solve_adaptive(C, time_limit=1e-6, **how)
    assert late.status is quot.Status.TIME_LIMIT


def test_it_needs_more_memory_than_newton(rng, monkeypatch):
    from quot import memory

    C = rng.random((20, 20))
    monkeypatch.setattr(memory, "available", lambda: 50_000)
    assert quot.solve_adaptive(C, perplexity=2).converged
    with pytest.raises(quot.ProblemTooLargeError, match="20 x 20 pairs"):
        quot.solve_adaptive(C, perplexity=2, method="interior")
