"""The last digits of a motion: nearest points, and how far they are off each other's surface.

And whether that is as far as the surfaces are rough: what does not fit can lie near, too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm
from scipy.spatial import cKDTree

from quot.applications.motion import Motion
from quot.applications.search import REACH, WIDTH, Clouds, drawn, kernel, near

Floats = NDArray[np.float64]

# Points of each cloud that count, and neighbours that make a surface.
_MOST, _AROUND = 6000, 24
# What the distance along the surface counts: clouds are not sampled at the same points, and nearest
# ones hold on to each other. Something, for planes and lines.
_ALONG = 0.01
# Steps at a width; one so small a part of it is none.
_STEPS, _STILL = 20, 1e-4
# A width is so many of the deviations found at the one before, until it is not this much less.
_WIDER, _NARROWER = 2.0, 0.9
# Deviations, in spacings, beyond which the clouds are smoothed.
_NOISY = 0.5
# Points belong together within so many deviations, or spacings.
_DEVIATIONS, _SPACINGS = 3.0, 1.5
# A surface counts as rough by so many spacings at least.
_ROUGH = 0.2


def polish(clouds: Clouds, motion: Motion, rng: np.random.Generator) -> tuple[Motion, float]:
    """Return the best motion near one, and the distance up to which points belong together.

    Gauss and Newton's method for the distances of points from the plane, or the line, through the
    nearest point of the other cloud and those around it. What counts as near becomes narrower, down
    to what the points that are near differ by.
    """
    motion, spread, wide = _narrow(clouds, motion, rng)
    close = max(_DEVIATIONS * spread, _SPACINGS * wide)
    if spread > _NOISY * wide:
        means = (_around(tree).mean(axis=1) for tree in clouds.trees)
        smooth = Clouds.of(*means, scale=clouds.scale)
        motion = _narrow(smooth, motion, rng)[0]
    return motion, close


def _narrow(
    clouds: Clouds, motion: Motion, rng: np.random.Generator
) -> tuple[Motion, float, float]:
    """The best motion, how far nearest points are apart at it, and how far those of a cloud."""
    points = drawn(clouds.X, _MOST, rng), drawn(clouds.Y, _MOST, rng)
    normals = _normals(clouds.trees[0]), _normals(clouds.trees[1])
    wide = max(spacing(clouds.trees[0]) * motion.scale, spacing(clouds.trees[1]))
    width = max(WIDTH, 0.5 * wide)
    while True:
        for _ in range(_STEPS):
            motion, step, spread = _step(clouds, points, normals, motion, width)
            if step < _STILL * width:
                break
        narrower = max(_WIDER * spread, 0.5 * wide)
        if narrower > _NARROWER * width:
            return motion, spread, wide
        width = narrower


def misfit(clouds: Clouds, motion: Motion, close: float) -> float:
    """Return how far clouds are off each other's surface where they are close, against how rough.

    That is how far a point is off the plane, or line, through the points around its nearest one in
    the other cloud, and how far off that through those around itself: medians, both ways. About 1
    where both are the same surface, whatever the noise. Infinite if nothing is close.
    """
    own, other = clouds.trees
    unit = motion.scale
    off, rough = 0.0, _ROUGH * max(spacing(own) * unit, spacing(other))
    both = []
    for way, lengths in ((motion, (unit, 1.0)), (motion.inverse, (1.0, unit))):
        at = np.lexsort(own.data.T)[:: 1 + own.n // _MOST]
        moved = way.transform(own.data[at])
        distance, nearest = near(other, moved, close / lengths[1])
        is_near = np.isfinite(distance)
        if not is_near.any():
            return float(np.inf)
        at, moved, nearest = at[is_near], moved[is_near], nearest[is_near]
        off += lengths[1] * float(np.median(_off(other, nearest, moved)))
        both.append(lengths[0] * float(np.median(_off(own, at, own.data[at]))))
        own, other = other, own
    return off / max(sum(both), 2.0 * rough, 1e-300)


def _off(tree: cKDTree, at: NDArray[np.intp], points: Floats) -> Floats:
    """How far points are off the planes through those around others, without these."""
    around = tree.data[tree.query(tree.data[at], k=min(_AROUND + 1, tree.n))[1][:, 1:]]
    middle = around.mean(axis=1, keepdims=True)
    spread = (around - middle).transpose(0, 2, 1) @ (around - middle)
    normals = np.linalg.eigh(spread)[1][:, :, 0]
    off: Floats = np.abs(((points - middle[:, 0]) * normals).sum(axis=1))
    return off


def spacing(tree: cKDTree) -> float:
    """Return the median distance of a point from the nearest other."""
    step = max(1, tree.n // 2000)
    return float(np.median(tree.query(tree.data[::step], k=2)[0][:, 1]))


def _step(
    clouds: Clouds,
    points: tuple[Floats, Floats],
    normals: tuple[Floats, Floats],
    motion: Motion,
    width: float,
) -> tuple[Motion, float, float]:
    """One step; how large it is, and how far nearest points are apart, by their weights."""
    X, Y = motion.transform(points[0]), points[1]
    to, i = near(clouds.trees[1], X, REACH * width)
    back, j = near(clouds.trees[0], motion.inverse.transform(Y), REACH * width / motion.scale)
    w, v = kernel(to, width), kernel(motion.scale * back, width)
    p = np.concatenate((X, motion.transform(clouds.X[j])))
    q = np.concatenate((clouds.Y[i], Y))
    n = np.concatenate((normals[1][i], normals[0][j] @ motion.rotation.T))
    weights = np.concatenate((w / w.size, v / v.size))
    off = q - p
    total = max(float(weights.sum()), 1e-300)
    spread = float(np.sqrt(weights @ (off * off).sum(axis=1) / total))
    d = X.shape[1]
    middle = weights @ p / total
    turns = _generators(d)
    moves = [(p - middle) @ turn.T for turn in turns]
    moves += [np.broadcast_to(axis, p.shape) for axis in np.eye(d)]
    moves += [p - middle] * clouds.scale
    J = np.stack(moves, axis=2)
    along = np.einsum("ndk,nd->nk", J, n)
    J, weights_d = J.reshape(-1, len(moves)), np.repeat(weights, d)
    A = along.T @ (weights[:, None] * along) + _ALONG * (J.T @ (weights_d[:, None] * J))
    g = along.T @ (weights * (off * n).sum(axis=1)) + _ALONG * (J.T @ (weights_d * off.ravel()))
    x = np.linalg.lstsq(A, g)[0]
    turn = expm(np.tensordot(x[: len(turns)], turns, axes=1))
    factor = float(np.exp(x[-1])) if clouds.scale else 1.0
    shift = x[len(turns) : len(turns) + d]
    return (
        Motion(
            turn @ motion.rotation,
            factor * turn @ (motion.translation - middle) + middle + shift,
            factor * motion.scale,
        ),
        float(np.abs(x).max()),
        spread,
    )


def _generators(d: int) -> Floats:
    """Of rotations: antisymmetric matrices (k, d, d)."""
    pairs = [(a, b) for a in range(d) for b in range(a)]
    turns = np.zeros((len(pairs), d, d))
    for k, (a, b) in enumerate(pairs):
        turns[k, a, b], turns[k, b, a] = 1.0, -1.0
    return turns


def _normals(tree: cKDTree) -> Floats:
    """Directions in which the points around each spread least, (n, d)."""
    off = _around(tree)
    off -= off.mean(axis=1, keepdims=True)
    normals: Floats = np.linalg.eigh(off.transpose(0, 2, 1) @ off)[1][:, :, 0]
    return normals


def _around(tree: cKDTree) -> Floats:
    """Each point and those around it, (n, k, d)."""
    around: Floats = tree.data[tree.query(tree.data, k=min(_AROUND, tree.n))[1]]
    return around
