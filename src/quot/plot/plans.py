"""Pictures of plans: as a matrix, and as lines between points."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from quot.costs import PointCost
from quot.coupling import THRESHOLD, Coupling
from quot.exceptions import InvalidProblemError, MassLostWarning
from quot.order import by_name
from quot.plan import Plan, as_coupling
from quot.plot.canvas import (
    FAINT,
    INK,
    SOURCE,
    SPINE,
    TARGET,
    axes_of,
    need_matplotlib,
    new_figure,
)
from quot.result import Result
from quot.validation import as_array, as_number, check_count, check_flag, check_positive

Floats = NDArray[np.float64]

# What carries nothing, and from little to much.
_NOTHING, _MASS = "white", ("#c6dcec", "#0072b2", "#00243a")
# Inches.
_SIDE, _BAR = 5.0, 1.0
# Beyond this ratio of its sides a matrix is drawn with cells that are no squares.
_LONG = 4.0
# The faintest line: its width, in points, and how much of its colour it has; and the strongest.
_THIN, _FAINTEST, _STRONGEST = 0.4, 0.15, 0.8
# Lines of more mass than this part of them are all the strongest.
_STRONG = 0.9
# The area that all points of one side take, of the axes, in points^2, and the area of one.
_AREA, _LARGEST, _SMALLEST = 8_000.0, 42.0, 2.0


@by_name("values")
def plan(
    plan: Any,
    ax: Any = None,
    *,
    values: bool = False,
    threshold: float = THRESHOLD,
    cells: int = 400,
) -> Any:
    """Draw a plan as the matrix it is: blue where a pair carries mass, white where it does not.

    Rows are numbered from the top, as in print. Of a plan with more rows or columns than `cells`
    neighbours share a cell; it is blue if any of its pairs carries mass, so that no line is lost.
    Neighbouring rows should be neighbours in what they stand for: sort them first.

    Parameters
    ----------
    plan : Result, Plan, GibbsPlan, or array of shape (n, m)
        An array may be sparse; it may come from elsewhere.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.
    values : bool, default=False
        Whether to show how much a cell carries, with a scale at the right.
    threshold : float, default=1e-10
        Entries at or below it count as nothing, as in `Plan.sparsity`.
    cells : int, default=400
        Cells of the picture along a side, at most.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InvalidProblemError
        If `plan` is no plan, or has an entry that is no number.
    MissingDependencyError
        If matplotlib is not installed.
    """
    drawn = _coupling(plan)
    threshold = as_number(threshold, "threshold")
    cells, values = check_count(cells, "cells"), check_flag(values, "values")
    entries = _entries(drawn, threshold)
    need_matplotlib()
    from matplotlib.colors import LinearSegmentedColormap

    n, m = drawn.shape
    picture = _binned(entries, cells, adds=values)
    if ax is None:
        ax = new_figure(_SIDE + _BAR * values, _SIDE, "constrained").add_subplot()
    (ax,) = axes_of(ax, 1, "one")
    shades = LinearSegmentedColormap.from_list("mass", _MASS if values else (_NOTHING, _MASS[1]))
    image = ax.imshow(
        np.ma.masked_equal(picture, 0.0) if values else picture,
        cmap=shades.with_extremes(bad=_NOTHING),
        vmin=0.0,
        vmax=float(picture.max(initial=0.0)) or 1.0,
        extent=(-0.5, m - 0.5, n - 0.5, -0.5),
        aspect="equal" if max(n, m) <= _LONG * min(n, m) else "auto",
        interpolation_stage="rgba",
    )
    _matrix_axes(ax, 100.0 * drawn.sparsity_at(threshold))
    if values:
        bar = ax.figure.colorbar(image, ax=ax, shrink=0.8)
        bar.outline.set_visible(False)
        bar.ax.tick_params(colors=FAINT, labelsize=9, length=0)
        bar.set_label("mass" if picture.shape == (n, m) else "mass in a cell", color=INK)
    return ax


@by_name("X")
def lines(
    plan: Any,
    ax: Any = None,
    *,
    X: Any = None,
    Y: Any = None,
    most: int = 1000,
    width: float = 2.0,
) -> Any:
    """Draw a plan between points in the plane: a line for each pair, stronger for more mass.

    Rows are orange dots, columns blue squares, and those that send or receive nothing hollow. The
    tenth of the lines with most mass are equally strong. Of a plan with more entries than `most`
    some are drawn: going through the plan row by row, those in which another `most`-th part of the
    mass is reached. So lines are dense where much moves.

    Parameters
    ----------
    plan : Result, Plan, GibbsPlan, or array of shape (n, m)
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.
    X, Y : array of shape (n, 2), (m, 2), optional
        Where rows and columns are. By default the points of the problem, if `plan` is the result
        of one of points in the plane; of others two coordinates have to be chosen, as those of a
        principal component analysis.
    most : int, default=1000
        Lines to draw, at most.
    width : float, default=2
        Of the strongest line, in points.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InvalidProblemError
        If `plan` is no plan, or points are missing, not in the plane, or not one a row and column.
    MissingDependencyError
        If matplotlib is not installed.
    """
    drawn = _coupling(plan)
    most, width = check_count(most, "most", 0), check_positive(width, "width")
    where = _points(X, Y, plan, drawn.shape)
    entries = _entries(drawn, THRESHOLD)
    need_matplotlib()
    from matplotlib.collections import LineCollection
    from matplotlib.colors import to_rgb

    chosen = _thinned(entries.values, most)
    order = chosen[np.argsort(entries.values[chosen], kind="stable")]  # strong lines on top
    values = entries.values[order]
    if ax is None:
        ax = new_figure(_SIDE + _BAR, _SIDE, "constrained").add_subplot()
    (ax,) = axes_of(ax, 1, "one")
    most_mass = float(np.quantile(values, _STRONG)) if values.size else 1.0
    strength = np.minimum(values / most_mass, 1.0)
    ends = np.stack((where[0][entries.rows[order]], where[1][entries.cols[order]]), axis=1)
    shades = np.empty((values.size, 4))
    shades[:, :3] = to_rgb(INK)
    shades[:, 3] = _FAINTEST + (_STRONGEST - _FAINTEST) * strength
    ax.add_collection(
        LineCollection(
            list(ends),
            colors=shades,
            linewidths=np.maximum(width * strength, _THIN),
            rasterized=True,
            zorder=1.5,
        )
    )
    for points, mark, color, moved in (
        (where[0], "o", SOURCE, drawn.row_sums()),
        (where[1], "s", TARGET, drawn.col_sums()),
    ):
        _dots(ax, points, mark, color, moved > 0.0)
    ax.set_aspect("equal", adjustable="datalim")
    ax.set_axis_off()
    count = f"{order.size:,} of {entries.nnz:,}" if order.size < entries.nnz else f"{order.size:,}"
    title = f"{count} pairs, which carry {entries.total:.4g}"
    ax.set_title(title, loc="left", color=INK, fontsize=10.5)
    return ax


# --- what is drawn ---------------------------------------------------------------------------


def _coupling(given: Any) -> Coupling:
    """The plan of what is given."""
    found: Any = given.plan if isinstance(given, Result) else given
    if not isinstance(found, Coupling):
        if not (sp.issparse(found) or hasattr(found, "__array__") or isinstance(found, list)):
            raise InvalidProblemError(
                "`plan` must be a result of transport, its plan or an array of shape (n, m); got "
                f"{type(given).__name__}. A flow on a graph is drawn by `quot.plot.flow`."
            )
        found = as_coupling(found, "plan")
    if 0 in found.shape:
        raise InvalidProblemError(
            f"`plan` has shape {found.shape}, and nothing to draw; pass one with rows and columns."
        )
    coupling: Coupling = found
    return coupling


def _entries(drawn: Coupling, threshold: float) -> Plan:
    """The entries beyond a threshold, whatever they add up to."""
    if isinstance(drawn, Plan):
        if not np.isfinite(drawn.values).all():
            raise InvalidProblemError(
                "`plan` has entries that are NaN or infinite; pass one whose solve went well."
            )
        return drawn.kept(drawn.values > threshold)
    entropic: Any = drawn
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MassLostWarning)
        return Plan.from_sparse(entropic.to_csr(threshold))


def _binned(entries: Plan, cells: int, *, adds: bool) -> Floats:
    """The matrix with so many rows and columns at most: sums, or 1 where there is something."""
    shape = n, m = entries.shape
    h, w = (min(size, cells) for size in shape)
    rows = entries.rows.astype(np.int64) * h // n
    cols = entries.cols.astype(np.int64) * w // m
    weights = entries.values if adds else None
    picture = np.bincount(rows * w + cols, weights, minlength=h * w).reshape(h, w)
    return picture.astype(np.float64) if adds else np.minimum(picture, 1).astype(np.float64)


def _thinned(values: Floats, most: int) -> NDArray[np.intp]:
    """Which entries to draw: all, or those where the sum of all before reaches the next part."""
    if values.size <= most:
        return np.arange(values.size)
    reached = np.cumsum(values)
    parts = reached[-1] * (np.arange(most) + 0.5) / max(most, 1)
    return np.unique(np.searchsorted(reached, parts))


def _points(X: Any, Y: Any, given: Any, shape: tuple[int, int]) -> tuple[Floats, Floats]:
    """Where rows and columns are, in the plane."""
    cost = given.problem.cost if isinstance(given, Result) else None
    own = (cost.X, cost.Y) if isinstance(cost, PointCost) else (None, None)
    found = []
    for points, of_problem, name, size in zip((X, Y), own, ("X", "Y"), shape, strict=True):
        if points is None and of_problem is None:
            raise InvalidProblemError(
                f"`plan` does not say where its points are; pass `{name}`, of shape ({size}, 2)."
            )
        where = as_array(of_problem if points is None else points, name, 2)
        if where.shape != (size, 2):
            raise InvalidProblemError(
                f"`{name}` must have shape ({size}, 2) to be drawn; got {where.shape}. Of points "
                f"of more coordinates choose two, as `{name}=points[:, :2]`."
            )
        found.append(where)
    return found[0], found[1]


# --- how it is drawn -------------------------------------------------------------------------


def _matrix_axes(ax: Any, sparsity: float) -> None:
    """Names, a quiet frame, and what part is white."""
    from matplotlib.ticker import MaxNLocator

    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(5, integer=True, steps=(1, 2, 5, 10)))
    ax.tick_params(colors=FAINT, labelsize=10, length=0)
    for spine in ax.spines.values():
        spine.set_color(SPINE)
    ax.set_xlabel("column", color=INK, fontsize=10)
    ax.set_ylabel("row", color=INK, fontsize=10)
    ax.set_title(f"sparsity {sparsity:.4g} %", loc="left", color=INK, fontsize=10.5)


def _dots(ax: Any, points: Floats, mark: str, color: str, is_full: NDArray[np.bool_]) -> None:
    """Points of one side: full, or hollow above them."""
    area = float(np.clip(_AREA / len(points), _SMALLEST, _LARGEST))
    looks = {"s": area, "marker": mark, "linewidths": 0.9, "edgecolors": color, "zorder": 3.0}
    ax.scatter(*points[is_full].T, facecolors=color, rasterized=True, **looks)
    ax.scatter(*points[~is_full].T, facecolors="white", rasterized=True, **looks)
