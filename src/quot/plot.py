"""Pictures of flows; needs matplotlib (extra `images`)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.exceptions import InvalidProblemError, MissingDependencyError
from quot.graph import Flow
from quot.result import GraphResult
from quot.validation import as_array

Floats = NDArray[np.float64]

_EDGE, _FLOW, _SENT, _RECEIVED = "#c9ccd1", "#0072b2", "#d55e00", "#009e73"
# Lines thinner than this, in points, are not seen.
_THIN = 0.4


def flow(
    plan: GraphResult | Flow,
    ax: Any = None,
    *,
    positions: Any = None,
    width: float = 5.0,
    size: float = 120.0,
) -> Any:
    """Draw a graph with its flow: a line as wide as what the edge carries, arrows where it goes.

    Nodes that send, net, are orange and nodes that receive green, as large as what that is.

    Parameters
    ----------
    plan : GraphResult or Flow
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.
    positions : array of shape (N, 2), optional
        Where the nodes are; those of the graph by default.
    width : float, default=5
        Of the widest line, in points.
    size : float, default=120
        Area of the largest node, in square points.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InvalidProblemError
        If there are no positions in the plane.
    MissingDependencyError
        If matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.collections import LineCollection
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError(
            "`matplotlib` is not installed, and pictures need it (extra `images`); install it "
            "with `pip install 'quot[images]'`."
        ) from error
    moved = plan.plan if isinstance(plan, GraphResult) else plan
    graph = moved.graph
    where = _positions(graph.positions if positions is None else positions, graph.n_nodes)
    if ax is None:
        figure = Figure(figsize=(7.0, 7.0))
        FigureCanvasAgg(figure)
        ax = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    ends = where[graph.edges]
    ax.add_collection(LineCollection(list(ends), colors=_EDGE, linewidths=0.6, zorder=1))
    used = np.flatnonzero(moved.values)
    x = moved.values[used]
    if used.size:
        used, x = used[np.argsort(np.abs(x))], np.sort(np.abs(x))  # wide lines above thin ones
        widths = np.maximum(width * x / x[-1], _THIN)
        lines = LineCollection(list(ends[used]), colors=_FLOW, linewidths=widths, zorder=2)
        lines.set_capstyle("round")
        ax.add_collection(lines)
        _arrows(ax, ends, moved.values, used, widths)
    net = moved.received - moved.sent
    largest = float(np.abs(net).max(initial=0.0))
    for nodes, color in ((net < 0.0, _SENT), (net > 0.0, _RECEIVED)):
        if nodes.any():
            area = size * np.abs(net[nodes]) / largest
            ax.scatter(*where[nodes].T, s=area, color=color, linewidths=0.0, zorder=4)
    low, high = where.min(axis=0), where.max(axis=0)
    margin = 0.04 * float((high - low).max() or 1.0)
    ax.set_xlim(low[0] - margin, high[0] + margin)
    ax.set_ylim(low[1] - margin, high[1] + margin)
    ax.set_aspect("equal")
    ax.set_axis_off()
    return ax


def _arrows(ax: Any, ends: Floats, values: Floats, used: Any, widths: Floats) -> None:
    """A head in the middle of each line that is wide enough to see it."""
    seen = widths >= 1.2
    edges = used[seen]
    tail, head = ends[edges, 0], ends[edges, 1]
    back = values[edges] < 0.0
    tail[back], head[back] = head[back].copy(), tail[back].copy()
    middle, ahead = 0.5 * (tail + head), head - tail
    for at, way, wide in zip(middle, ahead, widths[seen], strict=True):
        ax.annotate(
            "",
            at + 0.05 * way,
            at - 0.05 * way,
            arrowprops={
                "arrowstyle": "-|>",
                "color": _FLOW,
                "lw": 0.0,
                "mutation_scale": 4 + 3 * wide,
            },
            zorder=3,
        )


def _positions(value: Any, n: int) -> Floats:
    if value is None:
        raise InvalidProblemError(
            "the graph has no `positions`; pass where its nodes are, `positions` of shape (N, 2)."
        )
    where = as_array(value, "positions", 2)
    if where.shape != (n, 2):
        raise InvalidProblemError(
            f"`positions` must have shape ({n}, 2) to be drawn; got {where.shape}."
        )
    return where
