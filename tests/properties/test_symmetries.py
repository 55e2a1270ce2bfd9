"""What may be done to a problem without changing its answer, or changing it in a known way."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.checks import assert_same_plan, assert_solved, error_bound, round_off
from tests.strategies import Instance, generic, moderate_regs, problems, rng_of, seeds

import quot
from quot.certificate import certify
from quot.convergence import Tolerance


def answer(instance):
    return quot.solve(*instance.data, **instance.options)


def assert_certifies(instance, plan, f, g, lam):
    """Plan and potentials of one problem, carried over, are optimal for another."""
    problem = quot.Problem(
        instance.cost, instance.a, instance.b, reg=instance.reg, mass=instance.mass
    )
    assert certify(problem, plan, f, g, lam).holds(Tolerance(1e-8, 1e-8, 1e-8))


@given(generic)
def test_transposition(instance):
    r = answer(instance)
    swapped = instance.but(C=np.ascontiguousarray(instance.C.T), a=instance.b, b=instance.a)
    s = answer(swapped)
    assert_certifies(swapped, r.plan.T, r.g, r.f, r.lam)
    distance = np.linalg.norm(r.plan.to_dense() - s.plan.T.to_dense())
    assert distance <= error_bound(instance, r) + error_bound(swapped, s)


@given(generic, seeds)
def test_permutation(instance, seed):
    rng = rng_of(seed)
    rows, cols = rng.permutation(instance.shape[0]), rng.permutation(instance.shape[1])
    mixed = instance.but(C=instance.C[np.ix_(rows, cols)], a=instance.a[rows], b=instance.b[cols])
    r, s = answer(instance), answer(mixed)
    distance = np.linalg.norm(r.plan.to_dense()[np.ix_(rows, cols)] - s.plan.to_dense())
    assert distance <= error_bound(instance, r) + error_bound(mixed, s)


@given(generic, st.sampled_from([-3.0, 0.5, 1e3]))
def test_a_shift_of_the_cost_shifts_the_price(instance, shift):
    moved = instance.but(C=instance.C + shift)
    r, s = answer(instance), answer(moved)
    assert_solved(moved, s)
    f, lam = (r.f + shift, 0.0) if instance.balanced else (r.f, r.lam + shift)
    assert_certifies(moved, r.plan, f, r.g, lam)
    assert abs(s.value - r.value - shift * instance.total) <= 2e-9 * abs(s.value) + 2 * round_off(
        moved, s
    )
    assert_same_plan_across(instance, r, moved, s)


@given(generic, seeds)
def test_a_price_per_row_and_column_changes_no_balanced_plan(instance, seed):
    rng = rng_of(seed)
    instance = instance.but(mass=None, b=instance.b * (instance.a.sum() / instance.b.sum()))
    u, v = rng.normal(size=instance.shape[0]), rng.normal(size=instance.shape[1])
    moved = instance.but(C=instance.C + u[:, None] + v)
    r, s = answer(instance), answer(moved)
    assert_certifies(moved, r.plan, r.f + u, r.g + v, 0.0)
    assert_same_plan_across(instance, r, moved, s)


@given(generic, st.sampled_from([1e-6, 0.1, 7.0, 1e6]))
def test_a_scale_of_the_cost_scales_the_potentials(instance, scale):
    scaled = instance.but(C=scale * instance.C, reg=scale * instance.reg)
    r, s = answer(instance), answer(scaled)
    assert_solved(scaled, s)
    assert_certifies(scaled, r.plan, scale * r.f, scale * r.g, scale * r.lam)
    assert abs(s.value - scale * r.value) <= 2e-9 * abs(s.value) + 2 * round_off(scaled, s)
    assert_same_plan_across(instance, r, scaled, s)


@given(generic, st.sampled_from([1e-6, 0.1, 7.0, 1e6]))
def test_a_scale_of_the_masses_scales_the_plan(instance, scale):
    """With reg divided by it the potentials stay."""
    mass = None if instance.balanced else scale * instance.mass
    scaled = instance.but(
        a=scale * instance.a, b=scale * instance.b, mass=mass, reg=instance.reg / scale
    )
    r, s = answer(instance), answer(scaled)
    assert_solved(scaled, s)
    distance = np.linalg.norm(scale * r.plan.to_dense() - s.plan.to_dense())
    assert distance <= scale * error_bound(instance, r) + error_bound(scaled, s)


@given(problems(regs=moderate_regs), st.integers(0, 3), st.booleans())
def test_a_point_without_mass_changes_nothing(instance, extra, expensive):
    """Zero masses are as good as absent, wherever they stand and whatever they cost."""
    n, m = instance.shape
    C = np.full((n + extra, m + 1), 1e6 if expensive else -1e6)
    keep = np.ones(m + 1, bool)
    keep[m // 2] = False
    C[extra:, keep] = instance.C
    padded = instance.but(
        C=C, a=np.r_[np.zeros(extra), instance.a], b=np.insert(instance.b, m // 2, 0.0)
    )
    r, s = answer(instance), answer(padded)
    assert_solved(padded, s)
    P = s.plan.to_dense()
    assert P.shape == C.shape
    distance = np.linalg.norm(P[extra:, keep] - r.plan.to_dense())
    assert distance <= error_bound(instance, r) + error_bound(padded, s)


@given(problems(regs=st.just(0.0)), st.floats(0.05, 0.95))
def test_splitting_a_point_changes_no_cost(instance, share):
    split = instance.but(
        C=np.vstack((instance.C, instance.C[0])),
        a=np.r_[share * instance.a[0], instance.a[1:], (1 - share) * instance.a[0]],
    )
    r, s = answer(instance), answer(split)
    slack = round_off(instance, r) + round_off(split, s)
    assert abs(s.value - r.value) <= 2e-9 * max(abs(r.value), abs(s.value)) + slack


@given(problems(regs=moderate_regs))
def test_equal_points_send_equal_masses(instance):
    """The answer is unique, and exchanging two equal rows changes nothing."""
    twin = instance.but(
        C=np.vstack((instance.C, instance.C[0])),
        a=np.r_[instance.a[0] / 2, instance.a[1:], instance.a[0] / 2],
    )
    r = answer(twin)
    P = r.plan.to_dense()
    assert np.linalg.norm(P[0] - P[-1]) <= 2 * error_bound(twin, r)


@pytest.mark.parametrize("part", [None, 0.5, 1.0])
def test_equal_points_send_equal_masses_without_reg(part):
    rng = np.random.default_rng(5)
    C = rng.integers(0, 3, (4, 6)).astype(float)
    C = np.vstack((C, C[0]))
    r = quot.solve(C, mass=part)
    P = r.plan.to_dense()
    np.testing.assert_allclose(P[0], P[-1], atol=1e-8)


def assert_same_plan_across(left, r, right, s):
    """Two problems with the same plan by theory."""
    distance = np.linalg.norm(r.plan.to_dense() - s.plan.to_dense())
    assert distance <= error_bound(left, r) + error_bound(right, s)


def test_the_judge_can_tell_different_plans():
    instance = Instance(np.eye(3), np.full(3, 1 / 3), np.full(3, 1 / 3), 0.1, None)
    other = instance.but(C=1 - np.eye(3))
    with pytest.raises(AssertionError):
        assert_same_plan(instance, answer(instance), answer(other))
