"""One thread or two: the same bits. Sizes are such that threads are used."""

import threading
import time
import zlib

import numpy as np
import pytest

import quot
from quot import parallel
from quot.costs import DenseCost
from quot.pairs.screen import Boxes, Screen


def points(rng, d):
    return quot.PointCost(rng.normal(size=(520, d)), rng.normal(size=(450, d)))


CASES = {
    "dense": lambda rng: rng.random((520, 450)),
    "ties": lambda rng: rng.integers(0, 20, (520, 450)).astype(float),
    "points 2-D": lambda rng: points(rng, 2),
    "points 30-D": lambda rng: points(rng, 30),
}
OPTIONS = [{"reg": 1.0, "mass": 0.7}, {"reg": 0.05}]


def bits(r):
    arrays = (r.plan.rows, r.plan.cols, r.plan.values, r.f, r.g)
    numbers = (r.lam, r.value, r.certificate.lower, r.certificate.upper)
    return [x.tobytes() for x in arrays] + [np.array(numbers).tobytes()]


class Noted:
    """A cost that notes which threads ask for which rows, and gives the first ones last."""

    def __init__(self, C):
        self.C, self.threads, self.blocks, self.shape = C, set(), [], C.shape

    def block(self, start, stop):
        self.blocks.append((start, stop))
        self.threads.add(threading.current_thread().name)
        if start == 0 and threading.current_thread() is not threading.main_thread():
            time.sleep(0.01)
        return self.C[start:stop]

    def at(self, rows, cols):
        return self.C[rows, cols]

    def take(self, rows, cols):
        return DenseCost(np.ascontiguousarray(self.C[np.ix_(rows, cols)]))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_threads_do_not_matter(case, options, monkeypatch, rng):
    C = CASES[case](rng)
    answers = []
    used = set()
    for threads in ("1", "2", "3"):
        monkeypatch.setenv("QUOT_NUM_THREADS", threads)
        used.add(parallel.thread_count())
        r = quot.solve(C, **options)
        assert r.converged
        answers.append(bits(r))
    assert used == {1, 2, 3}
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize("way", [Screen, Boxes])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_threads_do_not_matter_to_screen_and_boxes(way, options, monkeypatch, rng):
    """Nor do those of the linear algebra, whose products the screen is made of."""
    threadpoolctl = pytest.importorskip("threadpoolctl")
    cost = points(rng, 30 if way is Screen else 2)
    for module in ("quot.pairs.price", "quot.certificate.plans"):
        monkeypatch.setattr(f"{module}.choose", lambda cost, f, g, *, search=False: way(cost))
    answers = []
    for threads, algebra in (("1", 1), ("2", 1), ("3", 2), ("1", 2)):
        monkeypatch.setenv("QUOT_NUM_THREADS", threads)
        with threadpoolctl.threadpool_limits(algebra, "blas"):
            r = quot.solve(cost, **options)
        assert r.converged
        answers.append(bits(r))
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize("kind", ["dense", "ties"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_it_does_not_matter_which_thread_is_done_first(kind, options, monkeypatch, rng):
    C = CASES[kind](rng)
    before = zlib.crc32(C)
    answers, blocks = [], []
    for threads in ("1", "2"):
        monkeypatch.setenv("QUOT_NUM_THREADS", threads)
        cost = Noted(C)
        r = quot.solve(cost, **options)
        assert r.converged
        answers.append(bits(r))
        blocks.append(sorted(cost.blocks))
        pool = {name for name in cost.threads if name.startswith("quot")}
        assert len(pool) == (0 if threads == "1" else 2), "the threads were not (all) used"
    assert answers[0] == answers[1]
    assert blocks[0] == blocks[1], "the chunks depend on the number of threads"
    assert zlib.crc32(C) == before, "the cost was written to"


@pytest.mark.parametrize(("reg", "mass"), [(10.0, 0.7), (1e3, None)])
def test_threads_of_the_linear_algebra_do_not_matter(reg, mass, rng):
    threadpoolctl = pytest.importorskip("threadpoolctl")
    C, a, b = rng.random((3, 15_000)), rng.uniform(0.5, 1.5, 3), rng.uniform(0.5, 1.5, 15_000)
    a, b = a / a.sum(), b / b.sum()
    answers = []
    for threads in (1, 2):
        with threadpoolctl.threadpool_limits(threads, "blas"):
            answers.append(bits(quot.solve(C, a, b, reg=reg, mass=mass)))
    assert answers[0] == answers[1]
