"""One engine for every row of the table of section 1.1: T9, T10. Networks are given by hand."""

from dataclasses import replace

import numpy as np
import pytest
from tests.checks import EPS, error_bound
from tests.design import every_two
from tests.kernels.networks import Net, dual_value, random_network
from tests.oracles.graphs import arc_flow, components, incidence, quadratic_flow
from tests.oracles.linear import solve_linear
from tests.oracles.quadratic import solve_quadratic
from tests.strategies import Instance

import quot
from quot.kernels import flow as kernels
from quot.network.alternate import is_stuck
from quot.network.cycles import descend
from quot.network.network import FlowState, Network
from quot.network.newton import round_off, solve_newton

ENGINES = ["newton", "cycles"]


def solve(network, engine):
    """Potentials and flow of the engine, from nowhere; what cycles find is polished by Newton."""
    state = FlowState.at(network, np.zeros(network.n_nodes))
    if engine == "cycles":
        state = descend(network, np.zeros(network.n_arcs)).state(network)
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


@every_two(engine=ENGINES, part=[0.01, 0.5, 0.99, 1.0], reg=[1e-3, 0.1, 10.0])
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


def in_three_parts(rng, anchor=False):
    """Random networks side by side, or around a node that stands for a world outside; and p."""
    nets = [random_network(rng) for _ in range(3)]
    first = np.cumsum([0, *(net.n for net in nets)])
    columns = [
        (net.tail + at, net.head + at, *net.arcs[2:], net.supply)
        for net, at in zip(nets, first, strict=False)
    ]
    tail, head, cost, weight, capacity, undirected, supply = map(
        np.concatenate, zip(*columns, strict=True)
    )
    p, part = np.r_[*(net.p for net in nets)], np.repeat(np.arange(3), np.diff(first))
    if anchor:  # two arcs from there into each part, one back
        inside = np.r_[first[:-1], first[:-1] + 1, first[:-1] + 2]
        world = np.full(9, first[-1])
        tail, head = np.r_[tail, world[:6], inside[6:]], np.r_[head, inside[:6], world[6:]]
        cost, weight = np.r_[cost, rng.uniform(0, 1, 9)], np.r_[weight, rng.uniform(0.5, 2, 9)]
        capacity, undirected = np.r_[capacity, np.full(9, np.inf)], np.r_[undirected, [False] * 9]
        supply, p, part = np.r_[supply, 0.0], np.r_[p, 0.0], np.r_[part, 3]
    network = Network(
        tail.astype(np.int32), head.astype(np.int32), cost, weight, capacity, undirected, supply,
        anchor=int(first[-1]) if anchor else None,
    )  # fmt: skip
    return network, p, part


