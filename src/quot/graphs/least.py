"""The flow of least norm: what moves when only the quadratic terms cost."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quot.graphs.network import GraphNetwork
from quot.network.laplacian import LaplacianSolver, without_means

Floats = NDArray[np.float64]

# Residual of the linear system.
_RTOL = 1e-6


def least_potentials(at: GraphNetwork, weight: Floats) -> Floats:
    """Potentials (N,) of the nodes in the flow of least norm.

    Parameters
    ----------
    at : GraphNetwork
    weight : array of shape (E,)
        Of the edges of the network, all positive. Directions and capacities do not count, and in a
        partial problem all nodes send and take the same part of what they can.
    """
    problem, net, edges = at.problem, at.network, slice(0, at.edges.size)
    wanted = problem.wanted / problem.wanted.sum() - problem.source / problem.source.sum()
    supply = problem.total * without_means(problem.graph.components, wanted)[at.nodes]
    return LaplacianSolver().solve(net.tail[edges], net.head[edges], 1.0 / weight, supply, _RTOL)
