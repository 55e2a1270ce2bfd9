"""Dual extrapolation: its parts, and its plans against HiGHS."""

import numpy as np
import pytest
from tests.oracles.linear import solve_linear

import quot
from quot import memory
from quot.convergence import Monitor
from quot.costs import DenseCost
from quot.entropic.dual_extrapolation import STEPS, Extrapolation
from quot.entropic.first_order import Prices
from quot.entropic.passes import Passes


def way_of(rng, n, m, mass=0.6, step="long"):
    C, a, b = rng.random((n, m)), rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(m))
    problem = quot.Problem(C, a, b, mass=mass)
    return Extrapolation(problem, Passes(DenseCost(C), lambda: None), Monitor(), step)


def incidence(n, m):
    """A with A vec(x) the rows' sums and the columns' sums of x."""
    return np.vstack((np.kron(np.eye(n), np.ones(m)), np.kron(np.ones(n), np.eye(m))))


@pytest.mark.parametrize("options", [{}, {"start": 5}, {"start": 50}, {"step": "proved"}])
@pytest.mark.parametrize("mass", [None, 0.7])
def test_plans_are_as_good_as_asked_for(rng, mass, options):
    for n, m in ((6, 9), (15, 8)):
        C, a, b = rng.random((n, m)), rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(m))
        r = quot.approximate_partial(
            C, a, b, mass, accuracy=0.03, method="dual-extrapolation", solver_options=options
        )
        best, _ = solve_linear(C, a, b, mass)
        assert r.converged
        assert r.certificate.lower - 1e-12 <= best <= r.cost + 1e-12 <= best + 0.03 + 2e-12


def test_iterations_grow_like_one_over_the_accuracy(rng):
    C = rng.random((20, 20))
    counts = [
        len(
            quot.approximate_partial(
                C, mass=0.7, accuracy=accuracy, method="dual-extrapolation"
            ).history
        )
        for accuracy in (0.04, 0.01, 0.0025)
    ]
    assert 10 < counts[1] < counts[2] < 10 * counts[1] < 100 * counts[0]


def test_the_regulariser_dominates_the_rotation(rng):
    """The condition under which thrice as much is area-convex, at any point."""
    n, m = 3, 4
    A, (alpha, _) = incidence(n, m), STEPS["proved"]
    J = np.block([[np.zeros((n * m, n * m)), A.T], [-A, np.zeros((n + m, n + m))]])
    for _ in range(20):
        x, h = rng.dirichlet(0.3 * np.ones(n * m)) + 1e-6, rng.choice([-0.5, 0.5, 0.1], n + m)
        mixed = 2.0 * A.T * h
        H = np.block([[np.diag(alpha / x), mixed], [mixed.T, np.diag(2.0 * A @ x)]])
        scale = np.sqrt(np.diag(H))
        least = np.linalg.eigvalsh((H + 1j * J) / np.outer(scale, scale)).min()
        assert least >= -1e-9


def test_the_least_point_is_one(rng):
    """After many turns no other point is less."""
    way = way_of(rng, 4, 5)
    A, c = incidence(4, 5), (way.problem.cost.C.ravel() - way.low) / way.range
    s = np.concatenate(([3.0], rng.normal(size=18)))
    _, z = way.start()
    for _ in range(100):
        z = way.least(s, z)

    def value(x, h):
        linear = (s[0] * c + A.T @ s[1:10]) @ x + s[10:] @ h
        return linear + way.alpha * x @ np.log(x) + (h * h) @ (A @ x)

    x = np.exp(-(z.theta * c + A.T @ z.w) / way.alpha - z.level)
    assert x.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(A @ x, z.sums, rtol=1e-12)
    for size in (1e-3, 0.1):
        for _ in range(20):
            other = x * np.exp(size * rng.normal(size=20))
            h = np.clip(z.h + size * rng.normal(size=9), -0.5, 0.5)
            assert value(other / other.sum(), h) >= value(x, z.h) - 1e-12


def test_a_start_is_the_least_point_of_its_gradients(rng):
    way = way_of(rng, 6, 7)
    f, v = 0.1 * rng.normal(size=6), 0.1 * rng.normal(size=7)
    s, z = way.start_from(0.2, Prices(f, v))
    P = np.exp((f[:, None] + v - way.problem.cost.C) / 0.2)
    sums = np.concatenate((P.sum(axis=1), P.sum(axis=0))) / P.sum()
    np.testing.assert_allclose(z.sums, sums, rtol=1e-12)
    again = way.least(s, z)
    np.testing.assert_allclose(again.sums, sums, rtol=1e-12)
    np.testing.assert_allclose(again.h, z.h, atol=1e-12)


def test_matrices_too_large(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 100)
    with pytest.raises(quot.ProblemTooLargeError, match="keeps plans of 2 x 2 pairs as matrices"):
        quot.approximate_partial(np.eye(2), accuracy=0.1, method="dual-extrapolation")
