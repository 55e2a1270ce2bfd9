"""Two photographs as colours with masses, and what a plan between these makes of the first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from quot.applications.palette import distinct_colors, make_palette
from quot.reproduce.aspot.clouds import squared
from quot.reproduce.experiment import Case, Lost

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

LOST = (
    Lost("the two pictures, made by a machine", "photographs of the sea, by day and at sunset"),
    Lost("number of colours", "800, which is known at second hand"),
    Lost("mass s that moves", "0.7 of all"),
    Lost("accuracy eps, temperature gamma", "0.02 of the largest cost; gamma = eps / (4 log n)"),
    Lost("what a colour becomes", "its mean partner, as far as its mass moves; the rest stays"),
)


@dataclass(frozen=True, eq=False)
class Pair:
    """A picture, another that gives it colours, and the problem between them.

    Parameters
    ----------
    image, other : uint8 arrays of shape (height, width, 3)
    colors, others : arrays of shape (n, 3), (m, 3)
        RGB in 0 .. 1, by k-means.
    label : int array of shape (height, width)
        Which colour a pixel of the image is nearest to.
    a, b : arrays of shape (n,), (m,)
        Masses; the larger total is 1.
    C : array of shape (n, m)
        Squared distances, the largest 1.
    """

    image: Bytes
    other: Bytes
    colors: Floats
    others: Floats
    label: NDArray[np.int64]
    a: Floats
    b: Floats
    C: Floats

    @classmethod
    def of(cls, case: Case) -> Pair:
        """Read both at ``case["pixels"]``, and cluster them to ``case["colors"]``."""
        image, other = case.data.photographs(case["pixels"])
        one, two = (
            make_palette(*distinct_colors(each)[:2], case["colors"], "rgb", case.rng(key))
            for key, each in enumerate((image, other))
        )
        label = cKDTree(one.rgb).query(image / 255.0)[1]
        C = squared(one.rgb, two.rgb)
        return cls(image, other, one.rgb, two.rgb, label, one.masses, two.masses, C)

    def painted(self, plan: Floats) -> Bytes:
        """Return the image with every colour at the mean of where its mass goes."""
        stays = (self.a - plan.sum(axis=1))[:, None]
        new = (plan @ self.others + stays * self.colors) / self.a[:, None]
        bytes_of: Bytes = np.rint(255.0 * np.clip(new, 0.0, 1.0)).astype(np.uint8)
        return bytes_of[self.label]


def sharpness(image: Bytes) -> float:
    """Return by how much neighbouring pixels differ, on average, of 255."""
    grey = image.astype(float).mean(axis=2)
    return float(np.mean([np.abs(np.diff(grey, axis=k)).mean() for k in (0, 1)]))
