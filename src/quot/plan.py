"""Plan: a sparse transport plan, frozen; and what all plans can do."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from quot import memory
from quot.arraylike import MatrixLike, dense
from quot.exceptions import InvalidProblemError
from quot.labels import (
    Labels,
    aligned,
    as_column,
    as_frame,
    column_labels,
    in_order,
    named,
    need_pandas,
    of_cost,
    row_labels,
)
from quot.shown import Shown
from quot.validation import as_array, as_csr, as_number, as_numpy, as_real, axes_of

if TYPE_CHECKING:
    from quot.costs import Cost

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

# An entry at or below this counts as zero in `sparsity` (the threshold of the first source).
THRESHOLD = 1e-10
_LABELS = ("row_labels", "col_labels")


def sums(index: NDArray[np.integer[Any]], values: Floats, size: int) -> Floats:
    """Return the sum of `values` at each index 0 .. size - 1, (size,)."""
    added: Floats = np.bincount(index, values, minlength=size).astype(np.float64, copy=False)
    return added


class Totals(NamedTuple):
    """Sums over all entries of a plan P at costs C.

    Parameters
    ----------
    cost, size : float
        Of C P, and of |C| P.
    entropy, entropy_size : float
        Of P (log P - 1), and of its absolute values; 0 log 0 = 0.
    """

    cost: float
    size: float
    entropy: float
    entropy_size: float


def _each(x: Any, name: str, size: int, of: str) -> NDArray[Any]:
    """What is given for each row, say, as an array."""
    array = dense(x, name)
    if array.shape[:1] != (size,):
        raise InvalidProblemError(
            f"`{name}` has shape {array.shape}, and the plan has {size} {of}; pass one entry, or "
            "row, each."
        )
    return array


def flat(given: NDArray[Any]) -> NDArray[Any]:
    """Return what is given for each row, of any number of axes, in two axes at most."""
    return given if given.ndim <= 2 else given.reshape(len(given), -1)


class Coupling(MatrixLike, Shown):
    """A transport plan P (n, m), however it is kept.

    To NumPy it is the matrix: ``np.asarray(plan)``, ``plan[i, j]``, ``x @ plan @ y``,
    ``(plan * C).sum()``.
    """

    # Names, of a plan that has some; see `labelled`.
    row_labels: Labels = None
    col_labels: Labels = None

    def labelled(self, rows: Any = None, cols: Any = None) -> Self:
        """Return the same plan with names for its rows and columns, (n,) and (m,).

        They are the columns of `to_frame`, and what `push`, `pull` and `barycentric` take a Series
        or DataFrame by. The plan of a result has those of its problem.
        """
        other = copy(self)
        for name, labels, size in zip(_LABELS, (rows, cols), self.shape, strict=True):
            object.__setattr__(other, name, named(labels, None, name, size))
        return other

    @property
    @abstractmethod
    def T(self) -> Coupling:  # noqa: N802
        """The plan from columns to rows."""

    def _by_name(self, other: Any) -> Any:
        """A table in the order of the rows and columns of this, if these have names."""
        frame, size = as_frame(other), self.shape
        is_series = getattr(frame, "ndim", 2) == 1
        rows, columns = row_labels(frame), column_labels(other)
        if is_series:
            rows, columns = None, rows
        is_plain = rows is None and columns is None
        if is_plain or (self.row_labels is None and self.col_labels is None):
            return other
        values = as_numpy(other if frame is None else frame, "other")
        if rows is not None and len(values) == size[0]:
            values = in_order(values, rows, self.row_labels, "other", "rows")[0]
        if columns is not None and values.shape[-1] == size[1]:
            values = in_order(values.T, columns, self.col_labels, "other", "columns")[0].T
        return values

    def _by_rows(self, x: Any, name: str) -> NDArray[Any]:
        """What is given for each row, as an array."""
        return _each(aligned(x, self.row_labels, name, "rows")[0], name, self.shape[0], "rows")

    def _by_cols(self, y: Any, name: str) -> NDArray[Any]:
        """What is given for each column, as an array."""
        given = aligned(y, self.col_labels, name, "columns")[0]
        return _each(given, name, self.shape[1], "columns")

    @property
    @abstractmethod
    def nnz(self) -> int:
        """Number of entries that are not zero."""

    @abstractmethod
    def sparsity_at(self, threshold: float, *, relative: bool = False) -> float:
        """Return the fraction of the n * m entries that are at most `threshold`.

        With ``relative=True`` the threshold is a multiple of the largest entry.
        """

    @abstractmethod
    def matches(self) -> NDArray[np.intp]:
        """Return the column that gets most of each row, (n,); -1 where a row sends nothing.

        Of several that get the same it is the first. The best row of each column is
        ``plan.T.matches()``.
        """

    @abstractmethod
    def row_sums(self) -> Floats:
        """Return P 1, (n,): mass sent by each row."""

    @abstractmethod
    def col_sums(self) -> Floats:
        """Return P' 1, (m,): mass received by each column."""

    @abstractmethod
    def to_csr(self) -> sp.csr_array:
        """Return a scipy.sparse CSR array of its own memory."""

    @abstractmethod
    def push(self, x: Any) -> Floats:
        """Return P' x: carry a quantity per unit mass from rows (n, ...) to columns (m, ...).

        These are sums. What a column gets on average is ``plan.T.barycentric(x)``.
        """

    @abstractmethod
    def pull(self, y: Any) -> Floats:
        """Return P y: bring a quantity per unit mass from columns (m, ...) to rows (n, ...)."""

    @property
    def total(self) -> float:
        """Mass moved."""
        return float(self.row_sums().sum())

    @property
    def sparsity(self) -> float:
        """Fraction of the n * m entries that are at most 1e-10."""
        return self.sparsity_at(THRESHOLD)

    def barycentric(self, Y: Any, *, X: Any = None, a: Any = None) -> Floats:
        """Return where each row goes on average, (n, d).

        Row i with sent mass q_i goes to ``sum_j P_ij Y_j / q_i``. Of labels that is how they are
        propagated: with a column for each, 1 where it is, ``plan.T.barycentric(labels)`` says with
        what probability a column gets which from the rows.

        Parameters
        ----------
        Y : array of shape (m, d) or (m,)
            Positions of the columns, or whatever else they have.
        X : array of shape (n, d) or (n,), or float, optional
            Positions of the rows. A row that sends nothing stays there; without `X` it is NaN.
        a : array of shape (n,), optional
            Masses of the rows; needs `X`. The mass that is not moved stays where it is:
            ``(sum_j P_ij Y_j + (a_i - q_i) X_i) / a_i``, the partial rule of colour transfer.

        Examples
        --------
        >>> import numpy as np, quot
        >>> plan = quot.Plan.from_dense([[0.75, 0.0], [0.25, 0.0]])
        >>> plan.T.barycentric(np.eye(2)).tolist()
        [[0.75, 0.25], [nan, nan]]
        """
        moved = self.pull(self._by_cols(Y, "Y").astype(np.float64, copy=False))
        if X is not None:
            is_one = not isinstance(X, Mapping) and axes_of(X, "X") == 0
            X = as_real(X, "X") if is_one else self._by_rows(X, "X")
            fits = all(k in (1, size) for k, size in zip(X.shape, moved.shape, strict=False))
            if X.ndim and not (X.ndim == moved.ndim and fits):
                raise InvalidProblemError(
                    f"`X` has shape {X.shape}, and rows go to places of shape {moved.shape}; pass "
                    "where they are, in the same coordinates as `Y`."
                )
        if a is not None:
            a = as_array(self._by_rows(a, "a"), "a", 1, is_finite=False)
        sent = self.row_sums()
        weight = sent
        if a is not None:
            if X is None:
                raise TypeError("barycentric(a=...) needs `X`, where the unmoved mass stays")
            weight = np.asarray(a, dtype=np.float64)
            kept = np.maximum(weight - sent, 0.0)
            moved = moved + kept.reshape(-1, *(1,) * (moved.ndim - 1)) * np.asarray(X)
        with np.errstate(divide="ignore", invalid="ignore"):
            image: Floats = moved / weight.reshape(-1, *(1,) * (moved.ndim - 1))
        empty = weight <= 0.0
        stay = np.nan if X is None else np.asarray(X, dtype=np.float64)
        image[empty] = np.broadcast_to(stay, image.shape)[empty]
        return image


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
