"""Graphs on points and grids, joined components, Football, and pictures."""

import logging

import numpy as np
import pytest
from scipy.spatial.distance import cdist

import quot
from quot import graphs
from quot.exceptions import InvalidProblemError


@pytest.fixture(name="X")
def points():
    return np.random.default_rng(1).uniform(size=(500, 2))


def pairs(graph):
    return {tuple(sorted(edge)) for edge in graph.edges.tolist()}


def test_knn_is_brute_force(X):
    D = cdist(X, X)
    np.fill_diagonal(D, np.inf)
    nearest = np.argsort(D, axis=1)[:, :12]
    expected = {(min(i, j), max(i, j)) for i in range(500) for j in nearest[i].tolist()}
    graph = graphs.knn(X, 12)
    assert pairs(graph) == expected
    assert len(graph.edges) == len(expected)
    ends = X[graph.edges]
    np.testing.assert_allclose(graph.lengths, np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1))


@pytest.mark.parametrize("seed", range(4))
def test_numbers_of_edges(seed):
    """Those of the source, for 500 points in a square: T12 of the specification."""
    X = np.random.default_rng(seed).uniform(size=(500, 2))
    assert 3350 <= graphs.knn(X, 12).n_edges <= 3500
    part = graphs.partition(X, 4, 12, random_state=seed)
    assert 1560 <= part.n_edges <= 1700
    assert part.n_components == 1
    assert 1650 <= graphs.partition(X, 4, 12, count_self=False, random_state=seed).n_edges <= 1850
    assert 1650 <= graphs.near(X, 4, 12, random_state=seed).n_edges <= 1800
    own = graphs.partition(X, 4, 12, own=True, count_self=False, random_state=seed)
    assert own.n_components >= 3


def test_near_takes_k_of_the_nearest(X):
    near = graphs.near(X, 3, 10, random_state=0)
    assert pairs(near) <= pairs(graphs.knn(X, 10))
    assert pairs(near) == pairs(graphs.near(X, 3, 10, random_state=0))
    assert pairs(near) != pairs(graphs.near(X, 3, 10, random_state=1))
    assert pairs(graphs.near(X, 10, 10)) == pairs(graphs.knn(X, 10))
    some = graphs.near(X, 3, 10, exactly=False, random_state=0)
    assert pairs(some) <= pairs(graphs.knn(X, 10))


def test_equal_points():
    graph = graphs.knn(np.zeros((30, 2)), 3)
    assert (graph.edges[:, 0] != graph.edges[:, 1]).all()
    assert (np.bincount(graph.edges.ravel(), minlength=30) >= 3).all()
    assert (graph.lengths == 0.0).all()


def test_components_are_joined_by_the_shortest_tree(caplog):
    """Three clusters on a line: the two gaps between neighbours, not the long way."""
    rng = np.random.default_rng(0)
    centres = np.repeat([[0.0, 0], [10, 0], [30, 0]], 40, axis=0)
    X = centres + rng.uniform(-1, 1, (120, 2))
    apart = graphs.knn(X, 5)
    assert apart.n_components == 3
    with caplog.at_level(logging.INFO, logger="quot"):
        joined = graphs.connect(apart)
    assert "joined by 2 edges: 120 nodes, " in caplog.text
    assert joined.n_components == 1
    new = joined.edges[apart.n_edges :]
    gaps = [cdist(X[:40], X[40:80]).min(), cdist(X[40:80], X[80:]).min()]
    np.testing.assert_allclose(np.sort(joined.lengths[apart.n_edges :]), gaps)
    assert len(new) == 2
    assert graphs.connect(joined) is joined
    assert graphs.knn(X, 5, connect=True).n_components == 1


def test_what_cannot_be_joined():
    graph = quot.Graph(3, [[0, 1]], [1.0])
    with pytest.raises(InvalidProblemError, match="2 components and no `positions`"):
        graphs.connect(graph)


def test_delaunay(X):
    graph = graphs.delaunay(X)
    assert graph.n_components == 1
    assert graph.n_edges <= 3 * 500 - 6
    with pytest.raises(InvalidProblemError, match="has no triangulation"):
        graphs.delaunay(np.zeros((5, 2)))


