"""Of the pairs that cost exactly what their prices are all, or a sample where these are many."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quot.kernels import draws
from quot.kernels.pricing import merge

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Pairs = tuple[Ints, Ints]

# Masses that are less than this part of the largest are drawn as if they were so much.
_LEAST = 1e-200


class Listing:
    """All pairs that are shown."""

    def __init__(self) -> None:
        self.by_row: list[Pairs] = []

    def show(self, rows: Ints, cols: Ints) -> None:
        """Take those of some rows."""
        self.by_row.append((rows, cols))

    def add(self, other: Listing) -> None:
        """Take those of other rows, too."""
        self.by_row += other.by_row

    def pairs(self) -> list[Pairs]:
        """All that were taken."""
        return self.by_row


class Sample(NamedTuple):
    """So many of each row and column at most, by chance: what has more mass is drawn more often.

    Masses of rows (n,) and of columns (m,).
    """

    most: int
    a: Floats
    b: Floats

    def ordered(self, rows: NDArray[np.int64], cols: NDArray[np.int64]) -> Sample:
        """Of rows and columns in this order."""
        return Sample(self.most, self.a[rows], self.b[cols])

    def begin(self) -> Drawing:
        """Nothing drawn yet."""
        return Drawing(self)


class Drawing(Listing):
    """Pairs drawn of those that are shown, whole rows at a time, row by row."""

    def __init__(self, sample: Sample) -> None:
        super().__init__()
        self.most = sample.most
        self.a, self.b = (np.maximum(x / x.max(), _LEAST) for x in (sample.a, sample.b))
        self.key = np.full((self.b.size, sample.most), np.inf)
        self.index = np.full(self.key.shape, -1, np.int32)

    def show(self, rows: Ints, cols: Ints) -> None:
        """Draw of some rows."""
        drawn = draws.draw(rows, cols, self.a, self.b, self.most, self.key, self.index)
        super().show(*drawn)

    def add(self, other: Listing) -> None:
        """What was drawn of other rows, too."""
        super().add(other)
        if isinstance(other, Drawing):
            merge(self.key, self.index, other.key, other.index)

    def pairs(self) -> list[Pairs]:
        """All that were drawn; some twice."""
        cols, _ = np.nonzero(self.index >= 0)
        return [*self.by_row, (self.index[self.index >= 0], cols.astype(np.int32))]
