"""Rows that a multiplier of rounding said were full.

Of plain partial problems between points one in twenty stalled: potentials that had been large on
the way left a multiplier of 1e-11 where it should have been zero, and the repair filled that row.
"""

import numpy as np
import pytest

import quot
from quot.rounding import repair


@pytest.mark.parametrize(("seed", "reg"), [(1, 1.0), (4, 5.0), (23, 1.0), (25, 5.0), (29, 1.0)])
def test_partial_problems_between_points(seed, reg):
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(520, 2)), rng.normal(size=(450, 2))
    r = quot.solve_points(X, Y, reg=reg, mass=0.7)
    assert r.converged
    # In the primal alone: what a pair gains by more mass is what its row and column say.
    P = r.plan.to_dense()
    gain = ((X[:, None] - Y) ** 2).sum(axis=2) + reg * P
    keeps = P.sum(axis=1) < 1 / 520 - 1e-9, P.sum(axis=0) < 1 / 450 - 1e-9
    both = np.ix_(*keeps)
    last = gain[both][P[both] > 1e-9]
    assert np.ptp(last) <= 1e-9
    assert gain[both].min() >= last.min() - 1e-9


def test_a_row_that_is_not_full_is_not_filled():
    C = np.array([[0.0, 1.0], [1.0, 0.0]])
    problem = quot.Problem(C, mass=0.6)
    plan = quot.Plan.from_dense(np.diag([0.2, 0.4]))
    said = np.array([False, True]), np.zeros(2, bool)
    np.testing.assert_allclose(repair(problem, plan, said).to_dense(), plan.to_dense(), rtol=1e-12)
    nearly = quot.Plan.from_dense(np.diag([0.1, 0.5 - 1e-9]))
    mended = repair(problem, nearly, said).to_dense()
    np.testing.assert_allclose(mended, np.diag([0.1, 0.5]), rtol=1e-12)
