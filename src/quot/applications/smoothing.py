"""Smoothing a field of colour changes over a picture, but not across its edges."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

Floats = NDArray[np.float64]

# Contrast of the picture (standard deviation in a window, 0 .. 1) below which it has no edge.
_CONTRAST = 0.04


def smooth_change(change: Floats, picture: Floats, radius: int) -> Floats:
    """Return the change of every pixel smoothed by a guided filter (He, Sun and Tang).

    In every window the change is fitted by least squares as a multiple of the picture's brightness
    plus a constant; a pixel takes the mean of the fits of all windows it lies in. Where the picture
    is nearly flat, as in a sky, that is a mean over the window, and what a steep map of colours has
    made of the picture's noise and compression is gone. Across an edge nothing is mixed.

    Parameters
    ----------
    change : array of shape (height, width, 3)
        New colour less old colour, 0 .. 1.
    picture : array of shape (height, width, 3)
        The old colours, 0 .. 1.
    radius : int
        A window reaches so many pixels in each direction; 0 changes nothing.

    Returns
    -------
    array of shape (height, width, 3)
    """
    if radius == 0:
        return change

    def mean(values: Floats) -> Floats:
        smoothed: Floats = uniform_filter(values, 2 * radius + 1, mode="nearest")
        return smoothed

    guide = picture.mean(axis=2)
    level = mean(guide)
    variance = np.maximum(mean(guide * guide) - level * level, 0.0)
    out = np.empty_like(change)
    for channel in range(change.shape[2]):
        values = change[..., channel]
        centre = mean(values)
        slope = (mean(values * guide) - centre * level) / (variance + _CONTRAST**2)
        out[..., channel] = mean(slope) * guide + mean(centre - slope * level)
    return out
