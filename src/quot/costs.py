"""Costs: cost per unit mass between rows and columns, as matrix, sparse matrix or points."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from quot.exceptions import InvalidProblemError
from quot.kernels import costs as kernels
from quot.labels import Labels, as_frame, row_labels, same_columns
from quot.prices import Extent
from quot.shown import Shown
from quot.validation import as_array, as_csr, as_real, as_weights, check_option

Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]

# In so few dimensions sums over the axes are the same in any order that is quick.
_FEW_AXES = 3
# Of so many columns the cheapest is about as cheap as of all.
_COLUMNS = 4096
METRICS = ("sqeuclidean", "euclidean", "cityblock", "cosine")


@runtime_checkable
class Cost(Protocol):
    """What the rest of quot asks of a cost.

    The two methods must agree: ``at(rows, cols)`` are entries of the blocks. A forbidden pair
    costs inf in a block.
    """

    @property
    def shape(self) -> tuple[int, int]:
        """(n, m)."""

    def block(self, start: int, stop: int) -> Floats:
        """Return rows start .. stop against all columns, (stop - start, m), to be read only."""

    def at(self, rows: Ints, cols: Ints) -> Floats:
        """Return the costs of single pairs, (nnz,)."""

    def take(self, rows: Ints, cols: Ints) -> Cost:
        """Return the cost restricted to the given rows and columns, in the given order."""


class _Sized:
    """What says its size, and what else there is, in one line."""

    shape: Any

    def _more(self) -> str:
        return ""

    def __repr__(self) -> str:
        n, m = self.shape
        return f"{type(self).__name__}({n} x {m}{self._more()})"


@dataclass(frozen=True, eq=False, repr=False)
class DenseCost(_Sized):
    """A cost given as an (n, m) array."""

    C: Floats

    @cached_property
    def extent(self) -> Extent:
        """How far the costs reach."""
        return Extent.of(self.C)

    @property
    def shape(self) -> tuple[int, int]:
        """(n, m)."""
        return self.C.shape

    def block(self, start: int, stop: int) -> Floats:
        """Return rows start .. stop against all columns, (stop - start, m): a view."""
        return self.C[start:stop]

    def at(self, rows: Ints, cols: Ints) -> Floats:
        """Return the costs of single pairs, (nnz,)."""
        return self.C[rows, cols]

    def take(self, rows: Ints, cols: Ints) -> DenseCost:
        """Return the cost restricted to the given rows and columns, in the given order."""
        chosen = self.C[rows]
        if len(cols) != self.shape[1] or not np.array_equal(cols, np.arange(len(cols))):
            chosen = chosen[:, cols]
        return DenseCost(np.ascontiguousarray(chosen))


@dataclass(frozen=True, eq=False, repr=False)
class SparseCost(_Sized):
    """A cost given for some pairs only; all others are forbidden.

    Parameters
    ----------
    shape : (n, m)
    rows, cols : int32 arrays of shape (nnz,)
        The pairs allowed, row by row, columns ascending.
    values : array of shape (nnz,)
    """

    shape: tuple[int, int]
    rows: NDArray[np.int32]
    cols: NDArray[np.int32]
    values: Floats

    @classmethod
    def of(cls, matrix: Any) -> SparseCost:
        """Copy a scipy.sparse matrix; explicit zeros are pairs that cost nothing."""
        csr = as_csr(matrix, "C")
        values = as_array(csr.data, "C", 1, is_finite=False)
        rows = np.repeat(np.arange(csr.shape[0], dtype=np.int32), np.diff(csr.indptr))
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            i, j = int(rows[bad[0]]), int(csr.indices[bad[0]])
            raise InvalidProblemError(
                f"`C` must be finite; C[{i}, {j}] is {values[bad[0]]} ({bad.size} such entries). "
                "Take them out: pairs that have no entry are forbidden."
            )
        as_array(values, "C", 1)
        return cls(csr.shape, rows, csr.indices.astype(np.int32), values)

    def _more(self) -> str:
        return f", {self.values.size} pairs"

    @cached_property
    def extent(self) -> Extent:
        """How far the costs of pairs that are allowed reach; inf where there is none."""
        rows, cols = (np.full(size, np.inf) for size in self.shape)
        for side, index in ((rows, self.rows), (cols, self.cols)):
            np.minimum.at(side, index, self.values)
        low, high = self.values.min(initial=np.inf), self.values.max(initial=-np.inf)
        return Extent(rows, cols, float(low), float(high))

    @cached_property
    def indptr(self) -> NDArray[np.int64]:
        """Where each row begins in `cols` and `values`, (n + 1,)."""
        return np.searchsorted(self.rows, np.arange(self.shape[0] + 1))

    def block(self, start: int, stop: int) -> Floats:
        """Return rows start .. stop against all columns, (stop - start, m); inf if forbidden."""
        out = np.full((stop - start, self.shape[1]), np.inf)
        part = slice(self.indptr[start], self.indptr[stop])
        out[self.rows[part] - start, self.cols[part]] = self.values[part]
        return out

    def at(self, rows: Ints, cols: Ints) -> Floats:
        """Return the costs of single pairs, (nnz,); inf if forbidden."""
        keys = self.rows.astype(np.int64) * self.shape[1] + self.cols
        wanted = np.asarray(rows).astype(np.int64) * self.shape[1] + np.asarray(cols)
        if not keys.size:
            return np.full(wanted.shape, np.inf)
        found = np.minimum(np.searchsorted(keys, wanted), keys.size - 1)
        return np.where(keys[found] == wanted, self.values[found], np.inf)

    def take(self, rows: Ints, cols: Ints) -> SparseCost:
        """Return the cost restricted to the given rows and columns, in the given order."""
        position = np.arange(1, self.values.size + 1)
        indexed = sp.csr_array((position, self.cols, self.indptr), shape=self.shape)
        kept = indexed[rows][:, cols].tocoo()
        order = np.lexsort((kept.col, kept.row))
        return SparseCost(
            (len(rows), len(cols)),
            kept.row[order].astype(np.int32),
            kept.col[order].astype(np.int32),
            self.values[kept.data[order] - 1],
        )


@dataclass(frozen=True, eq=False, repr=False)
class PointCost(_Sized, Shown):
    """Cost between points; the (n, m) matrix is never formed.

    Parameters
    ----------
    X : array or DataFrame of shape (n, d)
        Positions of the rows. The index of a DataFrame names them.
    Y : array or DataFrame of shape (m, d)
        Positions of the columns. If both have names for their coordinates, these must be the same,
        in any order.
    metric : {"sqeuclidean", "euclidean", "cityblock", "cosine"}, default="sqeuclidean"
        Squared Euclidean, Euclidean or city-block distance, or one minus the cosine of the angle.

    Raises
    ------
    InvalidProblemError
        If the points are not finite, their dimensions differ, the metric is unknown, or a point
        is zero under "cosine".

    Examples
    --------
    >>> import numpy as np, quot
    >>> cost = quot.PointCost(np.zeros((3, 2)), np.ones((4, 2)))
    >>> cost.shape
    (3, 4)
    """

    X: Floats
    Y: Floats
    metric: str = "sqeuclidean"
    row_labels: Labels = field(default=None, init=False, repr=False)
    col_labels: Labels = field(default=None, init=False, repr=False)

    @classmethod
    def from_images(
        cls, source: Any, target: Any, *, spacing: Any = 1.0, metric: str = "sqeuclidean"
    ) -> tuple[PointCost, Floats, Floats]:
        """Return the cost between the pixels of two images, and the images as masses.

        Row ``i`` is the pixel ``np.unravel_index(i, source.shape)``, likewise columns, so that
        ``r.plan.row_sums().reshape(source.shape)`` is an image again. Pixels of no mass cost
        nothing: a solve leaves them out.

        Parameters
        ----------
        source, target : array of shape (h, w), or any one number of axes
            Weights >= 0, one a pixel; each is divided by its sum. The shapes may differ.
        spacing : float or sequence, default=1
            Distance between neighbouring pixels along each axis; ``1 / h`` makes a square image
            the unit square.
        metric : str, default="sqeuclidean"
            As for `PointCost`.

        Returns
        -------
        cost : PointCost
        a, b : array of shape (n,), (m,)
            Masses, of total one.

        Raises
        ------
        InvalidProblemError
            If an image is empty, negative, not finite or all zero, or `spacing` does not fit.

        Examples
        --------
        >>> import numpy as np, quot
        >>> cost, a, b = quot.PointCost.from_images(np.eye(2), np.ones((2, 2)))
        >>> quot.solve(cost, a, b).cost
        0.5
        """
        images = _image(source, "source"), _image(target, "target")
        axes = images[0].ndim
        if images[1].ndim != axes:
            raise InvalidProblemError(
                f"`source` has {axes} axes and `target` has {images[1].ndim}; images need one "
                "number of axes (take one channel, or a mean, of a colour image)."
            )
        steps = as_real(spacing, "spacing").astype(np.float64)
        if steps.shape not in ((), (axes,)) or not (np.isfinite(steps) & (steps > 0)).all():
            raise InvalidProblemError(
                f"`spacing` must be one number > 0 or {axes} of them, one an axis; got {spacing!r}."
            )
        X, Y = (np.argwhere(np.ones(image.shape, np.bool_)) * steps for image in images)
        a, b = (image.ravel() / image.sum() for image in images)
        return cls(X, Y, metric), a, b

    def __post_init__(self) -> None:
        check_option(self.metric, "metric", METRICS)
        rows, cols = row_labels(self.X), row_labels(self.Y)
        X, Y = as_array(self.X, "X", 2), as_array(same_columns(self.X, self.Y), "Y", 2)
        for name, points in (("X", X), ("Y", Y)):
            if points.shape[0] == 0 or points.shape[1] == 0:
                raise InvalidProblemError(
                    f"`{name}` is empty, of shape {points.shape}; pass at least one point."
                )
        if X.shape[1] != Y.shape[1]:
            raise InvalidProblemError(
                f"`X` has {X.shape[1]} columns and `Y` has {Y.shape[1]}; points need one dimension."
            )
        for name, value in (("X", X), ("Y", Y), ("row_labels", rows), ("col_labels", cols)):
            object.__setattr__(self, name, value)
        if self.metric == "cosine":
            for name, points in (("X", X), ("Y", Y)):
                zero = np.flatnonzero(~points.any(axis=1))
                if zero.size:
                    raise InvalidProblemError(
                        f"{name}[{zero[0]}] is zero ({zero.size} such points) and has no "
                        'direction; metric="cosine" needs points other than zero.'
                    )
        _ = self._prepared  # finds distances that overflow, before any work

    @property
    def shape(self) -> tuple[int, int]:
        """(n, m)."""
        return self.X.shape[0], self.Y.shape[0]

    def _more(self) -> str:
        return f", {self.X.shape[1]} axes, {self.metric!r}"

    def _facts(self) -> dict[str, Any]:
        rows, cols = self.shape
        return {"rows": rows, "columns": cols, "axes": self.X.shape[1], "metric": self.metric}

    @cached_property
    def _prepared(self) -> tuple[Floats, Floats, int]:
        """Points as the kernels want them, and the code of the metric."""
        X, Y = self.X, self.Y
        if self.metric == "cosine":
            X, Y = _directions(X), _directions(Y)
        elif not np.isfinite(self.diameter):
            raise InvalidProblemError(
                f"distances between `X` and `Y` overflow with metric={self.metric!r}; rescale them."
            )
        return X, Y, METRICS.index(self.metric)

    @cached_property
    def diameter(self) -> float:
        """A bound of all costs: that between the corners of a box around all points."""
        if self.metric == "cosine":
            return 2.0
        low = np.minimum(self.X.min(axis=0), self.Y.min(axis=0))
        high = np.maximum(self.X.max(axis=0), self.Y.max(axis=0))
        only = np.zeros(1, np.int32)
        with np.errstate(over="ignore"):
            corners = low[None], high[None], self.metric_code, only, only
            return float(kernels.point_pairs(*corners)[0])

    @property
    def is_flat(self) -> bool:
        """Whether the points have so few axes that costs are computed as fast as they are read."""
        return bool(self.X.shape[1] <= _FEW_AXES)

    @cached_property
    def _axes(self) -> Floats:
        """The columns as the kernels want them where there are few axes, (d, m)."""
        return np.ascontiguousarray(self._prepared[1].T)

    @property
    def positions(self) -> tuple[Floats, Floats]:
        """The points that the distances are between: directions under "cosine"."""
        return self._prepared[:2]

    @property
    def metric_code(self) -> int:
        """The metric as the kernels number it."""
        return METRICS.index(self.metric)

    def block(self, start: int, stop: int) -> Floats:
        """Return rows start .. stop against all columns, (stop - start, m)."""
        out = np.empty((stop - start, self.Y.shape[0]))
        self.fill(start, out)
        return out

    def fill(self, start: int, out: Floats) -> None:
        """Write the costs of rows start, start + 1, ... against all columns into out, (r, m)."""
        X, Y, metric = self._prepared
        if self.is_flat:
            kernels.axis_block(X, self._axes, metric, start, out)
        else:
            kernels.point_block(X, Y, metric, start, out)

    def at(self, rows: Ints, cols: Ints) -> Floats:
        """Return the costs of single pairs, (nnz,)."""
        X, Y, metric = self._prepared
        costs: Floats = kernels.point_pairs(
            X, Y, metric, np.asarray(rows, np.int32), np.asarray(cols, np.int32)
        )
        return costs

    def take(self, rows: Ints, cols: Ints) -> PointCost:
        """Return the cost restricted to the given rows and columns, in the given order."""
        return PointCost(self.X[rows], self.Y[cols], self.metric)


# Costs that have gone through the door: none is NaN.
CHECKED = (DenseCost, SparseCost, PointCost)


def _image(value: Any, name: str) -> Floats:
    """An array of weights with any number of axes, and some mass."""
    image = as_real(value, name)
    if image.ndim == 0 or image.size == 0:
        raise InvalidProblemError(
            f"`{name}` must be an image, an array of weights; got shape {image.shape}."
        )
    weights = as_weights(image.ravel(), name, image.size).reshape(image.shape)
    if not weights.any():
        raise InvalidProblemError(f"`{name}` is zero everywhere; an image needs some mass.")
    return weights


def _directions(points: Floats) -> Floats:
    """Return the points scaled to norm one; first by their largest entry, against overflow."""
    scaled = points / np.abs(points).max(axis=1, keepdims=True)
    return scaled / np.linalg.norm(scaled, axis=1, keepdims=True)  # type: ignore[no-any-return]


def as_cost(value: Any) -> Cost:
    """Return the Cost behind an array, a scipy.sparse array or a Cost."""
    if isinstance(value, CHECKED):
        return value
    value = value if (frame := as_frame(value)) is None else frame
    if sp.issparse(value):
        cost: Cost = SparseCost.of(value)
    elif not isinstance(value, np.ndarray) and isinstance(value, Cost):
        cost = value
    else:
        cost = DenseCost(as_array(value, "C", 2))
    if 0 in cost.shape:
        raise InvalidProblemError(f"`C` is empty, of shape {cost.shape}; pass at least one pair.")
    return cost


def spread(size: int, count: int) -> NDArray[np.int64]:
    """Return up to `count` of the indices below `size`, evenly spread, both ends among them."""
    return np.unique(np.linspace(0, size - 1, min(size, count)).astype(np.int64))


def sample(cost: Cost, size: int = 64) -> Floats:
    """Return the costs between up to `size` rows and `size` columns, evenly spread; finite ones.

    Of a SparseCost all costs. Always at least one entry: 0 if all pairs seen are forbidden.
    """
    if isinstance(cost, SparseCost):
        values = cost.values
    else:
        n, m = cost.shape
        rows = spread(n, size)
        values = cost.take(rows, spread(m, size)).block(0, rows.size).ravel()
        values = values[np.isfinite(values)]
    return values if values.size else np.zeros(1)


def usual_cost(cost: Cost, size: int = 16) -> float:
    """Return about what is paid: the median of what the cheapest pairs of some rows cost.

    Where the matrix is not kept, the cheapest of some columns.
    """
    if isinstance(cost, DenseCost):
        return float(np.median(cost.C[spread(cost.shape[0], size)].min(axis=1)))
    if isinstance(cost, SparseCost) and cost.values.size:
        first = np.unique(cost.indptr[:-1][np.diff(cost.indptr) > 0])
        return float(np.median(np.minimum.reduceat(cost.values, first)))
    n, m = cost.shape
    rows = spread(n, size)
    some = cost.take(rows, spread(m, _COLUMNS)).block(0, rows.size)
    least = np.min(some, axis=1, initial=np.inf, where=np.isfinite(some))
    paid = least[least < np.inf]
    return float(np.median(paid)) if paid.size else 0.0


def parts(cost: Cost) -> tuple[Ints, Ints] | None:
    """Return the component of each row and of each column, (n,), (m,); None if there is but one."""
    if not isinstance(cost, SparseCost):
        return None
    n, m = cost.shape
    pairs = np.ones(cost.rows.size), (cost.rows, n + cost.cols)
    _, label = connected_components(sp.coo_array(pairs, (n + m, n + m)), directed=False)
    return label[:n], label[n:]


def turned(cost: Cost) -> Cost:
    """Return a cost with rows and columns exchanged."""
    if isinstance(cost, PointCost):
        return PointCost(cost.Y, cost.X, cost.metric)
    return DenseCost(np.ascontiguousarray(cost.block(0, cost.shape[0]).T))
