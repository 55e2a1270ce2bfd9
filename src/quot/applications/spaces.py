"""Colour spaces: sRGB, CIELAB and chromaticity, both ways, in double precision."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quot.validation import check_option

Floats = NDArray[np.float64]

SPACES = ("lab", "rgb", "chromaticity")
# Coordinates in which colours are compared and moved; those after them stay. Without a space, of
# samples that are no colours, all.
AXES: dict[str | None, int | None] = {"lab": 3, "rgb": 3, "chromaticity": 2, None: None}
# About the distance from black to white, or between two far hues.
UNIT: dict[str | None, float] = {"lab": 100.0, "rgb": 1.0, "chromaticity": 0.5, None: 1.0}

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


def to_space(rgb: Floats, space: str | None) -> Floats:
    """Return sRGB colours (..., 3) in 0 .. 1 as coordinates of the space.

    Parameters
    ----------
    rgb : array of shape (..., 3)
        Colours with the transfer curve of sRGB, in 0 .. 1.
    space : {"lab", "rgb", "chromaticity"}, or None
        CIELAB (D65; L in 0 .. 100), where distance is close to what the eye sees; sRGB itself; or
        ``(G / L, B / L, L)`` with ``L = R + G + B``, of which only the first two count. Black has
        the chromaticity of grey. None is for samples of any columns: they are their own.

    Returns
    -------
    array of shape (..., 3)
    """
    if space is None:
        return rgb
    check_option(space, "space", SPACES)
    if space == "lab":
        return rgb_to_lab(rgb)
    points = np.array(rgb, dtype=np.float64)
    if space == "chromaticity":
        total = points.sum(axis=-1, keepdims=True)
        parts = np.divide(points, total, out=np.full_like(points, 1 / 3), where=total > 0.0)
        points = np.concatenate((parts[..., 1:], total), axis=-1)
    return points


def from_space(points: Floats, space: str | None) -> Floats:
    """Return coordinates of the space as sRGB; outside 0 .. 1 where no screen can show them."""
    if space is None:
        return points
    check_option(space, "space", SPACES)
    if space == "lab":
        return lab_to_rgb(points)
    rgb = np.array(points, dtype=np.float64)
    if space == "chromaticity":
        green, blue, total = np.moveaxis(rgb, -1, 0)
        rgb = np.stack(((1.0 - green - blue) * total, green * total, blue * total), axis=-1)
    return rgb


def to_mix(points: Floats, space: str | None) -> Floats:
    """Return coordinates of the space as those in which colours mix, (..., 2 or 3).

    They are sRGB, or chromaticity where brightness stays: as mixed light goes there.
    """
    return points[..., :2] if space == "chromaticity" else from_space(points, space)


def from_mix(mix: Floats, points: Floats, space: str | None) -> Floats:
    """Return mixed colours as sRGB, with what is not mixed as in the points."""
    if space == "chromaticity":
        return from_space(np.concatenate((mix, points[..., 2:]), axis=-1), space)
    return mix


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
