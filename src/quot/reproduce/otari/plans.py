"""Entropic plans with one strength for all and with one for each point, and how they are drawn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.api import solve_adaptive
from quot.reproduce import drawing
from quot.reproduce.experiment import Lost

Floats = NDArray[np.float64]

# What is called how: a constraint for all together, of each row (-s), of each column (-t).
SIDES = {"global": "average", "-s": "source", "-t": "target"}
LOST = Lost(
    "The points.", "Normal crowds with a few points far from them, drawn anew for each set."
)
# Colours of perplexities: below what is asked, as asked, above.
_FEW, _AS_ASKED, _MANY = "#d55e00", "#fbf8f1", "#0072b2"


def squared_distances(X: Floats, Y: Floats) -> Floats:
    """Return the squared distance of each pair."""
    squares = np.square(X).sum(axis=1)[:, None] + np.square(Y).sum(axis=1)
    distances: Floats = np.maximum(squares - 2.0 * X @ Y.T, 0.0)
    return distances


def perplexity(P: Floats) -> Floats:
    """Return the exponential of the entropy of each row."""
    q = P / P.sum(axis=1, keepdims=True)
    logs = np.log(q, out=np.zeros_like(q), where=q > 0.0)
    shared: Floats = np.exp(-np.sum(q * logs, axis=1))
    return shared


def plans(C: Floats, asked: float) -> dict[str, Floats]:
    """Return the entropic plan of each constraint."""
    return {
        name: solve_adaptive(C, perplexity=asked, on=on, regularizer="entropic").plan.to_dense()
        for name, on in SIDES.items()
    }


def shades(asked: float, most: float) -> dict[str, Any]:
    """Return colours of the logarithm of a perplexity, as keywords of `scatter`."""
    from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm

    colors = LinearSegmentedColormap.from_list("perplexity", (_FEW, _AS_ASKED, _MANY))
    return {"cmap": colors, "norm": TwoSlopeNorm(math.log(asked), 0.0, math.log(most))}


def add_scale(figure: Any, axes: list[Any], marks: Any, ticks: tuple[int, ...]) -> None:
    """Say below the axes what the colours mean."""
    figure.get_layout_engine().set(rect=(0.0, 0.0, 1.0, 0.95))  # titles need the rest
    bar = figure.colorbar(marks, ax=axes, location="bottom", shrink=0.4, aspect=40, pad=0.02)
    bar.set_ticks(np.log(ticks), labels=[str(tick) for tick in ticks])
    bar.minorticks_off()
    bar.ax.tick_params(length=0)
    bar.outline.set_edgecolor(drawing.SPINE)
    bar.set_label("perplexity")
