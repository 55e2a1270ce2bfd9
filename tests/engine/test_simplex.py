"""Vertices of the linear problem, judged by HiGHS, closed forms and the duality gap."""

import itertools

import numpy as np
import pytest
from tests.design import every_two
from tests.oracles.certificate import linear_bound
from tests.oracles.closed_forms import monotone
from tests.oracles.linear import solve_linear
from tests.strategies import equal_totals

import quot
from quot.network import simplex
from quot.quadratic.small import solve_small
from quot.settings import settings, using

EPS = 2.0**-52
every_part = pytest.mark.parametrize("part", [None, 0.01, 0.6, 1.0])
every_never = pytest.mark.parametrize("never", [1e15, 1e30, 1e100, 1e300])


def solve(C, a, b, mass=None, *, must_stop=lambda: False):
    """The vertex of the problem as it is written, with its plan."""
    kept = (0.0, 0.0)
    if mass is not None:
        kept = tuple(x.sum() - mass if mass < x.sum() * (1 - 1e-12) else 0.0 for x in (a, b))
    vertex = simplex.solve_matrix(C, a, b, kept, must_stop=must_stop)
    P = np.zeros(C.shape)
    np.add.at(P, (vertex.rows, vertex.cols), vertex.values)
    return vertex, P


def residual(P, a, b, mass):
    """What is missing or too much, in units of the total."""
    rows, cols = P.sum(axis=1) - a, P.sum(axis=0) - b
    if mass is None:
        return max(abs(rows).max(), abs(cols).max()) / a.sum()
    return max(rows.max(), cols.max(), abs(P.sum() - mass)) / a.sum()


def judge(problem, vertex, P, rel=1e-11):
    """The plan is feasible, and its value that of the dual at prices moved to be feasible."""
    C, a, b, mass = problem
    assert vertex.is_optimal
    assert residual(P, a, b, mass) <= 1e-14
    f, g, lam = vertex.u, vertex.v, 0.0
    if mass is not None:
        ends = [x.max() if np.isnan(k) else k for x, k in zip((f, g), vertex.kept, strict=True)]
        f, g, lam = np.minimum(f - ends[0], 0.0), np.minimum(g - ends[1], 0.0), sum(ends)
    value = (C * P).sum()
    rounding = 16 * EPS * (abs(f) @ a + abs(g) @ b + abs(lam) * (a.sum() + b.sum()))
    gap = value - linear_bound(C, a, b, mass, f, g, lam)
    assert -rounding <= gap <= rel * abs(value) + rounding + 1e-15 * np.median(C)
    return value


def some_masses(rng, n, m):
    a = rng.uniform(0.1, 1.0, n)
    return a, equal_totals(a, rng.uniform(0.1, 1.0, m))


def mass_of(part, a, b):
    return None if part is None else part * min(a.sum(), b.sum())


def zoo(seed):
    """C, a, b, mass: ties, constants, sixteen orders, costs that stand for never; all masses."""
    rng = np.random.default_rng(seed)
    n, m = shape = rng.integers(1, 40, 2)
    never = np.where(rng.random(shape) < rng.random(), 10.0 ** rng.integers(3, 300), 0.0)
    C = (
        rng.random(shape),
        rng.integers(0, 4, shape).astype(float),
        np.full(shape, float(rng.integers(0, 3))),
        10.0 ** rng.uniform(-8, 8, shape),
        np.maximum(never, rng.random(shape)),
        rng.normal(size=shape),
    )[seed % 6]

    def masses(k):
        return (
            np.full(k, 1 / k),
            rng.integers(1, 5, k).astype(float),
            rng.dirichlet(np.ones(k)),
            10.0 ** rng.uniform(-12, 0, k),
            np.maximum(np.exp(-(np.linspace(-3, rng.uniform(3, 30), k) ** 2)), 1e-300),
        )[rng.integers(5)]

    a = masses(n)
    b = equal_totals(a, masses(m))
    if rng.random() < 0.4:
        return C, a, b, None
    b *= 10.0 ** rng.choice([0.0, rng.uniform(-1, 1)])
    return C, a, b, mass_of(rng.choice([1e-3, 0.1, 0.5, 0.7, 0.99, 0.999999, 1.0]), a, b)


WAYS = {
    "as it is": {},
    "in single precision first": {"single": 0},
    "from a part": {"priced_apart": 0, "part": 2},
    "asked at every row": {"stretch": 0},
}


@pytest.fixture
def way(request, tune):
    tune(**WAYS[request.param])


@pytest.mark.parametrize("way", WAYS, indirect=True)
def test_three_hundred_problems_of_all_kinds(way):
    for seed in range(300):
        judge(zoo(seed), *solve(*zoo(seed)))


def test_one_cost_allowed_and_that_is_large():
    """Then a cap a little above it is that cost; it still has to shut the pairs that are not."""
    C = np.array([[1e87], [np.inf], [1e87]])
    vertex, P = solve(C, np.array([2.0, 3.0, 1.0]), np.array([4.0]), mass=2.5)
    assert vertex.is_optimal
    assert P[1, 0] == 0.0
    assert residual(P, np.array([2.0, 3.0, 1.0]), np.array([4.0]), 2.5) <= EPS


