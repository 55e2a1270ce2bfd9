"""Masses, costs and strengths from 1e-300 to 1e300: right, or refused by name; never a warning."""

import re
import warnings

import numpy as np
import pytest
import scipy.sparse as sp

import quot
from quot import InvalidProblemError, NotConvergedWarning

SIZES = [10.0**k for k in (-300, -250, -200, -150, -100, -50, -10, 0, 10, 50, 100, 150, 200, 250)]
N, M = 5, 6


def problem(rng):
    a, b = rng.random(N) + 0.1, rng.random(M) + 0.1
    return rng.random((N, M)), a / a.sum(), b / b.sum()


def ring(rng, length, mass):
    edges = [(i, (i + 1) % 8) for i in range(8)] + [(0, 4), (2, 6)]
    a, b = np.zeros((2, 8))
    a[:3], b[4:7] = rng.random(3), rng.random(3)
    graph = quot.Graph(8, edges, rng.random(10) * length)
    return graph, a / a.sum() * mass, b / b.sum() * mass


def plan(rng, mass, cost, strength, part):
    C, a, b = problem(rng)
    return quot.solve(cost * C, mass * a, mass * b, reg=strength, mass=part)


def sparse(rng, mass, cost, strength, part):
    C, a, b = problem(rng)
    return quot.solve(sp.csr_array(cost * C), mass * a, mass * b, reg=strength, mass=part)


def linear(rng, mass, cost, _, part):
    C, a, b = problem(rng)
    return quot.solve(cost * C, mass * a, mass * b, mass=part)


def points(rng, mass, cost, strength, part):
    _, a, b = problem(rng)
    X, Y = np.sqrt(cost) * rng.random((N, 2)), np.sqrt(cost) * rng.random((M, 2))
    return quot.solve_points(X, Y, mass * a, mass * b, reg=strength, mass=part)


def graph(rng, mass, cost, strength, part):
    return quot.solve_graph(*ring(rng, cost, mass), reg=strength, mass=part)


def entropic(rng, mass, cost, strength, part):
    C, a, b = problem(rng)
    kind = "E1" if part is None else "E2"
    return quot.solve_entropic(
        cost * C, mass * a, mass * b, eps=strength, mass=part, formulation=kind
    )


def adaptive(rng, mass, cost, strength, _):
    C, a, b = problem(rng)
    kind = "entropic" if strength > 1.0 else "quadratic"
    return quot.solve_adaptive(cost * C, mass * a, mass * b, perplexity=2.0, regularizer=kind)


def batch(rng, mass, cost, strength, part):
    C, a, b = problem(rng)
    return quot.solve_batch([cost * C], mass * a, mass * b, reg=strength, mass=part)[0]


def path(rng, mass, cost, strength, part):
    C, a, b = problem(rng)
    given = quot.Problem(cost * C, mass * a, mass * b, mass=part)
    return quot.reg_path(given, [strength, strength / 2]).results[0]


def masses(rng, mass, cost, strength, _):
    C, a, b = problem(rng)
    given = quot.Problem(cost * C, mass * a, mass * b, reg=strength)
    return quot.mass_path(given, [0.3 * mass, 0.9 * mass]).results[1]


KINDS = [plan, sparse, linear, points, graph, entropic, adaptive, batch, path, masses]
SAYS = r"rescale|less than the rounding of the costs|must be finite|overflow"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_any_scale_is_right_or_refused(kind, seed):
    """All warnings are errors here, those of NumPy, too."""
    rng, refusals = np.random.default_rng(seed), []
    for k in range(12):
        mass, cost, strength = rng.choice(SIZES, 3)
        if k % 4:
            only = [mass, cost, strength][k % 4 - 1]
            mass, cost, strength = (only if j == k % 4 else 1.0 for j in (1, 2, 3))
        part = None if rng.random() < 0.5 else 0.6 * mass
        try:
            result = kind(rng, mass, cost, strength, part)
        except InvalidProblemError as error:
            refusals.append(str(error))
            continue
        except NotConvergedWarning:
            assert kind in {entropic, adaptive}  # honest, of a temperature that floats do not see
            continue
        assert result.converged
        assert np.isfinite(result.value)
        certificate = quot.certify(result.problem, result.plan, result.f, result.g, result.lam)
        assert not np.isnan(certificate.upper) or kind is adaptive
    assert all(re.search(SAYS, text) for text in refusals)


