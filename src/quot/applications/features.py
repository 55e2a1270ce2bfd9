"""What a surface looks like around a point, however it is turned, and what looks alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

# Points that are described, and those that they are described by.
_KEYS, AROUND = 700, 4000
# Radii, for clouds of unit spread: of a normal, and of what is described.
_FLAT, _RADII = 0.2, (0.35, 0.65)
_BINS = 9
# Best partners of a point that are looked at.
_PARTNERS = 2
# Lengths between two points that differ by less than this fit; shorter ones say nothing.
_FITS, _SHORT = 0.08, 0.25


def describe(points: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return some points (k, 3), and what is around each (k, c), a set of histograms.

    Of pairs of a point p and one q around it, with normals n and m and the direction d from p to q:
    how n d, n m and m d are distributed, in balls of two sizes. The normal n is on the side of the
    surface where most of what is around lies, m on the side of n.
    """
    around = points
    tree = cKDTree(around)
    normals = _normals(around, tree)
    keys = np.sort(rng.choice(len(around), min(_KEYS, len(around)), replace=False))
    parts = []
    for radius in _RADII:
        p, q = _pairs(tree, around[keys], radius)
        p, q = p[keys[p] != q], q[keys[p] != q]
        d = around[q] - around[keys[p]]
        d /= np.maximum(np.linalg.norm(d, axis=1), 1e-12)[:, None]
        n, m = normals[keys[p]], normals[q]
        side = np.bincount(p, (n * d).sum(axis=1), minlength=keys.size)
        n = n * np.where(side < 0.0, -1.0, 1.0)[p][:, None]
        m = m * np.where((n * m).sum(axis=1) < 0.0, -1.0, 1.0)[:, None]
        for feature, low in (
            ((n * d).sum(axis=1), -1.0),
            ((n * m).sum(axis=1), 0.0),
            ((m * d).sum(axis=1), -1.0),
        ):
            parts.append(_histograms(p, (feature - low) / (1.0 - low), keys.size))
    return around[keys], np.sqrt(np.concatenate(parts, axis=1))


def matched(one: Floats, two: Floats) -> tuple[Ints, Ints]:
    """Return pairs of points that look alike: each with its best partners, both ways."""
    far = cdist(one, two)
    i = np.argsort(far, axis=1, kind="stable")[:, :_PARTNERS]
    j = np.argsort(far, axis=0, kind="stable")[:_PARTNERS].T
    first = np.concatenate((np.repeat(np.arange(len(one)), i.shape[1]), j.ravel()))
    second = np.concatenate((i.ravel(), np.repeat(np.arange(len(two)), j.shape[1])))
    pairs = np.unique(np.stack((first, second), axis=1), axis=0)
    best = np.argsort(far[pairs[:, 0], pairs[:, 1]], kind="stable")[: 2 * _KEYS]
    return pairs[best, 0], pairs[best, 1]


def agreeing(X: Floats, Y: Floats, scale: float, count: int) -> Floats:
    """Return weights (s, k) of pairs x_k, y_k, each a set that one motion may explain.

    Two pairs agree if the lengths between them fit; two that agree count as many others as agree
    with both (Chen, Sun, Yang and Tao, 2022). The pairs with the best company are seeds of a set.
    """
    x, y = scale * cdist(X, X), cdist(Y, Y)
    fits = ((np.abs(x - y) < _FITS) & (np.minimum(x, y) > _SHORT)).astype(np.float32)
    company = fits * (fits @ fits)
    best = np.sort(company, axis=1)[:, -20:]
    seeds = np.argsort(-best.sum(axis=1), kind="stable")[:count]
    chosen = company[seeds] * (company[seeds] >= best[seeds][:, :1])
    sets: Floats = chosen.astype(np.float64)
    return sets


def _normals(points: Floats, tree: cKDTree) -> Floats:
    """Directions in which the points around a point spread least."""
    p, q = _pairs(tree, points, _FLAT)
    count = np.maximum(np.bincount(p, minlength=len(points)), 1)
    d = points[q] - points[p]
    mean = (
        np.stack([np.bincount(p, x, minlength=len(points)) for x in d.T], axis=1) / count[:, None]
    )
    square = np.empty((len(points), 3, 3))
    for a in range(3):
        for b in range(3):
            square[:, a, b] = np.bincount(p, d[:, a] * d[:, b], minlength=len(points)) / count
    normals: Floats = np.linalg.eigh(square - mean[:, :, None] * mean[:, None, :])[1][:, :, 0]
    return normals


def _pairs(tree: cKDTree, points: Floats, radius: float) -> tuple[Ints, Ints]:
    """Pairs of points and what is around them, at most 64 each, spread over the ball."""
    found = tree.query_ball_point(points, radius, workers=-1, return_sorted=True)
    found = [each[:: max(1, len(each) // 64)] if len(each) > 64 else each for each in found]
    sizes = np.array([len(each) for each in found])
    return np.repeat(np.arange(len(points)), sizes), np.concatenate(found).astype(np.intp)


def _histograms(p: Ints, values: Floats, count: int) -> Floats:
    """Shares of the values of each point by bins, shared between neighbouring bins."""
    place = np.clip(values, 0.0, 1.0) * (_BINS - 1)
    low = np.minimum(place.astype(np.intp), _BINS - 2)
    flat = np.zeros(count * _BINS)
    for place_of, share in ((low, 1.0 - (place - low)), (low + 1, place - low)):
        flat += np.bincount(p * _BINS + place_of, share, minlength=flat.size)
    shares = flat.reshape(count, _BINS)
    normed: Floats = shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-12)
    return normed
