"""Conjugate gradients against a direct solve."""

from itertools import count

import numpy as np
import pytest

from quot.gradients import conjugate_gradients


@pytest.fixture
def system(rng):
    A = rng.normal(size=(30, 30))
    return A @ A.T + np.diag(10.0 ** rng.uniform(-2, 2, 30)), rng.normal(size=30)


def test_solution_is_that_of_the_system(system):
    A, b = system
    diagonal = np.diag(A)
    x, iterations = conjugate_gradients(
        lambda p: A @ p, b, lambda r: r / diagonal, most=300, left=1e-12
    )
    assert 0 < iterations < 300
    np.testing.assert_allclose(x, np.linalg.solve(A, b), rtol=1e-6)


def test_start_is_where_it_begins(system):
    A, b = system
    exact = np.linalg.solve(A, b)
    x, iterations = conjugate_gradients(
        lambda p: A @ p, b, lambda r: r, most=1, left=0.0, start=exact
    )
    assert iterations == 1
    np.testing.assert_allclose(x, exact, rtol=1e-6)


def test_an_inverse_that_changes_needs_to_be_said(system):
    A, b = system
    diagonal = np.diag(A)

    def run(*, is_linear):
        turn = count()

        def inverse(r):
            return r * np.where((np.arange(30) + next(turn)) % 3 == 0, 5.0, 1.0) / diagonal

        return conjugate_gradients(
            lambda p: A @ p, b, inverse, most=400, left=1e-12, is_linear=is_linear
        )

    x, iterations = run(is_linear=False)
    assert iterations < 400
    np.testing.assert_allclose(x, np.linalg.solve(A, b), rtol=1e-6)
    assert run(is_linear=True)[1] > iterations
