"""One picture of a colour transfer: photographs above, palettes and the sparse plan below."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from quot.applications.color import Recoloring
from quot.applications.palette import Palette, clustered
from quot.applications.spaces import from_space, rgb_to_lab
from quot.io.files import write_atomically
from quot.optional import need

Floats = NDArray[np.float64]

_INK, _PAPER, _FAINT = "#1f1f24", "#ffffff", "#6b6b76"
# Behind the lines: neither the dark nor the light colours vanish on it.
_GROUND = "#b9bcc0"
# A line at least this thick and opaque can be seen.
_THIN, _THICK = 0.35, 4.5
# Colours of a palette that are drawn; of more, means.
_DRAWN = 512


def draw_recoloring(outcome: Recoloring, path: str | Path) -> None:
    """Write a picture of source, reference, result, both palettes and the plan between them.

    Parameters
    ----------
    outcome : Recoloring
    path : path
        Where to write; the ending decides the format.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    """
    need("matplotlib", "pictures", "images")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14.0, 8.5), facecolor=_PAPER)
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        2,
        3,
        height_ratios=(1.0, 1.3),
        left=0.02,
        right=0.98,
        top=0.96,
        bottom=0.05,
        wspace=0.025,
        hspace=0.05,
    )
    pictures = (
        ("source", outcome.source_image),
        ("reference", outcome.reference_image),
        ("result", outcome.image),
    )
    for column, (title, image) in enumerate(pictures):
        axes = figure.add_subplot(grid[0, column])
        axes.imshow(image)
        axes.set_title(title, loc="left", fontsize=13, color=_INK, pad=5)
        axes.set_axis_off()
    _draw_plan(figure.add_subplot(grid[1, :]), outcome)
    figure.text(0.02, 0.022, _caption(outcome), fontsize=11.5, color=_FAINT)
    kind = Path(path).suffix.lower().removeprefix(".")
    with write_atomically(path) as stream:
        figure.savefig(stream, format=kind or None, dpi=100, facecolor=_PAPER)


def _draw_plan(axes: Any, outcome: Recoloring) -> None:
    """Draw palettes as strips, widths by mass, and a line for every entry of the plan."""
    from matplotlib.collections import LineCollection
    from matplotlib.patches import Rectangle

    X, Y, plan = _drawn(outcome)
    upper, lower = _Strip(X), _Strip(Y)
    kept = 1.0 - np.bincount(plan.row, plan.data, minlength=X.size) / np.maximum(X.masses, 1e-300)
    upper.draw(axes, 1.0, 0.09, np.clip(kept, 0.0, 1.0))
    lower.draw(axes, -0.09, 0.09, None)
    axes.add_patch(Rectangle((0.0, -0.09), 1.0, 1.18, color=_GROUND, linewidth=0, zorder=0))
    starts = np.column_stack((upper.centre[plan.row], np.full(plan.nnz, 1.0)))
    ends = np.column_stack((lower.centre[plan.col], np.zeros(plan.nnz)))
    share = plan.data / plan.data.max(initial=1e-300)
    order = np.argsort(share)
    bends = np.linspace(0.0, 1.0, 24)
    ease = bends**2 * (3.0 - 2.0 * bends)
    curves = np.empty((plan.nnz, bends.size, 2))
    curves[:, :, 0] = starts[:, :1] + ease * (ends[:, :1] - starts[:, :1])
    curves[:, :, 1] = 1.0 - bends
    colors = np.column_stack((upper.rgb[plan.row], 0.25 + 0.7 * np.sqrt(share)))
    widths = _THIN + (_THICK - _THIN) * np.sqrt(share)
    axes.add_collection(
        LineCollection(list(curves[order]), colors=colors[order], linewidths=widths[order])
    )
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(-0.17, 1.22)
    axes.set_axis_off()
    left = {"ha": "left", "fontsize": 12, "color": _INK}
    axes.text(
        0.0,
        1.15,
        "colours of the source, dark to light; white: the share of a colour that stays as it is",
        **left,
    )
    axes.text(0.0, -0.16, "colours of the reference, dark to light", **left)


def _drawn(outcome: Recoloring) -> tuple[Palette, Palette, Any]:
    """Palettes of no more colours than can be seen, and the plan between them, by entries."""
    plan, sides = outcome.result.plan.to_csr(), []
    for palette in (outcome.source, outcome.reference):
        rng = np.random.default_rng(0)
        few, label = clustered(palette.points, palette.masses, palette.space, _DRAWN, rng)
        sides.append((few, sparse.csr_array((np.ones(label.size), (label, np.arange(label.size))))))
    (X, to_X), (Y, to_Y) = sides
    return X, Y, (to_X @ plan @ to_Y.T).tocoo()


class _Strip:
    """A palette as a strip, from dark to light, widths by mass."""

    def __init__(self, palette: Palette) -> None:
        self.rgb = np.clip(from_space(palette.points, palette.space), 0.0, 1.0)
        order = np.argsort(rgb_to_lab(self.rgb)[:, 0], kind="stable")
        width = palette.masses / palette.masses.sum()
        self.left = np.empty(palette.size)
        self.left[order] = np.concatenate(([0.0], np.cumsum(width[order])[:-1]))
        self.width = width
        self.centre: Floats = self.left + 0.5 * width

    def draw(self, axes: Any, base: float, height: float, kept: Floats | None) -> None:
        """Draw the strip from `base` upwards; of each colour the share `kept` is left white."""
        axes.bar(self.left, height, self.width, base, align="edge", color=self.rgb, linewidth=0)
        if kept is not None:
            axes.bar(
                self.left,
                0.55 * height * kept,
                self.width,
                base + height * (1.0 - 0.55 * kept),
                align="edge",
                color=_PAPER,
                alpha=0.92,
                linewidth=0,
            )


def _caption(outcome: Recoloring) -> str:
    """The numbers, in one line."""
    result, plan = outcome.result, outcome.result.plan
    n, m = plan.shape
    return (
        f"{plan.nnz} of {n} x {m} pairs carry mass ({100 * plan.sparsity:.2f} % zeros)     "
        f"{100 * plan.total:.0f} % of the pixels move     "
        f"value {result.value:.6g}, relative gap {result.certificate.relative_gap:.0e}"
    )
