"""Problems and flows on graphs as arrays, for the files that `results` writes and reads."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.exceptions import InvalidProblemError
from quot.flow import Flow
from quot.graph import Graph
from quot.io.arrays import Arrays, kinds, labels_of, labels_to_array, vector_of
from quot.problem import GraphProblem
from quot.result import GraphResult

_KIND = "graph"


def is_graph(arrays: Arrays) -> bool:
    """Whether these are the arrays of a problem on a graph."""
    return str(arrays["problem"]) == _KIND


def to_arrays(result: GraphResult) -> Arrays:
    """Return problem and flow as arrays.

    Raises
    ------
    InvalidProblemError
        If labels are neither all integers nor all text.
    """
    problem, graph, flow = result.problem, result.problem.graph, result.plan
    arrays: Arrays = {
        "problem": _KIND,
        "n_nodes": graph.n_nodes,
        "edges": graph.edges,
        "lengths": graph.lengths,
        "directed": graph.directed,
        "capacity": graph.capacity,
        "source": problem.source,
        "target": problem.target,
        "strength": problem.reg,
        "mass": np.zeros(0) if problem.mass is None else np.array([problem.mass]),
        "values": flow.values,
        "sent": flow.sent,
        "received": flow.received,
    }
    if graph.positions is not None:
        arrays["positions"] = graph.positions
    if graph.labels is not None:
        arrays["labels"] = _saved(graph.labels)
    return arrays


def problem_from_arrays(arrays: Arrays) -> GraphProblem:
    """Return the problem; any error means that the arrays describe none."""
    strength, mass = arrays["strength"], arrays["mass"]
    graph = Graph(
        int(arrays["n_nodes"]),
        arrays["edges"],
        arrays["lengths"],
        arrays["directed"],
        arrays["capacity"],
        positions=arrays.get("positions"),
        labels=labels_of(arrays, "labels"),
    )
    return GraphProblem(
        graph,
        arrays["source"],
        arrays["target"],
        reg=strength if strength.ndim else float(strength),
        mass=float(mass[0]) if mass.size else None,
    )


def flow_from_arrays(arrays: Arrays, graph: Graph) -> Flow:
    """Return the flow; NaN may pass, the certificate judges it."""
    values = vector_of(arrays["values"], graph.n_edges, "values")
    sent, received = (vector_of(arrays[k], graph.n_nodes, k) for k in ("sent", "received"))
    return Flow(graph, values, sent, received)


def _saved(labels: tuple[Hashable, ...]) -> NDArray[Any]:
    """Return labels as an array that gives them back."""
    array = labels_to_array(labels)
    if array is None:
        raise InvalidProblemError(
            f"the labels of the graph are of type {kinds(labels)}, and only integers of 64 bits, "
            "or text without zeros at its end, can be saved; relabel the graph "
            "(`networkx.convert_node_labels_to_integers`), or keep the flow alone "
            "(`result.plan.to_csr()`)."
        )
    return array
