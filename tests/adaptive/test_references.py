"""Joint ascent, sweeps and Dykstra's projections, against each other and CLARABEL."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from tests.oracles.perplexity import adaptive_by_clarabel

from quot.adaptive.dykstra import dykstra
from quot.adaptive.joint import joint
from quot.adaptive.sweeps import sweeps
from quot.exceptions import InvalidProblemError
from quot.problem import AdaptiveProblem

METHODS = (joint, dykstra, sweeps)
SIDES = {"source": (3.0, None), "target": (None, 3.5), "both": (3.0, 3.5), "neither": (None, None)}


def instance(rng, n, m, asked, regularizer, uniform=False, scale=1.0):
    C = cdist(rng.normal(size=(n, 2)), 0.7 * rng.normal(size=(m, 2)) + 1.0, "sqeuclidean")
    a, b = rng.dirichlet(np.full(n, 5.0)), rng.dirichlet(np.full(m, 5.0))
    if uniform:
        a, b = np.full(n, 1 / n), np.full(m, 1 / m)
    return AdaptiveProblem(
        C / C.max(),
        scale * a,
        scale * b,
        row_perplexity=asked[0],
        col_perplexity=asked[1],
        regularizer=regularizer,
    )


def floor_of(problem, part):
    """A floor in parts of the largest cost; quadratic ones are in cost per mass."""
    n, _ = problem.shape
    return part * (1.0 if problem.regularizer == "entropic" else n / problem.total)


def methods(problem):
    both = problem.row_perplexity is not None and problem.col_perplexity is not None
    return METHODS[:2] if both else METHODS


def by_clarabel(problem, floor):
    return adaptive_by_clarabel(
        problem.cost.block(0, problem.shape[0]),
        problem.a,
        problem.b,
        problem.row_perplexity,
        problem.col_perplexity,
        problem.regularizer,
        floor,
    )


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("regularizer", ["quadratic", "entropic"])
def test_all_find_the_plan_of_clarabel(rng, regularizer, side):
    for n, m, part in ((8, 10, 0.1), (9, 6, 0.3)):
        problem = instance(rng, n, m, SIDES[side], regularizer)
        floor = floor_of(problem, part)
        oracle = by_clarabel(problem, floor)
        first = None
        for method in methods(problem):
            found = method(problem, floor, 5000, 1e-9)
            assert found.wrong <= (1e-6 if method is joint else 1e-9)
            first = found if first is None else first
            np.testing.assert_allclose(found.plan, first.plan, atol=1e-7)
            np.testing.assert_allclose(found.plan, oracle, atol=3e-5)


@pytest.mark.parametrize("regularizer", ["quadratic", "entropic"])
def test_bounds_count_and_are_met_with_the_multipliers(rng, regularizer):
    problem = instance(rng, 10, 8, (5.0, 4.0), regularizer)
    floor = floor_of(problem, 0.1)
    h = (lambda p: p * p / 2) if regularizer == "quadratic" else (lambda p: p * (np.log(p) - 1))
    for method in methods(problem):
        found = method(problem, floor, 5000, 1e-10)
        P = np.maximum(found.plan, 1e-300)
        E = floor + found.eps[:, None] + found.delta
        y = (found.f[:, None] + found.g - problem.cost.block(0, 10)) / E
        made = np.maximum(y, 0.0) if regularizer == "quadratic" else np.exp(y)
        np.testing.assert_allclose(found.plan, made, rtol=1e-12, atol=1e-16)
        assert (found.eps > 0).any()
        for multiplier, bounds, spread in (
            (found.eps, problem.row_bounds, h(P).sum(axis=1)),
            (found.delta, problem.col_bounds, h(P).sum(axis=0)),
        ):
            assert multiplier.min() >= 0.0
            assert (spread - bounds <= 1e-5 * np.abs(bounds)).all()
            tight = multiplier > 1e-4 * floor
            np.testing.assert_allclose(spread[tight], bounds[tight], rtol=1e-5)


@pytest.mark.parametrize("regularizer", ["quadratic", "entropic"])
@pytest.mark.parametrize("asked", [(3.0, 3.0), (2.0, 5.0)])
def test_sums_of_bounds_that_agree_and_that_do_not(rng, regularizer, asked):
    """Uniform masses: where they agree a constant may go from rows to columns, and nothing else."""
    problem = instance(rng, 8, 8, asked, regularizer, uniform=True)
    assert np.isclose(problem.row_bounds.sum(), problem.col_bounds.sum()) == (asked[0] == asked[1])
    floor = floor_of(problem, 0.1)
    plans = [method(problem, floor, 5000, 1e-9).plan for method in METHODS[:2]]
    np.testing.assert_allclose(plans[0], plans[1], atol=1e-7)
    np.testing.assert_allclose(plans[1], by_clarabel(problem, floor), atol=3e-5)


@pytest.mark.parametrize("regularizer", ["quadratic", "entropic"])
def test_columns_are_rows_of_the_problem_turned(rng, regularizer):
    problem = instance(rng, 6, 9, (None, 4.0), regularizer)
    floor = floor_of(problem, 0.2)
    for method in METHODS:
        one = method(problem, floor, 3000, 1e-9)
        other = method(problem.turned, floor, 3000, 1e-9)
        np.testing.assert_allclose(one.plan, other.plan.T, atol=1e-7)
        np.testing.assert_allclose(one.delta, other.eps, atol=1e-4 * max(floor, one.delta.max()))


@pytest.mark.parametrize("regularizer", ["quadratic", "entropic"])
def test_masses_in_other_units(rng, regularizer):
    state = rng.bit_generator.state
    problem = instance(rng, 7, 7, (3.0, None), regularizer)
    rng.bit_generator.state = state
    scaled = instance(rng, 7, 7, (3.0, None), regularizer, scale=1e6)
    for method in METHODS:
        one = method(problem, floor_of(problem, 0.2), 3000, 1e-8)
        other = method(scaled, floor_of(scaled, 0.2), 3000, 1e-8)
        np.testing.assert_allclose(other.plan / 1e6, one.plan, atol=1e-6)


def test_the_kernel_is_not_truncated(rng):
    """From max(-C/floor, 0) = 0 projections find the plan nearest to 0: that of no cost at all."""
    problem = instance(rng, 8, 8, (3.0, 3.0), "quadratic", uniform=True)
    C, product = problem.cost.block(0, 8), np.outer(problem.a, problem.b)
    floor = floor_of(problem, 0.1)
    found = dykstra(problem, floor, 3000, 1e-9)
    assert (C * found.plan).sum() < 0.8 * (C * product).sum()
    forgotten = AdaptiveProblem(
        np.zeros((8, 8)), problem.a, problem.b, row_perplexity=3.0, col_perplexity=3.0
    )
    nearest = dykstra(forgotten, floor, 3000, 1e-9)
    np.testing.assert_allclose(nearest.plan, product, atol=1e-12)


def test_sweeps_do_not_take_both_sides(rng):
    problem = instance(rng, 5, 5, (2.0, 2.0), "quadratic")
    with pytest.raises(InvalidProblemError, match="asks for both; leave"):
        sweeps(problem, 1.0, 10, 1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_steps_are_counted_and_can_be_interrupted(rng, method):
    problem = instance(rng, 8, 9, (4.0, None), "quadratic")
    seen = []
    found = method(problem, floor_of(problem, 0.1), 4, 1e-12, lambda: seen.append(0))
    assert 4 <= len(seen) <= 5
    assert found.wrong > 1e-12

    def stop():
        raise TimeoutError

    with pytest.raises(TimeoutError):
        method(problem, 1.0, 4, 1e-12, stop)