def test_grids():
    assert graphs.grid((3, 4)).n_edges == 17
    assert graphs.grid((3, 4), diagonals=True).n_edges == 17 + 12
    cube = graphs.grid((2, 2, 2), spacing=0.5, diagonals=True)
    assert cube.n_edges == 8 * 7 / 2
    ends = cube.positions[cube.edges]
    np.testing.assert_allclose(cube.lengths, np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1))


def test_an_image_as_a_graph():
    graph = graphs.from_image([[1.0, np.inf], [2.0, 4.0]])
    assert pairs(graph) == {(0, 2), (2, 3)}
    assert sorted(graph.lengths.tolist()) == [1.5, 3.0]
    with pytest.raises(InvalidProblemError, match="`image` must not be negative or NaN; 1 pixels"):
        graphs.from_image([[1.0, -1.0]])
    with pytest.raises(InvalidProblemError, match="there are no pixels"):
        graphs.from_image([])


@pytest.mark.parametrize("build", [graphs.knn, graphs.near, graphs.partition])
def test_more_neighbours_than_points(build):
    more = () if build is graphs.knn else (9,)
    with pytest.raises(InvalidProblemError, match="neighbours need more than 9 points; got 5"):
        build(np.eye(5), *(more and (2,)), *(more or (9,)))


def test_k_of_fewer():
    with pytest.raises(InvalidProblemError, match=r"`k=4` must not exceed `K=3`"):
        graphs.near(np.eye(9), 4, 3)


# --- Football ----------------------------------------------------------------------------------


def halves(X):
    source = (X[:, 0] < 0.5).astype(float)
    return source / source.sum(), (1 - source) / (1 - source).sum()


def test_football_is_dearer_than_the_optimum_and_says_so():
    """As printed it does not even bring the mass where it is wanted (5.5 of the specification)."""
    X = np.random.default_rng(0).uniform(size=(300, 2))
    problem = quot.GraphProblem(graphs.knn(X, 12, connect=True), *halves(X), 1.0)
    best = quot.solve_graph(problem.graph, problem.source, problem.target, reg=1.0)
    printed = graphs.football(problem, variant="printed")
    mended = graphs.football(problem)
    assert 1.3 < printed.value / best.value < 1.7
    assert printed.certificate.primal_residual > 0.1
    assert 1.3 < mended.value / best.value < 1.7
    assert mended.certificate.primal_residual < 1e-12
    for r in (printed, mended):
        assert r.status is quot.Status.APPROXIMATE
        assert not r.converged
        assert r.certificate.lower <= best.value <= r.certificate.upper


def test_football_on_a_tree_is_exact():
    graph = quot.Graph(3, [[0, 1], [1, 2]], [1.0, 2.0])
    for variant in ("printed", "mended"):
        r = graphs.football(quot.GraphProblem(graph, [1, 0, 0], [0, 0, 1], 2.0), variant=variant)
        assert r.status is quot.Status.OPTIMAL
        np.testing.assert_allclose(r.flow, [1.0, 1.0])


def test_what_football_is_not_for():
    graph = quot.Graph(2, [[0, 1]], [1.0])
    with pytest.raises(
        InvalidProblemError, match=r"one reg > 0; got GraphProblem\(.*mass=0\.5, reg=1\)"
    ):
        graphs.football(quot.GraphProblem(graph, [1, 0], [0, 1], 1.0, 0.5))
    one_way = quot.Graph(2, [[0, 1]], [1.0], directed=True)
    with pytest.raises(InvalidProblemError, match="undirected edges without capacities"):
        graphs.football(quot.GraphProblem(one_way, [1, 0], [0, 1], 1.0))


# --- pictures ----------------------------------------------------------------------------------


def test_a_picture_of_a_flow(X):
    from matplotlib.colors import to_hex

    from quot import plot

    graph = graphs.knn(X[:80], 5, connect=True)
    r = quot.solve_graph(graph, *halves(X[:80]), reg=0.1)
    ax = plot.flow(r)
    edges, lines, heads = ax.collections[:3]
    assert len(edges.get_segments()) == graph.n_edges
    assert len(lines.get_segments()) == r.plan.nnz
    assert max(lines.get_linewidths()) == 5.0
    assert 0 < len(heads.get_paths()) < r.plan.nnz
    assert {to_hex(k.get_facecolor()[0]) for k in ax.collections[3:]} == {"#d55e00", "#009e73"}
    ax.figure.canvas.draw()


