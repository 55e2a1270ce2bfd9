"""A sample of the zoo; `make zoo` runs as many problems as you like."""

import pytest
from tests.zoo.judge import GOOD, attempt, examine
from tests.zoo.problems import KINDS, problem

SEEDS = range(150)
# Seeds that fail, and where the cause seems to be. Mend it, then take them out.
_CAUSES = {
    "sentinels, and quadratic terms: Newton ends far away": (72,),
}
KNOWN = {seed: cause for cause, seeds in _CAUSES.items() for seed in seeds}
BY_KIND = {k: [s for s in SEEDS if s not in KNOWN and problem(s).kind == k] for k in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_answers_are_right(kind):
    verdicts = {seed: examine(problem(seed)) for seed in BY_KIND[kind]}
    assert {seed: v for seed, v in verdicts.items() if v.name not in GOOD} == {}


@pytest.mark.parametrize(
    "seed", [pytest.param(s, marks=pytest.mark.xfail(reason=KNOWN[s], strict=True)) for s in KNOWN]
)
def test_known_failures(seed):
    verdict = examine(problem(seed))
    assert verdict.name in GOOD, verdict.why


def test_a_seed_is_a_problem():
    one, other = (attempt(problem(7)) for _ in range(2))
    assert one.value == other.value
    assert problem(7).words == problem(7).words != problem(8).words
