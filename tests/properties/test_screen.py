"""Bounds in single precision: they are bounds, and what is asked through them is answered exactly.

Costs are recomputed in extended precision, answers against those over all pairs.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from tests.checks import assert_same_certificate, everywhere
from tests.design import every_two
from tests.oracles import certificate as oracle
from tests.strategies import equal_totals, rng_of, seeds

import quot
from quot.certificate import certify
from quot.costs import DenseCost, PointCost
from quot.pairs import blocks
from quot.pairs.screen import Blocks, Boxes, Screen, choose
from quot.plan import Plan
from quot.problem import Problem


@pytest.fixture(autouse=True)
def passes(tune):
    """No problem is so small that all its pairs are seen in one compiled call."""
    tune(at_once=0)


METRICS = ("sqeuclidean", "euclidean", "cosine")
METRIC = pytest.mark.parametrize("metric", METRICS)
CLOUDS = ("plain", "duplicates", "line", "tails", "outlier", "clusters")


def clouds(rng, kind, shape, d):
    """Points of rows and columns, the farthest of which is about one away from the origin."""
    n, m = shape
    Z = rng.normal(size=(n + m, d)) + 0.1
    if kind == "duplicates":
        Z = Z[rng.integers(1 + (n + m) // 4, size=n + m)]
    if kind == "line":
        Z = Z[:, :1] * np.linspace(1.0, 2.0, d)
    if kind == "tails":
        Z = rng.standard_t(1, size=Z.shape)
    if kind == "outlier":
        Z[rng.integers(n + m)] *= 1e6
    if kind == "clusters":
        Z = 1e-6 * Z + np.where(rng.random((n + m, 1)) < 0.5, -1.0, 1.0)
    Z /= np.linalg.norm(Z, axis=1).max()
    return Z[:n], Z[n:]


def exact(X, Y, metric):
    """Costs in extended precision."""
    X, Y = X.astype(np.longdouble), Y.astype(np.longdouble)
    if metric == "cosine":
        X, Y = (Z / np.sqrt((Z**2).sum(axis=1, keepdims=True)) for Z in (X, Y))
        return 1 - (X[:, None] * Y).sum(axis=2)
    squares = ((X[:, None] - Y) ** 2).sum(axis=2)
    return squares if metric == "sqeuclidean" else np.sqrt(squares)


def assert_bounds(screen, C, metric):
    """No bound is too high, and none lower than it says; but for the rounding of doubles."""
    lower, width = screen.block(0, C.shape[0])
    assert lower.dtype == np.float32
    round_off = 2e-15 if metric == "cosine" else 1e-15 * C
    assert (lower.astype(np.longdouble) <= C + round_off).all()
    assert (C - round_off <= lower + width[:, None].astype(np.longdouble)).all()
    return width


def assert_narrow(width, X, Y, metric):
    """The bounds are of use: low by a ten-thousandth of the square of the size of the points."""
    if metric == "cosine":
        assert (width <= 4e-4).all()
        return
    centre = (X.mean(axis=0) + Y.mean(axis=0)) / 2
    p, q = np.linalg.norm(X - centre, axis=1), np.linalg.norm(Y - centre, axis=1)
    reach, largest = p + q.max(), max(p.max(), q.max())
    if metric == "sqeuclidean":
        assert (width <= 1e-4 * reach**2).all()
    else:
        assert (width <= 1e-2 * reach + 1e-5 * largest).all()


@METRIC
@given(
    kind=st.sampled_from(CLOUDS),
    shape=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    d=st.one_of(st.integers(1, 10), st.integers(1, 300)),
    power=st.integers(-8, 8),
    offset=st.sampled_from([0.0, 1.0, 1e3, 1e6]),
    seed=seeds,
)
def test_the_bounds_are_bounds(metric, kind, shape, d, power, offset, seed):
    rng = rng_of(seed)
    X, Y = clouds(rng, kind, shape, d)
    away = offset * rng.normal(size=d) / np.sqrt(d)
    X, Y = 10.0**power * (X + away), 10.0**power * (Y + away)
    screen = Screen(PointCost(X, Y, metric))
    width = assert_bounds(screen, exact(X, Y, metric), metric)
    spread = max(np.ptp(X, axis=0).max(), np.ptp(Y, axis=0).max())
    if metric == "cosine" or spread > 0.1 * 10.0**power:  # one point has no size of its own
        assert screen.holds
        assert_narrow(width, X, Y, metric)


@METRIC
@pytest.mark.parametrize("d", [1, 2, 3, 10, 100, 300, 3000])
def test_the_bounds_of_many_pairs(metric, d, rng):
    """Sums are long and errors happen to add up."""
    shape = (60, 80) if d <= 300 else (10, 12)
    for kind in CLOUDS:
        X, Y = clouds(rng, kind, shape, d)
        screen = Screen(PointCost(X, Y, metric))
        assert screen.holds
        assert_bounds(screen, exact(X, Y, metric), metric)


@METRIC
@pytest.mark.parametrize("d", [1, 30, 300])
def test_errors_of_one_sign(metric, d):
    """Each coordinate is rounded the same way, and so are the partial sums."""
    for ulps in (0.25, 0.49, 0.51, 0.75, 1.49):
        x = (1.0 + ulps * 2.0**-23) / (2.0 * np.sqrt(d))
        X = np.outer([1.0, -1.0, 0.5], np.full(d, x))
        Y = np.outer([-1.0, 1.0, 1e-4], np.full(d, x))
        assert_bounds(Screen(PointCost(X, Y, metric)), exact(X, Y, metric), metric)


def test_bounds_that_underflow(rng):
    """Far-off points set the scale; squares of the distances between the others leave the range."""
    for size in np.geomspace(3e-15, 1e-13, 10):
        X, Y = size * rng.normal(size=(42, 8)), size * rng.normal(size=(40, 8))
        X[:2, 0] = 1.0, -1.0
        X, Y = 1.2e-9 * X, 1.2e-9 * Y
        screen = Screen(PointCost(X, Y))
        assert screen.holds
        assert_bounds(screen, exact(X, Y, "sqeuclidean"), "sqeuclidean")


@METRIC
@pytest.mark.parametrize("value", [1.0, 1 / 3, -1e6 / 7])
def test_all_points_at_one_place(metric, value):
    X = np.full((5, 20), value)
    screen = Screen(PointCost(X, X[:3], metric))
    if screen.holds:
        assert_bounds(screen, np.zeros((5, 3)), metric)


@METRIC
def test_rows_of_a_block(metric, rng):
    """Rows are bounded each by its own size: near the centre more closely than far from it."""
    X, Y = clouds(rng, "tails", (40, 30), 60)
    screen = Screen(PointCost(X, Y, metric))
    C = exact(X, Y, metric)
    lower, width = screen.block(7, 19)
    assert lower.shape == (12, 30)
    assert width.shape == (12,)
    assert (lower <= C[7:19] + 1e-15).all()
    assert (C[7:19] <= lower + width[:, None] + 1e-15).all()
    if metric == "sqeuclidean":
        centre = (X.mean(axis=0) + Y.mean(axis=0)) / 2
        size = np.linalg.norm(X[7:19] - centre, axis=1)
        np.testing.assert_array_equal(np.argsort(width), np.argsort(size))


@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean"])
@pytest.mark.parametrize("scale", [1e-100, 1e-30, 1e30, 1e100])
def test_out_of_range_there_is_no_screen(metric, scale, tune, rng):
    tune(boxed=0)
    cost = PointCost(scale * rng.normal(size=(40, 60)), scale * rng.normal(size=(500, 60)), metric)
    assert not Screen(cost).holds
    assert isinstance(chosen(cost), Blocks)


def test_nor_of_sums_that_are_too_long():
    assert Screen(PointCost(np.eye(2, 10_000), np.eye(3, 10_000))).holds
    assert not Screen(PointCost(np.eye(2, 20_000), np.eye(3, 20_000))).holds


# Passes: the same answers as those by blocks of costs.


class Case:
    """A cost between points, and potentials that leave a few pairs of each row in doubt."""

    def __init__(self, metric, shape, d, kind="plain", seed=0):
        rng = np.random.default_rng([seed, *shape, d])
        self.rng, (X, Y) = rng, clouds(rng, kind, shape, d)
        self.cost = PointCost(X, Y, metric)
        self.C = C = cdist(X, Y, metric)
        self.unit = C.mean() or 1.0
        self.g = 0.1 * self.unit * rng.normal(size=shape[1])
        nearest = np.sort(C - self.g, axis=1)[:, : min(4, shape[1])]
        self.f = nearest[:, -1] + 0.01 * self.unit * rng.normal(size=shape[0])
        self.slack = C - self.f[:, None] - self.g


def assert_same_nearest(case, found, expected, ties=0.0):
    """The pairs, but for those as far as the last one where ties are told apart by rounding."""
    taken = np.zeros((2, *case.C.shape), bool)
    for side, support in zip(taken, (found[0], expected[0]), strict=True):
        side[support.rows, support.cols] = True
    for k in (1, 2):
        np.testing.assert_allclose(found[k], expected[k], rtol=1e-12, atol=1e-13 * case.unit)
    differ = taken[0] != taken[1]
    last = np.isclose(case.slack, expected[1][:, None], rtol=0.0, atol=ties)
    last |= np.isclose(case.slack, expected[2], rtol=0.0, atol=ties)
    assert not differ.any() if ties == 0.0 else last[differ].all()


SHAPES = [(1, 300), (300, 1), (3, 7), (60, 90), (700, 300)]


@every_two(metric=METRICS, shape=SHAPES, d=[2, 20, 200])
def test_the_passes_are_those_over_all_pairs(metric, shape, d, tune):
    tune(screened=50 * shape[1])  # several blocks
    case = Case(metric, shape, d)
    cost, f, g, unit = case.cost, case.f, case.g, case.unit
    screen, whole = Screen(cost), Blocks(cost)
    assert screen.rows == 50
    n, m = shape
    most = 1000 if n < 700 else 30  # more than there are, or many
    far = 0.1 * unit * case.rng.random(n), 0.1 * unit * case.rng.random(m)
    for count, hint, noise in (
        (1, everywhere(shape), 0.0),
        (6, everywhere(shape), 0.02 * unit),
        (6, far, 0.0),
        (most, everywhere(shape), 0.0),
        (most, far, 1e-3 * unit),
    ):
        expected = blocks.nearest(whole, f, g, count, hint, noise)
        assert_same_nearest(case, blocks.nearest(screen, f, g, count, hint, noise), expected)
    for tau in (0.0, 0.02 * unit):
        found, expected = (blocks.violators(way, f, g, tau) for way in (screen, whole))
        np.testing.assert_array_equal(found.rows, expected.rows)
        np.testing.assert_array_equal(found.cols, expected.cols)
        assert np.array_equal(
            np.argwhere(case.slack <= -tau), np.transpose([found.rows, found.cols])
        )
    for target in (0.0, 1e-3 * unit, 10.0 * unit):
        found = blocks.row_roots(screen, g, np.full(n, target))
        expected = blocks.row_roots(whole, g, np.full(n, target))
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13 * unit)


@METRIC
@pytest.mark.parametrize("kind", CLOUDS)
def test_the_passes_over_odd_clouds(metric, kind):
    """Where nothing lies between the bounds and the costs, and where almost everything does."""
    case = Case(metric, (80, 110), 12, kind)
    f, g, unit = case.f, case.g, case.unit
    screen, whole = Screen(case.cost), Blocks(case.cost)
    for count in (1, 6, 200):
        found, expected = (
            blocks.nearest(way, f, g, count, everywhere((80, 110)), 1e-4 * unit)
            for way in (screen, whole)
        )
        assert_same_nearest(case, found, expected, ties=1e-12 * unit)
    found, expected = (blocks.violators(way, f, g, 1e-4 * unit) for way in (screen, whole))
    np.testing.assert_array_equal([found.rows, found.cols], [expected.rows, expected.cols])
    for target in (0.0, 1e-3 * unit, 10.0 * unit):
        roots = [blocks.row_roots(way, g, np.full(80, target)) for way in (screen, whole)]
        np.testing.assert_allclose(*roots, rtol=1e-12, atol=1e-13 * unit)


@pytest.mark.parametrize("count", [1, 4, 30])
@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_equal_slacks(count, noise, rng):
    """On a lattice all sums are exact: ties are resolved alike, and slacks are zero exactly."""
    X, Y = rng.integers(3, size=(600, 9)).astype(float), rng.integers(3, size=(25, 9)).astype(float)
    cost = PointCost(X, Y)
    f, g = rng.integers(8, size=600) / 4 + 4.0, rng.integers(8, size=25) / 4
    found, expected = (
        blocks.nearest(way, f, g, count, everywhere((600, 25)), noise)
        for way in (Screen(cost), Blocks(cost))
    )
    for k in (1, 2):
        np.testing.assert_array_equal(found[k], expected[k])
    np.testing.assert_array_equal(found[0].rows, expected[0].rows)
    np.testing.assert_array_equal(found[0].cols, expected[0].cols)
    slack = cdist(X, Y, "sqeuclidean") - f[:, None] - g
    bad = blocks.violators(Screen(cost), f, g, 0.0)
    np.testing.assert_array_equal(np.transpose([bad.rows, bad.cols]), np.argwhere(slack <= 0))
    assert (slack == 0).any()


# Certificates and answers.


def go(monkeypatch, way):
    """Pass over all pairs of points in this way; returns a list of the costs where it was so."""
    used = []

    def chosen(cost, f, g, *, search=False):
        if not isinstance(cost, PointCost):
            return Blocks(cost)
        used.append(cost)
        return way(cost)

    for module in ("quot.pairs.price", "quot.certificate.plans"):
        monkeypatch.setattr(f"{module}.choose", chosen)
    return used


def masses(rng, shape):
    a, b = (rng.uniform(0.1, 1.0, size) ** 2 for size in shape)
    a /= a.sum()
    return a, equal_totals(a, b)


def by_blocks_and_screen(monkeypatch, tune, *answer):
    """The certificates of an answer; that of the screen in several blocks of rows."""
    monkeypatch.setattr("quot.certificate.plans.least_value", lambda _: [])  # seen by no pass
    go(monkeypatch, Blocks)
    whole = certify(*answer)
    go(monkeypatch, Screen)
    tune(screened=20 * answer[0].shape[1])
    return whole, certify(*answer)


@every_two(
    metric=METRICS,
    mass=[None, 0.7],
    reg=[0.0, 0.1],
    values=["optimal", "zero", "random", "infeasible", "one outlier"],
    offset=[0.0, 1e4],
)
def test_certificate(metric, mass, reg, values, offset, monkeypatch, tune, rng):
    """Right or wrong potentials: the bound is that of all pairs, recomputed in NumPy."""
    n, m = shape = 50, 70
    X, Y = (Z + offset for Z in clouds(rng, "plain", shape, 15))
    a, b = masses(rng, shape)
    C, problem = cdist(X, Y, metric), Problem(PointCost(X, Y, metric), a, b, reg=reg, mass=mass)
    plan = Plan.from_dense(np.outer(a, b) * (mass or 1.0))
    f, g, lam = np.zeros(n), np.zeros(m), 0.0 if mass is None else 0.2
    if values == "optimal":
        r = quot.solve(C, a, b, reg=reg, mass=mass)
        plan, f, g, lam = r.plan, r.f, r.g, r.lam
    if values == "random":
        f, g = C.mean() * rng.normal(size=n), C.mean() * rng.normal(size=m)
    if values == "infeasible":
        f, g = f + 2.0 * C.max(), g + 1.0
    if values == "one outlier":
        f[3], g[7] = -1e6, 1e6 if mass is None else -1e6
    whole, screened = by_blocks_and_screen(monkeypatch, tune, problem, plan, f, g, lam)
    assert_same_certificate(screened, whole, C)
    lower = oracle.lower_bound(C, a, b, reg, mass, f, g, lam)
    blur = 1e-13 * C.max() + screened.round_off
    if metric == "cosine" and offset:  # cosines that differ by 1e-9 are rounded as 1 is
        blur += 1e-15
    assert screened.lower == pytest.approx(lower, rel=1e-12, abs=blur)


@every_two(
    metric=METRICS,
    mass=[None, 0.7],
    value=[np.nan, np.inf, -np.inf, 1e300, -1e300],
    place=["f", "g"],
)
def test_certificate_of_nonsense(metric, mass, value, place, monkeypatch, tune, rng):
    """The same by blocks and by the screen; never a pass if it is no number."""
    X, Y = clouds(rng, "plain", (60, 50), 20)
    problem = Problem(PointCost(X, Y, metric), reg=0.1, mass=mass)
    plan = Plan.from_dense(np.full((60, 50), (mass or 1.0) / 3000))
    potentials = {"f": np.zeros(60), "g": np.zeros(50)}
    potentials[place][11] = value
    with np.errstate(invalid="ignore", over="ignore"):
        whole, screened = by_blocks_and_screen(
            monkeypatch, tune, problem, plan, *potentials.values()
        )
    np.testing.assert_allclose([screened.lower, screened.upper], [whole.lower, whole.upper])
    if not np.isfinite(value):
        assert not screened.holds(quot.Tolerance())


@every_two(
    metric=METRICS,
    mass=[None, 0.7],
    reg=[0.0, 1e-2, 1.0],
    shape=[(120, 200), (150, 90)],
    d=[8, 60],
    kind=["plain", "duplicates"],
)
def test_the_value_is_that_of_the_matrix(metric, mass, reg, shape, d, kind, monkeypatch, tune, rng):
    (X, Y), (a, b) = clouds(rng, kind, shape, d), masses(rng, shape)
    options = {"reg": reg, "mass": mass}
    dense = quot.solve(cdist(X, Y, metric), a, b, **options)
    used = go(monkeypatch, Screen)
    tune(matrix=0)
    r = quot.solve_points(X, Y, a, b, metric=metric, **options)
    assert len(used) > 1
    assert r.converged
    assert dense.converged
    assert abs(r.value - dense.value) <= 1e-9 * max(r.certificate.scale, dense.certificate.scale)
    go(monkeypatch, Blocks)
    again = certify(Problem(PointCost(X, Y, metric), a, b, **options), r.plan, r.f, r.g, r.lam)
    assert again.holds(quot.Tolerance())


# The choice.


def chosen(cost, search=False):
    """The way that is taken at potentials that leave the nearest pair of a row no slack."""
    C = cost.block(0, cost.shape[0])
    return choose(cost, C.min(axis=1).take, np.zeros(cost.shape[1]), search=search)


def gaussian(rng, d, n=300, m=1500):
    return rng.normal(size=(n, d)), rng.normal(size=(m, d))


def plane(rng):
    return gaussian(rng, 2, 400, 4000)


def line(rng):
    along = rng.normal(size=(1, 10))
    return tuple(Z @ along for Z in gaussian(rng, 1, 400, 4000))


def moved(rng):
    X, Y = gaussian(rng, 100)
    X[:, 3] += 1e6
    Y[:, 3] += 1e6
    return X, Y


def two_clusters(rng):
    """Distances within one are far below what single precision tells apart."""
    return tuple(
        1e-6 * Z + np.where(rng.random((len(Z), 1)) < 0.5, -1, 1) for Z in gaussian(rng, 100)
    )


@pytest.mark.parametrize("search", [False, True])
@pytest.mark.parametrize(
    ("make", "metric", "way"),
    [
        (plane, "sqeuclidean", Boxes),
        (line, "euclidean", Boxes),
        (lambda rng: gaussian(rng, 100), "sqeuclidean", Screen),
        (lambda rng: gaussian(rng, 100), "euclidean", Screen),
        (lambda rng: gaussian(rng, 100), "cosine", Screen),
        (lambda rng: gaussian(rng, 100), "cityblock", Blocks),
        (moved, "sqeuclidean", Screen),
        (two_clusters, "sqeuclidean", Blocks),
    ],
    ids=["plane", "line", "squared", "distances", "angles", "city", "moved", "clusters"],
)
def test_choice(make, metric, way, search, tune, rng):
    cost = PointCost(*make(rng), metric)
    assert type(chosen(cost, search)) is Blocks, "so few pairs are worth no thought"
    tune(boxed=100_000)
    assert type(chosen(cost, search)) is way
    assert chosen(cost, search).cost is cost


def test_a_matrix_has_no_points(tune, rng):
    tune(boxed=0)
    assert type(chosen(DenseCost(rng.random((30, 40))))) is Blocks


def test_city_blocks_are_no_products(tune, rng):
    tune(boxed=0)
    cost = PointCost(*gaussian(rng, 100), "cityblock")
    assert type(choose(cost, np.zeros(300).take, np.zeros(1500))) is Blocks


def test_useless_potentials_leave_nothing_out(tune, rng):
    """Where every pair violates them all are needed exactly, and blocks take least time."""
    tune(boxed=0)
    for d in (2, 60):
        cost = PointCost(*gaussian(rng, d))
        assert type(choose(cost, np.full(300, 1e4).take, np.zeros(1500))) is Blocks
