"""Transport along edges, against CLARABEL, HiGHS and closed forms."""

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from tests.design import every_two
from tests.oracles import graphs as oracle

import quot
from quot.exceptions import InfeasibleError, NotConvergedWarning


def random_graph(rng, n=30, edges=90, kind="undirected"):
    """Connected: a tree and more; parallel edges and edges of length zero among them."""
    tree = np.array([[rng.integers(v), v] for v in range(1, n)])
    pairs = np.r_[tree, rng.integers(n, size=(edges - n + 1, 2))]
    pairs = pairs[rng.permutation(len(pairs))]
    lengths = rng.uniform(0, 1, len(pairs)) * (rng.random(len(pairs)) > 0.1)
    directed, capacity = np.zeros(len(pairs), bool), None
    if kind in {"directed", "mixed"}:  # there and back, so that everything can be reached
        pairs, lengths = np.r_[pairs, pairs[:, ::-1]], np.r_[lengths, rng.permutation(lengths)]
        directed = np.full(len(pairs), True) if kind == "directed" else rng.random(len(pairs)) < 0.5
    if kind == "capacities":
        capacity = np.where(rng.random(len(pairs)) < 0.3, rng.uniform(0.2, 0.5, len(pairs)), np.inf)
    return quot.Graph(n, pairs, lengths, directed, capacity)


def random_masses(rng, n):
    source, target = rng.random((2, n)) * (rng.random((2, n)) < 0.7)
    return source / source.sum(), target / target.sum()


KINDS = ["undirected", "directed", "mixed", "capacities"]


@every_two(
    kind=KINDS, reg=[1e-3, 1e-1, 4.0], mass=[None, 0.5, 0.9, 1.0], seed=range(3), below=[0, 5000]
)
def test_quadratic(kind, reg, mass, seed, below, tune):
    tune(below=below)  # from above, as large ones, or from the vertex of the linear problem
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, kind=kind)
    source, target = random_masses(rng, graph.n_nodes)
    r = quot.solve_graph(graph, source, target, reg=reg, mass=mass)
    assert r.converged
    assert r.certificate.primal_residual <= 1e-13
    moved = 1.0 if mass is None else mass
    assert r.plan.total == pytest.approx(moved, rel=1e-13)
    arrives = oracle.incidence(graph.tail, graph.head, graph.n_nodes) @ r.flow
    assert np.abs(arrives - (r.plan.received - r.plan.sent)).max() <= 1e-13
    assert r.value == pytest.approx(oracle.transport(graph, source, target, reg, mass), abs=2e-8)


@every_two(kind=KINDS, mass=[None, 0.5, 0.9, 1.0], seed=range(4))
def test_linear(kind, mass, seed):
    rng = np.random.default_rng(10 + seed)
    graph = random_graph(rng, kind=kind)
    source, target = random_masses(rng, graph.n_nodes)
    r = quot.solve_graph(graph, source, target, mass=mass)
    assert r.converged
    assert r.certificate.primal_residual <= 1e-13
    best = oracle.linear_transport(graph, source, target, mass)
    assert r.cost == pytest.approx(best, rel=1e-12, abs=1e-13)


@pytest.mark.parametrize("seed", range(4))
def test_the_linear_flow_is_the_limit_of_small_reg(seed):
    """Among the many cheapest ways on a grid the one of least norm (finite exactness)."""
    rng = np.random.default_rng(seed)
    graph = quot.graphs.grid((6, 7))
    source, target = (rng.integers(0, 3, 42).astype(float) for _ in range(2))
    source, target = source / source.sum(), target / target.sum()
    for mass in (None, 0.6):
        limit = quot.solve_graph(graph, source, target, mass=mass)
        for reg in (1e-3, 1e-5):
            near = quot.solve_graph(graph, source, target, reg=reg, mass=mass)
            np.testing.assert_allclose(near.flow, limit.flow, atol=1e-9)


def test_of_cheapest_flows_the_least_on_a_larger_grid():
    """Ties are ties though 1/49 is rounded, and flows are much larger than masses."""
    graph = quot.graphs.grid((50, 50), spacing=1 / 49)
    left = graph.positions[:, 0] < 0.5
    source, target = left / left.sum(), ~left / (~left).sum()
    limit = quot.solve_graph(graph, source, target)
    near = quot.solve_graph(graph, source, target, reg=1e-4)
    np.testing.assert_allclose(limit.flow, near.flow, atol=1e-9)


