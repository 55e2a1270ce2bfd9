"""A sample of the large zoo; `make zoo ARGS="--large"` runs as many problems as you like."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from tests.zoo import bounds
from tests.zoo.bounds import examine, judge
from tests.zoo.judge import GOOD, attempt
from tests.zoo.large import KINDS, problem

QUICK = {
    "points": (42, 44, 45, 49, 52, 57),
    "dense": (48, 61, 65, 79, 93, 107),
    "sparse": (72, 96, 114, 129, 159, 205),
    "graph": (117, 152, 245, 265, 269, 282),
}

# What of a result is looked at.
SEEN = ("plan", "f", "g", "lam", "value", "cost", "converged", "seconds")


@pytest.mark.parametrize("kind", KINDS)
def test_answers_are_right(kind):
    verdicts = {seed: examine(problem(seed)) for seed in QUICK[kind]}
    assert all(problem(seed).kind == kind for seed in verdicts)
    assert {seed: v for seed, v in verdicts.items() if v.name not in GOOD} == {}


def test_prices_may_go_far_along_a_list():
    """On a line what is missing at one end has to come from the other, through all between."""
    it = replace(problem(39), reg=0.0)
    r = it.solve()
    assert judge(it, r).name == "right"
    assert len(r.history) <= 12


def test_a_list_does_not_grow_with_every_round_of_an_outlier():
    r = problem(69).solve()
    assert r.converged
    assert max(k.candidates for k in r.history[1:]) <= 200_000


def test_cycles_that_creep_leave_it_to_newton():
    it = problem(287)
    r = it.solve()
    assert judge(it, r).name == "right"
    assert sum(k.inner for k in r.history) <= 100


@pytest.mark.parametrize("seed", [57, 107, 159, 269])
def test_what_is_wrong_is_seen(seed):
    it = problem(seed)
    r = attempt(it)
    as_it_is = {name: getattr(r, name) for name in SEEN}
    assert judge(it, SimpleNamespace(**as_it_is)).name == "right"
    more = abs(r.value) + 1e-6
    for changed in (
        {"plan": replace(r.plan, values=1.001 * r.plan.values)},
        {"value": r.value + 1e-3 * more},
        {"f": 1.1 * r.f[::-1], "g": 1.1 * r.g[::-1]},
    ):
        assert judge(it, SimpleNamespace(**as_it_is | changed)).name == "wrong"


def test_a_refusal_is_looked_into():
    it = problem(209)
    assert examine(it).name == "refused"
    less = replace(it, mass=0.25 * it.mass)
    assert bounds._refused(less, "none").name == "exception"
