"""A warm start changes the way, never the answer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.checks import assert_same_plan, assert_solved, error_bound
from tests.strategies import generic, problems, rng_of, seeds

import quot


@given(generic, seeds, st.sampled_from([0.0, 1e-3, 1.0]))
def test_warm_is_cold(instance, seed, change):
    rng = rng_of(seed)
    before = instance.but(C=instance.C + change * rng.random(instance.shape))
    start = quot.solve(*before.data, **before.options)
    cold = quot.solve(*instance.data, **instance.options)
    warm = quot.solve(*instance.data, **instance.options, start=start)
    assert_solved(instance, warm)
    assert_same_plan(instance, warm, cold)


@given(problems(), st.sampled_from([0.0, 0.1, 10.0]))
def test_start_from_another_strength(instance, reg):
    start = instance.but(reg=reg)
    warm = quot.solve(
        *instance.data, **instance.options, start=quot.solve(*start.data, **start.options)
    )
    assert_solved(instance, warm)


@given(problems(balanced=True))
def test_start_from_balanced_to_partial_and_back(instance):
    part = instance.but(mass=0.6 * float(min(instance.a.sum(), instance.b.sum())))
    whole = quot.solve(*instance.data, **instance.options)
    partial = quot.solve(*part.data, **part.options, start=whole)
    assert_solved(part, partial)
    assert_solved(instance, quot.solve(*instance.data, **instance.options, start=partial))


@pytest.mark.parametrize("mass", [None, 0.6])
def test_starting_at_the_answer_is_quick(mass):
    C = np.random.default_rng(0).random((60, 50))
    cold = quot.solve(C, reg=0.05, mass=mass)
    warm = quot.solve(C, reg=0.05, mass=mass, start=cold)
    steps = [sum(it.inner for it in r.history) for r in (cold, warm)]
    assert steps[1] <= max(2, steps[0] // 4)


def test_a_start_is_not_changed(rng):
    C = rng.random((20, 25))
    start = quot.solve(C, reg=1.0, mass=0.5)
    before = [x.tobytes() for x in (start.f, start.g, start.plan.values, start.plan.rows)]
    quot.solve(C + 0.1 * rng.random((20, 25)), reg=0.1, mass=0.5, start=start)
    assert [x.tobytes() for x in (start.f, start.g, start.plan.values, start.plan.rows)] == before


def test_a_hopeless_start_does_no_harm(rng):
    """Potentials of a problem of quite another scale."""
    C = rng.random((15, 12))
    start = quot.solve(1e8 * C[:, ::-1], reg=1e6)
    cold = quot.solve(C, reg=0.1)
    warm = quot.solve(C, reg=0.1, start=start)
    assert warm.converged
    instance = _instance(C)
    distance = np.linalg.norm(cold.plan.to_dense() - warm.plan.to_dense())
    assert distance <= error_bound(instance, cold) + error_bound(instance, warm)


def _instance(C):
    from tests.strategies import Instance

    n, m = C.shape
    return Instance(C, np.full(n, 1 / n), np.full(m, 1 / m), 0.1, None)
