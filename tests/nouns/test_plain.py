"""What is plainly valid passes the door at once, and is what it would be by all the rules."""

import re
import warnings

import numpy as np
import pytest
from tests.design import every_two

import quot
from quot.problem.transport import Transport

N, M = 3, 4
C = np.random.default_rng(0).random((N, M))
A = np.array([0.2, 0.0, 0.3])
B = np.array([0.1, 0.25, 0.0, 0.15])
NOTHING = np.zeros(M)


@pytest.fixture
def by_all_rules(monkeypatch):
    """The problem, or what is said of it, where nothing passes at once."""

    def judged(make):
        with monkeypatch.context() as patch:
            patch.setattr(Transport, "_passes", lambda _: False)
            return outcome(make)

    return judged


def outcome(make):
    """All that there is to know of a problem, or how it is refused; no warning either way."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            problem = make()
        except quot.InvalidProblemError as error:
            return str(error)
    assert type(problem.cost.C) is np.ndarray
    cost, a, b = (x.tolist() for x in (problem.cost.C, problem.a, problem.b))
    numbers = problem.mass, problem.total, problem.unit, problem.round_off, problem.rescaled
    return cost, a, b, numbers, problem.row_labels, problem.col_labels


@every_two(
    cost=[
        C,
        C.T.copy().T,
        C.astype(np.float32),
        C.astype(int),
        C[:, ::-1],
        np.asmatrix(C),
        -1e9 * C,
    ],
    a=[
        A,
        None,
        A * 1e9,
        A.astype(np.float32),
        A.tolist(),
        -A,
        A[:2],
        np.array([np.inf, 0, -np.inf]),
    ],
    b=[B, None, B * 1e9, np.array([1.7e308] * M), NOTHING, B - 1e-9, np.array([np.nan] * M)],
    mass=[None, 0.25, 0, 0.5, 0.5 * (1 + 1e-13), 0.51, -1.0, np.nan, True, np.float32(0.3), "all"],
)
def test_at_once_and_by_all_rules_are_the_same(cost, a, b, mass, by_all_rules):
    def make():
        return quot.Problem(cost, a, b, reg=0.1, mass=mass)

    assert repr(outcome(make)) == repr(by_all_rules(make))


@pytest.mark.parametrize("worst", [np.nan, np.inf, -np.inf, 1.7e308])
def test_costs_that_are_not_finite_or_reach_too_far_are_refused(worst, by_all_rules):
    def make():
        return quot.Problem(np.array([[-1e308, 1.0], [2.0, worst]]))

    said = outcome(make)
    assert said == by_all_rules(make)
    assert re.match("`C` (must be finite|ranges from)", said)


def test_what_passes_at_once_has_masses_of_its_own():
    a, b = A.copy(), B.copy()
    problem = quot.Problem(C, a, b)
    a[:], b[:] = 7.0, 8.0
    assert problem.a.tolist() == A.tolist()
    assert problem.b.tolist() == B.tolist()
    assert problem.cost.C is C


def test_names_are_not_passed_by():
    problem = quot.Problem(C, A, B, row_labels=list("xyz"))
    assert problem.row_labels == tuple("xyz")
    with pytest.raises(quot.InvalidProblemError, match="2 names, but there are 3 rows"):
        quot.Problem(C, A, B, row_labels=list("xy"))
