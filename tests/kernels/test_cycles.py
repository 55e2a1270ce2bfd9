"""The passes of the network simplex against CLARABEL."""

import numpy as np
import pytest
from tests.oracles.graphs import quadratic_flow

from quot.kernels import cycles as kernels
from quot.kernels import forest, pivots


class Planted:
    """A random network, balanced, with a tree planted in it; its flow is feasible."""

    def __init__(self, rng, weights, n=8, count=20):
        self.n, self.count = n, count
        tail = rng.integers(n, size=count).astype(np.int32)
        head = ((tail + rng.integers(1, n, size=count)) % n).astype(np.int32)
        ring = np.arange(n, dtype=np.int32)  # so that every supply can be met
        self.tail, self.head = np.r_[ring, tail], np.r_[np.roll(ring, -1), head]
        self.count = count = n + count
        self.cost = np.round(rng.uniform(0, 3, count) * 2) / 2  # ties
        self.weight = weights * rng.uniform(0.5, 2.0, count)
        self.capacity = np.where(rng.random(count) < 0.5, np.inf, rng.uniform(0.1, 1.0, count))
        self.capacity[:n] = np.inf
        self.undirected = rng.random(count) < 0.5
        self.undirected[:n] = True
        self.supply = rng.normal(size=n)
        self.supply -= self.supply.mean()
        # Some arcs outside the tree carry something from the start.
        start = np.where(rng.random(count) < 0.3, 0.5 * np.minimum(self.capacity, 0.4), 0.0)
        self.plant(rng, start)

    def plant(self, rng, start):
        n, nodes = self.n, np.arange(self.n, dtype=np.int32)
        tail, head = np.r_[self.tail, nodes], np.r_[self.head, np.full(n, n, np.int32)]
        flow = np.r_[start, np.zeros(n)]
        tree = forest.span(rng.permutation(self.count), tail, head, n + 1, np.zeros(0))
        flow[tree[1]] = 0.0
        need = self.supply - divergence(flow, tail, head, n + 1)[:n]
        capacity = np.r_[self.capacity, np.full(n, np.inf)]
        undirected = np.r_[self.undirected, np.zeros(n, bool)]
        state, parent, arc, _ = kernels.plant(
            *tree, tail, head, capacity, undirected, flow, need, 0.0
        )
        cost = np.r_[self.cost, np.full(n, 1e4)]
        weight = np.r_[self.weight, np.zeros(n)]
        self.arcs = tail, head, cost, weight, capacity, undirected, flow, state, parent, arc

    def objective(self):
        cost, weight, flow = self.arcs[2], self.arcs[3], self.arcs[6]
        return cost @ flow + 0.5 * weight @ flow**2

    def check(self):
        """The flow is feasible and every arc of the state it says it has."""
        tail, head, _, _, capacity, _, flow, state, parent, arc = self.arcs
        np.testing.assert_allclose(
            divergence(flow, tail, head, self.n + 1)[: self.n], self.supply, atol=1e-12
        )
        assert (flow >= -1e-14).all()
        assert (flow <= capacity + 1e-14).all()
        assert (flow[state == kernels.LOWER] == 0.0).all()
        assert (flow[state == kernels.UPPER] == capacity[state == kernels.UPPER]).all()
        assert (state[arc[: self.n]] == kernels.TREE).all()
        assert np.count_nonzero(state == kernels.TREE) == self.n
        for v in range(self.n):
            assert {tail[arc[v]], head[arc[v]]} == {v, parent[v]}

    def best(self):
        """The value of the optimum."""
        arcs = self.tail, self.head, self.cost, self.weight, self.capacity
        return quadratic_flow(*arcs, self.supply, self.undirected)[1]


def divergence(flow, tail, head, size):
    return np.bincount(head, flow, size) - np.bincount(tail, flow, size)


