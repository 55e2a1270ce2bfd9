"""What makes a noun an array to NumPy, and a plan a matrix: operators, sums, entries."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from operator import index
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import DTypeLike, NDArray

from quot import memory
from quot.exceptions import InvalidProblemError
from quot.validation import as_numpy, as_plain, as_real, axes_of

Floats = NDArray[np.float64]


class ArrayLike(NDArrayOperatorsMixin):
    """What NumPy computes with as the array that `__array__` returns; it equals itself alone."""

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if any(isinstance(x, ArrayLike) for x in options.get("out", ())):
            return NotImplemented
        return getattr(ufunc, method)(*(_plain(self._by_name(x)) for x in inputs), **options)

    def _by_name(self, other: Any) -> Any:
        """What is on the other side of an operator, in the order of this if it has names."""
        return other

    __eq__ = object.__eq__
    __ne__ = object.__ne__
    __hash__ = object.__hash__


class MatrixLike(ArrayLike):
    """A matrix P (n, m) that is kept in another way than by all its entries.

    Sums, entries and products with arrays need no array of all entries; NumPy's functions and the
    other operators make one.
    """

    shape: tuple[int, int]
    ndim = 2
    dtype = np.dtype(np.float64)
    # A DataFrame leaves the operators to this.
    __pandas_priority__ = 5000

    @abstractmethod
    def to_dense(self) -> Floats:
        """Return an (n, m) array."""

    @abstractmethod
    def at(self, rows: NDArray[np.integer[Any]], cols: NDArray[np.integer[Any]]) -> Floats:
        """Return single entries, (k,)."""

    @abstractmethod
    def row_sums(self) -> Floats:
        """Return P 1, (n,)."""

    @abstractmethod
    def col_sums(self) -> Floats:
        """Return P' 1, (m,)."""

    @abstractmethod
    def push(self, x: Any) -> Floats:
        """Return P' x."""

    @abstractmethod
    def pull(self, y: Any) -> Floats:
        """Return P y."""

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:  # noqa: FBT001
        no_copy(copy)
        return self.to_dense().astype(dtype or self.dtype, copy=False)

    def toarray(self) -> Floats:
        """Return an (n, m) array: `to_dense`, as scipy.sparse calls it."""
        return self.to_dense()

    def sum(
        self,
        axis: Any = None,
        dtype: DTypeLike | None = None,
        out: Any = None,
        *,
        keepdims: bool = False,
    ) -> Any:
        """Return the sum of all entries, or of each column (axis=0) or row (axis=1), as NumPy does.

        Parameters
        ----------
        axis : int or tuple of int, optional
            What to sum over; both by default.
        dtype : dtype, optional
            Of what is returned.
        out : array, optional
            Where to write it.
        keepdims : bool, default=False
            Whether it has two axes still.
        """
        given = (0, 1) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        over = tuple(map(index, given))
        for k in over:
            if not -2 <= k < 2:
                raise np.exceptions.AxisError(k, 2)
        kept = {0, 1} - {k % 2 for k in over}
        found = self.row_sums() if 0 in kept else self.col_sums()
        if not kept:
            found = found.sum()
        if keepdims:
            found = found.reshape([self.shape[k] if k in kept else 1 for k in (0, 1)])
        return np.positive(found, out=out, dtype=dtype)

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Floats]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: Any) -> Any:
        """Return what the array of all entries has there: a number, or an array of its own."""
        n, m = self.shape
        rows = np.broadcast_to(np.arange(n)[:, None], self.shape)[key]
        cols = np.broadcast_to(np.arange(m), self.shape)[key]
        memory.check_array(rows.shape)
        entries = self.at(rows.ravel(), cols.ravel()).reshape(rows.shape)
        return entries if entries.ndim else float(entries)

    def __matmul__(self, y: Any) -> Any:
        return self.pull(y) if axes_of(y, "y") <= 2 else np.matmul(np.asarray(self), _plain(y))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if ufunc is not np.matmul:
            inputs = tuple(map(self._by_name, inputs))
        if method == "__call__" and len(inputs) == 2 and not options:
            left, right = inputs
            if ufunc is np.matmul and left is self:
                return self @ right
            if ufunc is np.matmul and axes_of(left, "x") <= 2:
                return self.push(dense(left, "x").T).T
            if ufunc is np.multiply:
                return self._each(ufunc, right if left is self else left)
            if ufunc is np.divide and left is self:
                return self._each(ufunc, right)
        return super().__array_ufunc__(ufunc, method, *inputs, **options)

    def _each(self, ufunc: np.ufunc, other: Any) -> Any:
        """Multiply or divide each entry by another; one that is zero stays so, whatever that is."""
        factor = self._fitted(other)
        if factor is None:
            return NotImplemented
        P = self.to_dense()
        return ufunc(P, factor, out=P, where=P != 0.0)

    def _fitted(self, other: Any) -> NDArray[Any] | None:
        """Numbers in the shape of this, without a copy; None if this is no array of any."""
        array = as_numpy(other.toarray() if sp.issparse(other) else other, "other")
        if array.dtype.kind in "OUS" and array.ndim == 0:  # its own operators may know what to do
            return None
        if array.dtype.kind != "c":
            array = as_real(array if sp.issparse(other) else other, "other")
        try:
            return np.broadcast_to(array, self.shape)
        except ValueError as error:
            n, m = self.shape
            raise InvalidProblemError(
                f"the plan is {n} x {m} and what it is multiplied with, or divided by, has shape "
                f"{array.shape}; pass a number, an array of the same shape, or one that NumPy "
                "repeats to it."
            ) from error


def _plain(x: Any) -> Any:
    """What NumPy computes with, of whatever is on the other side of an operator."""
    if isinstance(x, ArrayLike):
        return np.asarray(x)
    return x.toarray() if sp.issparse(x) else as_plain(x, "other")


def no_copy(copy: bool | None) -> None:  # noqa: FBT001
    """Refuse ``copy=False`` where an array of all entries is made each time."""
    if copy is False:
        raise ValueError(
            "this is not kept as an array of all its entries, and one is made each time; leave out "
            "`copy=False`."
        )


def dense(x: Any, name: str) -> NDArray[Any]:
    """Return an array of real numbers, also of what is sparse."""
    return as_real(x.toarray() if sp.issparse(x) else x, name)
