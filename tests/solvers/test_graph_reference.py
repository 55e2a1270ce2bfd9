"""Reference solvers on graphs: every kind of edge, signs of the potentials, every way to fail."""

import sys
import warnings

import numpy as np
import pytest
from tests.design import every_two
from tests.oracles import graphs as oracle

import quot
from quot.convergence import Monitor, Status, Tolerance
from quot.exceptions import (
    InfeasibleError,
    InvalidProblemError,
    MissingDependencyError,
    NotConvergedWarning,
    SolverError,
)
from quot.problem import GraphProblem
from quot.reference import solve_graph_reference

pytest.importorskip("cvxpy", reason="extra `reference` is not installed")

N = 25
KINDS = ["undirected", "directed", "mixed", "capacities"]
METHODS = ["clarabel", "osqp"]


def random_graph(rng, kind="undirected"):
    """Connected both ways; edges of length zero, parallel ones and loops among them."""
    tail, head, _ = oracle.random_tree(rng, N)
    pairs = np.r_[np.stack((tail, head), axis=1), rng.integers(N, size=(50, 2))]
    lengths = rng.uniform(0, 1, len(pairs)) * (rng.random(len(pairs)) > 0.1)
    directed, capacity = np.zeros(len(pairs), bool), None
    if kind in {"directed", "mixed"}:
        pairs, lengths = np.r_[pairs, pairs[:, ::-1]], np.r_[lengths, rng.permutation(lengths)]
        directed = np.full(len(pairs), True) if kind == "directed" else rng.random(len(pairs)) < 0.5
    if kind == "capacities":
        capacity = np.where(rng.random(len(pairs)) < 0.3, rng.uniform(0.2, 0.5, len(pairs)), np.inf)
    return quot.Graph(N, pairs, lengths, directed, capacity)


def random_problem(seed=0, kind="undirected", reg=0.1, mass=None):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, kind)
    source, target = rng.random((2, N)) * (rng.random((2, N)) < 0.7)
    return GraphProblem(graph, source / source.sum(), target / target.sum(), reg=reg, mass=mass)


def engine(problem):
    r = quot.solve_graph(
        problem.graph, problem.source, problem.target, reg=problem.reg, mass=problem.mass
    )
    assert r.converged
    return r


def solve(problem, method="clarabel", tol=1e-9, **options):
    return solve_graph_reference(problem, method, Tolerance.of(tol), Monitor(), **options)


# --- the answer --------------------------------------------------------------------------------


@every_two(kind=KINDS, reg=[0.0, 0.01, 1.0], mass=[None, 0.5, 0.9, 1.0])
def test_clarabel_is_certified_and_equals_the_engine(kind, reg, mass):
    problem = random_problem(1, kind, reg, mass)
    r, ours = solve(problem), engine(problem)
    if ours.value == 0.0:  # all is where it is wanted; an interior point moves a little of it
        assert r.certificate.lower == 0.0
        assert r.value == pytest.approx(0.0, abs=1e-12)
        return
    assert r.status is Status.OPTIMAL
    assert r.converged
    assert r.method == "clarabel"
    assert r.history[-1].inner > 0
    assert r.value == pytest.approx(ours.value, rel=1e-8)
    assert (r.flow[problem.graph.directed] >= 0).all()
    assert (np.abs(r.flow) <= problem.graph.capacity).all()
    if reg:  # a square root of the gap
        np.testing.assert_allclose(r.flow, ours.flow, atol=1e-3)


@pytest.mark.parametrize("mass", [None, 0.9])
@pytest.mark.parametrize("kind", KINDS)
def test_osqp_is_certified_and_equals_the_engine(kind, mass):
    problem = random_problem(2, kind, 1.0, mass)
    r, ours = solve(problem, "osqp", tol=1e-5), engine(problem)
    assert r.converged
    assert r.value == pytest.approx(ours.value, rel=1e-5)
    np.testing.assert_allclose(r.flow, ours.flow, atol=1e-5)


