"""Every kind of cost is one matrix, seen through blocks, pairs and restrictions."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.spatial.distance import cdist

from quot.costs import METRICS, Cost, DenseCost, PointCost, SparseCost, as_cost, spread

SHAPE = (7, 9)


def dense_example(rng):
    C = rng.normal(size=SHAPE)
    return as_cost(C), C


def sparse_example(rng):
    C = rng.normal(size=SHAPE)
    C[rng.random(SHAPE) < 0.6] = np.inf
    C[3] = np.inf  # an empty row
    C[0, 0] = 0.0  # an explicit zero is a pair that costs nothing
    rows, cols = np.nonzero(np.isfinite(C))
    order = rng.permutation(rows.size)
    return as_cost(sp.coo_array((C[rows, cols][order], (rows[order], cols[order])), shape=SHAPE)), C


def point_example(metric):
    def make(rng):
        X, Y = rng.normal(size=(SHAPE[0], 3)), rng.normal(size=(SHAPE[1], 3))
        return PointCost(X, Y, metric), cdist(X, Y, metric)

    return make


EXAMPLES = {"dense": dense_example, "sparse": sparse_example}
EXAMPLES |= {f"points {metric}": point_example(metric) for metric in METRICS}


@pytest.fixture(params=EXAMPLES, ids=str)
def example(request, rng):
    return EXAMPLES[request.param](rng)


def test_blocks(example):
    cost, C = example
    assert isinstance(cost, Cost)
    assert cost.shape == SHAPE
    for start, stop in ((0, 7), (2, 3), (3, 5), (6, 7)):
        np.testing.assert_allclose(cost.block(start, stop), C[start:stop], rtol=1e-12, atol=1e-14)


def test_pairs(example, rng):
    cost, C = example
    rows, cols = rng.integers(7, size=30), rng.integers(9, size=30)
    for dtype in (np.int32, np.int64):
        values = cost.at(rows.astype(dtype), cols.astype(dtype))
        np.testing.assert_allclose(values, C[rows, cols], rtol=1e-12, atol=1e-14)
    assert cost.at(np.zeros(0, np.int32), np.zeros(0, np.int32)).shape == (0,)


def test_restriction(example):
    cost, C = example
    rows, cols = np.array([5, 0, 3, 6]), np.array([8, 1, 0])
    taken = cost.take(rows, cols)
    assert taken.shape == (4, 3)
    expected = C[np.ix_(rows, cols)]
    np.testing.assert_allclose(taken.block(0, 4), expected, rtol=1e-12, atol=1e-14)
    i, j = np.divmod(np.arange(12), 3)
    np.testing.assert_allclose(taken.at(i, j), expected[i, j], rtol=1e-12, atol=1e-14)
    assert type(taken) is type(cost)


def test_sparse_cost_copies_and_sums_duplicates():
    given = sp.coo_array(([1.0, 2.0, 5.0], ([1, 1, 0], [0, 0, 1])), shape=(2, 2))
    cost = SparseCost.of(given)
    given.data[:] = 9
    np.testing.assert_array_equal(cost.block(0, 2), [[np.inf, 5.0], [3.0, np.inf]])


def test_sparse_cost_without_any_pair():
    cost = SparseCost.of(sp.csr_array((2, 3)))
    assert np.isinf(cost.block(0, 2)).all()
    assert np.isinf(cost.at(np.array([0, 1]), np.array([2, 0]))).all()
    assert cost.take(np.array([1]), np.array([0, 2])).shape == (1, 2)


def test_dense_cost_is_not_copied():
    C = np.ones((2, 3))
    assert as_cost(C).block(0, 2).base is C
    assert as_cost(as_cost(C)).C is C


def test_a_cost_of_ones_own():
    class Constant:
        shape = (2, 3)

        def block(self, start, stop):
            return np.ones((stop - start, 3))

        def at(self, rows, cols):
            return np.ones(len(rows))

        def take(self, rows, cols):
            return DenseCost(np.ones((len(rows), len(cols))))

    own = Constant()
    assert as_cost(own) is own


@pytest.mark.parametrize("scale", [1e-200, 1e-3, 1e200])
def test_cosine_does_not_depend_on_lengths(scale, rng):
    X, Y = rng.normal(size=(4, 3)), rng.normal(size=(5, 3))
    scaled = PointCost(X * scale, Y, metric="cosine").block(0, 4)
    np.testing.assert_allclose(scaled, cdist(X, Y, "cosine"), atol=1e-14)


@pytest.mark.parametrize("metric", METRICS)
def test_blocks_are_made_of_pairs(metric, rng):
    """Also where the columns are cut into tiles, and the block starts further down."""
    for d in (1, 7, 1000, 9000):
        m = min(40, 2 + 20_000 // d) if d > 1 else 9000
        cost = PointCost(rng.normal(size=(4, d)), rng.normal(size=(m, d)), metric)
        i, j = np.divmod(np.arange(2 * m), m)
        pairs = cost.at(i + 2, j).reshape(2, m)
        np.testing.assert_allclose(cost.block(2, 4), pairs, rtol=1e-13, atol=1e-15)
        expected = cdist(cost.X[2:], cost.Y, metric)
        np.testing.assert_allclose(pairs, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("metric", METRICS)
def test_points_are_left_alone(metric, rng):
    X, Y = rng.normal(size=(4, 3)), rng.normal(size=(5, 3))
    before = X.tobytes(), Y.tobytes()
    cost = PointCost(X, Y, metric)
    cost.block(0, 4)
    cost.at(np.array([0]), np.array([0]))
    assert (X.tobytes(), Y.tobytes()) == before


@pytest.mark.parametrize("size", [1, 3, 16, 1000])
def test_spread_goes_from_end_to_end(size):
    rows = spread(size, 16)
    assert rows.size == min(size, 16)
    assert (np.diff(rows) > 0).all()
    assert (rows[0], rows[-1]) == (0, size - 1)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("d", [1, 2, 3])
def test_blocks_of_few_axes_are_pairs_to_the_last_bit(metric, d, rng):
    cost = PointCost(rng.normal(size=(5, d)), rng.normal(size=(2500, d)), metric)
    assert cost.is_flat
    i, j = np.divmod(np.arange(2 * 2500), 2500)
    np.testing.assert_array_equal(cost.block(3, 5).ravel(), cost.at(i + 3, j))
