"""Parts of a network against a search by hand, and what moves there against the whole anew."""

import numpy as np
import pytest
from tests.checks import EPS
from tests.kernels.networks import network_of, random_network

from quot.kernels import nearby
from quot.network.point import Point


def around(network, seeds, rings, most):
    indptr, _, arc = network.incidence
    nodes, arcs, inside = nearby.surroundings(
        np.array(seeds), rings, most, indptr, arc, network.tail, network.head, network.weight,
        network.is_hub,
    )  # fmt: skip
    return np.sort(nodes), np.sort(arcs), inside


def reached(network, seeds, rings):
    """The nodes so many arcs away, ring by ring, from the definition."""
    ways = [set(seeds)]
    for _ in range(rings):
        wider = set(ways[-1])
        for u, v, w in zip(network.tail, network.head, network.weight, strict=True):
            if w > 0.0 and not network.is_hub[u] and not network.is_hub[v]:
                wider |= {int(v)} if u in ways[-1] else set()
                wider |= {int(u)} if v in ways[-1] else set()
        ways.append(wider)
    return ways


@pytest.mark.parametrize("seed", range(6))
def test_surroundings_are_the_nodes_so_many_arcs_away(seed):
    rng = np.random.default_rng(seed)
    network = network_of(random_network(rng, 40, arcs=50, leaves=4))
    plain = np.flatnonzero(~network.is_hub)
    seeds = rng.choice(plain, 2, replace=False).tolist()
    ways = reached(network, seeds, 3)
    for rings, way in enumerate(ways):
        nodes, arcs, inside = around(network, seeds, rings, network.n_nodes)
        assert nodes.tolist() == sorted(way)
        assert np.flatnonzero(inside).tolist() == sorted(way)
        touched = inside[network.tail] | inside[network.head]
        assert arcs.tolist() == np.flatnonzero(touched).tolist()


@pytest.mark.parametrize("seed", range(6))
def test_fewer_rings_where_there_is_no_room(seed):
    rng = np.random.default_rng(seed)
    network = network_of(random_network(rng, 40, arcs=80, leaves=0))
    seeds = rng.choice(np.flatnonzero(~network.is_hub), 3, replace=False).tolist()
    ways = reached(network, seeds, 4)
    for most in (3, 4, 5, 10, 20, 41):
        fitting = [way for way in ways if len(way) <= most]
        nodes, arcs, inside = around(network, seeds, 4, most)
        assert nodes.tolist() == sorted(fitting[-1])
        assert np.flatnonzero(inside).tolist() == nodes.tolist()
        touched = inside[network.tail] | inside[network.head]
        assert arcs.tolist() == np.flatnonzero(touched).tolist()


@pytest.mark.parametrize("seed", range(12))
def test_what_moves_nearby_is_as_if_all_were_evaluated_anew(seed):
    """Nodes and sides inside move at random, tight arcs come and go; and all can be put back."""
    rng = np.random.default_rng(seed)
    net = random_network(rng, 30, arcs=60, leaves=6)
    network = network_of(net)
    point = Point.at(network, net.p.copy(), net.side.copy())
    flow, slope = point.flow.copy(), point.slope.copy()
    size = np.abs(net.supply).sum() + (1 + np.abs(net.p).max()) / net.weight[net.weight > 0].min()
    for _ in range(4):
        seeds = rng.choice(np.flatnonzero(~network.is_hub), 3, replace=False)
        _, arcs, inside = around(network, seeds.tolist(), 2, network.n_nodes)
        p, side = point.potentials.copy(), point.side.copy()
        p[inside] += rng.normal(size=np.count_nonzero(inside))
        zero = np.isin(network.zero_arcs, arcs)
        e = network.zero_arcs[zero]
        tension = p[net.head[e]] - p[net.tail[e]] - net.cost[e]
        free = inside[network.zero_leaf[zero]]  # others cannot be put where the arc is tight
        side[e] = np.where(free, rng.integers(-1, 2, e.size), np.sign(tension))
        kept = point.kept(network, arcs)
        moved = point.moved(network, inside, arcs, p.copy(), side)
        anew = Point.at(network, p.copy(), side.copy())
        np.testing.assert_array_equal(moved.potentials[inside], anew.potentials[inside])
        np.testing.assert_array_equal(moved.potentials[~inside], p[~inside])
        for name in ("flow", "slope", "imbalance", "wish"):
            got, right = getattr(moved, name), getattr(anew, name)
            np.testing.assert_allclose(got, right, rtol=0, atol=100 * EPS * size)
        assert moved.residual == np.abs(moved.imbalance).max()
        assert moved.total == pytest.approx(np.abs(moved.imbalance).sum(), rel=1e-12)
        point.restore(network, arcs, kept)
        np.testing.assert_array_equal(point.flow, flow)
        np.testing.assert_array_equal(point.slope, slope)
