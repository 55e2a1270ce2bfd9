"""Solves with the Laplacians of whole graphs, by multigrid and by whatever is cheapest."""

from itertools import pairwise

import numpy as np
import pytest
from tests.design import every_two
from tests.oracles.graphs import components, laplacian, random_graph, random_tree

from quot.kernels import laplacian as kernels
from quot.network import laplacian as laplacian_module
from quot.network.laplacian import LaplacianSolver
from quot.network.multigrid import Multigrid

EPS = np.finfo(float).eps
CYCLES = 60


@pytest.fixture(autouse=True)
def few(tune):
    """Small graphs have several levels, too."""
    tune(coarsest=8)


def grid(rows, cols):
    node = np.arange(rows * cols).reshape(rows, cols)
    tail = np.r_[node[:, :-1].ravel(), node[:-1].ravel()]
    head = np.r_[node[:, 1:].ravel(), node[1:].ravel()]
    return tail, head, rows * cols


def connected(rng, n, edges):
    """A random tree and edges between random nodes."""
    tail, head, _ = random_tree(rng, n)
    more_tail, more_head, _ = random_graph(rng, n, edges)
    return np.r_[tail, more_tail], np.r_[head, more_head], n


def beside(*graphs):
    first = np.cumsum([0, *(n for _, _, n in graphs)])
    tail = np.concatenate([tail + at for (tail, _, _), at in zip(graphs, first, strict=False)])
    head = np.concatenate([head + at for (_, head, _), at in zip(graphs, first, strict=False)])
    return tail, head, first[-1]


def spider(legs, length):
    """Paths from a hub."""
    node = np.arange(1, legs * length + 1)
    return np.where(node <= legs, 0, node - legs), node, legs * length + 1


def hubs(n, count, times):
    """Nodes that are all tied to the same few others, by parallel edges; none can be joined."""
    leaf = np.repeat(np.arange(count, n), count * times)
    return leaf, np.tile(np.arange(count), (n - count) * times), n


GRAPHS = {
    "connected": lambda rng: connected(rng, 200, 300),
    "well connected": lambda rng: connected(rng, 150, 2000),
    "grid": lambda rng: grid(15, 17),
    "path": lambda rng: (np.arange(199), np.arange(1, 200), 200),
    "ring": lambda rng: (np.arange(200), np.roll(np.arange(200), 1), 200),
    "star": lambda rng: (np.zeros(199, int), np.arange(1, 200), 200),
    "spider": lambda rng: spider(20, 9),
    "hub over a grid": lambda rng: (
        np.r_[grid(12, 13)[0], np.arange(156)], np.r_[grid(12, 13)[1], np.full(156, 156)], 157,
    ),
    "tree": lambda rng: random_tree(rng, 200),
    "several components": lambda rng: beside(grid(9, 9), random_tree(rng, 50), grid(2, 20)),
    "pairs": lambda rng: (np.arange(0, 60, 2), np.arange(1, 60, 2), 60),
    "isolated nodes": lambda rng: (*grid(8, 9)[:2], 90),
    "hubs": lambda rng: hubs(100, 3, 1),
    "hubs, parallel edges": lambda rng: hubs(100, 3, 2),
    "few nodes, parallel edges": lambda rng: random_graph(rng, 6, 40),
    "one edge": lambda rng: (np.array([0]), np.array([1]), 2),
    "no edges": lambda rng: (np.zeros(0, int), np.zeros(0, int), 20),
}  # fmt: skip


@pytest.fixture(params=GRAPHS, ids=str)
def edges(request, rng):
    tail, head, n = GRAPHS[request.param](rng)
    return tail.astype(np.int32), head.astype(np.int32), rng.uniform(0.5, 2.0, tail.size), int(n)


def solver_of(tail, head, conductance, n):
    return Multigrid(*kernels.adjacency(tail, head, conductance, n)[:4])


def balanced(rng, tail, head, n):
    """A right side that sums to zero on every component."""
    rhs = rng.normal(size=n)
    for members in components(tail, head, n):
        rhs[members] -= rhs[members].mean()
    return rhs


def test_solves_to_its_tolerance(edges, rng):
    tail, head, conductance, n = edges
    rhs = balanced(rng, tail, head, n)
    x, reached = solver_of(*edges).solve(rhs, 1e-8, CYCLES)
    assert reached <= 1e-8
    L = laplacian(tail, head, conductance, n)
    assert np.linalg.norm(L @ x - rhs) <= 1.1e-8 * np.linalg.norm(rhs)
    # ... and so is the solution of least norm, up to a constant on each component.
    error = x - np.linalg.pinv(L, hermitian=True) @ rhs
    parts = components(tail, head, n)
    for members in parts:
        error[members] -= error[members].mean()
    smallest = np.sort(np.linalg.eigvalsh(L))[len(parts)] if len(parts) < n else 1.0
    assert np.linalg.norm(error) <= 1.2e-8 * np.linalg.norm(rhs) / smallest


