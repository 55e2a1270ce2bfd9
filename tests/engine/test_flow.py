"""One engine for every row of the table of section 1.1: T9, T10. Networks are given by hand."""

from dataclasses import replace

import numpy as np
import pytest
from tests.checks import EPS, error_bound
from tests.kernels.networks import Net, dual_value, random_network
from tests.oracles.graphs import incidence, quadratic_flow
from tests.oracles.quadratic import solve_quadratic
from tests.strategies import Instance

import quot
from quot.flow.interior_point import solve_interior_point
from quot.flow.network import FlowState, Network
from quot.flow.newton import solve_newton

ENGINES = ["newton", "interior point"]


def solve(network, engine):
    """Potentials and flow of the engine, from nowhere; the interior point ends in Newton steps."""
    state = FlowState.at(network, np.zeros(network.n_nodes))
    if engine == "interior point":
        state = solve_interior_point(
            network, state, smooth=1.0, tol=1e-6, tol_gap=1e-6, max_iter=100
        )
    state = solve_newton(network, state, tol=1e-12, max_iter=2000)
    return state.potentials, state.flow


def make(tail, head, cost, weight, supply, capacity=np.inf, undirected=False):
    arcs = len(tail)

    def full(value, dtype):
        return np.ascontiguousarray(np.broadcast_to(np.asarray(value, dtype), (arcs,)))

    return Network(
        np.asarray(tail, np.int32), np.asarray(head, np.int32), full(cost, float),
        full(weight, float), full(capacity, float), full(undirected, bool),
        np.asarray(supply, float),
    )  # fmt: skip


def bipartite(C, a, b, weight):
    """Rows, then columns; balanced."""
    n, m = C.shape
    i, j = np.divmod(np.arange(n * m), m)
    return make(i, n + j, C.ravel(), np.ravel(np.broadcast_to(weight, C.shape)), np.r_[-a, b])


def star(C, a, b, weight, mass):
    """The same with a source in front of the rows and a sink behind the columns."""
    n, m = C.shape
    i, j = np.divmod(np.arange(n * m), m)
    rows, cols, S, T = np.arange(n), n + np.arange(m), n + m, n + m + 1
    return make(
        np.r_[i, np.full(n, S), cols],
        np.r_[n + j, rows, np.full(m, T)],
        np.r_[C.ravel(), np.zeros(n + m)],
        np.r_[np.ravel(np.broadcast_to(weight, C.shape)), np.zeros(n + m)],
        np.r_[np.zeros(n + m), -mass, mass],
        np.r_[np.full(n * m, np.inf), a, b],
    )


def assert_optimal(network, p, flow, accuracy=1e-9):
    """Kirchhoff's law, bounds, and a closed duality gap, all recomputed."""
    net = Net(
        network.tail, network.head, network.cost, network.weight, network.capacity,
        network.undirected, network.supply, p, np.zeros(network.n_arcs, np.int8),
    )  # fmt: skip
    D = incidence(net.tail, net.head, net.n)
    assert np.abs(D @ flow - net.supply).max() <= 1e-10
    assert (np.abs(flow) <= net.capacity + 1e-10).all()
    assert (flow[~net.undirected] >= -1e-10).all()
    size = np.where(net.undirected, np.abs(flow), flow)
    value = net.cost @ size + 0.5 * net.weight @ flow**2
    y = p[net.head] - p[net.tail]
    # Capacity arcs of weight zero: the dual is not smooth there, the gap counts them exactly.
    magnitude = np.abs(net.supply) @ np.abs(p) + np.abs(flow) @ np.abs(y) + abs(value)
    slack = 100 * EPS * magnitude + np.abs(D @ flow - net.supply) @ np.abs(p - np.median(p))
    gap = value - dual_value(net, p)
    assert -slack <= gap <= accuracy * abs(value) + slack
    return value


def masses(rng, n, m):
    a, b = rng.uniform(0.5, 1.5, n), rng.uniform(0.5, 1.5, m)
    return a / a.sum(), b / b.sum()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("reg", [1e-3, 0.1, 10.0])
def test_t10_balanced(engine, reg, rng):
    C, (a, b) = rng.random((9, 13)), masses(rng, 9, 13)
    network = bipartite(C, a, b, reg)
    p, flow = solve(network, engine)
    value = assert_optimal(network, p, flow)
    instance = Instance(C, a, b, reg, None)
    r = quot.solve(C, a, b, reg=reg)
    assert value == pytest.approx(r.value, rel=1e-8)
    distance = np.linalg.norm(flow - r.plan.to_dense().ravel())
    assert distance <= error_bound(instance, r) + np.sqrt(2e-9 * abs(value) / reg)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("part", [0.01, 0.5, 0.99, 1.0])
@pytest.mark.parametrize("reg", [1e-3, 0.1, 10.0])
def test_t10_partial(engine, part, reg, rng):
    C, (a, b) = rng.random((9, 13)), masses(rng, 9, 13)
    network = star(C, a, b, reg, part)
    p, flow = solve(network, engine)
    value = assert_optimal(network, p, flow)
    r = quot.solve(C, a, b, reg=reg, mass=part)
    assert value == pytest.approx(r.value, rel=1e-8)
    exact, plan = solve_quadratic(C, a, b, reg, part)
    assert value == pytest.approx(exact, abs=1e-8)
    assert np.linalg.norm(flow[: C.size] - plan.ravel()) <= np.sqrt(2e-8 / reg)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seed", range(3))
