"""How much larger reg must be on one graph than on another."""

import numpy as np
import pytest

import quot
from quot import graphs
from quot.exceptions import InfeasibleError, InvalidProblemError, NotConvergedError
from quot.graphs import rescaling


def halves(X):
    source = (X[:, 0] < 0.5).astype(float)
    return source / source.sum(), (1 - source) / (1 - source).sum()


def paid(graph, masses, reg, mass=None):
    return reg / 2 * (quot.solve_graph(graph, *masses, reg=reg, mass=mass).flow ** 2).sum()


def parallel(graph, k):
    """Every edge k times."""
    return quot.Graph(graph.n_nodes, np.tile(graph.edges, (k, 1)), np.tile(graph.lengths, k))


@pytest.mark.parametrize("mass", [None, 0.4])
@pytest.mark.parametrize("reg", [1e-2, 1.0, 50.0])
def test_both_pay_the_same(reg, mass):
    X = np.random.default_rng(0).uniform(size=(120, 2))
    dense, thin = graphs.knn(X, 10, connect=True), graphs.delaunay(X)
    c = graphs.reg_rescaling(dense, thin, *halves(X), reg=reg, mass=mass)
    expected = paid(dense, halves(X), reg, mass)
    assert paid(thin, halves(X), c * reg, mass) == pytest.approx(expected, rel=1e-8)
    back = graphs.reg_rescaling(thin, dense, *halves(X), reg=c * reg, mass=mass)
    assert back == pytest.approx(1 / c, rel=1e-7)


def test_the_same_graph_needs_no_rescaling():
    graph = graphs.grid((5, 6))
    masses = np.eye(30)[3], np.eye(30)[26]
    assert graphs.reg_rescaling(graph, graph, *masses, reg=0.3) == 1.0


@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize("reg", [1e-3, 0.1, 10.0])
def test_parallel_edges(reg, k):
    """Of k parallel edges each carries the k-th part at k times the reg, at any reg."""
    rng = np.random.default_rng(1)
    graph = graphs.knn(rng.uniform(size=(60, 2)), 5, connect=True)
    source, target = rng.random((2, 60))
    masses = source / source.sum(), target / target.sum()
    c = graphs.reg_rescaling(graph, parallel(graph, k), *masses, reg=reg)
    assert c == pytest.approx(k, rel=1e-8)


def test_paths():
    """One way only: 6 edges against 2, whatever their lengths."""
    rng = np.random.default_rng(2)
    long = quot.Graph(7, [[i, i + 1] for i in range(6)], rng.random(6))
    short = quot.Graph(7, [[0, 3], [3, 6]], rng.random(2))
    masses = np.eye(7)[0], np.eye(7)[6]
    assert graphs.reg_rescaling(long, short, *masses) == pytest.approx(3.0, rel=1e-8)


@pytest.mark.parametrize(
    ("k", "K", "low", "high"), [(4, 12, 0.35, 0.5), (2, 12, 0.13, 0.22), (6, 12, 0.45, 0.65)]
)
def test_partition_graphs(k, K, low, high):
    """T12 of the specification: 0.4, 0.15 and 0.5, for 300 points and masses side by side."""
    found = []
    for seed in range(4):
        X = np.random.default_rng(seed).uniform(size=(300, 2))
        thin = graphs.partition(X, k, K, random_state=seed, connect=True)
        found.append(graphs.reg_rescaling(graphs.knn(X, K, connect=True), thin, *halves(X)))
    assert low < np.mean(found) < high
    assert max(found) < 2 * min(found)


def test_where_more_reg_pays_less():
    """Ten edges of no length lose their mass to a long one: what is paid falls, then grows."""
    ten = [[i, i + 1] for i in range(10)]
    two_ways = quot.Graph(11, [*ten, [0, 10]], [0.0] * 10 + [1.0])
    masses = np.eye(11)[0], np.eye(11)[10]
    assert paid(two_ways, masses, 0.2) < paid(two_ways, masses, 0.1)
    one_way = quot.Graph(11, ten, np.ones(10))
    for reg in (0.05, 0.08, 0.2):
        c = graphs.reg_rescaling(one_way, two_ways, *masses, reg=reg)
        expected = paid(one_way, masses, reg)
        assert paid(two_ways, masses, c * reg) == pytest.approx(expected, rel=1e-8)


def test_solves_start_from_the_last(monkeypatch):
    starts = []

    def watched(model, **options):
        starts.append(model.start)
        return solve(model, **options)

    solve = rescaling.solve_quadratic
    monkeypatch.setattr(rescaling, "solve_quadratic", watched)
    X = np.random.default_rng(0).uniform(size=(100, 2))
    graphs.reg_rescaling(graphs.knn(X, 8, connect=True), graphs.delaunay(X), *halves(X))
    assert starts[:2] == [None, None]
    assert all(start is not None for start in starts[2:])
    assert 4 < len(starts) < 20


def test_what_cannot_be_rescaled():
    path = quot.Graph(3, [[0, 1], [1, 2]], [1.0, 1.0])
    here, there = [1.0, 0, 0], [0, 0, 1.0]
    with pytest.raises(InvalidProblemError, match=r"`reference` has 3 nodes and `graph` 12"):
        graphs.reg_rescaling(path, graphs.grid((3, 4)), here, there)
    with pytest.raises(InvalidProblemError, match="nothing flows on `reference`"):
        graphs.reg_rescaling(path, path, here, here)
    with pytest.raises(InvalidProblemError, match="`reg` must be positive"):
        graphs.reg_rescaling(path, path, here, there, reg=0.0)
    with pytest.raises(InfeasibleError, match="2 components"):
        graphs.reg_rescaling(path, quot.Graph(3, [[0, 1]], [1.0]), here, there)


def test_solutions_must_reach_the_tolerance():
    X = np.random.default_rng(0).uniform(size=(50, 2))
    graph = graphs.delaunay(X)
    with pytest.raises(NotConvergedError, match=r"GraphResult\(50 nodes.*: near optimal"):
        graphs.reg_rescaling(graph, graph, *halves(X), tol=1e-300)


def test_cycles_that_pay_may_leave_no_c():
    """Mass going round a cycle of length -20 pays more at any reg than one unit on one edge."""
    one = quot.Graph(3, [[0, 1]], [1.0])
    round_ = quot.Graph(3, [[0, 1], [1, 2], [2, 1]], [1.0, -10.0, -10.0], directed=True)
    with pytest.raises(InvalidProblemError, match=r"pays more than `reference`.*negative length"):
        graphs.reg_rescaling(one, round_, [1.0, 0, 0], [0, 1.0, 0])
    idle = quot.Graph(3, [[1, 2], [2, 1]], [-1.0, -1.0], directed=True)
    with pytest.raises(InvalidProblemError, match="nothing flows on `graph`"):
        graphs.reg_rescaling(idle, one, [1.0, 0, 0], [1.0, 0, 0])
