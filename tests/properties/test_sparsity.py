"""The plan has exact zeros, just where f + g + lam <= C (T3)."""

import numpy as np
from hypothesis import assume, given
from tests.checks import error_bound
from tests.strategies import generic

import quot


@given(generic)
def test_t3_the_support_is_where_the_potentials_exceed_the_cost(instance):
    r = quot.solve(*instance.data, **instance.options)
    dual = (r.f[:, None] + r.g + r.lam - instance.C) / instance.reg
    P = r.plan.to_dense()
    # The gap is at least reg/2 ||P - [dual]_+||^2.
    bound = error_bound(instance, r)
    assert np.linalg.norm(P - np.maximum(dual, 0)) <= bound
    assume((np.abs(dual) > bound).all())  # nothing hangs in the balance
    np.testing.assert_array_equal(P > 0, dual > 0)
    assert r.plan.nnz == np.count_nonzero(dual > 0)


@given(generic)
def test_sparsity_is_a_fraction(instance):
    plan = quot.solve(*instance.data, **instance.options).plan
    assert 0 <= plan.sparsity <= 1
    assert plan.sparsity >= 1 - plan.nnz / np.prod(instance.shape)


def test_small_reg_is_as_sparse_as_a_vertex():
    rng = np.random.default_rng(8)
    for mass in (None, 0.6):
        plan = quot.solve(rng.random((30, 40)), reg=1e-6, mass=mass).plan
        assert plan.nnz <= 30 + 40