@every_two(seed=range(4), decades=[3, 10], max_iter=[0, 1, 3, CYCLES])
def test_says_what_it_reached(seed, decades, max_iter):
    """Whether or not that is what it should be, in as many cycles, up to round-off in L x."""
    rng = np.random.default_rng(seed)
    tail, head, n = connected(rng, 200, 300)
    tail, head = tail.astype(np.int32), head.astype(np.int32)
    conductance = 10.0 ** rng.uniform(-decades, 0, tail.size)
    rhs = balanced(rng, tail, head, n)
    x, reached = solver_of(tail, head, conductance, n).solve(rhs, 1e-8, max_iter)
    L = laplacian(tail, head, conductance, n)
    norm = np.linalg.norm(rhs)
    drift = 100 * EPS * np.linalg.norm(np.abs(L) @ np.abs(x)) / norm
    assert reached == pytest.approx(np.linalg.norm(L @ x - rhs) / norm, rel=1e-4, abs=drift)
    assert drift < 1e-3
    assert (reached > 1e-8) or max_iter > 3


def test_levels_shrink_to_a_few_nodes():
    tail, head, n = grid(40, 50)
    solver = solver_of(tail.astype(np.int32), head.astype(np.int32), np.ones(tail.size), n)
    sizes = [level.size for level in solver.levels]
    assert len(sizes) >= 4
    assert sizes[-1] <= 8
    assert all(after <= 0.5 * before for before, after in pairwise(sizes))


def test_cycles_needed_hardly_grow_with_a_grid(rng):
    """Jacobi would need four times as many on one that is four times as wide."""
    for size in (10, 20, 40):
        tail, head, n = grid(size, size)
        tail, head = tail.astype(np.int32), head.astype(np.int32)
        rhs = balanced(rng, tail, head, n)
        _, reached = solver_of(tail, head, np.ones(tail.size), n).solve(rhs, 1e-8, 20)
        assert reached <= 1e-8


def test_same_bits_twice(edges, rng):
    tail, head, _, n = edges
    rhs = balanced(rng, tail, head, n)
    first, second = (solver_of(*edges).solve(rhs, 1e-8, CYCLES) for _ in range(2))
    assert first[0].tobytes() == second[0].tobytes()
    assert first[1] == second[1]


def test_zero_right_side_is_solved_by_zero(edges):
    x, reached = solver_of(*edges).solve(np.zeros(edges[-1]), 1e-8, CYCLES)
    assert reached == 0.0
    assert not x.any()


@pytest.fixture
def made(monkeypatch, tune):
    """Graphs are large from 50 nodes; what the solver made of them."""
    made = []
    tune(multigrid=50, direct=0)
    monkeypatch.setattr(
        laplacian_module, "Multigrid", lambda *graph: made.append(graph) or Multigrid(*graph)
    )
    return made


def relative_residual(tail, head, conductance, rhs, x):
    L = laplacian(tail, head, conductance, rhs.size)
    return np.linalg.norm(L @ x - rhs) / np.linalg.norm(rhs)


@pytest.mark.parametrize("rtol", [1e-2, 1e-8])
def test_large_graphs_are_solved_by_multigrid(rtol, made, rng):
    tail, head, n = (np.asarray(x, np.int32) for x in connected(rng, 200, 300))
    solver = LaplacianSolver()
    for _ in range(3):
        conductance = 10.0 ** rng.uniform(-1, 1, tail.size)
        rhs = balanced(rng, tail, head, n)
        x = solver.solve(tail, head, conductance, rhs, rtol)
        assert relative_residual(tail, head, conductance, rhs, x) <= 1.01 * rtol
    assert len(made) == 3
    assert solver._factor is None


def test_small_graphs_are_not(made, rng):
    tail, head, n = (np.asarray(x, np.int32) for x in connected(rng, 50, 60))
    LaplacianSolver().solve(tail, head, np.ones(tail.size), balanced(rng, tail, head, n), 1e-8)
    assert not made


def test_where_multigrid_is_slow_there_is_a_factor(made, rng, tune):
    """It is not tried again at once, not even after the factor has gone stale."""
    tune(cycles=1)
    tail, head, n = (np.asarray(x, np.int32) for x in connected(rng, 200, 300))
    solver = LaplacianSolver()
    for _ in range(5):
        conductance = 10.0 ** rng.uniform(-3, 3, tail.size)
        rhs = balanced(rng, tail, head, n)
        x = solver.solve(tail, head, conductance, rhs, 1e-8)
        assert relative_residual(tail, head, conductance, rhs, x) <= 1.01e-8
        assert solver._factor is not None
    assert len(made) == 1
