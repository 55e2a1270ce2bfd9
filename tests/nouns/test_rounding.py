"""Rounding into the feasible set: exact, near, sparse (T5)."""

import numpy as np
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from tests.oracles import certificate as oracle
from tests.strategies import problems, rng_of, seeds

from quot.costs import DenseCost, as_cost
from quot.plan import Plan
from quot.problem import Problem
from quot.rounding import is_feasible, marginal_error, repair, round_sparse


def rough_plan(instance, seed, size):
    """A plan P >= 0 with any marginals, some entries zero."""
    rng = rng_of(seed)
    P = rng.random(instance.shape) * (rng.random(instance.shape) < 0.6)
    return P * (size * instance.total / max(P.sum(), 1e-300))


@given(problems(), seeds, st.sampled_from([0.0, 1e-9, 0.5, 1.0, 1.5, 10.0]))
def test_round_sparse(instance, seed, size):
    P = rough_plan(instance, seed, size)
    a, b, s = instance.a, instance.b, min(instance.total, instance.a.sum(), instance.b.sum())
    rounded = round_sparse(Plan.from_dense(P), a, b, s)
    Q = rounded.to_dense()
    unit = max(a.max(), b.max())
    assert (rounded.values > 0).all()
    assert (Q.sum(axis=1) <= a + 1e-12 * unit).all()
    assert (Q.sum(axis=0) <= b + 1e-12 * unit).all()
    assert abs(Q.sum() - s) <= 1e-12 * unit * max(instance.shape)
    over_rows = np.maximum(P.sum(axis=1) - a, 0).sum()
    over_cols = np.maximum(P.sum(axis=0) - b, 0).sum()
    bound = 2 * (over_rows + over_cols) + abs(P.sum() - s)
    assert np.abs(Q - P).sum() <= bound + 1e-12 * (s + P.sum())
    new = np.count_nonzero(Q[P == 0])
    assert new <= sum(instance.shape) - 1


@given(problems(), seeds, st.sampled_from([0.0, 1e-9, 0.5, 1.0, 1.5, 10.0]))
def test_repair_is_exact(instance, seed, size):
    problem = Problem(instance.C, instance.a, instance.b, mass=instance.mass)
    repaired = repair(problem, Plan.from_dense(rough_plan(instance, seed, size)))
    unit = max(instance.a.max(), instance.b.max())
    assert (repaired.values > 0).all()
    error = oracle.residual(repaired.to_dense(), instance.a, instance.b, problem.mass)
    assert error <= 1e-14 * max(1.0, instance.total / unit)


@given(problems(weight_kinds=("uniform", "random")), seeds)
def test_repair_of_a_slightly_wrong_plan_keeps_its_zeros(instance, seed):
    """Round-off in a connected support is mended along it."""
    problem = Problem(instance.C, instance.a, instance.b, mass=instance.mass)
    rng = rng_of(seed)
    exact = np.outer(instance.a, instance.b) / (instance.a.sum() * instance.b.sum())
    exact *= problem.total
    noisy = exact * (1 + 1e-9 * rng.normal(size=exact.shape))
    repaired = repair(problem, Plan.from_dense(noisy)).to_dense()
    assert (repaired[exact == 0] == 0).all()
    assert np.abs(repaired - exact).sum() <= 1e-6 * problem.total
    unit = max(instance.a.max(), instance.b.max())
    error = oracle.residual(repaired, instance.a, instance.b, problem.mass)
    assert error <= 1e-14 * max(1.0, instance.total / unit)


@given(problems(), seeds)
def test_marginal_error(instance, seed):
    P = rough_plan(instance, seed, 1.3)
    P[0, 0] = -0.25
    problem = Problem(instance.C, instance.a, instance.b, mass=instance.mass)
    expected = oracle.residual(P, instance.a, instance.b, problem.mass)
    assert abs(marginal_error(problem, Plan.from_dense(P)) - expected) <= 1e-13 * (1 + expected)


def test_many_pairs_in_turn_by_their_costs(rng):
    """One after another, until all is sent; ties in the order of the matrix."""
    n, m = 40, 50
    C = rng.integers(0, 30, (n, m)).astype(float)
    a, b = rng.random(n), rng.random(m)
    for mass in (0.01, 5.0, min(a.sum(), b.sum())):
        left_a, left_b, rest, P = a.copy(), b.copy(), mass, np.zeros((n, m))
        for e in np.argsort(C, axis=None, kind="stable"):
            i, j = divmod(int(e), m)
            P[i, j] = min(left_a[i], left_b[j], rest)
            left_a[i] -= P[i, j]
            left_b[j] -= P[i, j]
            rest -= P[i, j]
        found = round_sparse(Plan.empty((n, m)), a, b, mass, DenseCost(C)).to_dense()
        np.testing.assert_allclose(found, P, atol=1e-15 * mass)


