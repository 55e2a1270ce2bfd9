"""A point of the dual of a quadratic flow, and what the arcs make of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quot.kernels import flow as kernels
from quot.kernels import nearby
from quot.network.network import Network

Floats = NDArray[np.float64]
Sides = NDArray[np.int8]
Bools = NDArray[np.bool_]
Indices = NDArray[np.int64]


@dataclass
class Point:
    """Potentials (N,) and sides (E,), and what the arcs make of them.

    `residual` is the largest imbalance of a node, `total` the sum over all; `before` the largest
    at the point before.
    """

    potentials: Floats
    side: Sides
    flow: Floats
    slope: Floats
    imbalance: Floats
    wish: Floats
    residual: float
    total: float
    before: float

    @classmethod
    def at(cls, network: Network, potentials: Floats, side: Sides, before: float = np.inf) -> Point:
        """What every arc carries, tight ones included, and what every node still misses.

        In place in `potentials`, the ends of tight arcs are put where they belong; see `kernels`.
        """
        net = network
        flow, slope, imbalance, wish, residual, total = kernels.evaluate(
            potentials, side, *net.zeros, *net.response, net.supply
        )
        return cls(potentials, side, flow, slope, imbalance, wish, residual, total, before)

    def moved(
        self, network: Network, inside: Bools, arcs: Indices, potentials: Floats, side: Sides
    ) -> Point:
        """Where some nodes and the sides of some arcs have moved, in place in `flow` and `slope`.

        inside (N,): the nodes; arcs: all that touch one of them. `restore` takes it back.
        """
        net, imbalance = network, self.imbalance.copy()
        wish, residual, total = nearby.evaluate_near(
            inside, arcs, self.side, self.flow, self.slope, imbalance, potentials, side, *net.zeros,
            *net.response,
        )  # fmt: skip
        return replace(
            self,
            potentials=potentials,
            side=side,
            imbalance=imbalance,
            wish=wish,
            residual=residual,
            total=total,
        )

    def kept(self, network: Network, arcs: Indices) -> tuple[Floats, Floats, Floats]:
        """What `moved` will change, for `restore`."""
        return self.flow[network.zero_arcs], self.flow[arcs], self.slope[arcs]

    def restore(self, network: Network, arcs: Indices, kept: tuple[Floats, Floats, Floats]) -> None:
        """Put back what `moved` has changed."""
        self.flow[network.zero_arcs], self.flow[arcs], self.slope[arcs] = kept
