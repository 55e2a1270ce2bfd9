"""Files of adaptive results: problem, plan and multipliers come back, damage is told."""

import numpy as np
import pytest

import quot
from quot import InvalidProblemError, NumericalWarning, load, save
from quot.result import AdaptiveResult

C = np.random.default_rng(2).random((7, 9))
A = np.array([0.0, 0.1, 0.1, 0.1, 0.1, 0.2, 0.4])


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def solved(cost=C, a=None, **options):
    return quot.solve_adaptive(cost, a, **{"perplexity": 3, **options})


RESULTS = {
    "source": solved,
    "target": lambda: solved(on="target", regularizer="entropic"),
    "both": lambda: solved(perplexity=(2.5, 2.0), on="both"),
    "average": lambda: solved(on="average", a=A),
    "each its own": lambda: solved(perplexity=np.linspace(1.0, 4.0, 7)),
    "points": lambda: solved(quot.PointCost(C, C[:5]), perplexity=2, regularizer="entropic"),
    "stopped": lambda: solved(max_iter=2, on_failure="ignore"),
}


@pytest.mark.parametrize("make", RESULTS.values(), ids=RESULTS.keys())
def test_an_adaptive_result_comes_back_bit_for_bit(make):
    r = make()
    save(r, "R.npz")
    back = load("R.npz")
    assert isinstance(back, AdaptiveResult)
    assert type(back.problem.cost) is type(r.problem.cost)
    assert (back.problem.regularizer, back.problem.is_average) == (
        r.problem.regularizer,
        r.problem.is_average,
    )
    for name in ("row_perplexity", "col_perplexity"):
        mine, theirs = getattr(r.problem, name), getattr(back.problem, name)
        assert (mine is None) == (theirs is None)
        assert mine is None or np.array_equal(mine, theirs)
    for name in ("f", "g", "row_multipliers", "col_multipliers"):
        assert np.array_equal(getattr(back, name), getattr(r, name)), name
    for name in ("rows", "cols", "values"):
        assert np.array_equal(getattr(back.plan, name), getattr(r.plan, name)), name
    assert (back.value, back.status, back.method) == (r.value, r.status, r.method)
    assert (back.tolerance, back.history, back.seconds) == (r.tolerance, r.history, r.seconds)
    assert back.certificate == r.certificate


def changed(**arrays):
    """The file of a result with other arrays in it; None takes one away."""
    save(solved(), "R.npz")
    with np.load("R.npz") as file:
        every = {**file, **arrays}
    np.savez("R.npz", **{name: each for name, each in every.items() if each is not None})
    return "R.npz"


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"row_multipliers": None}, "no array 'row_multipliers'"),
        ({"row_multipliers": np.zeros(3)}, "row_multipliers"),
        ({"row_perplexity": np.full(7, 20.0)}, "less than 9"),
        ({"regularizer": np.array("cubic")}, "cubic"),
        ({"is_average": None}, "no array 'is_average'"),
    ],
)
def test_damage_is_told(arrays, message):
    path = changed(**arrays)
    with pytest.raises(InvalidProblemError, match=message):
        load(path)


def test_multipliers_are_not_believed():
    path = changed(row_multipliers=np.full(7, 1e-3))
    with pytest.warns(NumericalWarning, match="claims an optimal plan"):
        back = load(path)
    assert not back.converged
