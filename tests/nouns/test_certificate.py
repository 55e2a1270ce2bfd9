"""The certificate brackets the optimum whatever it is given, and believes nothing."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.oracles import certificate as oracle
from tests.oracles.linear import solve_linear
from tests.strategies import problems, rng_of, seeds, sparse_problems

from quot.certificate import Certificate, certify
from quot.certificate.bracket import exact_sum
from quot.certificate.flows import repair_flow
from quot.convergence import Status, Tolerance
from quot.costs import PointCost
from quot.flow import Flow
from quot.graph import Graph
from quot.plan import Plan
from quot.problem import EntropicProblem, GraphProblem, Problem
from quot.rounding import repair


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
    squares = i.reg / 2 * i.total**2
    assert 0 <= c.round_off <= 16 * np.finfo(float).eps * (linear + penalty + squares)


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
        ({"upper": 1.0 - 2e-9, "round_off": 1.5e-9}, True),
        ({"upper": 1.0 + 1e-7, "round_off": 1.0}, False),
        ({"upper": 1.0 - 1e-7, "round_off": 1.0}, False),
        ({"primal_residual": 2e-9}, False),
        ({"multiplier_violation": 2e-9}, False),
        ({"scope": "support"}, False),
        ({"lower": -np.inf}, False),
        ({"upper": np.inf}, False),
        ({"lower": np.nan}, False),
        ({"lower": 0.0, "upper": 0.0}, True),
        ({"lower": 0.0, "upper": 0.0, "scale": 0.0}, True),
        ({"lower": 0.0, "upper": 1e-300, "scale": 0.0}, False),
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
def test_scale_is_what_the_plan_adds_up_or_the_lower_bound(instance, seed):
    P, f, g, lam = guess(instance, seed)
    problem = make(instance)
    c = certify(problem, Plan.from_dense(P), f, g, lam)
    Q = repair(problem, Plan.from_dense(P)).to_dense()
    used = oracle.objective(np.abs(instance.C), Q, instance.reg)
    assert c.scale == pytest.approx(max(used, abs(c.lower)))
    gap = max(c.upper - c.lower - min(c.round_off, 1e-8 * c.scale), 0.0)
    assert c.relative_gap == pytest.approx(gap / c.scale if c.scale else 0.0)


def test_scale_of_an_entropic_problem_has_the_entropy_without_its_sign():
    problem = EntropicProblem([[1.0, 0.0], [0.0, 1.0]], eps=0.5)
    plan = Plan.from_dense(np.full((2, 2), 0.25))
    c = certify(problem, plan, np.zeros(2), np.zeros(2))
    assert c.scale == pytest.approx(max(0.5 + 0.5 * (1 + np.log(4)), abs(c.lower)))


def test_scale_of_a_flow_has_lengths_without_their_signs():
    graph = Graph(3, [[0, 1], [1, 2], [0, 2]], [2.0, -1.5, 1e15], directed=True)
    problem = GraphProblem(graph, [1.0, 0.0, 0.0], [0.0, 0.0, 1.0], reg=[0.5, 0.0, 0.0])
    flow = Flow(graph, np.array([1.0, 1.0, 0.0]), problem.source, problem.target)
    p = np.array([0.0, 2.5, 1.0])
    c = certify(problem, flow, -p, p)
    assert (c.lower, c.upper) == (0.75, 0.75)
    assert c.scale == 2.0 + 1.5 + 0.25


# --- what carries nothing says nothing ---------------------------------------------------------

# Two pairs of equal points and one that is far: all is at home, and the wrong plan is not.
NEAR = np.array([[0.0, 1.0, 2.0], [1.0, 0.0, 3.0], [2.0, 3.0, 0.0]])


@pytest.mark.parametrize("far", [1e3, 1e9, 1e15, 1e60, 1e300])
@pytest.mark.parametrize("sparse", [False, True])
def test_costs_that_carry_nothing_do_not_count(far, sparse):
    """The scale had the median of all costs: where most of them were sentinels all was optimal."""
    C = np.full((8, 8), far)
    C[:2, :2] = [[1.0, 2.0], [2.0, 1.0]]
    np.fill_diagonal(C, 1.0)
    cost = sp.csr_array(C) if sparse else C
    right, wrong = np.eye(8), np.eye(8)
    wrong[:2, :2] = [[0.0, 1.0], [1.0, 0.0]]
    problem = Problem(cost, np.ones(8), np.ones(8))
    f, g = np.ones(8), np.zeros(8)
    good, bad = (certify(problem, Plan.from_dense(P), f, g) for P in (right, wrong))
    assert (good.lower, good.upper, good.scale) == (8.0, 8.0, 8.0)
    assert good.holds(Tolerance())
    assert (bad.lower, bad.upper, bad.scale) == (8.0, 10.0, 10.0)
    assert bad.relative_gap == pytest.approx(0.2)


@pytest.mark.parametrize("far", [1e12, 1e15, 1e100])
def test_potentials_of_the_size_of_a_sentinel_excuse_nothing(far):
    """Their round-off covered any gap."""
    problem = Problem([[1.0, 4.0], [far, 3.0]], np.ones(2), np.ones(2))
    f, g = np.array([4.0 - far, 3.0]), np.array([far - 3.0, 0.0])  # as far apart as they may be
    plan = [[1.0 - 1e-13, 1e-13], [1e-13, 1.0 - 1e-13]]  # costs a little, or far too much
    c = certify(problem, Plan.from_dense(plan), f, g)
    assert c.round_off > 1e-4
    assert not c.holds(Tolerance())
    assert c.judge(Status.OPTIMAL, Tolerance()) is Status.STALLED
    anchored = certify(problem, Plan.from_dense(np.eye(2)), np.array([1.0, 3.0]), np.zeros(2))
    assert anchored.holds(Tolerance())


def test_round_off_excuses_a_small_part_of_the_scale_only():
    def at(gap):
        return Certificate(1.0, 1.0 + gap, 0.0, 0.0, 1e-3, 1.0, "all", 1)

    assert at(0.9e-8).relative_gap == 0.0
    assert at(1.0e-8 + 0.5e-9).holds(Tolerance())
    assert at(1.0e-7).relative_gap == pytest.approx(0.9e-7)
    assert at(1.0e-7).judge(Status.OPTIMAL, Tolerance()) is Status.NEAR_OPTIMAL
    assert at(1.0e-4).judge(Status.OPTIMAL, Tolerance()) is Status.STALLED


@pytest.mark.parametrize("mass", [None, 1.5])
@pytest.mark.parametrize("cost", ["dense", "sparse", "points"])
def test_a_plan_that_costs_nothing_is_certified_by_that(cost, mass):
    """Whatever the potentials: no cost is negative."""
    C = {"dense": NEAR, "sparse": sp.csr_array((NEAR + 1.0) * (NEAR < 3.0)), "points": None}[cost]
    X = np.array([[0.0], [1.0], [5.0]])
    if cost == "sparse":
        C.data -= 1.0
    problem = Problem(PointCost(X, X) if C is None else C, np.ones(3), np.ones(3), mass=mass)
    plan = Plan.from_dense(np.eye(3) if mass is None else np.diag([1.0, 0.5, 0.0]))
    c = certify(problem, plan, -np.ones(3), -1e15 * np.ones(3), 3.0 if mass else 0.0)
    assert (c.lower, c.upper, c.relative_gap, c.round_off) == (0.0, 0.0, 0.0, 0.0)
    assert c.holds(Tolerance())


def test_all_mass_at_the_least_cost_is_a_bound():
    problem = Problem([[3.0, 7.0], [9.0, 3.0]], [1.0, 2.0], [1.0, 2.0], reg=0.0)
    c = certify(problem, Plan.from_dense(np.diag([1.0, 2.0])), np.full(2, -50.0), np.zeros(2))
    assert (c.lower, c.upper) == (9.0, 9.0)
    problem = Problem([[-3.0, 7.0], [9.0, 3.0]], [1.0, 2.0], [1.0, 2.0], mass=0.5)
    c = certify(problem, Plan.from_dense([[0.5, 0], [0, 0]]), np.full(2, -50.0), np.zeros(2), 0.0)
    assert (c.lower, c.upper, c.scale) == (-1.5, -1.5, 1.5)


def test_lengths_are_not_negative_mostly():
    graph = Graph(2, [[0, 1]], [1.0])
    problem = GraphProblem(graph, [1.0, 0.5], [1.0, 0.5])
    flow = Flow(graph, np.zeros(1), problem.source, problem.target)
    c = certify(problem, flow, np.array([0.0, 1e15]), np.zeros(2))
    assert (c.lower, c.upper) == (0.0, 0.0)
    assert c.holds(Tolerance())


def test_what_cancels_cancels_exactly(rng):
    """f = -g on equal masses: a plain sum leaves round-off, which has nothing to be small to."""
    f, a = 1e3 * rng.normal(size=1000), rng.random(1000)
    assert exact_sum(f * a, -f * a) == 0.0
    assert exact_sum(1e300, np.array([1.0]), -1e300) == 1.0
    assert exact_sum(np.full(3, 1e308)) == np.inf
    assert np.isnan(exact_sum(np.array([np.inf, -np.inf])))
    assert np.isnan(exact_sum(np.nan, 1.0))


def test_a_cosine_is_known_up_to_rounding_of_its_terms():
    """1 - cos of equal directions is some 1e-16 and not 0: as good as nothing."""
    X = np.random.default_rng(0).normal(size=(40, 3))
    problem = Problem(PointCost(X, X, metric="cosine"))
    f = np.linspace(0.0, 1e-3, 40)
    c = certify(problem, Plan.from_dense(np.eye(40) / 40), f, -f)
    assert c.gap != 0.0
    assert abs(c.gap) < 1e-15
    assert c.holds(Tolerance())


def test_mass_that_only_forbidden_pairs_could_take_is_no_bound():
    problem = Problem(sp.csr_array([[1.0, 0.0], [1.0, 0.0]]))
    c = certify(problem, Plan.from_dense([[0.0, 0.0], [0.5, 0.0]]), np.zeros(2), np.zeros(2))
    assert c.upper == np.inf
    assert c.relative_gap == np.inf


def test_rounding_is_not_sent_along_edges_that_it_is_not_worth():
    """A forest would mend it, over a length that stands for 'never'."""
    graph = Graph(4, [[0, 1], [2, 3], [1, 2]], [1.0, 1.0, 1e15])
    rounding = 4 * np.finfo(float).eps
    problem = GraphProblem(graph, [1.0 + rounding, 0, 1.0 - rounding, 0], [0, 1.0, 0, 1.0])
    flow = Flow(graph, np.array([1.0, 1.0, 0.0]), problem.source, problem.target)
    np.testing.assert_array_equal(repair_flow(problem, flow).values, flow.values)
    p = np.array([0.0, 1.0, 0.0, 1.0])
    c = certify(problem, flow, -p, p)
    assert c.upper == 2.0
    assert c.holds(Tolerance())
    more = GraphProblem(graph, [1.0 + 1e-9, 0, 1.0 - 1e-9, 0], [0, 1.0, 0, 1.0])
    mended = repair_flow(more, flow)
    np.testing.assert_allclose(mended.values, [1.0 + 1e-9, 1.0, 1e-9], rtol=1e-6)


def test_crumbs_that_cost_more_than_rounding_are_left_out():
    graph = Graph(3, [[0, 1], [1, 2], [0, 2]], [0.0, 1.0, 0.0])
    problem = GraphProblem(graph, [1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    flow = Flow(graph, np.array([1.0, 1e-16, 1e-16]), problem.source, problem.target)
    np.testing.assert_array_equal(repair_flow(problem, flow).values, [1.0, 0.0, 0.0])


@pytest.mark.parametrize("mass", [None, 1.0])
@pytest.mark.parametrize("far", [1e20, 1e187])
def test_mass_lost_in_rounding_costs_nothing(far, mass):
    """A row of 10^-48, at any price: a plan without it is optimal for masses that are as good."""
    problem = Problem([[1.0, 2.0], [far, far]], [1.0, 1e-48], [0.5, 0.5], mass=mass)
    plan = Plan.from_dense([[0.5, 0.5], [0.0, 0.0]])
    dual = ([0.0, far - 2.0], [1.0, 2.0], 0.0) if mass is None else ([-far, 0], [-1.0, 0], far + 2)
    c = certify(problem, plan, *map(np.array, dual[:2]), dual[2])
    assert c.upper == 1.5
    assert c.holds(Tolerance())
    dearer = Plan.from_dense([[0.25, 0.75], [0.0, 0.0]])
    assert not certify(problem, dearer, *map(np.array, dual[:2]), dual[2]).holds(Tolerance())


def test_what_a_small_flow_costs_is_known_to_the_rounding_of_the_masses():
    """That is much to the little that flows; the bound is for what does."""
    graph = Graph(2, [[0, 1]], [1.0])
    little = 2e-9
    problem = GraphProblem(graph, [little, 1.0 - little], [0.0, 1.0])
    for flowing in (little, little + 1e-16):
        flow = Flow(graph, np.array([flowing]), problem.source, problem.target)
        c = certify(problem, flow, np.array([0.5, -0.5]), np.array([-0.5, 0.5]))
        assert c.lower == pytest.approx(flowing, rel=1e-12)
        assert c.holds(Tolerance())


def test_squares_of_tiny_masses_are_paid():
    """Their reg is as large as they are small."""
    plan = Plan.from_dense([[1e-176], [1e-176]])
    problem = Problem([[0.0], [0.0]], [1e-176, 1e-176], [2e-176], reg=1e172)
    assert problem.objective(plan) == pytest.approx(1e-180, rel=1e-12, abs=0.0)
    c = certify(problem, plan, np.full(2, 1e-4), np.zeros(1))
    assert c.upper == c.scale == problem.objective(plan)


def test_more_mass_than_moves_counts_for_what_moves():
    """Rounding of potentials, or of sums, was multiplied by all there is."""
    eps = np.finfo(float).eps
    problem = Problem([[1.0, 0.0]], [1.0], [1.0, 1e-13], mass=1e-12)
    plan = Plan.from_dense([[9e-13, 1e-13]])
    c = certify(problem, plan, np.array([-eps]), np.array([0.0, -1.0]), 1.0 + eps)
    assert c.lower == pytest.approx(9e-13, rel=1e-12)
    graph = Graph(3, [[0, 2], [1, 2]], [1.0, 2.0])
    sent, received = np.array([3e-13, 7e-13, 0.0]), np.array([0.0, 0.0, 1e-12])
    problem = GraphProblem(graph, [3e-13, 1.0, 0.0], [0.0, 0.0, 1.0], mass=1e-12)
    flow = Flow(graph, sent[:2], sent, received)
    c = certify(problem, flow, np.array([4.0, 5.0, 3.0]), np.zeros(3))
    assert c.lower == pytest.approx(1.7e-12, rel=1e-12)
