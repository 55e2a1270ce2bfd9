"""Passes through trees of boxes against all pairs in NumPy, and the bounds they rest on."""

import gc
from concurrent.futures import ThreadPoolExecutor
from weakref import ref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from tests.checks import everywhere
from tests.design import every_two
from tests.strategies import rng_of, seeds

from quot.costs import METRICS, PointCost
from quot.kernels import boxes as kernels
from quot.pairs import trees
from quot.pairs.boxes import BoxTree
from quot.pairs.boxes import trees as box_trees

EPS = np.finfo(float).eps
SHAPES = [(1, 200), (300, 50), (40, 700)]
CLOUDS = ["plain", "duplicates", "line", "one point", "moved", "tiny", "huge"]
POTENTIALS = ["random", "near optimal", "outliers"]


def cloud(rng, kind, n, d):
    """Points (n, d), none of them zero."""
    X = rng.normal(size=(n, d)) + 0.1
    if kind == "duplicates":
        X = np.round(2 * X) / 2 + 0.1
    if kind == "line":
        X = X[:, :1] * np.linspace(1.0, 2.0, d)
    if kind == "one point":
        X = np.ones((n, d))
    return {"moved": 1e6 + 1e-6 * X, "tiny": 1e-6 * X, "huge": 1e6 * X}.get(kind, X)


def potentials(rng, kind, C, Y):
    """f (n,) and g (m,) in the units of C."""
    unit = C.mean() or 1.0
    if kind == "random":
        return unit * rng.normal(size=C.shape[0]), unit * rng.normal(size=C.shape[1])
    Z = (Y - Y.mean(axis=0)) / (np.ptp(Y) or 1.0)
    g = unit * np.sin(3.0 * Z @ rng.normal(size=Y.shape[1]))
    f = (C - g).min(axis=1) + 1e-3 * unit
    if kind == "outliers":
        f[rng.integers(f.size)] -= 1e6
        g[rng.integers(g.size)] += rng.choice([-1e6, 1e6])
    return f, g


class Case:
    """A cost between points, potentials, and the slacks of all pairs; `blur` is their rounding."""

    def __init__(self, metric, kinds, shape, d, seed=0):
        rng = np.random.default_rng([seed, *shape, d])
        X, Y = cloud(rng, kinds[0], shape[0], d), cloud(rng, kinds[0], shape[1], d)
        self.cost, self.C = PointCost(X, Y, metric), cdist(X, Y, metric)
        self.f, self.g = potentials(rng, kinds[1], self.C, self.cost.positions[1])
        self.slack = self.C - self.f[:, None] - self.g
        angle = 1.0 if metric == "cosine" else 0.0  # 1 - cos is rounded as 1 is
        self.blur = 1e-14 * (self.C + np.abs(self.f)[:, None] + np.abs(self.g) + angle)
        self.noise = 8 * EPS * (np.abs(self.f).max() + np.abs(self.g).max())
        self.rng = rng

    def taken(self, support):
        out = np.zeros(self.C.shape, bool)
        out[support.rows, support.cols] = True
        return out


@pytest.fixture(autouse=True)
def many_parts(tune):
    tune(thread_leaves=4, thread_rows=64)


def assert_reach(slack, blur, noise, count, hint, reach):
    """The reach of a row is its `count`-th least slack above the noise, or the hint if less."""
    blur = blur.max(axis=1, initial=0.0)[:, None]
    for doubt, sign in ((-blur, -1), (blur, 1)):
        ahead = np.sort(np.where(slack > noise + doubt, slack, np.inf), axis=1)
        ahead = ahead[:, count - 1] if count <= ahead.shape[1] else np.full(len(ahead), np.inf)
        # A list as long as the row is full only if every pair is in it.
        assert (sign * reach <= sign * np.minimum(ahead + doubt[:, 0], hint)).all()


def assert_nearest(case, count, hint, support, row_reach, col_reach):
    """Nothing is left out that is active, or nearer than the reach of its row or column."""
    slack, blur, noise = case.slack, case.blur, case.noise
    taken, silent = case.taken(support), hint[0] == -np.inf
    active = slack <= noise - blur
    bound = np.maximum(row_reach[:, None], col_reach)
    asked = ~(silent[:, None] & (slack <= noise + blur))  # such rows are not asked for theirs
    assert taken[active & asked].all()
    assert (slack + blur >= bound)[~taken & asked].all()
    assert (slack - blur <= np.maximum(bound, noise))[taken].all()
    n, m = slack.shape
    assert_reach(slack, blur, noise, min(count, m), hint[0], row_reach)
    assert_reach(slack.T, blur.T, noise, min(count, n), hint[1], col_reach)


EVERYTHING = {
    "metric": METRICS,
    "points": CLOUDS,
    "values": POTENTIALS,
    "shape": SHAPES,
    "d": (1, 2, 3, 5, 20),
}


@every_two(**EVERYTHING, count=[1, 6, 900])
def test_nearest(metric, points, values, shape, d, count):
    case = Case(metric, (points, values), shape, d)
    *found, effort = trees.nearest(case.cost, case.f, case.g, count, everywhere(shape), case.noise)
    assert_nearest(case, count, np.full((2, 1), np.inf), *found)
    assert 0 < effort.pairs <= 2 * case.C.size


