"""Adaptive plans and one with one strength for all: two pictures of "Adaptive regularisation".

Run it from the root of the repository: ``python docs/figures/adaptive.py``.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from graphs import IMAGES
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm, to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

import quot

Floats = NDArray[np.float64]

INK, FAINT, SPINE = "#1f1f24", "#6b6b76", "#c8cbd0"
TARGET = "#009e73"
# Colours of perplexities: below what is asked, as asked, above.
FEW, AS_ASKED, MANY = "#d55e00", "#fbf8f1", "#0072b2"
# Areas of marks.
CIRCLE, SQUARE, SMALL = 80.0, 68.0, 28.0


def draw_outliers(path: Path, asked: float = 5.0, most: float = 20.0) -> None:
    """Who shares with how many: with one strength for all, and with one for each point."""
    X, Y = _crowds()
    plans = _plans(_squared_distances(X, Y), asked)
    shades = _shades(asked, most)
    figure, panels = canvas([4.0] * 3, 3.25, below=0.7)
    for axes, (name, P) in zip(panels, plans.items(), strict=True):
        _lines(axes, X, Y, P)
        for Z, shape, parts in ((X, "o", P), (Y, "s", P.T)):
            axes.scatter(
                *Z.T,
                c=np.log(perplexity(parts)),
                s=CIRCLE if shape == "o" else SQUARE,
                marker=shape,
                edgecolors=INK,
                linewidths=0.9,
                zorder=3,
                **shades,
            )
        axes.set(xlim=(-1.75, 5.05), ylim=(-2.72, 2.72), aspect="equal")
        axes.set_title(name, fontsize=14, color=INK)
    _scale(figure, shades, (1, 2, round(asked), 10, round(most)))
    _key(figure, ("o", CIRCLE, "white", INK, "source"), ("s", SQUARE, "white", INK, "target"))
    keep(figure, path)


def _crowds() -> tuple[Floats, Floats]:
    """A crowd a side, and a few points far from it."""
    rng = np.random.default_rng(4)
    far = [[-0.4, 2.3], [-1.4, -1.7], [0.6, -2.4]], [[2.6, 2.4], [4.6, 1.7], [3.7, -2.3]]
    crowd = 0.55 * rng.normal(size=(24, 2)), 0.55 * rng.normal(size=(24, 2)) + (3.3, 0.0)
    return np.concatenate((crowd[0], far[0])), np.concatenate((crowd[1], far[1]))


def _lines(axes: Any, X: Floats, Y: Floats, P: Floats, least: float = 0.01) -> None:
    """A line for each pair, as strong as the part of its mass that the source sends there."""
    q = P / P.sum(axis=1, keepdims=True)
    rows, cols = np.nonzero(q > least)
    part = q[rows, cols]
    order = np.argsort(part)
    part, ends = part[order], np.stack((X[rows], Y[cols]), axis=1)[order]
    colours = [(*to_rgb(FAINT), strong) for strong in 0.08 + 0.92 * part]
    axes.add_collection(LineCollection(ends, colors=colours, linewidths=0.6 + 2.6 * part))


def _plans(C: Floats, asked: float) -> dict[str, Floats]:
    """Entropic plans with this perplexity on average, of every source, and of every target."""
    names = {"average": "one strength for all", "source": 'on="source"', "target": 'on="target"'}
    plans = {}
    for on, name in names.items():
        r = quot.solve_adaptive(C, perplexity=asked, on=on, regularizer="entropic")
        plans[name] = r.plan.to_dense()
    return plans


def perplexity(P: Floats) -> Floats:
    """Of each row, by entropy."""
    q = P / P.sum(axis=1, keepdims=True)
    logs = np.log(q, out=np.zeros_like(q), where=q > 0.0)
    return np.exp(-np.sum(q * logs, axis=1))


def _squared_distances(X: Floats, Y: Floats) -> Floats:
    return np.square(X[:, None] - Y).sum(axis=2)


def draw_maps(path: Path, asked: float = 10.0, most: float = 40.0) -> None:
    """Where the points of the source are mapped to, and with how many they share."""
    X, Y = _clusters()
    maps = {"the points": (X, np.full(len(X), asked))}
    for name, P in _plans(_squared_distances(X, Y), asked).items():
        maps[name] = quot.Plan.from_dense(P).barycentric(Y), perplexity(P)
    left, middle, right, high = -2.3, 2.2, 6.9, 3.25
    unit = 0.53  # inches
    narrow = unit * (right - middle)
    widths = [unit * (right - left), *[narrow] * (len(maps) - 1)]
    figure, panels = canvas(widths, 2.0 * unit * high, below=0.7)
    shades = _shades(asked, most)
    for axes, (name, (Z, shared)) in zip(panels, maps.items(), strict=True):
        axes.scatter(*Y.T, s=SMALL, marker="s", color=TARGET, alpha=0.4, linewidths=0.0)
        sizes = SMALL + 1.2 * shared
        axes.scatter(*Z.T, c=np.log(shared), s=sizes, edgecolors=INK, linewidths=0.7, **shades)
        axes.set(xlim=(left if Z is X else middle, right), ylim=(-high, high), aspect="equal")
        axes.set_title(name, fontsize=14, color=INK)
    _scale(figure, shades, (1, 3, round(asked), 20, round(most)))
    _key(figure, ("o", CIRCLE, "white", INK, "source"), ("s", SMALL, TARGET, "none", "target"))
    keep(figure, path)


def _clusters() -> tuple[Floats, Floats]:
    """Two clusters a side, and stray points around them."""
    rng = np.random.default_rng(1)

    def side(x: float, counts: tuple[int, int, int], width: float) -> Floats:
        upper = width * rng.normal(size=(counts[0], 2)) + (x, 1.1)
        lower = width * rng.normal(size=(counts[1], 2)) + (x, -1.1)
        return np.concatenate((upper, lower, rng.uniform((x - 2, -3), (x + 2, 3), (counts[2], 2))))

    return side(0.0, (70, 50, 14), 0.45), side(4.5, (60, 60, 24), 0.35)


def _shades(asked: float, most: float) -> dict[str, Any]:
    """Colours of the logarithm of a perplexity."""
    colours = LinearSegmentedColormap.from_list("perplexity", (FEW, AS_ASKED, MANY))
    return {"cmap": colours, "norm": TwoSlopeNorm(math.log(asked), 0.0, math.log(most))}


def canvas(widths: list[float], height: float, below: float) -> tuple[Figure, list[Any]]:
    """A figure with panels side by side, titles above, and so much room below, in inches."""
    total, whole = sum(widths), height + 0.4 + below
    figure = Figure(figsize=(total, whole), facecolor="white")
    FigureCanvasAgg(figure)
    panels, left = [], 0.0
    for width in widths:
        panels.append(figure.add_axes((left / total, below / whole, width / total, height / whole)))
        panels[-1].set_axis_off()
        left += width
    return figure, panels


def _scale(figure: Figure, shades: dict[str, Any], ticks: tuple[int, ...]) -> None:
    """What the colours mean, at the bottom."""
    bar = figure.add_axes((0.53, 0.085, 0.36, 0.035))
    logs = np.linspace(shades["norm"].vmin, shades["norm"].vmax, 400)
    bar.imshow(logs[None], aspect="auto", extent=(logs[0], logs[-1], 0.0, 1.0), **shades)
    bar.set_yticks([])
    bar.set_xticks(np.log(ticks), [str(tick) for tick in ticks])
    bar.tick_params(colors=FAINT, labelsize=11, length=0, pad=4)
    bar.spines[:].set_color(SPINE)
    figure.text(0.52, 0.1, "perplexity", fontsize=12, color=INK, ha="right", va="center")


def _key(figure: Figure, *entries: tuple[str, float, str, str, str]) -> None:
    """What marks mean, at the bottom: shape, area, colours inside and around, and words."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes((0.1, 0.1 / height, 0.8, 0.4 / height))
    axes.set_axis_off()
    axes.set(xlim=(0.0, 0.8 * width), ylim=(-1.0, 1.0))
    for at, (shape, area, face, edge, name) in enumerate(entries):
        x = 0.3 + 1.75 * at
        axes.scatter(x, 0.0, marker=shape, s=area, color=face, edgecolors=edge, linewidths=0.9)
        axes.text(x + 0.2, 0.0, name, fontsize=12, color=INK, va="center")


def keep(figure: Figure, path: Path) -> None:
    figure.savefig(path, dpi=100, facecolor="white", metadata={"Software": None})


if __name__ == "__main__":
    draw_outliers(IMAGES / "adaptive-outliers.png")
    draw_maps(IMAGES / "adaptive-maps.png")
