"""Memory that is new holds anything: no answer depends on it."""

import numpy as np
import pytest

import quot

EMPTY = np.empty
# What new memory is filled with: no number, a large one and a small one, nothing.
JUNK = {"f": np.nan, "i": 1 << 30, "u": 1 << 30, "b": True}


def filled(shape, dtype=float, *args, **kwargs):
    """As `numpy.empty`, of an allocator that never returns zeros."""
    x = EMPTY(shape, dtype, *args, **kwargs)
    if x.dtype.kind in JUNK:
        x.fill(min(JUNK[x.dtype.kind], 100) if x.dtype.itemsize == 1 else JUNK[x.dtype.kind])
    return x


def many(n, count, mass, reg, seed=0):
    """Ordinary problems; of 5 points some are out of what is solved at once."""
    rng = np.random.default_rng(seed)
    C = rng.random((count, n, n))
    C[0] = (np.arange(n)[:, None] - np.arange(n)) ** 2.0
    C[1, 0] = 1e15
    return quot.solve_batch(C, reg=reg, mass=mass).values


def graph(reg):
    rng = np.random.default_rng(1)
    X = rng.random((200, 2))
    a, b = rng.dirichlet(np.ones(200), 2)
    return [quot.solve_graph(quot.graphs.knn(X, 5, connect=True), a, b, reg=reg).value]


def points(n, reg, mass, metric="sqeuclidean"):
    rng = np.random.default_rng(2)
    X, Y = rng.normal(size=(2, n, 2))
    return [quot.solve_points(X, Y, reg=reg, mass=mass, metric=metric).value]


def entropic(mass):
    rng = np.random.default_rng(3)
    return [quot.solve_entropic(rng.random((30, 20)), eps=0.05, mass=mass).value]


def adaptive(regularizer):
    C = np.random.default_rng(4).random((30, 20))
    return [quot.solve_adaptive(C, perplexity=5, regularizer=regularizer).value]


CASES = {
    "tiny ones, linear": lambda: many(5, 700, 0.7, 0.0),
    "tiny ones, balanced": lambda: many(5, 700, None, 0.0),
    "tiny ones": lambda: many(5, 700, 0.7, 1.0),
    "small ones": lambda: many(20, 60, 0.7, 0.01),
    "many entries": lambda: many(150, 3, None, 0.01),
    "a graph": lambda: graph(1.0),
    "a graph, linear": lambda: graph(0.0),
    "points": lambda: points(300, 1.0, 0.7),
    "listed points": lambda: points(3000, 1.0, 0.7),
    "listed points, linear": lambda: points(3000, 0.0, None),
    "entropic": lambda: entropic(None),
    "entropic, partial": lambda: entropic(0.7),
    "adaptive": lambda: adaptive("quadratic"),
    "adaptive, entropic": lambda: adaptive("entropic"),
}


@pytest.mark.parametrize("case", CASES)
def test_no_answer_depends_on_what_memory_held(case, monkeypatch):
    wanted = CASES[case]()
    monkeypatch.setattr(np, "empty", filled)
    np.testing.assert_array_equal(CASES[case](), wanted)
