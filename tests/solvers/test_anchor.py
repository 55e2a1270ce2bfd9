"""Potentials as small as they can be, of plans whose components a sentinel has pushed apart."""

import numpy as np
import pytest
import scipy.sparse as sp
from tests.design import every_two

import quot
from quot.convergence import Tolerance
from quot.costs import PointCost
from quot.dual import Dual
from quot.plan import Plan
from quot.problem import GraphProblem, Problem
from quot.quadratic.anchor import anchor, anchor_flow


def certificate(problem, plan, dual):
    return quot.certify(problem, plan, dual.f, dual.g, dual.lam)


def blocks(rng, count=4, size=5):
    """Costs of some blocks, dearer between two; an entry of a block costs at most 1."""
    part = np.repeat(np.arange(count), size)
    C = rng.random((part.size, part.size))
    return np.where(part[:, None] == part, C, 2.0 + C), part


@every_two(kind=["dense", "sparse"], part=[None, 0.6], reg=[0.0, 0.1], far=[None, 1e6, 1e15, 1e300])
def test_components_that_are_far_apart_come_home(rng, kind, part, reg, far):
    """Whatever the potentials were: they are not looked at, and the bracket is closed."""
    C, block = blocks(rng)
    a = rng.random(20) + 0.1
    b = np.concatenate([rng.permutation(a[block == k]) for k in range(4)])
    b[b.size // 2 :] *= a[block >= 2].sum() / b[b.size // 2 :].sum()
    mass = None if part is None else part * a.sum()
    r = quot.solve(C, a, b, reg=reg, mass=mass)
    assert r.certificate.gap <= 1e-10 * r.value
    if far is not None:
        C[(block[:, None] > block) & (r.plan.to_dense() == 0.0)] = far
    problem = Problem(C if kind == "dense" else sp.csr_array(C), a, b, reg=reg, mass=mass)
    nowhere = Dual(np.full(20, 1e15), np.full(20, -1e15), 1e15)
    found = anchor(problem, r.plan, nowhere)
    assert max(np.abs(found.f).max(), np.abs(found.g).max(), abs(found.lam)) <= 10.0
    c = certificate(problem, r.plan, found)
    assert c.gap <= 1e-9 * r.value
    assert c.holds(Tolerance())
    if part is not None:
        assert max(found.f.max(), found.g.max()) <= 0.0
        assert (found.f[r.plan.row_sums() < a * (1 - 1e-9)] == 0.0).all()
        assert (found.g[r.plan.col_sums() < b * (1 - 1e-9)] == 0.0).all()


def test_components_begin_where_their_mass_is(rng):
    """A pair far too dear that carries something is paid by the end of less mass."""
    C = np.array([[1.0, 9.0, 2e6], [9.0, 2.0, 1e6]])
    plan = Plan.from_dense([[5.0, 0.0, 0.0], [0.0, 3.0, 0.5]])
    problem = Problem(C, [5.0, 3.5], [5.0, 3.0, 0.5])
    found = anchor(problem, plan, Dual(np.zeros(2), np.zeros(3)))
    assert np.abs(found.f).max() <= 10.0
    assert found.g[2] == pytest.approx(1e6, abs=10.0)
    assert certificate(problem, plan, found).gap == pytest.approx(0.0, abs=1e-9)


def test_clouds_that_nearly_coincide(rng):
    """Their value is 10^-12 of a typical cost: potentials of that size lose it."""
    X = rng.normal(size=(60, 2))
    problem = Problem(PointCost(X, X + 1e-6 * rng.normal(size=X.shape)))
    plan = Plan.from_dense(np.eye(60) / 60)
    f = (X**2).sum(axis=1)
    assert not certificate(problem, plan, Dual(f, -f)).holds(Tolerance())
    found = anchor(problem, plan, Dual(f, -f))
    c = certificate(problem, plan, found)
    assert c.relative_gap == 0.0
    assert c.round_off <= 1e-12 * c.upper


def test_rows_and_columns_without_mass_keep_their_potentials():
    problem = Problem([[0.0, 5.0, 1.0], [-9.0, 0.0, 9.0]], [1.0, 0.0], [1.0, 0.0, 0.0])
    found = anchor(
        problem,
        Plan.from_dense([[1.0, 0, 0], [0, 0, 0]]),
        Dual(np.array([7.0, np.nan]), np.array([0.0, np.nan, 3.0])),
    )
    np.testing.assert_array_equal(found.f, [0.0, np.nan])
    np.testing.assert_array_equal(found.g, [0.0, np.nan, 3.0])


def test_a_plan_that_is_not_optimal_has_none():
    problem = Problem([[5.0, 1.0], [1.0, 5.0]])
    dual = Dual(np.zeros(2), np.zeros(2))
    assert anchor(problem, Plan.from_dense(np.eye(2) / 2), dual) is None


def test_large_problems_are_left_alone(tune):
    tune(anchored=3)
    problem = Problem([[0.0, 1.0], [1.0, 0.0]])
    assert anchor(problem, Plan.from_dense(np.eye(2) / 2), Dual(np.zeros(2), np.zeros(2))) is None
    sparse = Problem(sp.csr_array([[1.0, 1.0], [0.0, 1.0]]))
    assert anchor(sparse, Plan.from_dense(np.eye(2) / 2), Dual(np.zeros(2), np.zeros(2)))


@every_two(part=[None, 0.5, 1.0], reg=[0.0, 0.1], far=[10.0, 1e15, 1e300])
def test_flows_along_edges(rng, part, reg, far):
    n = 24
    edges = np.concatenate(([[k, (k + 1) % n] for k in range(n)], rng.integers(0, n, (40, 2))))
    lengths = np.append(rng.random(n), rng.random(40))
    directed, capacity = rng.random(64) < 0.3, np.where(rng.random(64) < 0.3, 0.7, np.inf)
    capacity[:n] = np.inf
    source, target = rng.random((2, n)) * (rng.random((2, n)) < 0.4)
    source, target = source / source.sum(), target / target.sum()
    graph = quot.Graph(n, edges, lengths, directed=directed, capacity=capacity)
    r = quot.solve_graph(graph, source, target, reg=reg, mass=part)
    assert r.certificate.gap <= 1e-10 * r.value
    longer = quot.Graph(
        n, edges, np.where(r.flow == 0.0, far, lengths), directed=directed, capacity=capacity
    )
    problem = GraphProblem(longer, source, target, reg=reg, mass=part)
    small = anchor_flow(problem, r.plan)
    f, g, lam = small.f, small.g, small.lam
    assert max(np.abs(f).max(), np.abs(g).max()) <= n
    c = quot.certify(problem, r.plan, f, g, lam)
    assert c.gap <= 1e-9 * r.value
    assert c.holds(Tolerance())


def test_a_flow_that_is_not_optimal_has_none():
    graph = quot.Graph(3, [[0, 1], [1, 2], [0, 2]], [1.0, 1.0, 5.0])
    problem = GraphProblem(graph, [1.0, 0, 0], [0, 0, 1.0])
    flow = quot.Flow(graph, np.array([0.0, 0.0, 1.0]), problem.source, problem.target)
    assert anchor_flow(problem, flow) is None
