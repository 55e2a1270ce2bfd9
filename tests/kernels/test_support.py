"""Sorting pairs is numpy.unique on their keys."""

import numpy as np
import pytest

from quot.kernels import support as kernels


@pytest.mark.parametrize(("n", "m", "size"), [(1, 1, 0), (1, 1, 3), (5, 7, 40), (3, 500, 2000)])
def test_sort_pairs(n, m, size, rng):
    rows = rng.integers(n, size=size).astype(np.int32)
    cols = rng.integers(m, size=size).astype(np.int32)
    sorted_rows, sorted_cols = kernels.sort_pairs(rows, cols, n)
    expected = np.divmod(np.unique(rows.astype(np.int64) * m + cols), m)
    np.testing.assert_array_equal(sorted_rows, expected[0])
    np.testing.assert_array_equal(sorted_cols, expected[1])
    assert sorted_rows.dtype == sorted_cols.dtype == np.int32
