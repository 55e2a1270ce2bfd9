"""Rows of three parts: docs/images/adaptive-triangles.png, for "Adaptive regularisation".

Run it from the root of the repository: ``python docs/figures/triangles.py``.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from adaptive import canvas, keep, perplexity
from graphs import IMAGES
from numpy.typing import NDArray

from quot.adaptive import project_rows

Floats = NDArray[np.float64]

INK, LEVEL, CHEAPEST = "#1f1f24", "#0072b2", "#d55e00"
# Area of a mark.
SMALL = 28.0
# Rows are points of this triangle, and these are perplexities.
CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, math.sqrt(0.75)]])
LEVELS = (1.5, 2.0, 2.5, 2.9)


def draw(path: Path, asked: float = 1.5, directions: int = 60) -> None:
    """Rows of three parts with the same perplexity, and the cheapest of one, for many costs."""
    figure, panels = canvas([5.0, 5.0], 4.4, below=0.05)
    angles = 2.0 * np.pi * (np.arange(directions) + 0.5) / directions
    costs = np.stack((np.cos(angles), np.sin(angles)), axis=1) @ CORNERS.T
    costs -= costs.min(axis=1, keepdims=True)
    for axes, name in zip(panels, ("quadratic", "entropic"), strict=True):
        _levels(axes, name)
        axes.fill(*CORNERS.T, facecolor="none", edgecolor=INK, linewidth=1.4)
        # Of a row that is far against the costs the projection is the cheapest one.
        against = -1e6 * costs if name == "quadratic" else np.exp(-300.0 * costs)
        best = project_rows(against, np.ones(directions), asked, regularizer=name)
        at, counts = np.unique((best @ CORNERS).round(6), axis=0, return_counts=True)
        marks = {"color": CHEAPEST, "edgecolors": "white", "linewidths": 0.8, "clip_on": False}
        axes.scatter(*at.T, s=SMALL * counts, zorder=3, **marks)
        zeros = int(np.count_nonzero(best.min(axis=1) == 0.0)) or "none"
        axes.set(xlim=(-0.08, 1.08), ylim=(-0.08, 0.93), aspect="equal")
        axes.set_title(f"{name}: {zeros} of {directions} have a zero", fontsize=14, color=INK)
    keep(figure, path)


def _levels(axes: Any, name: str) -> None:
    """Lines of the same perplexity, with numbers on the way from the middle to the top."""
    x, y = np.meshgrid(np.linspace(0.0, 1.0, 601), np.linspace(0.0, CORNERS[2, 1], 601))
    third = y / CORNERS[2, 1]
    parts = np.stack((1.0 - x - 0.5 * third, x - 0.5 * third, third), axis=-1)
    is_inside = parts.min(axis=-1) > -1e-3
    found = _shared(np.maximum(parts, 0.0).reshape(-1, 3), name).reshape(x.shape)
    found[~is_inside] = np.nan
    lines = axes.contour(x, y, found, levels=LEVELS, colors=[LEVEL], linewidths=1.3)
    up = np.linspace(1.0 / 3.0, 1.0, 2000)
    way = np.stack((0.5 - 0.5 * up, 0.5 - 0.5 * up, up), axis=-1)
    along = _shared(way, name)
    places = [tuple(way[np.abs(along - level).argmin()] @ CORNERS) for level in LEVELS]
    axes.clabel(lines, LEVELS[1:], fmt="%g", fontsize=12, colors=[INK], manual=places[1:])
    # The first line has no room for a number, which stands beside it.
    beside = 0.5 + 0.5 * (1.0 - places[0][1] / CORNERS[2, 1]) + 0.05
    axes.text(beside, places[0][1], f"{LEVELS[0]:g}", fontsize=12, color=INK, va="center")


def _shared(rows: Floats, name: str) -> Floats:
    """The perplexity of rows, in either sense."""
    if name == "entropic":
        return perplexity(rows)
    return np.square(rows.sum(axis=1)) / np.square(rows).sum(axis=1)


if __name__ == "__main__":
    draw(IMAGES / "adaptive-triangles.png")