REFUSED = {
    "masses of 1e200": (
        lambda a, b, C: quot.Problem(C, 1e200 * a, 1e200 * b, reg=1.0),
        r"masses of total 1e\+200 at a price of about 3\.33e\+198 have a value that is too large "
        r"for floating point; rescale the masses, or the costs and the strength\.",
    ),
    "costs of 1e200 for as much": (
        lambda a, b, C: quot.Problem(1e200 * C, 1e200 * a, 1e200 * b),
        r"masses of total 1e\+200 at a price of about .*e\+199 have a value that is too large",
    ),
    "next to nothing": (
        lambda a, b, C: quot.Problem(1e-200 * C, 1e-200 * a, 1e-200 * b),
        r"masses of total 1e-200 at a price of about .*e-201 have a value that is next to nothing",
    ),
    "a temperature of nothing": (
        lambda a, b, C: quot.solve_entropic(C, a, b, eps=1e-100),
        r"`eps=1e-100` is less than the rounding of the costs, of about 0\..*, and floats do not "
        r"tell the entries of such a plan apart; raise it, or solve without an entropy, `reg=0`\.",
    ),
    "squares of masses": (
        lambda a, b, C: quot.solve_adaptive(C, 1e200 * a, 1e200 * b, perplexity=2.0),
        r"`a` sums to 1e\+200, and floats do not hold the squares of such masses, or costs over "
        r"them; rescale `a` and `b`: the perplexities stay as they are\.",
    ),
    "lengths": (
        lambda a, b, C: quot.GraphProblem(
            quot.Graph(2, [[0, 1]], [1e200]), [1e200, 0.0], [0.0, 1e200]
        ),
        r"masses of total 1e\+200 at a price of about 1e\+200 have a value that is too large",
    ),
    "a strength of a path": (
        lambda a, b, C: quot.reg_path(quot.Problem(C, 1e100 * a, 1e100 * b), [1.0, 1e200]),
        r"masses of total 1e\+100 at a price of about 3\.33e\+298 have a value that is too large",
    ),
}


@pytest.mark.parametrize(("call", "text"), REFUSED.values(), ids=REFUSED)
def test_refused_by_name(call, text):
    C, a, b = problem(np.random.default_rng(0))
    with pytest.raises(InvalidProblemError, match=text):
        call(a, b, C)


def test_far_costs_that_nobody_pays_are_no_reason():
    """A sentinel may be as large as it likes."""
    C, a, b = problem(np.random.default_rng(1))
    C[0, 1:] = 1e300
    a[0] = b[0]
    b[1:] *= (a.sum() - b[0]) / b[1:].sum()
    far = quot.solve(C, 1e12 * a, 1e12 * b, reg=1e-12)
    assert far.converged
    assert far.value == pytest.approx(1e12 * quot.solve(C, a, b, reg=1.0).value, rel=1e-6)


@pytest.mark.parametrize("kind", ["entropic", "quadratic"])
@pytest.mark.parametrize("scale", [1e-130, 1e-90, 1e90, 1e130])
@pytest.mark.parametrize("of", ["masses", "costs"])
def test_adaptive_problems_in_other_units(kind, scale, of):
    C, a, b = problem(np.random.default_rng(2))
    by = {"masses": (scale, 1.0), "costs": (1.0, scale)}[of]
    one = quot.solve_adaptive(C, a, b, perplexity=3.0, regularizer=kind)
    other = quot.solve_adaptive(by[1] * C, by[0] * a, by[0] * b, perplexity=3.0, regularizer=kind)
    assert one.converged
    assert other.converged
    assert other.value == pytest.approx(scale * one.value, rel=1e-7)
    np.testing.assert_allclose(other.row_perplexity, one.row_perplexity, rtol=1e-6)


def test_nothing_to_move_is_no_small_mass():
    nothing = np.zeros(3)
    assert quot.solve(np.ones((3, 3)), nothing, nothing).value == 0.0
    assert quot.solve_adaptive(np.ones((3, 3)), nothing, nothing, perplexity=1.0).value == 0.0


def test_potentials_out_of_range_are_not_certified():
    C, a, b = problem(np.random.default_rng(3))
    given = quot.Problem(C, a, b, reg=1.0)
    result = quot.solve(C, a, b, reg=1.0)
    for size in (1e160, 1e300):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = quot.certify(given, result.plan, size * result.f, -size * result.g)
        assert not found.holds(result.tolerance)
