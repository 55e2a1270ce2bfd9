"""Small networks with every kind of arc, and their dual straight from the definition."""

from dataclasses import dataclass, replace

import numpy as np

from quot.network.network import Network


@dataclass(frozen=True)
class Net:
    tail: np.ndarray
    head: np.ndarray
    cost: np.ndarray
    weight: np.ndarray
    capacity: np.ndarray
    undirected: np.ndarray
    supply: np.ndarray
    p: np.ndarray
    side: np.ndarray

    @property
    def n(self):
        return self.supply.size

    @property
    def arcs(self):
        return self.tail, self.head, self.cost, self.weight, self.capacity, self.undirected

    def at(self, p, side=None):
        return replace(self, p=p, side=self.side if side is None else side)

    def pushed(self, v, distance):
        """The network with the potential of v moved, and the sides of its arcs read off anew."""
        p = self.p.copy()
        p[v] += distance
        gap = p[self.head] - p[self.tail] - self.cost
        moved = (self.weight == 0) & ((self.tail == v) | (self.head == v))
        return self.at(p, np.where(moved, np.sign(gap), self.side).astype(np.int8))


def network_of(net):
    return Network(*net.arcs[:3], net.weight, net.capacity, net.undirected, net.supply)


def random_network(rng, n=7, arcs=16, leaves=3):
    """Directed and undirected, capacitated and not, and a star of arcs of weight zero."""
    tail = rng.integers(n, size=arcs)
    head = (tail + rng.integers(1, n, size=arcs)) % n
    undirected = rng.random(arcs) < 0.4
    cost = rng.uniform(0, 1, arcs) * rng.integers(0, 2, arcs)
    weight = 10.0 ** rng.uniform(-1, 1, arcs)
    capacity = np.where(rng.random(arcs) < 0.5, np.inf, rng.uniform(0.1, 1.0, arcs))
    hub = n + leaves  # each leaf hangs from the hub by an arc of weight zero, and from the rest
    leaf = np.arange(n, n + leaves)
    zero_tail = np.where(rng.random(leaves) < 0.5, hub, leaf)
    zero_head = np.where(zero_tail == hub, leaf, hub)
    ties = rng.integers(n, size=2 * leaves)
    tail = np.r_[tail, zero_tail, ties]
    head = np.r_[head, zero_head, np.tile(leaf, 2)]
    more = 2 * leaves
    cost = np.r_[cost, rng.uniform(0, 1, leaves), rng.uniform(0, 1, more)]
    weight = np.r_[weight, np.zeros(leaves), rng.uniform(0.5, 2, more)]
    capacity = np.r_[capacity, rng.uniform(0.2, 1, leaves), np.full(more, np.inf)]
    undirected = np.r_[undirected, np.zeros(leaves, bool), rng.random(more) < 0.5]
    supply = rng.normal(size=n + leaves + 1)
    supply -= supply.mean()
    p = rng.normal(size=supply.size)
    side = np.zeros(tail.size, np.int8)
    for z in range(arcs, arcs + leaves):
        if rng.random() < 0.4:  # tight: the leaf sits on the kink
            end = head[z] if tail[z] == hub else tail[z]
            p[end] = p[hub] + (cost[z] if end == head[z] else -cost[z])
        else:
            side[z] = 1 if p[head[z]] - p[tail[z]] > cost[z] else -1
    return Net(
        tail.astype(np.int32), head.astype(np.int32), cost, weight, capacity, undirected, supply,
        p, side,
    )  # fmt: skip


def star_network(missing, capacity):
    """Tight arcs of weight zero from node 0 to leaves that miss the masses given."""
    leaves = len(missing)
    zeros = np.zeros(leaves)
    return Net(
        np.zeros(leaves, np.int32), np.arange(1, leaves + 1, dtype=np.int32), zeros, zeros,
        np.array(capacity), np.zeros(leaves, bool), np.r_[-np.sum(missing), missing],
        np.zeros(leaves + 1), np.zeros(leaves, np.int8),
    )  # fmt: skip


def dual_value(net, p):
    """b'p - sum of phi*_e(y_e), each conjugate from its formula."""
    y = p[net.head] - p[net.tail]
    total = float(net.supply @ p)
    for e in range(y.size):
        w, k = net.weight[e], net.capacity[e]
        reach = max((abs(y[e]) if net.undirected[e] else y[e]) - net.cost[e], 0.0)
        if w == 0:
            total -= k * reach
        elif reach / w <= k:
            total -= reach**2 / (2 * w)
        else:
            total -= k * reach - w * k * k / 2
    return total


def imbalance_range(net, v):
    """Least and largest imbalance of v: a tight arc may carry anything between 0 and k."""
    low = high = net.supply[v]
    y = net.p[net.head] - net.p[net.tail]
    for e in range(y.size):
        if v not in (net.tail[e], net.head[e]):
            continue
        sign = 1.0 if net.tail[e] == v else -1.0
        if net.weight[e] == 0 and net.side[e] == 0:
            low += min(sign * net.capacity[e], 0.0)
            high += max(sign * net.capacity[e], 0.0)
            continue
        if net.weight[e] == 0:
            x = net.capacity[e] if net.side[e] > 0 else 0.0
        else:
            reach = max((abs(y[e]) if net.undirected[e] else y[e]) - net.cost[e], 0.0)
            x = np.sign(y[e]) * min(reach / net.weight[e], net.capacity[e])
        low += sign * x
        high += sign * x
    return low, high
