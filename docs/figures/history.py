"""The course of one solve, round by round: docs/images/history.png, for "How it works".

Run it from the root of the repository: ``python docs/figures/history.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

import quot

OUTPUT = Path(__file__).resolve().parents[1] / "images" / "history.png"
N, REG, MASS = 20_000, 76.0, 0.7
INK, FAINT, BAND = "#1f1f24", "#6b6b76", "#eef0f3"
# Field of an iterate, what it is called, colour, marker.
SERIES = (
    ("pairs", "pairs looked at", "#8a8f98", "s"),
    ("candidates", "candidates", "#0072b2", "o"),
    ("support", "active pairs", "#d55e00", "D"),
    ("violators", "violators", "#b3007a", "X"),
)


def solve() -> list[quot.Iterate]:
    """Return the history of the solve."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(N, 2)), 0.7 * rng.normal(size=(N, 2)) + 1.0
    return list(quot.solve_points(X, Y, reg=REG, mass=MASS).history)


def draw(history: Sequence[quot.Iterate]) -> None:
    """Draw pairs above and Newton steps below; a band for every level."""
    figure = Figure(figsize=(9.0, 6.4), facecolor="white")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        2, 1, height_ratios=(3.2, 1.0), left=0.085, right=0.985, top=0.885, bottom=0.1, hspace=0.08
    )
    upper, lower = figure.add_subplot(grid[0]), figure.add_subplot(grid[1])
    levels = [list(group) for _, group in groupby(history, key=lambda k: k.level)]
    for axes in (upper, lower):
        _bands(axes, levels)
    _pairs(upper, levels)
    _steps(lower, history)
    handles, names = upper.get_legend_handles_labels()
    figure.legend(
        handles,
        names,
        loc="upper left",
        bbox_to_anchor=(0.075, 0.955),
        ncols=4,
        frameon=False,
        fontsize=10,
        labelcolor=INK,
        columnspacing=1.4,
        handletextpad=0.4,
    )
    title = f"{N:,} x {N:,} points in the plane, mass {MASS}, reg {REG:g}: {N * N:,} pairs"
    figure.text(0.085, 0.96, title, fontsize=12, color=INK)
    figure.savefig(OUTPUT, dpi=130, facecolor="white", metadata={"Software": None})


def _bands(axes: Any, levels: Sequence[Sequence[quot.Iterate]]) -> None:
    """Shade every other level."""
    for place, rounds in enumerate(levels):
        if place % 2 == 0:
            first, last = rounds[0].iteration, rounds[-1].iteration
            axes.axvspan(first - 0.5, last + 0.5, color=BAND, linewidth=0, zorder=0)
    axes.set_xlim(levels[0][0].iteration - 0.5, levels[-1][-1].iteration + 0.5)
    axes.tick_params(colors=FAINT, labelsize=9.5, length=0)
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)
    axes.spines["left"].set_color("#c8cbd0")


def _pairs(axes: Any, levels: Sequence[Sequence[quot.Iterate]]) -> None:
    """Draw how many pairs of each kind there are; a line breaks where the level changes."""
    axes.set_yscale("symlog", linthresh=100.0, linscale=0.5)
    axes.set_ylim(-12.0, 1.2e8)
    axes.set_yticks([0.0, *(10.0**k for k in range(2, 9))])
    axes.yaxis.set_major_formatter(FuncFormatter(_power))
    axes.grid(axis="y", color="#d9dce1", linewidth=0.7)
    axes.set_axisbelow(True)
    for field, name, color, marker in SERIES:
        axes.plot([], [], color=color, marker=marker, label=name)
        for rounds in levels:
            told = [k for k in rounds if _tells(k, rounds, field)]
            axes.plot(
                [k.iteration for k in told],
                [getattr(k, field) for k in told],
                color=color,
                marker=marker,
                markersize=6,
                linewidth=1.6,
                clip_on=False,
            )
    for rounds in levels:
        middle = 0.5 * (rounds[0].iteration + rounds[-1].iteration)
        axes.text(middle, 3e7, f"level {rounds[0].level}", ha="center", color=INK, fontsize=10)
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xticks([])
    axes.set_ylabel("pairs", color=INK, fontsize=10)


def _tells(k: quot.Iterate, rounds: Sequence[quot.Iterate], field: str) -> bool:
    """Whether there was anything to count: violators are looked for at the last reg."""
    if field == "violators":
        return k.level == 0 and any(j.iteration < k.iteration and j.reg == REG for j in rounds)
    return field != "pairs" or k.pairs > 0


def _steps(axes: Any, history: Sequence[quot.Iterate]) -> None:
    """Draw how many Newton steps each round took; below it, the reg that it solved for."""
    places, steps = [k.iteration for k in history], [k.inner for k in history]
    axes.bar(places, steps, width=0.55, color="#009e73", zorder=2)
    for place, count in zip(places, steps, strict=True):
        axes.text(place, count + 0.25, str(count), ha="center", color=INK, fontsize=9.5)
    axes.set_ylim(0.0, max(steps) + 2.0)
    axes.set_yticks([])
    axes.set_xticks(places, [f"{k.reg:.3g}" for k in history])
    axes.set_ylabel("Newton steps", color=INK, fontsize=10)
    axes.set_xlabel(
        "round by round; the numbers are the reg, in the units of the level", color=INK, fontsize=10
    )


def _power(value: float, _: int) -> str:
    return "0" if value == 0.0 else f"$10^{{{round(np.log10(value))}}}$"


if __name__ == "__main__":
    draw(solve())
