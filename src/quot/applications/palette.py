"""Palettes: a picture as a few hundred colours with masses."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from quot.applications.spaces import AXES, from_space, to_mix, to_space
from quot.exceptions import InvalidProblemError

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]

# Colours that k-means looks at; the masses count every pixel.
_SAMPLE = 30_000
_ROUNDS = 30
# With more axes than these, directions are the axes alone.
_CUBED = 3


@dataclass(frozen=True, eq=False, repr=False)
class Palette:
    """Colours that stand for a picture.

    Parameters
    ----------
    points : array of shape (k, 3)
        Colours, as coordinates of the space.
    masses : array of shape (k,)
        Share of the pixels nearest to each; sums to 1.
    reach : array of shape (k, r)
        How far the pixels nearest to each go in the `directions` of mixed colours.
    space : {"lab", "rgb", "chromaticity"}, or None
        None if they are no colours, but samples of any columns.
    """

    points: Floats
    masses: Floats
    reach: Floats
    space: str | None

    @property
    def places(self) -> Floats:
        """The coordinates that are compared and moved, (k, 2 or 3)."""
        return self.points[:, : AXES[self.space]]

    @property
    def size(self) -> int:
        """Number of colours."""
        return int(self.masses.size)

    @property
    def rgb(self) -> Floats:
        """The colours as sRGB in 0 .. 1, (k, 3)."""
        return np.clip(from_space(self.points, self.space), 0.0, 1.0)

    @property
    def counted(self) -> str:
        """How many colours, or samples, there are, in words."""
        return f"{self.size} {'samples' if self.space is None else f'colours, {self.space}'}"

    def __repr__(self) -> str:
        return f"Palette({self.counted})"


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


def directions(axes: int) -> Floats:
    """Return directions as columns, (axes, r): to a cube's parts, and one axis against the rest.

    Of more than three axes they are these, both ways.
    """
    if axes > _CUBED:
        return np.hstack((np.eye(axes), -np.eye(axes)))
    cube = [n for n in product((-1.0, 0.0, 1.0), repeat=axes) if any(n)]
    single = 3.0 * np.eye(axes) - 1.0
    return np.vstack((cube, single, -single)).T


def make_palette(
    rgb: Floats, counts: Ints, colors: int | None, space: str | None, rng: np.random.Generator
) -> Palette:
    """Return about `colors` colours by k-means in the space, each the mean of its pixels, or all.

    Seeding is k-means++, on at most 30 000 of the distinct colours, drawn by their pixels; in the
    end every pixel counts. Sums run in one fixed order: the same seed gives the same bits on any
    number of threads.
    """
    if not counts.any():
        raise InvalidProblemError(
            "the picture is fully transparent and has no colours; pass one with visible pixels."
        )
    points, weights = to_space(rgb[counts > 0], space), counts[counts > 0].astype(np.float64)
    return clustered(points, weights, space, colors, rng)[0]


def clustered(
    points: Floats,
    weights: Floats,
    space: str | None,
    colors: int | None,
    rng: np.random.Generator,
) -> tuple[Palette, Ints]:
    """Return a palette of points of the space, and which of its colours each is nearest to."""
    places = points[:, : AXES[space]]
    label = np.arange(len(points))
    if colors is not None and colors < len(points):
        sample, sample_weights = places, weights
        if len(points) > _SAMPLE:
            chosen = rng.choice(
                len(points), _SAMPLE, replace=False, p=weights / weights.sum(), shuffle=False
            )
            sample, sample_weights = places[chosen], np.ones(_SAMPLE)
        centres = _lloyd(sample, sample_weights, _seeds(sample, sample_weights, colors, rng))
        _, label = np.unique(cKDTree(centres).query(places)[1], return_inverse=True)
    means, masses = _means(points, weights, label, int(label.max()) + 1)
    along = to_mix(points, space) @ directions(places.shape[1])
    reach = np.full((masses.size, along.shape[1]), -np.inf)
    np.maximum.at(reach, label, along)
    return Palette(means, masses / masses.sum(), reach, space), label


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
        label = cKDTree(centres).query(points)[1]
        means, masses = _means(points, weights, label, len(centres))
        moved = np.where(masses[:, None] > 0, means, centres)
        if np.allclose(moved, centres, rtol=0.0, atol=1e-6 * np.ptp(points)):
            break
        centres = moved
    return centres


def _means(points: Floats, weights: Floats, label: Ints, k: int) -> tuple[Floats, Floats]:
    """Return the mean and the mass of the points with each label; nothing is at 0."""
    masses = np.bincount(label, weights, minlength=k).astype(np.float64)
    sums = np.stack([np.bincount(label, weights * x, minlength=k) for x in points.T], axis=1)
    return sums / np.where(masses > 0, masses, 1.0)[:, None], masses
