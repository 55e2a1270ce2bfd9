"""Plan: a sparse transport plan, frozen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

# An entry at or below this counts as zero in `sparsity` (the threshold of the first source).
THRESHOLD = 1e-10


def sums(index: NDArray[np.integer[Any]], values: Floats, size: int) -> Floats:
    """Return the sum of `values` at each index 0 .. size - 1, (size,)."""
    added: Floats = np.bincount(index, values, minlength=size).astype(np.float64, copy=False)
    return added


@dataclass(frozen=True, eq=False)
class Plan:
    """A transport plan P (n, m) by its nonzero entries.

    Parameters
    ----------
    shape : (n, m)
    rows, cols : int32 arrays of shape (nnz,)
        Where the entries are, row by row, columns ascending.
    values : array of shape (nnz,)
        Mass moved from row to column.
    """

    shape: tuple[int, int]
    rows: Ints
    cols: Ints
    values: Floats

    @classmethod
    def from_dense(cls, P: Any) -> Plan:
        """Return the plan with the nonzero entries of an (n, m) array."""
        dense = np.asarray(P, dtype=np.float64)
        rows, cols = np.nonzero(dense)
        return cls(dense.shape, rows.astype(np.int32), cols.astype(np.int32), dense[rows, cols])

    @classmethod
    def from_sparse(cls, P: Any) -> Plan:
        """Return the plan with the nonzero entries of a scipy.sparse matrix."""
        csr = sp.csr_array(P, dtype=np.float64, copy=True)
        csr.sum_duplicates()
        csr.eliminate_zeros()
        coo = csr.tocoo()
        return cls(coo.shape, coo.row.astype(np.int32), coo.col.astype(np.int32), coo.data)

    @property
    def nnz(self) -> int:
        """Number of entries stored."""
        return int(self.values.size)

    @property
    def total(self) -> float:
        """Mass moved."""
        return float(self.values.sum())

    @property
    def sparsity(self) -> float:
        """Fraction of the n * m entries that are at most 1e-10."""
        return self.sparsity_at(THRESHOLD)

    def sparsity_at(self, threshold: float, *, relative: bool = False) -> float:
        """Return the fraction of the n * m entries that are at most `threshold`.

        With ``relative=True`` the threshold is a multiple of the largest entry.
        """
        if relative:
            threshold = threshold * float(self.values.max(initial=0.0))
        n, m = self.shape
        return 1.0 - int(np.count_nonzero(self.values > threshold)) / (n * m)

    def row_sums(self) -> Floats:
        """Return P 1, (n,): mass sent by each row."""
        return sums(self.rows, self.values, self.shape[0])

    def col_sums(self) -> Floats:
        """Return P' 1, (m,): mass received by each column."""
        return sums(self.cols, self.values, self.shape[1])

    def to_csr(self) -> sp.csr_array:
        """Return a scipy.sparse CSR array of its own memory."""
        return self._csr.copy()

    def to_dense(self) -> Floats:
        """Return an (n, m) array."""
        dense = np.zeros(self.shape)
        dense[self.rows, self.cols] = self.values
        return dense

    @cached_property
    def _csr(self) -> sp.csr_array:
        indptr = np.zeros(self.shape[0] + 1, np.int64)
        np.cumsum(np.bincount(self.rows, minlength=self.shape[0]), out=indptr[1:])
        return sp.csr_array((self.values, self.cols, indptr), shape=self.shape)

    @property
    def T(self) -> Plan:  # noqa: N802
        """The plan from columns to rows."""
        order = np.lexsort((self.rows, self.cols))
        return Plan(
            (self.shape[1], self.shape[0]), self.cols[order], self.rows[order], self.values[order]
        )

    def __matmul__(self, y: Any) -> Floats:
        return self.pull(y)

    def push(self, x: Any) -> Floats:
        """Return P' x: carry a quantity per unit mass from rows (n, ...) to columns (m, ...)."""
        carried: Floats = self._csr.T @ np.asarray(x)
        return carried

    def pull(self, y: Any) -> Floats:
        """Return P y: bring a quantity per unit mass from columns (m, ...) to rows (n, ...)."""
        brought: Floats = self._csr @ np.asarray(y)
        return brought

    def barycentric(self, Y: Any, *, X: Any = None, a: Any = None) -> Floats:
        """Return where each row goes on average, (n, d).

        Row i with sent mass q_i goes to ``sum_j P_ij Y_j / q_i``.

        Parameters
        ----------
        Y : array of shape (m, d)
            Positions of the columns.
        X : array of shape (n, d), optional
            Positions of the rows. A row that sends nothing stays there; without `X` it is NaN.
        a : array of shape (n,), optional
            Masses of the rows; needs `X`. The mass that is not moved stays where it is:
            ``(sum_j P_ij Y_j + (a_i - q_i) X_i) / a_i``, the partial rule of colour transfer.
        """
        moved = self.pull(np.asarray(Y, dtype=np.float64))
        sent = self.row_sums()
        weight = sent
        if a is not None:
            if X is None:
                raise TypeError("barycentric(a=...) needs `X`, where the unmoved mass stays")
            weight = np.asarray(a, dtype=np.float64)
            moved = moved + np.maximum(weight - sent, 0.0)[:, None] * np.asarray(X)
        with np.errstate(divide="ignore", invalid="ignore"):
            image: Floats = moved / weight[:, None]
        empty = weight <= 0.0
        image[empty] = np.nan if X is None else np.asarray(X, dtype=np.float64)[empty]
        return image

    def __repr__(self) -> str:
        n, m = self.shape
        return f"Plan({n} x {m}, nnz={self.nnz}, total={self.total:.6g})"
