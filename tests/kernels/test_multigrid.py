"""Multigrid kernels against dense linear algebra."""

import numpy as np
import pytest
from tests.oracles.graphs import laplacian, random_graph, random_tree

from quot.kernels import laplacian as graph_kernels
from quot.kernels import multigrid as kernels

MOST, FRACTION, DAMPING = 4, 0.25, 0.8


def grid(rows, cols):
    node = np.arange(rows * cols).reshape(rows, cols)
    tail = np.r_[node[:, :-1].ravel(), node[:-1].ravel()]
    head = np.r_[node[:, 1:].ravel(), node[1:].ravel()]
    return tail, head, rows * cols


GRAPHS = {
    "path": lambda rng: (np.arange(29), np.arange(1, 30), 30),
    "star": lambda rng: (np.zeros(29, int), np.arange(1, 30), 30),
    "grid": lambda rng: grid(6, 7),
    "random tree": lambda rng: random_tree(rng, 40),
    "sparse": lambda rng: random_graph(rng, 60, 120),
    "dense": lambda rng: random_graph(rng, 25, 280),
    "disconnected": lambda rng: random_graph(rng, 60, 35),
    "parallel edges": lambda rng: random_graph(rng, 6, 60),
    "one edge": lambda rng: (np.array([0]), np.array([1]), 2),
    "isolated nodes": lambda rng: (np.array([1, 3]), np.array([3, 4]), 7),
    "no edges": lambda rng: (np.zeros(0, int), np.zeros(0, int), 3),
    "leaves of three hubs": lambda rng: (
        np.repeat(np.arange(3, 40), 3), np.tile(np.arange(3), 37), 40,
    ),
}  # fmt: skip


@pytest.fixture(params=GRAPHS, ids=str)
def edges(request, rng):
    tail, head, n = GRAPHS[request.param](rng)
    return tail, head, 10.0 ** rng.uniform(-2, 2, tail.size), n


def listed(tail, head, conductance, n):
    """The graph as the kernels take it."""
    ends = np.asarray(tail, np.int32), np.asarray(head, np.int32)
    return graph_kernels.adjacency(*ends, np.asarray(conductance, float), n)[:4]


def dense(indptr, neighbour, weight, diagonal):
    """The matrix of a graph in CSR form."""
    L = np.diag(diagonal)
    np.add.at(L, (np.repeat(np.arange(diagonal.size), np.diff(indptr)), neighbour), -weight)
    return L


def test_edges_are_listed_once(edges):
    tail, head, conductance, n = edges
    graph = listed(*edges)
    listed_tail, listed_head, weight = kernels.edges(*graph[:3])
    assert (listed_tail < listed_head).all()
    L = laplacian(listed_tail, listed_head, weight, n)
    np.testing.assert_allclose(L, laplacian(tail, head, conductance, n), rtol=1e-13, atol=1e-13)
    x = np.random.default_rng(0).normal(size=n)
    np.testing.assert_allclose(
        kernels.apply(listed_tail, listed_head, weight, x), L @ x, rtol=1e-11, atol=1e-11
    )


def membership(label, count):
    """P (N, K): 1 where a node is a member of an aggregate."""
    P = np.zeros((label.size, count))
    there = np.flatnonzero(label >= 0)
    P[there, label[there]] = 1.0
    return P


def test_aggregates_are_numbered_without_holes(edges):
    graph = listed(*edges)
    label, count = kernels.aggregate(*graph, MOST, FRACTION)
    alone = np.diff(graph[0]) == 0
    assert (label[alone] == -1).all()
    assert (label[~alone] >= 0).all()
    assert sorted(set(label[~alone])) == list(range(count))


def test_aggregates_are_connected(edges):
    tail, head, conductance, n = edges
    label, count = kernels.aggregate(*listed(*edges), MOST, FRACTION)
    inner = label[tail] == label[head]
    L = laplacian(tail[inner], head[inner], conductance[inner], n)
    pieces = n - np.linalg.matrix_rank(L, tol=1e-9)
    assert pieces == count + np.count_nonzero(label < 0)


@pytest.mark.parametrize("most", [2, 4, 7])
def test_aggregates_past_their_size_hold_nodes_with_most_of_their_weight_there(most, edges):
    indptr, neighbour, weight, diagonal = listed(*edges)
    label, count = kernels.aggregate(indptr, neighbour, weight, diagonal, most, FRACTION)
    owner = np.repeat(np.arange(label.size), np.diff(indptr))
    tied = (weight > 0.5 * diagonal[owner]) & (label[neighbour] == label[owner])
    bound = np.bincount(label[np.unique(owner[tied])], minlength=count)
    size = np.bincount(label[label >= 0], minlength=count)
    assert (size - bound <= most).all()


