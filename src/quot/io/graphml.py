"""Graphs from GraphML as tables; the border to networkx (extra `graphs`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from quot.io.files import UNREADABLE, PathLike, unreadable
from quot.io.tables import ListTable
from quot.optional import need

# The columns that are no attributes.
ENDS, NODE = ("source", "target"), "node"
_PAIR = re.compile(r"[\s()\[\]]*([^\s,;()\[\]]+)[\s,;]+([^\s,;()\[\]]+)[\s()\[\]]*")


class GraphTables(NamedTuple):
    """A graph as two tables, with an attribute a column."""

    edges: ListTable
    nodes: ListTable
    is_directed: bool


def read_graphml(path: PathLike) -> GraphTables:
    """Read a graph with the attributes of its nodes and edges.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    GraphTables
        Edges with the columns "source" and "target", nodes with the column "node". A place, the
        attribute "pos" of two numbers, becomes "x" and "y".

    Raises
    ------
    InvalidProblemError
        If the file is missing, damaged or of another kind.
    MissingDependencyError
        If networkx is not installed.
    """
    networkx = need("networkx", ".graphml files", "graphs")
    try:
        with Path(path).open("rb") as stream:
            graph = networkx.read_graphml(stream)
    except (*UNREADABLE, networkx.NetworkXException) as error:
        raise unreadable(path, "a graph in the GraphML format", error) from error
    ends = [(str(u), str(v)) for u, v in graph.edges()]
    edges = _columns(data for _, _, data in graph.edges(data=True))
    for k, name in enumerate(ENDS):
        edges[name] = [pair[k] for pair in ends]
    nodes = _columns(_placed(data) for _, data in graph.nodes(data=True))
    nodes[NODE] = [str(v) for v in graph]
    return GraphTables(
        ListTable(path, edges, [f"the edge {u!r} - {v!r}" for u, v in ends]),
        ListTable(path, nodes, [f"the node {v!r}" for v in nodes[NODE]]),
        graph.is_directed(),
    )


def _columns(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Turn attributes by edge or node into columns; None where one has none."""
    rows = list(rows)
    names = dict.fromkeys(name for row in rows for name in row)
    return {str(name): [row.get(name) for row in rows] for name in names}


def _placed(data: Mapping[str, Any]) -> dict[str, Any]:
    pair = _PAIR.fullmatch(str(data.get("pos", "")))
    return {**data, "x": pair[1], "y": pair[2], **data} if pair else dict(data)
