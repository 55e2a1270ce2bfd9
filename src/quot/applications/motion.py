"""Rotations, and what moves one cloud of points onto another: turn, scale, shift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.exceptions import InvalidProblemError
from quot.shown import Shown
from quot.validation import as_array

Floats = NDArray[np.float64]

# Of the super-Fibonacci spiral (Alexa, 2022): the square root of 2, and a root of z^4 = z + 4.
_PHI, _PSI = np.sqrt(2.0), 1.533751168755204288118041


@dataclass(frozen=True, eq=False, repr=False)
class Motion(Shown):
    """A rotation, a scale and a shift: ``x -> scale * rotation @ x + translation``.

    Parameters
    ----------
    rotation : array of shape (d, d)
        Of determinant 1.
    translation : array of shape (d,)
    scale : float, default=1
    """

    rotation: Floats
    translation: Floats
    scale: float = 1.0

    @property
    def matrix(self) -> Floats:
        """The motion as a matrix (d + 1, d + 1), of points with a last coordinate of 1."""
        d = self.translation.size
        matrix = np.eye(d + 1)
        matrix[:d, :d] = self.scale * self.rotation
        matrix[:d, d] = self.translation
        return matrix

    @property
    def angle(self) -> float:
        """By how many degrees it turns, 0 .. 180."""
        return float(np.degrees(angles(self.rotation)))

    @property
    def inverse(self) -> Motion:
        """The motion back."""
        back = self.rotation.T / self.scale
        return Motion(self.rotation.T, -back @ self.translation, 1.0 / self.scale)

    def transform(self, points: Any) -> Floats:
        """Return moved points.

        Parameters
        ----------
        points : array of shape (n, d)

        Returns
        -------
        array of shape (n, d)
        """
        points = as_array(points, "points", 2)
        if points.shape[1] != self.translation.size:
            raise InvalidProblemError(
                f"`points` have {points.shape[1]} coordinates, and the motion is one in "
                f"{self.translation.size}; pass shape (n, {self.translation.size})."
            )
        moved: Floats = self.scale * points @ self.rotation.T + self.translation
        return moved

    def _facts(self) -> dict[str, Any]:
        shift = float(np.linalg.norm(self.translation))
        return {"turn": f"{self.angle:.6g} degrees", "shift": shift, "scale": self.scale}

    def __repr__(self) -> str:
        facts = f"{self.angle:.4g} degrees, shift {np.linalg.norm(self.translation):.4g}"
        scale = "" if self.scale == 1.0 else f", scale {self.scale:.6g}"
        return f"Motion({self.translation.size}-D, {facts}{scale})"


def best_motion(X: Floats, Y: Floats, weights: Floats, *, scale: bool) -> Motion:
    """Return the motion of least ``sum_k w_k |motion(x_k) - y_k|^2`` (Kabsch; Umeyama with scale).

    Mirror images are none: the rotation has determinant 1, if need be at a higher cost.
    """
    total = weights.sum()
    x, y = weights @ X / total, weights @ Y / total
    X, Y = X - x, Y - y
    U, stretch, Vt = np.linalg.svd((weights[:, None] * X).T @ Y)
    if np.linalg.det(U @ Vt) < 0.0:
        U[:, -1] *= -1.0
        stretch[-1] *= -1.0
    rotation = (U @ Vt).T
    spread = float((weights * (X * X).sum(axis=1)).sum())
    factor = float(stretch.sum()) / spread if scale and spread > 0.0 and stretch.sum() > 0 else 1.0
    return Motion(rotation, y - factor * rotation @ x, factor)


def angles(rotations: Floats) -> Floats:
    """Return by how many radians rotations (..., d, d) turn, accurate for small ones, too."""
    d = rotations.shape[-1]
    off = np.linalg.norm(rotations - np.eye(d), axis=(-2, -1))
    turned: Floats = 2.0 * np.arcsin(np.clip(off / np.sqrt(8.0), 0.0, 1.0))
    return turned


def cover(count: int, d: int, rng: np.random.Generator) -> Floats:
    """Return rotations (count, d, d), spread evenly over all, in a position drawn at random.

    In the plane they are equally spaced; in space they are a super-Fibonacci spiral of quaternions.
    """
    if d == 2:
        turn = 2.0 * np.pi * (np.arange(count) + rng.random()) / count
        c, s = np.cos(turn), np.sin(turn)
        return np.stack((c, -s, s, c), axis=1).reshape(count, 2, 2)
    place = np.arange(count) + 0.5
    inner, outer = np.sqrt(place / count), np.sqrt(1.0 - place / count)
    one, two = 2.0 * np.pi * place / _PHI, 2.0 * np.pi * place / _PSI
    quaternions = np.stack(
        (inner * np.sin(one), inner * np.cos(one), outer * np.sin(two), outer * np.cos(two)), axis=1
    )
    first = rng.normal(size=(1, 4))
    return _of_quaternions(quaternions) @ _of_quaternions(first / np.linalg.norm(first))


def _of_quaternions(q: Floats) -> Floats:
    x, y, z, w = q.T
    rows = (
        1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w),
        2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w),
        2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y),
    )  # fmt: skip
    return np.stack(rows, axis=1).reshape(-1, 3, 3)
