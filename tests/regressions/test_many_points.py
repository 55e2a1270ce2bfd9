"""Partial problems between so many points that pairs are listed, near or at the linear one."""

import numpy as np
import pytest

import quot


def clouds(seed, n):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 2)), 0.7 * rng.normal(size=(n, 2)) + 1.0


def test_a_whole_number_of_equal_masses_leaves_no_crumb_that_asks_for_more_pairs():
    """One of 3e-14 asked for twice as many each time, until memory was said not to do."""
    r = quot.solve_points(*clouds(0, 20_000), mass=0.7)
    assert r.converged
    assert r.plan.nnz == 14_000
    assert max(k.round for k in r.history) <= 3


@pytest.mark.parametrize(("n", "reg", "mass"), [(12_000, 0.01728, 0.5), (6000, 0.047, 0.3)])
def test_near_the_linear_problem_what_cycles_end_with_will_do(n, reg, mass):
    """Newton does not get there: equal masses leave it open which rows are full."""
    r = quot.solve_points(*clouds(75, n), reg=reg, mass=mass)
    assert r.converged
    assert r.certificate.primal_residual <= 1e-15
    near = quot.solve_points(*clouds(75, n), mass=mass)
    most = 0.5 * reg * (near.plan.values**2).sum()
    assert near.value <= r.value <= near.value + most * (1.0 + 1e-6)


def test_prices_count_from_what_is_paid():
    """Points that coincide cost nothing: beside what others cost squares have no digits."""
    X, Y = np.random.default_rng(1).integers(0, 30, (2, 6000, 2)).astype(float)
    r = quot.solve_points(X, Y, reg=1e-3, mass=0.7)
    assert r.converged
    assert r.cost == 0.0
    assert r.certificate.relative_gap <= 1e-9
    assert r.certificate.primal_residual <= 1e-14


@pytest.mark.parametrize("reg", [0.04, 1e-7])
def test_what_costs_next_to_nothing_elsewhere_is_not_dear(reg):
    """Most points coincide with others, but not all: some have to pay for the nearest."""
    X, Y = np.random.default_rng(0).integers(0, 30, (2, 1000, 2)).astype(float)
    r = quot.solve_points(X, Y, reg=reg, mass=0.7)
    assert r.converged
    assert r.cost == pytest.approx(0.199, rel=1e-9)
    assert sum(k.inner for k in r.history) <= 60
