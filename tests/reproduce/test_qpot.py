"""What is known of the sparse partial plans from elsewhere."""

import numpy as np
import pytest

from quot import solve
from quot.reproduce.data import Data
from quot.reproduce.experiment import Case
from quot.reproduce.qpot.colors import colors
from quot.reproduce.qpot.exactness import eps_bar
from quot.reproduce.qpot.histograms import NAMES, histogram, problem_of
from quot.reproduce.qpot.moons import UNNAMED, moons
from quot.reproduce.qpot.plans import as_published, exactly
from quot.reproduce.qpot.sweeps import Problem, powers


def case(**parameters):
    toy = {"bins": 40, "samples": 100_000, "smoothing": 1e-6}
    return Case({**toy, **parameters}, Data())


def test_histograms_are_shares_of_their_own():
    for name in NAMES:
        shares = histogram(case(), name)
        assert shares.shape == (40,)
        assert shares.sum() == pytest.approx(1.0, abs=1e-14)
        assert shares.min() > 0.0
        assert not np.array_equal(shares, histogram(Case(case().parameters, Data(), seed=1), name))
    # Of a binomial distribution all but 11 bins are empty, as its smoothing shows.
    assert (histogram(case(), "Bi") > 2e-6).sum() == 11


@pytest.mark.parametrize(
    ("pair", "share", "quadratic", "entropic"),
    [(("Bi", "MG"), 0.7, 0.9824, 0.662), (("P", "Be"), 0.7, 0.9840, 0.647)],
)
def test_exact_sparsity_of_a_hundred_bins(pair, share, quadratic, entropic):
    """As other code has it, of other samples: at eps 1e-6 both, at 1e-2 EPOT."""
    C, a, b = problem_of(case(bins=100), *pair)
    for kind in ("QPOT", "EPOT"):
        found = exactly(kind, C, a, b, eps=1e-6, mass=share)
        assert found.sparsity == pytest.approx(quadratic, abs=2e-3)
        assert found.violation < 1e-12
    found = exactly("EPOT", C, a, b, eps=1e-2, mass=share)
    assert found.sparsity == pytest.approx(entropic, abs=1e-2)


def test_eps_bar_is_where_the_plan_begins_to_change():
    problem = problem_of(case(), "P", "Be")
    limit, X = eps_bar(problem, 0.7)
    C, a, b = problem
    assert 0.02 < limit < 0.08

    def apart(reg):
        return np.abs(solve(C, a, b, reg=reg, mass=0.7, tol=1e-12).plan.to_dense() - X).max()

    assert apart(0.9 * limit) < 1e-9
    assert apart(1.1 * limit) > 1e-6
    assert eps_bar(Problem(C, 3 * a, 3 * b), 0.7)[0] == pytest.approx(limit / 3, rel=1e-6)


def test_both_ways_solve_one_problem():
    rng = np.random.default_rng(3)
    C, a, b = rng.random((6, 7)), np.full(6, 1 / 6), np.full(7, 1 / 7)
    for kind in ("QPOT", "EPOT"):
        one = exactly(kind, C, a, b, eps=0.2, mass=0.6).plan
        other = as_published(kind, C, a, b, eps=0.2, mass=0.6, tol=1e-9, steps=100_000).plan
        assert np.abs(one - other).max() < 1e-6


def test_powers():
    assert powers(-0.5, -2.0, 0.5) == pytest.approx((10**-0.5, 1e-1, 10**-1.5, 1e-2))
    assert powers(-0.2, -6.0, 0.2)[-1] == 1e-6


def test_colours_that_do_not_move_stay():
    pair = colors(case(size=32, grid=5))
    nothing = np.zeros_like(pair.problem.C)
    assert np.abs(pair.recolored(nothing).astype(int) - pair.source).max() <= 1
    C, a, b = pair.problem
    moved = pair.recolored(exactly("QPOT", C, a, b, eps=1e-2, mass=0.7).plan)
    assert np.abs(moved.astype(int) - pair.source).max() > 10
    assert a.sum() == pytest.approx(1.0)
    assert C.max() == 1.0


def test_centres_without_mass_have_no_label():
    drawn = moons(case(source=20, target=30, degrees=50.0), 0.05, 0)
    plan = np.zeros((20, 20))
    plan[np.flatnonzero(drawn.y == 1)[0], 3] = 0.1
    plan[np.flatnonzero(drawn.y == 0)[0], 5] = 0.2
    labels = drawn.named(plan)
    assert (labels[3], labels[5]) == (1, 0)
    assert (labels == UNNAMED).sum() == 18
    assert set(drawn.learnt(labels).predict(drawn.Z)) <= {0, 1}
