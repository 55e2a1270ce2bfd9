"""Flow round cycles: near linear problems, in regions of large networks, and stopped half-way."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from tests.design import every_two
from tests.graphs.test_solve import KINDS, random_graph, random_masses
from tests.oracles import graphs as oracle

import quot
from quot.network import clusters, cycles, regions
from quot.network.optimise import Goal
from quot.problem import GraphProblem
from quot.quadratic import edge_model
from quot.quadratic.graph import GraphNetwork
from quot.settings import settings


def neighbours(n, seed=4):
    graph = quot.graphs.knn(np.random.default_rng(seed).uniform(size=(n, 2)), 8, connect=True)
    return graph, *random_masses(np.random.default_rng(seed + 1), n)


def network(n, reg=0.0, mass=None):
    graph, source, target = neighbours(n)
    at = GraphNetwork(GraphProblem(graph, source, target, reg=reg, mass=mass))
    return at.network, np.zeros(at.network.n_arcs)


@pytest.mark.parametrize("weights", ["none", "some", "all"])
@pytest.mark.parametrize("kind", KINDS)
def test_descend_alone(kind, weights):
    """From nothing to the optimum, also where some arcs have a quadratic term and others none."""
    rng = np.random.default_rng(1)
    graph = random_graph(rng, kind=kind)
    source, target = random_masses(rng, graph.n_nodes)
    reg = rng.uniform(0.1, 1.0, graph.n_edges)
    reg = {"none": 0.0 * reg, "some": reg * (rng.random(reg.size) < 0.5), "all": reg}[weights]
    net = GraphNetwork(GraphProblem(graph, source, target, reg=reg)).network
    found = cycles.descend(net, np.zeros(net.n_arcs))
    assert found.is_optimal
    assert np.abs(net.imbalance(found.flow)).max() <= 1e-15
    _, best = oracle.quadratic_flow(
        net.tail, net.head, net.cost, net.weight, net.capacity, net.supply, net.undirected
    )
    assert net.objective(found.flow) == pytest.approx(best, abs=1e-9)
    # The potentials say so, too: no arc that could carry more or less would gain by that.
    y = found.potentials[net.head] - found.potentials[net.tail]
    x, size = found.flow, np.abs(found.flow)
    gain = np.where(net.undirected, np.where(x == 0.0, np.abs(y), np.sign(x) * y), y)
    gain = gain - net.cost - net.weight * size
    assert gain[size < net.capacity].max() <= 1e-12
    assert gain[size > 0.0].min() >= -1e-12


@every_two(kind=KINDS, reg=[1e-3, 0.02, 0.5, 20.0], mass=[None, 0.4])
def test_cycles_and_newton_agree(kind, reg, mass, tune):
    rng = np.random.default_rng(7)
    graph = random_graph(rng, 100, 260, kind)
    source, target = random_masses(rng, 100)
    tune(far=np.inf)
    newton = quot.solve_graph(graph, source, target, reg=reg, mass=mass)
    tune(far=0.0)
    cycles = quot.solve_graph(graph, source, target, reg=reg, mass=mass)
    assert newton.converged
    assert cycles.converged
    assert cycles.value == pytest.approx(newton.value, rel=1e-9)


def test_near_a_linear_problem_cycles_do_most(tune):
    """One Newton step for all is kept short by the worst of many places."""
    graph, source, target = neighbours(2000)

    def steps(far):
        tune(far=far, below=0)
        r = quot.solve_graph(graph, source, target, reg=0.1)
        assert r.converged
        return sum(k.inner for k in r.history if k.reg > 0.0)

    assert 2 * steps(settings().far) < steps(np.inf)


@every_two(kind=[*KINDS, "near"], reg=[0.0, 1.0], mass=[None, 0.5])
def test_regions_to_begin_with_do_not_matter(kind, reg, mass, tune):
    rng = np.random.default_rng(4)
    graph = neighbours(400)[0] if kind == "near" else random_graph(rng, 400, 1200, kind)
    source, target = random_masses(rng, 400)
    whole = quot.solve_graph(graph, source, target, reg=reg, mass=mass)
    tune(region=10, regions=2)
    grown = quot.solve_graph(graph, source, target, reg=reg, mass=mass)
    assert whole.converged
    assert grown.converged
    assert grown.value == pytest.approx(whole.value, rel=1e-12)


@every_two(kind=[*KINDS, "near"], mass=[None, 0.5], ties=["any", "share"])
def test_single_pivots_at_the_end_change_no_cost(kind, mass, ties, tune):
    rng = np.random.default_rng(6)
    graph = neighbours(400)[0] if kind == "near" else random_graph(rng, 400, 1200, kind)
    source, target = random_masses(rng, 400)
    passes = quot.solve_graph(graph, source, target, mass=mass, ties=ties)
    tune(single_pivots=0, passes=1, region=10, regions=2)
    pivots = quot.solve_graph(graph, source, target, mass=mass, ties=ties)
    assert pivots.converged
    assert pivots.cost == pytest.approx(passes.cost, rel=1e-12)
    if ties == "share":
        np.testing.assert_allclose(pivots.flow, passes.flow, atol=1e-9)


@pytest.mark.parametrize("mass", [None, 0.4, 1.0])
@pytest.mark.parametrize("kind", [*KINDS, "near"])
def test_begin_where_quadratic_terms_are_small(kind, mass, tune):
    """As large linear problems do."""
    rng = np.random.default_rng(5)
    graph = neighbours(300)[0] if kind == "near" else random_graph(rng, 300, 900, kind)
    source, target = random_masses(rng, 300)
    usual = quot.solve_graph(graph, source, target, mass=mass)
    tune(nearby=0, below=0)
    nearer = quot.solve_graph(graph, source, target, mass=mass)
    assert nearer.converged
    assert len(nearer.history) > len(usual.history) or nearer.cost == 0.0
    assert nearer.cost == pytest.approx(usual.cost, rel=1e-12)
    np.testing.assert_allclose(nearer.flow, usual.flow, atol=1e-9)  # that of least norm


@pytest.mark.parametrize("seed", range(8))
def test_the_least_of_the_cheapest_flows_from_any_start(seed, tune):
    """Where lengths are small integers many flows are cheapest, and one of these is least."""
    rng = np.random.default_rng(seed)
    n, kind = int(rng.integers(50, 300)), KINDS[seed % 3]  # with capacities there may be no flow
    graph = random_graph(rng, n, 4 * n, kind)
    graph = quot.Graph(n, graph.edges, np.ceil(2 * graph.lengths), graph.directed)
    source, target = 10.0 ** rng.integers(-3, 4) * rng.integers(0, 4, (2, n))
    target *= source.sum() / target.sum()
    flows = []
    for many in (np.inf, 0):
        tune(nearby=many, below=0)
        r = quot.solve_graph(graph, source, target)
        assert r.converged
        flows.append(r.flow)
    np.testing.assert_allclose(*flows, atol=1e-9 * np.abs(flows[0]).max())


@pytest.mark.parametrize("reg", [0.0, 0.5])
@pytest.mark.parametrize("mass", [None, 0.6])
def test_regions_save_pushes_in_the_whole_network(reg, mass, tune):
    tune(region=50, regions=4)
    graph, source, target = neighbours(1500)
    at = GraphNetwork(GraphProblem(graph, source, target, reg=reg, mass=mass))
    net, start = at.network, edge_model.spread(at)
    better = regions.improve(net, start, 0.0, lambda: False)
    cold, warm = (cycles.descend(net, flow) for flow in (start, better))
    assert net.objective(warm.flow) == pytest.approx(net.objective(cold.flow), rel=1e-12)
    # .25 to .62 of them, over sizes and rounding by the processor
    assert warm.pushes < 0.8 * cold.pushes


@pytest.mark.parametrize("reg", [0.0, 0.5])
def test_threads_do_not_matter(reg, monkeypatch, tune):
    """Regions are handed to threads; the bits are the same."""
    tune(region=50, threaded=0)
    graph, source, target = neighbours(1500)
    flows = []
    for threads in ("1", "3"):
        monkeypatch.setenv("QUOT_NUM_THREADS", threads)
        flows.append(quot.solve_graph(graph, source, target, reg=reg).flow)
    np.testing.assert_array_equal(*flows)


@pytest.mark.parametrize("reg", [0.0, 0.5])
def test_stopped_half_way(reg):
    """What there is then is feasible, and better than nothing."""
    net, start = network(500, reg)
    first = cycles.descend(net, start, max_pushes=0)
    asked = iter([False] * 3)
    some = cycles.descend(net, start, must_stop=lambda: next(asked, True))
    best = cycles.descend(net, start)
    assert not first.is_optimal
    assert not some.is_optimal
    assert best.is_optimal
    for found in (first, some, best):
        assert np.abs(net.imbalance(found.flow)).max() <= 1e-15
    first, some, best = (net.objective(found.flow) for found in (first, some, best))
    assert first > some > best


@pytest.mark.parametrize("part", [1e-2, 1e-5, 1e-9])
def test_a_gap_that_is_left_alone_ends_it(part):
    net, start = network(500, 0.5)
    best = cycles.descend(net, start)
    value = net.objective(best.flow)
    found = cycles.descend(net, start, closed=part * value)
    assert found.is_closed
    assert not best.is_closed
    assert found.pushes < best.pushes
    assert value - 1e-12 <= net.objective(found.flow) <= (1.0 + part) * value
    assert np.abs(net.imbalance(found.flow)).max() <= 1e-14


def test_enough():
    """What is left to gain is no more than that, or a little more."""
    net, start = network(500, 0.5)
    rough, fine = (cycles.descend(net, start, enough=enough) for enough in (1e-3, 1e-12))
    assert rough.pushes < fine.pushes
    y = fine.potentials[net.head] - fine.potentials[net.tail]
    assert (np.abs(y) - net.cost - net.weight * np.abs(fine.flow)).max() <= 1e-11
    assert cycles.roughly(net, np.zeros(net.n_arcs)) == 0.0
    assert cycles.roughly(replace(net, weight=2 * net.weight), fine.flow) == pytest.approx(
        2 * cycles.roughly(net, fine.flow)
    )


def test_a_start_that_cannot_be():
    """Flow that leaves nodes without what they need, and more than arcs can carry."""
    rng = np.random.default_rng(2)
    graph = random_graph(rng, 60, 200, "capacities")
    source, target = random_masses(rng, 60)
    net = GraphNetwork(GraphProblem(graph, source, target, reg=0.1)).network
    best = cycles.descend(net, np.zeros(net.n_arcs))
    odd = cycles.descend(net, rng.normal(scale=3.0, size=net.n_arcs))
    assert net.objective(odd.flow) == pytest.approx(net.objective(best.flow), rel=1e-10)


def test_what_costs_nothing_does_not_go_by_the_root():
    """Where no arc costs anything those to the root were no dearer, and the rest went there."""
    graph = quot.Graph(3, [[0, 1], [0, 2], [2, 1]], np.zeros(3), capacity=[0.5, np.inf, np.inf])
    net = GraphNetwork(GraphProblem(graph, [1.0, 0.0, 0.0], [0.0, 1.0, 0.0])).network
    found = cycles.descend(net, np.zeros(3))
    assert found.is_optimal
    assert np.abs(net.imbalance(found.flow)).max() <= 1e-15


def test_a_gap_that_newton_leaves_is_closed_by_cycles(monkeypatch, tune):
    """Where the engine ends too early, cycles finish its flow."""
    graph, source, target = neighbours(200)
    tune(at_the_end=1e7, direct=0)
    seen = []
    finer = edge_model.EdgeModel._finer
    monkeypatch.setattr(
        edge_model.EdgeModel, "_finer", lambda *args: seen.append(1) or finer(*args)
    )
    r = quot.solve_graph(graph, source, target, reg=20.0)
    assert seen
    assert r.converged


# --- clusters ----------------------------------------------------------------------------------


def test_clusters_are_nested_and_grow():
    graph = quot.graphs.grid((12, 12))
    levels = list(clusters.clusters(graph.tail, graph.head, np.ones(graph.n_edges), 144))
    assert len(levels) > 2
    counts = [label.max() + 1 for label in levels]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] <= 72
    for fine, coarse in pairwise(levels):
        pairs = np.unique(np.c_[fine, coarse], axis=0)
        assert len(pairs) == len(np.unique(fine)), "a cluster is torn"


def test_nodes_of_a_cluster_stand_together():
    graph = quot.graphs.grid((20, 20))
    strength = np.ones(graph.n_edges)
    order = clusters.in_order(graph.tail, graph.head, strength, 400)
    np.testing.assert_array_equal(np.sort(order), np.arange(400))
    for label in clusters.clusters(graph.tail, graph.head, strength, 400):
        changes = np.count_nonzero(np.diff(label[order])) + 1
        assert changes == len(np.unique(label))


def test_nodes_without_edges_are_in_no_cluster():
    assert list(clusters.clusters(np.zeros(0, int), np.zeros(0, int), np.zeros(0), 3)) == []
    np.testing.assert_array_equal(
        clusters.in_order(np.zeros(0, int), np.zeros(0, int), np.zeros(0), 3), [0, 1, 2]
    )
    first = next(clusters.clusters(np.array([0]), np.array([2]), np.ones(1), 3))
    assert first[0] == first[2] >= 0
    assert first[1] == -1


def test_no_gap_is_good_where_values_are_out_of_range():
    """A flow to begin with may be anything; nothing warns."""
    net, start = network(50, 0.5)
    goal = Goal(1e-9, 1.0, 1.0, gap=0.1)
    assert goal.closed(net, np.full_like(start, 1e200)) == -1.0
    assert goal.closed(net, start) == pytest.approx(0.1 * abs(net.objective(start)))
