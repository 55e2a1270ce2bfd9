"""Kernels of the quadratic flow against their definitions, arc by arc and node by node."""

from dataclasses import replace

import numpy as np
import pytest
from tests.kernels.networks import Net, dual_value, imbalance_range, random_network, star_network
from tests.oracles.graphs import arc_flow, components, incidence

from quot.kernels import flow as kernels
from quot.kernels import sweep as sweep_kernels

SEEDS = range(6)


@pytest.fixture(params=SEEDS)
def network(request):
    return random_network(np.random.default_rng(request.param))


NO_PARTS = np.zeros(0, np.int32)


def side_by_side(nets):
    """One network that falls into those given."""
    first = np.cumsum([0, *(net.n for net in nets)])
    columns = [
        (net.tail + at, net.head + at, *net.arcs[2:], net.supply, net.p, net.side)
        for net, at in zip(nets, first[:-1].astype(np.int32), strict=True)
    ]
    return Net(*map(np.concatenate, zip(*columns, strict=True)))


def directional(net, move, part, parts):
    return kernels.directional(net.p, move, net.side, *net.arcs, part, parts)


def respond(net):
    return kernels.respond(net.p, net.side, *net.arcs, net.supply)


def test_respond_is_the_minimiser_on_each_arc(network):
    flow, slope, missing = respond(network)
    y = network.p[network.head] - network.p[network.tail]
    for e in range(y.size):
        cost, w, k = network.cost[e], network.weight[e], network.capacity[e]
        if w > 0:
            assert flow[e] == pytest.approx(arc_flow(y[e], cost, w, k, network.undirected[e]))
            inside = 0 < abs(flow[e]) < k
            assert slope[e] == (pytest.approx(1 / w) if inside else 0.0)
        else:
            assert flow[e] == (k if network.side[e] > 0 else 0.0)
            assert slope[e] == 0.0
    D = incidence(network.tail, network.head, network.n)
    np.testing.assert_allclose(missing, network.supply - D @ flow, atol=1e-12)


def test_respond_is_the_gradient_of_the_dual(network):
    _, _, missing = respond(network)
    quadratic = network.weight > 0
    touched = np.zeros(network.n, bool)  # the dual has a kink where an arc is tight
    touched[network.tail[~quadratic & (network.side == 0)]] = True
    touched[network.head[~quadratic & (network.side == 0)]] = True
    h = 1e-6
    for v in np.flatnonzero(~touched):
        up, down = network.p.copy(), network.p.copy()
        up[v] += h
        down[v] -= h
        slope = (dual_value(network, up) - dual_value(network, down)) / (2 * h)
        assert slope == pytest.approx(missing[v], abs=1e-5)


def test_tension_and_divergence_are_adjoint(network, rng):
    D = incidence(network.tail, network.head, network.n)
    flow = rng.normal(size=network.tail.size)
    np.testing.assert_allclose(
        kernels.divergence(flow, network.tail, network.head, network.n), D @ flow, atol=1e-13
    )
    np.testing.assert_allclose(
        kernels.tension(network.p, network.tail, network.head), D.T @ network.p, atol=1e-15
    )


@pytest.mark.parametrize("tau", [0.0, 1.0, 7.0])
def test_directional_derivatives(tau, network, rng):
    d = rng.normal(size=network.n)
    dy = tau * kernels.tension(d, network.tail, network.head)
    moved = network.at(network.p + tau * d)
    flow, slope, _ = kernels.respond(moved.p, network.side, *moved.arcs, moved.supply)
    whole = directional(network, tau * d, NO_PARTS, 1)
    np.testing.assert_allclose(whole, [[flow @ dy], [slope @ dy**2]], rtol=1e-6, atol=1e-11)
    part = rng.integers(3, size=dy.size).astype(np.int32)
    first, second = directional(network, tau * d, part, 4)
    np.testing.assert_allclose(first, np.bincount(part, flow * dy, 4), rtol=1e-6, atol=1e-11)
    np.testing.assert_allclose(second, np.bincount(part, slope * dy**2, 4), rtol=1e-6, atol=1e-11)