def test_reg_of_each_edge():
    rng = np.random.default_rng(3)
    graph = random_graph(rng)
    problem = random_problem(3, reg=rng.uniform(0.05, 2.0, graph.n_edges))
    ours = engine(problem)
    for method, tol in (("clarabel", 1e-9), ("osqp", 1e-6)):
        r = solve(problem, method, tol)
        assert r.converged
        np.testing.assert_allclose(r.flow, ours.flow, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("mass", [None, 0.8])
def test_potentials_say_what_edges_carry(mass, method):
    """They have our sign and size, and lam is the price of the mass."""
    problem = random_problem(4, reg=0.5, mass=mass)
    r = solve(problem, method, 1e-7)
    graph, p = problem.graph, r.potentials
    y = p[graph.head] - p[graph.tail]
    said = np.sign(y) * np.maximum(np.abs(y) - graph.lengths, 0.0) / 0.5
    np.testing.assert_allclose(r.flow, said, atol=1e-6)
    if mass is None:
        assert r.lam == 0.0
        np.testing.assert_array_equal(r.g, p)
        return
    assert (r.plan.sent <= problem.source).all()
    assert (r.plan.received <= problem.target).all()
    assert p[(r.plan.sent > 1e-4) & (r.plan.sent < problem.source - 1e-4)] == pytest.approx(
        0.0, abs=1e-5
    )
    h = 1e-4
    up, down = (engine(random_problem(4, reg=0.5, mass=mass + s)).value for s in (h, -h))
    assert r.lam == pytest.approx((up - down) / (2 * h), rel=1e-3)


def test_units_do_not_matter():
    """Masses and lengths of any size: the solver sees them scaled, the result does not."""
    plain = random_problem(5, "capacities", 0.1, 0.7)
    graph, k, c = plain.graph, 1e-6, 1e5
    scaled = quot.Graph(N, graph.edges, c * graph.lengths, capacity=k * graph.capacity)
    other = GraphProblem(
        scaled, k * plain.source, k * plain.target, reg=0.1 * c / k, mass=k * plain.mass
    )
    first, second = solve(plain), solve(other)
    assert second.converged
    np.testing.assert_allclose(second.flow / k, first.flow, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_length_zero_both_ways_is_no_endless_cycle(method):
    graph = quot.Graph(3, [[0, 1], [1, 2], [0, 2]], np.zeros(3))
    r = solve(GraphProblem(graph, [1.0, 0, 0], [0, 0, 1.0]), method)
    assert r.converged
    assert np.abs(r.flow).max() <= 2.0


def test_negative_lengths_of_directed_edges():
    edges, lengths = [[0, 1], [1, 2], [2, 1]], [1.0, -2.0, 1.0]
    graph = quot.Graph(3, edges, lengths, directed=True)
    masses = [1.0, 0, 0], [0, 0, 1.0]
    r = solve(GraphProblem(graph, *masses, reg=0.5))
    np.testing.assert_allclose(r.flow, [1.0, 1.5, 0.5], atol=1e-8)
    r = solve(GraphProblem(graph, *masses, reg=0.5, mass=0.0))
    assert r.converged
    np.testing.assert_allclose(r.flow, [0.0, 1.0, 1.0], atol=1e-8)
    with pytest.raises(InfeasibleError, match=r"no bound \(clarabel proves it\): a cycle"):
        solve(GraphProblem(graph, *masses))


@pytest.mark.parametrize("method", METHODS)
def test_what_is_wanted_where_it_is_stays(method):
    graph = quot.graphs.grid((3, 3))
    r = solve(GraphProblem(graph, np.full(9, 1 / 9), np.arange(9) / 36, 1.0, 0.5), method, 1e-6)
    assert r.certificate.lower == 0.0  # the optimum; a value next to it is no small part of it
    assert r.value == pytest.approx(0.0, abs=1e-9)
    assert r.plan.total == pytest.approx(0.5)


@pytest.mark.parametrize("method", METHODS)
def test_nothing_to_move(method):
    graph = quot.Graph(2, [[0, 1]], [1.0])
    for problem in (
        GraphProblem(graph, [1.0, 0], [0, 1.0], mass=0.0),
        GraphProblem(quot.Graph(2, [], []), [1.0, 0], [1.0, 0]),
        GraphProblem(graph, [0.0, 0], [0, 0.0], reg=1.0),
    ):
        r = solve(problem, method)
        assert r.converged
        assert r.value == pytest.approx(0.0, abs=1e-15)


def test_flow_is_not_repaired():
    """A loose solve shows its residual, and the bracket still holds the optimum."""
    problem = random_problem(6)
    best = engine(problem).value
    few = {"max_iter": 20, "polishing": False}
    loose = solve(problem, "osqp", solver_options=few)
    assert loose.status is Status.ITERATION_LIMIT
    assert loose.certificate.primal_residual > 1e-4
    assert loose.certificate.lower <= best + 1e-12
    assert loose.certificate.upper >= best - 1e-12


# --- what cannot be done -----------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("reg", [0.0, 1.0])
def test_infeasible(reg, method):
    apart = quot.Graph(4, [[0, 1], [2, 3]], [1.0, 1.0])
    one_way = quot.Graph(2, [[0, 1]], [1.0], directed=True)
    narrow = quot.Graph(2, [[0, 1]], [1.0], capacity=[0.4])
    for problem, message in (
        (GraphProblem(apart, [1.0, 0, 0, 0], [0, 0.5, 0.5, 0], reg), "pass a `mass`"),
        (GraphProblem(apart, [1.0, 0, 0, 0], [0, 0.5, 0.5, 0], reg, 0.6), "lower `mass`"),
        (GraphProblem(one_way, [0, 1.0], [1.0, 0], reg), "in their directions"),
        (GraphProblem(narrow, [1.0, 0], [0, 1.0], reg), rf"\({method} proves it\)"),
    ):
        with pytest.raises(InfeasibleError, match=message):
            solve(problem, method)
    r = solve(GraphProblem(apart, [1.0, 0, 0, 0], [0, 0.5, 0.5, 0], reg, 0.5), method, 1e-6)
    assert r.converged
    assert r.flow[0] == pytest.approx(0.5)


def test_no_edge_at_all_is_infeasible():
    with pytest.raises(InfeasibleError, match="cannot carry the mass 1 "):
        solve(GraphProblem(quot.Graph(2, [], []), [1.0, 0], [0, 1.0]))


@pytest.mark.parametrize("method", METHODS)
def test_unknown_option_of_the_solver(method):
    with pytest.raises((InvalidProblemError, SolverError), match="nonsense"):
        solve(random_problem(), method, solver_options={"nonsense": 1})


@pytest.mark.parametrize("method", METHODS)
def test_missing_cvxpy(method, monkeypatch):
    monkeypatch.setitem(sys.modules, "cvxpy", None)
    with pytest.raises(MissingDependencyError, match=r"quot\[reference\]"):
        solve(random_problem(), method)


def test_missing_solver(monkeypatch):
    import cvxpy

    monkeypatch.setattr(cvxpy, "installed_solvers", lambda: ["CLARABEL"])
    with pytest.raises(MissingDependencyError, match="needs the solver osqp"):
        solve(random_problem(), "osqp")


def test_limits():
    problem = random_problem(7, "mixed", 0.0)
    few = solve_graph_reference(problem, "clarabel", Tolerance(), Monitor(max_iter=3))
    assert few.status is Status.ITERATION_LIMIT
    assert few.history[-1].inner == 3
    first_order = {"max_iter": 10**9, "polishing": False}
    short = solve_graph_reference(
        problem,
        "osqp",
        Tolerance.of(1e-15),
        Monitor(max_iter=1, time_limit=0.05),
        solver_options=first_order,
    )
    assert short.status is Status.TIME_LIMIT
    assert short.history[-1].inner > 1


# --- through the public face -------------------------------------------------------------------


def test_solve_graph_dispatches():
    problem = random_problem(8, reg=0.5)
    face = problem.graph, problem.source, problem.target
    seen = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        r = quot.solve_graph(*face, reg=0.5, method="clarabel", callback=seen.append)
    assert isinstance(r, quot.GraphResult)
    assert tuple(seen) == r.history
    assert repr(r).startswith("GraphResult(25 nodes")
    with pytest.warns(NotConvergedWarning, match="iteration limit"):
        quot.solve_graph(
            *face, reg=0.5, method="osqp", solver_options={"max_iter": 5, "polishing": False}
        )


def test_solve_graph_refuses():
    problem = random_problem()
    face = problem.graph, problem.source, problem.target
    with pytest.raises(InvalidProblemError, match="'auto', 'clarabel', 'osqp'"):
        quot.solve_graph(*face, method="scs")
    with pytest.raises(InvalidProblemError, match=r"got method='auto'\. Pass method='clarabel'"):
        quot.solve_graph(*face, solver_options={})