@pytest.mark.parametrize("weights", [0.0, 0.3, 5.0])
@pytest.mark.parametrize("seed", range(6))
def test_passes_lead_to_the_optimum(seed, weights):
    """The flow stays feasible, no pass makes it dearer, and the last finds nothing to gain."""
    net = Planted(np.random.default_rng(seed), weights)
    value, gain, best = net.objective(), np.inf, net.best()
    for _ in range(5000):
        gain, gains, pushes, gap = kernels.descend(*net.arcs, 1e-11, 0.03, 2.0, 0.0)
        net.check()
        assert gap >= value - best - 1e-7 * max(1.0, abs(best))  # CLARABEL's tolerance
        assert pushes >= 0
        assert gains >= gain >= 0.0 or gain <= 1e-11
        assert net.objective() <= value + 1e-12 * max(1.0, abs(value))
        value = net.objective()
        if pushes == 0:
            break
    assert gain <= 1e-10
    assert gap <= 1e-9
    np.testing.assert_allclose(net.arcs[6][net.count :], 0.0, atol=1e-14)  # the root is left alone
    assert value == pytest.approx(best, rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("slices", [1, 40])
@pytest.mark.parametrize("seed", range(12))
def test_single_pivots_lead_to_the_optimum(seed, slices):
    """In one go or in slices; the flow stays feasible and gets no dearer."""
    rng = np.random.default_rng(seed)
    net = Planted(rng, 0.0, n=int(rng.integers(2, 30)), count=int(rng.integers(5, 120)))
    value, is_optimal = net.objective(), False
    for _ in range(5000):
        most = 10**9 if slices == 1 else slices
        pushes, is_optimal = pivots.descend_linear(*net.arcs, 1e-11, most)
        net.check()
        assert pushes >= 0
        assert net.objective() <= value + 1e-12 * max(1.0, abs(value))
        value = net.objective()
        if is_optimal or slices == 1:
            break
    if slices == 40:  # too few looks to find that nothing gains
        assert not is_optimal or net.count <= slices
        _, is_optimal = pivots.descend_linear(*net.arcs, 1e-11, 10**9)
    assert is_optimal
    assert kernels.descend(*net.arcs, 1e-10, 0.03, 2.0, -1.0)[2] == 0
    assert net.objective() == pytest.approx(net.best(), rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("seed", range(6))
def test_a_tree_in_preorder(seed):
    net = Planted(np.random.default_rng(seed), 0.0, n=15)
    parent = net.arcs[-2]
    up, after, before, last, below = pivots._in_preorder(parent)
    np.testing.assert_array_equal(up, parent)
    np.testing.assert_array_equal(before[after], np.arange(net.n + 1))
    for v in range(net.n + 1):
        found = [v]
        for _ in range(below[v] - 1):
            found.append(after[found[-1]])
        assert found[-1] == last[v]
        assert set(found) == {x for x in range(net.n + 1) if v in ancestors(parent, x)}


def ancestors(parent, x):
    """The node and all that it hangs on."""
    return {x} | (ancestors(parent, parent[x]) if parent[x] >= 0 else set())


def test_gains_that_are_enough_are_left():
    net = Planted(np.random.default_rng(3), 0.5)
    before = net.arcs[6].copy()
    assert kernels.descend(*net.arcs, 1e9, 0.03, 2.0, -1.0)[2] == 0
    np.testing.assert_array_equal(net.arcs[6], before)
    assert kernels.descend(*net.arcs, 1e-11, 0.03, 2.0, np.inf)[2] == 0  # of the gap
    np.testing.assert_array_equal(net.arcs[6], before)
    assert kernels.descend(*net.arcs, 1e-11, 0.03, 2.0, -1.0)[2] > 0


def test_a_cycle_that_pays_without_end():
    """Two directed arcs, there and back, one of which pays more than the other costs."""
    for way in ("passes", "pivots"):
        assert _pushes_without_end(way) == -1


def _pushes_without_end(way):
    net = Planted(np.random.default_rng(0), 0.0, n=4, count=6)
    net.tail[-2:], net.head[-2:] = (0, 1), (1, 0)
    net.cost[-2:], net.undirected[-2:], net.capacity[-2:] = (1.0, -8.0), False, np.inf
    net.plant(np.random.default_rng(1), np.zeros(net.count))
    if way == "pivots":
        return pivots.descend_linear(*net.arcs, 1e-11, 10**6)[0]
    for _ in range(100):
        pushes = kernels.descend(*net.arcs, 1e-11, 0.03, 2.0, -1.0)[2]
        if pushes <= 0:
            break
    return pushes


@pytest.mark.parametrize("seed", range(5))
def test_potentials_of_the_tree(seed):
    """Every arc of the tree is tight, and nodes come before what they hang on."""
    net = Planted(np.random.default_rng(seed), 1.0)
    tail, head, cost, weight, *_, flow, _, parent, arc = net.arcs
    nodes = kernels.leaves_first(parent)
    place = np.empty(net.n + 1, int)
    place[np.append(nodes, net.n)] = np.arange(net.n + 1)
    assert (place[: net.n] < place[parent[: net.n]]).all()
    p = np.zeros(net.n + 1)
    forest.stretch(nodes, arc[nodes], tail, head, cost + weight * flow, p)
    on_tree = arc[: net.n]
    price = cost[on_tree] + weight[on_tree] * flow[on_tree]
    np.testing.assert_allclose(p[head[on_tree]] - p[tail[on_tree]], price, rtol=1e-12)
    assert p[net.n] == 0.0
