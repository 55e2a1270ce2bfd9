"""The linear problem of a matrix for all masses at once: how its least cost grows with the mass.

A partial problem has a spare row and a spare column, for what stays where it is. With no mass moved
a star is the optimal tree; from there the spare ones take less and less, and dual pivots keep the
tree optimal. Between two breakpoints the tree and its prices stay, and the cost is linear.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from quot.kernels import parametric as kernels
from quot.kernels import tree
from quot.network.basis import UNITS, Basis, Masses
from quot.prices import unit_for
from quot.settings import settings

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

# Columns listed for each row, and breakpoints that there is room for at first, in rows and columns.
_NEAR, _ROOM = 12, 4
# Breakpoints and prices that differ by less, relative, are the same.
_SAME_MASS, _SAME_PRICE = 2.0**-50, 1e-13
# What `send_more` says where forbidden pairs let nothing more move.
_FORBIDDEN = 2


class Parametric:
    """The trees of a matrix for more and more mass.

    Parameters
    ----------
    C : array of shape (n, m)
        C-contiguous; inf forbids a pair.
    a, b : array of shape (n,), (m,)
        Masses, > 0.

    Attributes
    ----------
    is_full : bool
        Whether no more can move: by the masses, or by the pairs that are allowed.
    """

    def __init__(self, C: Floats, a: Floats, b: Floats) -> None:
        n, m = C.shape
        self.end = min(float(a.sum()), float(b.sum()))
        # More than that nobody sends or gets: a unit is a part of what moves.
        a, b = self.a, self.b = np.minimum(a, self.end), np.minimum(b, self.end)
        allowed = C[np.isfinite(C)]
        self.unit = unit_for(float(np.abs(allowed).max(initial=0.0)))
        self.C = C if self.unit == 1.0 else C / self.unit
        self.total = float(a.sum() + b.sum())
        whole_a, whole_b = (
            np.maximum(np.rint(x / self.total * UNITS), 1.0).astype(np.int64) for x in (a, b)
        )
        self.most = int(min(whole_a.sum(), whole_b.sum()))
        self.sent, self.is_full = 0, False
        # All rows go to the spare column, the spare row to all columns, and these two are joined at
        # what makes the cheapest pair tight: prices are no larger than they have to be.
        masses = Masses(
            np.append(whole_a, whole_b.sum()), np.append(whole_b, whole_a.sum()),
            np.append(a, b.sum()), np.append(b, a.sum()),
        )  # fmt: skip
        i = np.append(np.arange(n + 1), np.full(m, n))
        j = np.append(np.full(n + 1, m), np.arange(m))
        carried = np.concatenate((whole_a, [0], whole_b))
        paid = np.zeros(n + 1 + m)
        paid[n] = -float(allowed.min()) / self.unit if allowed.size else 0.0
        arcs = np.stack((i, j), axis=1).astype(np.int32)
        self.tree = Basis(masses, tree.plant(arcs, carried, paid, n + 1, m + 1, m), root=m)
        k = min(_NEAR, m)
        self.lists = np.empty((n, k), np.int32), np.empty((n, k)), np.empty((n, k + 1))
        prices = np.zeros(m)
        for row in range(n):
            kernels.list_nearest(self.C, row, prices, *self.lists)
        self.ends, self.prices = np.empty((2, _ROOM * (n + m)))
        self.count = 0

    @property
    def price(self) -> float:
        """What a unit costs at the mass moved so far, if there is a next."""
        p = self.tree.p
        return self.unit * float(-p[self.tree.rows - 1] - p[-1])

    def send(self, mass: float, must_stop: Callable[[], bool]) -> bool:
        """Go on until so much moves, or no more can; False if stopped before."""
        goal = self.most if mass >= self.end else min(round(mass / self.total * UNITS), self.most)
        looks = max(1, settings().stretch // self.C.shape[1])
        while self.sent < goal and not self.is_full:
            if must_stop():
                return False
            left, self.count, end = kernels.send_more(
                self.C, self.a, self.b, *self.tree.state, *self.lists,
                np.int64(goal - self.sent), self.ends, self.prices, self.count, looks,
            )  # fmt: skip
            self.sent = goal - int(left)
            self.is_full = end == _FORBIDDEN or self.sent == self.most
            if self.count == self.ends.size:
                self.ends, self.prices = (np.append(x, x) for x in (self.ends, self.prices))
        return True

    def curve(self) -> tuple[Floats, Floats]:
        """Breakpoints (K + 1,) from 0 to the mass moved so far, and what a unit costs between them.

        These prices (K,) rise.
        """
        ends, prices = self.ends[: self.count], self.unit * self.prices[: self.count]
        if self.tree.at[tree.CLEAN] == 1:  # something moved since the last breakpoint
            ends = np.append(ends, self.sent / UNITS * self.total)
            prices = np.append(prices, self.price)
        ends, prices = (np.maximum.accumulate(x) for x in (np.minimum(ends, self.end), prices))
        long = np.diff(ends, prepend=0.0) > _SAME_MASS * ends
        ends, prices = ends[long], prices[long]
        if self.sent == self.most:
            ends[-1:] = self.end
        size = np.maximum.accumulate(np.abs(prices))
        is_end = np.append(np.diff(prices) > _SAME_PRICE * size[1:], True)[: ends.size]
        is_first = np.append(True, is_end[:-1])[: ends.size]
        return np.append(0.0, ends[is_end]), prices[is_first] + 0.0  # never -0
