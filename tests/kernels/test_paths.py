"""Shortest ways against networkx."""

import networkx as nx
import numpy as np
import pytest

from quot.kernels import paths


def random_ways(seed):
    """Arcs, some undirected, loops, parallel and of length zero; also as a graph of networkx."""
    rng = np.random.default_rng(seed)
    n, arcs = int(rng.integers(2, 20)), int(rng.integers(1, 50))
    tail, head = rng.integers(n, size=(2, arcs)).astype(np.int32)
    length = rng.integers(0, 6, arcs) / 2.0
    undirected = rng.random(arcs) < 0.5
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(range(n))
    for e in range(arcs):
        graph.add_edge(tail[e], head[e], length=length[e])
        if undirected[e]:
            graph.add_edge(head[e], tail[e], length=length[e])
    ways = *paths.leaving(tail, head, undirected, n), tail, head, length
    sources = rng.permutation(n)[: int(rng.integers(1, n + 1))]
    return rng, ways, graph, sources


def distances(graph, source):
    n = graph.number_of_nodes()
    found = nx.single_source_dijkstra_path_length(graph, source, weight="length")
    return np.array([found.get(v, np.inf) for v in range(n)])


@pytest.mark.parametrize("seed", range(8))
def test_nearest_sinks(seed):
    rng, ways, graph, sources = random_ways(seed)
    is_sink = rng.random(graph.number_of_nodes()) < 0.5
    row, sink, length = paths.nearest(*ways, sources, is_sink, 3)
    for i, source in enumerate(sources):
        far = distances(graph, source)
        np.testing.assert_array_equal(far[sink[row == i]], length[row == i])
        best = np.sort(far[is_sink & (far < np.inf)])[:3]
        np.testing.assert_array_equal(length[row == i], best)
        assert np.unique(sink[row == i]).size == best.size
        assert is_sink[sink[row == i]].all()


@pytest.mark.parametrize("seed", range(8))
def test_cheapest_source(seed):
    rng, ways, graph, sources = random_ways(seed)
    price = rng.integers(-4, 5, sources.size).astype(float)
    cost, first, far = paths.cheapest(*ways, sources, price)
    paid = np.array([p + distances(graph, s) for p, s in zip(price, sources, strict=True)])
    np.testing.assert_array_equal(cost, paid.min(axis=0))
    reached = np.flatnonzero(cost < np.inf)
    np.testing.assert_array_equal(paid[first[reached], reached], cost[reached])
    np.testing.assert_array_equal(price[first[reached]] + far[reached], cost[reached])


@pytest.mark.parametrize("seed", range(8))
def test_routes_are_shortest(seed):
    rng, ways, graph, sources = random_ways(seed)
    _, _, tail, head, length = ways
    n = graph.number_of_nodes()
    far = np.array([distances(graph, s) for s in sources])
    rows, sinks = np.nonzero((far < np.inf) & (rng.random(far.shape) < 0.5))
    amount = rng.integers(1, 10, rows.size).astype(float)
    begin = np.searchsorted(rows, np.arange(sources.size + 1))
    flow = np.zeros(tail.size)
    paths.route(*ways, sources, begin, sinks, amount, flow)
    arrived = np.bincount(head, flow, minlength=n) - np.bincount(tail, flow, minlength=n)
    wanted = np.bincount(sinks, amount, minlength=n)
    wanted -= np.bincount(sources[rows], amount, minlength=n)
    np.testing.assert_array_equal(arrived, wanted)
    assert length @ np.abs(flow) <= amount @ far[rows, sinks]  # what meets head-on is not sent
