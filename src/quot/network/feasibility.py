"""What can get through a network, and where it is stuck."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import breadth_first_order, maximum_flow


def cut(room: sp.csr_array, source: int, sink: int) -> tuple[int, NDArray[np.bool_]]:
    """A maximum flow, and the nodes (N,) on the side of the source where it is stuck.

    Parameters
    ----------
    room : scipy.sparse array of int32, shape (N, N)
        What may flow from one node to another.
    source, sink : int
    """
    flow = maximum_flow(room, source, sink)
    reached = np.zeros(room.shape[0], np.bool_)
    reached[breadth_first_order(room - flow.flow > 0, source, return_predecessors=False)] = True
    return int(flow.flow_value), reached
