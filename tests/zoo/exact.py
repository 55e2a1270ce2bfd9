"""Flows of least cost in whole numbers: nothing is rounded, whatever the range.

A floating-point number is a whole multiple of a power of two, and so are sums and products of such.
Masses are counted in units of 2^-mass_bits, costs in units of 2^-cost_bits, values in both.
"""

from dataclasses import dataclass, replace
from fractions import Fraction

import networkx as nx
import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

# Potentials are finer than costs and reg * mass by so much.
_FINER = 80


def bits(*arrays):
    """After how many binary places all numbers of these arrays end."""
    most = 60
    for x in arrays:
        x = np.asarray(x, float)
        x = x[(x != 0) & np.isfinite(x)]
        if x.size:
            most = max(most, 53 - int(np.frexp(x)[1].min()))
    return most


def whole(x, places):
    """x as Python integers (k,), in units of 2^-places, rounded down; None where infinite."""
    x = np.atleast_1d(np.asarray(x, float))
    finite = np.isfinite(x)
    mantissa, exponent = np.frexp(np.where(finite, x, 0.0))
    numbers = zip(
        (mantissa * 2.0**53).astype(np.int64).tolist(), exponent.tolist(), finite, strict=True
    )
    out = np.empty(x.size, object)
    out[:] = [_shifted(m, e - 53 + places) if ok else None for m, e, ok in numbers]
    return out


def _shifted(number, places):
    return number << places if places >= 0 else number >> -places


@dataclass(frozen=True)
class Network:
    """Arcs with whole costs, weights (cost per mass) and capacities, None where there is none.

    `demand` is what each node wants, net. Minimise the sum of cost x + weight/2 x^2.
    """

    tail: np.ndarray
    head: np.ndarray
    cost: np.ndarray
    weight: np.ndarray
    capacity: np.ndarray
    demand: np.ndarray
    mass_bits: int
    cost_bits: int

    @classmethod
    def of(cls, tail, head, cost, weight, capacity, demand, mass_bits):
        """A network of floating-point costs, weights and capacities, and whole demands."""
        cost_bits = max(bits(cost), bits(weight) + mass_bits) + _FINER
        return cls(
            tail,
            head,
            whole(cost, cost_bits),
            whole(weight, cost_bits - mass_bits),
            whole(capacity, mass_bits),
            demand,
            mass_bits,
            cost_bits,
        )

    def real(self, value):
        """A whole or rational value as a float."""
        value = Fraction(value)
        return _ratio(value.numerator, value.denominator << (self.mass_bits + self.cost_bits))

    def mass(self, x):
        """A whole mass as a float."""
        return _ratio(x, 1 << self.mass_bits)

    def arriving(self, x):
        """What a flow brings to each node, net."""
        net = np.full(self.demand.size, 0, object)
        np.add.at(net, self.head, x)
        np.subtract.at(net, self.tail, x)
        return net

    def value(self, x):
        """What a flow costs."""
        return Fraction(sum(self.cost * x)) + Fraction(sum(self.weight * x * x), 2)

    def linear_terms(self, x):
        """The sum of |cost| x."""
        return sum(abs(self.cost) * x)

    def rounding(self, x):
        """What a flow costs more or less that is a few units off on each arc it uses.

        On the others that are squares of units, which the dual does not tell from nothing.
        """
        return 4 * (sum((abs(self.cost) + self.weight * x)[x > 0]) + 4 * sum(self.weight))

    def but(self, **changes):
        return replace(self, **changes)


def _ratio(one, other):
    try:
        return one / other
    except OverflowError:
        return float("inf") if one > 0 else float("-inf")


def cheapest(net):
    """The least linear cost and a flow; None if no flow meets the demands."""
    graph = nx.MultiDiGraph()
    for v, wanted in enumerate(net.demand):
        graph.add_node(v, demand=wanted)
    # More no arc has to carry; networkx would have a floating-point infinity for no limit.
    most = sum(abs(net.demand)) + sum(k for k in net.capacity if k is not None)
    arcs = zip(net.tail.tolist(), net.head.tolist(), net.cost, net.capacity, strict=True)
    for e, (u, v, c, k) in enumerate(arcs):
        graph.add_edge(u, v, e, weight=c, capacity=most if k is None else k)
    try:
        value, flow = nx.network_simplex(graph)
    except nx.NetworkXUnfeasible:
        return None
    x = np.full(net.cost.size, 0, object)
    for ways in flow.values():
        for arcs in ways.values():
            for e, carried in arcs.items():
                x[e] = carried
    return value, x


def potentials(net, x):
    """Potentials that prove a flow of least linear cost optimal: shortest ways, from anywhere."""
    back = np.flatnonzero(x > 0)
    there = np.array([k is None or v < k for v, k in zip(x, net.capacity, strict=True)])
    tail = np.r_[net.tail[there], net.head[back]]
    head = np.r_[net.head[there], net.tail[back]]
    cost = np.r_[net.cost[there], -net.cost[back]]
    p = np.full(net.demand.size, 0, object)
    for _ in range(p.size):
        before = p.copy()
        np.minimum.at(p, head, p[tail] + cost)
        if (p == before).all():
            break
    return p