def test_strongest_edges_are_joined(rng):
    """Where every node has a mate to which it is tied most, pairs are those."""
    order = rng.permutation(40).reshape(20, 2)
    tail, head, n = random_graph(rng, 40, 120)
    conductance = np.r_[rng.uniform(0, 1, 120), np.full(20, 2.0)]
    graph = listed(np.r_[tail, order[:, 0]], np.r_[head, order[:, 1]], conductance, n)
    label, count = kernels.aggregate(*graph, MOST, FRACTION)
    assert count == 20
    assert (label[order[:, 0]] == label[order[:, 1]]).all()


@pytest.mark.parametrize(("free", "count"), [(0.2, 1), (0.3, 2)])
def test_a_node_joins_a_pair_rather_than_a_stranger(free, count):
    """Node 2 is tied to the pair (0, 1) by 1 and to node 3, which is free, by `free`."""
    graph = listed([0, 1, 2], [1, 2, 3], [2.0, 1.0, free], 4)
    label, found = kernels.aggregate(*graph, MOST, FRACTION)
    assert found == count
    assert label[0] == label[1]
    assert (label[2] == label[1]) == (count == 1)
    assert label[3] == label[2]


def test_coarsening_is_the_galerkin_product(edges):
    graph = listed(*edges)
    label, count = kernels.aggregate(*graph, MOST, FRACTION)
    coarse = kernels.coarsen(*graph[:3], label, count)
    P = membership(label, count)
    np.testing.assert_allclose(dense(*coarse), P.T @ dense(*graph) @ P, rtol=1e-12, atol=1e-12)
    indptr, neighbour, weight, _ = coarse
    owner = np.repeat(np.arange(count), np.diff(indptr))
    assert (owner != neighbour).all()
    assert (weight > 0).all()
    assert np.unique(owner * max(count, 1) + neighbour).size == owner.size, "edges are added up"


def cycle(graph, label, count, rhs):
    """Two levels, the coarse one solved exactly."""
    *adjacency, diagonal = graph
    x, left, coarse_rhs = (np.full(size, np.nan) for size in (rhs.size, rhs.size, count))
    relaxed = np.where(label >= 0, DAMPING / np.where(label >= 0, diagonal, 1.0), 0.0)
    sweep = *kernels.edges(*adjacency), relaxed, label, rhs
    kernels.descend(*sweep, x, left, coarse_rhs)
    L = dense(*kernels.coarsen(*adjacency, label, count))
    kernels.ascend(*sweep, x, left, np.linalg.pinv(L, hermitian=True) @ coarse_rhs)
    return x


@pytest.fixture
def operator(edges):
    """L, and the cycle as a matrix, built column by column; of the nodes that have edges."""
    graph = listed(*edges)
    label, count = kernels.aggregate(*graph, MOST, FRACTION)
    B = np.column_stack([cycle(graph, label, count, column) for column in np.eye(label.size)])
    assert not B[label < 0].any()
    there = label >= 0
    return dense(*graph)[there][:, there], B[there][:, there], membership(label, count)[there]


def test_cycle_is_two_sweeps_and_a_correction(operator):
    L, B, P = operator
    rhs = np.eye(len(L))
    coarse = P.T @ L @ P
    coarse[np.abs(coarse) <= 1e-13 * np.abs(L).max(initial=0.0)] = 0.0  # whole components
    sweep = np.diag(DAMPING / np.diag(L))
    corrected = sweep + P @ np.linalg.pinv(coarse, hermitian=True) @ P.T @ (rhs - L @ sweep)
    expected = corrected + sweep @ (rhs - L @ corrected)
    np.testing.assert_allclose(B, expected, rtol=1e-9, atol=1e-9 * np.abs(B).max(initial=0.0))


def test_cycle_is_a_good_preconditioner(operator):
    """Symmetric; B L has eigenvalues in (0, 1], but for the constants, as theory says."""
    L, B, _ = operator
    np.testing.assert_allclose(B, B.T, rtol=1e-9, atol=1e-9 * np.abs(B).max(initial=0.0))
    size, basis = np.linalg.eigh(L)
    basis = (basis * np.sqrt(np.abs(size)))[:, size > 1e-9 * size.max(initial=0.0)]
    spectrum = np.linalg.eigvalsh(basis.T @ B @ basis)  # B L on the range of L
    assert (spectrum > 0.01).all()
    assert (spectrum < 1 + 1e-9).all()
