"""Masses over many decades, equal points, and floors that must be low: everyday inputs."""

import numpy as np
import pytest
from tests.oracles.perplexity import adaptive_by_clarabel, perplexity

import quot
from quot.adaptive.pairs import Pairs
from quot.adaptive.rows import AdaptiveRows, Answer, floors
from quot.plan import Plan
from quot.problem import AdaptiveProblem, Problem
from quot.rounding import repair
from quot.settings import using

SIDES = ["source", "target", "both"]


def grid(k):
    return np.stack(np.meshgrid(np.arange(k), np.arange(k)), -1).reshape(-1, 2) / k


def blob(k, center, width):
    """A Gaussian picture, its tail included."""
    mass = np.exp(-((grid(k) - center) ** 2).sum(axis=1) / (2 * width**2))
    return mass / mass.sum()


def squares(X, Y):
    return ((X[:, None] - Y) ** 2).sum(axis=-1)


def check(r, rel=1e-8):
    """By the definitions, the lower bound apart; and Newton's method got there by itself."""
    assert r.method == "newton"
    problem, P = r.problem, r.plan.to_dense()
    assert r.converged, r
    assert r.certificate.relative_gap <= rel
    np.testing.assert_allclose(P.sum(axis=1), problem.a, atol=1e-15)
    np.testing.assert_allclose(P.sum(axis=0), problem.b, atol=1e-15)
    for lines, asked in ((P, problem.row_perplexity), (P.T, problem.col_perplexity)):
        if asked is not None:
            found = [perplexity(line / line.max(), problem.regularizer) for line in lines]
            assert (np.array(found) >= asked * (1 - 1e-8)).all()


@pytest.mark.parametrize("on", SIDES)
@pytest.mark.parametrize("width", [0.1, 0.05])
def test_pictures(on, width):
    """Masses down to 1e-36, and to 1e-170; on candidates and from a coarse level."""
    a, b = blob(20, (0.3, 0.3), width), blob(20, (0.6, 0.7), 2 * width)
    with using(shared=20_000):
        r = quot.solve_adaptive(quot.PointCost(grid(20), grid(20)), a, b, perplexity=5, on=on)
    check(r)
    assert max(h.level for h in r.history) > 0


@pytest.mark.parametrize("on", SIDES)
@pytest.mark.parametrize("regularizer", ["quadratic", "entropic"])
def test_tails_change_nothing(on, regularizer):
    """What is below rounding is as good as not there; what is left CLARABEL solves."""
    a, b, C = blob(5, (0.3, 0.3), 0.1), blob(5, (0.6, 0.5), 0.12), squares(grid(5), grid(5))
    asked = 2.0 if on != "both" else (2.0, 2.5)
    r = quot.solve_adaptive(C, a, b, perplexity=asked, on=on, regularizer=regularizer)
    check(r)
    rows, cols = a > 1e-6, b > 1e-6
    xi = {"source": (2.0, None), "target": (None, 2.0), "both": (2.0, 2.5)}[on]
    kept = a[rows] / a[rows].sum(), b[cols] / b[cols].sum()
    C = C[np.ix_(rows, cols)]
    P = adaptive_by_clarabel(C, *kept, *xi, regularizer, 0.0)
    assert r.value == pytest.approx((C * P).sum(), rel=1e-4)


def test_columns_of_little_mass_are_exact_after_few_steps(rng):
    """Directions need the entries of such columns, too; rounding of the costs decides nothing."""
    a, b, C = blob(5, (0.3, 0.3), 0.1), blob(5, (0.6, 0.5), 0.12), squares(grid(5), grid(5))
    for _ in range(5):
        C *= 1.0 + 1e-14 * rng.random(C.shape)
        r = quot.solve_adaptive(C, a, b, perplexity=(2.0, 2.5), on="both", regularizer="entropic")
        check(r)
        assert r.history[-1].inner <= 5


@pytest.mark.parametrize("regularizer", ["quadratic", "entropic"])
def test_masses_down_to_the_smallest_numbers(rng, regularizer):
    """With that of one row there is nothing to share."""
    a, b = np.array([1.0, 1e-40, 1e-200, 5e-324, 1.0, 0.5]), np.full(9, 2.5 / 9)
    C = rng.random((6, 9))
    r = quot.solve_adaptive(C, a, b, perplexity=3, regularizer=regularizer)
    assert r.converged
    assert r.row_perplexity[[0, 1, 2, 4, 5]].min() >= 3 * (1 - 1e-8)
    heavy = a > 1e-30
    without = quot.solve_adaptive(C[heavy], a[heavy], b, perplexity=3, regularizer=regularizer)
    assert r.value == pytest.approx(without.value, rel=1e-8)
    assert np.isfinite(r.f).all()
    assert np.isfinite(r.row_multipliers).all()


