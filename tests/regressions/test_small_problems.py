"""Faults that the properties found, since fixed; each test is the smallest case that showed it."""

import numpy as np
import pytest
import scipy.sparse as sp
from tests.checks import everywhere

import quot
from quot.pairs import Pricer
from quot.rounding import repair, round_sparse


def test_empty_plan_can_be_repaired():
    """`numpy.bincount` of nothing counts in integers."""
    empty = quot.Plan.from_dense(np.zeros((1, 1)))
    assert empty.row_sums().dtype == np.float64
    assert repair(quot.Problem([[1.0]]), empty).to_dense() == [[1.0]]
    assert round_sparse(empty, np.ones(1), np.ones(1), 0.5).total == 0.5


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_direction_of_very_long_and_very_short_points(scale):
    """Their norms over- and underflow."""
    cost = quot.PointCost(scale * np.eye(2), np.eye(2), metric="cosine")
    np.testing.assert_allclose(cost.block(0, 2), 1 - np.eye(2), atol=1e-15)


def test_pairs_of_no_slack_are_candidates():
    """They were neither active nor next."""
    cost = quot.costs.as_cost(np.zeros((3, 4)))
    near, _, _ = Pricer().nearest(cost, np.zeros(3), np.zeros(4), 1, everywhere((3, 4)))
    assert near.size == 12


def test_sides_shorter_than_the_lists_of_candidates():
    """The lists of columns were as long as those of rows."""
    C = np.random.default_rng(0).random((5, 2000))
    assert quot.solve(C, reg=0.1).converged
    assert quot.solve(C.T.copy(), reg=0.1).converged


@pytest.mark.parametrize(
    ("C", "a", "b", "mass"),
    [
        ([[0.0, 1.0, 0.0]], None, None, 0.51),
        ([[0.64, 0.27]], [1.0], [2.1e-12, 5.4e-13], 1.3e-12),
        ([[0.57]], [1.0], [2.06e-12], 2e-21),
        ([[0.64], [0.27]], [0.5, 0.5], [1.16e-9], 5.8e-10),
    ],
)
@pytest.mark.parametrize("reg", [0.0, 8.7])
def test_no_floating_point_warnings_for_tiny_masses(C, a, b, mass, reg):
    """An interior point divided by zero on its way; warnings are errors here."""
    assert quot.solve(C, a, b, reg=reg, mass=mass).converged


@pytest.mark.parametrize("mass", [None, 0.25])
@pytest.mark.parametrize("reg", [0.0, 1.0])
def test_costs_that_are_all_zero(mass, reg):
    """There is no scale to measure a gap by."""
    assert quot.solve(np.zeros((1, 1)), reg=reg, mass=mass).converged
    r = quot.solve(np.zeros((2, 3)), reg=reg, mass=mass)
    np.testing.assert_allclose(r.plan.to_dense(), (mass or 1.0) / 6, rtol=1e-9)


def test_costs_that_are_mostly_zero():
    """Their median is."""
    assert quot.solve([[2.0, 1, 1, 0, 0, 0, 0]], [1.0], [0.5] * 7, mass=0.5).converged
    allowed = np.array([[0, 1], [1, 1], [1, 1]])
    zeros = sp.csr_array((np.zeros(5), np.nonzero(allowed)), shape=(3, 2))
    assert quot.solve(zeros, [0.25, 0.75, 1.0], [0.75, 1.25]).converged


def test_nothing_to_move_at_negative_cost():
    """lam was left at zero."""
    r = quot.solve([[-999998.0]], [1.0], [0.41], mass=0.0)
    assert r.converged
    assert r.gap == 0.0


def test_potentials_of_tiny_rows_are_feasible():
    """Without reg f + g <= C, also where the gap does not notice."""
    C = np.array([[1e6, -1e6], [4e7, 1e6]])
    r = quot.solve(C, [1.0, 1e-14], [1e-14, 1.0])
    assert (r.f[:, None] + r.g - C).max() <= 1e-8


def test_ties_do_not_lead_the_path_down_to_nothing():
    """On pixels many pairs tie, and more than a tree are active: the path went down for ever."""
    x = (np.arange(16) + 0.5) / 16
    pixels = np.stack(np.meshgrid(x, x, indexing="ij"), axis=-1).reshape(-1, 2)
    a, b = 1 + np.sin(3 * pixels[:, 0]) * pixels[:, 1], 1 + pixels[:, 0] * np.cos(4 * pixels[:, 1])
    r = quot.solve_points(pixels, pixels, a / a.sum(), b / b.sum())
    assert r.converged
    assert r.plan.nnz > 512  # more than a forest has
    assert len(r.history) == 1  # the linear problem, on all pairs


@pytest.mark.parametrize("mass", [None, 0.5])
def test_squares_of_prices_out_of_range(mass):
    """The squares in the bound were more than 1e308 before they were divided by reg."""
    X, Y, b = np.array([[0.0], [1e91]]), np.array([[2e91], [3e91]]), [0.3, 0.7]
    r = quot.solve_points(X, Y, b=b, reg=1e183, mass=mass)
    small = quot.solve_points(X / 1e91, Y / 1e91, b=b, reg=10.0, mass=mass)
    assert r.converged
    assert r.value == pytest.approx(1e182 * small.value, rel=1e-9)


def test_rows_that_have_far_more_than_moves():
    """What was left of them hid what they send: one row sent all, where all cost the same."""
    a = np.array([3e3, 9e2, 5e3, 1.0])
    r = quot.solve(np.full((4, 2), 7.0), a, [1e-13, 0.0], mass=4e-14)
    np.testing.assert_allclose(r.plan.to_dense()[:, 0], 1e-14, rtol=1e-9)
    assert r.converged
