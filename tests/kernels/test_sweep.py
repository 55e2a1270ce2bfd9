"""Plain nodes are balanced in closed form: the same as by the walk from kink to kink."""

import numpy as np
import pytest
from tests.kernels.networks import Net

from quot.kernels import sweep as kernels


def partial_network(rng, n=5, m=6):
    """Rows and columns with an arc each from S and to T, or a supply, and a hub in between."""
    rows, cols = np.divmod(np.flatnonzero(rng.random(n * m) < 0.7), m)
    source, sink, hub = n + m, n + m + 1, n + m + 2
    some, more = np.flatnonzero(rng.random(n) < 0.7), np.flatnonzero(rng.random(m) < 0.7)
    tail = np.r_[rows, np.arange(n), np.full(m, hub), np.full(some.size, source), n + more]
    head = np.r_[n + cols, np.full(n, hub), n + np.arange(m), some, np.full(more.size, sink)]
    zeros = some.size + more.size
    pairs = tail.size - zeros
    supply = np.r_[-rng.random(n), rng.random(m), 0.0, 0.0, 0.0]
    supply[some], supply[n + more] = 0.0, 0.0
    p = rng.normal(size=n + m + 3)
    cost = np.r_[rng.uniform(0.0, 1.5, pairs), np.zeros(zeros)]
    side = np.zeros(tail.size, np.int8)
    for e in range(pairs, tail.size):
        leaf, other = (head[e], tail[e]) if tail[e] == source else (tail[e], head[e])
        if rng.random() < 0.3:
            p[leaf] = p[other]
        side[e] = np.sign(p[head[e]] - p[tail[e]])
    return Net(
        tail.astype(np.int32),
        head.astype(np.int32),
        cost,
        np.r_[10.0 ** rng.uniform(-1, 1, pairs), np.zeros(zeros)],
        np.r_[np.full(pairs, np.inf), rng.uniform(0.1, 2.0, zeros)],
        np.zeros(tail.size, bool),
        supply,
        p,
        side,
    )


def swept(net, indptr, plain, arc):
    p, side = net.p.copy(), net.side.copy()
    kernels.sweep(p, side, indptr, plain, arc, *net.arcs, net.supply, 1e-13)
    return p, side


def only(seen, v):
    """The lists with the arcs of v alone."""
    indptr, plain, arc = seen
    alone = np.zeros_like(indptr)
    alone[v + 1 :] = indptr[v + 1] - indptr[v]
    here = np.where(np.arange(plain.size) == v, plain, 0)
    return alone, here, arc[indptr[v] : indptr[v + 1]].copy()


@pytest.mark.parametrize("seed", range(8))
def test_closed_form_and_walk_agree(seed):
    net = partial_network(np.random.default_rng(seed))
    seen = kernels.incidence(*net.arcs[:2], *net.arcs[3:], net.n)
    assert np.count_nonzero(seen[1]) >= 6
    for v in np.flatnonzero(seen[1]):
        indptr, plain, arc = only(seen, v)
        p, side = swept(net, indptr, plain, arc)
        q, walked = swept(net, indptr, np.zeros_like(plain), arc)
        np.testing.assert_allclose(p, q, atol=1e-12)
        np.testing.assert_array_equal(side, walked)


def test_plain_says_what_it_means():
    tail = np.array([0, 0, 1, 3, 1], np.int32)
    head = np.array([1, 2, 2, 0, 4], np.int32)
    weight = np.array([1.0, 1.0, 1.0, 0.0, 2.0])
    capacity = np.array([np.inf, np.inf, np.inf, 1.0, 3.0])
    _, plain, _ = kernels.incidence(tail, head, weight, capacity, np.zeros(5, bool), 5)
    # 1 has both kinds and 4 a capacity; 3 has nothing but its arc of weight zero.
    assert plain.tolist() == [1, 0, -1, 0, 0]
