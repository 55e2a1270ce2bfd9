"""The door of Graph and GraphProblem, flows as matrices, and certificates of flows."""

from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from tests.oracles import graphs as oracle

import quot
from quot.exceptions import InvalidProblemError

EDGES, LENGTHS = [[0, 1], [1, 2]], [1.0, 2.0]

BAD_GRAPHS = {
    "no nodes": ((0, EDGES, LENGTHS), {}, r"`n_nodes` must be at least 1; got 0"),
    "too many nodes": ((2**31, EDGES, LENGTHS), {}, r"at most \d+ can be numbered"),
    "edges of three": ((3, [[0, 1, 2]], [1.0]), {}, r"shape \(E, 2\).*got shape \(1, 3\)"),
    "float edges": ((3, [[0.0, 1.0]], [1.0]), {}, r"`edges` must be integers.*float64"),
    "outside": ((2, EDGES, LENGTHS), {}, r"`edges\[1\]` is \[1, 2\], but .* from 0 to 1"),
    "too few lengths": ((3, EDGES, [1.0]), {}, r"`lengths` has 1 entries, .* 2 edges"),
    "nan": ((3, EDGES, [1.0, np.nan]), {}, r"`lengths` must be finite; lengths\[1\] is nan"),
    "negative": ((3, EDGES, [1.0, -1.0]), {}, r"edge 1 \(1 - 2\) has length -1\. Only a directed"),
    "directed": ((3, EDGES, LENGTHS), {"directed": [1, 0]}, r"`directed` must be True, False or"),
    "no capacity": ((3, EDGES, LENGTHS), {"capacity": [0, 1]}, r"capacity\[0\] is 0\. Leave out"),
    "capacities": ((3, EDGES, LENGTHS), {"capacity": [1.0]}, r"shape \(1,\), .* 2 edges"),
    "ragged": ((3, EDGES, LENGTHS), {"capacity": [[1], [1, 2]]}, r"`capacity` cannot be read"),
    "words": (
        (3, EDGES, LENGTHS),
        {"capacity": ["1_000", "2"]},
        r"`capacity` has dtype <U5, which",
    ),
    "nothing": (
        (3, EDGES, LENGTHS),
        {"capacity": [1, None]},
        r"`capacity` has dtype object \(the first",
    ),
    "positions": ((3, EDGES, LENGTHS), {"positions": [[0, 0]]}, r"has 1 rows, .* 3 nodes"),
    "places": (
        (3, EDGES, LENGTHS),
        {"positions": {"a": [0, 0], "b": [1, 1]}, "labels": "abc"},
        r"no entry for the node 'c' \(1 such\)",
    ),
    "labels": ((3, EDGES, LENGTHS), {"labels": "aab"}, r"3 different names.*2 of them different"),
}


@pytest.mark.parametrize("name", BAD_GRAPHS)
def test_bad_graphs(name):
    args, options, message = BAD_GRAPHS[name]
    with pytest.raises(InvalidProblemError, match=message):
        quot.Graph(*args, **options)


BAD_PROBLEMS = {
    "no graph": (([[1]], [1.0], [1.0]), {}, r"`graph` must be a quot\.Graph, .*got list"),
    "oblong": ((sp.csr_array((2, 3)), [1.0], [1.0]), {}, r"square adjacency.*\(2, 3\)"),
    "few masses": ((..., [1.0], [1.0, 0, 0]), {}, r"`source` has 1 entries, .* 3 nodes"),
    "negative": ((..., [1.0, 0, 0], [2.0, -1.0, 0]), {}, r"target\[1\] is -1\. Masses"),
    "infinite": ((..., [1e308, 1e308, 0], [1.0, 0, 0]), {}, r"`source` (sums|ranges)"),
    "unequal": ((..., [1.0, 0, 0], [0, 0.5, 0]), {}, r"`source` sums to 1 and `target` to 0\.5"),
    "too much": ((..., [1.0, 0, 0], [0, 0.5, 0]), {"mass": 0.7}, r"min\(source\.sum\(\), target"),
    "reg": ((..., [1.0, 0, 0], [0, 1.0, 0]), {"reg": -1.0}, r"`reg` must not be negative"),
    "one of reg": (
        (..., [1.0, 0, 0], [0, 1.0, 0]),
        {"reg": [1, -1]},
        r"`reg` must not be negative",
    ),
    "some of reg": ((..., [1.0, 0, 0], [0, 1.0, 0]), {"reg": [1.0]}, r"`reg` has 1 entries, .* 2"),
    "name": ((..., {7: 1.0}, {0: 1.0}), {}, r"`source` names the node 7, which"),
    "start": ((..., [1.0, 0, 0], [0, 1.0, 0]), {"start": 3}, r"`start` must be a GraphResult"),
    "failure": ((..., [1.0, 0, 0], [0, 1.0, 0]), {"on_failure": "x"}, r"`on_failure` must be"),
}


@pytest.mark.parametrize("name", BAD_PROBLEMS)
def test_bad_problems(name):
    (graph, *masses), options, message = BAD_PROBLEMS[name]
    graph = quot.Graph(3, EDGES, LENGTHS) if graph is ... else graph
    with pytest.raises(InvalidProblemError, match=message):
        quot.solve_graph(graph, *masses, **options)


