"""Repair of marginals against its rules in plain Python."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from quot.kernels import rounding as kernels


def northwest_twin(a, b):
    a, b = list(a), list(b)
    i = j = 0
    entries = []
    while i < len(a) and j < len(b):
        amount = min(a[i], b[j])
        if amount > 0:
            entries.append((i, j, amount))
        down = a[i] <= b[j]
        a[i], b[j] = a[i] - amount, b[j] - amount
        i, j = (i + 1, j) if down else (i, j + 1)
    return entries


masses = st.lists(st.integers(0, 5), min_size=1, max_size=6)


@given(masses, masses)
def test_northwest(a, b):
    """On integers the rule is exact, also where the totals differ."""
    rows, cols, values = kernels.northwest(np.array(a, float), np.array(b, float))
    got = list(zip(rows.tolist(), cols.tolist(), values.tolist(), strict=True))
    assert got == northwest_twin(a, b)
    assert len(got) <= len(a) + len(b) - 1
    assert values.sum() == min(sum(a), sum(b))


@pytest.mark.parametrize("seed", range(25))
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
    kernels.route_on_forest(order, tail, head, left, moved)

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
        kernels.route_on_forest(order, tail, head, need, values)
        assert values[last] == 1.0
        np.testing.assert_allclose(need, 0.0, atol=1e-15)
