"""What `certify` and `objective` take for a plan, wherever it comes from, and what they refuse."""

import numpy as np
import pytest
import scipy.sparse as sp

import quot
from quot import InvalidProblemError, certify

rng = np.random.default_rng(5)
C = rng.random((4, 5))
R = quot.solve(C, reg=0.1, mass=0.7)
E = quot.solve_entropic(C, eps=0.3)
S = quot.solve_adaptive(C, perplexity=2)
GRAPH = quot.Graph(3, [[0, 1], [1, 2]], [1.0, 2.0])
G = quot.solve_graph(GRAPH, {0: 1.0}, {2: 1.0})


@pytest.mark.parametrize("of", [R, E, S], ids=["quadratic", "entropic", "adaptive"])
def test_a_plan_of_others_is_a_matrix(of):
    """As POT returns it, or as a table, or sparse; judged as the same plan of quot."""
    own, prices = quot.Plan.from_dense(of.plan.to_dense()), (of.f, of.g, of.lam)
    best = certify(of.problem, own, *prices)
    P = own.to_dense()
    for plan in (P, P.tolist(), sp.csr_array(P), sp.coo_matrix(P)):
        assert certify(of.problem, plan, *prices) == best
        assert of.problem.objective(plan) == of.problem.objective(own)
        assert of.problem.linear_cost(plan) == of.problem.linear_cost(own)
    assert of.value == of.problem.objective(of.plan)


def test_a_plan_in_a_table_has_its_names():
    pd = pytest.importorskip("pandas")
    costs = pd.DataFrame(C, index=list("abcd"))
    r = quot.solve(costs, mass=0.5)
    table = pd.DataFrame(r.plan.to_dense(), index=list("abcd"))
    assert certify(r.problem, table, r.f, r.g, r.lam) == r.certificate
    with pytest.raises(InvalidProblemError, match="rows"):
        certify(r.problem, table[::-1], r.f, r.g, r.lam)


def test_an_entropic_plan_from_columns_to_rows():
    turned = quot.solve_entropic(C.T.copy(), eps=0.3).plan.T
    assert certify(E.problem, turned, E.f, E.g).gap < 1e-6


@pytest.mark.parametrize(
    ("plan", "text"),
    [
        (None, r"`plan` has dtype object|`plan` is None"),
        ("plan.npz", r"`plan` is text, 'plan\.npz' of type str"),
        (np.ones(4), r"`plan` must have 2 axes, as \(n, m\); got shape \(4,\)"),
        (np.ones((5, 4)), r"`plan` has shape \(5, 4\), and the problem is Problem\(4 x 5, "),
        (quot.Plan.from_dense(np.ones((3, 3))), r"`plan` has shape \(3, 3\), and the problem is"),
        (G.plan, r"`plan` must have 2 axes, as \(n, m\); got shape \(2,\)"),
    ],
    ids=["none", "text", "vector", "transposed", "smaller", "flow"],
)
def test_what_is_no_plan_of_the_problem(plan, text):
    for judge in (lambda: certify(R.problem, plan, R.f, R.g), lambda: R.problem.objective(plan)):
        with pytest.raises(InvalidProblemError, match=text):
            judge()


def test_what_is_no_flow_of_the_graph():
    longer = quot.Graph(3, [[0, 1], [1, 2], [2, 0]], np.ones(3))
    other = quot.solve_graph(longer, {0: 1.0}, {2: 1.0}).plan
    for flow, text in (
        (np.ones(2), r"is a quot\.Flow; got ndarray\. Make one, `quot\.Flow\(problem\.graph, val"),
        (R.plan, r"is a quot\.Flow; got Plan"),
        (other, r"along 3 edges of Graph\(3 nodes, 3 edges\), and the problem has Graph\(3 nodes,"),
    ):
        for judge in (
            lambda flow=flow: certify(G.problem, flow, G.f, G.g),
            lambda flow=flow: G.problem.objective(flow),
        ):
            with pytest.raises(InvalidProblemError, match=text):
                judge()


def test_what_else_is_judged():
    with pytest.raises(InvalidProblemError, match=r"`problem` must be a problem.*got ndarray"):
        certify(C, R.plan, R.f, R.g)
    with pytest.raises(InvalidProblemError, match=r"`scope` must be one of 'all', 'support'; got "):
        certify(R.problem, R.plan, R.f, R.g, R.lam, scope="some")
    for lam, text in (
        ("1", "is text"),
        ([0.0], r"must be a number; got .* \(1,\)"),
        (1j, "has dtype"),
    ):
        with pytest.raises(InvalidProblemError, match=f"`lam` {text}"):
            certify(R.problem, R.plan, R.f, R.g, lam)
    own = S.row_multipliers, S.col_multipliers
    assert certify(S.problem, S.plan, S.f, S.g, multipliers=own) == S.certificate
    assert certify(S.problem, S.plan, S.f, S.g, multipliers=list(own)) == S.certificate
    for of, given, text in (
        (R, own, r"are of the bounds of an AdaptiveProblem, and Problem\(4 x 5, .*leave them out"),
        (S, own[0], r"must be a pair, of rows and of columns.*got ndarray"),
        (S, own[::-1], r"must have shape \(4,\)"),
        (S, 3.0, r"must be a pair.*got float"),
    ):
        with pytest.raises(InvalidProblemError, match=f"`multipliers` {text}"):
            certify(of.problem, of.plan, of.f, of.g, multipliers=given)