@pytest.mark.parametrize("reg", [0.0, 1e-9, 1e-3, 1.0, 1e3, 1e9])
def test_trees_have_one_flow(reg):
    """Each edge carries what is missing beyond it."""
    rng = np.random.default_rng(0)
    tail, head, n = oracle.random_tree(rng, 40)
    source, target = random_masses(rng, n)
    beyond = target - source
    for v in range(n - 1, 0, -1):
        beyond[tail[v - 1]] += beyond[v]
    lengths = rng.random(n - 1)
    edges = np.stack((tail, head), axis=1)
    r = quot.solve_graph(quot.Graph(n, edges, lengths), source, target, reg=reg)
    assert r.converged
    np.testing.assert_allclose(r.flow, beyond[1:], atol=1e-15)
    assert r.value == pytest.approx(lengths @ abs(beyond[1:]) + reg / 2 * (beyond[1:] ** 2).sum())


@pytest.mark.parametrize("reg", [0.0, 0.1, 1.0, 10.0])
def test_a_cycle(reg):
    """Two ways of lengths 1 and 2: the second takes x with 2 + 2 reg x = 1 + reg (1 - x)."""
    graph = quot.Graph(3, [[0, 1], [0, 2], [2, 1]], [1.0, 1.0, 1.0])
    r = quot.solve_graph(graph, [1.0, 0, 0], [0, 1.0, 0], reg=reg)
    x = max((reg - 1.0) / (3.0 * reg), 0.0) if reg else 0.0
    np.testing.assert_allclose(r.flow, [1 - x, x, x], atol=1e-14)


def test_large_reg_is_the_flow_of_least_norm():
    rng = np.random.default_rng(3)
    graph = random_graph(rng)
    source, target = random_masses(rng, graph.n_nodes)
    D = oracle.incidence(graph.tail, graph.head, graph.n_nodes)
    r = quot.solve_graph(graph, source, target, reg=1e9)
    np.testing.assert_allclose(r.flow, np.linalg.pinv(D) @ (target - source), atol=1e-8)


@pytest.mark.parametrize("reg", [0.0, 0.05])
@pytest.mark.parametrize("mass", [None, 0.6])
def test_order_and_orientation_of_edges_do_not_matter(mass, reg):
    rng = np.random.default_rng(5)
    graph = random_graph(rng)
    source, target = random_masses(rng, graph.n_nodes)
    first = quot.solve_graph(graph, source, target, reg=reg, mass=mass)
    order, turned = rng.permutation(graph.n_edges), rng.random(graph.n_edges) < 0.5
    edges = graph.edges[order]
    edges[turned] = edges[turned, ::-1]
    other = quot.Graph(graph.n_nodes, edges, graph.lengths[order])
    second = quot.solve_graph(other, source, target, reg=reg, mass=mass)
    assert second.value == pytest.approx(first.value, rel=1e-9)
    if reg:
        flow = np.where(turned, -second.flow, second.flow)
        np.testing.assert_allclose(flow, first.flow[order], atol=1e-8)


def test_reg_of_each_edge():
    rng = np.random.default_rng(8)
    graph = random_graph(rng)
    source, target = random_masses(rng, graph.n_nodes)
    reg = rng.uniform(0.05, 2.0, graph.n_edges)
    r = quot.solve_graph(graph, source, target, reg=reg)
    assert r.converged
    assert r.value == pytest.approx(oracle.transport(graph, source, target, reg), abs=1e-8)


@every_two(kind=KINDS, mass=[None, 0.6], seed=range(4))
def test_edges_without_a_quadratic_term_among_others(kind, mass, seed):
    rng = np.random.default_rng(20 + seed)
    graph = random_graph(rng, kind=kind)
    source, target = random_masses(rng, graph.n_nodes)
    reg = rng.uniform(0.05, 2.0, graph.n_edges) * (rng.random(graph.n_edges) < 0.5)
    r = quot.solve_graph(graph, source, target, reg=reg, mass=mass)
    assert r.converged
    assert r.certificate.primal_residual <= 1e-12
    best = oracle.transport(graph, source, target, reg, mass)
    assert r.value == pytest.approx(best, abs=2e-8)


def test_all_mass_is_the_balanced_problem():
    rng = np.random.default_rng(9)
    graph = random_graph(rng)
    source, target = random_masses(rng, graph.n_nodes)
    whole = quot.solve_graph(graph, source, target, reg=0.1, mass=1.0)
    balanced = quot.solve_graph(graph, source, target, reg=0.1)
    assert whole.value == pytest.approx(balanced.value, rel=1e-10)


def test_what_is_wanted_where_it_is_stays():
    graph = quot.graphs.grid((3, 3))
    source, target = np.full(9, 1 / 9), np.arange(9) / 36
    r = quot.solve_graph(graph, source, target, reg=1.0, mass=0.5)
    assert r.converged
    assert r.value == 0.0
    assert r.plan.nnz == 0
    assert r.plan.total == pytest.approx(0.5)
    assert (r.plan.sent <= np.minimum(source, target) + 1e-15).all()


