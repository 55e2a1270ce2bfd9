"""The picture of "Affinities": three kinds of them on the same points.

Run it from the root of the repository: ``python docs/figures/affinities.py``.
"""

from __future__ import annotations

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt
from graphs import IMAGES, shrink
from matplotlib.collections import LineCollection

import quot

NAME, PERPLEXITY = "affinities.png", 8
KINDS = (
    ("symmetric, entropic: t-SNE", {"kind": "symmetric"}),
    ("doubly stochastic, entropic", {"kind": "doubly_stochastic"}),
    ("doubly stochastic, quadratic", {"kind": "doubly_stochastic", "regularizer": "quadratic"}),
)
# Affinities at which a line is as dark as can be, and those too small to be seen.
DARK, UNSEEN = 0.15, 1e-3


def points() -> np.ndarray:
    """A spiral that thins out, a dense blob, and a dozen points far from all."""
    rng = np.random.default_rng(3)
    turn = np.sqrt(rng.random(170))
    angle = 3.2 * np.pi * turn
    spiral = 4.0 * turn[:, None] * np.column_stack((np.cos(angle), np.sin(angle)))
    blob = 0.25 * rng.normal(size=(60, 2)) + (4.2, 3.2)
    apart = rng.uniform(-5.5, 5.5, size=(14, 2))
    return np.vstack((spiral + 0.12 * rng.normal(size=(170, 2)), blob, apart))


def draw() -> None:
    """Lines by affinity, points by the sum of their row."""
    X = points()
    figure, axes = plt.subplots(1, 3, figsize=(13, 4.9), layout="constrained")
    for ax, (title, how) in zip(axes, KINDS, strict=True):
        P = quot.affinities(X, perplexity=PERPLEXITY, **how).matrix
        pairs = P.tocoo()
        seen = (pairs.row < pairs.col) & (pairs.data > UNSEEN)
        i, j, strength = pairs.row[seen], pairs.col[seen], pairs.data[seen]
        order = np.argsort(strength)
        ends = np.stack((X[i], X[j]), axis=1)[order]
        alpha = np.minimum(strength[order] / DARK, 1.0)
        colours = np.column_stack((np.tile((0.15, 0.2, 0.35), (alpha.size, 1)), alpha))
        ax.add_collection(LineCollection(ends, colors=colours, linewidths=0.9, zorder=1))
        dots = ax.scatter(*X.T, c=P.sum(axis=1), s=22, cmap="RdYlBu", vmin=0.5, vmax=1.5,
                          edgecolors="0.2", linewidths=0.4, zorder=2)  # fmt: skip
        ax.set_title(f"{title}\n{P.nnz / len(X):.0f} entries a point")
        ax.set(xticks=[], yticks=[], aspect="equal")
    figure.colorbar(dots, ax=axes, label="sum of its affinities", shrink=0.8)
    figure.savefig(IMAGES / NAME, dpi=110)


if __name__ == "__main__":
    draw()
    shrink(IMAGES / NAME)
