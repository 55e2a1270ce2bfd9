"""Pricing against sorted NumPy arrays, by kernel and by the passes built on them."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.spatial.distance import cdist
from tests.checks import everywhere

from quot.costs import METRICS, PointCost, as_cost
from quot.kernels import pricing as kernels
from quot.pairs import Pricer, blocks, trees
from quot.pairs.sample import Sample
from quot.pairs.screen import Blocks
from quot.settings import using

EXACT = Blocks.exact  # the block holds the costs themselves


@pytest.fixture(params=[(1, 1), (6, 9), (40, 7), (3, 200)], ids=str)
def priced(request, rng):
    """A cost with forbidden pairs, and potentials near it."""
    n, m = request.param
    C = rng.random((n, m))
    C[rng.random((n, m)) < 0.2] = np.inf
    return C, rng.random(n) - 0.2, 0.5 * rng.random(m)


def least_above(slack, k, noise):
    """Where the k least finite slacks above the noise are in each row, as sets."""
    chosen = []
    for line in slack:
        order = [j for j in np.argsort(line, kind="stable") if noise < line[j] < np.inf]
        chosen.append({int(j) for j in order[:k]})
    return chosen


@pytest.mark.parametrize(("k", "q"), [(1, 1), (3, 3), (2, 5), (5, 2), (300, 300)])
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_nearest_kernel(priced, k, q, noise):
    C, f, g = priced
    n, m = C.shape
    lists = np.full((n, k), np.inf), np.full((n, k), -1, np.int32)
    lists += np.full((m, q), np.inf), np.full((m, q), -1, np.int32)
    active = [
        np.transpose(kernels.nearest(C[at : at + 4], at, f, g, noise, *lists, EXACT))
        for at in range(0, n, 4)
    ]
    slack = C - f[:, None] - g
    np.testing.assert_array_equal(np.concatenate(active), np.argwhere(slack <= noise))
    for found, where, expected in (
        (lists[0], lists[1], least_above(slack, k, noise)),
        (lists[2], lists[3], least_above(slack.T, q, noise)),
    ):
        assert (found == np.sort(found, axis=1)).all()
        for line, at, chosen in zip(found, where, expected, strict=True):
            assert set(at[line < np.inf].tolist()) == chosen
            assert ((at >= 0) == (line < np.inf)).all()
    i, place = np.nonzero(lists[0] < np.inf)
    np.testing.assert_allclose(lists[0][i, place], slack[i, lists[1][i, place]], atol=1e-15)


def test_merge_keeps_the_least(rng):
    left, right = np.sort(rng.random((5, 4)), axis=1), np.sort(rng.random((5, 4)), axis=1)
    right[:, 3] = np.inf
    index, more = np.arange(20, dtype=np.int32).reshape(5, 4), np.full((5, 4), 7, np.int32)
    expected = np.sort(np.hstack((left, right)), axis=1)[:, :4]
    kept = left.copy()
    kernels.merge(kept, index, right, more)
    np.testing.assert_array_equal(kept, expected)


@pytest.mark.parametrize("tau", [0.0, 0.1])
def test_violators(priced, tau):
    C, f, g = priced
    expected = np.nonzero(f[:, None] + g - C >= tau)
    rows, cols = kernels.violators(C, 0, f, g, tau, EXACT)
    np.testing.assert_array_equal(rows, expected[0])
    np.testing.assert_array_equal(cols, expected[1])
    assert rows.dtype == cols.dtype == np.int32


def test_row_roots(priced):
    C, _, g = priced
    target = np.linspace(0.01, 3.0, C.shape[0])
    roots = kernels.row_roots(C, np.zeros(C.shape[0]), 0, g, target, EXACT)
    closed = np.isinf(C).all(axis=1)
    assert np.isinf(roots[closed]).all()
    totals = np.maximum(roots[~closed, None] + g - C[~closed], 0).sum(axis=1)
    np.testing.assert_allclose(totals, target[~closed], rtol=1e-11)


COSTS = {
    "dense": lambda rng: as_cost(rng.random((300, 50))),
    "sparse": lambda rng: as_cost(sp.random_array((300, 50), density=0.2, rng=rng)),
    "points": lambda rng: PointCost(rng.random((300, 2)), rng.random((50, 2))),
}


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("kind", COSTS)
def test_nearest_over_all_pairs(kind, ties, rng):
    """All pairs of slack <= 0 and the next few; what is left out is as dear as it says."""
    cost = COSTS[kind](rng)
    C = cost.block(0, 300)
    f, g = 0.2 * rng.random(300), 0.2 * rng.random(50)
    if ties:  # slacks that are zero, and many that are equal
        C = np.where(np.isfinite(C), np.round(4 * C) / 4, np.inf)
        cost = as_cost(sp.coo_array((C[np.isfinite(C)], np.nonzero(np.isfinite(C))), shape=C.shape))
        f, g = np.round(20 * f) / 4, np.round(20 * g) / 4
    slack = C - f[:, None] - g
    near, row_reach, col_reach = blocks.nearest(Blocks(cost), f, g, 4, everywhere(C.shape), 0.0)
    taken = np.zeros(C.shape, bool)
    taken[near.rows, near.cols] = True
    assert taken[slack <= 0].all()
    assert not taken[np.isinf(C)].any()
    for lines, reach in ((slack, row_reach), (slack.T, col_reach)):
        for line, limit in zip(lines, reach, strict=True):
            ahead = np.sort(line[(line > 0) & (line < np.inf)])
            assert limit == pytest.approx(ahead[3] if ahead.size >= 4 else np.inf)
    left_out = ~taken & np.isfinite(C)
    bound = np.maximum(row_reach[:, None], col_reach)
    assert (slack[left_out] >= bound[left_out] - 1e-15).all()
    assert (slack[taken] <= bound[taken] + 1e-15).all()


@pytest.mark.parametrize("kind", COSTS)
def test_violators_and_roots_over_all_pairs(kind, rng):
    cost = COSTS[kind](rng)
    C = cost.block(0, 300)
    f, g = 0.2 * rng.random(300), 0.2 * rng.random(50)
    slack = C - f[:, None] - g
    bad = blocks.violators(Blocks(cost), f, g, 0.05)
    np.testing.assert_array_equal(np.array(np.nonzero(slack <= -0.05)), [bad.rows, bad.cols])
    roots = blocks.row_roots(Blocks(cost), g, np.full(300, 0.5))
    live = np.isfinite(C).any(axis=1)
    totals = np.maximum(roots[live, None] + g - C[live], 0).sum(axis=1)
    np.testing.assert_allclose(totals, 0.5, rtol=1e-11)


PASSES = {
    "blocks": lambda cost, *args, **more: blocks.nearest(Blocks(cost), *args, **more),
    "boxes": lambda cost, *args, **more: trees.nearest(cost, *args, **more)[:3],
}


@pytest.mark.parametrize("way", PASSES)
def test_nearest_with_a_sample_of_ties(way, rng):
    """Along a line most pairs tie: of these a few, of the next ones the same as ever."""
    x, y = np.sort(rng.random((2, 300, 1)), axis=1)
    cost = PointCost(x, y + 0.3, metric="cityblock")
    C = cost.block(0, 300)
    f, g = -x.ravel(), (y + 0.3).ravel()
    slack, noise = C - f[:, None] - g, 1e-12
    sample = Sample(6, np.ones(300), np.ones(300))
    args = f, g, 4, everywhere(C.shape), noise
    whole, some = (PASSES[way](cost, *args, **more) for more in ({}, {"sample": sample}))
    np.testing.assert_array_equal(some[1], whole[1])
    np.testing.assert_array_equal(some[2], whole[2])
    taken = np.zeros((2, *C.shape), bool)
    for mask, near in zip(taken, (whole[0], some[0]), strict=True):
        mask[near.rows, near.cols] = True
    tied = slack <= noise
    np.testing.assert_array_equal(taken[0] & ~tied, taken[1] & ~tied)
    assert not (taken[1] & ~taken[0]).any()
    drawn = taken[1] & tied
    assert (drawn.sum(axis=1) >= np.minimum(6, tied.sum(axis=1))).all()
    assert drawn.sum() <= 12 * 300 < 0.1 * tied.sum()


@pytest.mark.parametrize("boxed", [0, 10**9])
def test_worst_violators(boxed, rng):
    X, Y = rng.random((2, 300, 2))
    cost = PointCost(X, Y)
    f, g = 0.1 * rng.random((2, 300))
    slack = cost.block(0, 300) - f[:, None] - g
    with using(boxed=boxed):
        found = Pricer().worst(cost, f, g, 3)
    wanted = np.zeros(slack.shape, bool)
    for lines, mask in ((slack, wanted), (slack.T, wanted.T)):
        least = np.argsort(lines, axis=1)[:, :3]
        rows = np.arange(300)[:, None]
        mask[rows, least] |= lines[rows, least] < 0.0
    np.testing.assert_array_equal(np.argwhere(wanted), np.transpose([found.rows, found.cols]))
    assert found.size < (slack < 0.0).sum()


def test_nearest_with_a_hint(rng):
    """Beyond the hint nothing is wanted, and what is left out is at least as far."""
    cost = COSTS["points"](rng)
    C = cost.block(0, 300)
    f, g = 0.1 * rng.random(300), 0.1 * rng.random(50)
    slack = C - f[:, None] - g
    hint = 0.05 + 0.2 * rng.random(300), 0.05 + 0.2 * rng.random(50)
    near, row_reach, col_reach = blocks.nearest(Blocks(cost), f, g, 6, hint, 0.0)
    assert (row_reach <= hint[0]).all()
    assert (col_reach <= hint[1]).all()
    taken = np.zeros(C.shape, bool)
    taken[near.rows, near.cols] = True
    assert taken[slack <= 0].all()
    bound = np.maximum(row_reach[:, None], col_reach)
    assert (slack[~taken] >= bound[~taken] - 1e-15).all()


def screened(rng, metric, shape=(30, 45), d=5):
    """Points, their costs, and bounds that are too low by up to 0.3, as the kernels take them."""
    X, Y = rng.normal(size=(shape[0], d)), rng.normal(size=(shape[1], d))
    if metric == "cosine":
        X /= np.linalg.norm(X, axis=1, keepdims=True)
        Y /= np.linalg.norm(Y, axis=1, keepdims=True)
    C = cdist(X, Y, metric)
    rough = (C - rng.uniform(0.01, 0.3, shape)).astype(np.float32)
    return C, rough, (X, Y, METRICS.index(metric))


SCREENED = pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean", "cosine"])


@SCREENED
def test_screened_kernels_answer_by_the_exact_costs(metric, rng):
    C, rough, exact = screened(rng, metric)
    n, m = C.shape
    g = 0.2 * rng.normal(size=m)
    f = np.sort(C - g, axis=1)[:, 3] + 0.01
    slack = C - f[:, None] - g
    lists = np.full((n, 4), np.inf), np.full((n, 4), -1, np.int32)
    lists += np.full((m, 4), np.inf), np.full((m, 4), -1, np.int32)
    active = kernels.nearest(rough, 0, f, g, 0.0, *lists, exact)
    np.testing.assert_array_equal(np.transpose(active), np.argwhere(slack <= 0))
    for found, where, line in ((*lists[:2], slack), (*lists[2:], slack.T)):
        for kept, at, chosen in zip(found, where, least_above(line, 4, 0.0), strict=True):
            assert set(at[kept < np.inf].tolist()) == chosen
    i, place = np.nonzero(lists[0] < np.inf)
    np.testing.assert_allclose(lists[0][i, place], slack[i, lists[1][i, place]], atol=1e-14)
    bad = kernels.violators(rough, 0, f, g, 0.1, exact)
    np.testing.assert_array_equal(np.transpose(bad), np.argwhere(slack <= -0.1))


@SCREENED
@pytest.mark.parametrize("target", [0.0, 1e-3, 2.0])
def test_screened_roots(metric, target, rng):
    """Rows in the middle of the matrix; the width says how low a bound may be."""
    C, rough, exact = screened(rng, metric)
    g = 0.2 * rng.normal(size=C.shape[1])
    width = (C - rough).max(axis=1)
    roots = kernels.row_roots(rough[10:], width[10:], 10, g, np.full(20, target), exact)
    np.testing.assert_allclose(roots, root_by_sorting(C[10:] - g, target), rtol=1e-12, atol=1e-13)


def root_by_sorting(lines, target):
    """The largest f with sum [f - line]_+ = target, of each line: best over its first k entries."""
    lines = np.sort(lines, axis=1)
    return ((target + np.cumsum(lines, axis=1)) / np.arange(1, lines.shape[1] + 1)).min(axis=1)
