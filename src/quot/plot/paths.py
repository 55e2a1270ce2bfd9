"""Pictures of paths: what more mass, or a larger reg, costs and does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.exceptions import InvalidProblemError
from quot.labels import as_names
from quot.order import by_name
from quot.path import Path
from quot.plot.canvas import FAINT, INK, axes_of, frame, need_matplotlib, new_figure
from quot.validation import check_option, received

Floats = NDArray[np.float64]

OF = ("lam", "cost", "sparsity")
_COLORS = {"lam": "#d55e00", "cost": "#0072b2", "sparsity": "#009e73"}
_TITLES = {
    "lam": "price of the last unit",
    "cost": "cost",
    "sparsity": "pairs that carry nothing",
}
# Inches: of a picture, of each of its parts, of what is beneath them.
_WIDTH, _HEIGHT, _FOOT = 7.6, 1.75, 0.5
# Where more results are than this, only their line is drawn.
_DOTS = 60
# On a logarithmic axis 0 is so many times below the least reg.
_BELOW = 10.0
# Of an axis from left to right: a knee further right has its number to the left.
_RIGHT = 0.7


@by_name("of")
def path(path: Path, ax: Any = None, *, of: Sequence[str] | None = None) -> tuple[Any, ...]:
    """Draw what a path costs: one above the other, against mass, or against reg.

    A dot is a result, a ring one that is not certified to its tolerance. Where the path has its
    breakpoints the lines are exact, and go through all of them. A dashed line marks the knee of a
    path in mass (`Path.knee`), if it has one: beyond it the price of a unit rises fast.

    Parameters
    ----------
    path : Path
    ax : matplotlib Axes, or a sequence of them, optional
        Where to draw, one for each of `of`; a new figure by default.
    of : sequence of {"lam", "cost", "sparsity"}, optional
        The price `lam` of the last unit of mass, the cost <C, P>, the fraction of pairs that carry
        nothing. All by default, but for the price in a balanced problem, which has none.

    Returns
    -------
    tuple of matplotlib Axes

    Raises
    ------
    InvalidProblemError
        If the path has no result, or there are not as many axes as things to draw.
    MissingDependencyError
        If matplotlib is not installed.
    """
    given: Any = path
    if not isinstance(given, Path) or not len(path):
        raise InvalidProblemError(
            "`path` must be a path with a result in it, of `mass_path` or `reg_path`; got "
            f"{received(path)}."
        )
    if of is None:
        of = OF[1:] if path[0].problem.is_balanced else OF
    given = [of] if isinstance(of, str) else of
    of = [check_option(name, "of", OF) for name in as_names(given, "of", "picture")]
    need_matplotlib()
    if ax is None:
        size = _WIDTH, _HEIGHT * len(of) + _FOOT
        ax = new_figure(*size, "constrained").subplots(len(of), 1, sharex=True, squeeze=False)
        ax = ax[:, 0]
    axes = axes_of(ax, len(of), f"one for each of {', '.join(of)}")
    for one, name in zip(axes, of, strict=True):
        _draw(one, path, name)
        frame(one)
        one.set_title(_TITLES[name], loc="left", color=_COLORS[name], fontsize=10.5)
    axes[-1].set_xlabel("mass moved" if path.over == "mass" else "reg", color=INK, fontsize=10)
    if path.over == "mass":
        if (knee := path.knee()) < path.price[0][-1]:
            _mark_knee(axes, knee)
    else:
        _reg_axis(axes, path)
    return axes


def _draw(ax: Any, path: Path, name: str) -> None:
    """One line, and the results on it."""
    values = {"lam": path.lams, "cost": path.costs, "sparsity": path.sparsities}[name]
    places = _places(path)
    order = np.argsort(places, kind="stable")
    x, y, color = places[order], values[order], _COLORS[name]
    ax.plot(*(_exact(path, name) or (x, y)), color=color, linewidth=1.7, zorder=2.0)
    done = np.array([r.converged for r in path])[order]
    if name == "lam" and path.breakpoints is not None:
        return  # at a breakpoint any price between two is right
    for some, face in ((done, color), (~done, "white")):
        if some.any() and (x.size <= _DOTS or face == "white"):
            ax.plot(
                x[some], y[some], "o", color=color, markersize=4.5, markerfacecolor=face, zorder=3.0
            )


def _places(path: Path) -> Floats:
    """Where the results are: their mass or reg; 0 has a place on the logarithmic axis, too."""
    if path.over == "mass":
        return path.masses
    positive = path.regs[path.regs > 0.0]
    zero = positive.min() / _BELOW if positive.size else 1.0
    return np.where(path.regs > 0.0, path.regs, zero)


def _exact(path: Path, name: str) -> tuple[Floats, Floats] | None:
    """The exact line, if the path has one."""
    ends, slopes = path.breakpoints, path.slopes
    if ends is None or slopes is None or not slopes.size:
        return None
    if name == "lam":
        return np.repeat(ends, 2)[1:-1], np.repeat(slopes, 2)
    if name == "cost":
        return ends, np.append(0.0, np.cumsum(np.diff(ends) * slopes))
    return None


def _mark_knee(axes: Sequence[Any], knee: float) -> None:
    """A line through all, and its number in the first."""
    for ax in axes:
        ax.axvline(knee, color=FAINT, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1.5)
    low, high = axes[0].get_xlim()
    is_right = knee > low + _RIGHT * (high - low)
    axes[0].annotate(
        f"knee at {knee:.4g}",
        (knee, 0.86),
        xycoords=("data", "axes fraction"),
        xytext=(-6 if is_right else 6, 0),
        textcoords="offset points",
        ha="right" if is_right else "left",
        color=INK,
        fontsize=10,
    )


def _reg_axis(axes: Sequence[Any], path: Path) -> None:
    """A logarithmic axis, on which 0 is at the left and says so."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    low, high = np.log10([_places(path).min(), _places(path).max()])
    zero = 10.0**low if (path.regs == 0.0).any() else 0.0
    ticks = 10.0 ** np.arange(np.ceil(low - 1e-9), np.floor(high + 1e-9) + 1)
    ticks = np.append(zero, ticks[ticks > 3.0 * zero]) if zero else ticks
    for ax in axes:
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(FixedLocator(ticks.tolist()))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(
            FuncFormatter(lambda x, _: "0" if x <= 1.5 * zero else f"{x:g}")
        )
