"""Laplacian kernels against dense linear algebra."""

import numpy as np
import pytest
from tests.oracles.graphs import components, laplacian, random_graph, random_tree

from quot.kernels import laplacian as kernels


def balanced_rhs(rng, tail, head, n):
    """A right side that sums to zero on every component."""
    rhs = rng.normal(size=n)
    for members in components(tail, head, n):
        rhs[members] -= rhs[members].mean()
    return rhs


def solve_with(name, tail, head, conductance, rhs, rtol=1e-10, max_iter=2000, seed=1):
    graph, factor = prepare(tail, head, conductance, rhs.size, seed)
    if name == "jacobi":
        factor = kernels.diagonal_factor(graph[3])
    return kernels.cg(*graph, *factor, rhs, rtol, max_iter)


def prepare(tail, head, conductance, n, seed=1):
    """The graph as the conjugate gradients take it, and its factor."""
    indptr, neighbour, weight, diagonal, twin = kernels.adjacency(tail, head, conductance, n)
    factor = kernels.factor(indptr, neighbour, weight, twin, seed)
    return (indptr, neighbour, weight, diagonal), factor


GRAPHS = {
    "path": lambda rng: (np.arange(9), np.arange(1, 10), 10),
    "star": lambda rng: (np.zeros(9, int), np.arange(1, 10), 10),
    "random tree": lambda rng: random_tree(rng, 40),
    "sparse": lambda rng: random_graph(rng, 60, 100),
    "dense": lambda rng: random_graph(rng, 25, 280),
    "disconnected": lambda rng: random_graph(rng, 60, 40),
    "parallel edges": lambda rng: random_graph(rng, 6, 60),
    "one edge": lambda rng: (np.array([0]), np.array([1]), 2),
    "isolated nodes": lambda rng: (np.array([1]), np.array([3]), 6),
    "hub over 64 neighbours": lambda rng: (
        np.r_[np.zeros(99, int), np.arange(1, 99)],
        np.r_[np.arange(1, 100), np.arange(2, 100)],
        100,
    ),
}


@pytest.fixture(params=GRAPHS, ids=str)
def graph(request, rng):
    tail, head, n = GRAPHS[request.param](rng)
    conductance = rng.uniform(0.5, 2.0, tail.size)
    return tail.astype(np.int32), head.astype(np.int32), conductance, n


def test_adjacency_is_the_laplacian(graph):
    tail, head, conductance, n = graph
    indptr, neighbour, weight, diagonal, twin = kernels.adjacency(tail, head, conductance, n)
    dense = np.diag(diagonal)
    for v in range(n):
        for q in range(indptr[v], indptr[v + 1]):
            dense[v, neighbour[q]] -= weight[q]
            assert (twin[twin[q]], neighbour[twin[q]], weight[twin[q]]) == (q, v, weight[q])
            assert indptr[neighbour[q]] <= twin[q] < indptr[neighbour[q] + 1]
    np.testing.assert_allclose(dense, laplacian(tail, head, conductance, n), rtol=1e-14, atol=1e-14)


def test_adjacency_leaves_out_loops_and_zero_conductance():
    tail, head = np.array([0, 1, 1], np.int32), np.array([1, 1, 2], np.int32)
    conductance = np.array([2.0, 5.0, 0.0])
    indptr, neighbour, weight, diagonal, _ = kernels.adjacency(tail, head, conductance, 3)
    assert indptr.tolist() == [0, 1, 2, 2]
    assert neighbour.tolist() == [1, 0]
    assert weight.tolist() == [2.0, 2.0]
    assert diagonal.tolist() == [2.0, 2.0, 0.0]


def test_apply_is_the_dense_product(graph, rng):
    tail, head, conductance, n = graph
    *csr, _ = kernels.adjacency(tail, head, conductance, n)
    x = rng.normal(size=n)
    expected = laplacian(tail, head, conductance, n) @ x
    np.testing.assert_allclose(kernels.apply(*csr, x), expected, rtol=1e-13, atol=1e-13)


def test_twins_are_the_other_halves(graph):
    """An involution between the halves of an edge; which of parallel edges is all the same."""
    tail, head, conductance, n = graph
    indptr, neighbour, *_ = kernels.adjacency(tail, head, conductance, n)
    twin = kernels.twins(indptr, neighbour)
    owner = np.repeat(np.arange(n), np.diff(indptr))
    np.testing.assert_array_equal(twin[twin], np.arange(neighbour.size))
    np.testing.assert_array_equal(owner[twin], neighbour)
    np.testing.assert_array_equal(neighbour[twin], owner)


@pytest.mark.parametrize("solver", ["jacobi", "factor"])
def test_cg_solves_to_its_tolerance(solver, graph, rng):
    tail, head, conductance, n = graph
    rhs = balanced_rhs(rng, tail, head, n)
    x, _, reached = solve_with(solver, tail, head, conductance, rhs)
    assert reached <= 1e-10
    L = laplacian(tail, head, conductance, n)
    assert np.linalg.norm(L @ x - rhs) <= 1.1e-10 * np.linalg.norm(rhs)
    # ... and so is the solution of least norm, up to a constant on each component.
    error = x - np.linalg.pinv(L) @ rhs
    for members in components(tail, head, n):
        error[members] -= error[members].mean()
    smallest = np.sort(np.linalg.eigvalsh(L))[len(components(tail, head, n))]
    assert np.linalg.norm(error) <= 1.2e-10 * np.linalg.norm(rhs) / smallest


