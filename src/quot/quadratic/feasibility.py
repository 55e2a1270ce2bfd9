"""Whether the allowed pairs of a sparse cost can carry the mass, before any work."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from quot.costs import SparseCost
from quot.exceptions import InfeasibleError
from quot.network.feasibility import cut
from quot.problem import Problem

Floats = NDArray[np.float64]

# Masses become integers for the maximum flow; their total is this.
_UNITS = 1 << 30
_NAMED = 5


def check_feasible(problem: Problem) -> None:
    """Raise InfeasibleError, naming rows or columns, if the allowed pairs cannot carry the mass.

    A maximum flow on masses rounded to about one part in 10^9 of the total; what rounding could
    explain is let through.
    """
    cost = problem.cost
    if not isinstance(cost, SparseCost) or problem.total == 0.0:
        return
    n, m = cost.shape
    scale = _UNITS / problem.total
    supply = np.floor(np.minimum(problem.a * scale, _UNITS)).astype(np.int32)
    demand = np.floor(np.minimum(problem.b * scale, _UNITS)).astype(np.int32) + 1
    graph = _graph(cost, supply, demand)
    most, reached = cut(graph, n + m, n + m + 1)
    wanted = int(supply.sum()) if problem.is_balanced else _UNITS
    missing = wanted - most
    if missing <= n + m + 1:
        return
    stuck = np.flatnonzero(reached[:n] & (supply > 0))
    served = reached[n : n + m]
    if problem.is_balanced:
        raise InfeasibleError(
            f"the allowed pairs of `C` cannot carry the mass: {_names('row', stuck)} must send "
            f"{problem.a[stuck].sum():.6g} in all, but the columns allowed to them take only "
            f"{problem.b[served].sum():.6g}. Allow more pairs, or pass `mass` to move less."
        )
    raise InfeasibleError(
        f"the allowed pairs of `C` can carry at most {most / scale:.6g} of "
        f"`mass={problem.total:.6g}`: {_names('row', stuck)} cannot send more. Allow more pairs, "
        "or lower `mass`."
    )


def _graph(cost: SparseCost, supply: NDArray[np.int32], demand: NDArray[np.int32]) -> sp.csr_array:
    """Capacities: source to rows, rows to columns along allowed pairs, columns to sink."""
    n, m = cost.shape
    source, sink = n + m, n + m + 1
    tail = np.concatenate((np.full(n, source), cost.rows, n + np.arange(m)))
    head = np.concatenate((np.arange(n), n + cost.cols, np.full(m, sink)))
    capacity = np.concatenate((supply, supply[cost.rows], demand)).astype(np.int32)
    shape = (n + m + 2, n + m + 2)
    return sp.csr_array(
        (capacity, (tail.astype(np.int32), head.astype(np.int32))), shape=shape, dtype=np.int32
    )


def _names(noun: str, indices: NDArray[np.integer]) -> str:
    """'row 3', 'rows 1, 2, 4' or 'rows 1, 2, 3, 4, 5 and 10 others'."""
    shown = ", ".join(str(int(i)) for i in indices[:_NAMED])
    more = indices.size - _NAMED
    tail = f" and {more} others" if more > 0 else ""
    return f"{noun}{'s' if indices.size != 1 else ''} {shown}{tail}"