def test_a_start_of_another_size():
    r = quot.solve_graph(quot.Graph(2, [[0, 1]], [1.0]), [1.0, 0], [0, 1.0], reg=1.0)
    with pytest.raises(InvalidProblemError, match=r"`start` is a result on 2 nodes, but .* 3"):
        quot.solve_graph(quot.Graph(3, EDGES, LENGTHS), [1.0, 0, 0], [0, 1.0, 0], start=r)


def test_an_edge_without_a_length():
    streets = nx.Graph([("a", "b")])
    with pytest.raises(InvalidProblemError, match="edge 'a' - 'b' has no attribute 'length'"):
        quot.Graph.of(streets)
    streets["a"]["b"]["metres"] = 3.0
    assert quot.Graph.from_networkx(streets, length="metres").lengths.tolist() == [3.0]


def test_positions_of_networkx():
    streets = nx.Graph()
    streets.add_node("a", pos=(0.0, 1.0))
    streets.add_node("b", pos=(2.0, 3.0))
    assert quot.Graph.of(streets).positions.tolist() == [[0, 1], [2, 3]]


@pytest.mark.parametrize(
    "pos",
    [None, "1,2", 3.0, (0.0,), (0.0, 1.0, 2.0), {"x": 1}, (0.0, np.nan), ("0", "1"), (None, 1)],
)
def test_a_pos_that_is_no_position_is_no_obstacle(pos):
    streets = nx.Graph()
    streets.add_node("a", pos=(0.0, 1.0))
    streets.add_node("b", pos=pos)
    streets.add_edge("a", "b", length=2.0)
    assert quot.Graph.of(streets).positions is None
    assert quot.solve_graph(streets, {"a": 1.0}, {"b": 1.0}).cost == 2.0


PLACES = ([0, 1, 1, 2], [1, 0, 2, 1])


def test_an_adjacency_of_every_format():
    """Zeros that were given are edges, zeros that fill a block are none."""
    given = sp.coo_array(([1.0, 1.0, 0.0, 2.0], PLACES), (4, 4))
    for name in ("coo", "csr", "csc", "dok", "lil", "bsr"):
        graph = quot.Graph.from_sparse(given.asformat(name))
        edges = {(0, 1): 1.0, (1, 2): 0.0, (2, 1): 2.0}
        if name == "bsr":
            del edges[1, 2]
        assert dict(zip(map(tuple, graph.edges.tolist()), graph.lengths, strict=True)) == edges
        assert given.data.tolist() == [1.0, 1.0, 0.0, 2.0]


@pytest.mark.parametrize("name", ["coo", "csr", "csc"])
@pytest.mark.parametrize("lengths", [[1.0, 2.0], [2.0, 2.0]])
def test_two_entries_at_one_place(name, lengths):
    """They were added up: two streets of 1 and 2 were one of 3."""
    given = sp.coo_array(([5.0, *lengths], ([2, 1, 1], [1, 2, 2])), (3, 3))
    if name == "csr":
        given = sp.csr_array(([5.0, *lengths], [2, 2, 1], [0, 0, 2, 3]), (3, 3))
        given.data[:] = [*lengths, 5.0]
    if name == "csc":
        given = sp.csc_array(([5.0, *lengths], [2, 1, 1], [0, 0, 1, 3]), (3, 3))
    message = (
        r"`graph` has two entries at \(1, 2\), {:g} and {:g}, which scipy would add; keep one "
    )
    with pytest.raises(InvalidProblemError, match=message.format(*lengths)):
        quot.solve_graph(given, [1.0, 0, 0], [0, 0, 1.0])


def test_users_arrays_are_not_changed():
    edges, lengths = np.array(EDGES, np.int32), np.array(LENGTHS)
    source, target = np.array([1.0, 0, 0]), np.array([0, 0, 1.0])
    before = [k.copy() for k in (edges, lengths, source, target)]
    quot.solve_graph(quot.Graph(3, edges, lengths), source, target)
    quot.solve_graph(quot.Graph(3, edges, lengths), source, target, reg=1.0, mass=0.5)
    for old, new in zip(before, (edges, lengths, source, target), strict=True):
        np.testing.assert_array_equal(old, new)


def test_components():
    rng = np.random.default_rng(0)
    tail, head, n = oracle.random_graph(rng, 60, 40)
    graph = quot.Graph(n, np.stack((tail, head), axis=1), np.ones(40))
    members = oracle.components(tail, head, n)
    assert graph.n_components == len(members)
    assert all(len(set(graph.components[part])) == 1 for part in members)


def test_how_a_graph_hangs_together():
    graph = quot.Graph(9, [[4, 5], [5, 6], [6, 4], [2, 3], [8, 8]], np.ones(5))
    assert graph.component_sizes.tolist() == [1, 1, 2, 3, 1, 1]
    assert graph.largest_component().tolist() == [4, 5, 6]
    line = "9 nodes, 5 edges; 6 components, of 3, 2, 1, 1, 1 and fewer nodes; 4 isolated"
    assert graph.describe() == line
    assert quot.Graph(2, [[1, 0]], [1.0]).describe() == "2 nodes, 1 edges; connected"


