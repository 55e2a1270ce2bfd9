"""A smooth map of colours, from a plan between two palettes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.applications.hull import Hull
from quot.applications.modes import narrow
from quot.applications.palette import Palette, directions
from quot.applications.spaces import UNIT, from_mix, to_mix, to_space
from quot.exceptions import InvalidProblemError
from quot.parallel import map_rows
from quot.plan import Plan
from quot.result import Result
from quot.shown import Shown
from quot.validation import as_array, as_real

Floats = NDArray[np.float64]

# Width of the kernel in colour space, in units of the space, in the spread of the source's colours
# and in their range: the least of the first two, but no less than the last, nor than this.
_WIDTH, _OF_SPREAD, _OF_RANGE, _LEAST = 0.12, 0.5, 1 / 12, 0.002
# How much wider it is for the share that moves, and the part of its variance that holds slopes
# back to 1.
_WIDER, _RIDGE = 1.5, 0.25
# Steps of the table, and of the cells of colours behind it, in a width.
_STEPS = 2.0
# How far beyond the colours that were sent is still there: a quarter of a level of 8 bits.
_SLACK = 1e-3
# Pixels at once, and pairs of nodes and cells.
_PIXELS, _PAIRS = 1 << 13, 1 << 20


@dataclass(frozen=True, eq=False, repr=False)
class ColorMap(Shown):
    """A plan between two palettes as a map of all colours, smooth and within what was sent.

    Around a colour the plan is fitted by least squares, with a Gaussian kernel in the space of the
    palettes: by the share of the mass that moves, where it goes to, and with which slope. The new
    colour is a mixture of the old one and of one among the colours that the reference sends, by
    that share, or less where a screen could not show it: the nearest to where the fit leads, so
    that no two get further apart where it leads beyond. It depends on nothing but the colour.

    Parameters
    ----------
    source, reference : Palette
        Of k and l colours.
    result : Result
        The plan between them, (k, l), with its certificate.
    knee : float, optional
        The share of the pixels at the knee of the price, if that is how the mass was chosen.
    """

    source: Palette
    reference: Palette
    result: Result[Plan]
    knee: float | None = None

    @cached_property
    def moved(self) -> Floats:
        """Where the colours of the source went, in the space of the palettes, (k, 3)."""
        X, Y = self.source, self.reference
        moved = self.result.plan.barycentric(Y.places, X=X.places, a=X.masses)
        return np.column_stack((moved, X.points[:, X.places.shape[1] :]))

    def _facts(self) -> dict[str, Any]:
        result = self.result
        return {
            "source": repr(self.source),
            "reference": repr(self.reference),
            "mass moved": result.plan.total,
            "plan": repr(result.plan),
            "relative gap": f"{result.certificate.relative_gap:.1e}",
            "status": result.status.name,
        }

    def __repr__(self) -> str:
        of = f"{self.source.size} upon {self.reference.counted}"
        return f"{type(self).__name__}({of}, {self.result.plan!r}, {self.result.status.name})"

    def __call__(self, rgb: Any) -> Floats:
        """Return the new colours of sRGB colours in 0 .. 1, (n, 3)."""
        rgb = as_colors(rgb, "rgb")
        points = to_space(rgb, self.source.space)
        return self.paint(rgb, points, points)

    def paint(self, rgb: Floats, points: Floats, near: Floats) -> Floats:
        """Return new colours, by the map at points near the old ones.

        Parameters
        ----------
        rgb : array of shape (n, 3)
            sRGB colours in 0 .. 1.
        points : array of shape (n, 3)
            The same in the space of the palettes.
        near : array of shape (n, 3)
            Where the map is looked up; what the points differ from them by is kept.

        Returns
        -------
        array of shape (n, 3)
        """
        if not self.result.plan.nnz:
            return rgb
        _ = self._table, self._sent  # before threads ask for them

        def painted(start: int, stop: int) -> Floats:
            old = rgb[start:stop]
            share, image = self._images(points[start:stop], near[start:stop])
            step = share[:, None] * (image - old)
            room = np.where(step > 0.0, 1.0 - old, old) + 2.0 * _SLACK
            shown = np.divide(room, abs(step), out=np.ones_like(step), where=abs(step) > room)
            new: Floats = np.clip(old + shown.min(axis=1)[:, None] * step, 0.0, 1.0)
            return new

        return np.concatenate(map_rows(painted, len(rgb), 64, _PIXELS))

    def _images(self, points: Floats, near: Floats) -> tuple[Floats, Floats]:
        """The share of each point that moves, and where to, in sRGB."""
        space, axes, image = self.source.space, self.source.places.shape[1], points.copy()
        low, step, table = self._table
        top = np.array(table.shape[:-1]) - 2
        place = np.clip((near[:, :axes] - low) / step, 1.0, top)
        found = _spline(table, place)
        image[:, :axes] += found[:, 1:] - (low + step * place)
        return found[:, 0], from_mix(self._sent.nearest(to_mix(image, space)), points, space)

    @cached_property
    def _sent(self) -> Hull:
        """All between the colours that were sent, as they mix."""
        sent = np.unique(self.result.plan.cols)
        normals = directions(self.source.places.shape[1])
        lengths = np.sqrt((normals**2).sum(axis=0))
        reach = self.reference.reach[sent].max(axis=0)
        return Hull(normals / lengths, (reach + _SLACK) / lengths)

    @cached_property
    def _table(self) -> tuple[Floats, float, Floats]:
        """The map on a lattice of the space: its corner, its step, and (..., 1 + d) values.

        They are the share that moves, and where to.
        """
        X, width = self.source, _width(self.source)
        axes, reach = X.places.shape[1], np.ptp(X.places, axis=0)
        step = width / _STEPS
        low = X.places.min(axis=0) - 2.0 * step
        size = np.ceil(reach / step).astype(int) + 5
        nodes = low + step * np.indices(size).reshape(axes, -1).T
        centres, moments = _cells(X, self.result.plan, self.reference, step)
        values = np.empty((len(nodes), 1 + axes))
        for start in range(0, len(nodes), count := max(1, _PAIRS // len(centres))):
            part = slice(start, start + count)
            values[part] = _fit(nodes[part], centres, moments, width)
        return low, step, values.reshape(*size, -1)


@dataclass(frozen=True, eq=False, repr=False)
class SampleMap(ColorMap):
    """A plan between two sets of samples as a map of all samples, as `ColorMap` is one of colours.

    Columns are taken as they are, and there may be any number of them. Where there are many samples
    means of those that are near each other stand for them. The new sample is a mixture of the old
    one and of one within the range of what the target sends.

    Parameters
    ----------
    source, reference : Palette
        Of k and l samples, from 0 to 1 where the columns are from `low` on, in units of `unit`.
    result : Result
        The plan between them, (k, l), with its certificate.
    knee : float, optional
        The share of the samples at the knee of the price, if that is how the mass was chosen.
    low : array of shape (d,), optional
        The least value of each column.
    unit : float, default=1
        The largest range of a column.
    """

    low: Floats | float = 0.0
    unit: float = 1.0

    @property
    def moved(self) -> Floats:
        """Where the samples of the source went, (k, d)."""
        moved: Floats = self.low + self.unit * super().moved
        return moved

    def __call__(self, samples: Any) -> Floats:
        """Return new samples (n, d)."""
        given = as_samples(samples, "samples", self.source.places.shape[1])
        if not self.result.plan.nnz:
            return given
        points = (given - self.low) / self.unit
        (centres, moments), width = self._moments, _width(self.source)
        _ = self._sent  # before threads ask for them

        def moved(start: int, stop: int) -> Floats:
            old = points[start:stop]
            found = _fit(old, centres, moments, width)
            step: Floats = found[:, :1] * (self._sent.nearest(found[:, 1:]) - old)
            return step

        count = max(1, _PAIRS // max(len(centres), moments.shape[1]))
        steps = map_rows(moved, len(points), len(centres), count)
        new: Floats = given + self.unit * np.concatenate(steps)
        return new

    @cached_property
    def _moments(self) -> tuple[Floats, Floats]:
        """What the plan does to the cells of near samples; see `_cells`."""
        return _cells(self.source, self.result.plan, self.reference, _width(self.source) / _STEPS)


def _width(X: Palette) -> float:
    """The width of the kernel."""
    around = X.places - X.masses @ X.places
    spread = math.sqrt(X.masses @ (around**2).sum(axis=1))
    unit = UNIT[X.space]
    least = max(_OF_RANGE * float(np.ptp(X.places, axis=0).max()), _LEAST * unit)
    return max(min(_OF_SPREAD * spread, _WIDTH * unit), least)


def _spline(table: Floats, place: Floats) -> Floats:
    """Values at places of a lattice by its quadratic splines, whose weights are positive."""
    axes = place.shape[1]
    strides = np.array([math.prod(table.shape[k + 1 : -1]) for k in range(axes)])
    base = np.rint(place)
    rest = place - base
    weights = 0.5 * (0.5 - rest) ** 2, 0.75 - rest**2, 0.5 * (0.5 + rest) ** 2
    first, rows = base.astype(np.int64) @ strides, table.reshape(-1, table.shape[-1])
    total = np.zeros((len(place), rows.shape[1]))
    for offset in product((-1, 0, 1), repeat=axes):
        weight = math.prod(weights[1 + move][:, k] for k, move in enumerate(offset))
        total += np.asarray(weight)[:, None] * rows[first + np.dot(offset, strides)]
    return total


def as_colors(value: Any, name: str) -> Floats:
    """Return sRGB colours in 0 .. 1, (n, 3), from such floats, or uint8, or uint16."""
    colors = as_real(value, name)
    if colors.ndim != 2 or colors.shape[1] != 3 or not colors.size:
        raise InvalidProblemError(
            f"`{name}` has shape {colors.shape}; pass colours of shape (n, 3), red, green and blue."
        )
    levels = narrow(colors, name)
    return levels / 255.0 if colors.dtype.kind != "f" else colors.astype(np.float64)


def as_samples(value: Any, name: str, columns: int | None = None) -> Floats:
    """Return samples (n, columns) of finite numbers, at least one."""
    samples = as_array(value, name, 2)
    if not samples.size or columns not in (None, samples.shape[1]):
        raise InvalidProblemError(
            f"`{name}` has shape {samples.shape}; pass samples of shape (n, {columns or 'd'})."
        )
    return samples


def _cells(X: Palette, plan: Plan, Y: Palette, step: float) -> tuple[Floats, Floats]:
    """Cells of near colours: the mean of each, and sums.

    They are of its mass and of what moves, and of what moves times 1, x, z, x x' and z x', where x
    is a colour and z the mean of where it goes. The latter are divided by the root of the mass: a
    cell of much mass does not overrule what is known of colours further off, and one of hardly any
    counts for little.
    """
    x, sent = X.places, plan.row_sums()
    axes, safe = x.shape[1], np.where(sent > 0.0, sent, 1.0)[:, None]
    z = (plan @ Y.places) / safe
    _, cell = np.unique(np.floor(x / step), axis=0, return_inverse=True)
    products = [(v[:, :, None] * x[:, None, :]).reshape(-1, axes**2) for v in (x, z)]
    moving = np.column_stack((np.ones(X.size), x, z, *products)) * sent[:, None]
    columns = np.column_stack((x * X.masses[:, None], X.masses, moving))
    columns_of_cells = [np.bincount(cell.ravel(), column) for column in columns.T]
    places, mass, sums = np.split(np.stack(columns_of_cells, axis=1), (axes, axes + 1), axis=1)
    return places / mass, np.hstack((mass, sums[:, :1], sums / np.sqrt(mass)))


def _fit(nodes: Floats, centres: Floats, moments: Floats, width: float) -> Floats:
    """The share that moves at each node, and where to."""
    axes = nodes.shape[1]
    distance = (nodes**2).sum(axis=1)[:, None] - 2.0 * nodes @ centres.T
    distance += (centres**2).sum(axis=1)

    def sums(wide: float, cells: Any, columns: Any) -> Floats:
        past = distance[:, cells] - distance[:, cells].min(axis=1, keepdims=True)
        total: Floats = np.exp(-0.5 / wide**2 * past) @ moments[cells, columns]
        return total

    mass, moving = sums(_WIDER * width, slice(None), slice(2)).T
    near = sums(width, moments[:, 1] > 0.0, slice(2, None))
    means = near[:, 1:] / near[:, :1]
    x, z, xx, zx = np.split(means, np.cumsum((axes, axes, axes**2)), axis=1)
    shape, ridge = (-1, axes, axes), _RIDGE * width**2 * np.eye(axes)
    Sxx = xx.reshape(shape) - x[:, :, None] * x[:, None, :] + ridge
    Szx = zx.reshape(shape) - z[:, :, None] * x[:, None, :] + ridge
    image = z + (Szx @ np.linalg.solve(Sxx, (nodes - x)[:, :, None]))[:, :, 0]
    return np.column_stack((moving / mass, image))