@every_two(**EVERYTHING)
def test_violators(metric, points, values, shape, d):
    case = Case(metric, (points, values), shape, d)
    for tau in (case.noise, 1e-3 * case.C.mean()):
        found, effort = trees.violators(case.cost, case.f, case.g, tau)
        taken = case.taken(found)
        assert taken[case.slack <= -tau - case.blur].all()
        assert not taken[case.slack > -tau + case.blur].any()
        assert effort.pairs <= case.C.size


@every_two(**EVERYTHING)
def test_row_roots(metric, points, values, shape, d):
    case = Case(metric, (points, values), shape, d)
    target = (case.C.mean() or 1.0) * case.rng.random(shape[0])
    target[::3] = 0.0
    roots, effort = trees.row_roots(case.cost, case.g, target)
    blur = 1e-14 * (case.C + np.abs(case.g) + np.abs(roots)[:, None] + (metric == "cosine"))
    least = (case.C - case.g).min(axis=1)
    assert (np.abs(roots - least)[::3] <= blur.max(axis=1)[::3]).all()
    wanted = target > 0
    totals = np.maximum(roots[:, None] + case.g - case.C, 0).sum(axis=1)
    assert (np.abs(totals - target) <= blur.sum(axis=1) + 1e-12 * target)[wanted].all()
    assert 0 < effort.pairs <= case.C.size


@every_two(metric=METRICS, values=POTENTIALS, shape=SHAPES)
def test_nearest_with_hints(metric, values, shape):
    """Finite hints, none, and rows and columns that want nothing."""
    case = Case(metric, ("plain", values), shape, 3)
    unit = np.quantile(np.abs(case.slack), 0.2)
    hint = tuple(
        case.rng.choice([-np.inf, np.inf, 0.3 * unit, unit, 3.0 * unit], size) for size in shape
    )
    *found, _ = trees.nearest(case.cost, case.f, case.g, 6, hint, case.noise)
    assert_nearest(case, 6, hint, *found)
    assert (found[1][hint[0] == -np.inf] == -np.inf).all()
    assert (found[2][hint[1] == -np.inf] == -np.inf).all()


@pytest.mark.parametrize("metric", METRICS)
def test_boxes_leave_most_pairs_out(metric):
    """A count, not a time: smooth potentials near the optimum, in the plane."""
    case = Case(metric, ("plain", "near optimal"), (4000, 4000), 2)
    *_, nearest = trees.nearest(case.cost, case.f, case.g, 10, everywhere((4000, 4000)), case.noise)
    _, violators = trees.violators(case.cost, case.f, case.g, case.noise)
    _, roots = trees.row_roots(case.cost, case.g, np.zeros(4000))
    for effort, part in ((nearest, 0.15), (violators, 0.05), (roots, 0.1)):
        assert 0 < effort.pairs + effort.boxes < part * case.C.size


@pytest.mark.parametrize("relative", [1e-12, 1e-8])
def test_close_pairs_across_a_border(relative):
    """Two boxes of width one touch: rounding their middles must not hide what is between them."""
    lost = 0
    for seed in range(50):
        rng = np.random.default_rng(seed)
        X, Y = -rng.random((30, 2)), rng.random((30, 2))
        X[0], Y[0] = -1e-10 * rng.random(2), 1e-10 * rng.random(2)
        near = ((X[0] - Y[0]) ** 2).sum()
        f = np.full(30, 0.5 * (1 + relative) * near)  # the pair is violated by that much
        found, _ = trees.violators(PointCost(X, Y), f, f, 8 * EPS * near)
        lost += found.size == 0
    assert lost == 0


def ranges(tree):
    """Node, start and stop in the order of the tree, of every node."""
    for v in range(1, 2 * tree.leaves):
        span = tree.leaves >> (v.bit_length() - 1)
        first = v * span % tree.leaves
        yield v, tree.bounds[first], tree.bounds[first + span]


def exact_costs(X, Y, metric):
    """Costs in extended precision; of directions as they are, whatever their rounded norms."""
    T = X.astype(np.longdouble)[:, None] - Y
    if metric == "cosine":
        return 1 - (X.astype(np.longdouble)[:, None] * Y).sum(axis=2)
    if metric == "cityblock":
        return np.abs(T).sum(axis=2)
    squares = (T**2).sum(axis=2)
    return np.sqrt(squares) if metric == "euclidean" else squares


KINDS = ["mixed", "touching", "close", "grid", "diagonal"]


