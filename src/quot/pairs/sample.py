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
        self.by_col: tuple[Floats, Ints] | None = None

    def show(self, rows: Ints, cols: Ints) -> None:
        """Draw of some rows; all of them where no row has too many."""
        if (rows[self.most :] == rows[: -self.most]).any():
            if self.by_col is None:
                key = np.full((self.b.size, self.most), np.inf)
                self.by_col = key, np.full(key.shape, -1, np.int32)
            rows, cols = draws.draw(rows, cols, self.a, self.b, self.most, *self.by_col)
        super().show(rows, cols)

    def add(self, other: Listing) -> None:
        """What was drawn of other rows, too."""
        super().add(other)
        assert isinstance(other, Drawing)
        if self.by_col is None:
            self.by_col = other.by_col
        elif other.by_col is not None:
            merge(*self.by_col, *other.by_col)

    def pairs(self) -> list[Pairs]:
        """All that were drawn; some twice."""
        if self.by_col is None:
            return self.by_row
        _, index = self.by_col
        cols, _ = np.nonzero(index >= 0)
        return [*self.by_row, (index[index >= 0], cols.astype(np.int32))]
