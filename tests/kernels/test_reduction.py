"""Laplacian systems by elimination and iteration, against dense linear algebra."""

import numpy as np
import pytest
from tests.kernels.test_laplacian import GRAPHS, balanced_rhs
from tests.oracles.graphs import components, laplacian

from quot.kernels import reduction as kernels

FINE, PLENTY = 1e-14, 1000


@pytest.fixture(params=GRAPHS, ids=str)
def graph(request, rng):
    tail, head, n = GRAPHS[request.param](rng)
    return tail.astype(np.int32), head.astype(np.int32), rng.uniform(0.5, 2.0, tail.size), n


def test_is_the_solution_on_every_component(graph, rng):
    tail, head, conductance, n = graph
    conductance[:: max(3, tail.size // 4)] = 0.0  # these edges are none
    there = conductance > 0.0
    rhs = balanced_rhs(rng, tail[there], head[there], n)
    x, is_one = kernels._solve(tail, head, conductance, np.zeros(n), rhs, FINE, PLENTY)
    assert is_one
    np.testing.assert_allclose(laplacian(tail, head, conductance, n) @ x, rhs, atol=1e-12)


def test_nodes_that_are_tied_to_the_ground(graph, rng):
    tail, head, conductance, n = graph
    ground, rhs = rng.uniform(0.1, 1.0, n), rng.normal(size=n)
    ground[rng.random(n) < 0.7] = 0.0
    for members in components(tail, head, n):
        ground[members[0]] = 1.0
    x, is_one = kernels._solve(tail, head, conductance, ground, rhs, FINE, PLENTY)
    assert is_one
    system = laplacian(tail, head, conductance, n) + np.diag(ground)
    np.testing.assert_allclose(x, np.linalg.solve(system, rhs), rtol=1e-9, atol=1e-9)


def test_leaves_loops_out_and_what_it_is_given_alone(rng):
    tail, head = np.array([0, 1, 1], np.int32), np.array([1, 1, 2], np.int32)
    given = np.array([1.0, 5.0, 2.0]), np.array([1.0, 0.0, -1.0])
    x, _ = kernels._solve(tail, head, given[0], np.zeros(3), given[1], FINE, PLENTY)
    np.testing.assert_allclose(x - x[2], [1.5, 0.5, 0.0])
    assert given[0].tolist() == [1.0, 5.0, 2.0]
    assert given[1].tolist() == [1.0, 0.0, -1.0]


def test_says_where_iterations_do_not_get_there(rng):
    """A complete graph has nothing to eliminate; of a tree all is, without iterations."""
    n = 30
    tail, head = (end.astype(np.int32) for end in np.triu_indices(n, 1))
    rhs, weight = balanced_rhs(rng, tail, head, n), rng.uniform(0.1, 1.0, tail.size)
    assert not kernels._solve(tail, head, weight, np.zeros(n), rhs, FINE, 3)[1]
    assert kernels._solve(tail, head, weight, np.zeros(n), rhs, FINE, PLENTY)[1]
    tail, head = np.arange(n - 1, dtype=np.int32), np.arange(1, n, dtype=np.int32)
    assert kernels._solve(tail, head, np.ones(n - 1), np.zeros(n), rhs, FINE, 0)[1]
