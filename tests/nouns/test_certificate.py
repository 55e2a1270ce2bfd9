"""The certificate brackets the optimum whatever it is given, and believes nothing."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.oracles import certificate as oracle
from tests.oracles.linear import solve_linear
from tests.strategies import problems, rng_of, seeds, sparse_problems

from quot.certificate import Certificate, certify
from quot.convergence import Tolerance
from quot.plan import Plan
from quot.problem import Problem


def make(instance):
    return Problem(instance.cost, instance.a, instance.b, reg=instance.reg, mass=instance.mass)


def guess(instance, seed):
    """Any plan and any potentials, of the right shapes."""
    rng = rng_of(seed)
    n, m = instance.shape
    P = rng.random((n, m)) * (rng.random((n, m)) < 0.5) * instance.total
    P[~np.isfinite(instance.C)] = 0.0
    return P, rng.normal(size=n), rng.normal(size=m), float(rng.normal())


@given(problems(), seeds)
def test_any_answer_brackets_the_optimum(instance, seed):
    P, f, g, lam = guess(instance, seed)
    c = certify(make(instance), Plan.from_dense(P), f, g, lam)
    linear, vertex = solve_linear(instance.C, instance.a, instance.b, instance.moved)
    # The optimum lies between the linear one and the value of a linear vertex.
    slack = 1e-8 * (1 + abs(linear))
    assert c.upper >= linear - slack
    assert c.lower <= oracle.objective(instance.C, vertex, instance.reg) + slack
    assert c.lower <= c.upper + slack


@given(problems(regs=st.floats(1e-3, 1e3)), seeds)
def test_bounds_are_the_formulas(instance, seed):
    P, f, g, lam = guess(instance, seed)
    c = certify(make(instance), Plan.from_dense(P), f, g, lam)
    i = instance
    dual = oracle.dual_value(i.C, i.a, i.b, i.reg, i.moved, f, g, lam)
    assert c.lower >= dual - 1e-12 * (1 + abs(dual))  # the linear bound may be better
    assert c.primal_residual == pytest.approx(oracle.residual(P, i.a, i.b, i.moved), abs=1e-14)
    assert c.pairs == i.C.size
    if not i.balanced:
        assert (c.multiplier_violation > 0) == (max(f.max(), g.max()) > 0)
    # Round-off is a few units in the last place of what is summed; the penalty is in the dual.
    f, g = (f, g) if i.balanced else (np.minimum(f, 0), np.minimum(g, 0))
    lam = 0.0 if i.balanced else lam
    linear = np.abs(f) @ i.a + np.abs(g) @ i.b + abs(lam) * (i.a.sum() + i.b.sum())
    linear += np.abs(i.C).max() * i.total
    penalty = f @ i.a + g @ i.b + lam * i.total - dual
    assert 0 < c.round_off <= 16 * np.finfo(float).eps * (linear + penalty)


@given(sparse_problems(), seeds)
def test_forbidden_pairs_are_never_priced(instance, seed):
    P, f, g, lam = guess(instance, seed)
    assume(P.any())
    c = certify(make(instance), Plan.from_dense(P), f, g, lam)
    linear, _ = solve_linear(instance.C, instance.a, instance.b, instance.moved)
    assert c.lower <= c.upper
    assert c.upper >= linear - 1e-8 * (1 + abs(linear))  # infinite if the repair needs such a pair
    assert c.pairs == np.isfinite(instance.C).sum()


def test_an_optimal_pair_closes_the_gap():
    C = np.array([[0.0, 2.0], [2.0, 1.0]])
    problem = Problem(C, reg=1.0)
    c = certify(
        problem, Plan.from_dense([[0.5, 0.0], [0.0, 0.5]]), np.array([0.5, 1.5]), np.zeros(2)
    )
    assert (c.lower, c.upper) == (0.75, 0.75)
    assert c.relative_gap == c.primal_residual == c.multiplier_violation == 0.0
    assert c.holds(Tolerance())


def test_what_is_only_checked_on_the_support_is_not_certified():
    C = np.array([[0.0, -2.0], [-2.0, 1.0]])  # the other diagonal is far better
    plan = Plan.from_dense([[0.5, 0.0], [0.0, 0.5]])
    f, g = np.array([0.5, 1.5]), np.zeros(2)
    partial = certify(Problem(C, reg=1.0), plan, f, g, scope="support")
    assert partial.gap == pytest.approx(0.0)
    assert not partial.holds(Tolerance())
    full = certify(Problem(C, reg=1.0), plan, f, g)
    assert full.relative_gap > 0.1
    assert not full.holds(Tolerance())
    assert full.pairs == 4
    assert partial.pairs == 2


@pytest.mark.parametrize("mass", [None, 0.999])
def test_a_bound_without_the_quadratic_term_has_none_of_its_round_off(mass):
    """A penalty of 10^11 was counted where the linear bound was the better one: it excused all."""
    problem = Problem([[0.0, 1.0], [1.0, 0.0]], reg=1e-12, mass=mass)
    plan = Plan.from_dense((mass or 1.0) * np.array([[0.49995, 5e-5], [5e-5, 0.49995]]))
    wrong = (np.zeros(2), np.zeros(2), 0.6) if mass else (np.full(2, 0.3), np.full(2, 0.3))
    c = certify(problem, plan, *wrong)
    assert c.round_off <= 1e-12
    assert c.gap > 0.9e-4
    assert not c.holds(Tolerance())


@pytest.mark.parametrize("place", ["plan", "f", "g", "lam"])
@pytest.mark.parametrize("mass", [None, 0.5])
@pytest.mark.parametrize("reg", [0.0, 1.0])
def test_nan_never_passes(place, mass, reg):
    parts = {"plan": np.full((2, 2), 0.25), "f": np.zeros(2), "g": np.zeros(2), "lam": 0.0}
    if place == "lam":
        if mass is None:
            pytest.skip("a balanced problem has no lam")
        parts["lam"] = np.nan
    else:
        parts[place].flat[0] = np.nan
    plan = Plan.from_dense(parts.pop("plan"))
    for a in ([0.5, 0.5], [0.0, 1.0]):  # also where the row carries nothing
        problem = Problem(np.zeros((2, 2)), a, a, reg=reg, mass=mass)
        with np.errstate(invalid="ignore"):
            c = certify(problem, plan, **parts)
        assert not c.holds(Tolerance(1.0, 1.0, 1.0))


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({}, True),
        ({"upper": 1.0 + 2e-9}, False),
        ({"upper": 1.0 + 0.5e-9}, True),
        ({"upper": 1.0 - 2e-9}, False),
        ({"upper": 1.0 + 2e-9, "round_off": 1.5e-9}, True),
        ({"primal_residual": 2e-9}, False),
        ({"multiplier_violation": 2e-9}, False),
        ({"scope": "support"}, False),
        ({"lower": -np.inf}, False),
        ({"upper": np.inf}, False),
        ({"lower": np.nan}, False),
        ({"lower": 0.0, "upper": 0.0}, True),
        ({"upper": 1.0 + 2e-9, "scale": 3.0}, True),
    ],
    ids=str,
)
def test_holds(changes, kept):
    exact = {
        "lower": 1.0, "upper": 1.0, "primal_residual": 0.0, "multiplier_violation": 0.0,
        "round_off": 0.0, "scale": 1.0, "scope": "all", "pairs": 4,
    }  # fmt: skip
    assert Certificate(**(exact | changes)).holds(Tolerance()) is kept


def test_certificate_reads_well():
    text = str(Certificate(1.0, 1.5, 1e-12, 0.0, 0.0, 1.5, "all", 12345))
    assert "1 <= optimal value <= 1.5" in text
    assert "3.3e-01" in text
    assert "all (12,345 pairs priced)" in text
    text = str(Certificate(1.0, 1.5, 1e-12, 0.0, 0.0, 1.5, "all", 12345, "edges"))
    assert "flow: nodes, edges and total within 1.0e-12" in text
    assert "all (12,345 edges priced)" in text


@pytest.mark.parametrize(("lower", "upper"), [(1.0, np.inf), (-np.inf, 1.0), (-np.inf, np.inf)])
def test_no_bound_is_an_infinite_gap(lower, upper):
    c = Certificate(lower, upper, 0.0, 0.0, 1e-16, max(abs(lower), abs(upper)), "all", 1)
    assert c.relative_gap == np.inf
    assert "relative gap inf" in str(c)
    assert not c.holds(Tolerance())


@given(problems(regs=st.floats(1e-3, 1e3)), seeds)
def test_scale_is_the_optimum_or_a_thousandth_of_a_typical_cost(instance, seed):
    P, f, g, lam = guess(instance, seed)
    c = certify(make(instance), Plan.from_dense(P), f, g, lam)
    costs = np.abs(instance.C)
    typical = np.median(costs) or costs.mean() or 1.0  # of a cost that is mostly, or all, zero
    assert c.scale == pytest.approx(
        max(abs(c.lower), abs(c.upper), 1e-3 * typical * instance.total)
    )
    gap = c.upper - c.lower - c.round_off
    assert c.relative_gap == pytest.approx(max(gap, 0.0) / c.scale if c.scale else 0.0)
