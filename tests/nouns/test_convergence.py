"""Stopping rules: limits, history, callback, clock."""

import time

import numpy as np
import pytest

from quot.convergence import Iterate, Monitor, Status, Tolerance


def iterate():
    return Iterate(residual=0.1, support=3, candidates=5, violators=1, reg=0.5, inner=2)


def test_no_limit_reached():
    monitor = Monitor(max_iter=3, time_limit=60.0)
    monitor.steps = 2
    assert monitor.limit() is None
    assert monitor.steps_left == 1
    assert monitor.report(iterate()) is None


def test_iteration_limit():
    monitor = Monitor(max_iter=3)
    monitor.steps = 4
    assert monitor.limit() is Status.ITERATION_LIMIT
    assert monitor.steps_left == 0
    assert monitor.report(iterate()) is Status.ITERATION_LIMIT


def test_time_limit():
    monitor = Monitor(time_limit=1e-9)
    assert monitor.limit() is Status.TIME_LIMIT


def test_time_is_kept_back():
    monitor = Monitor(time_limit=1000.0)
    monitor._start -= 700.0  # as if it had begun so long ago
    assert not monitor.is_late()
    monitor.keep_back(200.0)
    assert not monitor.is_late()
    monitor.keep_back(400.0)
    assert monitor.limit() is Status.TIME_LIMIT


def test_no_more_than_half_of_the_time_is_kept_back():
    monitor = Monitor(time_limit=1000.0)
    monitor.keep_back(1e9)
    monitor._start -= 400.0
    assert not monitor.is_late()
    monitor._start -= 200.0
    assert monitor.is_late()


@pytest.mark.parametrize(
    ("answer", "status"), [(True, Status.STOPPED), (1, Status.STOPPED), (None, None), (False, None)]
)
def test_callback(answer, status):
    seen = []

    def callback(it):
        seen.append(it)
        return answer

    monitor = Monitor(callback=callback)
    assert monitor.report(iterate()) is status
    assert [it.iteration for it in seen] == [1]
    assert seen == monitor.history
    assert seen[0].seconds > 0


def test_the_clock_stands_while_the_callback_looks():
    monitor = Monitor(callback=lambda it: time.sleep(0.2))
    monitor.report(iterate())
    assert monitor.seconds < 0.15


def test_a_callback_that_raises_is_not_swallowed():
    def callback(it):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        Monitor(callback=callback).report(iterate())


def test_in_a_long_iteration_the_callback_is_asked_again():
    seen = []
    monitor = Monitor(callback=lambda it: seen.append(it) or len(seen) == 4)
    assert not monitor.must_stop()
    assert not seen  # too early
    monitor._start -= 1.0  # as if a second had passed
    assert not monitor.must_stop()
    assert not monitor.must_stop()
    assert monitor.report(iterate()) is None
    for stop in (False, True, True):
        monitor._start -= 1.0
        assert monitor.must_stop() is stop
    assert [it.iteration for it in seen] == [0, 1, 1, 1]
    assert [it.seconds for it in seen] == pytest.approx([1.0, 1.0, 2.0, 3.0], abs=0.4)
    assert monitor.history == seen[1:2]
    assert monitor.limit() is monitor.report(iterate()) is Status.STOPPED
    assert len(seen) == 4


def test_every_status_has_its_advice():
    for status in Status:
        assert status.advice == status.value
        assert len(status.advice) > 10
    assert len({status.value for status in Status}) == len(Status)


def test_tolerance_of():
    assert Tolerance.of(1e-6) == Tolerance(1e-6, 1e-6, 1e-6)
    mixed = Tolerance(primal=1e-3)
    assert Tolerance.of(mixed) is mixed
    assert mixed == Tolerance(1e-3, 1e-9, 1e-9)
    assert Tolerance.of(np.float32(0.5)).gap == 0.5
