"""Drawing a few of many pairs."""

import numpy as np
import pytest

from quot.kernels import draws


def draw(taken, a, b, most):
    """What is drawn of the pairs of a mask, by rows and by columns, as masks."""
    m = b.size
    key, index = np.full((m, most), np.inf), np.full((m, most), -1, np.int32)
    rows, cols = np.nonzero(taken)
    rows, cols = draws.draw(rows.astype(np.int32), cols.astype(np.int32), a, b, most, key, index)
    by_row, by_col = np.zeros((2, *taken.shape), bool)
    by_row[rows, cols] = True
    assert by_row.sum() == rows.size
    j, _ = np.nonzero(index >= 0)
    by_col[index[index >= 0], j] = True
    return by_row, by_col


@pytest.mark.parametrize("most", [1, 4, 30])
@pytest.mark.parametrize("density", [0.02, 0.3, 1.0])
def test_every_row_and_column_has_its_part(rng, density, most):
    taken = rng.random((50, 60)) < density
    by_row, by_col = draw(taken, rng.random(50), rng.random(60), most)
    assert not ((by_row | by_col) & ~taken).any()
    sizes = taken.sum(axis=1)
    np.testing.assert_array_equal(by_row.sum(axis=1), np.minimum(sizes, most))
    many = taken & (sizes > most)[:, None]  # all others are there whole
    np.testing.assert_array_equal(by_col.sum(axis=0), np.minimum(many.sum(axis=0), most))


def test_chances_are_as_the_masses():
    a, b = np.ones(20_000), np.array([1.0, 2.0, 5.0])
    by_row, _ = draw(np.ones((a.size, 3), bool), a, b, 1)
    np.testing.assert_allclose(by_row.mean(axis=0), b / b.sum(), atol=0.01)


def test_the_heaviest_is_drawn_by_all():
    b = np.r_[np.full(99, 1e-200), 1.0]
    by_row, by_col = draw(np.ones((80, 100), bool), np.ones(80), b, 5)
    assert by_row[:, 99].all()
    assert (by_col.sum(axis=0) == 5).all()
