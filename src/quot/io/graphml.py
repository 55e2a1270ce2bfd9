"""GraphML by a reader of our own: networkx loses defaults, the order of edges and mixed directions.

Files come from anywhere: entities are refused, so that nothing is expanded or fetched, and memory
grows with the file alone.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, NoReturn
from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray

from quot.exceptions import InvalidProblemError
from quot.io.cells import Cells, number
from quot.io.files import UNREADABLE, PathLike, bad_byte, not_utf8, unreadable
from quot.io.tables import Table

# What names and ends are read by; no attribute can be called so.
ENDS, NODE = ("@source", "@target"), "@id"

_CHUNK = 1 << 20
# What may be inside what. The rest of these, and other namespaces anywhere, is passed over.
_INSIDE = {
    "": ("graphml",),
    "graphml": ("desc", "key", "data", "graph"),
    "key": ("desc", "default"),
    "graph": ("desc", "data", "node", "edge"),
    "node": ("desc", "data"),
    "edge": ("desc", "data"),
}
_REFUSED = {
    "hyperedge": ", which joins any number of nodes; join these to a node of its own by edges",
    "port": ", a part of a node at which edges end; leave ports out, or make each a node",
    "locator": ", which is for a graph in another file; put that graph into this one",
    "graph": " inside of another, such as a group of yEd; put all nodes into one graph (ungroup)",
}
# Where yEd and its kin keep what is written at nodes and edges.
_LABELS = {"NodeLabel": "y:NodeLabel", "EdgeLabel": "y:EdgeLabel"}
_TEXT = {"data", "default", *_LABELS.values()}
_DIRECTED = {"directed": True, "undirected": False}
_TRUTH = {"true": True, "1": True, "false": False, "0": False}
_PAIR = re.compile(r"[\s()\[\]]*([^\s,;()\[\]]+)[\s,;]+([^\s,;()\[\]]+)[\s()\[\]]*")


class GraphTables(NamedTuple):
    """A graph as two tables, with an attribute a column, and which edges lead one way."""

    edges: Elements
    nodes: Elements
    one_way: NDArray[np.bool_]


def read_graphml(path: PathLike) -> GraphTables:
    """Read a graph with the attributes of its nodes and edges, in the order of the file.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    GraphTables
        Edges with the columns `ENDS`, nodes with the column `NODE`, and attributes as they are
        written, or the default of their key. A place, the attribute "pos" of two numbers, is "x"
        and "y", if there are no such. The text at nodes and edges that yEd shows is "y:NodeLabel"
        and "y:EdgeLabel".

    Raises
    ------
    InvalidProblemError
        If the file is missing, damaged or of another kind, or has more than nodes and edges:
        several graphs, graphs in nodes, hyperedges, ports, entities; or an edge to a node that is
        not there.
    """
    parser = _Parser(path)
    try:
        with Path(path).open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                parser.expat.Parse(chunk)
            parser.expat.Parse(b"", True)  # noqa: FBT003  (takes no keyword)
    except InvalidProblemError:
        raise
    except expat.ExpatError as error:
        if bad_byte(path)[0] == error.lineno:
            raise not_utf8(path) from error
        raise unreadable(path, "a graph in the GraphML format", error) from error
    except (*UNREADABLE, LookupError) as error:  # of encodings
        raise unreadable(path, "a graph in the GraphML format", error) from error
    return parser.tables()


class Elements(Table):
    """The nodes or the edges of a file, with their attributes as columns.

    Parameters
    ----------
    path : str or path
    found : _Found
    keys : mapping
        Those for such elements, by id.
    """

    what = "attribute"

    def __init__(self, path: PathLike, found: _Found, keys: Mapping[str, _Key]) -> None:
        self._found = found
        self._keys: dict[str, dict[str, str | None]] = {}  # by name: ids, and their defaults
        for key, of in keys.items():
            if of.name:
                self._keys.setdefault(of.name, {})[key] = of.default
        super().__init__(path, list(self._keys))
        if "pos" in self.columns and {"x", "y"}.isdisjoint(self.columns):
            self.columns += ("x", "y")

    def pieces(self, columns: Sequence[str]) -> Iterator[Sequence[Cells]]:
        """Give the cells of these columns as text, None where there is nothing, all at once."""
        if self._found.lines:
            yield [self._cells(name) for name in columns]

    def where(self, row: int) -> str:
        """Say which element it is."""
        names = " - ".join(repr(ids[row]) for ids in self._found.names.values())
        line = self._found.lines[row]
        return f"of the {self._found.kind} {names} in line {line} of `{self.path}`"

    def holding(self, text: str) -> list[str]:
        """Return the attributes that are `text` somewhere."""
        return [name for name in self.columns if text in self._cells(name)]

    def _cells(self, name: str) -> list[str | None]:
        if name in self._found.names:
            return list(self._found.names[name])
        if name not in self._keys:  # x or y
            return [_place(cell)["xy".index(name)] for cell in self._cells("pos")]
        cells: list[str | None] = [None] * len(self._found.lines)
        for key in self._keys[name]:  # networkx writes one for integers and one for floats
            for row, text in zip(*self._found.values.get(key, ((), ())), strict=True):
                if cells[row] is not None:
                    raise self.error(name, row, "is given twice, by two keys; leave one out.")
                cells[row] = text
        defaults = {text for text in self._keys[name].values() if text is not None}
        if not defaults or None not in cells:
            return cells
        if len(defaults) > 1:
            row = cells.index(None)
            raise self.error(name, row, f"has the defaults {sorted(defaults)}; leave one of them.")
        default = defaults.pop()
        return [default if text is None else text for text in cells]


def _place(text: str | None) -> tuple[str | None, str | None]:
    """Return two numbers as written; pictures need them, and nothing else does."""
    pair = _PAIR.fullmatch(text or "")
    try:
        return (pair[1], pair[2]) if pair and [number(k) for k in pair.groups()] else (None, None)
    except ValueError:
        return None, None


# --- from the file -----------------------------------------------------------------------------


@dataclass
class _Key:
    """What a <key> says; one without a name is of no use."""

    name: str
    default: str | None = None


@dataclass
class _Found:
    """The elements of a kind, as far as they were read.

    Parameters
    ----------
    kind : str
        "node" or "edge".
    names : mapping
        What it is called, or what its ends are called: `NODE`, or `ENDS`.
    lines : array
        Where each is.
    values : mapping
        By the id of a key the elements that have data of it, and these.
    """

    kind: str
    names: dict[str, list[str]]
    lines: array[int] = field(default_factory=lambda: array("q"))
    values: dict[str, tuple[array[int], list[str]]] = field(default_factory=dict)


class _Parser:
    """Turns elements into columns as they come by."""

    def __init__(self, path: PathLike) -> None:
        self._path = path
        self._nodes = _Found("node", {NODE: []})
        self._edges = _Found("edge", {name: [] for name in ENDS})
        self._one_way: list[bool] = []
        self._known: dict[str, int] = {}  # the line of each node
        self._keys: dict[str, dict[str, _Key]] = {"node": {}, "edge": {}}
        self._declared: list[_Key] = []  # by the <key> that is open
        self._of: _Found | None = None  # whose element is open
        self._data = ""  # the key of the <data> that is open
        self._default: bool | None = None  # of `edgedefault`
        self._graphs, self._space = 0, ""
        self._open, self._text = [""], [[""]]
        self._begin = {
            "key": self._key,
            "graph": self._graph,
            "node": self._node,
            "edge": self._edge,
            "data": self._of_key,
        }
        self.expat = expat.ParserCreate(namespace_separator=" ")
        self.expat.buffer_text = True
        self.expat.StartElementHandler = self._start
        self.expat.EndElementHandler = self._end
        self.expat.CharacterDataHandler = self._characters
        self.expat.EntityDeclHandler = self._entity
        self.expat.SkippedEntityHandler = self._entity

    def tables(self) -> GraphTables:
        """Return what was read."""
        if not self._graphs:
            raise InvalidProblemError(f"`{self._path}` has no <graph>; pass a file with one.")
        for ends in self._edges.names.values():
            for row, name in enumerate(ends):
                if name not in self._known:
                    self._refuse(
                        f"an <edge> to the node {name!r}, which no <node> declares; add it, or "
                        "correct the name",
                        self._edges.lines[row],
                    )
        for found in (self._edges, self._nodes):
            for key, (rows, _) in found.values.items():
                if key not in self._keys[found.kind]:
                    self._refuse(
                        f"<data> of the key {key!r}, which no <key> declares for {found.kind}s; "
                        "declare it",
                        found.lines[rows[0]],
                    )
        edges, nodes = (
            Elements(self._path, k, self._keys[k.kind]) for k in (self._edges, self._nodes)
        )
        return GraphTables(edges, nodes, np.array(self._one_way, np.bool_))

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        space, _, name = tag.rpartition(" ")
        outer = self._open[-1]
        if not outer:
            if name != "graphml":
                raise ValueError(f"its first element is <{name}>")
            self._space = space
        if outer not in _INSIDE or space != self._space:
            name = _LABELS.get(name, "?") if self._of is not None else "?"
        elif name not in _INSIDE[outer]:
            self._refuse(f"a <{name}>{_REFUSED.get(name, f', which means nothing in a <{outer}>')}")
        elif name in self._begin:
            self._begin[name](attributes)
        self._open.append(name)
        self._text.append([])

    def _end(self, _tag: str) -> None:
        name, text = self._open.pop(), "".join(self._text.pop())
        if name == "default":
            for key in self._declared:
                key.default = text
        elif name == "data" and self._of is not None:
            self._add(self._of, self._data, text)
        elif name in _LABELS.values() and self._of is not None and text.strip():
            self._keys[self._of.kind].setdefault(name, _Key(name))
            self._add(self._of, name, text.strip())
        elif name in {"node", "edge"}:
            self._of = None

    def _characters(self, text: str) -> None:
        if self._open[-1] in _TEXT:
            self._text[-1].append(text)

    def _entity(self, name: str, *_: Any) -> NoReturn:
        self._refuse(f"the entity `{name}`, which is not expanded here; write its text instead")

    def _add(self, found: _Found, key: str, text: str) -> None:
        """Note what the last element has of a key."""
        rows, texts = found.values.setdefault(key, (array("q"), []))
        row = len(found.lines) - 1
        if rows and rows[-1] == row:
            if key not in _LABELS.values():
                self._refuse(f"<data> of the key {key!r} a second time in one {found.kind}")
            texts[-1] += "\n" + text
            return
        rows.append(row)
        texts.append(text)

    # --- elements, as they begin

    def _key(self, attributes: dict[str, str]) -> None:
        name = self._needed(attributes, "key", "id")
        domain = attributes.get("for", "all")
        self._declared = []
        for kind, keys in self._keys.items():
            if domain in {kind, "all"}:
                if name in keys:
                    self._refuse(f"a second <key> {name!r} for {kind}s; give each its own `id`")
                graphics = "" if "yfiles.type" in attributes else name
                keys[name] = _Key(attributes.get("attr.name", graphics))
                self._declared.append(keys[name])

    def _graph(self, attributes: dict[str, str]) -> None:
        self._graphs += 1
        if self._graphs > 1:
            self._refuse("a second <graph>; put each into a file of its own")
        self._default = _DIRECTED.get(attributes.get("edgedefault", ""))

    def _node(self, attributes: dict[str, str]) -> None:
        name = self._needed(attributes, "node", "id")
        if name in self._known:
            self._refuse(
                f"a second <node> {name!r}, after that in line {self._known[name]}; give each its "
                "own `id`"
            )
        self._of = self._nodes
        self._known[name] = self.expat.CurrentLineNumber
        self._nodes.names[NODE].append(name)
        self._nodes.lines.append(self._known[name])

    def _edge(self, attributes: dict[str, str]) -> None:
        self._of = self._edges
        for end, ids in self._edges.names.items():
            ids.append(self._needed(attributes, "edge", end[1:]))
        self._edges.lines.append(self.expat.CurrentLineNumber)
        own = attributes.get("directed")
        one_way = self._default if own is None else _TRUTH.get(own)
        if one_way is None:
            self._refuse(
                "an <edge> of no direction: `directed` is true or false, and where it is left out "
                "`edgedefault` of the <graph> is directed or undirected"
            )
        self._one_way.append(one_way)

    def _of_key(self, attributes: dict[str, str]) -> None:
        self._data = self._needed(attributes, "data", "key")

    def _needed(self, attributes: dict[str, str], element: str, name: str) -> str:
        found = attributes.get(name, "").strip()
        if not found:
            self._refuse(f"a <{element}> without `{name}`; add it")
        return found

    def _refuse(self, text: str, line: int | None = None) -> NoReturn:
        line = self.expat.CurrentLineNumber if line is None else line
        raise InvalidProblemError(f"line {line} of `{self._path}` has {text}.")
