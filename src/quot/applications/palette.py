"""Palettes: a picture as a few hundred colours with masses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from quot.applications.spaces import from_space, to_space
from quot.exceptions import InvalidProblemError

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]

# Colours that k-means looks at; the masses count every pixel.
_SAMPLE = 30_000
_ROUNDS = 30


@dataclass(frozen=True, eq=False)
class Palette:
    """Colours that stand for a picture.

    Parameters
    ----------
    points : array of shape (k, 3)
        Colours, as coordinates of the space.
    masses : array of shape (k,)
        Share of the pixels nearest to each; sums to 1.
    space : {"lab", "rgb"}
    """

    points: Floats
    masses: Floats
    space: str

    @property
    def size(self) -> int:
        """Number of colours."""
        return int(self.masses.size)

    @property
    def rgb(self) -> Floats:
        """The colours as sRGB in 0 .. 1, (k, 3)."""
        return np.clip(from_space(self.points, self.space), 0.0, 1.0)


def distinct_colors(image: Bytes) -> tuple[Floats, Ints, Ints]:
    """Return the distinct colours of a picture, how many pixels have each, and which each has.

    Returns
    -------
    rgb : array of shape (u, 3)
        sRGB in 0 .. 1.
    counts : int array of shape (u,)
        Pixels of each colour that are not fully transparent.
    where : int array of shape (height * width,)
    """
    pixels = image[..., :3].reshape(-1, 3).astype(np.int64)
    keys = (pixels[:, 0] << 16) | (pixels[:, 1] << 8) | pixels[:, 2]
    found, where = np.unique(keys, return_inverse=True)
    seen = where[image[..., 3].ravel() > 0] if image.shape[2] == 4 else where
    counts = np.bincount(seen, minlength=found.size)
    rgb = np.stack([found >> 16, (found >> 8) & 255, found & 255], axis=1) / 255.0
    return rgb, counts, where


def make_palette(
    rgb: Floats, counts: Ints, colors: int, space: str, rng: np.random.Generator
) -> Palette:
    """Return about `colors` colours by k-means in the space, each the mean of its pixels.

    Seeding is k-means++, on at most 30 000 of the distinct colours, drawn by their pixels; in the
    end every pixel counts. Sums run in one fixed order: the same seed gives the same bits on any
    number of threads.
    """
    if not counts.any():
        raise InvalidProblemError(
            "the picture is fully transparent and has no colours; pass one with visible pixels."
        )
    points, weights = to_space(rgb, space)[counts > 0], counts[counts > 0].astype(np.float64)
    sample = points
    sample_weights = weights
    if len(points) > _SAMPLE:
        chosen = rng.choice(
            len(points), _SAMPLE, replace=False, p=weights / weights.sum(), shuffle=False
        )
        sample, sample_weights = points[chosen], np.ones(_SAMPLE)
    centres = _lloyd(sample, sample_weights, _seeds(sample, sample_weights, colors, rng))
    centres, masses = _means(points, weights, centres)
    kept = masses > 0
    return Palette(centres[kept], masses[kept] / masses.sum(), space)


def _seeds(points: Floats, weights: Floats, k: int, rng: np.random.Generator) -> Floats:
    """Draw at most k distinct points, each with a chance in proportion to its squared distance."""
    chosen = [int(rng.choice(len(points), p=weights / weights.sum()))]
    nearest = np.full(len(points), np.inf)
    while len(chosen) < k:
        nearest = np.minimum(nearest, ((points - points[chosen[-1]]) ** 2).sum(axis=1))
        chance = np.cumsum(nearest * weights)
        if chance[-1] <= 0.0:
            break
        drawn = int(np.searchsorted(chance, rng.random() * chance[-1], side="right"))
        chosen.append(min(drawn, len(points) - 1))
    return points[chosen]


def _lloyd(points: Floats, weights: Floats, centres: Floats) -> Floats:
    """Move the centres to the means of the points nearest to them, until they stay."""
    for _ in range(_ROUNDS):
        moved, _ = _means(points, weights, centres)
        if np.allclose(moved, centres, rtol=0.0, atol=1e-6 * np.ptp(points)):
            break
        centres = moved
    return centres


def _means(points: Floats, weights: Floats, centres: Floats) -> tuple[Floats, Floats]:
    """Return the mean and the mass of the points nearest to each centre; empty ones stay."""
    label = cKDTree(centres).query(points)[1]
    masses = np.bincount(label, weights, minlength=len(centres)).astype(np.float64)
    sums = np.stack(
        [np.bincount(label, weights * points[:, k], minlength=len(centres)) for k in range(3)],
        axis=1,
    )
    means = centres.copy()
    np.divide(sums, masses[:, None], out=means, where=masses[:, None] > 0)
    return means, masses
