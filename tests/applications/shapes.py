"""Shapes for registration: a bent surface and a knot in space, a leaf in the plane."""

import numpy as np


def rotation(d, rng):
    R = np.linalg.qr(rng.normal(size=(d, d)))[0]
    R[:, 0] *= np.sign(np.linalg.det(R))
    return R


def surface(n, rng):
    """A sheet with hills, no two alike."""
    u, v = rng.uniform(-1.0, 1.0, size=(2, n))
    hills = 0.5 * np.exp(-((u - 0.4) ** 2 + (v + 0.2) ** 2) / 0.1)
    hills += 0.35 * np.exp(-((u + 0.5) ** 2 + (v - 0.5) ** 2) / 0.05) + 0.3 * u * u - 0.2 * u * v
    return np.stack((u, 0.8 * v, hills), axis=1)


def knot(n):
    t = np.linspace(0.0, 2.0 * np.pi, n, endpoint=False)
    r = 1.0 + 0.4 * np.cos(3 * t) + 0.2 * np.cos(t)
    return np.stack((r * np.cos(2 * t), r * np.sin(2 * t), 0.6 * np.sin(3 * t)), axis=1)


def leaf(n):
    t = np.linspace(0.0, 2.0 * np.pi, n, endpoint=False)
    r = 1.0 + 0.25 * np.cos(3 * t + 0.4) + 0.15 * np.sin(5 * t) + 0.1 * np.cos(2 * t)
    return np.stack((r * np.cos(t), r * np.sin(t)), axis=1)
