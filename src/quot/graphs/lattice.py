"""Graphs on grids: neighbours along the axes, and across if wanted."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.exceptions import InvalidProblemError
from quot.graph import Graph
from quot.order import by_name
from quot.validation import as_real, axes_of, check_count, check_flag, check_positive, received

Floats = NDArray[np.float64]


@by_name("spacing")
def grid(shape: Sequence[int], *, spacing: float = 1.0, diagonals: bool = False) -> Graph:
    """Return the graph of a grid, nodes in row-major order.

    Parameters
    ----------
    shape : sequence of int
        Nodes along each axis.
    spacing : float, default=1
        Distance of neighbours along an axis.
    diagonals : bool, default=False
        Whether nodes that differ by one along several axes are neighbours, too.

    Returns
    -------
    Graph

    Raises
    ------
    InvalidProblemError
        If an argument is not what is described above.

    Examples
    --------
    >>> import quot
    >>> quot.graphs.grid((3, 4))
    Graph(12 nodes, 17 edges)
    """
    if axes_of(shape, "shape") != 1:
        raise InvalidProblemError(
            f"`shape` must be the number of nodes along each axis, as (3, 4); got "
            f"{received(shape)}."
        )
    sizes = tuple(check_count(size, "shape") for size in shape)
    spacing, diagonals = check_positive(spacing, "spacing"), check_flag(diagonals, "diagonals")
    return _lattice(np.ones(sizes), spacing, diagonals=diagonals)


@by_name("spacing")
def from_image(image: Any, *, spacing: float = 1.0, diagonals: bool = False) -> Graph:
    """Return the graph of the pixels of an image whose values say how hard it is to pass.

    An edge is as long as the distance of its two pixels times the mean of their values; a pixel of
    value inf cannot be passed and has no edges.

    Parameters
    ----------
    image : array of shape (height, width) or of more axes
        Values >= 0, or inf.
    spacing : float, default=1
        Distance of neighbours along an axis.
    diagonals : bool, default=False
        Whether pixels that meet at a corner are neighbours, too.

    Returns
    -------
    Graph

    Raises
    ------
    InvalidProblemError
        If there is no pixel, or one is negative or NaN.

    Examples
    --------
    >>> import numpy as np, quot
    >>> quot.graphs.from_image([[1.0, 1.0], [3.0, np.inf]]).lengths.tolist()
    [1.0, 2.0]
    """
    values = as_real(image, "image").astype(np.float64)
    if values.ndim == 0 or values.size == 0:
        raise InvalidProblemError(f"`image` has shape {values.shape}, so there are no pixels.")
    if not (values >= 0.0).all():
        raise InvalidProblemError(
            f"`image` must not be negative or NaN; {int((~(values >= 0)).sum())} pixels are. "
            "Use inf for a pixel that cannot be passed."
        )
    spacing, diagonals = check_positive(spacing, "spacing"), check_flag(diagonals, "diagonals")
    return _lattice(values, spacing, diagonals=diagonals)


def _lattice(values: Floats, spacing: float, *, diagonals: bool) -> Graph:
    index = np.arange(values.size).reshape(values.shape)
    pairs, lengths = [], []
    for step in itertools.product((-1, 0, 1), repeat=values.ndim):
        axes = np.count_nonzero(step)
        if step <= (0,) * values.ndim or (axes > 1 and not diagonals):
            continue  # the other half are the same edges
        here = tuple(
            slice(max(0, -s), size - max(0, s)) for s, size in zip(step, values.shape, strict=True)
        )
        there = tuple(
            slice(max(0, s), size - max(0, -s)) for s, size in zip(step, values.shape, strict=True)
        )
        between = 0.5 * (values[here] + values[there]).ravel()
        open_ = np.isfinite(between)
        pairs.append(np.stack((index[here].ravel(), index[there].ravel()), axis=1)[open_])
        lengths.append(spacing * np.sqrt(axes) * between[open_])
    places = np.stack(np.unravel_index(np.arange(values.size), values.shape), axis=1)
    positions = spacing * places.astype(np.float64)
    return Graph(values.size, np.concatenate(pairs), np.concatenate(lengths), positions=positions)
