"""Plan: a sparse transport plan, frozen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from quot import memory
from quot.coupling import Coupling, Totals, flat, sums
from quot.exceptions import InvalidProblemError
from quot.labels import as_column, need_pandas, of_cost
from quot.validation import as_array, as_csr, as_number, as_real

if TYPE_CHECKING:
    from quot.costs import Cost

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Plan(Coupling):
    """A transport plan P (n, m) by its nonzero entries.

    Parameters
    ----------
    shape : (n, m)
    rows, cols : int32 arrays of shape (nnz,)
        Where the entries are, row by row, columns ascending.
    values : array of shape (nnz,)
        Mass moved from row to column.

    Raises
    ------
    InvalidProblemError
        If arrays of other types, which may also be in any order, are no entries of such a plan.
    """

    shape: tuple[int, int]
    rows: Ints
    cols: Ints
    values: Floats

    def __post_init__(self) -> None:
        """Bring in order what others pass; plans of our own are of these types."""
        kinds: Any = (self.rows, np.int32), (self.cols, np.int32), (self.values, np.float64)
        if all(isinstance(x, np.ndarray) and x.dtype == dtype for x, dtype in kinds):
            return
        values = as_array(self.values, "values", 1, is_finite=False)
        places = [
            _as_places(x, name, values.size, size)
            for x, name, size in zip(
                (self.rows, self.cols), ("rows", "cols"), self.shape, strict=True
            )
        ]
        for name, array in zip(("rows", "cols", "values"), (*places, values), strict=True):
            object.__setattr__(self, name, array)
        found = self.ordered()
        for name in ("rows", "cols", "values"):
            object.__setattr__(self, name, getattr(found, name))

    @classmethod
    def empty(cls, shape: tuple[int, int]) -> Plan:
        """Return the plan that moves nothing."""
        none = np.zeros(0, np.int32)
        return cls(shape, none, none, np.zeros(0))

    @classmethod
    def from_dense(cls, P: Any) -> Plan:
        """Return the plan with the nonzero entries of an (n, m) array or DataFrame."""
        return cls._of_array(P, "P")

    @classmethod
    def _of_array(cls, P: Any, name: str) -> Plan:
        dense = as_array(P, name, 2, is_finite=False)
        rows, cols = np.nonzero(dense)
        plan = cls(dense.shape, rows.astype(np.int32), cols.astype(np.int32), dense[rows, cols])
        return plan.labelled(*of_cost(P))

    @classmethod
    def from_sparse(cls, P: Any) -> Plan:
        """Return the plan with the nonzero entries of a scipy.sparse matrix."""
        given = P if sp.issparse(P) else as_array(P, "P", 2, is_finite=False)
        csr = sp.csr_array(given, dtype=np.float64, copy=True)
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

    def sparsity_at(self, threshold: float, *, relative: bool = False) -> float:
        """Return the fraction of the n * m entries that are at most `threshold`.

        With ``relative=True`` the threshold is a multiple of the largest entry.
        """
        threshold = as_number(threshold, "threshold")
        if relative:
            threshold = threshold * float(self.values.max(initial=0.0))
        n, m = self.shape
        return 1.0 - int(np.count_nonzero(self.values > threshold)) / (n * m)

    @property
    def least(self) -> float:
        """The smallest entry, 0 if there is none; NaN propagates."""
        return float(np.append(self.values, 0.0).min())

    def kept(self, entries: NDArray[np.bool_]) -> Plan:
        """Return the plan of these entries (nnz,) alone."""
        if entries.all():
            return self
        return Plan(
            self.shape, self.rows[entries], self.cols[entries], self.values[entries]
        ).labelled(self.row_labels, self.col_labels)

    def ordered(self) -> Plan:
        """Return the plan with its entries row by row, columns ascending, each pair once."""
        keys = self.rows.astype(np.int64) * self.shape[1] + self.cols
        if (keys[1:] > keys[:-1]).all():
            return self
        order = np.argsort(keys, kind="stable")
        keys, rows, cols = keys[order], self.rows[order], self.cols[order]
        values, first = self.values[order], np.append(True, keys[1:] > keys[:-1])
        if not first.all():
            values = sums(np.cumsum(first) - 1, values, int(np.count_nonzero(first)))
            rows, cols = rows[first], cols[first]
        return Plan(self.shape, rows, cols, values)

    def totals(self, cost: Cost) -> Totals:
        """Return what is summed over all entries, at costs of the same shape."""
        logs = np.zeros_like(self.values)
        np.log(self.values, out=logs, where=self.values > 0.0)
        terms = self.values * (logs - 1.0)
        return Totals(*self.paid(cost), float(terms.sum()), float(np.abs(terms).sum()))

    def paid(self, cost: Cost) -> tuple[float, float]:
        """Return the sums of ``C P`` and of ``|C| P``, at costs of the same shape."""
        paid = cost.at(self.rows, self.cols) * self.values
        return float(paid.sum()), float(np.abs(paid).sum())

    def at(self, rows: NDArray[np.integer[Any]], cols: NDArray[np.integer[Any]]) -> Floats:
        """Return single entries, (k,)."""
        keys = self._keys
        wanted = np.asarray(rows).astype(np.int64) * self.shape[1] + np.asarray(cols)
        if not keys.size:
            return np.zeros(wanted.shape)
        found = np.minimum(np.searchsorted(keys, wanted), keys.size - 1)
        return np.where(keys[found] == wanted, self.values[found], 0.0)

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
        memory.check_array(self.shape)
        P = np.zeros(self.shape)
        P[self.rows, self.cols] = self.values
        return P

    def matches(self) -> NDArray[np.intp]:
        """Return the column that gets most of each row, (n,); -1 where a row sends nothing.

        Of several that get the same it is the first. The best row of each column is
        ``plan.T.matches()``.

        Examples
        --------
        >>> import quot
        >>> quot.Plan.from_dense([[0.0, 0.5], [0.0, 0.0]]).matches().tolist()
        [1, -1]
        """
        most = np.zeros(self.shape[0])
        np.maximum.at(most, self.rows, self.values)
        best = np.full(self.shape[0], -1, np.intp)
        entries = np.flatnonzero((self.values == most[self.rows]) & (self.values > 0.0))[::-1]
        best[self.rows[entries]] = self.cols[entries]  # the last written is the first column
        return best

    def _each(self, ufunc: np.ufunc, other: Any) -> Any:
        """Do so for the entries that are there; returns a scipy.sparse CSR array."""
        if sp.issparse(other) and other.shape == self.shape:
            other = Plan.from_sparse(other)
        if isinstance(other, Coupling) and other.shape == self.shape:
            factor = other.at(self.rows, self.cols)
        else:
            fitted = self._fitted(other)
            if fitted is None:
                return NotImplemented
            factor = fitted[self.rows, self.cols]
        csr = self.to_csr()
        csr.data = ufunc(csr.data, factor)
        return csr

    @cached_property
    def _keys(self) -> NDArray[np.int64]:
        """Where each entry is in the matrix, row by row; ascending."""
        return self.rows.astype(np.int64) * self.shape[1] + self.cols

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with a line for each entry: row, column and mass.

        By name where rows and columns have names (see `labelled`), else by number.
        """
        names = as_column(self.row_labels, self.rows), as_column(self.col_labels, self.cols)
        columns = dict(zip(("row", "column"), names, strict=True))
        return need_pandas().DataFrame({**columns, "mass": self.values})

    @cached_property
    def _csr(self) -> sp.csr_array:
        indptr = np.zeros(self.shape[0] + 1, np.int64)
        np.cumsum(np.bincount(self.rows, minlength=self.shape[0]), out=indptr[1:])
        return sp.csr_array((self.values, self.cols, indptr), shape=self.shape)

    @property
    def T(self) -> Plan:  # noqa: N802
        """The plan from columns to rows."""
        order = np.lexsort((self.rows, self.cols))
        turned = Plan(
            (self.shape[1], self.shape[0]), self.cols[order], self.rows[order], self.values[order]
        )
        return turned.labelled(self.col_labels, self.row_labels)

    def push(self, x: Any) -> Floats:
        """Return P' x: carry a quantity per unit mass from rows (n, ...) to columns (m, ...).

        These are sums. What a column gets on average is ``plan.T.barycentric(x)``.
        """
        given = self._by_rows(x, "x")
        carried: Floats = self._csr.T @ flat(given)
        return carried.reshape(-1, *given.shape[1:])

    def pull(self, y: Any) -> Floats:
        """Return P y: bring a quantity per unit mass from columns (m, ...) to rows (n, ...)."""
        given = self._by_cols(y, "y")
        brought: Floats = self._csr @ flat(given)
        return brought.reshape(-1, *given.shape[1:])

    def _facts(self) -> dict[str, Any]:
        n, m = self.shape
        return {
            "shape": f"{n} x {m}",
            "entries": self.nnz,
            "total": self.total,
            "rows that send": f"{np.count_nonzero(self.row_sums())} of {n}",
            "columns that receive": f"{np.count_nonzero(self.col_sums())} of {m}",
        }

    def __repr__(self) -> str:
        n, m = self.shape
        return f"Plan({n} x {m}, nnz={self.nnz}, total={self.total:.6g})"


def _as_places(given: Any, name: str, count: int, size: int) -> Ints:
    """Numbers of rows, or columns, (count,)."""
    places = as_real(given, name)
    if not places.size:
        places = places.astype(np.int32)
    if places.shape != (count,) or places.dtype.kind not in "iu":
        raise InvalidProblemError(
            f"`{name}` must be {count} integers, one for each of `values`; got {places.dtype} of "
            f"shape {places.shape}."
        )
    if places.size and not 0 <= int(places.min()) <= int(places.max()) < size:
        raise InvalidProblemError(
            f"`{name}` must be from 0 to {size - 1}, as `shape` has it; got {places.min()} to "
            f"{places.max()}."
        )
    return places.astype(np.int32)


def as_coupling(value: Any, name: str) -> Coupling:
    """Return a plan as it is, or that of a matrix of whatever kind."""
    if isinstance(value, Coupling):
        return value
    if sp.issparse(value):
        return Plan.from_sparse(as_csr(value, name))
    return Plan._of_array(value, name)
