"""Of several cheapest answers the one of least norm, or any."""

import numpy as np
import pytest
from tests.checks import assert_well_formed
from tests.oracles.linear import solve_linear
from tests.strategies import Instance

import quot


@pytest.mark.parametrize("mass", [None, 0.6])
def test_any_plan_is_as_cheap_and_no_smoother(rng, mass):
    C = rng.integers(0, 3, (25, 30)).astype(float)
    instance = Instance(C, np.full(25, 1 / 25), np.full(30, 1 / 30), 0.0, mass)
    right, _ = solve_linear(C, instance.a, instance.b, mass)
    one, shared = (quot.solve(C, mass=mass, ties=ties) for ties in ("any", "share"))
    for r in (one, shared):
        assert r.converged
        assert_well_formed(instance, r)
        assert r.value == pytest.approx(right, abs=1e-9)
    assert (shared.plan.values**2).sum() < (one.plan.values**2).sum()
    assert one.plan.nnz < 25 + 30 < shared.plan.nnz


def test_any_flow_is_as_cheap():
    graph = quot.graphs.grid((6, 6))
    source, target = np.zeros((2, 36))
    source[0], target[35] = 1.0, 1.0
    one, shared = (quot.solve_graph(graph, source, target, ties=ties) for ties in ("any", "share"))
    assert one.converged
    assert shared.converged
    assert one.value == pytest.approx(10.0, rel=1e-12)
    assert shared.value == pytest.approx(10.0, rel=1e-12)
    assert (shared.flow**2).sum() <= (one.flow**2).sum()


def test_no_other_word_for_it():
    with pytest.raises(quot.InvalidProblemError, match="`ties` must be one of 'share', 'any'"):
        quot.solve(np.eye(2), ties="all")
