"""Clusters of the nodes of a graph that grow: along strong edges, level by level."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from quot.kernels import laplacian, multigrid

Floats = NDArray[np.float64]
Ends = NDArray[np.integer]
Labels = NDArray[np.int32]

# How clusters are joined; see `kernels.multigrid.aggregate`.
_MOST, _FRACTION = 4, 0.25


def clusters(tail: Ends, head: Ends, strength: Floats, n_nodes: int) -> Iterator[Labels]:
    """Yield the cluster (N,) of each node, level by level: a few of the level before each.

    Edges of strength zero join nobody. Nodes without edges are in none, -1, and so is a component
    of the graph from where it would be one cluster.
    """
    *graph, _ = laplacian.adjacency(tail.astype(np.int32), head.astype(np.int32), strength, n_nodes)
    label = np.arange(n_nodes, dtype=np.int32)
    while True:
        joined, count = multigrid.aggregate(*graph, _MOST, _FRACTION)
        if count == 0:
            return
        graph = multigrid.coarsen(*graph[:3], joined, count)
        label = np.where(label >= 0, joined[label], -1)
        yield label


def in_order(tail: Ends, head: Ends, strength: Floats, n_nodes: int) -> NDArray[np.int64]:
    """The nodes (N,) so that those of a cluster stand together, of each level."""
    labels = list(clusters(tail, head, strength, n_nodes))
    return np.lexsort(labels) if labels else np.arange(n_nodes)
