"""Masses, lengths and positions by the names of nodes; flows back by name."""

import sys

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import quot

NAMES = ["depot", "park", "school"]


def streets(names=NAMES):
    depot, park, school = names
    graph = nx.Graph()
    graph.add_edge(depot, park, length=2.0)
    graph.add_edge(park, school, length=1.0)
    graph.add_edge(depot, school, length=4.0)
    return graph


@given(names=st.permutations([*NAMES, "mill"]), seed=st.integers(0, 99), data=st.data())
def test_any_order_is_the_same(names, seed, data):
    rng = np.random.default_rng(seed)
    ends = [(names[k], names[j]) for k, j in ((0, 1), (2, 1), (2, 3), (3, 0))]
    pairs = pd.MultiIndex.from_tuples(ends)
    lengths, reg = pd.Series(rng.random(4), pairs), pd.Series(rng.random(4), pairs)
    source, target = pd.Series(rng.random(4), names), pd.Series(rng.random(4), names)
    edges = [[names.index(u), names.index(v)] for u, v in ends]
    positions = pd.DataFrame(rng.random((4, 2)), names)

    def mixed(one):
        return one.iloc[data.draw(st.permutations(range(4)))]

    def solved(lengths, source, target, reg, positions, convert=lambda given: given):
        graph = quot.Graph(4, edges, convert(lengths), labels=names, positions=positions)
        return quot.solve_graph(graph, convert(source), convert(target), reg=convert(reg), mass=0.3)

    given = lengths, source, target, reg, positions
    wanted = solved(*given, convert=lambda one: one.to_numpy())
    np.testing.assert_array_equal(wanted.problem.graph.positions, positions.to_numpy())
    for convert in (lambda one: one, dict):
        found = solved(*map(mixed, given), convert=convert)
        np.testing.assert_array_equal(found.flow, wanted.flow)
        np.testing.assert_array_equal(found.problem.graph.positions, positions.to_numpy())
    turned = reg.swaplevel()  # no edge is directed, so that either order will do
    np.testing.assert_array_equal(solved(*given[:3], mixed(turned), positions).flow, wanted.flow)