@every_part
@pytest.mark.parametrize("seed", range(6))
def test_values_are_those_of_highs(seed, part):
    """Costs of both signs; the totals differ where not all mass moves."""
    rng = np.random.default_rng(seed)
    n, m = rng.integers(1, 13, 2)
    C = rng.normal(size=(n, m)) + rng.integers(-2, 3)
    a, b = some_masses(rng, n, m)
    b *= 1.0 if part is None else rng.uniform(0.5, 2.0)
    problem = C, a, b, mass_of(part, a, b)
    assert judge(problem, *solve(*problem)) == pytest.approx(
        solve_linear(*problem)[0], rel=1e-9, abs=1e-9
    )


@pytest.mark.parametrize("part", [None, 0.7])
def test_few_rows_and_many_columns(rng, part):
    """Pivots are as many as columns, and each takes a look at a row."""
    C, a, b = rng.random((2, 4000)), rng.dirichlet(np.ones(2)), rng.dirichlet(np.ones(4000))
    problem = C, a, b, mass_of(part, a, b)
    vertex, P = solve(*problem)
    assert vertex.is_optimal
    assert judge(problem, vertex, P) == pytest.approx(solve_linear(*problem)[0], rel=1e-9)


@every_two(seed=range(6), total=[1e-200, 1.0, 1e290])
def test_masses_over_three_hundred_orders(tune, seed, total):
    """In sorted order the first tree is right; in any other pivots find it."""
    tune(convex=0)
    rng = np.random.default_rng(seed)
    n, m = 60, 50
    hill = [np.exp(-((np.arange(k) / k - at) ** 2) / 8e-4) for k, at in ((n, 0.2), (m, 0.9))]
    a, b = (np.maximum(total * x, 1e-300) for x in hill)
    b = equal_totals(a, b)
    x, y = np.sort(rng.random(n)), np.sort(rng.random(m))
    for i, j in ((np.arange(n), np.arange(m)), (rng.permutation(n), rng.permutation(m))):
        problem = (x[i, None] - y[j]) ** 2, a[i], b[j], None
        vertex, P = solve(*problem)
        assert residual(P, *problem[1:]) <= 1e-15
        assert (vertex.pivots == 0) == (i[:2] == [0, 1]).all()
        closed = (problem[0] * monotone(x[i], y[j], a[i], b[j])).sum()
        assert judge(problem, vertex, P) == pytest.approx(closed, rel=1e-12)


@pytest.mark.parametrize("equal", [True, False])
def test_convex_costs_on_a_line_need_no_pivots(rng, tune, equal):
    """Also where rows and columns end together, and where all is done by way of near pairs."""
    tune(convex=0)
    for n, m in ((120, 120), (150, 60), (200, 130)):
        a, b = (np.full(n, 1 / n), np.full(m, 1 / m)) if equal else some_masses(rng, n, m)
        x, y = np.sort(rng.random(n)), np.sort(rng.random(m))
        for power, shift in itertools.product((1.0, 2.0, 4.0), (0.0, 0.5)):
            C = abs(x[:, None] - y - shift) ** power
            vertex, P = solve(C, a, b)
            assert vertex.pivots == 0
            judge((C, a, b, None), vertex, P)
        assert solve((x[::-1, None] - y) ** 2, a, b)[0].pivots > 0


@every_part
def test_where_all_costs_are_equal_nothing_is_to_do(rng, part):
    a, b = some_masses(rng, 20, 30)
    for c in (-2.0, 0.0, 3.0):
        vertex, P = solve(np.full((20, 30), c), a, b, mass_of(part, a, b))
        assert vertex.pivots == 0
        assert residual(P, a, b, mass_of(part, a, b)) <= 1e-15


@every_never
@pytest.mark.parametrize("share", [0.4, 0.7, 0.9, "all between blocks"])
def test_costs_for_never_that_are_not_needed(rng, share, never):
    """They change nothing: the value is that at a moderate cost in their place."""
    n, m = 30, 25
    if isinstance(share, str):  # each block has its own rounding
        no = np.arange(n)[:, None] % 5 != np.arange(m) % 5
    else:
        no = rng.random((n, m)) < share
        no[np.arange(n), np.arange(n) % m] = False
    C = np.where(no, never, rng.random((n, m)))
    for orders, part in itertools.product((0, 30), (None, 0.9)):
        hidden = np.where(no, 0.0, rng.random((n, m)) * 10.0 ** -rng.uniform(0, orders, (n, m)))
        a, b = hidden.sum(axis=1), hidden.sum(axis=0)
        problem = a, b, mass_of(part, a, b)
        vertex, P = solve(C, *problem)
        assert not P[no].any()
        best, _ = solve_linear(np.minimum(C, 10.0 * n), *problem)
        assert judge((C, *problem), vertex, P) == pytest.approx(best, rel=1e-9)


