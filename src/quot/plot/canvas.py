"""Where to draw, if the caller has nothing to draw on, and how axes look."""

from __future__ import annotations

from typing import Any

import numpy as np

from quot.exceptions import InvalidProblemError
from quot.optional import need

INK, FAINT, GRID, SPINE = "#1f1f24", "#6b6b76", "#d9dce1", "#c8cbd0"
# Points of the two sides of a plan.
SOURCE, TARGET = "#d55e00", "#0072b2"


def new_figure(width: float, height: float, layout: Any = None) -> Any:
    """Return an empty figure, in inches, that needs no screen.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    """
    need_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout=layout)
    FigureCanvasAgg(figure)
    return figure


def need_matplotlib() -> None:
    """Raise MissingDependencyError if matplotlib is not installed."""
    need("matplotlib", "pictures", "images")


def axes_of(ax: Any, count: int, what: str) -> tuple[Any, ...]:
    """Return the axes given, as many as that.

    Raises
    ------
    InvalidProblemError
        If they are no axes, or more or fewer of them.
    """
    axes = tuple(np.ravel(np.array(ax, dtype=object)))
    for one in axes:
        if not hasattr(one, "add_collection"):
            given = one if isinstance(ax, (tuple, list)) else ax
            raise InvalidProblemError(
                "`ax` must be axes of matplotlib, as of `figure, ax = plt.subplots()`; got a "
                f"{type(given).__name__}."
            )
    if len(axes) != count:
        raise InvalidProblemError(f"`ax` has {len(axes)} axes; pass {what}.")
    return axes


def frame(ax: Any) -> None:
    """Give axes a faint grid, two quiet sides and no marks on them."""
    ax.grid(color=GRID, linewidth=0.7)
    ax.set_axisbelow(True)
    ax.tick_params(colors=FAINT, labelsize=10, length=0)
    for side, spine in ax.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(SPINE)
