"""Newton steps where many pairs carry something, against those by a graph of edges."""

import numpy as np
import pytest

from quot import Problem
from quot.convergence import Monitor
from quot.dual import Dual
from quot.kernels import crowded as kernels
from quot.kernels import laplacian, steps
from quot.quadratic import crowded
from quot.quadratic.matrix_newton import MatrixNewton
from quot.quadratic.pair_list import Kept


def newton(rng, mass=None, shape=(70, 60)):
    """Before a step, somewhere near the answer; most pairs carry something."""
    n, m = shape
    C, a, b = rng.random(shape), rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(m))
    problem = Problem(C, a, b, reg=0.4 * n * m, mass=mass)
    found = MatrixNewton(problem, C, Kept.of(problem), Monitor())
    g = 0.2 * rng.normal(size=m)
    found.begin(Dual(np.zeros(n), g if mass is None else np.minimum(g, 0.0), 10.0))
    assert found.active > 16 * sum(shape)
    return found


@pytest.mark.parametrize("is_quick", [True, False])
@pytest.mark.parametrize("mass", [None, 0.4])
def test_a_step_goes_where_that_by_edges_does(mass, is_quick):
    one, other = (newton(np.random.default_rng(5), mass) for _ in range(2))
    step = crowded.Crowded()
    step._is_quick = is_quick
    for _ in range(9):
        for it, way in ((one, step.step), (other, steps.step)):
            way(it.C, it.wanted, it._bounds, it.total, it.state, it.at, 1e-10)
    assert one.wrong < 1e-6 > other.wrong
    np.testing.assert_allclose(one.v - one.v.mean(), other.v - other.v.mean(), atol=1e-4)
    assert one.value == pytest.approx(other.value, rel=1e-8)


@pytest.mark.parametrize("most", [8, 1000])
@pytest.mark.parametrize("mass", [None, 0.4])
def test_a_system_by_a_sample_of_its_pairs(rng, mass, most):
    it = newton(rng, mass)
    v, f, start, col, _, _, missing, at_top = it.state
    graph, rhs, _, diagonal = kernels.system(v, f, it._bounds, start, col, missing, at_top, 1e-6)
    tied, node, ground, _ = graph
    N, n = ground.size, f.size
    L = np.diag(ground)
    for i in np.flatnonzero(~tied):
        for u in node[col[start[i] : start[i + 1]]]:
            L[[i, u], [i, u]] += 1.0
            L[[i, u], [u, i]] -= 1.0
    used = np.unique(node)
    rows = np.flatnonzero(L.diagonal()[:n])
    schur = L[np.ix_(used, used)] - L[np.ix_(used, rows)] @ np.linalg.solve(
        L[np.ix_(rows, rows)], L[np.ix_(rows, used)]
    )
    np.testing.assert_allclose(diagonal[used], schur.diagonal(), rtol=1e-9)
    edges = kernels.sample(start, col, graph, most)
    *seen, _, twin = laplacian.adjacency(*edges, N + 1)
    x, is_one = kernels.solve(start, col, graph, laplacian.factor(*seen, twin, 1), rhs, 1e-10, 200)
    assert is_one
    assert np.linalg.norm(schur @ x[used] - rhs[used]) <= 1e-9 * np.linalg.norm(rhs)
    listed = np.diff(start[: n + 1])[~tied].sum() + np.count_nonzero(ground >= 1.0)
    assert (edges[0].size == listed) == (most == 1000)


def test_a_sample_weighs_as_all_pairs_do(rng):
    it = newton(rng, shape=(400, 300))
    v, f, start, col, _, _, missing, at_top = it.state
    graph, *_ = kernels.system(v, f, it._bounds, start, col, missing, at_top, 1e-6)
    _, head, weight = kernels.sample(start, col, graph, 8)
    real = head < graph[2].size
    assert np.count_nonzero(real) < 0.2 * start[f.size]
    assert weight[real].sum() == pytest.approx(start[f.size], rel=0.05)
    assert real.all()  # nothing is held but by next to nothing
