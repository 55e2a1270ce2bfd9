"""Fewer pairs are never better, and the right ones are as good as all (T11)."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.checks import assert_solved, error_bound, round_off
from tests.strategies import generic, problems, rng_of, seeds, sparse_problems

import quot


@given(generic, seeds, st.floats(0.0, 0.7))
def test_t11_the_support_is_enough(instance, seed, more):
    """Solved on the support of its own answer, with or without other pairs, nothing changes."""
    full = quot.solve(*instance.data, **instance.options)
    support = full.plan.to_dense() > 0
    extra = rng_of(seed).random(instance.shape) < more
    part = instance.but(C=np.where(support | extra, instance.C, np.inf))
    r = quot.solve(*part.data, **part.options)
    assert_solved(part, r)
    distance = np.linalg.norm(full.plan.to_dense() - r.plan.to_dense())
    assert distance <= error_bound(instance, full) + error_bound(part, r)


@given(sparse_problems())
def test_more_pairs_are_never_worse(instance):
    r = quot.solve(*instance.data, **instance.options)
    opened = instance.but(C=np.where(np.isfinite(instance.C), instance.C, 2.0))
    s = quot.solve(*opened.data, **opened.options)
    slack = round_off(instance, r) + 2e-9 * max(abs(r.value), abs(s.value))
    assert s.value <= r.value + slack


@given(problems(), st.sampled_from([10.0, 1e3]))
def test_forbidding_is_pricing_high(instance, price):
    """A pair that costs so much that it carries nothing may as well be absent."""
    C = instance.C.copy()
    C[0, 0] += price
    dear = instance.but(C=C)
    r = quot.solve(*dear.data, **dear.options)
    if r.plan.to_dense()[0, 0] > 0 or C.size == 1:
        return
    forbidden = dear.but(C=np.where(C[0, 0] == C, np.inf, C))
    s = quot.solve(*forbidden.data, **forbidden.options)
    assert abs(r.value - s.value) <= 2e-9 * max(abs(r.value), abs(s.value)) + 2 * round_off(dear, r)
