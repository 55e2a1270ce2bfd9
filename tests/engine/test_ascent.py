"""The ascent over all pairs, against roots by sorting and the reference solver."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from tests.design import every_two

import quot
from quot.ascent import Ascent
from quot.convergence import Monitor
from quot.network.laplacian import LaplacianSolver
from quot.pairs import Pricer
from quot.pairs.balance import Balanced, balance_rows
from quot.quadratic.pair_rows import PairRows


def histograms(n):
    """Two Gaussian histograms on a line: masses over 50 decades, most of them next to nothing."""
    x = np.arange(n)
    a = np.exp(-0.5 * ((x - 0.2 * n) / (0.05 * n)) ** 2)
    b = np.exp(-0.5 * ((x - 0.6 * n) / (0.1 * n)) ** 2)
    return (x[:, None] - x) ** 2 / (n - 1.0) ** 2, a / a.sum(), b / b.sum()


def root_by_sorting(line, target):
    """Where sum_j [f - line_j]_+ reaches the target: on one of the pieces between its kinks."""
    kinks = np.sort(line[np.isfinite(line)])
    on_piece = (target + np.cumsum(kinks)) / np.arange(1, kinks.size + 1)
    ahead = np.append(kinks[1:], np.inf)
    return on_piece[np.argmax(on_piece <= ahead)]


@pytest.mark.parametrize("start", [-1e3, 0.0, 0.4, 1e3])
@pytest.mark.parametrize("highest", [np.inf, 0.1])
def test_rows_are_balanced(rng, start, highest):
    C = rng.random((40, 30))
    C[rng.random(C.shape) < 0.2] = np.inf
    v = rng.normal(size=30)
    target = 10.0 ** rng.uniform(-60, 1, 40)
    found = balance_rows(C, v, target, np.full(40, start), highest)
    roots = np.array([root_by_sorting(line - v, t) for line, t in zip(C, target, strict=True)])
    np.testing.assert_allclose(found.f, np.minimum(roots, highest), atol=1e-14)
    beyond = found.f[:, None] + v - C
    dense = np.zeros(C.shape)
    dense[found.rows, found.cols] = found.beyond
    np.testing.assert_allclose(dense, np.maximum(beyond, 0.0), atol=1e-13)
    listed = np.zeros(C.shape, bool)
    listed[found.rows, found.cols] = True
    assert listed[beyond > 0.0].all()
    assert listed.any(axis=1)[roots < highest].all()  # where hardly anything is sent, too
    assert (np.diff(found.rows) >= 0).all()


@every_two(shape=[(30, 30), (12, 35), (35, 12)], reg=[1.0, 30.0], mass=[None, 0.3, 0.99, 1.0])
def test_the_plan_is_that_of_the_reference(rng, shape, reg, mass):
    n, m = shape
    C = cdist(rng.normal(size=(n, 2)), rng.normal(size=(m, 2)), "sqeuclidean")
    a, b = rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(m))
    problem = quot.Problem(C, a, b, reg=reg, mass=mass)
    linear = quot.solve(C, a, b, mass=mass)
    rows = PairRows(problem, Pricer(), LaplacianSolver())
    ascent = Ascent.of(problem, rows, Monitor(), linear.g + linear.lam, Balanced.at(linear.f))
    ascent.climb(1e-12, 1e-11)
    best, plan = ascent.best, rows.plan(ascent.best.answer)
    assert best.wrong <= 1e-11
    top = 0.0 if mass is None else best.v.max()
    expected = quot.solve(C, a, b, reg=reg, mass=mass, method="clarabel", on_failure="ignore")
    np.testing.assert_allclose(plan.to_dense(), expected.plan.to_dense(), atol=1e-4)
    certificate = quot.certify(problem, plan, best.answer.f, best.v - top, top)
    assert certificate.relative_gap <= 1e-9
    assert certificate.primal_residual <= 1e-9


@pytest.mark.parametrize("mass", [None, 0.7])
@pytest.mark.parametrize("reg", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("n", [300, 1000])
def test_histograms_take_few_steps(n, reg, mass):
    """They took hundreds on candidates: columns with next to no mass kept every step short."""
    C, a, b = histograms(n)
    for one, other in ((a, b), (b, a)):
        r = quot.solve(C, one, other, reg=reg, mass=mass)
        assert r.converged
        assert len(r.history) == 2  # the linear problem, and up from there
        assert r.history[-1].inner <= 30


def test_limits_are_obeyed():
    C, a, b = histograms(200)
    with pytest.warns(quot.NotConvergedWarning):
        few = quot.solve(C, a, b, reg=1.0, max_iter=2)
    assert few.status is quot.Status.ITERATION_LIMIT
    assert few.certificate.primal_residual <= 1e-12
