"""A shell upon part of itself: docs/images/registration.png, for "Laying one cloud upon another".

Run it from the root of the repository: ``python docs/figures/registration.py``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quot import plot
from quot.applications.registration import register

OUTPUT = Path(__file__).resolve().parents[1] / "images" / "registration.png"
N, NOISE, STRAY = 9000, 0.012, 300

Floats = NDArray[np.float64]


def shell(rng: np.random.Generator) -> Floats:
    """Return points spread evenly over a spiral shell."""
    u, v = rng.uniform(0.0, 1.0, size=(2, 12 * N))
    at = [_shell(u + du, v + dv) for du, dv in ((0.0, 0.0), (1e-5, 0.0), (0.0, 1e-5))]
    area = np.linalg.norm(np.cross(at[1] - at[0], at[2] - at[0]), axis=1)
    return at[0][rng.choice(len(area), N, replace=False, p=area / area.sum())]


def _shell(u: Floats, v: Floats) -> Floats:
    u, v = 6 * np.pi * u, 2 * np.pi * v
    grown = np.exp(u / (6 * np.pi))
    wide = 2 * (grown - 1) * np.cos(v / 2) ** 2
    up = 1 - np.exp(u / (3 * np.pi)) + (grown - 1) * np.sin(v)
    return np.stack((wide * np.cos(u), wide * np.sin(u), up), axis=1)


def main() -> None:
    """Turn a part of it, disturb it, register, draw."""
    rng = np.random.default_rng(1)
    X = shell(rng)
    along = X @ np.array([0.8, 0.3, 0.5])
    part = X[along < np.median(along)]
    R = np.linalg.qr(np.random.default_rng(4).normal(size=(3, 3)))[0]
    R *= np.sign(np.linalg.det(R))
    Y = part @ R.T + NOISE * rng.normal(size=part.shape) + [2.0, 0.0, 1.0]
    Y = np.concatenate((Y, rng.uniform(Y.min(axis=0), Y.max(axis=0), size=(STRAY, 3))))
    found = register(X, Y)
    view = np.array([[1.0, 0.25, 0.0], [-0.1, 0.4, 1.0]]) @ R.T
    axes = plot.registration(found, view=view)
    axes[0].figure.savefig(OUTPUT, dpi=90, facecolor="white", metadata={"Software": None})


if __name__ == "__main__":
    main()
