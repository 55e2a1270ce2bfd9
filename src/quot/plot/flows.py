"""Pictures of flows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.exceptions import InvalidProblemError
from quot.flow import Flow
from quot.graph import Graph
from quot.order import by_name
from quot.plot.canvas import axes_of, need_matplotlib, new_figure
from quot.result import GraphResult
from quot.validation import check_positive

Floats = NDArray[np.float64]

_EDGE, _FLOW, _SENT, _RECEIVED = "#c9ccd1", "#0072b2", "#d55e00", "#009e73"
_ARROW = "#002f4d"
# Lines thinner than this, in points, are not seen; thinner than that they have no arrows.
_THIN, _POINTED = 0.4, 1.0
# How far apart arrows are, and how much wider than their line, in points.
_APART, _WIDER = 26.0, 3.2
# What differs by less, relative to the largest mass, is the same.
_SAME = 1e-9


@by_name("positions")
def flow(
    plan: GraphResult | Flow,
    ax: Any = None,
    *,
    positions: Any = None,
    width: float = 5.0,
    size: float = 120.0,
) -> Any:
    """Draw a graph with its flow: a line as wide as what the edge carries, arrows where it goes.

    Nodes that send, net, are orange and nodes that receive green, as large as what that is. Around
    those of a partial problem is a ring as large as what could be sent or received.

    Parameters
    ----------
    plan : GraphResult or Flow
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default.
    positions : array of shape (N, 2), or mapping of nodes to places, optional
        Where the nodes are, by number or by name as networkx has it; those of the graph by default.
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
        If there is no flow, or no positions in the plane.
    MissingDependencyError
        If matplotlib is not installed.
    """
    moved: Any = plan.plan if isinstance(plan, GraphResult) else plan
    if not isinstance(moved, Flow):
        raise InvalidProblemError(
            f"`plan` must be a GraphResult or a Flow; got {type(plan).__name__}."
        )
    width, size = check_positive(width, "width"), check_positive(size, "size")
    need_matplotlib()
    from matplotlib.collections import LineCollection

    where = _positions(positions, moved.graph)
    if ax is None:
        ax = new_figure(7.0, 7.0).add_axes((0.0, 0.0, 1.0, 1.0))
    (ax,) = axes_of(ax, 1, "one")
    low, high = where.min(axis=0), where.max(axis=0)
    margin = 0.04 * float((high - low).max() or 1.0)
    ax.set_xlim(low[0] - margin, high[0] + margin)
    ax.set_ylim(low[1] - margin, high[1] + margin)
    ax.set_aspect("equal")
    ax.set_axis_off()
    ends = where[moved.graph.edges]
    ax.add_collection(LineCollection(list(ends), colors=_EDGE, linewidths=0.6, zorder=1))
    used = np.flatnonzero(moved.values)
    x = moved.values[used]
    if used.size:
        used, x = used[np.argsort(np.abs(x))], np.sort(np.abs(x))  # wide lines above thin ones
        widths = np.maximum(width * x / x[-1], _THIN)
        lines = LineCollection(list(ends[used]), colors=_FLOW, linewidths=widths, zorder=2)
        lines.set_capstyle("round")
        ax.add_collection(lines)
        _arrows(ax, ends[used], moved.values[used], widths)
    _masses(ax, where, plan, size)
    return ax


def _arrows(ax: Any, ends: Floats, values: Floats, widths: Floats) -> None:
    """Heads in the middle of lines: the widest lines first, and none where there is one nearby."""
    from matplotlib.collections import PolyCollection
    from matplotlib.transforms import IdentityTransform

    box, (left, right), (bottom, top) = ax.bbox, ax.get_xlim(), ax.get_ylim()
    pixels = min(box.width / (right - left), box.height / (top - bottom))
    points = pixels * 72.0 / ax.figure.dpi
    middle, way = ends.mean(axis=1), np.sign(values)[:, None] * (ends[:, 1] - ends[:, 0])
    length = np.linalg.norm(way, axis=1)
    seen = np.flatnonzero((widths >= _POINTED) & (length > 0.0))[::-1]
    cells = np.floor(middle[seen] * points / _APART)
    seen = seen[np.unique(cells, axis=0, return_index=True)[1]]
    along = way[seen] / length[seen, None]
    across = np.stack((-along[:, 1], along[:, 0]), axis=1)
    wide = widths[seen, None] + _WIDER
    corners = (0.7 * wide * along, 0.5 * wide * across - 0.4 * wide * along)
    back = -0.5 * wide * across - 0.4 * wide * along
    heads = PolyCollection(
        list(np.stack((*corners, back), axis=1)),
        sizes=(1.0,),
        offsets=middle[seen],
        offset_transform=ax.transData,
        facecolors=_ARROW,
        linewidths=0.0,
        zorder=3,
    )
    heads.set_transform(IdentityTransform())
    ax.add_collection(heads)


def _masses(ax: Any, where: Floats, plan: GraphResult | Flow, size: float) -> None:
    """Dots for what nodes send and receive, and rings for what they could."""
    moved = plan.plan if isinstance(plan, GraphResult) else plan
    net = most = moved.received - moved.sent
    if isinstance(plan, GraphResult) and not plan.problem.is_balanced:
        most = plan.problem.target - plan.problem.source
    unit = float(np.maximum(np.abs(net), np.abs(most)).max(initial=0.0)) or 1.0
    for sign, color in ((-1.0, _SENT), (1.0, _RECEIVED)):
        nodes = sign * net > 0.0
        if nodes.any():
            area = size * np.abs(net[nodes]) / unit
            ax.scatter(*where[nodes].T, s=area, color=color, linewidths=0.0, zorder=4)
        nodes = (sign * most > 0.0) & (sign * (most - net) > _SAME * unit)
        if nodes.any():
            area = size * np.abs(most[nodes]) / unit
            ax.scatter(
                *where[nodes].T, s=area, facecolors="none", edgecolors=color, linewidths=1, zorder=5
            )


def _positions(given: Any, graph: Graph) -> Floats:
    where = graph.positions if given is None else graph.places(given)
    if where is None:
        raise InvalidProblemError(
            "the graph has no `positions`; pass where its nodes are, `positions` of shape (N, 2)."
        )
    if where.shape != (graph.n_nodes, 2):
        raise InvalidProblemError(
            f"`positions` must have shape ({graph.n_nodes}, 2) to be drawn; got {where.shape}."
        )
    return where
