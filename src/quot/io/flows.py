"""Flows as tables, .csv or .parquet: by edges, and by nodes."""

from __future__ import annotations

from quot.flow import Flow
from quot.io.files import PathLike
from quot.io.tables import write_table
from quot.result import GraphResult

_ENDS = ("source", "target")
# Columns besides those of the nodes.
_FLOW = ("edge", "flow", "length", "cost")
_BALANCE = ("source", "target", "sent", "received", "potential")


def write_flow(flow: Flow, path: PathLike, ends: tuple[str, str] = _ENDS) -> None:
    """Write what the edges carry to a table, .csv or .parquet.

    A row for each edge that carries something, in the order of the edges: the node it takes mass
    from and the node it brings it to, the number of the edge, from 0, the flow, > 0, the length and
    what the flow pays for it.

    Parameters
    ----------
    flow : Flow
    path : str or path
    ends : pair of str, default=("source", "target")
        What to call the columns of the nodes.
    """
    write_table(flow.table(ends if set(ends).isdisjoint(_FLOW) else _ENDS), path)


def write_balance(result: GraphResult, path: PathLike, node: str = "node") -> None:
    """Write what happens at the nodes to a table, .csv or .parquet.

    A row for each node: the mass that is there and that is wanted, what it sends and receives of
    these, and its potential, what a unit of mass is worth there. Mass that stays is sent and
    received.

    Parameters
    ----------
    result : GraphResult
    path : str or path
    node : str, default="node"
        What to call the column of the nodes.
    """
    write_table(result.table("node" if node in _BALANCE else node), path)