def test_potentials_say_what_edges_carry():
    rng = np.random.default_rng(12)
    graph = random_graph(rng)
    source, target = random_masses(rng, graph.n_nodes)
    for mass in (None, 0.7):
        r = quot.solve_graph(graph, source, target, reg=0.2, mass=mass)
        y = r.potentials[graph.head] - r.potentials[graph.tail]
        said = np.sign(y) * np.maximum(abs(y) - graph.lengths, 0.0) / 0.2
        np.testing.assert_allclose(r.flow, said, atol=1e-10)


def test_a_better_start_is_used():
    graph = quot.graphs.grid((20, 20))
    rng = np.random.default_rng(1)
    source, target = random_masses(rng, 400)
    first = quot.solve_graph(graph, source, target, reg=1.0)
    again = quot.solve_graph(graph, source, target, reg=1.0, start=first)
    assert again.converged
    assert len(again.history) == 1
    assert 3 * again.history[0].inner <= sum(k.inner for k in first.history)


@pytest.mark.parametrize("mass", [None, 0.7])
def test_a_start_of_the_linear_problem(mass):
    graph = quot.graphs.knn(np.random.default_rng(0).uniform(size=(300, 2)), 6, connect=True)
    source, target = random_masses(np.random.default_rng(1), 300)
    first = quot.solve_graph(graph, source, target, mass=mass)
    again = quot.solve_graph(graph, source, target, mass=mass, start=first)
    assert again.converged
    assert again.cost == pytest.approx(first.cost, rel=1e-13)
    assert again.history[-1].inner <= 1 < first.history[-1].inner


# --- what cannot be done -----------------------------------------------------------------------


def test_components_must_balance():
    graph = quot.Graph(4, [[0, 1], [2, 3]], [1.0, 1.0])
    with pytest.raises(InfeasibleError, match=r"2 components, and that of node 0 \(2 nodes\)"):
        quot.solve_graph(graph, [1.0, 0, 0, 0], [0, 0.5, 0.5, 0])
    r = quot.solve_graph(graph, [0.6, 0, 0.4, 0], [0, 0.6, 0, 0.4], reg=1.0)
    assert r.converged
    np.testing.assert_allclose(r.flow, [0.6, 0.4])
    r = quot.solve_graph(graph, [1.0, 0, 0, 0], [0, 0.5, 0.5, 0], mass=0.5, reg=1.0)
    assert r.converged
    with pytest.raises(InfeasibleError, match=r"`mass=0\.6` exceeds .* within themselves, 0\.5"):
        quot.solve_graph(graph, [1.0, 0, 0, 0], [0, 0.5, 0.5, 0], mass=0.6)


def test_masses_on_an_isolated_node():
    graph = quot.Graph(3, [[0, 1]], [1.0])
    with pytest.raises(InfeasibleError, match=r"that of node 2 \(1 nodes\)"):
        quot.solve_graph(graph, [0.5, 0, 0.5], [0, 1.0, 0])
    r = quot.solve_graph(graph, [0.5, 0, 0.5], [0, 0.5, 0.5], reg=1.0)
    assert r.flow.tolist() == [0.5]


@pytest.mark.parametrize("reg", [0.0, 1.0])
def test_one_way_streets_and_narrow_ones(reg):
    there = quot.Graph(2, [[0, 1]], [1.0], directed=True)
    with pytest.raises(InfeasibleError, match=r"at most 0 .* node 1 cannot all leave"):
        quot.solve_graph(there, [0, 1.0], [1.0, 0], reg=reg)
    narrow = quot.Graph(2, [[0, 1]], [1.0], capacity=[0.4])
    with pytest.raises(InfeasibleError, match=r"at most 0\.4 .* capacities"):
        quot.solve_graph(narrow, [1.0, 0], [0, 1.0], reg=reg)
    r = quot.solve_graph(narrow, [1.0, 0], [0, 1.0], reg=reg, mass=0.4)
    assert r.converged
    assert r.flow.tolist() == pytest.approx([0.4])


def test_negative_lengths_of_directed_edges():
    """Mass goes round to earn; without a limit or a quadratic term it would for ever."""
    edges, lengths = [[0, 1], [1, 2], [2, 1]], [1.0, -2.0, 1.0]
    source, target = [1.0, 0, 0], [0, 0, 1.0]
    graph = quot.Graph(3, edges, lengths, directed=True)
    with pytest.raises(InfeasibleError, match="negative length and no capacity"):
        quot.solve_graph(graph, source, target)
    with pytest.raises(InfeasibleError, match="negative length and no capacity"):
        quot.solve_graph(graph, source, target, reg=[1.0, 0.0, 0.0])
    r = quot.solve_graph(graph, source, target, reg=[0.0, 0.5, 0.0])
    assert r.value == pytest.approx(-1.0)  # two go round, the second earns nothing
    r = quot.solve_graph(graph, source, target, reg=0.5)
    assert r.converged
    assert r.value == pytest.approx(oracle.transport(graph, source, target, 0.5), abs=1e-8)
    limited = quot.Graph(3, edges, lengths, directed=True, capacity=[np.inf, 3.0, np.inf])
    r = quot.solve_graph(limited, source, target)
    assert r.flow.tolist() == [1.0, 3.0, 2.0]


