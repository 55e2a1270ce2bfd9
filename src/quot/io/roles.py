"""Which columns of edges and nodes hold what: those that were named, or of the usual names."""

from __future__ import annotations

from dataclasses import dataclass

from quot.exceptions import InvalidProblemError
from quot.io import parquet
from quot.io.cells import Names, Reader, given_numbers, numbers
from quot.io.tables import Table

# How columns are usually called, upper and lower case alike.
_ENDS = (("source", "target"), ("from", "to"), ("tail", "head"), ("u", "v"))
_LENGTH = ("length", "weight", "cost")
_NODE = ("node", "id")
XY = ("x", "y")


@dataclass(frozen=True)
class Roles:
    """Which columns of edges and nodes hold what; None finds one by its usual name.

    Parameters
    ----------
    source, target : str
        Of the nodes: mass that is there, and mass that is wanted.
    node : str, optional
        Of the nodes: their names; "node" or "id" by default, else the index, or the first column.
    xy : pair of str, optional
        Of the nodes: where they are; "x" and "y" by default, if there are such.
    ends : pair of str, optional
        Of the edges: the two nodes; "source" and "target", "from" and "to", "tail" and "head" or
        "u" and "v" by default, else the first two columns besides an index.
    length : str, optional
        Of the edges; "length", "weight" or "cost" by default.
    capacity : str, optional
        Of the edges; "capacity" by default, if there is such. No limit where nothing is given.
    one_way : str, optional
        Of the edges: whether one leads from the first node to the second only; "directed" by
        default, if there is such.
    reg : str, optional
        Of the edges: the strength of the quadratic term.
    """

    source: str
    target: str
    node: str | None = None
    xy: tuple[str, str] | None = None
    ends: tuple[str, str] | None = None
    length: str | None = None
    capacity: str | None = None
    one_way: str | None = None
    reg: str | None = None


def find_ends(table: Table, roles: Roles) -> tuple[str, str]:
    """Return the columns of the two nodes of each edge."""
    if roles.ends is not None:
        for name in roles.ends:
            table.find("ends", name)
        return roles.ends
    for one, other in _ENDS:
        pair = table.find("ends", None, (one,)), table.find("ends", None, (other,))
        if pair[0] and pair[1]:
            return pair[0], pair[1]
    rest = [name for name in table.columns if name and name not in table.index]
    if (
        len(rest) < 2
        or len(table.index) > 1
        or not {k.lower() for k in rest[:2]}.isdisjoint(_LENGTH)
    ):
        raise InvalidProblemError(
            f"`{table.path}` has no columns for the ends of edges, such as `source` and `target`; "
            f"it has {table.listed()}. Name two of these (`--ends COL COL`)."
        )
    return rest[0], rest[1]


def find_node(table: Table, roles: Roles) -> str:
    """Return the column of the names of nodes."""
    found = table.find("nodes", roles.node, _NODE)
    if found is not None:
        return found
    first = next(iter(table.index or table.columns))
    if table.index and not parquet.is_named(first):
        raise InvalidProblemError(
            f"the index of `{table.path}` has no name; call it `node` if it names the nodes "
            '(pandas: `df.rename_axis("node")`), or say which column does (`--node COL`), of '
            f"{table.listed()}."
        )
    if first in {roles.source, roles.target, *(roles.xy or XY)}:
        raise InvalidProblemError(
            f"`{table.path}` has no column for the names of nodes, such as `node`; it has "
            f"{table.listed()}. Name one of these (`--node COL`)."
        )
    return first


def edge_readers(
    table: Table, roles: Roles, book: Names, ends: tuple[str, str]
) -> dict[str, tuple[str, Reader]]:
    """Return what to read of the edges, and by what."""
    length = table.find("lengths", roles.length, _LENGTH)
    if length is None:
        raise InvalidProblemError(
            f"`{table.path}` has no {table.what} `length`; it has {table.listed()}. Name one of "
            "these (`--length COL`)."
        )
    wanted: dict[str, tuple[str, Reader]] = {
        "tail": (ends[0], book.codes),
        "head": (ends[1], book.codes),
        "length": (length, given_numbers),
    }
    capacity = table.find("capacities", roles.capacity, ("capacity",))
    if capacity is not None:
        wanted["capacity"] = capacity, numbers
    if roles.reg is not None:
        table.find("strength of the quadratic term", roles.reg)
        wanted["reg"] = roles.reg, given_numbers
    return wanted


def node_readers(
    table: Table, roles: Roles, book: Names, node: str, reader: Reader = given_numbers
) -> dict[str, tuple[str, Reader]]:
    """Return what to read of the nodes, and by what; the masses by `reader`."""
    wanted: dict[str, tuple[str, Reader]] = {"node": (node, book.codes)}
    for role, name in (("source", roles.source), ("target", roles.target)):
        table.find(f"masses of `{role}`", name)
        wanted[role] = name, reader
    places = roles.xy or tuple(table.find("places", None, (name,)) for name in XY)
    for role, place in zip(XY, places, strict=True):
        if roles.xy is not None:
            table.find("places", place)
        if None not in places:
            wanted[role] = str(place), numbers
    return wanted
