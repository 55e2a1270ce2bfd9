"""Repair of marginals against its rules in plain Python."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

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
    one, sides = np.zeros(1, np.int32), []
    for side in (a, b):
        sides += [np.arange(len(side)), np.array([0, len(side)]), np.array(side, float)]
    rows, cols, values = kernels.refine(one, one, np.full(1, np.inf), *sides)
    got = list(zip(rows.tolist(), cols.tolist(), values.tolist(), strict=True))
    assert got == northwest_twin(a, b)
    assert len(got) <= len(a) + len(b) - 1
    assert values.sum() == min(sum(a), sum(b))


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


@given(masses, masses, st.integers(0, 20), st.randoms(use_true_random=False))
def test_fill(a, b, mass, random):
    """Pairs in turn, each as much as both ends and what is to be sent allow."""
    pairs = [(i, j) for i in range(len(a)) for j in range(len(b)) if random.random() < 0.7]
    random.shuffle(pairs)
    rows, cols = (np.array([pair[k] for pair in pairs], np.int32) for k in (0, 1))
    values = kernels.fill(rows, cols, np.array(a, float), np.array(b, float), float(mass))
    for (i, j), x in zip(pairs, values.tolist(), strict=True):
        amount = min(a[i], b[j], mass)
        assert x == amount
        a[i], b[j], mass = a[i] - amount, b[j] - amount, mass - amount


def test_survey(rng):
    rows, cols = (x.astype(np.int32) for x in np.nonzero(rng.random((9, 7)) < 0.6))
    values = rng.random(rows.size)
    a, b = np.bincount(rows, values, 9), np.bincount(cols, values, 7)
    more, less = a + rng.random(9), 0.9 * b
    off, over, total, *sums, beyond = kernels.survey(rows, cols, values, more, less)
    np.testing.assert_allclose(sums[0], a, rtol=1e-15)
    np.testing.assert_allclose(sums[1], b, rtol=1e-15)
    np.testing.assert_allclose(off, max((more - a).max(), (b - less).max()))
    np.testing.assert_allclose(over, (b - less).max())
    np.testing.assert_allclose(total, values.sum())
    assert beyond == (values > np.minimum(more[rows], less[cols])).any()
    values[3] = -2.0
    assert kernels.survey(rows, cols, values, 9 + more, 9 + less)[1] == 2.0
    values[3] = np.nan
    assert np.isnan(kernels.survey(rows, cols, values, more, less)[:3]).all()


def test_marginals_of_many_entries_are_not_rounded_away(rng):
    """Sums of one column of thousands are as exact as those of single entries."""
    a = rng.integers(1, 4, 5000) / 10007.0
    rows, cols = np.arange(5000, dtype=np.int32), np.zeros(5000, np.int32)
    b = np.array([math.fsum(a)])
    off, _, _, _, sums, _ = kernels.survey(rows, cols, a, a, b)
    assert off <= 2 * np.spacing(b[0])
    np.testing.assert_allclose(sums, b, rtol=3e-16)


def test_long_sums(rng):
    """Of terms of all sizes, each as if rounded once."""
    index = rng.integers(0, 3, 20_000)
    values = rng.normal(size=20_000) * 10.0 ** rng.uniform(-12, 2, 20_000)
    found = kernels.long_sums(index, values, 4)
    right = [math.fsum(values[index == k]) for k in range(4)]
    np.testing.assert_allclose(found, right, rtol=4e-16)
