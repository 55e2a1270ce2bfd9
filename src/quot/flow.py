"""Flows along the edges of a graph: frozen data."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import DTypeLike, NDArray

from quot.arraylike import ArrayLike
from quot.coupling import THRESHOLD, sums
from quot.exceptions import InvalidProblemError
from quot.graph import Graph
from quot.labels import as_frame, need_pandas
from quot.shown import Shown
from quot.validation import as_array

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Flow(ArrayLike, Shown):
    """Mass moved along the edges of a graph.

    To NumPy it is the array of its values, (E,): ``np.asarray(flow)``, ``flow[k]``, ``flow.sum()``,
    ``flow @ lengths``. They are signed, and mass that goes along two edges counts twice: the mass
    moved is `total`, and what goes from one node to another `between`.

    Parameters
    ----------
    graph : Graph
    values : array of shape (E,)
        Mass along each edge from its first node to its second; negative if it goes the other way.
    sent, received : array of shape (N,)
        Mass that starts, and mass that ends, at each node.

    Raises
    ------
    InvalidProblemError
        If there are more or fewer numbers than edges or nodes.
    """

    graph: Graph
    values: Floats
    sent: Floats = field(repr=False)
    received: Floats = field(repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.graph, Graph):
            raise InvalidProblemError(
                f"`graph` must be a quot.Graph; got {type(self.graph).__name__}. Make one, "
                "`quot.Graph.of(graph)`."
            )
        n, count = self.graph.n_nodes, self.graph.n_edges
        for name, size, of in (
            ("values", count, "edges"), ("sent", n, "nodes"), ("received", n, "nodes"),
        ):  # fmt: skip
            given = as_array(getattr(self, name), name, 1, is_finite=False)
            if given.size != size:
                raise InvalidProblemError(
                    f"`{name}` has {given.size} entries, but the graph has {size} {of}."
                )
            object.__setattr__(self, name, given)

    # A Series leaves the operators to this.
    __pandas_priority__ = 5000
    ndim = 1
    dtype = np.dtype(np.float64)

    @property
    def shape(self) -> tuple[int]:
        """(E,)."""
        return (self.values.size,)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:  # noqa: FBT001
        if copy is not False:  # nobody changes a flow by the array that it is
            return np.array(self.values, dtype=dtype)
        array = np.array(self.values, dtype=dtype, copy=False).view()
        array.flags.writeable = False
        return array

    def __len__(self) -> int:
        return self.values.size

    def __iter__(self) -> Iterator[np.float64]:
        return iter(self.values)

    def __getitem__(self, key: Any) -> Any:
        """Return the value of an edge, by its number, or an array of its own of those of several.

        Raises
        ------
        IndexError
            If there is no such edge; nodes, too, are no index.
        """
        try:
            found = self.values[key]
        except IndexError as error:
            if not isinstance(key, (str, tuple)):
                raise
            raise IndexError(
                f"a flow has a value for each edge, by its number; got {key!r}. What goes from one "
                "node to another is `flow.between(u, v)`."
            ) from error
        return np.array(found) if np.ndim(found) else float(found)

    def sum(
        self,
        axis: Any = None,
        dtype: DTypeLike | None = None,
        out: Any = None,
        *,
        keepdims: bool = False,
    ) -> Any:
        """Return the sum of the values of all edges, as NumPy does; the mass moved is `total`.

        Parameters
        ----------
        axis : int, optional
            There is one.
        dtype : dtype, optional
            Of what is returned.
        out : array, optional
            Where to write it.
        keepdims : bool, default=False
            Whether it has an axis still.
        """
        return self.values.sum(axis, dtype, out, keepdims=keepdims)

    def _by_name(self, other: Any) -> Any:
        """A Series in the order of the edges, if it names each by its two nodes."""
        frame = as_frame(other)
        if frame is None or getattr(frame.index, "nlevels", 1) != 2:
            return other
        return self.graph.by_edge(frame, "other")

    @property
    def nnz(self) -> int:
        """Number of edges that carry something."""
        return int(np.count_nonzero(self.values))

    @property
    def total(self) -> float:
        """Mass moved, from wherever to wherever."""
        return float(self.sent.sum())

    @property
    def sparsity(self) -> float:
        """Fraction of the edges that carry at most 1e-10."""
        if not self.values.size:
            return 1.0
        return 1.0 - int(np.count_nonzero(np.abs(self.values) > THRESHOLD)) / self.values.size

    def arriving(self) -> Floats:
        """Return D w, (N,): what the edges bring to each node, less what they take away."""
        graph = self.graph
        x = np.where(graph.tail == graph.head, 0.0, self.values)
        return sums(graph.head, x, graph.n_nodes) - sums(graph.tail, x, graph.n_nodes)

    def to_csr(self) -> sp.csr_array:
        """Return an (N, N) scipy.sparse CSR array: what goes from one node to the next, > 0.

        What parallel edges carry the same way is summed.
        """
        used = np.flatnonzero(self.values)
        x = self.values[used]
        tail, head = self.graph.tail[used], self.graph.head[used]
        ends = np.where(x > 0.0, tail, head), np.where(x > 0.0, head, tail)
        shape = (self.graph.n_nodes,) * 2
        return sp.csr_array((np.abs(x), ends), shape=shape)

    def between(self, u: Hashable, v: Hashable) -> float:
        """Return what all edges between two nodes, by name, bring from u to v; < 0 if from v to u.

        Examples
        --------
        >>> import quot
        >>> path = quot.Graph(3, [[0, 1], [1, 2]], [1.0, 1.0], labels=["inn", "mill", "ford"])
        >>> flow = quot.solve_graph(path, {"inn": 2.0}, {"mill": 1.5, "ford": 0.5}).plan
        >>> flow.between("inn", "mill"), flow.between("ford", "mill")
        (2.0, -0.5)
        """
        graph = self.graph
        one, other = graph.number(u), graph.number(v)
        there = (graph.tail == one) & (graph.head == other)
        back = (graph.tail == other) & (graph.head == one)
        return float(self.values[there].sum() - self.values[back & ~there].sum())

    @property
    def ways(self) -> NDArray[np.int32]:
        """The two nodes of each edge in the direction in which mass goes, (E, 2)."""
        return np.where(self.values[:, None] < 0.0, self.graph.edges[:, ::-1], self.graph.edges)

    def table(self, ends: tuple[str, str] = ("source", "target")) -> dict[str, Any]:
        """Return the columns of a table with a line for each edge that carries something.

        The node it takes mass from and the node it brings it to, by name if they have names; the
        number of the edge, from 0; the flow, > 0; the length, and what the flow pays for it.

        Parameters
        ----------
        ends : pair of str, default=("source", "target")
            What to call the columns of the nodes.
        """
        used = np.flatnonzero(self.values)
        pairs, flow, lengths = self.ways[used], np.abs(self.values[used]), self.graph.lengths[used]
        return {
            ends[0]: self.graph.names(pairs[:, 0]),
            ends[1]: self.graph.names(pairs[:, 1]),
            "edge": used,
            "flow": flow,
            "length": lengths,
            "cost": lengths * flow,
        }

    def to_frame(self) -> Any:
        """Return a pandas DataFrame of `table`."""
        return need_pandas().DataFrame(self.table())

    def _facts(self) -> dict[str, Any]:
        return {
            "nodes": self.graph.n_nodes,
            "edges": self.graph.n_edges,
            "edges that carry": self.nnz,
            "total": self.total,
            "most on an edge": float(np.abs(self.values).max(initial=0.0)),
        }

    def __repr__(self) -> str:
        return f"Flow({self.graph.n_edges} edges, nnz={self.nnz}, total={self.total:.6g})"
