"""Systems of few columns, by elimination, against dense linear algebra."""

import numpy as np
import pytest

from quot.kernels import few


@pytest.mark.parametrize("density", [0.05, 0.3, 1.0])
@pytest.mark.parametrize("cols", [1, 5, 30])
def test_columns_of_a_system_move_as_its_solution_does(rng, cols, density):
    rows = 12
    tail, col = np.nonzero(rng.random((rows, cols)) < density)
    weight = rng.integers(1, 4, tail.size).astype(float)
    ground, rhs = np.zeros((2, rows + cols))
    ground[rows:], rhs[rows:] = rng.uniform(1e-3, 1.0, cols), rng.normal(size=cols)
    system = np.diag(ground)
    for i, j, w in zip(tail, rows + col, weight, strict=True):
        system[[i, j], [i, j]] += w
        system[[i, j], [j, i]] -= w
    alone = np.flatnonzero(~system.any(axis=1))  # rows that touch nothing
    system[alone, alone] = 1.0
    head = (rows + col).astype(np.int32)
    x = few._solve_few(rows, tail.astype(np.int32), head, weight, ground, rhs)
    np.testing.assert_allclose(x[rows:], np.linalg.solve(system, rhs)[rows:], rtol=1e-10)
    assert not x[:rows].any()


def test_columns_that_touch_nothing_do_not_move():
    none, ground, rhs = np.zeros(0, np.int32), np.zeros(4), np.zeros(4)
    x = few._solve_few(1, none, none, np.zeros(0), ground, rhs)
    assert x.tolist() == [0.0] * 4
