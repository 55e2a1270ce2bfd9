"""What the history of a solve says is what the solve did."""

import numpy as np
import pytest

import quot


@pytest.mark.parametrize("shape", [(20, 12), (12, 20), (30, 30)])
@pytest.mark.parametrize("mass", [None, 0.3, 0.9])
def test_a_solve_on_a_matrix_ends_with_a_small_residual(shape, mass):
    """Columns that may keep mass of a partial problem do not miss it: the residual said 1 there."""
    C = np.random.default_rng(0).random(shape)
    r = quot.solve(C, reg=1.0, mass=mass)
    assert r.converged
    assert r.history[-1].residual <= 1e-9
