"""Spanning forests against their definition."""

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from quot.kernels import forest


@pytest.mark.parametrize("seed", range(8))
def test_route_on_forest(seed):
    """What is missing goes along a forest; it can be left at one node a tree only."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(2, 14))
    arcs = int(rng.integers(1, 20))
    tail = rng.integers(size, size=arcs).astype(np.int32)
    head = ((tail + rng.integers(1, size, size=arcs)) % size).astype(np.int32)
    values = rng.uniform(1, 2, arcs)
    need = 0.01 * rng.normal(size=size)
    left, moved = need.copy(), values.copy()
    order = np.argsort(-values, kind="stable")
    forest.route(*forest.span(order, tail, head, size, np.zeros(0)), tail, head, left, moved)

    change = moved - values
    arrived = np.bincount(head, change, minlength=size) - np.bincount(tail, change, minlength=size)
    np.testing.assert_allclose(need - arrived, left, atol=1e-14)
    used = np.flatnonzero(change)
    graph = coo_array((np.ones(used.size), (tail[used], head[used])), shape=(size, size))
    assert used.size == size - connected_components(graph, directed=False)[0], "a cycle"
    graph = coo_array((np.ones(arcs), (tail, head)), shape=(size, size))
    count, label = connected_components(graph, directed=False)
    for k in range(count):
        members = label == k
        assert np.count_nonzero(np.abs(left[members]) > 1e-13) <= 1
        assert left[members].sum() == pytest.approx(need[members].sum(), abs=1e-13)


def test_forest_takes_the_preferred_arcs():
    """Of a cycle the arc named last stays as it is."""
    tail, head = np.array([0, 1, 2], np.int32), np.array([1, 2, 0], np.int32)
    for last in range(3):
        order = np.r_[np.delete(np.arange(3), last), last]
        values, need = np.ones(3), np.array([0.1, -0.15, 0.05])
        forest.route(*forest.span(order, tail, head, 3, np.zeros(0)), tail, head, need, values)
        assert values[last] == 1.0
        np.testing.assert_allclose(need, 0.0, atol=1e-15)


@pytest.mark.parametrize("seed", range(8))
def test_stretch(seed):
    """On every forest arc the difference is the length; the root asked for stays."""
    rng = np.random.default_rng(seed)
    size, arcs = int(rng.integers(2, 14)), int(rng.integers(1, 20))
    tail = rng.integers(size, size=arcs).astype(np.int32)
    head = ((tail + rng.integers(1, size, size=arcs)) % size).astype(np.int32)
    root, start, length = int(rng.integers(size)), rng.normal(size=size), rng.normal(size=arcs)
    nodes, used = forest.span(np.arange(arcs), tail, head, size, (np.arange(size) == root) + 0.0)
    p = start.copy()
    forest.stretch(nodes, used, tail, head, length, p)
    np.testing.assert_allclose(p[head[used]] - p[tail[used]], length[used], atol=1e-14)
    still = np.setdiff1d(np.arange(size), nodes)
    assert root in still
    np.testing.assert_array_equal(p[still], start[still])
    graph = coo_array((np.ones(arcs), (tail, head)), shape=(size, size))
    assert still.size == connected_components(graph, directed=False)[0]


@pytest.mark.parametrize("seed", range(8))
def test_arcs_on_cycles(seed):
    """One is on a cycle if its ends stay connected without it; a loop is none."""
    rng = np.random.default_rng(seed)
    size, arcs = int(rng.integers(2, 14)), int(rng.integers(1, 20))
    tail, head = rng.integers(size, size=(2, arcs)).astype(np.int32)
    tree = forest.span(rng.permutation(arcs), tail, head, size, np.zeros(0))
    found = forest.on_cycles(*tree, tail, head, size)
    for e in range(arcs):
        others = np.delete(np.arange(arcs), e)
        graph = coo_array((np.ones(arcs - 1), (tail[others], head[others])), shape=(size, size))
        label = connected_components(graph, directed=False)[1]
        assert found[e] == (tail[e] != head[e] and label[tail[e]] == label[head[e]])


@pytest.mark.parametrize("levels", [2, 10**6])
def test_heaviest_is_what_sorting_would_take(rng, levels):
    """With ties, parallel arcs, loops and several parts."""
    for size, arcs in ((1, 0), (2, 3), (30, 20), (30, 400)):
        tail, head = rng.integers(0, size, (2, arcs)).astype(np.int32)
        weight = rng.integers(0, levels, arcs).astype(float)
        found = forest._heaviest(weight, tail, head, size)
        _, expected = forest.span(np.argsort(-weight, kind="stable"), tail, head, size, np.zeros(0))
        assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("is_partial", [False, True])
def test_mend_meets_the_masses(is_partial, rng):
    """On a plan of one tree, from a plan that misses a little; nothing goes elsewhere."""
    n, m = 7, 5
    rows, cols = (x.astype(np.int32) for x in np.nonzero(rng.random((n, m)) < 0.8))
    values = rng.uniform(1.0, 2.0, rows.size)
    a, b = np.bincount(rows, values, n), np.bincount(cols, values, m)
    free_a, free_b = np.zeros(n, bool), np.zeros(m, bool)
    if is_partial:
        free_a[:2], free_b[:2] = True, True
        a[:2], b[:2] = 2.0 * a[:2], 2.0 * b[:2]
    total = values.sum()
    off = values * rng.uniform(0.99, 1.01, rows.size)
    have = np.bincount(rows, off, n), np.bincount(cols, off, m)
    short = (
        total - np.where(free, got, mass).sum() if is_partial else 0.0
        for free, got, mass in ((free_a, have[0], a), (free_b, have[1], b))
    )  # fmt: skip
    mended = forest.mend(rows, cols, off, *have, a, b, free_a, free_b, *short)
    sent, got = np.bincount(rows, mended, n), np.bincount(cols, mended, m)
    np.testing.assert_allclose(sent[~free_a], a[~free_a], rtol=1e-14)
    np.testing.assert_allclose(got[~free_b], b[~free_b], rtol=1e-14)
    assert mended.sum() == pytest.approx(total, rel=1e-14)
    assert np.count_nonzero(mended != off) <= n + m + 1
