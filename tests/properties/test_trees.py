"""Trees of boxes on small problems: certificates and answers are those of all pairs."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from tests.checks import TOL, assert_same_certificate
from tests.design import every_two
from tests.oracles import certificate as oracle
from tests.strategies import equal_totals

import quot
from quot.certificate import certify
from quot.costs import METRICS, PointCost
from quot.pairs import screen
from quot.pairs.screen import Blocks, Boxes
from quot.plan import Plan
from quot.problem import Problem


@pytest.fixture(autouse=True)
def passes(tune):
    """No problem is so small that all its pairs are seen in one compiled call."""
    tune(at_once=0)


METRIC = pytest.mark.parametrize("metric", METRICS)


def points(rng, shape, kind):
    n, m = shape
    X, Y = rng.normal(size=(n, 2)) + 1.0, 0.7 * rng.normal(size=(m, 2)) + 1.5
    if kind == "duplicates":
        X, Y = X[rng.integers(n // 3, size=n)], np.vstack((X, Y))[rng.integers(n + m, size=m)]
    return X, Y


def masses(rng, shape, kind):
    if kind == "equal":
        return tuple(np.full(size, 1.0 / size) for size in shape)
    a, b = (rng.uniform(0.1, 1.0, size) ** 3 for size in shape)
    a /= a.sum()
    return a, equal_totals(a, b)


def go(monkeypatch, way):
    """Pass over all pairs in this way."""
    for module in ("quot.pairs.price", "quot.certificate.plans"):
        monkeypatch.setattr(f"{module}.choose", lambda cost, f, g, *, search=False: way(cost))


def forbid_blocks(monkeypatch):
    """But for the few rows by which a way is chosen."""
    block = Blocks.block

    def sparing(self, start, stop):
        assert self.cost.shape[0] <= screen._SAMPLE, "all pairs were passed over by blocks"
        return block(self, start, stop)

    monkeypatch.setattr(Blocks, "block", sparing)


def by_blocks_and_boxes(monkeypatch, *answer):
    """The certificates of an answer, all pairs seen and most pairs left out."""
    monkeypatch.setattr("quot.certificate.plans.least_value", lambda _: [])  # seen by no pass
    go(monkeypatch, Blocks)
    by_blocks = certify(*answer)
    forbid_blocks(monkeypatch)
    go(monkeypatch, Boxes)
    return by_blocks, certify(*answer)


@every_two(
    metric=METRICS,
    mass=[None, 0.7],
    reg=[0.0, 0.1],
    values=["zero", "random", "near optimal", "infeasible", "one outlier"],
)
def test_certificate(metric, mass, reg, values, monkeypatch, rng):
    """Right or wrong potentials: the bound is that of all pairs, recomputed in NumPy."""
    shape = 90, 130
    (X, Y), (a, b) = points(rng, shape, "plain"), masses(rng, shape, "uneven")
    C, problem = cdist(X, Y, metric), Problem(PointCost(X, Y, metric), a, b, reg=reg, mass=mass)
    plan = Plan.from_dense(np.outer(a, b) * (mass or 1.0))
    f, g, lam = np.zeros(90), np.zeros(130), 0.0 if mass is None else 0.2
    if values == "random":
        f, g = C.mean() * rng.normal(size=90), C.mean() * rng.normal(size=130)
    if values == "near optimal":
        g = -np.abs(np.sin(Y[:, 0]))
        f = (C - g).min(axis=1) - lam + 1e-6 * rng.normal(size=90)
    if values == "infeasible":
        f, g = f + 2.0 * C.max(), g + 1.0
    if values == "one outlier":
        f[3], g[7] = -1e6, 1e6 if mass is None else -1e6
    whole, boxes = by_blocks_and_boxes(monkeypatch, problem, plan, f, g, lam)
    assert_same_certificate(boxes, whole, C)
    lower = oracle.lower_bound(C, a, b, reg, mass, f, g, lam)
    assert boxes.lower == pytest.approx(lower, rel=1e-12, abs=boxes.round_off)


@every_two(
    metric=METRICS,
    mass=[None, 0.7],
    value=[np.nan, np.inf, -np.inf, 1e300, -1e300],
    place=["f", "g"],
)
def test_certificate_of_nonsense(metric, mass, value, place, monkeypatch, rng):
    """The same by blocks and by boxes; never a pass if it is no number."""
    X, Y = points(rng, (60, 50), "plain")
    problem = Problem(PointCost(X, Y, metric), reg=0.1, mass=mass)
    plan = Plan.from_dense(np.full((60, 50), (mass or 1.0) / 3000))
    potentials = {"f": np.zeros(60), "g": np.zeros(50)}
    potentials[place][11] = value
    with np.errstate(invalid="ignore", over="ignore"):
        whole, boxes = by_blocks_and_boxes(monkeypatch, problem, plan, *potentials.values())
    np.testing.assert_allclose([boxes.lower, boxes.upper], [whole.lower, whole.upper])
    if not np.isfinite(value):
        assert not boxes.holds(quot.Tolerance())


def solve_both(monkeypatch, tune, shape, metric, kind, rng, **options):
    """By trees, all pairs forbidden to be listed; and on the matrix of costs."""
    (X, Y), (a, b) = points(rng, shape, kind), masses(rng, shape, kind)
    C = cdist(X, Y, metric)
    dense = quot.solve(C, a, b, **options)
    go(monkeypatch, Boxes)
    tune(mended=100, mended_bad=0.1)
    forbid_blocks(monkeypatch)
    return quot.solve_points(X, Y, a, b, metric=metric, **options), dense, C


def assert_same_value(r, dense, C):
    """Both lie within one gap of the optimum; the two costs differ by round-off."""
    assert r.converged
    assert dense.converged
    assert r.certificate.holds(quot.Tolerance())
    scale = max(r.certificate.scale, dense.certificate.scale)
    assert abs(r.value - dense.value) <= TOL * scale + 1e-14 * C.max()


@every_two(
    metric=METRICS, mass=[None, 0.7], reg=[0.0, 1e-3, 1.0], kind=["plain", "equal", "duplicates"]
)
def test_the_value_is_that_of_the_matrix(metric, mass, reg, kind, monkeypatch, tune, rng):
    found = solve_both(monkeypatch, tune, (130, 110), metric, kind, rng, reg=reg, mass=mass)
    assert_same_value(*found)


@METRIC
@pytest.mark.parametrize(("mass", "reg"), [(None, 1e-3), (0.7, 1e-3)])
def test_the_value_is_that_of_a_larger_matrix(metric, mass, reg, monkeypatch, tune, rng):
    found = solve_both(monkeypatch, tune, (600, 250), metric, "plain", rng, reg=reg, mass=mass)
    assert_same_value(*found)
