"""Many rows and one column: the sum of the column is as exact as the masses."""

import numpy as np
import pytest

import quot


@pytest.mark.parametrize("reg", [0.0, 1.0])
@pytest.mark.parametrize("mass", [None, 1.0, 0.7])
def test_one_column_takes_it_all(rng, reg, mass):
    """It was short by the rounding of thousands of additions, and no plan was feasible."""
    count = np.ones(4743)
    np.add.at(count, rng.integers(0, count.size, 57), 1)
    a, X, Y = count / count.sum(), rng.random((count.size, 3)), rng.random((1, 3))
    r = quot.solve_points(X, Y, a, [1.0], reg=reg, mass=mass)
    assert r.converged
    if mass != 0.7:
        np.testing.assert_allclose(r.plan.row_sums(), a, rtol=1e-12)
