"""Colours of two photographs as histograms, and the first with the colours of the second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from quot.applications.spaces import from_space, to_space
from quot.reproduce.experiment import Case, Lost
from quot.reproduce.qpot.sweeps import Floats, Problem

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]

LOST = (
    Lost("which photographs", "two at hand, cut to squares and made smaller"),
    Lost(
        "bins of U and V", "a square grid over the colours of both photographs, `grid` bins a side"
    ),
    Lost("LUV", "chromaticity U = G/L, V = B/L with L = R + G + B, as its formulas have it"),
    Lost("L = 0", "black has the chromaticity of grey"),
    Lost("what part of a colour that does not move becomes", "it stays as it is"),
    Lost("signs of the exponents of ε", "from 10^-0.2 to 10^-6, in steps of 10^-0.2"),
)


@dataclass(frozen=True, eq=False)
class Colors:
    """Two photographs, and their colours in bins.

    Parameters
    ----------
    source, reference : uint8 arrays of shape (size, size, 3)
    problem : Problem
    centres : array of shape (k * k, 2)
        Chromaticity of each bin.
    where : int array of shape (size * size,)
        The bin of each pixel of the source.
    """

    source: Bytes
    reference: Bytes
    problem: Problem
    centres: Floats
    where: Ints

    def recolored(self, plan: Floats) -> Bytes:
        """Return the source with what a plan makes of its colours.

        A bin of mass r that sends q moves to ``(sum_j X_ij b_j + (r - q) a_i) / r``: what does not
        move stays. A pixel keeps its place in its bin, and its brightness.
        """
        sent = plan.sum(axis=1)
        kept = self.problem.a - sent
        moved = (plan @ self.centres + kept[:, None] * self.centres) / self.problem.a[:, None]
        points = to_space(self.source.reshape(-1, 3) / 255.0, "chromaticity")
        points[:, :2] += (moved - self.centres)[self.where]
        rgb = np.clip(from_space(points, "chromaticity"), 0.0, 1.0)
        return np.rint(255 * rgb).astype(np.uint8).reshape(self.source.shape)


def colors(case: Case) -> Colors:
    """Read two photographs; bins are a grid over the chromaticities of both."""
    source, reference = case.data.photographs(case["size"])
    one, two = (
        to_space(image.reshape(-1, 3) / 255.0, "chromaticity")[:, :2]
        for image in (source, reference)
    )
    low = np.minimum(one.min(axis=0), two.min(axis=0))
    high = np.maximum(one.max(axis=0), two.max(axis=0))
    k = case["grid"]

    def bins(points: Floats) -> Ints:
        cell = np.minimum((k * (points - low) / (high - low)).astype(np.int64), k - 1)
        where: Ints = cell[:, 0] * k + cell[:, 1]
        return where

    def shares(where: Ints) -> Floats:
        found: Floats = np.bincount(where, minlength=k * k) / where.size + case["smoothing"]
        found /= found.sum()
        return found

    places = np.indices((k, k)).reshape(2, -1).T
    centres = low + (places + 0.5) / k * (high - low)
    C = cdist(centres, centres, "sqeuclidean")
    where = bins(one)
    problem = Problem(C / C.max(), shares(where), shares(bins(two)))
    return Colors(source, reference, problem, centres, where)