@pytest.mark.parametrize("spread", [1e3, 1e6, 1e9])
def test_factor_bears_wide_ranges_of_weight(spread, rng):
    tail, head, n = random_graph(rng, 80, 240)
    conductance = spread ** rng.uniform(0, 1, tail.size)
    rhs = balanced_rhs(rng, tail, head, n)
    x, count, reached = solve_with("factor", tail, head, conductance, rhs)
    assert reached <= 1e-10
    assert count <= 120  # Jacobi needs thousands here
    # The recursive residual of CG drifts from the true one by round-off in L x only.
    L = laplacian(tail, head, conductance, n)
    drift = 100 * np.finfo(float).eps * np.linalg.norm(np.abs(L) @ np.abs(x))
    assert np.linalg.norm(L @ x - rhs) <= 1.1e-10 * np.linalg.norm(rhs) + drift


@pytest.mark.parametrize("make", ["path", "star", "random tree", "one edge", "isolated nodes"])
def test_factor_is_exact_on_forests(make, rng):
    tail, head, n = GRAPHS[make](rng)
    tail, head = tail.astype(np.int32), head.astype(np.int32)
    conductance = 10.0 ** rng.uniform(-3, 3, tail.size)
    rhs = balanced_rhs(rng, tail, head, n)
    applied = rhs.copy()
    kernels.precondition(*prepare(tail, head, conductance, n, seed=7)[1], applied)
    L = laplacian(tail, head, conductance, n)
    scale = np.linalg.norm(np.abs(L) @ np.abs(applied))
    assert np.linalg.norm(L @ applied - rhs) <= 50 * np.finfo(float).eps * scale


def test_factor_eliminates_every_vertex_once(graph):
    tail, head, conductance, n = graph
    order, start, row, fraction, pivot = prepare(tail, head, conductance, n)[1]
    assert sorted(order) == list(range(n))
    assert start[0] == 0
    assert start[-1] == row.size == fraction.size
    assert (np.diff(start) >= 0).all()
    assert ((fraction > 0) & (fraction <= 1)).all()
    place = np.empty(n, int)
    place[order] = np.arange(n)
    owner = np.repeat(np.arange(n), np.diff(start))
    assert (place[row] > owner).all(), "a neighbour eliminated before its vertex"
    assert np.count_nonzero(pivot == 0) == len(components(tail, head, n))


def test_factor_is_unbiased(rng):
    """The factored matrix, averaged over seeds, is the Laplacian itself."""
    tail, head, n = random_graph(rng, 6, 12)
    conductance = rng.uniform(0.5, 2.0, tail.size)
    centre = np.eye(n) - 1.0 / n
    samples = []
    for seed in range(1, 1001):
        inverse = centre.copy()
        factor = prepare(tail, head, conductance, n, seed)[1]
        for column in inverse:  # rows and columns alike: the preconditioner is symmetric
            kernels.precondition(*factor, column)
        samples.append(np.linalg.pinv(centre @ inverse @ centre, hermitian=True))
    L = laplacian(tail, head, conductance, n)
    error = np.mean(samples, axis=0) - L
    deviation = np.std(samples, axis=0).max() / np.sqrt(len(samples))
    assert deviation > 0, "the graph is too sparse for sampling to matter"
    assert np.abs(error).max() <= 5 * deviation


@pytest.mark.parametrize("solver", ["jacobi", "factor"])
def test_same_seed_same_bits(solver, rng):
    tail, head, n = random_graph(rng, 50, 200)
    conductance = rng.uniform(0.1, 1.0, tail.size)
    rhs = balanced_rhs(rng, tail, head, n)
    first = solve_with(solver, tail, head, conductance, rhs, seed=3)
    second = solve_with(solver, tail, head, conductance, rhs, seed=3)
    assert first[0].tobytes() == second[0].tobytes()
    assert first[1:] == second[1:]


def test_seed_is_used(rng):
    tail, head, n = random_graph(rng, 50, 400)
    rows = [prepare(tail, head, np.ones(tail.size), n, seed)[1][2].tolist() for seed in (1, 2)]
    assert rows[0] != rows[1]


@pytest.mark.parametrize("solver", ["jacobi", "factor"])
def test_zero_right_side_needs_no_iteration(solver, rng):
    tail, head, n = random_graph(rng, 10, 20)
    x, count, reached = solve_with(solver, tail, head, np.ones(20), np.zeros(n))
    assert (count, reached) == (0, 0.0)
    assert not x.any()


def test_jacobi_stops_at_its_iteration_limit(rng):
    tail, head = np.arange(199, dtype=np.int32), np.arange(1, 200, dtype=np.int32)
    rhs = np.zeros(200)
    rhs[0], rhs[-1] = 1.0, -1.0
    _, count, reached = solve_with("jacobi", tail, head, np.ones(199), rhs, max_iter=5)
    assert count == 5
    assert reached > 1e-10
