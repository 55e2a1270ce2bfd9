"""Which parts of a graph hang together, and how to join them."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from quot.exceptions import InvalidProblemError
from quot.graph import Graph
from quot.order import by_name

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

logger = logging.getLogger(__name__)


@by_name("")
def connect(graph: Graph) -> Graph:
    """Join the components of a graph by the shortest edges that do.

    Each component but the largest is joined to the nearest node outside, by an undirected edge as
    long as their distance, and again until one is left (Boruvka): together the shortest tree of
    components. What was added is logged. `Graph.subgraph` does without the smaller ones instead.

    Parameters
    ----------
    graph : Graph, or what `Graph.of` takes
        With positions.

    Returns
    -------
    Graph
        The same if it is connected; else with new edges at the end.

    Raises
    ------
    InvalidProblemError
        If it is no graph, or is not connected and has no positions.

    Examples
    --------
    >>> import quot
    >>> apart = quot.graphs.knn([[0.0], [1.0], [5.0], [6.0]], 1)
    >>> apart.n_components, quot.graphs.connect(apart)
    (2, Graph(4 nodes, 3 edges))
    """
    graph = Graph.of(graph)
    if graph.n_components == 1:
        return graph
    if graph.positions is None:
        raise InvalidProblemError(
            f"`graph` has {graph.n_components} components and no `positions`, so nobody knows "
            "which are near; join them yourself."
        )
    before, tree = graph, cKDTree(graph.positions)
    while graph.n_components > 1:
        pairs = _nearest_outside(graph, tree)
        lengths = np.linalg.norm(
            graph.positions[pairs[:, 0]] - graph.positions[pairs[:, 1]], axis=1
        )
        added = len(pairs)
        graph = replace(
            graph,
            edges=np.concatenate((graph.edges, pairs)),
            lengths=np.concatenate((graph.lengths, lengths)),
            directed=np.append(graph.directed, np.zeros(added, np.bool_)),
            capacity=np.append(graph.capacity, np.full(added, np.inf)),
        )
    logger.info("joined by %d edges: %s", graph.n_edges - before.n_edges, before.describe())
    return graph


def _nearest_outside(graph: Graph, tree: cKDTree) -> Ints:
    """The pair of nodes, one of them outside, that is nearest to each component but the largest."""
    X, component = graph.positions, graph.components
    assert X is not None
    sizes = np.bincount(component)
    best = np.full(sizes.size, np.inf)
    pair = np.full((sizes.size, 2), -1, np.int64)
    asking, k = np.flatnonzero(component != np.argmax(sizes)), 2
    while asking.size:
        k = min(2 * k, graph.n_nodes)
        away, found = tree.query(X[asking], k)
        mine = component[asking]
        outside = component[found] != mine[:, None]
        first = np.argmax(outside, axis=1)
        rows = np.flatnonzero(outside.any(axis=1))
        rows = rows[np.argsort(-away[rows, first[rows]], kind="stable")]  # the nearest comes last
        better = away[rows, first[rows]] < best[mine[rows]]
        rows = rows[better]
        best[mine[rows]] = away[rows, first[rows]]
        pair[mine[rows]] = np.stack((asking[rows], found[rows, first[rows]]), axis=1)
        # A node that has seen nobody outside may still have one nearer than the best.
        asking = asking[~outside.any(axis=1) & (away[:, -1] < best[mine])]
    pair = np.sort(pair[pair[:, 0] >= 0], axis=1)
    unique: Ints = np.unique(pair, axis=0)
    return unique
