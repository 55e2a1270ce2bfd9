"""Laplacian systems solved by elimination, against dense linear algebra and fractions."""

from fractions import Fraction

import numpy as np
import pytest
from tests.kernels.test_laplacian import GRAPHS, balanced_rhs
from tests.oracles.graphs import components, laplacian

from quot.kernels import elimination as kernels

PLENTY = 10**9


@pytest.fixture(params=GRAPHS, ids=str)
def graph(request, rng):
    tail, head, n = GRAPHS[request.param](rng)
    return tail.astype(np.int32), head.astype(np.int32), rng.uniform(0.5, 2.0, tail.size), n


def test_is_the_solution_on_every_component(graph, rng):
    tail, head, conductance, n = graph
    conductance[:: max(3, tail.size // 4)] = 0.0  # these edges are none
    there = conductance > 0.0
    rhs = balanced_rhs(rng, tail[there], head[there], n)
    x, is_one = kernels.solve(tail, head, conductance, rhs, PLENTY)
    assert is_one
    np.testing.assert_allclose(laplacian(tail, head, conductance, n) @ x, rhs, atol=1e-12)
    for members in components(tail[there], head[there], n):
        assert (x[members] == 0.0).any()


def test_leaves_loops_out_and_what_it_is_given_alone(rng):
    tail, head = np.array([0, 1, 1], np.int32), np.array([1, 1, 2], np.int32)
    given = np.array([1.0, 5.0, 2.0]), np.array([1.0, 0.0, -1.0])
    x, _ = kernels.solve(tail, head, *given, PLENTY)
    np.testing.assert_allclose(x - x[2], [1.5, 0.5, 0.0])
    assert given[0].tolist() == [1.0, 5.0, 2.0]
    assert given[1].tolist() == [1.0, 0.0, -1.0]


def test_weights_over_many_decades_do_no_harm(rng):
    """What it takes to send from one node to the last is right to the last digits everywhere."""
    n = 12
    tail, head = np.arange(n), (np.arange(n) + 1) % n
    tail, head = np.r_[tail, 0, 3, 5].astype(np.int32), np.r_[head, 6, 9, 11].astype(np.int32)
    conductance = 10.0 ** rng.uniform(-60, 60, tail.size)
    x, _ = kernels.solve(tail, head, conductance, np.eye(n)[1] - np.eye(n)[8], PLENTY)
    last = int(np.flatnonzero(x == 0.0)[0])
    rhs = np.eye(n)[1] - np.eye(n)[last]
    x, _ = kernels.solve(tail, head, conductance, rhs, PLENTY)
    exact = solve_in_fractions(tail, head, conductance, rhs, ground=last)
    np.testing.assert_allclose(x, [float(value) for value in exact], rtol=1e-13)


def solve_in_fractions(tail, head, conductance, rhs, ground):
    """Gauss and Jordan without rounding, one node held at zero."""
    n = rhs.size
    rows = [[Fraction(0)] * n + [Fraction(float(b))] for b in rhs]
    for u, v, c in zip(tail.tolist(), head.tolist(), conductance.tolist(), strict=True):
        for one, other in ((u, v), (v, u)):
            rows[one][one] += Fraction(c)
            rows[one][other] -= Fraction(c)
    rows[ground] = [Fraction(int(k == ground)) for k in range(n)] + [Fraction(0)]
    for k in range(n):
        pivot = next(i for i in range(k, n) if rows[i][k])
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [value / rows[k][k] for value in rows[k]]
        for i in range(n):
            if i != k and rows[i][k]:
                part = rows[i][k]
                rows[i] = [a - part * b for a, b in zip(rows[i], rows[k], strict=True)]
    return [row[-1] for row in rows]


def test_gives_up_where_too_many_neighbours_would_be_joined(rng):
    n = 30
    tail, head = (end.astype(np.int32) for end in np.triu_indices(n, 1))
    rhs = balanced_rhs(rng, tail, head, n)
    # Of a complete graph the k-th node has n - k neighbours.
    effort = sum(k * k for k in range(n))
    assert kernels.solve(tail, head, np.ones(tail.size), rhs, effort)[1]
    assert not kernels.solve(tail, head, np.ones(tail.size), rhs, effort - 1)[1]
