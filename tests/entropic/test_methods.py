"""All methods for entropic problems side by side: same optimum, promises kept, errors that help."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

import quot
from quot.convergence import Monitor
from quot.costs import DenseCost
from quot.entropic.aspot import Aspot
from quot.entropic.methods import METHODS, options_of
from quot.entropic.normalised import NormalisedDual
from quot.entropic.passes import Passes
from quot.entropic.three_block import ThreeBlock
from quot.problem import EntropicProblem


def clouds(rng, n, m):
    C = cdist(rng.normal(size=(n, 2)), 0.7 * rng.normal(size=(m, 2)) + 1.0, "sqeuclidean")
    return C / C.max()


def instance(rng, n=20, m=25):
    return clouds(rng, n, m), rng.dirichlet(np.full(n, 3.0)), rng.dirichlet(np.full(m, 3.0))


EXACT = [
    (name, formulation)
    for name, method in METHODS.items()
    for formulation in method.formulations
    if name != "tuned-sinkhorn"
]


@pytest.mark.parametrize(("method", "formulation"), EXACT)
def test_all_methods_of_a_formulation_agree(rng, method, formulation):
    C, a, b = instance(rng)
    given = {"eps": 0.05, "mass": 0.6, "formulation": formulation}
    expected = quot.solve_entropic(C, a, b, **given)
    r = quot.solve_entropic(C, a, b, method=method, tol=1e-6, **given)
    assert r.converged
    assert r.method == method
    assert r.problem.formulation == formulation
    assert r.value == pytest.approx(expected.value, abs=1e-6 * abs(expected.value))
    np.testing.assert_allclose(r.plan.to_dense(), expected.plan.to_dense(), atol=1e-6)


@pytest.mark.parametrize("method", [name for name in METHODS if name != "tuned-sinkhorn"])
def test_balanced_all_formulations_are_one(rng, method):
    C, a, b = instance(rng)
    r = quot.solve_entropic(C, a, b, eps=0.05, method=method, tol=1e-6)
    assert r.converged
    assert r.value == pytest.approx(quot.solve_entropic(C, a, b, eps=0.05).value, abs=1e-7)


@pytest.mark.parametrize("eps", [0.02, 1.0])
def test_what_is_kept_has_an_entropy(rng, eps):
    """E2 against CLARABEL, as a conic program written here."""
    cvxpy = pytest.importorskip("cvxpy")
    C, a, b = instance(rng, 8, 9)
    P = cvxpy.Variable(C.shape, nonneg=True)
    p, q = a - cvxpy.sum(P, axis=1), b - cvxpy.sum(P, axis=0)
    entropy = sum(cvxpy.sum(-cvxpy.entr(x) - x) for x in (P, p, q))
    goal = cvxpy.sum(cvxpy.multiply(C, P)) + eps * entropy
    model = cvxpy.Problem(cvxpy.Minimize(goal), [cvxpy.sum(P) == 0.6])
    model.solve(solver="CLARABEL", tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10)
    for formulation in ("E2", "E3"):  # the corner of E3 is empty by default
        r = quot.solve_entropic(C, a, b, eps=eps, mass=0.6, formulation=formulation)
        assert r.converged
        assert r.value == pytest.approx(model.value, abs=1e-6)
        np.testing.assert_allclose(r.plan.to_dense(), P.value, atol=1e-5)
        kept = a - r.plan.row_sums(), b - r.plan.col_sums()
        for x, price in zip(kept, (r.f, r.g), strict=True):
            np.testing.assert_allclose(np.exp(price / eps), x, atol=1e-9)


def test_a_cheap_corner_takes_mass_and_the_gap_says_so(rng):
    """Rounded to the mass asked for, the plan is not the optimum of E3 with that corner."""
    C, a, b = instance(rng)
    gaps = []
    for corner in (0.2, 2.0, 20.0):
        r = quot.solve_entropic(
            C, a, b, eps=0.3, mass=0.5, formulation="E3", corner=corner, on_failure="ignore"
        )
        assert r.certificate.primal_residual < 1e-12
        assert r.certificate.lower <= r.certificate.upper + 1e-12
        gaps.append(r.gap)
    assert gaps[0] > 10 * gaps[1] > 100 * abs(gaps[2])


@pytest.mark.parametrize("backtracks", [False, True])
def test_aspot_never_rises_and_momentum_restarts_nothing(rng, backtracks):
    C, a, b = instance(rng)
    problem = EntropicProblem(C, a, b, eps=0.05, mass=0.6, formulation="E2")
    method = Aspot(
        NormalisedDual(problem, Passes(DenseCost(C), lambda: None)), backtracks=backtracks
    )
    state, values, thetas = method.init(), [], []
    for _ in range(60):
        state = method.step(state)
        values.append(state.corrected.value)
        thetas.append(state.theta)
    assert (np.diff(values) <= 1e-12).all()
    squares = np.square([1.0, *thetas])
    np.testing.assert_allclose(squares[1:], squares[:-1] * (1 - np.array(thetas)))


def test_three_blocks_descend_by_what_the_theory_says(rng):
    """phi falls by the divergence of the block that is made exact."""
    C, a, b = instance(rng)
    problem = EntropicProblem(C, a, b, eps=0.05, mass=0.6, formulation="E2")
    dual = NormalisedDual(problem, Passes(DenseCost(C), lambda: None))
    state = ThreeBlock(dual).init()
    for which in (0, 1, 2) * 5:
        before, block = state.point, dual.blocks[which]
        after = dual.with_block(before, which)
        want, have = dual.wanted[block], before.have[block]
        fall = float((have - want + want * np.log(want / have)).sum())

        def phi(point):
            return point.mass - float(point.z @ dual.wanted)

        assert phi(before) - phi(after) == pytest.approx(fall, abs=1e-12)
        np.testing.assert_allclose(after.have[block], want)
        state = type(state)(after, state.steps + 1)


@pytest.mark.parametrize("mass", [None, 0.6])
def test_gradient_of_the_scaled_dual_against_differences(rng, mass):
    C, a, b = instance(rng, 4, 5)
    given = {} if mass is None else {"mass": mass, "formulation": "E2"}
    dual = NormalisedDual(
        EntropicProblem(C, a, b, eps=0.3, **given), Passes(DenseCost(C), lambda: None)
    )
    z, h = rng.normal(size=dual.wanted.size), 1e-6
    point = dual.at(z)
    for k in range(z.size):
        e = h * (np.arange(z.size) == k)
        slope = (dual.at(z + e).value - dual.at(z - e).value) / (2 * h)
        assert slope == pytest.approx(point.gradient[k], abs=1e-8)
    assert point.scaled().value == pytest.approx(point.value, rel=1e-12)
    again = dual.at(point.scaled().z)
    np.testing.assert_allclose(again.have, point.scaled().have)


@pytest.mark.parametrize(
    ("options", "faster"), [({"p": 1.0}, {"p": 2.0}), ({"p": 1.5}, {"p": 4.0})]
)
def test_tuned_sinkhorn_promises_less_for_a_larger_p(rng, options, faster):
    C, a, b = instance(rng)
    few, many = (
        quot.solve_entropic(
            C, a, b, eps=0.02, mass=0.6, method="tuned-sinkhorn", solver_options=chosen
        )
        for chosen in (faster, options)
    )
    for r in (few, many):
        assert r.status in {quot.Status.APPROXIMATE, quot.Status.OPTIMAL}
        assert r.certificate.primal_residual < 1e-12
    # At a fixed temperature below 1 a larger p asks for more.
    assert len(few.history) > len(many.history)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"method": "aspot", "formulation": "E1"}, "'aspot' solves E2, not E1; .*'newton'"),
        ({"method": "apdagd", "formulation": "E3"}, "for that pass method='newton' or 'sinkhorn'"),
        ({"formulation": "E4"}, "`formulation` must be one of 'E1', 'E2', 'E3'"),
        ({"formulation": "E2", "mass": 1.0}, "less than 1, the smaller total"),
        ({"formulation": "E2", "mass": 0.0}, "must be more than 0"),
        ({"method": "aspot", "solver_options": {"stepp": 1}}, "'stepp', but method='aspot' has"),
        ({"method": "aam", "solver_options": {"p": 1}}, "method='aam' has none"),
        ({"method": "aspot", "solver_options": {"step": "long"}}, "must be one of 'backtracked'"),
        ({"method": "tuned-sinkhorn", "solver_options": {"p": -1}}, "must be positive"),
        ({"corner": 1.0}, "`corner` belongs to formulation='E3'"),
    ],
)
def test_refused_before_any_work(given, message):
    with pytest.raises(quot.InvalidProblemError, match=message):
        quot.solve_entropic(np.ones((3, 4)), **({"eps": 0.1, "mass": 0.5} | given))


def test_a_first_order_method_stops_where_it_is_told(rng):
    C, a, b = instance(rng)
    given = {"eps": 0.01, "mass": 0.6, "method": "aspot", "on_failure": "ignore"}
    r = quot.solve_entropic(C, a, b, max_iter=7, **given)
    assert r.status is quot.Status.ITERATION_LIMIT
    assert len(r.history) == 8
    r = quot.solve_entropic(C, a, b, callback=lambda k: k.iteration >= 5, **given)
    assert r.status is quot.Status.STOPPED
    assert len(r.history) == 5
    assert r.certificate.primal_residual < 1e-12


def test_passes_are_counted_where_they_are_made(rng):
    C, a, b = instance(rng)
    cost = DenseCost(C)
    passes = Passes(cost, lambda: None)
    dual = NormalisedDual(EntropicProblem(cost, a, b, eps=0.05, mass=0.6, formulation="E2"), passes)
    method = ThreeBlock(dual)
    state = method.init()
    for _ in range(10):
        state = method.step(state)
    assert passes.count == 11


@pytest.mark.parametrize("name", ["sinkhorn", "aspot"])
def test_a_method_goes_on_from_where_it_has_ended(rng, name):
    C, a, b = instance(rng)
    method, counts = METHODS[name], []
    for goals in ((1e-5,), (1e-2, 1e-3, 1e-5)):
        problem = EntropicProblem(C, a, b, eps=0.05, mass=0.6, formulation=method.formulations[0])
        monitor = Monitor(10_000)
        way = method.make(
            problem, Passes(DenseCost(C), lambda: None), monitor, options_of(name, None)
        )
        for enough in goals:
            way.run(enough)
        counts.append(monitor.steps)
    assert counts[0] == counts[1]
