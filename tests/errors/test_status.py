"""Every way a solve can end, and what the user hears of it."""

import logging
import warnings

import numpy as np
import pytest

from quot import NotConvergedWarning, QuotError, QuotWarning, Status, Tolerance, solve, solve_points
from quot.exceptions import NotConvergedError

METHODS = ["auto", "newton"]


@pytest.fixture(scope="module")
def hard():
    """Balanced, 60 x 70, small reg: a few dozen steps."""
    rng = np.random.default_rng(3)
    return {"C": rng.random((60, 70)), "reg": 0.01}


@pytest.mark.parametrize("method", METHODS)
def test_optimal(hard, method):
    r = solve(**hard, method=method)
    assert r.status is Status.OPTIMAL
    assert r.converged


@pytest.mark.parametrize("method", METHODS)
def test_iteration_limit(hard, method):
    with pytest.warns(NotConvergedWarning, match=r"max_iter"):
        r = solve(**hard, method=method, max_iter=1)
    assert r.status is Status.ITERATION_LIMIT
    assert not r.converged


def test_time_limit(hard):
    with pytest.warns(NotConvergedWarning, match=r"time_limit"):
        r = solve(**hard, time_limit=1e-6)
    assert r.status is Status.TIME_LIMIT
    assert not r.converged


def test_stopped_by_the_callback(hard):
    seen = []

    def callback(iterate):
        seen.append(iterate)
        return True

    r = solve(**hard, callback=callback, on_failure="ignore")
    assert len(seen) == 1
    assert r.converged == (r.status is Status.OPTIMAL)
    if not r.converged:
        assert r.status is Status.STOPPED


def test_near_optimal():
    """More is asked for than double precision can give."""
    rng = np.random.default_rng(0)
    C, a, b = rng.random((50, 60)), rng.random(50), rng.random(60)
    with pytest.warns(NotConvergedWarning, match=r"round-off"):
        r = solve(C, a, b, reg=0.1, mass=15.0, tol=Tolerance(primal=1e-300))
    assert r.status is Status.NEAR_OPTIMAL
    assert r.certificate.relative_gap <= 1e-9


class OwnCost:
    """A cost of the user's own, which the door does not look into."""

    shape = (8, 9)

    def __init__(self, block, at):
        self._block, self._at = block, at

    def block(self, start, stop):
        return self._block[start:stop]

    def at(self, rows, cols):
        return self._at[rows, cols]

    def take(self, rows, cols):
        part = np.ix_(rows, cols)
        own = OwnCost(self._block[part], self._at[part])
        own.shape = own._block.shape
        return own


def test_numerical_error():
    C = np.full((8, 9), np.nan)
    with np.errstate(invalid="ignore"), pytest.warns(NotConvergedWarning, match="numerical error"):
        r = solve(OwnCost(C, C), reg=1.0)
    assert r.status is Status.NUMERICAL_ERROR
    assert not r.converged


def test_stalled(rng):
    """A cost that contradicts itself: no answer is optimal for all it says."""
    with pytest.warns(NotConvergedWarning, match="stalled"):
        r = solve(OwnCost(rng.random((8, 9)), rng.random((8, 9))), reg=0.1)
    assert r.status is Status.STALLED
    assert not r.converged


def test_an_honest_cost_of_ones_own(rng):
    C = rng.random((8, 9))
    r = solve(OwnCost(C, C), reg=0.1)
    assert r.converged
    assert abs(r.value - solve(C, reg=0.1).value) <= 1e-12


def test_on_failure(hard):
    with pytest.raises(NotConvergedError, match=r"max_iter") as caught:
        solve(**hard, max_iter=1, on_failure="raise")
    assert isinstance(caught.value, QuotError)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        r = solve(**hard, max_iter=1, on_failure="ignore")
    assert r.status is Status.ITERATION_LIMIT