@pytest.mark.parametrize("anchor", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_parts_are_components_without_the_anchor(seed, anchor):
    network, _, part = in_three_parts(np.random.default_rng(seed), anchor)
    found, count = network.parts
    inner = (network.tail != network.anchor) & (network.head != network.anchor)
    expected = components(network.tail[inner], network.head[inner], network.n_nodes)
    assert count == len(expected)
    assert set(found) == set(range(count))
    for members in expected:
        assert np.unique(found[members]).size == 1
    assert count >= 3 + anchor
    assert (part[:, None] == part)[found[:, None] == found].all()


@pytest.mark.parametrize("anchor", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_directional_by_part_is_that_of_a_move_of_the_part_alone(seed, anchor):
    rng = np.random.default_rng(seed)
    network, p, _ = in_three_parts(rng, anchor)
    side = FlowState.at(network, p).side
    move = rng.normal(size=p.size)
    if anchor:
        move[network.anchor] = 0.0
    label, count = network.parts
    first, second = kernels.directional(p, move, side, *network.response, network.arc_part, count)
    assert first.shape == second.shape == (count,)
    D = incidence(network.tail, network.head, network.n_nodes)
    for k in range(count):
        dy = D.T @ np.where(label == k, move, 0.0)
        y = D.T @ p + dy
        flow, slope = network.capacity.copy(), np.zeros(y.size)
        flow[(network.weight == 0) & (side <= 0)] = 0.0  # arcs of weight zero keep their side
        for e in np.flatnonzero(network.weight):
            law = (y[e], network.cost[e], network.weight[e], network.capacity[e])
            flow[e] = arc_flow(*law, network.undirected[e])
            slope[e] = (0 < abs(flow[e]) < network.capacity[e]) / network.weight[e]
        assert first[k] == pytest.approx(flow @ dy, abs=1e-11)
        assert second[k] == pytest.approx(slope @ dy**2, abs=1e-11)


def total_missing(network, flow):
    D = incidence(network.tail, network.head, network.n_nodes)
    return np.abs(network.supply - D @ flow).sum()


@pytest.mark.parametrize("enough", [3.0, 0.3, 0.01])
@pytest.mark.parametrize("seed", [*range(4), 136, 287])
def test_newton_ends_where_that_is_enough(seed, enough):
    """What comes back misses no more than that, and is what its potentials make of the network."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(5, 40))
    net = random_network(rng, size, arcs=3 * size, leaves=4)
    ring = np.arange(net.n, dtype=np.int32)  # a dear way without limit to everywhere
    network = make(
        np.r_[net.tail, ring], np.r_[net.head, np.roll(ring, 1)],
        np.r_[net.cost, rng.uniform(1, 2, net.n)], np.r_[net.weight, np.ones(net.n)],
        net.supply, np.r_[net.capacity, np.full(net.n, np.inf)],
        np.r_[net.undirected, np.ones(net.n, bool)],
    )  # fmt: skip
    start = FlowState.at(network, net.p)
    found = solve_newton(network, start, tol=1e-11, max_iter=500, enough=enough)
    exact = solve_newton(network, start, tol=1e-11, max_iter=500)
    assert exact.residual <= 1e-11
    assert solve_newton(network, start, tol=1e-11, max_iter=500, enough=np.inf).iterations == 0
    assert total_missing(network, found.flow) <= enough * (1 + 1e-12)
    D = incidence(network.tail, network.head, network.n_nodes)
    missing = network.supply - D @ found.flow
    assert found.residual == pytest.approx(np.abs(missing).max(), rel=1e-9, abs=1e-12)
    y = D.T @ found.potentials
    for e in range(network.n_arcs):
        if network.weight[e] > 0:
            law = (y[e], network.cost[e], network.weight[e], network.capacity[e])
            expected = arc_flow(*law, network.undirected[e])
            assert found.flow[e] == pytest.approx(expected, rel=1e-9, abs=1e-9)
        else:
            assert -1e-12 <= found.flow[e] <= network.capacity[e] + 1e-12


def test_enough_saves_steps(rng):
    C, (a, b) = rng.random((20, 30)), masses(rng, 20, 30)
    network = bipartite(C, a, b, 1e-3)
    start = FlowState.at(network, np.zeros(50))
    steps = [
        solve_newton(network, start, tol=1e-12, max_iter=500, enough=enough).iterations
        for enough in (0.0, 1e-3, 1e-1)
    ]
    assert steps == sorted(steps, reverse=True)
    assert steps[0] > steps[-1]


def test_round_off_grows_with_potentials(rng):
    net = random_network(rng)
    network = Network(*net.arcs, net.supply)
    flow = np.zeros(network.n_arcs)
    found = [round_off(network, scale * net.p, flow) for scale in (0.0, 1.0, 1e6)]
    assert found[0] >= EPS * np.abs(net.supply).max()
    assert found[0] < found[1] < found[2]
    assert found[2] == pytest.approx(1e6 * found[1], rel=0.5)
    assert round_off(network, net.p, flow + 1e6) > found[1]


def test_a_flow_is_lost_where_round_off_explains_all_of_it(rng):
    """Potentials of 10^30 explain any imbalance; that is no reason to end with it."""
    C, (a, b) = rng.random((9, 13)), masses(rng, 9, 13)
    network = bipartite(C, a, b, 0.1)
    state = FlowState.at(network, 1e30 * rng.normal(size=network.n_nodes))
    residual = float(np.abs(network.supply).max())
    assert round_off(network, state.potentials, state.flow) > residual
    assert is_stuck(network, replace(state, residual=residual), 1e-9)
    assert not is_stuck(network, replace(state, residual=1e-7 * residual), 1e-9)


@pytest.mark.parametrize("off", [1e-9, 1e-6])
@pytest.mark.parametrize("part", [0.3, 0.9])
def test_tight_arcs_are_tight_whatever_rounding_left(part, off, rng):
    """Their ends only move together: where potentials were large once they are a little off."""
    C, (a, b) = 1e-6 * rng.random((30, 20)), masses(rng, 30, 20)
    network = star(C, a, b, 1e-5, part)
    start = FlowState.at(network, np.zeros(network.n_nodes))
    start = replace(start, potentials=off * rng.normal(size=network.n_nodes))
    state = solve_newton(network, start, tol=1e-14, max_iter=2000)
    tight = network.zero_arcs[state.side[network.zero_arcs] == 0]
    p = state.potentials
    assert tight.size
    np.testing.assert_allclose(p[network.head[tight]], p[network.tail[tight]], rtol=4 * EPS)
    exact, _ = solve_quadratic(1e6 * C, a, b, 10.0, part)
    assert network.objective(state.flow) == pytest.approx(1e-6 * exact, rel=1e-8)


@pytest.mark.parametrize("part", [None, 0.6])
def test_round_off_of_potentials_is_mended(part, rng):
    """What pairs carry is a difference of potentials over reg: here that is rounded to 10^-5."""
    C, (a, b) = 1.0 + rng.random((9, 13)), masses(rng, 9, 13)
    C[:, 5:] = C[:, 5:6]  # ties, so that reg decides
    reg = 1e-11
    network = bipartite(C, a, b, reg) if part is None else star(C, a, b, reg, part)
    dual = quot.solve(C, a, b, mass=part)
    p = np.r_[-dual.f, dual.g + dual.lam]
    p = p if part is None else np.r_[p, 0.0, dual.lam]
    state = solve_newton(network, FlowState.at(network, p), tol=1e-14, max_iter=200)
    assert round_off(network, state.potentials, state.flow) > 1e-6
    assert state.residual <= 1e-14
    best, _ = solve_linear(C, a, b, part)
    assert network.objective(state.flow) == pytest.approx(best, rel=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_parts_are_solved_as_if_alone(seed):
    """Scales of cost and mass a thousandfold apart: neither cuts the steps of the other."""
    rng = np.random.default_rng(seed)
    alone, values = [], []
    for scale in (1.0, 1e3, 1e-3):
        C, (a, b) = scale * rng.random((7, 9)), masses(rng, 7, 9)
        alone.append(bipartite(C, scale * a, scale * b, 0.1))
        p, flow = solve(alone[-1], "newton")
        values.append(assert_optimal(alone[-1], p, flow))
    names = ("cost", "weight", "supply", "capacity", "undirected")
    network = make(
        np.r_[*(net.tail + 16 * k for k, net in enumerate(alone))],
        np.r_[*(net.head + 16 * k for k, net in enumerate(alone))],
        *(np.r_[*(getattr(net, name) for net in alone)] for name in names),
    )
    assert network.parts[1] == 3
    p, flow = solve(network, "newton")
    for k, (net, value) in enumerate(zip(alone, values, strict=True)):
        moved = np.split(flow, 3)[k]
        assert net.objective(moved) == pytest.approx(value, rel=1e-8)
        assert np.abs(net.imbalance(moved)).max() <= 1e-10