def test_what_is_left_goes_by_the_cheapest_pairs():
    """The north-west corner took the first pairs, at whatever price."""
    C = np.array([[9.0, 1.0, 4.0], [1e15, 2.0, 1e15], [3.0, 1e15, 5.0]])
    a, b = np.array([1.0, 0.5, 2.0]), np.array([1.5, 1.0, 1.0])
    empty = Plan.from_dense(np.zeros((3, 3)))
    rounded = round_sparse(empty, a, b, 3.5, DenseCost(C)).to_dense()
    np.testing.assert_allclose(rounded.sum(axis=1), a)
    np.testing.assert_allclose(rounded.sum(axis=0), b)
    assert (rounded[C == 1e15] > 0).sum() <= 1  # who comes last has no choice
    part = round_sparse(empty, a, b, 1.5, DenseCost(C)).to_dense()
    np.testing.assert_allclose(part, [[0, 1.0, 0], [0, 0, 0], [0.5, 0, 0]])
    other_way = round_sparse(
        Plan.from_dense(np.zeros((3, 1))), a, b[:1], 1.5, DenseCost(C[:, :1].copy())
    )
    np.testing.assert_allclose(other_way.to_dense()[:, 0], [0.0, 0.0, 1.5])


def test_no_entry_is_more_than_its_row_has():
    """Rounding of large masses is a lot to a small one, and may be dear."""
    problem = Problem([[1.0, 1.0], [1e20, 1e20]], [1.0, 1e-30], [0.5, 0.5])
    repaired = repair(problem, Plan.from_dense([[0.5, 0.5], [1e-17, 0.0]])).to_dense()
    np.testing.assert_array_equal(repaired, [[0.5, 0.5], [1e-30, 0.0]])


def test_forbidden_pairs_take_nothing_and_rounding_stays_open():
    cost = as_cost(sp.csr_array([[1.0, 0.0], [1.0, 1.0]]))
    a = b = np.ones(2)
    half = Plan.from_dense([[0.0, 0.0], [1.0, 0.0]])
    np.testing.assert_array_equal(round_sparse(half, a, b, 2.0, cost).to_dense(), half.to_dense())
    assert not is_feasible(Problem(cost, a, b), half)
    C = np.array([[1.0, 1e15], [1e15, 1.0]])
    nearly = Plan.from_dense(np.diag([1.0 - 1e-15, 1.0 - 1e-15]))
    problem = Problem(C, a, b)
    np.testing.assert_array_equal(repair(problem, nearly).values, nearly.values)
    assert is_feasible(problem, nearly)


def test_what_is_left_makes_room_for_itself():
    """The second row may only send to the first column, which the first row has filled."""
    problem = Problem(sp.csr_array([[1.0, 5.0], [1.0, 0.0]]), np.ones(2), np.ones(2))
    repaired = repair(problem, Plan.from_dense([[1.0, 0.0], [0.0, 0.0]])).to_dense()
    np.testing.assert_array_equal(repaired, [[0.0, 1.0], [1.0, 0.0]])


@given(problems(), seeds, st.sampled_from([0.0, 0.5, 1.5]))
def test_round_sparse_by_cost(instance, seed, size):
    """As without a cost: exact, near, sparse."""
    a, b, s = instance.a, instance.b, min(instance.total, instance.a.sum(), instance.b.sum())
    plan = Plan.from_dense(rough_plan(instance, seed, size))
    rounded = round_sparse(plan, a, b, s, DenseCost(instance.C)).to_dense()
    unit = max(a.max(), b.max())
    assert (rounded.sum(axis=1) <= a + 1e-12 * unit).all()
    assert (rounded.sum(axis=0) <= b + 1e-12 * unit).all()
    assert abs(rounded.sum() - s) <= 1e-12 * unit * max(instance.shape)
    assert np.count_nonzero(rounded[plan.to_dense() == 0]) <= sum(instance.shape) - 1


def test_marginal_error_propagates_nan():
    problem = Problem(np.zeros((2, 2)))
    assert np.isnan(marginal_error(problem, Plan.from_dense([[np.nan, 0.5], [0.5, 0.0]])))


def test_extra_mass_goes_to_the_corner_in_naive_rounding_only():
    """T6: balanced rounding of the dummy extension moves too much, by exactly the corner."""
    a, b, s = np.array([0.5, 0.5]), np.array([0.5, 0.5]), 0.6
    corner = 0.03
    extended = np.array([[0.3, 0.03, 0.17], [0.0, 0.3, 0.2], [0.2, 0.17, corner]])
    rows, cols = np.r_[a, b.sum() - s], np.r_[b, a.sum() - s]
    naive = round_sparse(Plan.from_dense(extended), rows, cols, rows.sum()).to_dense()
    np.testing.assert_allclose(naive.sum(axis=1), rows, atol=1e-15)
    assert (
        naive[:2, :2].sum() - s == naive[2, 2] - 0
        or abs(naive[:2, :2].sum() - s - naive[2, 2]) <= 1e-15
    )
    right = round_sparse(Plan.from_dense(extended[:2, :2]), a, b, s)
    assert abs(right.total - s) <= 1e-15