def test_t10_weights_of_rows_and_columns(engine, seed):
    """Quadratic OTARI with its multipliers fixed: arc i -> j weighs eps_i + delta_j."""
    rng = np.random.default_rng(seed)
    C, (a, b) = rng.random((8, 11)), masses(rng, 8, 11)
    weight = 10.0 ** rng.uniform(-2, 1, 8)[:, None] + 10.0 ** rng.uniform(-2, 1, 11)
    network = bipartite(C, a, b, weight)
    p, flow = solve(network, engine)
    value = assert_optimal(network, p, flow)
    exact_flow, exact = quadratic_flow(
        network.tail, network.head, network.cost, network.weight, network.capacity,
        network.supply, network.undirected,
    )  # fmt: skip
    assert value == pytest.approx(exact, abs=1e-7)
    assert np.linalg.norm(flow - exact_flow) <= np.sqrt(2e-7 / weight.min())


def geometric_graph(rng, n, k):
    """Each of n points in the unit square joined to its k nearest; lengths are distances."""
    X = rng.random((n, 2))
    distance = np.linalg.norm(X[:, None] - X, axis=2)
    near = np.argsort(distance, axis=1)[:, 1 : k + 1]
    pairs = {(min(u, v), max(u, v)) for u in range(n) for v in near[u]}
    tail, head = np.array(sorted(pairs)).T
    return tail, head, distance[tail, head]


@pytest.mark.parametrize("alpha", [1e-3, 0.03, 1.0, 4.0])
def test_t9_undirected_graph(alpha, rng):
    tail, head, length = geometric_graph(rng, 60, 8)
    supply = rng.random(60) * (rng.random(60) < 0.4)
    supply = supply / supply.sum() - 1 / 60
    network = make(tail, head, length, alpha, supply, undirected=True)
    p, flow = solve(network, "newton")
    value = assert_optimal(network, p, flow)
    exact_flow, exact = quadratic_flow(
        tail, head, length, np.full(len(tail), alpha), np.full(len(tail), np.inf), supply,
        np.ones(len(tail), bool),
    )  # fmt: skip
    assert value == pytest.approx(exact, abs=1e-7)
    assert np.linalg.norm(flow - exact_flow) <= np.sqrt(2e-7 / alpha)


def test_t9_active_graph_of_many_components():
    """Two far clusters, each in balance: no arc between them carries anything."""
    tail, head = np.array([0, 1, 3, 4, 2]), np.array([1, 2, 4, 5, 3])
    length = np.array([1.0, 1.0, 1.0, 1.0, 100.0])
    supply = np.array([-1.0, 0.0, 1.0, -0.5, 0.0, 0.5])
    network = make(tail, head, length, 0.1, supply, undirected=True)
    p, flow = solve(network, "newton")
    assert_optimal(network, p, flow)
    np.testing.assert_allclose(flow, [1.0, 1.0, 0.5, 0.5, 0.0], atol=1e-10)


def test_t9_partial_graph_at_full_mass_is_the_balanced_one(rng):
    tail, head, length = geometric_graph(rng, 30, 6)
    a, b = masses(rng, 30, 30)
    whole = make(tail, head, length, 0.5, b - a, undirected=True)
    S, T, nodes = 30, 31, np.arange(30)
    arcs = len(tail)
    part = make(
        np.r_[tail, np.full(30, S), nodes],
        np.r_[head, nodes, np.full(30, T)],
        np.r_[length, np.zeros(60)],
        np.r_[np.full(arcs, 0.5), np.zeros(60)],
        np.r_[np.zeros(30), -1.0, 1.0],
        np.r_[np.full(arcs, np.inf), a, b],
        np.r_[np.ones(arcs, bool), np.zeros(60, bool)],
    )
    p, flow = solve(whole, "newton")
    q, moved = solve(part, "newton")
    value = assert_optimal(whole, p, flow)
    assert assert_optimal(part, q, moved) == pytest.approx(value, rel=1e-8)
    assert np.linalg.norm(flow - moved[:arcs]) <= 2 * np.sqrt(2e-9 * value / 0.5)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seed", range(8))
def test_every_kind_of_arc_at_once(engine, seed):
    """Directed and undirected, capacities, a star of weight zero; supply that fits them."""
    rng = np.random.default_rng(seed)
    net = random_network(rng)
    if engine == "interior point":  # that one is for directed arcs
        net = replace(net, undirected=np.zeros(net.tail.size, bool))
    room = np.minimum(net.capacity, 1.0) * rng.random(net.tail.size) * 0.9
    sign = np.where(net.undirected, rng.choice([-1.0, 1.0], net.tail.size), 1.0)
    supply = incidence(net.tail, net.head, net.n) @ (room * sign)
    network = Network(*net.arcs, supply)
    p, flow = solve(network, engine)
    assert_optimal(network, p, flow)


def test_imbalance_and_objective(rng):
    net = random_network(rng)
    network = Network(*net.arcs, net.supply)
    flow = rng.normal(size=net.tail.size)
    D = incidence(net.tail, net.head, net.n)
    np.testing.assert_allclose(network.imbalance(flow), net.supply - D @ flow, atol=1e-13)
    size = np.where(net.undirected, np.abs(flow), flow)
    stated = net.cost @ size + 0.5 * net.weight @ flow**2
    assert network.objective(flow) == pytest.approx(stated)
