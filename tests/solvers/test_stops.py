"""Stopped anywhere, a solve returns a feasible plan and a bound."""

import numpy as np
import pytest

import quot
from quot.costs import PointCost
from quot.kernels import rounding as kernels
from quot.passes import Blocks, Boxes, Screen
from quot.pricing import Pricer, pricer


def test_refine_spreads_entries_over_members(rng):
    """By the north-west corner: every coarse entry is kept, no member gives more than it has."""
    n, m, k, q = 40, 30, 6, 5
    member_a, member_b = rng.permutation(n), rng.permutation(m)
    start_a, start_b = (
        np.concatenate(([0], np.sort(rng.integers(1, size, parts - 1)), [size]))
        for size, parts in ((n, k), (m, q))
    )
    a, b = rng.random(n), rng.random(m)
    label_a, label_b = np.empty(n, int), np.empty(m, int)
    label_a[member_a] = np.repeat(np.arange(k), np.diff(start_a))
    label_b[member_b] = np.repeat(np.arange(q), np.diff(start_b))
    have_a, have_b = np.bincount(label_a, a, k), np.bincount(label_b, b, q)
    coarse = 0.8 * np.outer(have_a, have_b) / max(have_a.sum(), have_b.sum())
    coarse[rng.random((k, q)) < 0.5] = 0.0
    rows, cols = (index.astype(np.int32) for index in np.nonzero(coarse))
    i, j, x = kernels.refine(
        rows, cols, coarse[rows, cols], member_a, start_a, a, member_b, start_b, b
    )
    assert (x > 0).all()
    assert x.size <= rows.size + n + m
    again = np.zeros((k, q))
    np.add.at(again, (label_a[i], label_b[j]), x)
    np.testing.assert_allclose(again, coarse, atol=1e-14)
    assert (np.bincount(i, x, n) <= a + 1e-14).all()
    assert (np.bincount(j, x, m) <= b + 1e-14).all()


@pytest.mark.parametrize("mass", [None, 0.6])
@pytest.mark.parametrize("level", [2, 1, 0])
@pytest.mark.parametrize("kind", ["points", "matrix"])
def test_stopped_on_a_level(kind, level, mass, rng):
    """Feasible to round-off, a finite gap that holds, and the finer the level the better."""
    X, Y = rng.normal(size=(1500, 2)), 0.7 * rng.normal(size=(1200, 2)) + 1.0
    a, b = (rng.uniform(0.1, 1.0, size) for size in (1500, 1200))
    a, b = a / a.sum(), b / b.sum()
    cost = PointCost(X, Y)
    C = cost if kind == "points" else cost.block(0, 1500)
    options = {"reg": 30.0, "mass": mass, "on_failure": "ignore"}
    stopped = quot.solve(C, a, b, callback=lambda k: k.level <= level, **options)
    assert stopped.status is quot.Status.STOPPED
    assert stopped.history[-1].level == level
    assert stopped.certificate.primal_residual < 1e-10
    optimum = quot.solve(C, a, b, **options).value
    low, high = stopped.certificate.lower, stopped.certificate.upper
    assert low - 1e-12 <= optimum <= high + 1e-12
    assert high - low < (2.0 if level < 2 else 10.0) * optimum


def test_no_time_at_all(rng):
    X, Y = rng.normal(size=(3000, 2)), rng.normal(size=(3000, 2))
    r = quot.solve_points(X, Y, reg=10.0, time_limit=1e-9, on_failure="ignore")
    assert r.status is quot.Status.TIME_LIMIT
    assert r.certificate.primal_residual < 1e-10
    assert np.isfinite(r.certificate.lower)


@pytest.mark.parametrize("way", [Blocks, Screen, Boxes])
def test_a_pass_ends_when_told(way, monkeypatch, rng):
    cost = PointCost(rng.normal(size=(600, 3)), rng.normal(size=(500, 3)))
    monkeypatch.setattr(pricer, "choose", lambda cost, *_, **__: way(cost))
    calls = []

    def check():
        calls.append(1)
        raise TimeoutError

    f, g = np.zeros(600), np.zeros(500)
    priced = Pricer(check)
    for search in (
        lambda: priced.nearest(cost, f, g, 5),
        lambda: priced.violators(cost, f, g),
        lambda: priced.row_roots(cost, g, np.ones(600)),
    ):
        with pytest.raises(TimeoutError):
            search()
    assert len(calls) >= 3
