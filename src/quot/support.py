"""Support: a set of pairs (i, j), sorted and without repetition."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quot.kernels import support as kernels

Ints = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Support:
    """Pairs of an (n, m) matrix, row by row, columns ascending within a row.

    Parameters
    ----------
    shape : (n, m)
    rows, cols : int32 arrays of shape (nnz,)
    """

    shape: tuple[int, int]
    rows: Ints
    cols: Ints

    @classmethod
    def of(
        cls, shape: tuple[int, int], rows: NDArray[np.integer], cols: NDArray[np.integer]
    ) -> Support:
        """Sort the pairs and drop repetitions."""
        i, j = kernels.sort_pairs(rows.astype(np.int32), cols.astype(np.int32), shape[0])
        return cls(shape, i, j)

    @property
    def size(self) -> int:
        """Number of pairs."""
        return int(self.rows.size)

    @property
    def keys(self) -> NDArray[np.int64]:
        """i * m + j for each pair, ascending."""
        keys: NDArray[np.int64] = self.rows.astype(np.int64) * self.shape[1] + self.cols
        return keys

    def __or__(self, other: Support) -> Support:
        """Return the pairs in either."""
        return Support.of(
            self.shape,
            np.concatenate((self.rows, other.rows)),
            np.concatenate((self.cols, other.cols)),
        )

    def __sub__(self, other: Support) -> Support:
        """Return the pairs that are not in the other."""
        kept = np.isin(self.keys, other.keys, assume_unique=True, invert=True)
        return Support(self.shape, self.rows[kept], self.cols[kept])
