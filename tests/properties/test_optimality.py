"""Answers are optimal: judged by their own bracket, by oracles and by known solutions (T1)."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.checks import EPS, TOL, assert_solved, error_bound, round_off
from tests.design import every_two
from tests.oracles.closed_forms import one_row
from tests.oracles.linear import least_norm, solve_linear
from tests.oracles.quadratic import enumerate_quadratic, solve_quadratic
from tests.strategies import (
    Instance,
    moderate_regs,
    nasty_problems,
    problems,
    rng_of,
    seeds,
    solved_problems,
    sparse_problems,
)

import quot

METHODS = ["auto", "newton"]


def random_instance(rng, n, m, reg, part):
    """Uniform costs, unequal masses; part of the smaller total, None for balanced."""
    a, b = rng.uniform(0.5, 1.5, n), rng.uniform(0.5, 1.5, m)
    a, b = a / a.sum(), b / b.sum()
    return Instance(rng.random((n, m)), a, b, reg, part)


@given(problems())
def test_ordinary_problems(instance):
    assert_solved(instance, quot.solve(*instance.data, **instance.options))


@settings(max_examples=100)
@given(nasty_problems())
def test_nasty_problems(instance):
    assert_solved(instance, quot.solve(*instance.data, **instance.options))


@given(sparse_problems())
def test_forbidden_pairs(instance):
    r = quot.solve(*instance.data, **instance.options)
    assert_solved(instance, r)
    best, _ = solve_linear(instance.C, instance.a, instance.b, instance.mass)
    assert r.cost >= best - 1e-8 * (1 + abs(best))


@pytest.mark.parametrize("method", METHODS[1:])
@settings(max_examples=25)
@given(instance=problems())
def test_each_method(method, instance):
    assert_solved(instance, quot.solve(*instance.data, **instance.options, method=method))


@every_two(method=METHODS, part=[None, 0.01, 0.5, 0.99, 1.0], reg=[0.0, 1e-4, 1e-2, 1.0, 100.0])
def test_t1(method, part, reg):
    """Residual and gap within 1e-9 on n != m, for all masses and strengths."""
    instance = random_instance(np.random.default_rng(1), 23, 31, reg, part)
    mass = None if part is None else part * min(instance.a.sum(), instance.b.sum())
    instance = instance.but(mass=mass)
    r = quot.solve(*instance.data, **instance.options, method=method)
    assert_solved(instance, r)
    unit = max(instance.a.max(), instance.b.max())
    assert r.certificate.primal_residual <= 1e-14 * instance.total / unit
    if reg > 0:  # the natural residual of the multipliers: slack rows and columns have none
        P = r.plan.to_dense()
        spare_rows, spare_cols = instance.a - P.sum(axis=1), instance.b - P.sum(axis=0)
        if part is not None:
            gap = max(r.gap, 0) + round_off(instance, r)
            assert -r.f @ spare_rows <= gap + 1e-15
            assert -r.g @ spare_cols <= gap + 1e-15


@settings(max_examples=25)
@given(
    problems(
        regs=moderate_regs,
        shapes=st.sampled_from([(1, 1), (1, 4), (2, 2), (2, 3), (3, 2), (1, 6)]),
        weight_kinds=("uniform", "random", "integers", "zeros"),
    )
)
def test_against_brute_force(instance):
    value, plan = enumerate_quadratic(
        instance.C, instance.a, instance.b, instance.reg, instance.moved
    )
    r = quot.solve(*instance.data, **instance.options)
    assert (
        abs(r.value - value) <= TOL * abs(value) + round_off(instance, r) + 1e-11 * instance.total
    )
    accuracy = 1e-9 * max(instance.a.max(), instance.b.max())  # of the enumeration
    assert np.linalg.norm(r.plan.to_dense() - plan) <= error_bound(instance, r) + accuracy


@pytest.mark.parametrize("part", [None, 0.3, 0.8, 1.0])
@pytest.mark.parametrize("reg", [1e-3, 0.05, 2.0, 50.0])
def test_against_an_interior_point(part, reg):
    instance = random_instance(np.random.default_rng(7), 12, 17, reg, None)
    mass = None if part is None else part * min(instance.a.sum(), instance.b.sum())
    instance = instance.but(mass=mass)
    value, plan = solve_quadratic(instance.C, instance.a, instance.b, reg, mass)
    r = quot.solve(*instance.data, **instance.options)
    accuracy = 1e-8  # of the oracle, absolute
    assert abs(r.value - value) <= TOL * abs(value) + accuracy
    distance = np.linalg.norm(r.plan.to_dense() - plan)
    assert distance <= error_bound(instance, r) + np.sqrt(2 * accuracy / reg)
    assert distance <= 1e-5


@given(problems(regs=st.just(0.0)))
def test_against_linear_programming(instance):
    value, _ = solve_linear(instance.C, instance.a, instance.b, instance.moved)
    r = quot.solve(*instance.data, **instance.options)
    unit = np.ptp(instance.C) * max(instance.a.max(), instance.b.max())
    accuracy = 1e-9 * unit * sum(instance.shape)  # of HiGHS: its feasibility tolerance
    assert abs(r.value - value) <= TOL * abs(value) + accuracy + round_off(instance, r)


@pytest.mark.parametrize("part", [None, 0.4, 0.9, 1.0])
@pytest.mark.parametrize("ties", [False, True])
def test_without_reg_the_norm_is_least(part, ties):
    rng = np.random.default_rng(2)
    instance = random_instance(rng, 8, 11, 0.0, None)
    if ties:  # many optimal plans
        instance = instance.but(C=rng.integers(0, 3, (8, 11)).astype(float))
    mass = None if part is None else part * min(instance.a.sum(), instance.b.sum())
    instance = instance.but(mass=mass)
    expected = least_norm(instance.C, instance.a, instance.b, mass)
    r = quot.solve(*instance.data, **instance.options)
    assert_solved(instance, r)
    # On the optimal face ||P - P0||^2 <= ||P||^2 - ||P0||^2.
    assert np.linalg.norm(r.plan.values) <= np.linalg.norm(expected) * (1 + 1e-9)
    assert np.linalg.norm(r.plan.to_dense() - expected) <= 1e-6


@given(solved_problems())
def test_known_solutions(solved):
    instance, plan = solved
    r = quot.solve(*instance.data, **instance.options)
    assert_solved(instance, r)
    np.testing.assert_allclose(r.plan.to_dense(), plan, atol=1e-9 * max(plan.max(), EPS))


@given(st.integers(1, 12), seeds, moderate_regs, st.floats(0.01, 1.0), st.booleans())
def test_one_row_and_one_column_fill_up(m, seed, reg, part, ties):
    rng = rng_of(seed)
    c = rng.integers(0, 3, m).astype(float) if ties else rng.random(m)
    b = rng.uniform(0.1, 1.0, m)
    mass = float(part * b.sum())
    expected = one_row(c, b, reg, mass)
    a = np.array([2 * b.sum()])
    instance = Instance(c[None], a, b, reg, mass)
    row = quot.solve(*instance.data, **instance.options)
    np.testing.assert_allclose(
        row.plan.to_dense()[0], expected, atol=error_bound(instance, row) + 1e-14
    )
    column = quot.solve(c[:, None], b, a, reg=reg, mass=mass)
    np.testing.assert_allclose(
        column.plan.to_dense()[:, 0], expected, atol=2 * error_bound(instance, row) + 1e-14
    )


@given(problems(), st.sampled_from([0.0, -0.0]))
def test_nothing_to_move(instance, mass):
    instance = instance.but(mass=mass)
    r = quot.solve(*instance.data, **instance.options)
    assert_solved(instance, r)
    assert r.plan.nnz == 0
    assert r.value == r.cost == 0.0


@pytest.mark.parametrize("reg", [0.0, 0.5])
@pytest.mark.parametrize("mass", [None, 0.0])
def test_no_masses_at_all(mass, reg):
    instance = Instance(np.ones((2, 3)), np.zeros(2), np.zeros(3), reg, mass)
    r = quot.solve(*instance.data, **instance.options)
    assert r.converged
    assert r.plan.nnz == 0


@pytest.mark.parametrize("part", [1.0, 1 - 1e-13, 1 + 1e-13, 1 - 1e-9])
@pytest.mark.parametrize("reg", [0.0, 1e-3, 1.0])
def test_mass_a_hair_from_the_smaller_total(part, reg):
    rng = np.random.default_rng(4)
    a, b = rng.uniform(0.5, 1.5, 9), rng.uniform(1.0, 2.0, 13)
    instance = Instance(rng.random((9, 13)), a, b, reg, float(part * a.sum()))
    r = quot.solve(*instance.data, **instance.options)
    assert_solved(instance, r)
    assert abs(r.plan.total - min(instance.mass, a.sum())) <= 1e-14 * 9


@given(problems(balanced=True), st.sampled_from([1e-10, -1e-10, 5e-10]))
@example(Instance(np.ones((1, 1)), np.ones(1), np.ones(1), 1.0, None), 1e-10)
def test_totals_equal_up_to_round_off(instance, excess):
    """Within 1e-9 totals count as equal; the plan is then as exact as the input lets it be."""
    instance = instance.but(b=instance.b * (1 + excess))
    r = quot.solve(*instance.data, **instance.options)
    assert r.converged
    error = max(
        np.abs(r.plan.row_sums() - instance.a).max(), np.abs(r.plan.col_sums() - instance.b).max()
    )
    assert error <= abs(excess) * instance.b.sum() * 1.001 + 1e-15