@pytest.mark.parametrize("on", SIDES)
def test_heavy_points_among_light_ones(rng, on):
    C = squares(rng.normal(size=(150, 2)), rng.normal(size=(120, 2)))
    a, b = (10 ** rng.uniform(-6, 0, k) for k in C.shape)
    r = quot.solve_adaptive(C, a / a.sum(), b / b.sum(), perplexity=1.5, on=on)
    check(r)


def test_few_points_and_many_that_share_narrowly(rng):
    """The many answer, whichever side they are on."""
    cost = quot.PointCost(rng.normal(size=(60, 2)), rng.normal(size=(1500, 2)))
    r = quot.solve_adaptive(cost, perplexity=(30, 2), on="both")
    turned = quot.solve_adaptive(
        quot.PointCost(*reversed(cost.positions)), perplexity=(2, 30), on="both"
    )
    check(r)
    assert turned.value == pytest.approx(r.value, rel=1e-8)


def test_copies_of_points_share_the_cheapest_plan(rng):
    """20 copies of each take 20 others between them anyway."""
    X, Y = np.repeat(rng.normal(size=(25, 2)), 20, axis=0), rng.normal(size=(500, 2))
    r = quot.solve_adaptive(quot.PointCost(X, Y), perplexity=10)
    check(r)
    assert r.value == pytest.approx(quot.solve_points(X, Y).value, rel=1e-8)


def test_a_value_that_is_small_beside_costs(rng):
    """Digits of prices are not what limits it: costs are 1e7 times the optimal value."""
    X = rng.normal(size=(60, 2))
    Y = X + 1e-3 * rng.normal(size=(60, 2))
    a = 10 ** rng.uniform(-4, 0, 60)
    r = quot.solve_adaptive(squares(1e3 * X, 1e3 * Y) + 1e5, a / a.sum(), perplexity=1.2)
    check(r)


def test_floors_are_as_masses(rng):
    """Prices of all columns are known to as much; entropic ones are anyway."""
    b = rng.dirichlet(np.full(8, 0.3))
    for regularizer, expected in (("quadratic", 0.5 / 8 / b), ("entropic", np.full(8, 0.5))):
        problem = AdaptiveProblem(
            rng.random((5, 8)), np.full(5, 0.2), b, row_perplexity=1.1, regularizer=regularizer
        )
        np.testing.assert_allclose(floors(problem, 0.5), expected)


@pytest.mark.parametrize("regularizer", ["quadratic", "entropic"])
def test_reduced_costs_leave_answers_as_they_are(rng, regularizer):
    C, f0, g0 = rng.random((6, 8)), rng.normal(size=6), rng.normal(size=8)
    problem = AdaptiveProblem(C, np.full(6, 1 / 6), row_perplexity=2.0, regularizer=regularizer)
    pairs, v = Pairs.every(problem), 0.1 * rng.random(8)
    near = Answer(v, np.zeros(6), np.ones(6), np.empty((3, 6)))
    answer, got, _ = AdaptiveRows(problem, pairs, np.full(8, 0.1)).respond(v, near)
    rows = AdaptiveRows(problem, pairs.reduced(f0, g0), np.full(8, 0.1))
    near = Answer(v - g0, np.zeros(6), np.ones(6), np.empty((3, 6)))
    reduced, other, _ = rows.respond(v - g0, near)
    np.testing.assert_allclose(other, got, rtol=1e-10)
    np.testing.assert_allclose(reduced.f + f0, answer.f, rtol=1e-10)
    assert rows.reach == pytest.approx(np.ptp(C))
    turned = pairs.reduced(f0, g0).turned
    np.testing.assert_allclose(turned.cost.reshape(8, 6), (C - f0[:, None] - g0).T)


def test_repair_leaves_rounding_to_the_heaviest(rng):
    """Sums of masses differ by rounding: a column of next to nothing is not to feel that."""
    a, b = rng.dirichlet(np.ones(30)), np.append(rng.dirichlet(np.ones(40)), 1e-12)
    problem = Problem(rng.random((30, 41)), a, b / b.sum())
    plan = quot.solve(problem.cost, problem.a, problem.b, reg=0.5).plan
    entries = plan.values * (1.0 + 1e-9 * rng.random(plan.nnz))
    mended = repair(problem, Plan(plan.shape, plan.rows, plan.cols, entries))
    np.testing.assert_allclose(mended.col_sums()[-1], problem.b[-1], rtol=1e-9)