def test_a_subgraph_keeps_all_there_is_to_know():
    graph = quot.Graph(
        5,
        [[0, 1], [3, 1], [1, 4], [4, 3], [3, 4]],
        [1.0, 2.0, -3.0, 4.0, 0.0],
        [False, False, True, False, True],
        [1.0, 2.0, 3.0, np.inf, 5.0],
        np.arange(10.0).reshape(5, 2),
        "abcde",
    )
    part = graph.subgraph([4, 3, 1])
    assert part.edges.tolist() == [[1, 2], [2, 0], [0, 1], [1, 0]]
    assert part.lengths.tolist() == [2.0, -3.0, 4.0, 0.0]
    assert part.directed.tolist() == [False, True, False, True]
    assert part.capacity.tolist() == [2.0, 3.0, np.inf, 5.0]
    assert part.positions.tolist() == [[8, 9], [6, 7], [2, 3]]
    assert part.labels == ("e", "d", "b")
    same = graph.subgraph(np.array([False, True, False, True, True]))
    assert same.labels == ("b", "d", "e")
    assert same.n_edges == 4
    assert quot.Graph(3, EDGES, LENGTHS).subgraph([1]).n_edges == 0


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([0, 3], r"`nodes` has 3, but nodes are numbered from 0 to 2"),
        ([-1], r"`nodes` has -1, but"),
        ([0, 1, 0], r"`nodes` has 0 twice; name each node once"),
        ([], r"and not none; got float64 of shape \(0,\)"),
        ([0.0, 1.0], r"`nodes` must be numbers of nodes, or a bool for each of the 3"),
        ([True, False], r"got bool of shape \(2,\)"),
    ],
    ids=str,
)
def test_nodes_that_are_none(nodes, message):
    with pytest.raises(InvalidProblemError, match=message):
        quot.Graph(3, EDGES, LENGTHS).subgraph(nodes)


def test_a_problem_on_the_largest_component():
    """As on the whole graph, where no more than what is there may move."""
    graph = quot.graphs.near(np.random.default_rng(0).uniform(size=(200, 2)), 2, 4, random_state=3)
    nodes = graph.largest_component()
    assert 100 < nodes.size < 200
    source, target = np.zeros((2, 200))
    source[nodes[:50]], target[nodes[-50:]] = 1.0, 1.0
    whole = quot.solve_graph(graph, source, target, reg=0.1)
    part = quot.solve_graph(graph.subgraph(nodes), source[nodes], target[nodes], reg=0.1)
    assert part.converged
    assert part.value == pytest.approx(whole.value, rel=1e-9)
    inside = np.isin(graph.edges, nodes).all(axis=1)
    np.testing.assert_allclose(part.flow, whole.flow[inside], atol=1e-8)


def test_a_flow_as_a_matrix():
    """Against an edge is a flow the other way; what parallel edges carry is summed."""
    graph = quot.Graph(3, [[0, 1], [0, 1], [2, 1]], [1.0, 1.0, 1.0])
    flow = quot.Flow(graph, np.array([0.25, 0.5, -0.75]), np.eye(3)[0], np.eye(3)[2])
    np.testing.assert_array_equal(flow.to_csr().toarray(), [[0, 0.75, 0], [0, 0, 0.75], [0, 0, 0]])
    np.testing.assert_array_equal(flow.arriving(), [-0.75, 0, 0.75])
    assert (flow.nnz, flow.total, flow.sparsity) == (3, 1.0, 0.0)
    assert repr(flow) == "Flow(3 edges, nnz=3, total=1)"


def test_nothing_to_carry_on():
    graph = quot.Graph(2, [], [])
    r = quot.solve_graph(graph, [0.5, 0.5], [0.5, 0.5], reg=1.0)
    assert r.converged
    assert r.value == 0.0


@pytest.mark.parametrize("reg", [0.0, 0.3])
@pytest.mark.parametrize("mass", [None, 0.7])
def test_any_potentials_bound_and_any_flow_is_repaired(mass, reg):
    rng = np.random.default_rng(2)
    graph = quot.graphs.grid((4, 5))
    source, target = rng.random((2, 20))
    source, target = source / source.sum(), target / target.sum()
    problem = quot.GraphProblem(graph, source, target, reg, mass)
    r = quot.solve_graph(graph, source, target, reg=reg, mass=mass)
    for size in (1e-6, 1e-2, 1.0):
        f = r.f + size * rng.normal(size=20)
        flow = replace(r.plan, values=r.flow + size * rng.normal(size=graph.n_edges))
        certificate = quot.certify(problem, flow, f, -f - r.lam, r.lam)
        assert certificate.lower <= r.value + 1e-12
        assert certificate.upper >= r.value - 1e-12
        assert np.isfinite([certificate.lower, certificate.upper]).all()
        assert certificate.primal_residual >= 0.01 * size
        assert not certificate.holds(r.tolerance)
    assert np.isnan(quot.certify(problem, r.plan, np.full(20, np.nan), r.g, r.lam).lower)
