"""The way of large problems, taken by small ones: levels, candidates, hub, pricing.

Ordinary small problems are solved on all pairs at once. With the thresholds lowered they go
through clusters and the working set, where every nasty input can reach them.
"""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.checks import assert_same_plan, assert_solved
from tests.design import every_two
from tests.strategies import Instance, generic, nasty_problems, problems

import quot
from quot.settings import Settings, using

wide = st.tuples(st.integers(3, 14), st.integers(3, 14))


@pytest.fixture(autouse=True)
def low_thresholds(tune):
    tune(complete=8, unclustered=2, nearest=2, listed_rows=3)


# The fixture sets constants only: that it is not renewed for every example does no harm.
relaxed = settings(suppress_health_check=list(HealthCheck))


@relaxed
@given(problems(shapes=wide))
def test_ordinary_problems(instance):
    assert_solved(instance, quot.solve(*instance.data, **instance.options))


@relaxed
@given(nasty_problems())
def test_nasty_problems(instance):
    assert_solved(instance, quot.solve(*instance.data, **instance.options))


@relaxed
@given(nasty_problems())
def test_arguments_are_not_written_to(instance):
    held = [instance.C, instance.a, instance.b]
    before = [x.tobytes() for x in held]
    quot.solve(*held, **instance.options)
    assert [x.tobytes() for x in held] == before


@relaxed
@given(generic)
def test_the_way_does_not_matter(instance):
    """On all pairs at once, or from level to level: one answer."""
    levels = quot.solve(*instance.data, **instance.options)
    with using(complete=10**6):
        direct = quot.solve(*instance.data, **instance.options)
    assert_solved(instance, levels)
    assert_same_plan(instance, levels, direct)


@every_two(
    kind=["points", "ties", "outlier", "uneven", "high rank"],
    mass=[None, 0.1, 0.7, 1.0],
    reg=[0.0, 1e-4, 0.1, 10.0],
)
def test_zoo(kind, mass, reg, tune):
    """Middle sizes with the settings as they are shipped, but for the first."""
    shipped = vars(Settings())
    tune(**shipped | {"complete": 600})
    rng = np.random.default_rng(10)
    n, m = 83, 97
    X, Y = rng.normal(size=(n, 2)), rng.normal(size=(m, 2)) + 0.5
    a, b = np.full(n, 1 / n), np.full(m, 1 / m)
    if kind == "outlier":
        X[0], Y[1] = 30.0, -30.0
    if kind == "uneven":
        a, b = 10.0 ** rng.uniform(-6, 0, n), 10.0 ** rng.uniform(-6, 0, m)
        a, b = a / a.sum(), b / b.sum()
        b[np.argmax(b)] += a.sum() - b.sum()
    C = ((X[:, None] - Y) ** 2).sum(axis=2)
    if kind == "ties":
        C = np.round(C)
    if kind == "high rank":
        C = rng.random((n, m))
    if mass is not None:
        mass = min(mass, float(a.sum()), float(b.sum()))
    instance = Instance(C, a, b, reg, mass)
    assert_solved(instance, quot.solve(*instance.data, **instance.options))


@pytest.mark.parametrize("reg", [0.0, 0.1])
@pytest.mark.parametrize("mass", [None, 0.7])
@pytest.mark.parametrize("kind", ["rounded distances", "integers"])
def test_ties_at_full_size(kind, mass, reg, monkeypatch):
    """Many pairs of equal slack: as the library is shipped."""
    monkeypatch.undo()
    rng = np.random.default_rng(1)
    X, Y = rng.normal(size=(300, 2)), rng.normal(size=(320, 2)) + 0.5
    C = np.round(((X[:, None] - Y) ** 2).sum(axis=2))
    if kind == "integers":
        C = rng.integers(0, 10, C.shape).astype(float)
    r = quot.solve(C, reg=reg, mass=mass)
    assert_solved(Instance(C, np.full(300, 1 / 300), np.full(320, 1 / 320), reg, mass), r)
    assert sum(iterate.inner for iterate in r.history) < 500