def test_out_of_time():
    graph = quot.graphs.grid((40, 40))
    source, target = random_masses(np.random.default_rng(0), 1600)
    with pytest.warns(NotConvergedWarning, match="time_limit"):
        r = quot.solve_graph(graph, source, target, reg=1e-4, time_limit=1e-6)
    assert r.status is quot.Status.TIME_LIMIT
    assert r.certificate.primal_residual < 1e-12  # repaired: a flow all the same
    assert r.certificate.lower <= r.certificate.upper < np.inf


# --- other graphs ------------------------------------------------------------------------------


def test_networkx_and_its_labels():
    streets = nx.Graph()
    streets.add_edge("depot", "park", length=2.0)
    streets.add_edge("park", "school", length=1.0)
    streets.add_edge("depot", "school", length=4.0, capacity=0.5)
    r = quot.solve_graph(streets, {"depot": 1.0}, {"school": 1.0})
    assert r.cost == pytest.approx(3.0)
    one_way = nx.MultiDiGraph(streets)
    r = quot.solve_graph(one_way, {"depot": 1.0}, {"school": 1.0}, reg=0.1)
    assert r.problem.graph.directed.all()
    assert r.converged


@pytest.mark.parametrize("seed", range(3))
def test_against_the_network_simplex_of_networkx(seed):
    rng = np.random.default_rng(seed)
    graph = nx.gnm_random_graph(40, 160, seed=seed, directed=True)
    nx.add_cycle(graph, range(40))
    for _, _, data in graph.edges(data=True):
        data["length"] = int(rng.integers(1, 20))
    source, target = rng.integers(0, 5, 40), rng.integers(0, 5, 40)
    target[0] += max(source.sum() - target.sum(), 0)
    source[0] += max(target.sum() - source.sum(), 0)
    for v in graph:
        graph.nodes[v]["demand"] = int(target[v] - source[v])
    best, _ = nx.network_simplex(graph, weight="length")
    r = quot.solve_graph(graph, source.astype(float), target.astype(float))
    assert r.cost == pytest.approx(best, rel=1e-14)


def test_a_sparse_adjacency():
    """Where there and back have the same length, one edge for both ways."""
    A = sp.csr_array(np.array([[0, 1.0, 5], [1, 0, 0], [0, 2, 0]]))
    r = quot.solve_graph(A, [1.0, 0, 0], [0, 1.0, 0], reg=1e-3)
    graph = r.problem.graph
    assert graph.edges.tolist() == [[0, 1], [0, 2], [2, 1]]
    assert graph.directed.tolist() == [False, True, True]
    np.testing.assert_allclose(r.plan.to_csr().toarray(), [[0, 1, 0], [0, 0, 0], [0, 0, 0]])


def test_of_cheapest_flows_the_least_with_integers():
    """Many ties, each in a small part of the graph."""
    rng = np.random.default_rng(0)
    grid = quot.graphs.grid((40, 40))
    graph = quot.Graph(1600, grid.edges, rng.integers(1, 20, grid.n_edges))
    source, target = rng.integers(0, 9, (2, 1600)).astype(float)
    off = int(target.sum() - source.sum())
    source[:off] += 1.0
    target[: max(-off, 0)] += 1.0
    limit = quot.solve_graph(graph, source, target)
    near = quot.solve_graph(graph, source, target, reg=1e-4)
    assert limit.cost == round(limit.cost)
    np.testing.assert_allclose(limit.flow, near.flow, atol=1e-9)


def test_an_interrupt_ends_the_way_down_where_it_is(tune):
    tune(below=0)

    def interrupt(iterate):
        if iterate.iteration == 2:
            raise KeyboardInterrupt

    graph = quot.graphs.grid((20, 20))
    source, target = random_masses(np.random.default_rng(0), 400)
    r = quot.solve_graph(graph, source, target, reg=1.0, callback=interrupt, on_failure="ignore")
    assert r.status is quot.Status.STOPPED
    assert r.certificate.primal_residual <= 1e-13
    best = quot.solve_graph(graph, source, target, reg=1.0).value
    assert r.certificate.lower <= best <= r.value
