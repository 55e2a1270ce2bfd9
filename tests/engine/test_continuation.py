"""The tangent of the path: along it all nodes stay balanced while the weights change together."""

from dataclasses import replace

import numpy as np
import pytest
from tests.engine.test_subnetwork import network_of, never_short
from tests.kernels.networks import random_network

from quot.network.continuation import lower, predicted
from quot.network.network import FlowState, Network
from quot.network.newton import solve_newton
from quot.network.point import Point

TOL = 1e-12


@pytest.fixture(autouse=True)
def exact(tune):
    tune(tangent=1e-13)


def solved(network):
    start = FlowState.at(network, np.zeros(network.n_nodes))
    found = solve_newton(network, start, tol=TOL, max_iter=300)
    assert found.residual <= TOL
    return found


@pytest.mark.parametrize("seed", range(8))
def test_nodes_stay_balanced(seed):
    rng = np.random.default_rng(seed)
    network = network_of(never_short(random_network(rng, n=9, leaves=seed % 4), rng))
    here = solved(network)
    active = Point.at(network, here.potentials, here.side).slope > 0.0
    for t in (-1e-5, 1e-5):
        other = replace(network, weight=(1.0 + t) * network.weight)
        there = predicted(network, here, t).potentials
        moved = Point.at(other, there, here.side)
        assert np.array_equal(active, moved.slope > 0.0)
        assert moved.residual <= 100 * TOL
        assert Point.at(other, here.potentials, here.side).residual > 1e-7


def test_two_nodes_and_one_apart():
    """One arc that carries b at p1 - p0 = l + w b: the way is w b, half for each end."""
    network = Network(
        np.array([0], np.int32), np.array([1], np.int32), np.array([0.3]), np.array([2.0]),
        np.array([np.inf]), np.array([False]), np.array([-0.7, 0.7, 0.0]),
    )  # fmt: skip
    here = solved(network)
    move = predicted(network, here, 1.0).potentials - here.potentials
    np.testing.assert_allclose(move, [-0.7, 0.7, 0.0], rtol=1e-12)


@pytest.mark.parametrize("steps", [0, 2, 5, 15, 30])
def test_steps_down_end_at_the_last_scale(steps):
    """Longer after few Newton steps, shorter after many, and none that is next to nothing."""
    scale, factor, factors = 1e4, 2.5, []
    while scale > 1.0:
        lower_scale, factor = lower(scale, 1.0, factor, steps)
        assert 1.0 <= lower_scale < scale / 1.05
        factors.append(factor)
        scale = lower_scale
    assert scale == 1.0
    assert (factors[0] > 2.5) == (steps <= 2)
    assert (factors[0] < 2.5) == (steps > 25)
    assert max(factors) <= 8.0
    assert min(factors) >= 1.2
