"""Few sources and sinks, solved by pairs, against linear programming."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import linprog
from tests.design import every_two

import quot
from quot.network import transshipment
from quot.network.network import Network
from quot.network.transshipment import solve_by_pairs

MANY = 10**9


def random_network(seed, *, directed=0.3, ends=6, decades=0.0):
    """A grid with arcs of lengths 0 to 3, some directed both ways; few ends that send and get."""
    rng = np.random.default_rng(seed)
    graph = quot.graphs.grid((25, 30))
    one_way = rng.random(graph.n_edges) < directed
    back = np.flatnonzero(one_way)
    tail = np.concatenate((graph.tail, graph.head[back])).astype(np.int32)
    head = np.concatenate((graph.head, graph.tail[back])).astype(np.int32)
    supply = np.zeros(graph.n_nodes)
    nodes = rng.permutation(graph.n_nodes)[: 2 * ends]
    mass = 10.0 ** rng.uniform(-decades, 0.0, (2, ends))
    supply[nodes[:ends]] = -mass[0] / mass[0].sum()
    supply[nodes[ends:]] = mass[1] / mass[1].sum()
    return Network(
        tail=tail,
        head=head,
        cost=rng.integers(0, 4, tail.size).astype(float),
        weight=np.zeros(tail.size),
        capacity=np.full(tail.size, np.inf),
        undirected=np.append(~one_way, np.zeros(back.size, bool)),
        supply=supply,
    )


def least_cost(net):
    """By HiGHS, every undirected arc as two."""
    back = np.flatnonzero(net.undirected)
    tail, head = np.append(net.tail, net.head[back]), np.append(net.head, net.tail[back])
    arcs = np.arange(tail.size)
    ends = np.append(head, tail), np.append(arcs, arcs)
    D = sp.coo_array((np.repeat((1.0, -1.0), arcs.size), ends), shape=(net.n_nodes, arcs.size))
    return linprog(np.append(net.cost, net.cost[back]), A_eq=D.tocsr(), b_eq=net.supply).fun


@every_two(seed=range(3), directed=[0.0, 0.3], decades=[0.0, 6.0], nearest=[1, 16])
def test_cheapest_flow(seed, directed, decades, nearest, monkeypatch):
    """Also where nearly all pairs that carry something have to be found by their prices."""
    monkeypatch.setattr(transshipment, "_NEAREST", nearest)
    net = random_network(seed, directed=directed, decades=decades)
    found = solve_by_pairs(net, MANY)
    assert found.is_optimal
    assert np.abs(net.imbalance(found.flow)).max() <= 1e-15
    assert found.flow[~net.undirected].min(initial=0.0) >= 0.0
    assert net.objective(found.flow) == pytest.approx(least_cost(net), abs=1e-9)
    # The potentials prove it.
    y = found.potentials[net.head] - found.potentials[net.tail]
    assert (np.where(net.undirected, np.abs(y), y) <= net.cost + 1e-12).all()
    assert found.potentials @ net.supply == pytest.approx(net.objective(found.flow), abs=1e-12)


def test_masses_over_many_decades():
    """Every sink gets what it wants, however little that is."""
    net = random_network(0, decades=60.0)
    flow = solve_by_pairs(net, MANY).flow
    out, into = np.bincount(net.tail, flow, net.n_nodes), np.bincount(net.head, flow, net.n_nodes)
    assert np.abs(into - out - net.supply).max() <= 1e-15


def test_nodes_that_no_source_reaches():
    """Their potentials let nothing flow."""
    net = random_network(1)
    lonely = replace(
        net,
        tail=np.append(net.tail, np.int32(net.n_nodes)),
        head=np.append(net.head, np.int32(0)),
        cost=np.append(net.cost, 0.0),
        weight=np.append(net.weight, 0.0),
        capacity=np.append(net.capacity, np.inf),
        undirected=np.append(net.undirected, False),
        supply=np.append(net.supply, 0.0),
    )
    found = solve_by_pairs(lonely, MANY)
    assert np.isfinite(found.potentials).all()
    assert found.potentials[0] <= found.potentials[-1]
    assert lonely.objective(found.flow) == net.objective(solve_by_pairs(net, MANY).flow)


def test_left_to_others():
    net = random_network(2)
    assert solve_by_pairs(random_network(2, ends=200), MANY) is None
    assert solve_by_pairs(replace(net, capacity=np.full(net.n_arcs, 5.0)), MANY) is None
    assert solve_by_pairs(replace(net, cost=net.cost - 1.0), MANY) is None
    assert solve_by_pairs(replace(net, supply=0.0 * net.supply), MANY) is None
    # Two parts: no pair between them can be told from one that is dear.
    twice = replace(
        net,
        tail=np.append(net.tail, net.tail + np.int32(net.n_nodes)),
        head=np.append(net.head, net.head + np.int32(net.n_nodes)),
        supply=np.append(net.supply, net.supply),
        **{
            name: np.append(getattr(net, name), getattr(net, name))
            for name in ("cost", "weight", "capacity", "undirected")
        },
    )
    assert solve_by_pairs(twice, MANY) is None


@pytest.mark.parametrize("asked", range(3))
def test_stopped(asked, monkeypatch):
    monkeypatch.setattr(transshipment, "_NEAREST", 1)
    net, count = random_network(0), itertools.count()
    assert solve_by_pairs(net, MANY, lambda: next(count) >= asked) is None
    assert solve_by_pairs(net, 0) is None


@pytest.mark.parametrize("ties", ["share", "any"])
def test_solve_graph_goes_by_pairs(ties, monkeypatch):
    """It gives what cycles give."""
    rng = np.random.default_rng(0)
    graph, ends = quot.graphs.grid((30, 30)), rng.permutation(900)[:40]
    source, target = np.zeros((2, 900))
    source[ends[:20]], target[ends[20:]] = 1.0, 1.0
    found = quot.solve_graph(graph, source, target, ties=ties)
    monkeypatch.setattr(transshipment, "_FEW", 0.0)
    other = quot.solve_graph(graph, source, target, ties=ties)
    assert found.converged
    assert found.value == pytest.approx(other.value, rel=1e-12)
    if ties == "share":
        np.testing.assert_allclose(found.plan.values, other.plan.values, atol=1e-9)