def test_directional_of_each_part_is_that_of_the_part_alone(rng):
    nets = [random_network(np.random.default_rng(seed)) for seed in range(3)]
    net = side_by_side(nets)
    d = rng.normal(size=net.n)
    part = np.repeat(np.arange(3, dtype=np.int32), [one.tail.size for one in nets])
    found = directional(net, d, part, 3)
    moves = np.split(d, np.cumsum([one.n for one in nets])[:-1])
    alone = [directional(one, move, NO_PARTS, 1) for one, move in zip(nets, moves, strict=True)]
    np.testing.assert_allclose(found, np.hstack(alone), rtol=1e-12)
    assert np.ptp(found[0]) > 0


def search(net, direction, most, part=None):
    """Search along a direction, all nodes in one part if none are given."""
    zero = np.flatnonzero(net.weight == 0)
    _, _, missing = respond(net)
    part, parts = (np.zeros(net.n, np.int32), 1) if part is None else (part, part.max() + 1)
    arc_part = NO_PARTS if parts == 1 else part[net.tail]
    return kernels.search(
        net.p, net.side, direction, missing, zero, net.tail[zero], *net.arcs, net.supply, part,
        arc_part, parts, 0.1, most,
    )  # fmt: skip


@pytest.mark.parametrize("length", [1e-3, 1.0, 1e3])
def test_search_ends_where_the_slope_is_a_fraction(length, network):
    """Where all arcs have a quadratic term: there the dual is smooth."""
    net = replace(network, weight=np.maximum(network.weight, 0.1))
    _, _, missing = respond(net)
    there, _, tau, _ = search(net, length * missing, 60)
    np.testing.assert_allclose(there, net.p + tau * length * missing, rtol=1e-12, atol=1e-12)
    left = respond(net.at(there))[2] @ missing
    assert abs(left) <= 0.1 * (missing @ missing) * (1 + 1e-9)
    assert dual_value(net, there) > dual_value(net, net.p)


def test_search_sticks_to_kinks_and_without_trials_goes_all_the_way(network, rng):
    zero = np.flatnonzero(network.weight == 0)
    direction = 10.0 * rng.normal(size=network.n)
    there, side, tau, _ = search(network, direction, 0)
    assert tau.tolist() == [1.0]
    y = kernels.tension(there, network.tail, network.head)[zero] - network.cost[zero]
    loose = side[zero] != 0
    assert (np.sign(y[loose]) == network.side[zero[loose]]).all()
    landed = ~loose & (network.side[zero] != 0)
    np.testing.assert_allclose(y[landed], 0.0, atol=1e-13)


def test_search_goes_its_own_way_in_each_part():
    nets = [random_network(np.random.default_rng(seed)) for seed in range(3)]
    nets = [replace(net, weight=np.maximum(net.weight, 0.1)) for net in nets]
    whole = side_by_side(nets)
    part = np.repeat(np.arange(3, dtype=np.int32), [net.n for net in nets])
    missing = [respond(net)[2] for net in nets]
    there, _, tau, _ = search(whole, np.concatenate(missing), 60, part)
    alone = [search(net, move, 60) for net, move in zip(nets, missing, strict=True)]
    np.testing.assert_allclose(tau, np.concatenate([found[2] for found in alone]), rtol=1e-9)
    np.testing.assert_allclose(there, np.concatenate([found[0] for found in alone]), atol=1e-9)


def arcs_of(net):
    """The arcs of each node of a network."""
    return sweep_kernels.incidence(*net.arcs[:2], *net.arcs[3:], net.n)


def test_incidence_lists_each_arc_at_both_ends(network):
    net = network
    indptr, _, arc = arcs_of(net)
    for v in range(net.n):
        expected = sorted(np.r_[np.flatnonzero(net.tail == v), np.flatnonzero(net.head == v)])
        assert sorted(arc[indptr[v] : indptr[v + 1]]) == expected


def test_incidence_leaves_loops_out():
    loop = np.array([1], np.int32)
    numbers = np.ones(1), np.ones(1), np.zeros(1, bool)
    indptr, _, arc = sweep_kernels.incidence(loop, loop, *numbers, 2)
    assert indptr.tolist() == [0, 0, 0]
    assert arc.size == 0


def test_degrees(network):
    ends = np.r_[network.tail, network.head]
    expected = np.bincount(ends, minlength=network.n)
    found = kernels.degrees(network.tail, network.head, network.n)
    np.testing.assert_array_equal(found, expected)


