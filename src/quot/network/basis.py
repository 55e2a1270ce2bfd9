"""The basis of a network simplex: a strongly feasible tree over rows and columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quot.kernels import simplex, vertex
from quot.kernels import tree as kernels
from quot.settings import settings

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]

# The larger total of the masses as integers.
UNITS = 2.0**61
# Passes from potentials read off the tree, and looks at rows in one of them, for each row and each
# column: more are only taken where rounding decides what gains.
ROUNDS, _PATIENCE = 10, 2000


class Masses(NamedTuple):
    """Masses of rows and columns, the spare ones last: as integers, and as they are."""

    a: Longs
    b: Longs
    exact_a: Floats
    exact_b: Floats

    @classmethod
    def of(cls, a: Floats, b: Floats) -> Masses:
        """Masses > 0, of equal totals up to rounding."""
        total = max(float(a.sum()), float(b.sum()))
        whole_a, whole_b = simplex.whole(a, b, total, UNITS)
        return cls(whole_a, whole_b, a, b)

    @classmethod
    def beside(cls, a: Floats, b: Floats, kept: tuple[float, float]) -> Masses:
        """With a spare column for what all rows keep, and a spare row for columns, if they do."""
        rows, cols = kept
        return cls.of(
            np.append(a, cols) if cols > 0.0 else a, np.append(b, rows) if rows > 0.0 else b
        )

    @property
    def root(self) -> int:
        """The heaviest column."""
        return int(self.b.argmax())


class Basis:
    """A tree, what its arcs carry and cost, and its potentials.

    Parameters
    ----------
    masses : Masses
    state : arrays
        `links`, `flow`, `paid`, `p` and `at`, as of the kernels.
    root : int, optional
        A column; the heaviest by default.

    Attributes
    ----------
    p : array of shape (N,)
        Potentials u (R,), then v (K,): u_i + v_j is what each pair of the tree costs.
    pivots, looks : int
        Pivots so far, and rows looked through for pairs that gain.
    """

    def __init__(
        self, masses: Masses, state: Sequence[NDArray[Any]], root: int | None = None
    ) -> None:
        self.masses, self.rows = masses, masses.a.size
        self.root = self.rows + (masses.root if root is None else root)
        self.links, self.flow, self.paid, self.p, self.at = state

    @property
    def pivots(self) -> int:
        """Pivots so far."""
        return int(self.at[kernels.PIVOTS])

    @property
    def looks(self) -> int:
        """Rows looked through so far."""
        return int(self.at[kernels.LOOKS])

    @property
    def state(self) -> tuple[NDArray[np.generic], ...]:
        """What a descent changes in place."""
        return self.links, self.flow, self.paid, self.p, self.at

    def price(self) -> None:
        """Potentials once more from the tree, without the rounding of pivots; all rows are open."""
        self.p[self.root] = 0.0
        kernels.potentials(self.links, self.paid, self.root, self.p)
        self.at[: kernels.CLEAN + 1] = 0

    def arcs(self) -> Ints:
        """Pairs (N - 1, 2) of the tree, leaves first."""
        nodes = kernels.leaves_first(self.links, self.root)
        return np.stack(self.ends(nodes), axis=1).astype(np.int32)

    def ends(self, nodes: NDArray[np.integer]) -> tuple[Ints, Ints]:
        """Row and column of the arcs of nodes other than the root."""
        hubs = self.links[kernels.PARENT, nodes]
        return np.minimum(nodes, hubs), np.maximum(nodes, hubs) - self.rows

    def descend(
        self, look: Callable[[int], bool], length: int, must_stop: Callable[[], bool]
    ) -> bool:
        """Pivot until no pair gains at potentials read off the tree; True unless stopped.

        `look` goes through so many rows, of some `length` pairs, and tells if all are clean.
        """
        for _ in range(ROUNDS):
            before = self.pivots
            if not self.sweep(look, length, must_stop):
                return False
            if self.pivots == before:
                break
            self.price()
        return True

    def sweep(
        self, look: Callable[[int], bool], length: int, must_stop: Callable[[], bool]
    ) -> bool:
        """Pivot until no pair gains at the potentials as they are; True unless stopped."""
        last = self.looks + _PATIENCE * self.flow.size
        while not look(stretch(length)):
            if self.looks > last or must_stop():
                return False
        return True

    def plan(self) -> tuple[Ints, Ints, Floats]:
        """Rows, columns and values for the masses as they are."""
        left = self.masses.exact_a.copy(), self.masses.exact_b.copy()
        sent: tuple[Ints, Ints, Floats] = vertex.plan(
            np.inf, self.links, self.paid, self.root, *left
        )
        return sent


def stretch(length: int) -> int:
    """Rows of some `length` pairs to look at between two questions whether to stop."""
    return max(1, settings().stretch // max(length, 1))
