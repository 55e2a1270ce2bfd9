"""Nested boxes around points: what lets a pass over all pairs leave most of them out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from quot.costs import PointCost
from quot.kernels import boxes as kernels
from quot.kernels import clusters

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Points of a leaf, at most: small enough for tight boxes, large enough for long inner loops.
_LEAF = 12


@dataclass(frozen=True, eq=False)
class BoxTree:
    """A kd tree over points, and the smallest boxes of its nodes.

    Parameters
    ----------
    order : int64 array of shape (n,)
        The points in the order of the leaves.
    bounds : int64 array of shape (leaves + 1,)
        Where each leaf begins in that order.
    points : array of shape (d, n)
        Coordinates in that order.
    """

    order: Ints
    bounds: Ints
    points: Floats

    @classmethod
    def of(cls, points: Floats) -> BoxTree:
        """Build the tree of points (n, d)."""
        leaves = max(1, -(-points.shape[0] // _LEAF))
        order, bounds = clusters.kd_order(points, int(np.ceil(np.log2(leaves))))
        arranged = np.ascontiguousarray(points[order].T)
        return cls(order, bounds, arranged)

    @property
    def leaves(self) -> int:
        """Number of leaves."""
        return int(self.bounds.size) - 1

    @cached_property
    def boxes(self) -> tuple[Floats, Floats]:
        """Least and largest coordinates in each node, (2 leaves, d), as `kernels` number them."""
        low, high = kernels.fit(self.points, self.bounds)
        return low, high

    def side(self, values: Floats) -> tuple[Floats, Ints, Floats]:
        """What the kernels take, for potentials (n,) in the order of the tree."""
        nodes = kernels.nodes(self.points, self.bounds, *self.boxes, values)
        return self.points, self.bounds, nodes


_built: WeakKeyDictionary[PointCost, tuple[BoxTree, BoxTree]] = WeakKeyDictionary()
_building = Lock()


def trees(cost: PointCost) -> tuple[BoxTree, BoxTree]:
    """Nested boxes around the positions of the rows and of the columns.

    Built once for each cost, whoever asks, and kept as long as the cost is.
    """
    with _building:
        found = _built.get(cost)
        if found is None:
            X, Y = cost.positions
            found = _built[cost] = BoxTree.of(X), BoxTree.of(Y)
        return found
