"""Random problems: masses, and squared distances between points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def gaussians(n: int, rng: np.random.Generator) -> Floats:
    """Return squared distances between two clouds in the plane, the largest 1, (n, n)."""
    return squared(rng.normal(size=(n, 2)), 0.7 * rng.normal(size=(n, 2)) + 1.0)


def on_a_line(n: int, rng: np.random.Generator) -> Floats:
    """Return the same of points on a line."""
    X, Y = rng.normal(size=(n, 1)), rng.normal(size=(n, 1)) + 1.0
    return squared(np.sort(X, axis=0), np.sort(Y, axis=0))


def at_random(n: int, rng: np.random.Generator) -> Floats:
    """Return costs without a pattern."""
    return rng.random((n, n))


def squared(X: Floats, Y: Floats) -> Floats:
    """Return squared distances over the largest, (n, m)."""
    C: Floats = ((X[:, None] - Y) ** 2).sum(axis=2)
    C /= C.max()
    return C
