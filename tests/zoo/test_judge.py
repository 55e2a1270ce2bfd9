"""The judge itself: it agrees with other solvers, and condemns what is wrong."""

from dataclasses import replace

import numpy as np
import pytest
from tests.oracles import graphs, linear, quadratic
from tests.zoo import exact, judge
from tests.zoo.problems import Graph, Problem, dearer, problem

import quot


def small(kind="dense", reg=0.0, mass=None, seed=0):
    """An ordinary problem."""
    rng = np.random.default_rng(seed)
    if kind == "graph":
        edges = np.array([(i, j) for i in range(8) for j in range(i)])
        count = len(edges)
        graph = Graph(edges, rng.random(count), rng.random(count) < 0.3, np.full(count, np.inf))
        graph.capacity[::3] = 0.2
        a, b = rng.dirichlet(np.ones(8)), rng.dirichlet(np.ones(8))
        return Problem(0, kind, a, b, reg, mass, "", graph=graph)
    a, b = rng.dirichlet(np.ones(5)), rng.dirichlet(np.ones(7))
    return Problem(0, kind, a, b, reg, mass, "", C=rng.random((5, 7)))


CASES = [
    (kind, reg, mass) for kind in ("dense", "graph") for reg in (0.0, 2.0) for mass in (None, 0.6)
]


@pytest.mark.parametrize(("kind", "reg", "mass"), CASES)
def test_optimum_is_that_of_other_solvers(kind, reg, mass):
    p = small(kind, reg, mass)
    answer = judge._Answer(p, p.solve())
    lower, upper, _ = answer.bounds(answer.net)
    if kind == "graph":
        g = p.graph
        graph = quot.Graph(8, g.edges, g.lengths, directed=g.directed, capacity=g.capacity)
        if reg:
            other = graphs.transport(graph, p.a, p.b, reg, mass)
        else:
            other = graphs.linear_transport(graph, p.a, p.b, mass)
    elif reg:
        other = quadratic.solve_quadratic(p.C, p.a, p.b, reg, mass)[0]
    else:
        other = linear.solve_linear(p.C, p.a, p.b, mass)[0]
    assert answer.net.real(lower) == pytest.approx(other, rel=1e-7)
    if upper is not None:
        assert answer.net.real(upper) == pytest.approx(other, rel=1e-7)


@pytest.mark.parametrize("reg", [0.1, 10.0])
@pytest.mark.parametrize("mass", [None, 0.6])
@pytest.mark.parametrize("kind", ["dense", "graph"])
def test_quadratic_optimum_from_nowhere(kind, reg, mass):
    """Newton's method closes the gap to many digits without potentials of quot."""
    p = small(kind, reg, mass, seed=1)
    net = judge._network(p)
    _, x = exact.cheapest(net)
    lower, upper, _ = exact.improve(net, exact.potentials(net, x), x, float("inf"))
    assert abs(upper - lower) <= upper / 10**15
    assert p.solve().value == pytest.approx(net.real(upper), rel=1e-9)


def exchanged(p, r, amount):
    """The result with so much of its mass on other pairs, the same row and column sums."""
    P = r.plan.to_dense()
    rows, cols = np.nonzero(2 * amount < P)
    i, j = rows[0], cols[0]
    k, m = next((k, m) for k, m in zip(rows, cols, strict=True) if k != i and m != j)
    P[[i, k], [j, m]] -= amount
    P[[i, k], [m, j]] += amount
    return replace(r, plan=quot.Plan.from_dense(P))


@pytest.mark.parametrize("mass", [None, 0.6])
@pytest.mark.parametrize("reg", [0.0, 2.0])
def test_wrong_plans_are_condemned(reg, mass):
    p = small(reg=reg, mass=mass)
    r = p.solve()
    assert judge.judge(p, r).name == "right"
    worse = judge.judge(p, exchanged(p, r, 1e-2))
    assert worse.name == "wrong"
    assert "best" in worse.why
    plan = r.plan
    for values in (plan.values * (1 + 1e-9), np.r_[plan.values[:-1], -1e-9]):
        moved = quot.Plan(plan.shape, plan.rows, plan.cols, values)
        verdict = judge.judge(p, replace(r, plan=moved))
        assert verdict.name == "wrong"
        assert "largest" in verdict.why


def test_lies_and_nan_are_noticed():
    p = small()
    r = p.solve()
    lie = replace(r)
    lie.__dict__["value"] = r.value * (1 + 1e-9)
    assert "said to be" in judge.judge(p, lie).why
    assert judge.judge(p, replace(r, f=r.f + np.nan)).name == "nan"
    forbidden = replace(p, kind="sparse", C=np.where(r.plan.to_dense() > 0, np.inf, p.C))
    assert "carry none" in judge.judge(forbidden, r).why


def test_refusals_are_checked(monkeypatch):
    C = np.full((2, 2), np.inf)
    C[0] = 1.0
    p = Problem(0, "sparse", np.ones(2), np.ones(2), 0.0, None, "", C=C)
    assert judge.attempt(p).name == "refused"
    possible = replace(p, mass=0.5)
    assert judge.examine(possible).name == "right"

    def refuse(self, **options):
        raise quot.InfeasibleError("no")

    monkeypatch.setattr(Problem, "solve", refuse)
    assert judge.attempt(possible).name == "exception"


def test_dearer_costs_are_where_nothing_is_carried():
    for seed in range(40):
        p = problem(seed)
        r = judge.attempt(p)
        if isinstance(r, judge.Verdict):
            continue
        other = dearer(p, r)
        if other is None:
            continue
        if p.kind == "graph":
            up = other.graph.lengths > p.graph.lengths
            assert (r.flow[up] == 0).all()
            assert (other.graph.lengths[~up] == p.graph.lengths[~up]).all()
        else:
            up = other.C > p.C
            assert (r.plan.to_dense()[up] == 0).all()
            assert (other.C[~up] == p.C[~up]).all()
        assert up.any()


@pytest.mark.parametrize("seed", [117811, 189950])
def test_rounding_to_whole_masses_condemns_nothing(seed):
    """Where the best value is next to nothing a unit of mass, or its square, was more than that."""
    assert judge.examine(problem(seed)).name in {"right", "undecided"}
