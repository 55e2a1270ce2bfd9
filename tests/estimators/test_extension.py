"""What new points get: by closed forms where there are such, and next to points that are known."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.spatial.distance import cdist
from scipy.special import softmax

pytest.importorskip("sklearn")

import quot
from quot.estimators._extension import Extension

N, M = 40, 30


@pytest.fixture
def clouds(rng):
    return rng.normal(size=(N, 2)), rng.normal(size=(M, 2)) + 1.0, rng.normal(size=(25, 2))


def solve(X, Y, kind):
    cost = quot.PointCost(X, Y)
    if "eps" in kind:
        return quot.solve_entropic(cost, **kind, tol=1e-10)
    if "perplexity" in kind:
        return quot.solve_adaptive(cost, **kind, tol=1e-10)
    return quot.solve(cost, **kind)


KINDS = [
    {"reg": 20.0},
    {"reg": 20.0, "mass": 0.6},
    {"reg": 0.0},
    {"reg": 0.0, "mass": 0.6},
    {"eps": 0.3},
    {"eps": 0.3, "mass": 0.6},
    *(
        {"perplexity": (4.0, 3.0) if on == "both" else 4.0, "on": on, "regularizer": name}
        for on in ("source", "target", "both", "average")
        for name in ("quadratic", "entropic")
    ),
]


@pytest.mark.parametrize("on_source", [True, False], ids=["source", "target"])
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_known_points_are_as_in_the_plan_and_new_ones_beside_them_nearly(clouds, kind, on_source):
    X, Y, _ = clouds
    own, others = (X, Y) if on_source else (Y, X)
    r = solve(X, Y, kind)
    plan = r.plan if on_source else r.plan.T
    extension = Extension.of(r, others, on_source=on_source)
    images = plan.barycentric(others)
    assert np.array_equal(extension(own), images, equal_nan=True)
    if kind.get("reg") == 0.0:
        return  # beside points that are tied between two, either may be right
    mass = plan.row_sums()
    clear = mass > 1e-4 / len(own)
    if kind.get("on") == ("source" if on_source else "target"):
        multipliers = r.row_multipliers if on_source else r.col_multipliers
        clear &= multipliers > 1e-3 * multipliers.max()  # others may share by themselves
    assert clear.sum() >= 0.3 * len(own) * kind.get("mass", 1.0)
    assert np.abs(extension(own + 1e-9) - images)[clear].max() <= 1e-4


@pytest.mark.parametrize("mass", [None, 0.6])
def test_quadratic_points_send_their_mass_at_the_prices_of_the_others(clouds, mass):
    X, Y, new = clouds
    r = quot.solve_points(X, Y, reg=20.0, mass=mass)
    C, top = cdist(new, Y, "sqeuclidean"), np.inf if mass is None else 0.0
    for x, row, image in zip(new, C, Extension.of(r, Y, on_source=True)(new), strict=True):
        k = r.g + r.lam - row
        f = brentq(lambda f, k=k: np.maximum(f + k, 0).sum() / 20.0 - 1 / N, -k.max() - 1, 99)
        p = np.maximum(min(f, top) + k, 0)
        if p.sum() == 0.0:
            assert np.isnan(image).all(), x
        else:
            assert image == pytest.approx(p @ Y / p.sum(), rel=1e-9)


def test_entropic_points_go_by_a_softmax(clouds):
    X, Y, new = clouds
    r = quot.solve_entropic(quot.PointCost(X, Y), eps=0.3, mass=0.6)
    C = cdist(new, Y, "sqeuclidean")
    expected = softmax((r.g - C) / 0.3, axis=1) @ Y
    assert Extension.of(r, Y, on_source=True)(new) == pytest.approx(expected, rel=1e-9)


def test_linear_points_go_to_the_nearest_at_its_price_or_stay(clouds):
    X, Y, new = clouds
    r = quot.solve_points(X, Y, mass=0.6)
    slack = cdist(new, Y, "sqeuclidean") - r.g - r.lam
    images = Extension.of(r, Y, on_source=True)(new)
    stays = slack.min(axis=1) > 0.0
    assert 0 < stays.sum() < len(new)
    assert np.isnan(images[stays]).all()
    assert np.array_equal(images[~stays], Y[slack.argmin(axis=1)][~stays])


@pytest.mark.parametrize("regularizer", ["quadratic", "entropic"])
def test_adaptive_points_have_the_perplexity(clouds, regularizer):
    X, Y, new = clouds
    options = {"perplexity": 4.0, "regularizer": regularizer}
    r = quot.solve_adaptive(quot.PointCost(X, Y), **options)
    w = Extension.of(r, Y, on_source=True).weights(new)
    assert w.sum(axis=1) == pytest.approx(1 / N, rel=1e-9)
    q = w / w.sum(axis=1, keepdims=True)
    if regularizer == "quadratic":
        found = 1.0 / (q * q).sum(axis=1)
    else:
        found = np.exp(-(q * np.log(np.maximum(q, 1e-300))).sum(axis=1))
    assert found == pytest.approx(4.0, rel=1e-6)


def test_of_tied_ones_each_has_a_say():
    """Two samples at one place with different labels: neither is the first."""
    X, Y = np.array([[0.0], [0.0], [9.0]]), np.array([[0.1], [0.2], [9.1]])
    r = quot.solve_points(X, Y)
    shares = Extension.of(r, np.eye(3), on_source=False)(np.array([[0.15], [9.0]]))
    assert shares.tolist() == [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]


def test_blocks_of_points_are_as_one(clouds, rng, monkeypatch):
    X, Y, _ = clouds
    extension = Extension.of(quot.solve_points(X, Y, reg=20.0), Y, on_source=True)
    new = rng.normal(size=(1000, 2))
    whole = extension(new)
    monkeypatch.setattr("quot.estimators._extension._PAIRS", 100)
    assert extension(new) == pytest.approx(whole, rel=1e-12)
    assert extension(new[:0]).shape == (0, 2)
