"""Graphs and masses, from tables of edges and nodes or from GraphML."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.coupling import unique
from quot.exceptions import InvalidProblemError, QuotWarning
from quot.graph import Graph
from quot.io import graphml
from quot.io.cells import Names, flags, numbers
from quot.io.files import PathLike
from quot.io.graphml import Elements
from quot.io.roles import XY, Roles, edge_readers, find_ends, find_node, node_readers
from quot.io.tables import TABLE_SUFFIXES, Columns, open_table

Floats = NDArray[np.float64]

GRAPH_SUFFIXES = (*TABLE_SUFFIXES, ".graphml")


@dataclass(frozen=True, eq=False)
class GraphData:
    """A graph with masses, as files describe it.

    Parameters
    ----------
    graph : Graph
    source, target : array of shape (N,)
        Of the type they have in the file.
    reg : array of shape (E,) or None
        If a column was asked for.
    ends : pair of str
        What the columns of the ends are called.
    node : str
        What the column of the nodes is called.
    columns : pair of tuples of str
        The columns, or attributes, that were read of the edges and of the nodes.
    unplaced : list
        Names of the nodes that have no place; the graph has positions if there is none.
    """

    graph: Graph
    source: Floats
    target: Floats
    reg: Floats | None
    ends: tuple[str, str]
    node: str
    columns: tuple[tuple[str, ...], tuple[str, ...]]
    unplaced: list[Hashable]


def read_graph(
    path: PathLike,
    roles: Roles,
    *,
    nodes: PathLike | None = None,
    directed: bool = False,
) -> GraphData:
    """Read a graph and the masses of its nodes.

    Nodes that are not in the table of nodes have no mass; nodes that are in no edge are isolated,
    and kept. Names are integers if all are, in all files.

    Parameters
    ----------
    path : str or path
        A table of edges, .csv with a header or .parquet, or a .graphml.
    roles : Roles
    nodes : str or path, optional
        A table of nodes; a .graphml may have attributes of its own instead.
    directed : bool, default=False
        Whether every edge of a table leads from its first node to the second only.

    Returns
    -------
    GraphData

    Raises
    ------
    InvalidProblemError
        If a file is missing, damaged or of another kind, or a column is missing or does not hold
        what it should; the message has the line, or the row of a .parquet.
    MissingDependencyError
        If the package that reads the format is not installed.

    Warns
    -----
    QuotWarning
        If edges for both ways are listed there and back.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in GRAPH_SUFFIXES:
        raise InvalidProblemError(
            f"`{path}` has the suffix {suffix!r}; pass a graph, {', '.join(GRAPH_SUFFIXES)}."
        )
    if suffix == ".graphml":
        return _from_graphml(path, roles, nodes, directed=directed)
    if nodes is None:
        raise InvalidProblemError(
            f"`{path}` is a table of edges, and the masses are nowhere; pass a table of nodes "
            f"(`--nodes FILE`) with the columns `{roles.source}` and `{roles.target}`."
        )
    edges, table = open_table(path), open_table(nodes)
    book, one_way = Names(), None
    if not directed:
        one_way = edges.find("directions", roles.one_way, ("directed",))
    elif roles.one_way is not None:
        raise InvalidProblemError(
            "`--directed` says that all edges lead one way, and `--one-way` which of them; pass "
            "one of the two."
        )
    of_edges = edge_readers(edges, roles, book, find_ends(edges, roles))
    if one_way is not None:
        of_edges["one_way"] = one_way, flags
    of_nodes = node_readers(table, roles, book, find_node(table, roles))
    streets = edges.read(of_edges)
    count = len(book)
    stations = table.read(of_nodes)
    _check_met(path, stations, book, count)
    if one_way is None:
        streets.arrays["one_way"] = np.full(streets["tail"].size, directed)
    if not streets["one_way"].any():
        _warn_of_pairs(path, streets["tail"], streets["head"])
    return _assemble(streets, [stations], book)


def _from_graphml(
    path: PathLike, roles: Roles, nodes: PathLike | None, *, directed: bool
) -> GraphData:
    """Read the attributes of a graph; the masses from a table, if there is one."""
    if directed or roles.one_way is not None or roles.ends is not None:
        option = "--ends" if roles.ends else "--directed" if directed else "--one-way"
        raise InvalidProblemError(
            f"`{path}` says itself what the ends of edges are and where they lead; leave out "
            f"`{option}`."
        )
    graph, book = graphml.read_graphml(path), Names()
    of_edges = edge_readers(graph.edges, roles, book, graphml.ENDS)
    if nodes is None:
        own = node_readers(graph.nodes, roles, book, graphml.NODE, numbers)  # no attribute, no mass
    else:
        own = {"node": (graphml.NODE, book.codes)}
        if roles.xy is None and set(XY) <= set(graph.nodes.columns):
            own |= {name: (name, numbers) for name in XY}
    parts = [graph.nodes.read(own)]
    streets = graph.edges.read(of_edges)
    streets.arrays["one_way"] = graph.one_way
    name = "node"
    if nodes is not None:
        table, count = open_table(nodes), len(book)
        name = find_node(table, roles)
        parts.append(table.read(node_readers(table, roles, book, name)))
        _check_met(path, parts[-1], book, count, graph.nodes)
    return replace(_assemble(streets, parts, book), ends=("source", "target"), node=name)


