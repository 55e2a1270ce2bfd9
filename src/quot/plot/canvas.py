"""Where to draw, if the caller has nothing to draw on."""

from __future__ import annotations

from typing import Any

from quot.exceptions import MissingDependencyError


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
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            "`matplotlib` is not installed, and pictures need it (extra `images`); install it "
            "with `pip install 'quot[images]'`."
        ) from error
