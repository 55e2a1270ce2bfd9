"""Plan and Support: what they say about a matrix is what NumPy says about it."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from quot.plan import Plan
from quot.support import Support

matrices = hnp.arrays(
    np.float64,
    st.tuples(st.integers(1, 5), st.integers(1, 5)),
    elements=st.sampled_from([0, 0.5, 2]),
)


@given(matrices)
def test_a_plan_is_its_matrix(P):
    for plan in (Plan.from_dense(P), Plan.from_sparse(sp.coo_array(P)), Plan.from_dense(P.T).T):
        np.testing.assert_array_equal(plan.to_dense(), P)
        np.testing.assert_array_equal(plan.to_csr().toarray(), P)
        np.testing.assert_array_equal(plan.row_sums(), P.sum(axis=1))
        np.testing.assert_array_equal(plan.col_sums(), P.sum(axis=0))
        assert plan.nnz == np.count_nonzero(P)
        assert plan.total == P.sum()
        assert plan.sparsity == pytest.approx(np.mean(P <= 1e-10))
        assert (np.diff(plan.rows.astype(int) * P.shape[1] + plan.cols) > 0).all()
        assert plan.rows.dtype == plan.cols.dtype == np.int32


@given(matrices, st.integers(0, 2**32 - 1))
def test_a_plan_acts_like_its_matrix(P, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=P.shape[0]), rng.normal(size=(P.shape[1], 3))
    plan = Plan.from_dense(P)
    np.testing.assert_allclose(plan @ y, P @ y, atol=1e-14)
    np.testing.assert_allclose(plan.pull(y), P @ y, atol=1e-14)
    np.testing.assert_allclose(plan.push(x), P.T @ x, atol=1e-14)
    assert plan.push(x) @ y == pytest.approx(x @ plan.pull(y))


def test_sparsity_counts_what_is_negligible():
    plan = Plan.from_dense([[1.0, 1e-10], [0.0, 2e-10]])
    assert plan.sparsity == 0.5
    assert plan.sparsity_at(1e-9) == 0.75
    assert plan.sparsity_at(0.0) == 0.25
    assert plan.sparsity_at(0.5, relative=True) == 0.75
    assert Plan.from_dense(np.zeros((2, 3))).sparsity_at(0.1, relative=True) == 1.0


def test_to_csr_owns_its_memory():
    plan = Plan.from_dense([[1.0, 0.0], [2.0, 3.0]])
    csr = plan.to_csr()
    csr.data[:] = 0
    csr.eliminate_zeros()
    assert plan.nnz == 3
    np.testing.assert_array_equal(plan.to_dense(), [[1.0, 0.0], [2.0, 3.0]])
    np.testing.assert_array_equal(plan @ np.ones(2), [1.0, 5.0])


def test_from_sparse_sums_duplicates_and_leaves_its_argument_alone():
    given_matrix = sp.coo_array(([1.0, 2.0, 0.0], ([0, 0, 1], [1, 1, 0])), shape=(2, 2))
    plan = Plan.from_sparse(given_matrix)
    np.testing.assert_array_equal(plan.to_dense(), [[0.0, 3.0], [0.0, 0.0]])
    assert plan.nnz == 1
    assert given_matrix.nnz == 3


def test_barycentric():
    P = np.array([[0.1, 0.3], [0.0, 0.0], [0.2, 0.0]])
    Y = np.array([[0.0, 0.0], [4.0, 8.0]])
    X = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    plan = Plan.from_dense(P)
    image = plan.barycentric(Y)
    np.testing.assert_allclose(image[[0, 2]], [[3.0, 6.0], [0.0, 0.0]])
    assert np.isnan(image[1]).all()
    np.testing.assert_allclose(plan.barycentric(Y, X=X), [[3.0, 6.0], [2.0, 2.0], [0.0, 0.0]])
    # Row 0 moves 0.4 of 0.8, row 2 moves 0.2 of 0.2; the rest stays.
    kept = plan.barycentric(Y, X=X, a=np.array([0.8, 0.5, 0.2]))
    np.testing.assert_allclose(kept, [[2.0, 3.5], [2.0, 2.0], [0.0, 0.0]])
    kept = plan.barycentric(Y, X=X, a=np.array([0.4, 0.0, 0.2]))
    np.testing.assert_allclose(kept[1], X[1])


def test_repr_is_one_line():
    assert repr(Plan.from_dense([[0.5, 0.0]])) == "Plan(1 x 2, nnz=1, total=0.5)"


pairs = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), max_size=12)


def support(of):
    rows, cols = np.array(of, np.int64).reshape(-1, 2).T
    return Support.of((4, 5), rows, cols)


@given(pairs, pairs)
def test_support_is_a_sorted_set(left, right):
    for made, expected in (
        (support(left), sorted(set(left))),
        (support(left) | support(right), sorted(set(left) | set(right))),
    ):
        assert list(zip(made.rows.tolist(), made.cols.tolist(), strict=True)) == expected
        assert made.size == len(expected)
        assert made.keys.tolist() == [5 * i + j for i, j in expected]
        assert made.rows.dtype == made.cols.dtype == np.int32
