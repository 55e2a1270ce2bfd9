"""How the answer depends on reg: finite exactness (T2), limits, monotonicity."""

import numpy as np
import pytest
from hypothesis import given, settings
from tests.checks import assert_solved, error_bound, round_off
from tests.oracles.linear import last_reg, least_norm
from tests.oracles.quadratic import solve_quadratic
from tests.strategies import Instance, generic

import quot


@pytest.mark.parametrize("part", [None, 0.5, 0.99])
def test_t2_small_reg_changes_nothing(part):
    """Below eps_bar the plan is the least-norm solution of the linear problem, whatever reg is."""
    rng = np.random.default_rng(11)
    a, b = rng.uniform(0.5, 1.5, 10), rng.uniform(0.5, 1.5, 14)
    a, b = a / a.sum(), b / b.sum()
    C = rng.random((10, 14))
    mass = None if part is None else part
    X0 = least_norm(C, a, b, mass)
    bar = last_reg(X0, C, a, b, mass)
    for factor in (0.9, 0.5, 0.1, 1e-4):
        instance = Instance(C, a, b, factor * bar, mass)
        r = quot.solve(*instance.data, **instance.options)
        assert_solved(instance, r)
        assert np.linalg.norm(r.plan.to_dense() - X0) <= error_bound(instance, r) + 1e-9
    beyond = Instance(C, a, b, 2 * bar, mass)
    r = quot.solve(*beyond.data, **beyond.options)
    assert np.linalg.norm(r.plan.to_dense() - X0) > 1e-4, "eps_bar would not be the last one"


@given(generic)
def test_cost_rises_and_norm_falls_with_reg(instance):
    costs, norms, slack = [], [], 0.0
    for factor in (0.0, 0.01, 0.1, 1.0, 10.0, 1000.0):
        stronger = instance.but(reg=factor * instance.reg)
        r = quot.solve(*stronger.data, **stronger.options)
        assert_solved(stronger, r)
        if factor:
            P = r.plan.values
            slack = max(slack, error_bound(stronger, r) * (np.linalg.norm(instance.C) + 2))
        costs.append(r.cost)
        norms.append(np.linalg.norm(P) if factor else np.linalg.norm(r.plan.values))
    assert (np.diff(costs) >= -slack - 1e-9 * np.abs(costs).max()).all()
    assert (np.diff(norms) <= slack + 1e-9 * max(norms)).all()


@given(generic)
def test_bias_of_the_cost_is_bounded(instance):
    """0 <= <C, P_reg> - <C, P_0> <= reg/2 (||P_0||^2 - ||P_reg||^2)."""
    with_reg = quot.solve(*instance.data, **instance.options)
    linear = instance.but(reg=0.0)
    without = quot.solve(*linear.data, **linear.options)
    slack = round_off(instance, with_reg) + 2e-9 * (1 + abs(with_reg.value))
    squares = (
        without.plan.values @ without.plan.values - with_reg.plan.values @ with_reg.plan.values
    )
    bias = with_reg.cost - without.cost
    assert -slack <= bias <= instance.reg / 2 * squares + slack


@settings(max_examples=20)
@given(generic)
def test_huge_reg_gives_the_plan_of_least_norm(instance):
    huge = instance.but(reg=1e12)
    r = quot.solve(*huge.data, **huge.options)
    assert_solved(huge, r)
    _, flat = solve_quadratic(np.zeros(instance.shape), instance.a, instance.b, 1.0, instance.mass)
    assert np.linalg.norm(r.plan.to_dense() - flat) <= error_bound(huge, r) + 1e-5


def test_uniform_masses_and_huge_reg_give_the_uniform_plan():
    C = np.random.default_rng(0).random((6, 9))
    for mass in (None, 0.3):
        P = quot.solve(C, reg=1e12, mass=mass).plan.to_dense()
        np.testing.assert_allclose(P, (mass or 1.0) / 54, atol=1e-10)
