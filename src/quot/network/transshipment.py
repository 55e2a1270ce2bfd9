"""Transshipment between few sources and few sinks, as a transport problem of pairs of these.

Without capacities mass goes the shortest ways, and only who sends to whom is open. The network
simplex says that on listed pairs, at first of each source and its nearest sinks. From the sources
at its prices one search through the whole network finds what a unit costs at every node: where that
is less than the price of a sink, the pair is missing from the list; where no pair is missing these
costs are the potentials. Ties of ways do not matter here, while they make most steps of `descend`
degenerate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quot.kernels import paths as kernels
from quot.network.basis import Masses
from quot.network.cycles import NOISE, Descent
from quot.network.listed import ListBasis
from quot.network.network import Network
from quot.network.simplex import staircase

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

# Few are so many that their square is at most so many times the nodes: the simplex takes about the
# square, cycles about the nodes.
_FEW = 100.0
# Sinks listed for each source to begin with, and how often the list may grow.
_NEAREST, _ROUNDS = 16, 100


def solve_by_pairs(
    network: Network, max_pivots: int, must_stop: Callable[[], bool] = lambda: False
) -> Descent | None:
    """Minimise the cost of a flow without its quadratic terms, if that is a problem of few pairs.

    Parameters
    ----------
    network : Network
    max_pivots : int
    must_stop : callable
        Asked now and then; True ends the method.

    Returns
    -------
    Descent or None
        The optimal flow. None where arcs have capacities or a negative cost, where sources and
        sinks are many or not joined by ways, and where the method was stopped.
    """
    net = network
    sources, sinks = (np.flatnonzero(side > 0.0) for side in (-net.supply, net.supply))
    is_free = np.isinf(net.capacity).all() and (net.cost >= 0.0).all()
    is_few = 0 < (sources.size + sinks.size) ** 2 <= _FEW * net.n_nodes
    if not (is_free and is_few):
        return None
    leaving = kernels.leaving(net.tail, net.head, net.undirected, net.n_nodes)
    ways = *leaving, net.tail, net.head, net.cost
    rows, found, cost = kernels.nearest(*ways, sources, net.supply > 0.0, _NEAREST)
    pairs = _Pairs(rows, np.searchsorted(sinks, found), cost)
    masses = Masses.of(-net.supply[sources], net.supply[sinks])
    stairs, dear = staircase(masses), net.n_nodes * float(net.cost.max()) or 1.0
    basis = ListBasis(masses, pairs.by_row(sources.size), stairs, np.full(len(stairs), dear))
    before = -1
    for _ in range(_ROUNDS):
        if basis.pivots > max_pivots or not basis.optimise(must_stop):
            return None
        u, v = basis.p[: sources.size], basis.p[sources.size :]
        potentials, first, far = kernels.cheapest(*ways, sources, -u)
        gain = v - potentials[sinks]
        missing = np.flatnonzero(gain > NOISE * float(np.abs(basis.p).max()))
        if not missing.size or basis.pivots == before:  # or only by rounding
            break
        before, there = basis.pivots, sinks[missing]
        pairs = pairs.with_more(first[there], missing, far[there])
        basis.pairs = pairs.by_row(sources.size)
    else:
        return None
    if (basis.paid == dear).any():
        return None
    rows, cols, amount = basis.plan()
    order, flow = np.argsort(rows, kind="stable"), np.zeros(net.n_arcs)
    begin = np.searchsorted(rows[order], np.arange(sources.size + 1))
    kernels.route(*ways, sources, begin, sinks[cols[order]], amount[order], flow)
    reached = potentials < np.inf
    potentials[~reached] = potentials[reached].max()
    noise = NOISE * float(net.cost.max() * np.sqrt(net.n_nodes))
    return Descent(flow, potentials, noise, basis.pivots, is_optimal=True)


class _Pairs(NamedTuple):
    """Listed pairs (K,), and what they cost."""

    rows: NDArray[np.integer]
    cols: NDArray[np.integer]
    cost: Floats

    def with_more(
        self, rows: NDArray[np.integer], cols: NDArray[np.integer], cost: Floats
    ) -> _Pairs:
        """These and more."""
        return _Pairs(
            np.append(self.rows, rows), np.append(self.cols, cols), np.append(self.cost, cost)
        )

    def by_row(self, count: int) -> tuple[NDArray[np.int64], Ints, Floats]:
        """The pairs as `ListBasis` takes them."""
        order = np.argsort(self.rows, kind="stable")
        start = np.searchsorted(self.rows[order], np.arange(count + 1))
        return start, self.cols[order].astype(np.int32), self.cost[order]
