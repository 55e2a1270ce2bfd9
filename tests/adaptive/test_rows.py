"""Rows of adaptive problems: the dual's gradient and Hessian against differences."""

import numpy as np
import pytest

from quot.adaptive.pairs import Pairs
from quot.adaptive.rows import AdaptiveRows, Answer
from quot.adaptive.system import System
from quot.kernels import adaptive as kernels
from quot.problem import AdaptiveProblem

FLOORS = {"quadratic": 1.0, "entropic": 0.05}


@pytest.fixture(params=["quadratic", "entropic"])
def rows(request, rng):
    """Of 12 rows and 15 columns, both bounded."""
    C, a, b = rng.random((12, 15)), rng.dirichlet(np.full(12, 3.0)), rng.dirichlet(np.full(15, 3.0))
    asked = {"row_perplexity": 3.0, "col_perplexity": 2.5, "regularizer": request.param}
    problem = AdaptiveProblem(C, a, b, **asked)
    return AdaptiveRows(problem, Pairs.every(problem), np.full(15, FLOORS[request.param]))


def somewhere(rows, rng):
    """Prices, scaled multipliers of which one is 0, and the answer of the rows."""
    v = 0.1 * rng.random(30)
    v[15:] *= rows.floor[0] * rows.unit
    v[20] = 0.0
    near = Answer(v, np.zeros(12), np.full(12, rows.floor[0]), np.empty((3, 12)))
    return v, rows.respond(v, near)[0]


def plan(rows, v, answer):
    E = answer.eps[:, None] + rows.costs(v)
    y = (answer.f[:, None] + v[:15] - rows.problem.cost.C) / E
    return np.exp(y) if rows.is_entropic else np.maximum(y, 0.0)


def test_rows_send_their_mass_and_keep_to_their_bounds(rows, rng):
    v, answer = somewhere(rows, rng)
    P = plan(rows, v, answer)
    np.testing.assert_allclose(P.sum(axis=1), rows.problem.a, rtol=1e-12)
    sums = 0.5 * P * P
    if rows.is_entropic:
        sums = P * (np.log(P) - 1.0)
    off = sums.sum(axis=1) - rows.bounds
    assert (off <= 1e-11 * np.abs(rows.bounds)).all()
    np.testing.assert_allclose(answer.eps * off, 0.0, atol=1e-11 * rows.floor[0])
    assert (answer.eps > 0.0).any()


def test_gradient(rows, rng):
    v, answer = somewhere(rows, rng)
    _, got, _ = rows.respond(v, answer)
    for j in range(30):
        if v[j] == 0.0:
            continue
        step = 1e-6 * max(abs(v[j]), 1e-3) * (np.arange(30) == j)
        up, down = (rows.respond(v + s, answer)[2] for s in (step, -step))
        assert (up - down) / (2 * step.sum()) == pytest.approx(-got[j], rel=1e-5, abs=1e-8)


def test_hessian(rows, rng):
    v, answer = somewhere(rows, rng)
    x = 1e-7 * rng.normal(size=30) * np.concatenate((np.ones(15), rows.floor[0] * rows.unit))
    x[20] = abs(x[20])
    change = rows.respond(v + x, answer)[1] - rows.respond(v, answer)[1]
    out = np.zeros((2, 15))
    listed = rows.entries(answer, 0.0)
    kernels.product(*listed, *answer.moments, x[:15], x[15:] / rows.unit, *out)
    expected = np.concatenate((out[0], out[1] / rows.unit))
    np.testing.assert_allclose(change, expected, atol=1e-4 * np.abs(expected).max())
    diagonal = np.zeros((3, 15))
    kernels.diagonal(*listed, *answer.moments, *diagonal)
    for j in range(15):
        e = (np.arange(15) == j).astype(float)
        out[:] = 0.0
        kernels.product(*listed, *answer.moments, e, 0.0 * e, *out)
        np.testing.assert_allclose(out[:, j], diagonal[:2, j], atol=1e-12 * diagonal[0].max())


def test_columns_alone_are_balanced(rows, rng):
    v, answer = somewhere(rows, rng)
    moved = rows.alone(answer, v, np.inf)
    P = plan(rows, moved, answer)
    np.testing.assert_allclose(P.sum(axis=0), rows.problem.b, rtol=1e-10)


@pytest.mark.parametrize("tied", [0.0, 1.0])
def test_a_row_of_equal_costs(tied):
    """All entries are equal: as many columns as there are, more than asked for."""
    C = np.full((1, 6), tied)
    problem = AdaptiveProblem(C, [1.0], np.full(6, 1 / 6), row_perplexity=4.0)
    rows = AdaptiveRows(problem, Pairs.every(problem), np.full(6, 0.1))
    near = Answer(np.zeros(6), np.zeros(1), np.ones(1), np.empty((3, 1)))
    answer, got, _ = rows.respond(np.zeros(6), near)
    assert answer.eps.tolist() == [0.0]
    np.testing.assert_allclose(got, 1 / 6)


def test_a_factor_solves_what_iterations_do(rows, rng):
    """Half of the variables stay; the others solve the system that products are of."""
    _, answer = somewhere(rows, rng)
    held = rng.random(30) < 0.5
    system = System.of(rows.entries(answer, 0.0), answer.moments, held, 1e-4, rows._sizes)
    r = np.where(held, 0.0, rng.normal(size=30))
    found = system.by_factor(r, np.zeros(30))
    assert not found[held].any()
    np.testing.assert_allclose(system.product(found), r, atol=1e-8)
    iterated, is_there = system.solve(r, 1e-12, 1000)
    assert is_there
    np.testing.assert_allclose(found, iterated, rtol=1e-4, atol=1e-8 * np.abs(found).max())
    assert system.solve(r, 1e-12, 2)[1] is False


def test_multipliers_fall_to_zero_and_no_further(rows, rng):
    """Where bounds are missed by far on the other side the direction ends at the edge."""
    v, answer = somewhere(rows, rng)
    wanted = np.append(np.zeros(15), -rng.random(15))
    wanted[20] = 0.0
    found = rows.direction(answer, wanted, np.zeros(30, np.bool_), 0.0, 1e-10)
    assert (found[15:] < 0.0).any()
    falls = v[15:] + found[15:]
    assert np.isclose(falls, 0.0, atol=1e-12 * v[15:].max()).sum() >= 2
