"""What a graph is given by: nodes, edges and what these have, checked."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.exceptions import InvalidProblemError
from quot.labels import Labels, aligned, as_names
from quot.validation import as_array, as_real

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def as_edges(value: Any, n: int) -> NDArray[np.int32]:
    """Return pairs of numbers of nodes, (E, 2)."""
    raw = as_real(value, "edges")
    if raw.size == 0:
        return np.zeros((0, 2), np.int32)
    if raw.ndim != 2 or raw.shape[1] != 2:
        raise InvalidProblemError(
            f"`edges` must have shape (E, 2), the two nodes of each edge; got shape {raw.shape}."
        )
    if raw.dtype.kind not in "iu":
        raise InvalidProblemError(
            f"`edges` must be integers, numbers of nodes; got dtype {raw.dtype}."
        )
    outside = np.flatnonzero((raw < 0).any(axis=1) | (raw >= n).any(axis=1))
    if outside.size:
        first = int(outside[0])
        raise InvalidProblemError(
            f"`edges[{first}]` is {raw[first].tolist()}, but nodes are numbered from 0 to {n - 1}."
        )
    return np.ascontiguousarray(raw, dtype=np.int32)


def as_nodes(value: Any, n: int) -> NDArray[np.intp]:
    """Return different numbers of nodes, (k,)."""
    raw = as_real(value, "nodes")
    if raw.dtype == np.bool_ and raw.shape == (n,):
        raw = np.flatnonzero(raw)
    if raw.ndim != 1 or raw.dtype.kind not in "iu" or not raw.size:
        raise InvalidProblemError(
            f"`nodes` must be numbers of nodes, or a bool for each of the {n}, and not none; got "
            f"{raw.dtype} of shape {raw.shape}."
        )
    if raw.min() < 0 or raw.max() >= n:
        outside = raw[(raw < 0) | (raw >= n)][0]
        raise InvalidProblemError(
            f"`nodes` has {outside}, but nodes are numbered from 0 to {n - 1}."
        )
    unique, times = np.unique(raw, return_counts=True)
    if unique.size < raw.size:
        raise InvalidProblemError(f"`nodes` has {unique[times > 1][0]} twice; name each node once.")
    return raw.astype(np.intp)


def as_edge_values(value: Any, name: str, count: int) -> Floats:
    """Return finite numbers, (E,)."""
    values = as_array(value, name, 1).copy()
    if values.size != count:
        raise InvalidProblemError(
            f"`{name}` has {values.size} entries, but the graph has {count} edges; pass one an "
            "edge."
        )
    return values


def as_directed(value: Any, count: int) -> Bools:
    """Return whether each edge leads one way only, (E,)."""
    raw = as_real(value, "directed")
    if raw.dtype != np.bool_ or raw.shape not in {(), (count,)}:
        raise InvalidProblemError(
            f"`directed` must be True, False or a bool for each of the {count} edges; got "
            f"{raw.dtype} of shape {raw.shape}."
        )
    return np.full(count, raw) if raw.ndim == 0 else raw.copy()


def as_capacity(value: Any, count: int) -> Floats:
    """Return numbers > 0, or inf, (E,)."""
    if value is None:
        return np.full(count, np.inf)
    capacity = as_real(value, "capacity").astype(np.float64)
    if capacity.shape != (count,):
        raise InvalidProblemError(
            f"`capacity` has shape {capacity.shape}, but the graph has {count} edges; pass one an "
            "edge, inf where there is no limit."
        )
    bad = np.flatnonzero(~(capacity > 0.0))
    if bad.size:
        raise InvalidProblemError(
            f"`capacity` must be positive; capacity[{int(bad[0])}] is {capacity[bad[0]]:.6g}. "
            "Leave out an edge that may carry nothing."
        )
    return capacity


def as_node_labels(value: Any, n: int) -> tuple[Hashable, ...] | None:
    """Return different names of all nodes."""
    if value is None:
        return None
    labels = tuple(as_names(value, "labels", "node"))
    if len(labels) != n or len(set(labels)) != n:
        raise InvalidProblemError(
            f"`labels` must be {n} different names, one a node; got {len(labels)}, "
            f"{len(set(labels))} of them different."
        )
    return labels


def as_positions(value: Any, names: Labels) -> tuple[Floats | None, Labels]:
    """Return places by the names of nodes, or in their order, and the names; more may be there."""
    assert names is not None
    if isinstance(value, Mapping):
        value = {name: value[name] for name in names if name in value}
    value, found = aligned(value, names, "positions", "nodes")
    if value is None:
        return None, found
    positions = as_array(value, "positions", 2).copy()
    if len(positions) != len(names):
        raise InvalidProblemError(
            f"`positions` has {len(positions)} rows, but the graph has {len(names)} nodes; pass "
            "one a node."
        )
    return positions, found
