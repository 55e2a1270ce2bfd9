"""Of several cheapest answers the one of least norm, or any."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import lsqr
from scipy.stats import wasserstein_distance
from tests.checks import assert_well_formed
from tests.oracles.linear import solve_linear
from tests.strategies import Instance

import quot
from quot.pairs import Pricer
from quot.settings import using


@pytest.mark.parametrize("mass", [None, 0.6])
def test_any_plan_is_as_cheap_and_no_smoother(rng, mass):
    C = rng.integers(0, 3, (25, 30)).astype(float)
    instance = Instance(C, np.full(25, 1 / 25), np.full(30, 1 / 30), 0.0, mass)
    right, _ = solve_linear(C, instance.a, instance.b, mass)
    one, shared = (quot.solve(C, mass=mass, ties=ties) for ties in ("any", "share"))
    for r in (one, shared):
        assert r.converged
        assert_well_formed(instance, r)
        assert r.value == pytest.approx(right, abs=1e-9)
    assert (shared.plan.values**2).sum() < (one.plan.values**2).sum()
    assert one.plan.nnz < 25 + 30 < shared.plan.nnz


def tied_line(rng, n, m, shift):
    """Points along a line, their masses, and the cheapest value by distribution functions."""
    x, y = rng.normal(size=n), 0.7 * rng.normal(size=m) + shift
    a, b = rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(m))
    return x[:, None], y[:, None], a, b, wasserstein_distance(x, y, a, b)


@pytest.mark.parametrize("shift", [0.0, 1.0, 6.0])
def test_distances_along_a_line(rng, shift):
    """Nearly all pairs tie: few of them are listed, and for the least norm all are a matrix."""
    x, y, a, b, right = tied_line(rng, 150, 130, shift)
    with using(matrix=1000, boxed=5000):
        one, shared = (
            quot.solve_points(x, y, a, b, metric="euclidean", ties=ties)
            for ties in ("any", "share")
        )
    for r in (one, shared):
        assert r.converged
        assert r.value == pytest.approx(right, rel=1e-12)
        assert r.certificate.primal_residual <= 1e-13
    assert max(h.candidates for h in one.history[1:]) < 0.5 * 150 * 130
    assert_least_norm(shared.plan.to_dense(), np.abs(x - y.T), shared)
    assert (shared.plan.values**2).sum() < (one.plan.values**2).sum()


def assert_least_norm(P, C, r):
    """P is [p_i + q_j]_+ on the pairs that tie, for some p and q: least squares say which."""
    n, m = C.shape
    slack = C - r.f[:, None] - r.g
    tied = slack <= 1e-12
    assert (slack >= -1e-12).all()
    assert not P[~tied].any()
    i, j = np.nonzero(1e-12 * P.max() < P)
    rows = sp.csr_array((np.ones(i.size), (np.arange(i.size), i)), shape=(i.size, n))
    cols = sp.csr_array((np.ones(i.size), (np.arange(i.size), j)), shape=(i.size, m))
    found = lsqr(sp.hstack((rows, cols)), P[i, j], atol=1e-14, btol=1e-14, iter_lim=20_000)[0]
    sent = found[:n, None] + found[n:]
    np.testing.assert_allclose(np.where(tied, np.maximum(sent, 0.0), 0.0), P, atol=1e-6 * P.max())


@pytest.mark.parametrize("mass", [None, 0.6])
def test_small_weights_where_nearly_all_pairs_tie(rng, mass):
    """Prices rise from those of the linear problem by what the least norm says."""
    x, y, a, b, _ = tied_line(rng, 90, 80, 3.0)
    C, reg = np.abs(x - y.T), 1e-3
    with using(matrix=1000):
        r = quot.solve_points(x, y, a, b, metric="euclidean", reg=reg, mass=mass)
    right = quot.solve(C, a, b, reg=reg, mass=mass, method="clarabel", tol=1e-8)
    assert r.converged
    assert r.value == pytest.approx(right.value, rel=1e-8)


def test_millions_of_pairs_that_tie(rng):
    """Sums of millions of terms keep their digits: of squares, and of masses."""
    n = 2100
    x, y = rng.random((n, 1)), 3.0 + rng.random((n, 1))
    r = quot.solve_points(x, y, metric="euclidean")
    assert r.converged
    assert r.plan.nnz == n * n
    np.testing.assert_allclose(r.plan.values, n**-2.0, rtol=1e-9)
    assert r.certificate.primal_residual <= 1e-12


def test_what_becomes_a_matrix_is_not_listed_first(rng, monkeypatch):
    """The list alone may take what memory there is."""
    monkeypatch.setattr(Pricer, "tight", lambda *_: pytest.fail("all pairs were listed"))
    x, y, a, b, right = tied_line(rng, 150, 130, 1.0)
    with using(matrix=1000, upward=1000):
        r = quot.solve_points(x, y, a, b, metric="euclidean")
    assert r.converged
    assert r.value == pytest.approx(right, rel=1e-12)
    assert r.plan.nnz > 2 * (150 + 130)


def test_any_flow_is_as_cheap():
    graph = quot.graphs.grid((6, 6))
    source, target = np.zeros((2, 36))
    source[0], target[35] = 1.0, 1.0
    one, shared = (quot.solve_graph(graph, source, target, ties=ties) for ties in ("any", "share"))
    assert one.converged
    assert shared.converged
    assert one.value == pytest.approx(10.0, rel=1e-12)
    assert shared.value == pytest.approx(10.0, rel=1e-12)
    assert (shared.flow**2).sum() <= (one.flow**2).sum()


def test_no_other_word_for_it():
    with pytest.raises(quot.InvalidProblemError, match="`ties` must be one of 'share', 'any'"):
        quot.solve(np.eye(2), ties="all")
