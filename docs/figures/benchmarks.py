"""How much longer others take: docs/images/benchmarks.png, for "Benchmarks" and the README.

Run it from the root of the repository: ``python docs/figures/benchmarks.py``. Its numbers are those
of `docs/benchmark-tables.md`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks import summary  # noqa: E402

OUTPUT = ROOT / "docs" / "images" / "benchmarks.png"
INK, FAINT, GRID = "#1f1f24", "#6b6b76", "#d9dce1"
OURS, THEIRS = "#0072b2", "#d55e00"


def draw() -> None:
    """Draw a line of dots for each line of the summary, from the largest ratio down."""
    tables = summary.TABLES.read_text(encoding="utf-8")
    lines = [(line, summary.ratios(line, tables)) for line in summary.LINES]
    figure = Figure(figsize=(6.2, 8.6), facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.02, 0.045, 0.96, 0.915))
    axes.axvline(1.0, color=FAINT, linewidth=1.2)
    work = ""
    for place, (line, found) in enumerate(lines):
        work = work if line.work == "the same" else line.work
        axes.plot(found, [place] * len(found), color=GRID, linewidth=2.0, zorder=1)
        colors = [OURS if ratio >= 1.0 else THEIRS for ratio in found]
        axes.scatter(found, [place] * len(found), color=colors, s=44, zorder=2)
        halo = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
        at = {"transform": axes.get_yaxis_transform(), "va": "center", "fontsize": 9, "bbox": halo}
        axes.text(0.0, place - 0.42, work, color=INK, **at)
        axes.text(1.0, place - 0.42, line.against.replace("`", ""), color=FAINT, ha="right", **at)
    axes.set(xscale="log", xlim=(0.02, 500.0), ylim=(len(lines) - 0.5, -0.8), yticks=[])
    axes.set_title("times as long as quot", loc="left", fontsize=11, color=INK)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(axis="x", color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(colors=FAINT, labelsize=10, length=0)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color("#c8cbd0")
    figure.savefig(OUTPUT, dpi=130, facecolor="white", metadata={"Software": None})


if __name__ == "__main__":
    draw()
