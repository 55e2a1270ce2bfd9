"""A subnetwork solved while all others stay: the dual rises, and its nodes need nothing more."""

import numpy as np
import pytest
from tests.checks import EPS
from tests.kernels.networks import Net, dual_value, imbalance_range, network_of, random_network

from quot.kernels import flow as kernels
from quot.network import mend
from quot.network.network import FlowState
from quot.network.newton import solve_newton
from quot.network.subnetwork import Subnetwork

TOL = 1e-11


def never_short(net, rng):
    """The network with a dear arc without limit both ways between all neighbours in a ring.

    Then every subnetwork can be fed, whatever the capacities of the others.
    """
    ring = np.arange(net.n, dtype=np.int32)
    return Net(
        np.r_[net.tail, ring], np.r_[net.head, np.roll(ring, 1)],
        np.r_[net.cost, rng.uniform(1, 2, net.n)], np.r_[net.weight, np.ones(net.n)],
        np.r_[net.capacity, np.full(net.n, np.inf)], np.r_[net.undirected, np.ones(net.n, bool)],
        net.supply, net.p, np.r_[net.side, np.zeros(net.n, np.int8)],
    )  # fmt: skip


def part_of(network, inside, potentials, side):
    """The subnetwork of some nodes."""
    touched = inside[network.tail] | inside[network.head]
    arcs = np.flatnonzero(touched)
    return Subnetwork(network, np.flatnonzero(inside), arcs, potentials, side)


def solved_subnetwork(net, inside):
    """What the subnetwork ends with, and the whole network with that written into it."""
    sub = part_of(network_of(net), inside, net.p, net.side)
    found = solve_newton(sub.network, sub.start, tol=TOL, max_iter=300)
    p, side = net.p.copy(), net.side.copy()
    sub.put_back(found, p, side)
    return found, net.at(p, side)


@pytest.fixture(params=range(12))
def case(request):
    rng = np.random.default_rng(request.param)
    leaves = int(rng.integers(0, 5))
    size = int(rng.integers(3, 12))
    net = never_short(random_network(rng, size, arcs=3 * size, leaves=leaves), rng)
    inside = rng.random(net.n) < rng.uniform(0.1, 0.9)
    inside[rng.integers(net.n)] = True
    inside[rng.integers(net.n)] = False
    return (net, inside) if inside.any() else (net, ~inside)


def gain(net, after):
    return kernels.gain(net.p, after.p, *net.arcs, net.supply)


def test_the_dual_rises(case):
    net, inside = case
    _, after = solved_subnetwork(net, inside)
    size = np.abs(net.supply) @ (np.abs(net.p) + np.abs(after.p)) + abs(dual_value(net, net.p))
    assert gain(net, after) >= -100 * EPS * size
    np.testing.assert_allclose(
        gain(net, after), dual_value(net, after.p) - dual_value(net, net.p), atol=1e-13 * size
    )


def test_others_stay_where_they_are(case):
    net, inside = case
    _, after = solved_subnetwork(net, inside)
    np.testing.assert_array_equal(after.p[~inside], net.p[~inside])
    far = ~(inside[net.tail] | inside[net.head])
    np.testing.assert_array_equal(after.side[far], net.side[far])


def test_nodes_inside_are_balanced(case):
    """Up to the tight arcs of weight zero, which carry what their ends need."""
    net, inside = case
    found, after = solved_subnetwork(net, inside)
    assert found.residual <= TOL
    blur = 1e-12 * (1 + np.abs(after.p).max()) / net.weight[net.weight > 0].min()
    for v in np.flatnonzero(inside):
        low, high = imbalance_range(after, v)
        assert low - TOL - blur <= 0 <= high + TOL + blur


def test_the_sides_of_arcs_of_weight_zero_fit_their_tension(case):
    net, inside = case
    _, after = solved_subnetwork(net, inside)
    zero = (net.weight == 0) & (inside[net.tail] | inside[net.head])
    tension = after.p[net.head] - after.p[net.tail] - net.cost
    assert (tension[zero & (after.side > 0)] >= -1e-12).all()
    assert (tension[zero & (after.side < 0)] <= 1e-12).all()
    assert (np.abs(tension[zero & (after.side == 0)]) <= 1e-12).all()