def test_arrows_point_where_mass_goes():
    """Left, against the direction of the edge."""
    from quot import plot

    graph = quot.Graph(2, [[0, 1]], [1.0], positions=[[0.0, 0.0], [1.0, 0.0]])
    heads = plot.flow(quot.solve_graph(graph, [0, 1.0], [1.0, 0])).collections[2]
    tip = heads.get_paths()[0].vertices[0]
    assert tip[0] < 0
    assert tip[1] == 0
    np.testing.assert_allclose(heads.get_offsets(), [[0.5, 0.0]])


def test_a_line_too_short_or_too_thin_has_no_arrow():
    from quot import plot

    graph = quot.Graph(3, [[0, 1], [1, 2]], [1.0, 1.0], positions=np.zeros((3, 2)))
    ax = plot.flow(quot.solve_graph(graph, [1.0, 0, 0], [0, 0, 1.0]))
    assert len(ax.collections[2].get_paths()) == 0
    ax.figure.canvas.draw()


def test_rings_around_what_could_move():
    """The nearer node sends half of what it has, the other one nothing."""
    from quot import plot

    places = [[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [4.0, 0.0]]
    graph = quot.Graph(4, [[0, 1], [1, 2], [2, 3]], [1.0, 1.0, 1.0], positions=places)
    r = quot.solve_graph(graph, [0, 2.0, 1.0, 0], [3.0, 0, 0, 0], mass=1.0)
    r_all = quot.solve_graph(graph, [0, 2.0, 1.0, 0], [3.0, 0, 0, 0])
    dots, rings, *received = plot.flow(r, size=90.0).collections[3:]
    assert dots.get_offsets().tolist() == [[1.0, 0.0]]
    assert dots.get_sizes().tolist() == pytest.approx([30.0])
    assert rings.get_offsets().tolist() == [[1.0, 0.0], [2.0, 0.0]]
    assert rings.get_sizes().tolist() == pytest.approx([60.0, 30.0])
    assert [k.get_sizes().tolist() for k in received] == [[30.0], [90.0]]
    assert len(plot.flow(r_all).collections) == 5  # no rings


def test_pictures_need_positions_in_the_plane():
    from quot import plot

    flow = quot.Flow(quot.Graph(2, [[0, 1]], [1.0]), np.ones(1), np.eye(2)[0], np.eye(2)[1])
    with pytest.raises(InvalidProblemError, match="the graph has no `positions`"):
        plot.flow(flow)
    with pytest.raises(InvalidProblemError, match=r"shape \(2, 2\) to be drawn; got \(2, 3\)"):
        plot.flow(flow, positions=np.zeros((2, 3)))
    with pytest.raises(InvalidProblemError, match=r"`positions` has no entry for the node 1 \(1 "):
        plot.flow(flow, positions={0: (0.0, 0.0)})
    with pytest.raises(InvalidProblemError, match=r"must be a GraphResult or a Flow; got Graph\."):
        plot.flow(flow.graph)


def test_a_picture_takes_places_by_name():
    """As networkx has them, in any order; those of other nodes do not matter."""
    graph = quot.Graph(2, [[0, 1]], [1.0], labels=("park", "school"))
    r = quot.solve_graph(graph, {"park": 1.0}, {"school": 1.0})
    places = {"school": (1.0, 0.5), "market": (9.0, 9.0), "park": np.array([0.0, 0.0])}
    sent, received = quot.plot.flow(r, positions=places).collections[3:]
    assert sent.get_offsets().tolist() == [[0.0, 0.0]]
    assert received.get_offsets().tolist() == [[1.0, 0.5]]
    assert quot.Graph(2, [[0, 1]], [1.0], positions={1: [2, 3], 0: [0, 1]}).positions.tolist() == [
        [0, 1],
        [2, 3],
    ]
    named = quot.Graph(2, [[0, 1]], [1.0], labels=graph.labels, positions=places)
    assert named.positions.tolist() == [[0, 0], [1, 0.5]]


def test_a_graph_in_parts_is_logged(X, caplog):
    with caplog.at_level(logging.INFO, logger="quot"):
        graph = graphs.near(X, 2, 4, random_state=2)
        assert graph.describe() in caplog.text
    assert graph.n_components > 1
