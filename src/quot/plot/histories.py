"""Pictures of how solves came to their end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.exceptions import InvalidProblemError
from quot.labels import as_names
from quot.order import by_name
from quot.plot.canvas import INK, axes_of, frame, need_matplotlib, new_figure
from quot.problem import EntropicProblem
from quot.result import Solved
from quot.validation import check_flag, check_option

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
AnyResult = Solved[Any, Any]

AGAINST, OF = ("passes", "iterations", "seconds"), ("residual", "mass")
# What an iterate calls it.
_FIELDS = {"passes": "passes", "iterations": "iteration", "seconds": "seconds"}

# Told apart also by those who see few colours, and on white; beyond these, dashed.
_COLORS = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#b3007a",
    "#e69f00",
    "#56b4e9",
    "#1f1f24",
    "#8a8f98",
)
# Widths of lines and of what is on the way, and sizes of marks, in points.
_LINE, _WAY, _MARK = 1.7, 1.2, 4.5
# A line beneath others is wider for each of them, by no more than so much in all.
_WIDER, _WIDEST = 2.3, 12.0
# Lines are one if they are no further apart than this part of the height at most of these places.
_SAME, _MOST, _PLACES = 0.01, 0.9, 50
# Strengths that differ by less, relative, are the same.
_ROUNDING = 1e-9
# Where nothing is more than 0 this is where the axis ends.
_ONE = 1.0
# The axis of passes or seconds is no shorter.
_DECADE = 10.0
# An axis of fewer decades has numbers between its powers of ten.
_SHORT = 2.0
# Numbers are written out on an axis on which all are between these.
_PLAIN = 1e-4, 2e5

_TITLES = {
    "passes": "passes over all pairs",
    "iterations": "iterations",
    "seconds": "seconds",
    "residual": "residual",
    "mass": "mass missing or too much",
}


@dataclass(frozen=True, eq=False)
class _Curve:
    """What is drawn of one result.

    Parameters
    ----------
    name : str
    x, y : array of shape (k,)
        Where its iterations are; y may be 0.
    is_own : bool array of shape (k,)
        Whether an iteration worked on the problem itself.
    is_done : bool
        Whether the result is certified.
    """

    name: str
    x: Floats
    y: Floats
    is_own: Bools
    is_done: bool


@by_name("against")
def convergence(
    results: Any,
    ax: Any = None,
    *,
    against: str | None = None,
    of: str = "residual",
    labels: Sequence[str] | None = None,
    legend: bool = True,
) -> Any:
    """Draw how the marginal error of solves fell, on a logarithmic axis: a line for each result.

    A line ends in a dot if its result is certified to its tolerance, and in a ring if it is not.
    What is dotted led there through problems that are easier: at a higher temperature or `reg`, or
    of fewer rows and columns. An error of 0 is drawn at the bottom, where the axis says 0. Where
    lines coincide the first is the widest, and all are seen.

    Parameters
    ----------
    results : Result, GraphResult, a sequence of these, or a mapping of names to them
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.
    against : {"passes", "iterations", "seconds"}, optional
        Passes over all pairs, which the solves of `solve_entropic` count, outer iterations, which
        are not the same work in all methods, or wall-clock time. By default passes if all results
        count them, else iterations.
    of : {"residual", "mass"}, default="residual"
        `Iterate.residual`, relative to the most that a row or column can send or get, or the same
        in mass. In an entropic result that is what rows, columns and the total miss or have too
        much, in all.
    labels : sequence of str, optional
        Names of the results, in order; by default those of the mapping, or methods and what else
        tells the results apart.
    legend : bool, default=True
        Whether there is a legend, to the right of the axes.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InvalidProblemError
        If there is no result, one has no history, or passes are asked for and one counts none.
    MissingDependencyError
        If matplotlib is not installed.
    """
    if against is not None:
        check_option(against, "against", AGAINST)
    check_option(of, "of", OF)
    legend = check_flag(legend, "legend")
    named = _named(results, labels)
    if against is None:
        against = "passes" if all(map(_has_passes, named)) else "iterations"
    curves = [_curve(name, result, against, of) for name, result in named]
    need_matplotlib()
    if ax is None:
        ax = new_figure(7.6, 4.6, "constrained").add_subplot()
    (ax,) = axes_of(ax, 1, "one")
    bottom = _axes(ax, curves, against, of)
    for place, (curve, width) in enumerate(zip(curves, _widths(curves, bottom), strict=True)):
        _draw(ax, curve, place, width, bottom)
    if legend:
        ax.legend(
            loc="upper left",
            bbox_to_anchor=(1.0, 1.0),
            frameon=False,
            fontsize=10,
            labelcolor=INK,
            handlelength=1.4,
        )
    return ax


# --- what is drawn ---------------------------------------------------------------------------


def _named(results: Any, labels: Sequence[str] | None) -> list[tuple[str, AnyResult]]:
    """Names and results, checked."""
    if isinstance(results, Solved):
        results = [results]
    if not isinstance(results, (Mapping, Sequence)):
        raise InvalidProblemError(
            "`results` must be a result, a sequence of them or a mapping of names to them; got "
            f"{type(results).__name__}."
        )
    found = list(results.values() if isinstance(results, Mapping) else results)
    if not found:
        raise InvalidProblemError("`results` is empty; pass at least one result to draw.")
    for other in found:
        if not isinstance(other, Solved):
            raise InvalidProblemError(
                "`results` must have results of quot only, as `solve` and its like return them; "
                f"got {type(other).__name__}."
            )
    names = [str(name) for name in results] if isinstance(results, Mapping) else _names(found)
    if labels is not None:
        given = [labels] if isinstance(labels, str) else labels
        names = list(map(str, as_names(given, "labels", "result")))
    if len(names) != len(found):
        raise InvalidProblemError(
            f"`labels` has {len(names)} names for {len(found)} results; pass one for each."
        )
    return list(zip(names, found, strict=True))


def _names(results: Sequence[AnyResult]) -> list[str]:
    """Methods, and what else tells results apart."""
    parts = [
        (
            r.method or "solve",
            getattr(r.problem, "formulation", ""),
            f"{_letter(r)}={_strength(r):g}",
        )
        for r in results
    ]
    differs = [len(set(column)) > 1 for column in zip(*parts, strict=True)]
    differs[0] = True
    return [
        ", ".join(part for part, is_shown in zip(each, differs, strict=True) if is_shown and part)
        for each in parts
    ]


def _letter(result: AnyResult) -> str:
    return "eps" if isinstance(result.problem, EntropicProblem) else "reg"


def _strength(result: AnyResult) -> float:
    """The temperature, or the strength of the quadratic term, the largest of those of edges."""
    problem: Any = result.problem
    strength = problem.eps if isinstance(problem, EntropicProblem) else problem.reg
    return float(np.max(strength, initial=0.0))


def _has_passes(named: tuple[str, AnyResult]) -> bool:
    return any(k.passes for k in named[1].history)


def _curve(name: str, result: AnyResult, against: str, of: str) -> _Curve:
    """The history of a result, as far as it is numbers."""
    if not result.history:
        raise InvalidProblemError(
            f"the result {name!r} has no history to draw: nothing was to be done. Leave it out."
        )
    if against == "passes" and not _has_passes((name, result)):
        raise InvalidProblemError(
            f"the result {name!r} of method={result.method!r} counts no passes over all pairs; "
            "only the methods of `solve_entropic` do, its references apart. Pass "
            "against='iterations' or against='seconds'."
        )
    unit = float(result.problem.unit) if of == "mass" else 1.0
    x = np.array([getattr(k, _FIELDS[against]) for k in result.history], dtype=np.float64)
    y = unit * np.array([k.residual for k in result.history])
    strength = _strength(result)
    is_own = np.array(
        [k.level == 0 and math.isclose(k.reg, strength, rel_tol=_ROUNDING) for k in result.history]
    )
    seen = (x > 0.0) & np.isfinite(y)
    return _Curve(name, x[seen], y[seen], is_own[seen], result.converged)


# --- how it is drawn -------------------------------------------------------------------------


def _axes(ax: Any, curves: Sequence[_Curve], against: str, of: str) -> float:
    """Scales, limits, numbers and titles; returns where 0 is, or where the axis begins."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    x = np.concatenate([curve.x for curve in curves])
    y = np.concatenate([curve.y for curve in curves])
    positive = y[y > 0.0] if (y > 0.0).any() else np.array([_ONE])
    has_zero = bool((y == 0.0).any())
    bottom = 10.0 ** (math.floor(math.log10(positive.min())) - has_zero)
    left, right = (x.min(), x.max()) if x.size else (1.0, 1.0)
    ax.set_yscale("log")
    ax.set_ylim(bottom / 1.6, max(2.0 * positive.max(), 10.0 * bottom))
    scaled = [(ax.yaxis, ax.get_ylim())]
    if against == "iterations":
        ax.set_xlim(0.5, right + 0.5)
        ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    else:
        margin = max(1.2 * (right / left) ** 0.03, math.sqrt(_DECADE / (right / left)))
        ax.set_xscale("log")
        ax.set_xlim(left / margin, right * margin)
        scaled.append((ax.xaxis, ax.get_xlim()))
    for axis, (low, high) in scaled:
        is_short = math.log10(high / low) < _SHORT
        is_plain = _PLAIN[0] < low and high < _PLAIN[1]
        zero = bottom if has_zero and axis is ax.yaxis else 0.0
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if is_short else (1.0,)))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(partial(_number, zero=zero, is_plain=is_plain)))
    ax.set_xlabel(_TITLES[against], color=INK, fontsize=10)
    ax.set_ylabel(_TITLES[of], color=INK, fontsize=10)
    frame(ax)
    return bottom


