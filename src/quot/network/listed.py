"""The network simplex method on some pairs of rows and columns, listed row by row."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from quot.kernels import simplex as kernels
from quot.kernels import tree as trees
from quot.network.basis import Basis, Masses

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]

# Passes over a list: far more than ever were needed, unless rounding decides what gains.
_PASSES = 100_000


class ListBasis(Basis):
    """A basis of listed pairs.

    Parameters
    ----------
    masses : Masses
    start, col, cost : arrays
        The pairs of row i are ``col[start[i] : start[i + 1]]``, (R + 1,), (E,), (E,).
    first : int32 array of shape (K, 2)
        Pairs for the tree, by preference: a spanning tree of them must be feasible.
    paid : array of shape (K,)
        What they cost.
    """

    def __init__(
        self, masses: Masses, pairs: tuple[Longs, Ints, Floats], first: Ints, paid: Floats
    ) -> None:
        self.pairs = pairs
        nothing = np.zeros((0, 0)), 0.0, 0.0
        prices = np.zeros(masses.b.size)
        arcs, carried = kernels.crash(
            *nothing, first, prices, np.zeros(0, np.int64), masses.a, masses.b, masses.root
        )
        key = first[:, 0].astype(np.int64) * masses.b.size + first[:, 1]
        order = np.argsort(key, kind="stable")
        taken = arcs[:, 0].astype(np.int64) * masses.b.size + arcs[:, 1]
        cost = paid[order[np.searchsorted(key[order], taken)]]
        sizes = masses.a.size, masses.b.size
        super().__init__(masses, trees.plant(arcs, carried, cost, *sizes, masses.root))

    def optimise(self, must_stop: Callable[[], bool]) -> bool:
        """Pivot until no listed pair gains; True unless stopped."""
        for _ in range(_PASSES):
            self.price()
            if must_stop():
                return False
            if kernels.enter(*self.pairs, *self.state):
                return True
        return False
