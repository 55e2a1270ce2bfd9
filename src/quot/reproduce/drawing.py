"""How figures look, and how they become bytes that are the same in every run."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from quot.plot.canvas import FAINT, INK, SPINE, frame, new_figure
from quot.reproduce.outcome import Picture

__all__ = ["COLORS", "FAINT", "INK", "MARKS", "SPINE", "frame", "panels", "picture", "style"]

# Apart for those who do not see all colours, too (Okabe and Ito); in this order.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
MARKS = ("o", "s", "^", "D", "v", "P", "x")

_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "quot",
    "svg.fonttype": "path",
    "path.simplify": True,
    "font.size": 10.0,
    "axes.titlesize": 11.0,
    "axes.labelsize": 10.0,
    "axes.titlecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 9.0,
    "legend.handlelength": 2.8,
    "lines.linewidth": 1.8,
    "lines.markersize": 4.5,
    "image.cmap": "magma",
}
_NO_METADATA = {"Creator": None, "Date": None, "Format": None, "Type": None}
_DOTS = 110


@contextmanager
def style() -> Iterator[None]:
    """Draw as the report does, whatever matplotlib is set to."""
    import matplotlib as mpl
    from cycler import cycler

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update({**_STYLE, "axes.prop_cycle": cycler(color=COLORS)})
        yield


def panels(
    count: int, *, columns: int = 2, width: float = 4.2, height: float = 3.1, **options: Any
) -> tuple[Any, list[Any]]:
    """Return a figure and its axes, framed, one after another; options are those of `subplots`."""
    columns = min(columns, count)
    rows = -(-count // columns)
    figure = new_figure(width * columns, height * rows, layout="constrained")
    axes: Sequence[Any] = figure.subplots(rows, columns, squeeze=False, **options).ravel()
    for ax in axes[count:]:
        ax.remove()
    for ax in axes[:count]:
        frame(ax)
    return figure, list(axes[:count])


def picture(figure: Any, title: str, *, caption: str, alt: str, is_dense: bool = False) -> Picture:
    """Return a figure as SVG, or as WebP if it is dense: thousands of points, photographs, maps.

    Parameters
    ----------
    figure : matplotlib figure
    title : str
        What it is, as "Figure 2, sparsity over the mass".
    caption : str
        What is seen there.
    alt : str
        For those who do not see it.
    is_dense : bool, default=False
    """
    stream = io.BytesIO()
    kind = "webp" if is_dense else "svg+xml"
    if is_dense:
        options = {"quality": 82, "method": 6}
        figure.savefig(stream, format="webp", dpi=_DOTS, pil_kwargs=options)
    else:
        figure.savefig(stream, format="svg", metadata=_NO_METADATA)
    width = round(96 * figure.get_size_inches()[0])
    return Picture(title, caption, alt, kind, stream.getvalue(), width)
