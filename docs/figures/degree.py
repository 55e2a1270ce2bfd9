"""Entries a row against reg: docs/images/degree.png, for "How to choose".

Run it from the root of the repository: ``python docs/figures/degree.py``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

import quot

OUTPUT = Path(__file__).resolve().parents[1] / "images" / "degree.png"
N, MASS = 3000, 0.7
REGS = np.geomspace(1.0, 2e4, 10)
WANTED = (2, 4, 8, 16, 32)
INK, FAINT, GRID = "#1f1f24", "#6b6b76", "#d9dce1"
FOUND, SUGGESTED = "#0072b2", "#d55e00"

Points = list[tuple[float, float]]


def measure() -> tuple[Points, Points]:
    """Return reg and entries a row, as measured, and as `suggest_reg` has them."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(N, 2)), 0.7 * rng.normal(size=(N, 2)) + 1.0
    found = []
    for reg in REGS:
        plan = quot.solve_points(X, Y, reg=float(reg), mass=MASS).plan
        found.append((float(reg), plan.nnz / np.unique(plan.rows).size))
    problem = quot.Problem(quot.PointCost(X, Y), mass=MASS)
    suggested = [(quot.suggest_reg(problem, neighbours=k), float(k)) for k in WANTED]
    return found, suggested


def draw(found: Points, suggested: Points) -> None:
    """Draw both on logarithmic axes."""
    figure = Figure(figsize=(7.6, 4.6), facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.085, 0.125, 0.895, 0.775))
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.plot(*zip(*found, strict=True), color=FOUND, marker="o", markersize=6, linewidth=1.5)
    for reg, wanted in suggested:
        axes.plot([0.5, reg, reg], [wanted, wanted, 1.0], color=SUGGESTED, linewidth=0.8, alpha=0.5)
        number = f"{reg:.3g}" if reg < 1e3 else f"{reg:.0f}"
        axes.text(reg * 1.12, 1.12, number, color=SUGGESTED, fontsize=10)
    axes.plot(
        *zip(*suggested, strict=True),
        color=SUGGESTED,
        marker="D",
        markersize=8,
        markerfacecolor="none",
        markeredgewidth=1.8,
        linewidth=0,
    )
    axes.text(3300.0, 34.0, "plans, measured", color=FOUND, fontsize=11, ha="left", va="top")
    axes.text(0.56, 37.0, "suggest_reg(problem, neighbours=...)", color=SUGGESTED, fontsize=11)
    axes.set_xlim(0.5, 4e4)
    axes.set_ylim(1.0, 130.0)
    axes.set_yticks([1, 2, 4, 8, 16, 32, 64])
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_locator(NullLocator())
    axes.grid(color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(colors=FAINT, labelsize=10, length=0)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color("#c8cbd0")
    axes.set_xlabel("reg", color=INK, fontsize=11)
    title = f"entries of the plan in a row that sends; {N} x {N} points in the plane, mass {MASS}"
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    figure.savefig(OUTPUT, dpi=130, facecolor="white", metadata={"Software": None})


if __name__ == "__main__":
    draw(*measure())