def test_contract_and_components(network):
    zero = np.flatnonzero(network.weight == 0)
    parent = kernels.contract(zero, network.side, network.tail, network.head, network.n)
    tight = zero[network.side[zero] == 0]
    for members in components(network.tail[tight], network.head[tight], network.n):
        assert set(parent[members]) == {members.min()}
    _, slope, _ = respond(network)
    label = kernels.components(parent, slope, network.tail, network.head)
    joined = np.r_[tight, np.flatnonzero(slope > 0)]
    for members in components(network.tail[joined], network.head[joined], network.n):
        assert set(label[members]) == {members.min()}


def kinks(net, e):
    """Tensions at which the flow of an arc begins or ceases to change."""
    low, high = net.cost[e], net.cost[e] + net.weight[e] * net.capacity[e]
    both = (low, high, -low, -high) if net.undirected[e] else (low, high)
    return [k for k in both if np.isfinite(k)]


def expected_shift(net, members, missing):
    """On to the first kink of an arc across the border, and then w times what is missing."""
    sign, way, weight = np.sign(missing), np.inf, 0.0
    for e in range(net.tail.size):
        if members[net.tail[e]] == members[net.head[e]]:
            continue
        y = net.p[net.head[e]] - net.p[net.tail[e]]
        ahead = sign if members[net.head[e]] else -sign
        for distance in (ahead * (k - y) for k in kinks(net, e)):
            if 0 < distance < way:
                way, weight = distance, net.weight[e]
    return sign * (way + weight * abs(missing)) if way < np.inf else 0.0


def test_shift_components(network):
    net = network
    _, slope, missing = respond(net)
    zero = np.flatnonzero(net.weight == 0)
    parent = kernels.contract(zero, net.side, net.tail, net.head, net.n)
    label = kernels.components(parent, slope, net.tail, net.head)
    rhs = np.bincount(parent, missing, minlength=net.n)  # lives on the representatives
    before = rhs.copy()
    shift = kernels.shift_components(label, parent, rhs, net.p, net.side, slope, *net.arcs, 1e-12)
    for k in np.unique(label):
        members = label == k
        total = missing[members].sum()
        stand = members & (parent == np.arange(net.n))
        assert abs(rhs[stand].sum()) <= 1e-12
        assert np.ptp((rhs - before)[stand]) <= 1e-12
        assert (rhs[members & ~stand] == 0).all()
        expected = expected_shift(net, members, total) if abs(total) > 1e-12 else 0.0
        np.testing.assert_allclose(shift[members], expected, rtol=1e-12)
        if expected:  # it is a way up
            step = net.at(net.p + 1e-7 * np.where(members, expected, 0.0))
            assert dual_value(net, step.p) > dual_value(net, net.p)


def test_shift_leaves_balanced_components_alone():
    net = star_network(missing=[0.5, -0.3], capacity=[1.0, 1.0])
    label = np.zeros(3, np.int32)
    rhs = net.supply.copy()
    each = np.arange(3, dtype=np.int32)
    shift = kernels.shift_components(
        label, each, rhs, net.p, net.side, np.zeros(2), *net.arcs, 1e-12
    )
    assert not shift.any()
    np.testing.assert_allclose(rhs, net.supply, atol=1e-15)


def leaves(net):
    """Of each arc of weight zero the end with fewer of them."""
    zero = np.flatnonzero(net.weight == 0)
    degree = np.bincount(np.r_[net.tail[zero], net.head[zero]], minlength=net.n)
    tail, head = net.tail[zero], net.head[zero]
    return zero, np.where(degree[tail] < degree[head], tail, head)


def route(net, flow, missing):
    zero, leaf = leaves(net)
    return kernels.route(zero, leaf, net.side, net.tail, net.head, net.capacity, flow, missing)


def test_route_along_tight_arcs():
    """Each leaf of a star takes what it misses, clipped; what does not fit is left at the hub."""
    net = star_network(missing=[2.0, -0.3, 0.5], capacity=[1.0, 1.0, 1.0])
    flow, missing = np.zeros(3), net.supply.copy()
    wish = route(net, flow, missing)
    np.testing.assert_allclose(wish, [2.0, -0.3, 0.5])
    np.testing.assert_allclose(flow, [1.0, 0.0, 0.5])
    np.testing.assert_allclose(missing, [-0.7, 1.0, -0.3, 0.0])


