"""Smoothing a picture where it is flat, and never across its edges."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# Steps between neighbours, in units of CIELAB, that are no edge, and what is one.
_NOISE, _EDGE = 1.5, 4.0
_ROUNDS = 3


def smooth_flat(values: Floats, lab: Floats, seen: Bools, radius: float) -> Floats:
    """Return the values of every pixel averaged over those that no edge parts from it.

    A recursive filter in two directions, by turns along rows and columns (the domain transform of
    Gastal and Oliveira): a neighbour counts less with the steps of colour on the way to it, and
    next to nothing beyond an edge.

    Parameters
    ----------
    values : array of shape (height, width, channels)
    lab : array of shape (height, width, 3)
        The picture, in CIELAB.
    seen : bool array of shape (height, width)
        Pixels that are not fully transparent; between them and the others is an edge.
    radius : float
        Standard deviation of the filter in pixels where there is no edge; 0 changes nothing.

    Returns
    -------
    array of shape (height, width, channels)
    """
    if radius == 0:
        return values
    guide = np.dstack((lab, 1e3 * seen))
    across, down = (_steps(guide, axis, radius) for axis in (1, 0))
    out = values.transpose(1, 0, 2).copy()
    for k in range(_ROUNDS):
        scale = radius * np.sqrt(3.0) * 2.0 ** (_ROUNDS - 1 - k) / np.sqrt(4.0**_ROUNDS - 1.0)
        for steps in (across, down):
            _run(out, np.exp(-np.sqrt(2.0) / scale * steps)[..., None])
            out = np.ascontiguousarray(out.transpose(1, 0, 2))
    return out.transpose(1, 0, 2)


def _steps(guide: Floats, axis: int, radius: float) -> Floats:
    """Distance from each pixel to the next, pixels along the first axis."""
    step = np.sqrt((np.diff(guide, axis=axis) ** 2).sum(axis=2))
    distance: Floats = 1.0 + radius / _EDGE * np.maximum(step - _NOISE, 0.0)
    return distance.T if axis == 1 else distance


def _run(out: Floats, weight: Floats) -> None:
    """Average along the first axis, there and back, in place."""
    for i in range(1, len(out)):
        out[i] += weight[i - 1] * (out[i - 1] - out[i])
    for i in range(len(out) - 2, -1, -1):
        out[i] += weight[i] * (out[i + 1] - out[i])
