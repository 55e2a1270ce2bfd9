"""Components lowered until no arc between two gains more than it costs, against shortest ways."""

import numpy as np
import pytest

from quot.kernels import anchor as kernels

every_seed = pytest.mark.parametrize("seed", range(12))


def network(seed):
    """Rows and columns in a few components; a cost that has no cycle that pays."""
    rng = np.random.default_rng(seed)
    n, m, count = (int(k) for k in rng.integers([2, 2, 2], [7, 7, 6]))
    part = rng.integers(count, size=n + m)
    p = rng.normal(size=n + m)
    right = p + rng.normal(size=count)[part]
    C = right[n:] - right[:n, None] + rng.exponential(size=(n, m)) * (rng.random((n, m)) < 0.8)
    C[rng.random((n, m)) < 0.2] = np.inf
    return C, part, p, count


def settle(once, shift):
    for _ in range(100):
        if not once(shift):
            return shift
    raise AssertionError("no end")


def shortest(C, part, p, count):
    """How far each component is below where it was: by the shortest ways between them."""
    n = C.shape[0]
    D = np.full((count, count), np.inf)
    np.minimum.at(D, (part[:n, None], part[n:]), C + p[:n, None] - p[n:])
    np.fill_diagonal(D, 0.0)
    for k in range(count):
        D = np.minimum(D, D[:, k, None] + D[k])
    return D.min(axis=0)


@every_seed
def test_components_are_lowered_no_further_than_they_must(seed):
    C, part, p, count = network(seed)
    rows, cols = np.nonzero(np.ones(C.shape, bool))
    arcs = rows, cols + C.shape[0], C.ravel()
    of_rows = settle(lambda s: kernels.lower_rows(C, 0, part, p, s), np.zeros(count))
    of_arcs = settle(lambda s: kernels.lower_arcs(*arcs, part, p, s), np.zeros(count))
    np.testing.assert_array_equal(of_rows, of_arcs)
    np.testing.assert_allclose(of_rows, shortest(C, part, p, count), atol=1e-13)
    half = C.shape[0] // 2

    def in_blocks(shift):
        one = kernels.lower_rows(C[:half], 0, part, p, shift)
        return kernels.lower_rows(C[half:], half, part, p, shift) or one

    np.testing.assert_allclose(settle(in_blocks, np.zeros(count)), of_rows, atol=1e-13)


def test_what_is_nowhere_neither_lowers_nor_is_lowered():
    p = np.array([np.inf, 0.0, -np.inf, 5.0])
    shift = np.zeros(4)
    assert kernels.lower_rows(np.ones((2, 2)), 0, np.arange(4), p, shift)
    np.testing.assert_array_equal(shift, [0.0, 0.0, 0.0, -4.0])
    assert not kernels.lower_rows(np.ones((2, 2)), 0, np.arange(4), p, shift)


def test_round_off_lowers_nothing():
    p = np.array([0.0, 1.0 + 4 * np.finfo(float).eps])
    assert not kernels.lower_rows(np.ones((1, 1)), 0, np.arange(2), p, np.zeros(2))