def test_route_meets_everything_within_capacity():
    net = star_network(missing=[0.5, 0.3, 0.9], capacity=[1.0, 1.0, 1.0])
    flow, missing = np.zeros(3), net.supply.copy()
    route(net, flow, missing)
    np.testing.assert_allclose(flow, [0.5, 0.3, 0.9])
    np.testing.assert_allclose(missing, 0.0, atol=1e-15)


def test_route_conserves(network):
    net = network
    zero, _ = leaves(net)
    flow, _, missing = respond(net)
    before_flow, before = flow.copy(), missing.copy()
    wish = route(net, flow, missing)
    D = incidence(net.tail, net.head, net.n)
    np.testing.assert_allclose(missing, before - D @ (flow - before_flow), atol=1e-12)
    tight = zero[net.side[zero] == 0]
    untouched = np.setdiff1d(np.arange(flow.size), tight)
    np.testing.assert_array_equal(flow[untouched], before_flow[untouched])
    np.testing.assert_allclose(
        flow[tight], np.clip(wish[net.side[zero] == 0], 0, net.capacity[tight]), atol=0
    )


def test_clamp_stops_at_the_kink(network, rng):
    net = network
    zero, leaf = leaves(net)
    trial = net.p + 2 * rng.normal(size=net.n)
    wanted = trial.copy()
    landed = kernels.clamp(zero, leaf, net.side, net.tail, net.head, net.cost, net.p, trial)
    gap = trial[net.head[zero]] - trial[net.tail[zero]] - net.cost[zero]
    loose = net.side[zero] != 0
    assert (gap[loose] * net.side[zero][loose] >= -1e-14).all()
    assert not landed[~loose].any()
    np.testing.assert_allclose(gap[landed], 0.0, atol=1e-14)
    others = np.setdiff1d(np.arange(net.n), leaf[landed])
    np.testing.assert_array_equal(trial[others], wanted[others])


def only(net, v):
    """Incidence lists in which no node but v has arcs."""
    indptr, plain, arc = arcs_of(net)
    alone = np.zeros(net.n + 1, np.int64)
    alone[v + 1 :] = indptr[v + 1] - indptr[v]
    here = np.where(np.arange(net.n) == v, plain, 0)
    return alone, here, arc[indptr[v] : indptr[v + 1]].copy()


@pytest.mark.parametrize("seed", SEEDS)
def test_sweep_relaxes_one_node_exactly(seed):
    """0 lies in the range of imbalances that the arcs at the node allow, or nothing can help."""
    net = random_network(np.random.default_rng(seed))
    for v in range(net.n):
        p, side = net.p.copy(), net.side.copy()
        sweep_kernels.sweep(p, side, *only(net, v), *net.arcs, net.supply, 0.0)
        assert (np.delete(p, v) == np.delete(net.p, v)).all()
        after = net.at(p, side)
        low, high = imbalance_range(after, v)
        scale = 1e-10 * (1 + abs(net.supply[v]) + abs(p).max() / net.weight[net.weight > 0].min())
        least, most = (
            imbalance_range(after.pushed(v, 1e9), v)[0],
            imbalance_range(after.pushed(v, -1e9), v)[1],
        )
        if least <= 0 <= most:
            assert low <= scale
            assert high >= -scale
        assert dual_value(net, p) >= dual_value(net, net.p) - 1e-12


def test_sweeps_climb_to_the_optimum(network):
    net = network
    seen = arcs_of(net)
    p, side = net.p.copy(), net.side.copy()
    value = dual_value(net, p)
    for _ in range(30):
        sweep_kernels.sweep(p, side, *seen, *net.arcs, net.supply, 1e-12)
        new = dual_value(net, p)
        assert new >= value - 1e-10 * (1 + abs(value))
        value = new
        zero = net.weight == 0
        gap = (p[net.head] - p[net.tail] - net.cost)[zero]
        assert (gap[side[zero] > 0] >= -1e-12).all()
        assert (gap[side[zero] < 0] <= 1e-12).all()
        np.testing.assert_allclose(gap[side[zero] == 0], 0.0, atol=1e-12)


def test_sweep_leaves_a_balanced_node_alone():
    net = star_network(missing=[0.0, 0.0, 0.0], capacity=[1.0, 1.0, 1.0])
    p, side = net.p.copy(), net.side.copy()
    seen = arcs_of(net)
    sweep_kernels.sweep(p, side, *seen, *net.arcs, net.supply, 1e-12)
    assert (p == net.p).all()
    assert (side == net.side).all()