@st.composite
def extremes(draw, metric, kind):
    """Points and potentials of any range: far off against their spread, apart, close, across."""
    rng = rng_of(draw(seeds))
    d, n, m = (draw(st.sampled_from(k)) for k in ([2, 1, 3, 4], [30, 1, 5, 60], [30, 1, 5, 60]))
    small, thin = 10.0 ** -draw(st.integers(0, 14)), 10.0 ** -draw(st.integers(0, 14))
    X, Y = rng.uniform(-1, 1, (2, max(n, m), d))
    if kind == "touching":
        X, Y = -np.abs(X), np.abs(Y)
        X[0], Y[0] = small * X[0], small * Y[0]
    if kind == "close":
        Y = X + small * Y
    if kind == "grid":
        X, Y = np.round(2 * X), np.round(2 * Y)
    if kind == "diagonal":
        X, Y = X[:, :1] + thin * X, Y[:, :1] + thin * Y
    unit = 10.0 ** draw(st.sampled_from([0, -6, 6]))
    away = draw(st.sampled_from([0.0, 0.0, 1.0, 1e6, 1e9, 1e15]))
    if metric == "cosine":
        X, Y = X * small + away + 2.3, Y * small + away + 2.3  # nearly one direction, if small
    cost = PointCost(unit * X[:n] + away, unit * Y[:m] + away, metric)
    C = exact_costs(*cost.positions, metric)
    values = draw(st.sampled_from(["optimal", "column", "plane", "wild"]))
    f, g = np.zeros(n), np.zeros(m)
    if values == "optimal":
        g = rng.normal(size=m) * float(C.mean()) * small
        f = (C - g).min(axis=1).astype(float)
    if values == "column":
        f = C[:, rng.integers(m)].astype(float)
    if values == "plane":
        slope = rng.choice([-1.0, 0.5, 1.0], size=d) * 10.0 ** rng.integers(-6, 6)
        f, g = cost.positions[0] @ slope, -cost.positions[1] @ slope
    if values == "wild":
        f, g = 10.0 ** rng.uniform(-12, 12, n), -(10.0 ** rng.uniform(-12, 12, m))
    lift = draw(st.sampled_from([0.0, 0.0, 1.0, 1e12])) * unit
    return cost, C, f + lift, g - lift


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("metric", METRICS)
@settings(max_examples=80)
@given(st.data())
def test_no_bound_exceeds_a_slack(metric, kind, data):
    """The property that everything rests on: between any two boxes, and from any point to any."""
    cost, C, *drawn = data.draw(extremes(metric, kind))
    for f, g in (drawn, np.zeros((2, max(C.shape)))):  # without potentials nothing hides round-off
        assert_bounds(cost, C, f[: C.shape[0]], g[: C.shape[1]])


def assert_bounds(cost, C, f, g):
    (tree, other), code, d = box_trees(cost), cost.metric_code, cost.X.shape[1]
    f, g = f[tree.order], g[other.order]
    slack = C[np.ix_(tree.order, other.order)] - f.astype(np.longdouble)[:, None] - g
    points, _, node = tree.side(f)
    _, _, box = other.side(g)
    for v, begin, end in ranges(other):
        least = slack[:, begin:end].min(axis=1)
        for i in range(0, f.size, 7):
            assert kernels._towards(code, d, points, i, f[i], box, v) <= least[i]
        for u, start, stop in ranges(tree):
            assert kernels._between(code, d, node, u, box, v) <= least[start:stop].min()


@given(st.sampled_from(KINDS).flatmap(lambda kind: extremes("sqeuclidean", kind)))
def test_boxes_and_lids_hold_their_points(extreme):
    cost, _, f, _ = extreme
    tree, d = box_trees(cost)[0], cost.X.shape[1]
    values = f[tree.order]
    points, bounds, nodes = tree.side(values)
    assert np.diff(bounds).min() > 0
    assert (np.sort(tree.order) == np.arange(f.size)).all()
    for v, start, stop in ranges(tree):
        middle, half, slope, (height, top) = np.split(nodes[v], [d, 2 * d, 3 * d])
        away = points[:, start:stop].T - middle
        assert (np.abs(away) <= half * (1 + 2 * EPS)).all()
        rounding = 1e-14 * (abs(height) + np.abs(away) @ np.abs(slope) + np.abs(f).max())
        assert (values[start:stop] <= height + away @ slope + rounding).all()
        assert top == values[start:stop].max()


@pytest.mark.parametrize("n", [1, 12, 13, 25, 100])
def test_a_tree_of_any_size(n, rng):
    tree = BoxTree.of(rng.random((n, 2)))
    assert tree.leaves & (tree.leaves - 1) == 0
    assert np.diff(tree.bounds).max() <= 12
    low, high = tree.boxes
    for v, start, stop in ranges(tree):
        np.testing.assert_array_equal(low[v], tree.points[:, start:stop].min(axis=1))
        np.testing.assert_array_equal(high[v], tree.points[:, start:stop].max(axis=1))


def test_trees_are_built_once_for_each_cost(rng, monkeypatch):
    """Whichever thread asks; and they go with the cost."""
    X = rng.random((50, 2))
    cost, same = PointCost(X, X), PointCost(X, X)
    of, built = BoxTree.of, []
    monkeypatch.setattr(BoxTree, "of", lambda points: built.append(1) or of(points))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(box_trees, [cost] * 32))
    assert len(built) == 2
    assert all(pair is found[0] for pair in found)
    assert box_trees(same)[0] is not found[0][0]
    alive = ref(found[0][0])
    del cost, found
    gc.collect()
    assert alive() is None
