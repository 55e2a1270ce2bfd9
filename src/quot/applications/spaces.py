"""Colour spaces: sRGB and CIELAB, both ways, in double precision."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quot.validation import check_option

Floats = NDArray[np.float64]

SPACES = ("lab", "rgb")

# Linear sRGB to CIE XYZ for the illuminant D65; a row sums to the white point.
_RGB_TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
_XYZ_TO_RGB = np.linalg.inv(_RGB_TO_XYZ)
_WHITE = _RGB_TO_XYZ.sum(axis=1)
_DELTA = 6 / 29


def to_space(rgb: Floats, space: str) -> Floats:
    """Return sRGB colours (..., 3) in 0 .. 1 as coordinates of the space.

    Parameters
    ----------
    rgb : array of shape (..., 3)
        Colours with the transfer curve of sRGB, in 0 .. 1.
    space : {"lab", "rgb"}
        CIELAB (D65; L in 0 .. 100), where distance is close to what the eye sees, or sRGB itself.

    Returns
    -------
    array of shape (..., 3)
    """
    check_option(space, "space", SPACES)
    return rgb_to_lab(rgb) if space == "lab" else np.array(rgb, dtype=np.float64)


def from_space(points: Floats, space: str) -> Floats:
    """Return coordinates of the space as sRGB; outside 0 .. 1 where no screen can show them."""
    check_option(space, "space", SPACES)
    return lab_to_rgb(points) if space == "lab" else np.array(points, dtype=np.float64)


def rgb_to_lab(rgb: Floats) -> Floats:
    """Return sRGB colours (..., 3) in 0 .. 1 as CIELAB (D65); white is (100, 0, 0)."""
    rgb = np.asarray(rgb, dtype=np.float64)
    linear = np.where(
        rgb <= 0.04045, rgb / 12.92, ((np.maximum(rgb, 0.04045) + 0.055) / 1.055) ** 2.4
    )
    t = linear @ _RGB_TO_XYZ.T / _WHITE
    root = np.where(t > _DELTA**3, np.cbrt(np.maximum(t, _DELTA**3)), t / (3 * _DELTA**2) + 4 / 29)
    x, y, z = root[..., 0], root[..., 1], root[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def lab_to_rgb(lab: Floats) -> Floats:
    """Return CIELAB (D65) as sRGB (..., 3); outside 0 .. 1 where no screen can show the colour."""
    lab = np.asarray(lab, dtype=np.float64)
    y = (lab[..., 0] + 16) / 116
    root = np.stack([y + lab[..., 1] / 500, y, y - lab[..., 2] / 200], axis=-1)
    t = np.where(root > _DELTA, root**3, 3 * _DELTA**2 * (root - 4 / 29))
    linear = (t * _WHITE) @ _XYZ_TO_RGB.T
    bright = 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
    rgb: Floats = np.where(linear <= 0.0031308, 12.92 * linear, bright)
    return rgb