def _number(value: float, _: int, *, zero: float, is_plain: bool) -> str:
    """A number of an axis, on which 0 has a place of its own if that is not 0."""
    if value < 1.5 * zero:
        return "0"
    power = math.log10(value)
    is_power = math.isclose(power, round(power), abs_tol=_ROUNDING)
    return f"{value:g}" if is_plain or not is_power else f"$10^{{{round(power)}}}$"


def _widths(curves: Sequence[_Curve], bottom: float) -> list[float]:
    """Of each line, in points: wider for each later one that runs where it does."""
    logs = [(np.log(k.x[k.is_own]), np.log(np.maximum(k.y[k.is_own], bottom))) for k in curves]
    tops = [float(y.max(initial=-math.inf)) for _, y in logs]
    height = max(max(tops) - math.log(bottom), 1.0)
    above = [
        sum(_coincide(one, other, _SAME * height) for other in logs[place + 1 :])
        for place, one in enumerate(logs)
    ]
    wider = min(_WIDER, _WIDEST / max(*above, 1))
    return [_LINE + wider * count for count in above]


def _coincide(one: tuple[Floats, Floats], other: tuple[Floats, Floats], near: float) -> bool:
    """Whether two lines are the same at most places where both are."""
    if not (one[0].size and other[0].size):
        return False
    low, high = max(one[0][0], other[0][0]), min(one[0][-1], other[0][-1])
    if low > high:
        return False
    places = np.linspace(low, high, _PLACES)
    apart = np.abs(np.interp(places, *one) - np.interp(places, *other))
    return bool(np.quantile(apart, _MOST) <= near)


def _draw(ax: Any, curve: _Curve, place: int, width: float, bottom: float) -> None:
    """One line, what led to it, and how it ends."""
    color = _COLORS[place % len(_COLORS)]
    dashes = "-" if place < len(_COLORS) else "--"
    y, mark = np.maximum(curve.y, bottom), _MARK + width
    if not curve.is_own.all():
        ax.plot(curve.x, y, color=color, linewidth=_WAY, linestyle=":", zorder=2.0)
    own = np.where(curve.is_own, y, np.nan)
    ax.plot(curve.x, own, color=color, linewidth=width, linestyle=dashes, zorder=2.5)
    (end,) = ax.plot(
        curve.x[-1:],
        y[-1:],
        color=color,
        linewidth=width,
        linestyle=dashes,
        marker="o",
        markersize=mark,
        markerfacecolor=color if curve.is_done else "white",
        markeredgewidth=1.6,
        zorder=3.0,
    )
    end.set_label(curve.name)