def test_one_warning_at_the_line_of_the_caller(hard):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        solve(**hard, max_iter=1)
    assert [issubclass(w.category, QuotWarning) for w in caught] == [True]
    assert caught[0].filename == __file__
    rng = np.random.default_rng(1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        solve_points(rng.random((60, 2)), rng.random((70, 2)), reg=0.01, max_iter=1)
    assert [w.filename for w in caught] == [__file__]


@pytest.mark.parametrize("limit", [{"max_iter": 1}, {"max_iter": 4}, {"time_limit": 1e-6}])
@pytest.mark.parametrize("mass", [None, 0.6])
@pytest.mark.parametrize("method", METHODS)
def test_an_unfinished_answer_is_still_honest(hard, limit, mass, method):
    """The plan is feasible, the bracket holds, and nothing says optimal unless it is."""
    r = solve(**hard, mass=mass, method=method, **limit, on_failure="ignore")
    best = solve(**hard, mass=mass)
    c = r.certificate
    assert r.status is not Status.UNSET
    assert (r.status is Status.OPTIMAL) == r.converged
    P = r.plan.to_dense()
    assert (P >= 0).all()
    assert abs(P.sum() - (mass or 1.0)) <= 1e-13
    assert P.sum(axis=1).max() <= 1 / 60 + 1e-15
    assert P.sum(axis=0).max() <= 1 / 70 + 1e-15
    assert np.isfinite([r.value, c.lower, c.upper]).all()
    assert c.lower - 1e-12 <= best.value <= c.upper + 1e-12


def test_history(hard):
    seen = {}
    r = solve(**hard, callback=lambda k: seen.setdefault(k.iteration, k) is None)
    seen.pop(0, None)  # asked before the first was done
    assert tuple(seen.values()) == r.history
    assert len(r.history) >= 1
    seconds = [iterate.seconds for iterate in r.history]
    assert seconds == sorted(seconds)
    assert 0 < seconds[-1] <= r.seconds
    assert all(iterate.reg >= 0 for iterate in r.history)
    assert all(0 <= iterate.support <= 60 * 70 for iterate in r.history)
    assert sum(iterate.inner for iterate in r.history) >= 1


def test_an_error_in_the_callback_comes_out(hard):
    def callback(iterate):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        solve(**hard, callback=callback)


def test_verbose_writes_to_standard_error_only(hard, capfd):
    solve(**hard, verbose=True)
    shown = capfd.readouterr()
    assert shown.out == ""
    assert shown.err
    solve(**hard)
    assert capfd.readouterr() == ("", "")


def test_logging_belongs_to_the_user(hard, caplog):
    with caplog.at_level(logging.INFO, logger="quot"):
        solve(**hard)
    assert len([record for record in caplog.records if record.levelno == logging.INFO]) == 1
    assert not logging.getLogger("quot").handlers


def test_an_interrupt_returns_the_best_so_far(rng):
    """Ctrl-C while solving: a certified result, and no traceback."""
    X, Y = rng.normal(size=(300, 2)), rng.normal(size=(280, 2))

    def interrupt(iterate):
        if iterate.level == 0:
            raise KeyboardInterrupt

    r = solve_points(X, Y, reg=1e-3, mass=0.7, callback=interrupt, on_failure="ignore")
    assert r.status is Status.STOPPED
    assert r.plan.total == pytest.approx(0.7, rel=1e-12)
    assert r.certificate.scope == "all"
    assert -np.inf < r.certificate.lower <= r.certificate.upper < np.inf
    assert not r.converged


def test_the_history_says_where_the_solve_is_and_what_it_looked_at(rng):
    X, Y = rng.normal(size=(400, 2)), rng.normal(size=(400, 2))
    r = solve_points(X, Y, reg=10.0, method="newton")
    levels = [k.level for k in r.history]
    assert levels == sorted(levels, reverse=True)
    assert levels[0] > 0
    assert levels[-1] == 0
    assert sum(k.pairs for k in r.history if k.level == 0) >= 400 * 400
    assert all(k.round >= 0 and k.boxes >= 0 for k in r.history)