def test_a_subnetwork_sees_what_the_whole_network_sees(case):
    """At the start its arcs carry, and its nodes miss, what they do in the whole."""
    net, inside = case
    sub = part_of(network_of(net), inside, net.p, net.side)
    part, start = sub.network, sub.start
    flow, _, missing = kernels.respond(start.potentials, start.side, *part.response, part.supply)
    whole, _, imbalance = kernels.respond(net.p, net.side, *net.arcs, net.supply)
    np.testing.assert_allclose(missing[:-1], imbalance[inside], atol=1e-12)
    assert missing.sum() == pytest.approx(0.0, abs=1e-12)
    there = np.zeros(net.tail.size)
    np.add.at(there, sub.arcs, flow[: sub.arcs.size])
    twins = sub.arcs[net.undirected[sub.arcs] & ~(inside[net.tail] & inside[net.head])[sub.arcs]]
    there[twins] -= flow[sub.arcs.size :]
    np.testing.assert_allclose(there[sub.arcs], whole[sub.arcs], atol=1e-12)


def test_a_subnetwork_of_a_subnetwork(case):
    """The world outside stays outside: the ground of a part is outside of parts of it."""
    net, inside = case
    sub = part_of(network_of(net), inside, net.p, net.side)
    assert sub.network.is_hub[sub.network.anchor]
    within = np.zeros(sub.network.n_nodes, bool)
    within[0] = True
    inner = part_of(sub.network, within, sub.start.potentials, sub.start.side)
    found = solve_newton(inner.network, inner.start, tol=TOL, max_iter=300)
    p, side = sub.start.potentials.copy(), sub.start.side.copy()
    inner.put_back(found, p, side)
    assert p[-1] == 0.0
    middle = net.p.copy()
    sub.put_back(FlowState(p, side, found.flow), middle, net.side.copy())
    changed = np.flatnonzero(middle != net.p)
    assert changed.size <= 1
    assert gain(net, net.at(middle)) >= -1e-12


@pytest.mark.parametrize("seed", range(3))
def test_a_subnetwork_that_falls_apart(seed):
    """Places on a ring that do not touch, each with its own way to the world: all are solved."""
    rng = np.random.default_rng(seed)
    net = never_short(random_network(rng, 40, arcs=0, leaves=0), rng)
    weight = net.weight * 10.0 ** rng.uniform(-3, 3, net.tail.size)
    net = Net(*net.arcs[:3], weight, *net.arcs[4:], net.supply, net.p, net.side)
    inside = np.zeros(net.n, bool)
    inside[[2, 3, 4, 10, 11, 20, 30, 31, 32, 33]] = True
    sub = part_of(network_of(net), inside, net.p, net.side)
    label, count = sub.network.parts
    assert count == 5  # and the ground
    assert [label[k] for k in (0, 3, 5, 6)] == [label[k] for k in (2, 4, 5, 9)]
    found = solve_newton(sub.network, sub.start, tol=TOL, max_iter=300)
    p, side = net.p.copy(), net.side.copy()
    sub.put_back(found, p, side)
    _, _, missing = kernels.respond(p, side, *net.arcs, net.supply)
    stiffness = 4 * np.abs(p).max() / net.weight.min()
    assert np.abs(missing[inside]).max() <= TOL + 1e-15 * stiffness
    for members in ([2, 3, 4], [10, 11], [20], [30, 31, 32, 33]):  # each of them is better off
        moved = net.p.copy()
        moved[members] = p[members]
        assert kernels.gain(net.p, moved, *net.arcs, net.supply) > 0


@pytest.mark.parametrize("seed", range(5))
def test_newton_mends_what_few_nodes_miss(seed, monkeypatch, tune):
    """From an optimum with two nodes moved: parts are solved, and the optimum is found again."""
    rng = np.random.default_rng(seed)
    net = never_short(random_network(rng, 60, arcs=150), rng)
    network = network_of(net)
    start = FlowState.at(network, net.p)
    there = solve_newton(network, start, tol=TOL, max_iter=500)
    assert there.residual <= TOL
    off = there.potentials.copy()
    off[rng.permutation(60)[:2]] += 0.5
    made = []
    tune(mended=20, mended_bad=0.9, mended_part=0.9, rings=1, sweeps=0)
    monkeypatch.setattr(mend, "Subnetwork", lambda *args: made.append(1) or Subnetwork(*args))
    again = FlowState(off, there.side, there.flow)
    found = solve_newton(network, again, tol=TOL, max_iter=500)
    assert made
    assert found.residual <= TOL
    np.testing.assert_allclose(
        dual_value(net, found.potentials), dual_value(net, there.potentials), rtol=1e-12
    )