# --- what is in them ---------------------------------------------------------------------------


def _assemble(edges: Columns, nodes: Sequence[Columns], book: Names) -> GraphData:
    """Build what the columns describe."""
    _check_edges(edges)
    count = len(book)
    by_node = {
        name: np.zeros(count, np.result_type(*(part[name] for part in nodes if name in part)))
        for name in ("source", "target")
    }
    places = np.full((count, 2), np.nan)
    for part in nodes:
        at = part["node"]
        _check_once(part)
        for name, masses in by_node.items():
            if name in part:
                _check_masses(part, name)
                masses[at] = np.nan_to_num(part[name])
        if "x" in part:
            places[at] = np.stack((part["x"], part["y"]), axis=1)
    placed = np.isfinite(places).all(axis=1)
    capacity: Any = None
    if "capacity" in edges:
        capacity = np.where(np.isnan(edges["capacity"]), np.inf, edges["capacity"])
    graph = Graph(
        count,
        np.stack((edges["tail"], edges["head"]), axis=1),
        edges["length"],
        edges["one_way"],
        capacity,
        positions=places if placed.all() else None,
        labels=tuple(book.labels()),
    )
    return GraphData(
        graph=graph,
        source=by_node["source"],
        target=by_node["target"],
        reg=edges.arrays.get("reg"),
        ends=(edges.names["tail"], edges.names["head"]),
        node=nodes[-1].names["node"],
        columns=(_taken(edges), tuple(dict.fromkeys(k for part in nodes for k in _taken(part)))),
        unplaced=graph.names(np.flatnonzero(~placed)),
    )


def _taken(part: Columns) -> tuple[str, ...]:
    return tuple(name.removeprefix("@") for name in part.names.values())


def _check_edges(edges: Columns) -> None:
    """Refuse numbers that edges cannot have, by their line."""
    length = edges["length"]
    edges.refuse("length", ~np.isfinite(length), "a length is a finite number.")
    edges.refuse(
        "length",
        (length < 0.0) & ~edges["one_way"],
        "only an edge that leads one way (`--directed`, `--one-way COL`) may have a negative "
        "length.",
    )
    if "capacity" in edges:
        edges.refuse(
            "capacity",
            edges["capacity"] <= 0.0,
            "a capacity is positive. Leave out an edge that may carry nothing; leave the field "
            "empty where there is no limit.",
        )
    if "reg" in edges:
        good = (edges["reg"] >= 0.0) & (edges["reg"] < np.inf)
        edges.refuse("reg", ~good, "the strength of the quadratic term is >= 0.")


def _check_masses(nodes: Columns, name: str) -> None:
    nodes.refuse(
        name,
        (nodes[name] < 0.0) | np.isinf(nodes[name]),
        "a mass is finite and >= 0. What is there goes into one column (`--source`), what is "
        "wanted into another (`--target`).",
    )


def _check_once(nodes: Columns) -> None:
    """Refuse a node that has two rows."""
    number = nodes["node"]
    order = np.argsort(number, kind="stable")
    again = np.flatnonzero(number[order][1:] == number[order][:-1])
    if again.size:
        second = int(order[again + 1].min())
        first = nodes.table.where(int(np.argmax(number == number[second])))
        text = f"names the node that was named {first}; one row a node."
        raise nodes.table.error(nodes.names["node"], second, text)


def _check_met(
    path: PathLike, nodes: Columns, book: Names, count: int, known: Elements | None = None
) -> None:
    """Refuse a table of other nodes than those of the graph, `count` in all; 1.0 is not 1."""
    if (nodes["node"] < count).any():
        return
    labels = book.labels()
    given = labels[nodes["node"][0]]
    advice = f"Name the column of the nodes (`--node COL`), of {nodes.table.listed()}."
    held = [] if known is None else known.holding(str(given))
    if held:
        advice = f"The attribute `{held[0]}` has such names; write the ids of these nodes instead."
    raise InvalidProblemError(
        f"no node of `{nodes.table.path}` is in `{path}`: the column `{nodes.names['node']}` has "
        f"names such as {given!r}, and the edges join nodes such as {labels[0]!r}. {advice}"
    )


def _warn_of_pairs(path: PathLike, tail: NDArray[np.int32], head: NDArray[np.int32]) -> None:
    """Say that a list of one-way edges may have been read as edges for both ways."""
    key = unique(tail.astype(np.int64) << 32 | head)
    back = (key & 0xFFFFFFFF) << 32 | key >> 32
    both = int(np.isin(back, key, assume_unique=True).sum() - (back == key).sum()) // 2
    if both > key.size // 4:
        warnings.warn(
            f"`{path}` lists {both} pairs of nodes there and back, and each line is read as an "
            "edge for both ways; pass `--directed` if a line is for one way.",
            QuotWarning,
            stacklevel=4,
        )