GRAPH = quot.Graph(3, [[0, 1], [1, 2]], [1.0, 2.0], labels=NAMES)
NUMBERED = quot.Graph(3, [[0, 1], [1, 2]], [1.0, 2.0])
REFUSED = {
    "an unknown node": (
        GRAPH, pd.Series({"inn": 1.0}), 0.0, "`source` names the node 'inn', which the graph does",
    ),
    "a node twice": (
        GRAPH, pd.Series([1.0, 2.0], ["park", "park"]), 0.0,
        r"`source` names the node 'park' more than once; give each node one mass "
        r"\(`source.groupby\(level=0\).sum\(\)`\)",
    ),
    "too few that only count": (
        GRAPH, pd.Series([1.0]), 0.0, "`source` has 1 entries, but the graph has 3 nodes",
    ),
    "too few without names": (
        NUMBERED, pd.Series([1.0]), 0.0, "`source` has 1 entries, but the graph has 3 nodes",
    ),
    "numbers of none": (
        NUMBERED, pd.Series([1.0], [7]), 0.0, "`source` names the node 7, which the graph does not",
    ),
    "numbers from 0 of nodes from 1": (
        quot.Graph(2, [[0, 1]], [1.0], labels=[1, 2]), pd.Series([1.0, 0.0]), 0.0,
        "`source` names the node 0, which the graph does not have",
    ),
    "an edge missing": (
        GRAPH, {"depot": 1.0}, {("depot", "park"): 1.0},
        r"`reg` has no entry for the edge \('park', 'school'\) \(1 such\)",
    ),
    "an edge too many": (
        GRAPH, {"depot": 1.0}, {("depot", "park"): 1.0, ("park", "school"): 1.0, (0, 1): 2.0},
        r"`reg` has an entry for \(0, 1\) \(1 such\), which is none of the edges",
    ),
    "an edge there and back": (
        GRAPH, {"depot": 1.0},
        {("depot", "park"): 1.0, ("park", "depot"): 1.0, ("park", "school"): 1.0},
        r"`reg` has the name \('depot', 'park'\) more than once",
    ),
    "edges numbered or named": (
        GRAPH, {"depot": 1.0}, pd.Series([1.0, 2.0], [1, 0]),
        "the index of `reg` is 0 to 1 in another order, and the edges have no names",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    graph, source, reg, message = REFUSED[case]
    with pytest.raises(quot.InvalidProblemError, match=message):
        quot.GraphProblem(graph, source, source, reg=reg)


def test_edges_of_a_filtered_frame_are_in_order():
    roads = pd.DataFrame({"u": [0, 1], "v": [1, 2], "metres": [3.0, 4.0]}, index=[2, 5])
    graph = quot.Graph(3, roads[["u", "v"]], roads["metres"], capacity=roads["metres"])
    assert graph.lengths.tolist() == [3.0, 4.0]
    assert quot.GraphProblem(graph, [1, 0, 0], [0, 0, 1], reg=roads["metres"]).reg[1] == 4.0


def test_directions_are_part_of_the_name():
    one_way = nx.DiGraph()
    one_way.add_edge("a", "b", length=1.0)
    one_way.add_edge("b", "a", length=2.0)
    problem = quot.GraphProblem(one_way, {"a": 1.0}, {"b": 1.0}, reg={("b", "a"): 3, ("a", "b"): 4})
    assert problem.reg.tolist() == [4.0, 3.0]
    directed = {("park", "school"): True, ("depot", "park"): False}
    graph = quot.Graph(3, GRAPH.edges, GRAPH.lengths, directed, labels=NAMES)
    assert graph.directed.tolist() == [False, True]


@pytest.mark.parametrize("name", ["knn", "near", "partition", "delaunay"])
def test_nodes_have_the_names_of_points(name, rng):
    X = pd.DataFrame(rng.random((30, 2))).sample(frac=1, random_state=0)
    options = {"knn": {"k": 4}, "delaunay": {}}.get(name, {"k": 2, "K": 8, "random_state": 0})
    graph = getattr(quot.graphs, name)(X, **options)
    assert graph.labels == tuple(X.index)
    plain = getattr(quot.graphs, name)(X.to_numpy(), **options)
    assert plain.labels is None
    np.testing.assert_array_equal(graph.edges, plain.edges)
    source = pd.Series(rng.random(30))  # a default index, which is a name for every node here
    np.testing.assert_array_equal(graph.masses(source, "source"), source[X.index])


def test_positions_name_nodes_that_have_no_names():
    where = pd.DataFrame(np.eye(3), NAMES)
    assert quot.Graph(3, [[0, 1]], [1.0], positions=where).labels == tuple(NAMES)
    assert quot.Graph(3, [[0, 1]], [1.0], positions=where.reset_index(drop=True)).labels is None
    mixed = where.set_axis([2, 0, 1])  # on nodes with numbers these are the numbers
    assert quot.Graph(3, [[0, 1]], [1.0], positions=mixed).positions[2].tolist() == [1.0, 0.0, 0.0]


def test_flows_and_potentials_by_name():
    r = quot.solve_graph(streets(), {"school": 5.0}, {"depot": 4.0, "park": 1.0})
    flow = r.plan.to_frame().set_index(["source", "target"])["flow"]
    assert flow.to_dict() == {("school", "park"): 5.0, ("park", "depot"): 4.0}
    assert r.plan.between("park", "depot") == 4.0
    assert r.plan.between("depot", "park") == -4.0
    assert r.plan.between("depot", "school") == r.plan.between("park", "park") == 0.0
    nodes = r.to_frame()
    assert list(nodes.columns) == ["source", "target", "sent", "received", "potential"]
    assert nodes.loc["park", "received"] == 1.0
    number = r.problem.graph.number("park")
    assert nodes.loc["park", "potential"] == r.potentials[number]
    with pytest.raises(quot.InvalidProblemError, match="the graph has no node 'pond'"):
        r.plan.between("park", "pond")


def test_parallel_edges_are_added():
    graph = quot.Graph(2, [[0, 1], [1, 0], [0, 0]], [1.0, 1.0, 1.0])
    r = quot.solve_graph(graph, [1.0, 0.0], [0.0, 1.0], reg=1.0)
    assert r.plan.between(0, 1) == pytest.approx(1.0)
    made = r.to_networkx()
    assert made.is_multigraph()
    assert sum(data["flow"] for _, _, data in made.edges(data=True)) == pytest.approx(1.0)


def test_to_networkx():
    given = streets()
    for k, node in enumerate(given):
        given.nodes[node]["pos"] = (float(k), 0.0)
    r = quot.solve_graph(given, {"school": 5.0}, {"depot": 5.0})
    made = r.to_networkx()
    assert type(made) is nx.DiGraph
    assert list(made) == list(given)
    assert nx.utils.edges_equal(made.to_undirected().edges, given.edges)
    assert made.edges["school", "park"] == {"flow": 5.0, "length": 1.0, "directed": False}
    assert made.nodes["depot"]["received"] == made.nodes["school"]["sent"] == 5.0
    assert made.nodes["park"]["pos"] == (1.0, 0.0)
    for node, potential in zip(given, r.potentials, strict=True):
        assert made.nodes[node]["potential"] == potential
        there = sum(data["flow"] for _, _, data in made.in_edges(node, data=True))
        away = sum(data["flow"] for _, _, data in made.out_edges(node, data=True))
        wanted = made.nodes[node]["received"] - made.nodes[node]["sent"]
        assert there - away == pytest.approx(wanted)
    again = quot.Graph.of(made)
    assert again.labels == r.problem.graph.labels
    assert again.n_edges == 3


def test_to_networkx_keeps_both_ways_apart():
    ways = quot.Graph(2, [[0, 1], [1, 0]], [1.0, 1.0], directed=True, capacity=[np.inf, 2.0])
    made = quot.solve_graph(ways, [1.0, 0.0], [0.0, 1.0]).to_networkx()
    assert type(made) is nx.DiGraph
    assert made.edges[1, 0] == {"flow": 0.0, "length": 1.0, "capacity": 2.0, "directed": True}


def test_without_networkx(monkeypatch):
    r = quot.solve_graph(GRAPH, {"depot": 1.0}, {"park": 1.0})
    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(quot.MissingDependencyError, match="`networkx` is not installed, and gra"):
        r.to_networkx()
