"""What all transport plans can do, however they are kept."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from copy import copy
from typing import Any, NamedTuple, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from quot.arraylike import MatrixLike, dense
from quot.exceptions import InvalidProblemError
from quot.kernels import rounding as kernels
from quot.labels import (
    Labels,
    aligned,
    as_frame,
    column_labels,
    in_order,
    named,
    row_labels,
)
from quot.shown import Shown
from quot.validation import as_array, as_numpy, as_real, axes_of

Floats = NDArray[np.float64]

# An entry at or below this counts as zero in `sparsity` (the threshold of the first source).
THRESHOLD = 1e-10
# More values than this at an index are added up with what rounding loses.
_MANY = 100
_LABELS = ("row_labels", "col_labels")


def sums(index: NDArray[np.integer[Any]], values: Floats, size: int) -> Floats:
    """Return the sum of `values` at each index 0 .. size - 1, (size,).

    Of many values a plain sum would lose digits.
    """
    added: Floats
    if values.size > _MANY * size:
        added = kernels.long_sums(index, values, size)
        return added
    added = np.bincount(index, values, minlength=size).astype(np.float64, copy=False)
    return added


def unique(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the different ones of some keys in order, (k,); by sorting.

    `numpy.unique` puts them into a table first, which takes fifty times longer.
    """
    keys = np.sort(keys)
    different: NDArray[np.int64] = keys[np.append(True, keys[1:] != keys[:-1])[: keys.size]]
    return different


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
    """Return what is given for each row, of any number of axes, in two axes at most.

    In rows one after another: products round in the order in which things lie in memory.
    """
    return np.ascontiguousarray(given if given.ndim <= 2 else given.reshape(len(given), -1))


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
