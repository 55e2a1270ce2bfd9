"""A sample of the zoo; `make zoo` runs as many problems as you like."""

import pytest
from tests.zoo.judge import GOOD, attempt, examine
from tests.zoo.problems import KINDS, problem

BY_KIND = {kind: [seed for seed in range(150) if problem(seed).kind == kind] for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_answers_are_right(kind):
    verdicts = {seed: examine(problem(seed)) for seed in BY_KIND[kind]}
    assert {seed: v for seed, v in verdicts.items() if v.name not in GOOD} == {}


def test_a_seed_is_a_problem():
    one, other = (attempt(problem(7)) for _ in range(2))
    assert one.value == other.value
    assert problem(7).words == problem(7).words != problem(8).words
