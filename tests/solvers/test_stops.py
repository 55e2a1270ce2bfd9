"""Stopped anywhere, a solve returns a feasible plan and a bound."""

import itertools
import threading

import numpy as np
import pytest
from tests.checks import everywhere

import quot
from quot.convergence import Monitor
from quot.costs import PointCost
from quot.pairs import Pricer, price
from quot.pairs.screen import Blocks, Boxes, Screen
from quot.quadratic import pair_stage


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
    options = {"reg": 30.0, "mass": mass, "method": "newton", "on_failure": "ignore"}
    solves = set()

    def stop(k):
        if k.iteration and k.level <= level:
            solves.add(k.iteration)
        return len(solves) == 2  # a level begins far above the last reg: its second says more

    stopped = quot.solve(C, a, b, callback=stop, **options)
    assert stopped.status is quot.Status.STOPPED
    assert stopped.history[-1].level == level
    assert stopped.certificate.primal_residual < 1e-10
    optimum = quot.solve(C, a, b, **options).value
    low, high = stopped.certificate.lower, stopped.certificate.upper
    assert low - 1e-12 <= optimum <= high + 1e-12
    assert high - low < (2.0 if level < 2 else 10.0) * optimum


@pytest.mark.parametrize("mass", [None, 0.6])
@pytest.mark.parametrize(("asked", "reg"), [(0, 3.0), (1, 3.0), (5, 3.0), (20, 3.0), (50, 30.0)])
def test_stopped_within_an_iteration(asked, reg, mass, tune, rng):
    """Asked again at every turn of the loops inside, the callback may end any of them."""
    tune(pulse=0.0)
    seen, threads = [], set()

    def stop(k):
        seen.append(k)
        threads.add(threading.get_ident())
        return len(seen) > asked

    X, Y = rng.normal(size=(1500, 2)), 0.7 * rng.normal(size=(1200, 2)) + 1.0
    options = {"reg": reg, "mass": mass, "method": "newton", "on_failure": "ignore"}
    r = quot.solve_points(X, Y, callback=stop, **options)
    assert r.status is quot.Status.STOPPED
    assert len(seen) == asked + 1
    assert threads == {threading.get_ident()}
    assert len({k.iteration for k in seen}) <= len(seen) / 2 + 1
    assert r.certificate.primal_residual < 1e-10
    assert np.isfinite(r.certificate.lower)


def test_the_last_pass_over_all_pairs_counts(rng):
    """It comes after the last iteration: what it has looked at is added to that."""
    X, Y = rng.normal(size=(700, 2)), rng.normal(size=(600, 2))
    last = quot.solve_points(X, Y, reg=10.0).history[-1]
    assert last.pairs >= 700 * 600


def test_no_time_at_all(rng):
    X, Y = rng.normal(size=(3000, 2)), rng.normal(size=(3000, 2))
    r = quot.solve_points(X, Y, reg=10.0, time_limit=1e-9, on_failure="ignore")
    assert r.status is quot.Status.TIME_LIMIT
    assert r.certificate.primal_residual < 1e-10
    assert np.isfinite(r.certificate.lower)


def test_time_for_the_certificate_is_kept_back(monkeypatch, rng):
    """What choosing candidates took, of a level, is scaled to the points of the whole problem."""
    monkeypatch.setattr(Monitor, "seconds", property(lambda self: next(clock)))
    kept = []
    monkeypatch.setattr(Monitor, "keep_back", lambda self, seconds: kept.append(seconds))
    clock = itertools.count()  # a second passes from look to look
    X, Y = rng.normal(size=(2, 800, 2))
    r = quot.solve_points(X, Y, reg=30.0, method="newton")
    assert len(kept) >= len({k.level for k in r.history})
    assert kept[-1] == pair_stage._CLOSING
    assert kept[0] > 4 * pair_stage._CLOSING_COARSE


@pytest.mark.parametrize("way", [Blocks, Screen, Boxes])
def test_a_pass_ends_when_told(way, monkeypatch, rng):
    cost = PointCost(rng.normal(size=(600, 3)), rng.normal(size=(500, 3)))
    monkeypatch.setattr(price, "choose", lambda cost, *_, **__: way(cost))
    calls = []

    def check():
        calls.append(1)
        raise TimeoutError

    f, g = np.zeros(600), np.zeros(500)
    priced = Pricer(check)
    for search in (
        lambda: priced.nearest(cost, f, g, 5, everywhere(cost.shape)),
        lambda: priced.violators(cost, f, g),
        lambda: priced.row_roots(cost, g, np.ones(600)),
    ):
        with pytest.raises(TimeoutError):
            search()
    assert len(calls) >= 3