def most(net, source, sink):
    """The largest flow from one node to another."""
    graph = nx.DiGraph()
    graph.add_nodes_from(range(net.demand.size))
    enough = sum(abs(net.demand)) + 1
    for u, v, k in zip(net.tail.tolist(), net.head.tolist(), net.capacity, strict=True):
        room = graph.edges[u, v]["capacity"] if graph.has_edge(u, v) else 0
        graph.add_edge(u, v, capacity=room + (enough if k is None else k))
    return nx.maximum_flow_value(graph, source, sink)


# --- quadratic ---------------------------------------------------------------------------------


def dual_value(net, p):
    """A lower bound of the least value from any potentials; None if it would be -inf."""
    y = p[net.head] - p[net.tail] - net.cost
    total = Fraction(sum(net.demand * p))
    squares = {}
    for e in np.flatnonzero(y > 0):
        over, w, k = y[e], net.weight[e], net.capacity[e]
        if k is not None and over >= w * k:
            total -= over * k - Fraction(w * k * k, 2)
        elif w == 0:
            return None
        else:
            squares[w] = squares.get(w, 0) + over * over
    return total - sum(Fraction(s, 2 * w) for w, s in squares.items())


def improve(net, p, x, enough):
    """Bounds of the least value, from potentials p and a flow x, and the flow of the upper one.

    None for those not found.

    Proximal steps on arcs without weight, each by Newton's method on the dual. Its systems are
    solved in floating point, but residuals are exact, so that any number of digits is gained.
    All weights are 0 or one number. A lower bound of `enough` is enough.
    """
    lower, upper, best = None, None, None
    linear = net.weight == 0
    little = max(net.weight) >> 6
    for _ in range(20 if linear.any() else 1):
        near = net.but(
            weight=np.where(linear, little, net.weight),
            cost=np.where(linear, net.cost - little * x, net.cost),
        )
        for q in _newton(near, p):
            p = q
            lower = _larger(lower, dual_value(net, p))
            if lower is not None and lower >= enough:
                return lower, upper, best
        x, _ = _flow(near, p)
        if max(abs(near.demand - near.arriving(x))) > _dust(near):
            break
        value = net.value(x)
        if upper is None or value < upper:
            upper, best = value, x
    return lower, upper, best


def _larger(one, other):
    return one if other is None else other if one is None else max(one, other)


def _dust(net):
    """What rounding of what arcs carry to whole numbers may add up to."""
    return 4 * net.cost.size


def _newton(net, p, steps=300):
    """Potentials, better and better ones; all arcs have weight."""
    yield p
    value = dual_value(net, p)
    for _ in range(steps):
        flow, slopes = _flow(net, p)
        need = net.demand - net.arriving(flow)
        size = max(abs(need))
        if size <= _dust(net):
            return
        step = _direction(net, p, need, slopes, size)
        for _ in range(60):
            new = dual_value(net, p + step)
            if 8 * (new - value) >= sum(need * step):
                break
            step = step >> 1
        if new <= value:
            return
        p, value = p + step, new
        yield p


def _flow(net, p):
    """What arcs carry at these potentials, and which would carry more or less at others."""
    y = p[net.head] - p[net.tail] - net.cost
    flow, slopes = np.full(y.size, 0, object), np.zeros(y.size, bool)
    for e in np.flatnonzero(y >= 0):
        k = net.capacity[e]
        flow[e] = y[e] // net.weight[e]
        slopes[e] = k is None or flow[e] < k
        if not slopes[e]:
            flow[e] = k
    return flow, slopes


def _direction(net, p, need, slopes, size):
    """Newton's step; that of a component, to its next arc, where it cannot meet its need."""
    n = p.size
    tail, head, weight = net.tail[slopes], net.head[slopes], net.weight[slopes]
    part = connected_components(
        sp.coo_array((np.ones(tail.size), (tail, head)), shape=(n, n)), directed=False
    )[1]
    sums = np.full(part.max() + 1, 0, object)
    np.add.at(sums, part, need)
    worst = int(np.argmax(abs(sums)))
    if abs(sums[worst]) > _dust(net):
        inside = part == worst
        enters = inside[net.head] & ~inside[net.tail]
        leaves = inside[net.tail] & ~inside[net.head]
        y = p[net.head] - p[net.tail] - net.cost
        rise = sums[worst] > 0
        more, less = (enters, leaves) if rise else (leaves, enters)
        gaps = [-y[e] for e in np.flatnonzero(more) if y[e] < 0]
        gaps += [y[e] - net.weight[e] * net.capacity[e] for e in np.flatnonzero(less) if y[e] > 0]
        step = min((g for g in gaps if g > 0), default=0) + 1
        return inside.astype(int).astype(object) * (step if rise else -step)
    unit = max(net.weight)
    slope = np.array([_ratio(unit, w) for w in weight])
    L = np.zeros((n, n))
    np.add.at(L, (tail, tail), slope)
    np.add.at(L, (head, head), slope)
    np.add.at(L, (tail, head), -slope)
    np.add.at(L, (head, tail), -slope)
    step = np.linalg.pinv(L, hermitian=True) @ np.array([_ratio(k, size) for k in need])
    return (whole(step, 60) * (unit * size)) >> 60