@every_never
@pytest.mark.parametrize(
    ("where", "needed"),
    [(np.s_[2, :], 1 / 6), (np.s_[:, 3], 1 / 8), (np.s_[:3, 2:], 1 / 4), (np.s_[:, :], 1.0)],
    ids=["a row", "a column", "more rows than columns hold", "all"],
)
def test_costs_for_never_that_are_needed(rng, where, needed, never):
    """No more is sent there than has to be, and the rest is as good as it can be."""
    rest = rng.random((6, 8))
    C, no = rest.copy(), np.zeros(rest.shape, bool)
    C[where], no[where] = never, True
    a, b = np.full(6, 1 / 6), np.full(8, 1 / 8)
    for mass in (None, 0.95, 0.2):
        vertex, P = solve(C, a, b, mass)
        judge((C, a, b, mass), vertex, P, rel=1e-14)
        moved = needed if mass is None else max(needed - 1.0 + mass, 0.0)
        assert P[no].sum() == pytest.approx(moved, abs=1e-15)
        moderate = np.where(no, 10.0, rest)
        best, _ = solve_linear(moderate, a, b, mass)
        assert (moderate * P).sum() == pytest.approx(best, rel=1e-9)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1)])
def test_one_row_or_one_column(rng, shape):
    C, (a, b) = rng.normal(size=shape), some_masses(rng, *shape)
    np.testing.assert_allclose(solve(C, a, b)[1], np.outer(a, b) / a.sum(), rtol=1e-14)
    order = np.argsort(C, axis=None)
    room = np.cumsum(np.minimum(a, b)[order])
    for mass in (1e-9, 0.3 * a.sum(), a.sum()):  # the cheapest first
        filled = np.diff(np.minimum(room, mass), prepend=0.0)
        value = judge((C, a, b, mass), *solve(C, a, b, mass))
        assert value == pytest.approx(C.ravel()[order] @ filled, rel=1e-12)


@pytest.mark.parametrize("way", ["as it is", "in single precision first"], indirect=True)
@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e-40, 1e40, 1e200, 1e300])
def test_costs_of_any_size(rng, scale, way):
    C, (a, b) = rng.normal(size=(20, 30)), some_masses(rng, 20, 30)
    for mass in (None, 0.7 * a.sum()):
        (usual, P), (vertex, scaled) = (solve(k * C, a, b, mass) for k in (1.0, scale))
        assert (C * scaled).sum() == pytest.approx((C * P).sum(), rel=1e-12)
        assert np.ptp(vertex.u) / scale == pytest.approx(np.ptp(usual.u))


@pytest.mark.parametrize("way", ["asked at every row"], indirect=True)
@pytest.mark.parametrize("large", [0, np.inf])
@pytest.mark.parametrize("part", [None, 0.6, 1.0])
def test_stopped_half_way(rng, part, large, way, tune):
    """What there is then is feasible, and the longer it took the better."""
    tune(single=large)
    C, (a, b) = rng.random((40, 30)), some_masses(rng, 40, 30)
    mass = mass_of(part, a, b)
    values = [(C * solve(C, a, b, mass)[1]).sum()]
    for looks in (30, 10, 0):
        asked = iter([False] * looks)
        vertex, P = solve(C, a, b, mass, must_stop=lambda asked=asked: next(asked, True))
        assert not vertex.is_optimal
        assert residual(P, a, b, mass) <= 1e-15
        values.append((C * P).sum())
    assert values == sorted(values)
    assert values[0] < values[1]


def test_many_pairs_are_looked_through_in_single_precision(rng, tune):
    """As the sizes have it, and the value is the same."""
    problem = rng.random((1500, 1350)), *some_masses(rng, 1500, 1350), None
    assert problem[0].size > settings().single
    value = judge(problem, *solve(*problem), rel=1e-13)
    tune(single=np.inf)
    assert value == pytest.approx(judge(problem, *solve(*problem)), rel=1e-13)


@pytest.mark.parametrize("part", [None, 0.3, 1.0])
@pytest.mark.parametrize("shape", [(2, 7), (9, 4), (30, 40), (150, 150)])
def test_small_problems_are_solved_in_one_call(rng, shape, part):
    """To the same vertex as in several, and with ties where some pairs cost the same."""
    a, b = some_masses(rng, *shape)
    mass = mass_of(part, a, b)
    for has_ties, C in ((False, 2.0 + rng.random(shape)), (True, rng.integers(2, 5, shape) * 1.0)):
        C[0, 0] = 1.0  # beside the least one others are to be paid
        problem = quot.Problem(C, a, b, mass=mass)
        small, (usual, _) = solve_small(problem), solve(C, a, b, mass)
        assert small.has_ties == has_ties
        P, prices = small.plan.to_dense(), small.dual.f[:, None] + small.dual.g + small.dual.lam
        judge((C, a, b, mass), small.vertex, P, rel=1e-13)
        np.testing.assert_array_equal(small.vertex.tree, usual.tree)
        assert (prices - C).max() <= 1e-13
        assert abs(prices - C)[P > 0.0].max() <= 1e-13
        with using(at_once=C.size - 1):
            assert solve_small(problem) is None
