"""Graphs to transport on: frozen data."""

from __future__ import annotations

import math
import sys
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from quot.edges import (
    as_capacity,
    as_directed,
    as_edge_values,
    as_edges,
    as_node_labels,
    as_nodes,
    as_positions,
)
from quot.exceptions import InvalidProblemError
from quot.interrupts import interruptible
from quot.kernels import flow as kernels
from quot.labels import (
    as_frame,
    by_pairs,
    distinct,
    is_whole,
    lookalike,
    repeated,
    row_labels,
)
from quot.shown import Shown, ends
from quot.validation import as_array, check_count, check_not_negative, numbers_of, received

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]

_MOST_NODES = 2**31 - 8
# Sizes of components that `describe` lists.
_LISTED = 5


@dataclass(frozen=True, eq=False)
class Graph(Shown):
    """A graph with edge lengths. The constructor checks everything; a graph that exists is valid.

    Parameters
    ----------
    n_nodes : int
        N.
    edges : int array of shape (E, 2)
        The two nodes of each edge, numbers from 0 to N - 1. Edges may be parallel. An edge from a
        node to itself never carries anything.
    lengths : array of shape (E,)
        What a unit of mass pays on each edge: >= 0; on directed edges any number. As `directed` and
        `capacity` in the order of the edges, or a Series or mapping by pairs of nodes.
    directed : bool or bool array of shape (E,), default=False
        Whether mass may go from the first node to the second only, of all edges or of each.
    capacity : array of shape (E,), optional
        The most that may flow along each edge, > 0; inf, the default, where there is no limit.
    positions : array of shape (N, d), or DataFrame or mapping of nodes to places, optional
        Where the nodes are; for pictures.
    labels : sequence of N hashables, optional
        Names of the nodes, as of networkx; masses may be given by name then.

    Raises
    ------
    InvalidProblemError
        If an argument is not what is described above.

    Examples
    --------
    >>> import quot
    >>> quot.Graph(3, [[0, 1], [1, 2]], [1.0, 2.0])
    Graph(3 nodes, 2 edges)
    """

    n_nodes: int
    edges: NDArray[np.int32]
    lengths: Floats
    directed: Bools = False  # type: ignore[assignment]
    capacity: Floats = None  # type: ignore[assignment]
    positions: Floats | None = None
    labels: tuple[Hashable, ...] | None = None

    def __post_init__(self) -> None:
        n = check_count(self.n_nodes, "n_nodes")
        if n > _MOST_NODES:
            raise InvalidProblemError(f"`n_nodes` is {n}; at most {_MOST_NODES} can be numbered.")
        edges = as_edges(self.edges, n)
        count = len(edges)
        labels = as_node_labels(self.labels, n)
        positions, found = as_positions(self.positions, labels or range(n))
        names = labels or distinct(found)
        directed = as_directed(by_pairs(self.directed, "directed", edges, names), count)
        lengths, capacity = (
            by_pairs(value, name, edges, names, directed)
            for value, name in ((self.lengths, "lengths"), (self.capacity, "capacity"))
        )
        lengths = as_edge_values(lengths, "lengths", count)
        bad = np.flatnonzero((lengths < 0.0) & ~directed)
        if bad.size:
            raise InvalidProblemError(
                f"`lengths` must not be negative on undirected edges; edge {int(bad[0])} "
                f"({edges[bad[0], 0]} - {edges[bad[0], 1]}) has length {lengths[bad[0]]:.6g}. "
                "Only a directed edge may pay for being used."
            )
        for name, value in (
            ("n_nodes", n),
            ("edges", edges),
            ("lengths", lengths),
            ("directed", directed),
            ("capacity", as_capacity(capacity, count)),
            ("positions", positions),
            ("labels", names),
        ):
            object.__setattr__(self, name, value)

    @classmethod
    def of(cls, graph: Any) -> Graph:
        """Return a Graph from one, from a networkx graph or from a scipy.sparse adjacency.

        See `from_networkx` and `from_sparse` for what these mean.
        """
        if isinstance(graph, cls):
            return graph
        if sp.issparse(graph):
            return cls.from_sparse(graph)
        networkx = sys.modules.get("networkx")
        if networkx is not None and isinstance(graph, networkx.Graph):
            return cls.from_networkx(graph)
        shape: tuple[int, ...] = getattr(graph, "shape", ())
        advice = ""
        if len(shape) == 2 and shape[0] == shape[1]:
            advice = (
                " A dense array does not tell an edge of length 0 from none; pass "
                "`scipy.sparse.csr_array(graph)`."
            )
        raise InvalidProblemError(
            f"`graph` must be a quot.Graph, a networkx graph or a scipy.sparse adjacency of "
            f"lengths; got {type(graph).__name__}.{advice}"
        )

    @classmethod
    def from_sparse(cls, lengths: Any, *, positions: Any = None) -> Graph:
        """Return the graph of a square scipy.sparse array of lengths.

        An entry (u, v) is a directed edge from u to v; where (v, u) has the same length the two are
        one undirected edge. Explicit zeros are edges of length zero, but for those in the blocks of
        a BSR array.

        Parameters
        ----------
        lengths : scipy.sparse array of shape (N, N)
            With one entry at most for each (u, v). Where there are several, as in a COO array of
            parallel edges, scipy adds them when it converts the array, unasked; here they are
            refused. Parallel edges are for `Graph` itself.
        positions : array of shape (N, d), or mapping of node numbers to places, optional
            Where the nodes are.

        Raises
        ------
        InvalidProblemError
            If it is not square, or has two entries at one place.
        """
        given = lengths if sp.issparse(lengths) else as_array(lengths, "lengths", 2)
        coo = sp.coo_array(given)  # keeps explicit zeros, and adds nothing up
        if getattr(lengths, "format", "coo") == "bsr":
            coo.eliminate_zeros()
        if coo.ndim != 2 or coo.shape[0] != coo.shape[1]:
            raise InvalidProblemError(
                f"`graph` must be a square adjacency, (N, N); got shape {coo.shape}."
            )
        n = coo.shape[0]
        values = as_array(coo.data, "lengths", 1)
        u, v = coo.row.astype(np.int64), coo.col.astype(np.int64)
        # Side by side: the entries between two nodes, there before back.
        key = np.minimum(u, v) * n + np.maximum(u, v)
        order = np.lexsort((u > v, key))
        u, v, values, key = u[order], v[order], values[order], key[order]
        twice = np.flatnonzero((key[1:] == key[:-1]) & (u[1:] == u[:-1]))
        if twice.size:
            k = int(twice[0])
            raise InvalidProblemError(
                f"`graph` has two entries at ({u[k]}, {v[k]}), {values[k]:.6g} and "
                f"{values[k + 1]:.6g}, which scipy would add; keep one of them, or pass parallel "
                "edges to `quot.Graph(n_nodes, edges, lengths)`."
            )
        same = (key[1:] == key[:-1]) & (values[1:] == values[:-1]) & (values[1:] >= 0.0)
        mirrored = np.append(same, False)
        kept = ~np.append(False, mirrored[:-1])
        edges = np.stack((u, v), axis=1)[kept].astype(np.int32)
        return cls(n, edges, values[kept], ~mirrored[kept], positions=positions)

    @classmethod
    def from_networkx(
        cls, graph: Any, *, length: str = "length", capacity: str = "capacity"
    ) -> Graph:
        """Return the graph of a networkx Graph, DiGraph, MultiGraph or MultiDiGraph.

        Parameters
        ----------
        graph : networkx graph
            Its edges need a `length`. Node attributes "pos" become positions, if all nodes have
            one, and each is as many finite numbers; else there are none.
        length, capacity : str
            The attributes to read. An edge without a capacity has no limit.
        """
        if not hasattr(graph, "nodes"):
            raise InvalidProblemError(
                f"`graph` must be a graph of networkx; got {received(graph)}."
            )
        labels = tuple(graph.nodes)
        number = {label: k for k, label in enumerate(labels)}
        edges: Any = []
        lengths: Any = []
        capacities: Any = []
        for u, v, data in graph.edges(data=True):
            if length not in data:
                raise InvalidProblemError(
                    f"edge {u!r} - {v!r} has no attribute {length!r}; set it, or say which "
                    "attribute to read, `quot.Graph.from_networkx(graph, length=...)`."
                )
            edges.append((number[u], number[v]))
            lengths.append(data[length])
            capacities.append(data.get(capacity, np.inf))
        places: Any = [data.get("pos") for _, data in graph.nodes(data=True)]
        try:
            positions, _ = as_positions(places, labels)
        except InvalidProblemError:  # they are for pictures alone
            positions = None
        return cls(
            len(labels),
            np.array(edges, np.int32).reshape(-1, 2),
            lengths,
            directed=graph.is_directed(),
            capacity=capacities,
            positions=positions,
            labels=labels,
        )

    @property
    def n_edges(self) -> int:
        """E."""
        return len(self.edges)

    @property
    def tail(self) -> Ints:
        """The first node of each edge, (E,)."""
        return self.edges[:, 0]

    @property
    def head(self) -> Ints:
        """The second node of each edge, (E,)."""
        return self.edges[:, 1]

    @cached_property
    @interruptible
    def components(self) -> Ints:
        """The connected component of each node (N,), numbered from 0; directions do not count."""
        everyone = np.arange(self.n_nodes, dtype=np.int32)
        tail, head = (np.ascontiguousarray(end) for end in (self.tail, self.head))
        label = kernels.components(everyone, np.ones(self.n_edges), tail, head)
        index = np.cumsum(label == everyone, dtype=np.int32) - np.int32(1)
        named: Ints = index[label]
        return named

    @cached_property
    def n_components(self) -> int:
        """Number of connected components, directions aside."""
        return int(self.components.max()) + 1

    @property
    def component_sizes(self) -> NDArray[np.intp]:
        """Number of nodes of each connected component, (n_components,)."""
        return np.bincount(self.components)

    def largest_component(self) -> NDArray[np.intp]:
        """Return the nodes of the largest connected component, ascending; for `subgraph`."""
        return np.flatnonzero(self.components == np.argmax(self.component_sizes))

    def describe(self) -> str:
        """Return a line on how the graph hangs together; directions do not count.

        Examples
        --------
        >>> import quot
        >>> quot.Graph(6, [[0, 1], [1, 2], [3, 4]], [1.0, 1.0, 1.0]).describe()
        '6 nodes, 3 edges; 3 components, of 3, 2, 1 nodes; 1 isolated'
        """
        head = f"{self.n_nodes} nodes, {self.n_edges} edges"
        if self.n_components == 1:
            return f"{head}; connected"
        sizes = np.sort(self.component_sizes)[::-1]
        listed = ", ".join(str(size) for size in sizes[:_LISTED])
        more = " and fewer" if sizes.size > _LISTED else ""
        alone = int(np.count_nonzero(sizes == 1))
        return f"{head}; {sizes.size} components, of {listed}{more} nodes; {alone} isolated"

    def subgraph(self, nodes: Any) -> Graph:
        """Return the graph of some of the nodes, and of the edges between them.

        Node k of it is ``nodes[k]`` of this one, so that masses are ``source[nodes]``; edges keep
        their order. Lengths, directions, capacities, positions and labels are kept.

        Parameters
        ----------
        nodes : int array of shape (n,), or bool array of shape (N,)
            Different nodes, or whether each is one of them.

        Returns
        -------
        Graph

        Raises
        ------
        InvalidProblemError
            If these are not nodes, one of them comes twice, or there is none.

        Examples
        --------
        The giant component, with the mass that is on it:

        >>> import numpy as np, quot
        >>> graph = quot.Graph(5, [[0, 1], [1, 2], [3, 4]], [1.0, 2.0, 1.0])
        >>> source, target = np.array([3.0, 0, 0, 1, 0]), np.array([0.0, 0, 2, 0, 1])
        >>> nodes = graph.largest_component()
        >>> giant = graph.subgraph(nodes)
        >>> giant
        Graph(3 nodes, 2 edges)
        >>> source, target = source[nodes], target[nodes]
        >>> most = min(source.sum(), target.sum())
        >>> quot.solve_graph(giant, source, target, mass=most).cost
        6.0
        """
        kept = as_nodes(nodes, self.n_nodes)
        place = np.full(self.n_nodes, -1, np.int32)
        place[kept] = np.arange(kept.size)
        edges = place[self.edges]
        between = np.flatnonzero((edges >= 0).all(axis=1))
        return Graph(
            kept.size,
            edges[between],
            self.lengths[between],
            self.directed[between],
            self.capacity[between],
            None if self.positions is None else self.positions[kept],
            None if self.labels is None else tuple(self.labels[v] for v in kept),
        )

    def sums(self, values: Floats) -> Floats:
        """Sum values (N,) of the nodes over each component, correctly rounded."""
        if self.n_components == 1:
            return np.array([math.fsum(values.tolist())])
        order = np.argsort(self.components, kind="stable")
        ends = np.cumsum(np.bincount(self.components))[:-1]
        return np.array([math.fsum(part) for part in np.split(values[order], ends)])

    def masses(self, value: Any, name: str) -> Floats:
        """Return masses (N,) from an array, or from what is given by labels (or node numbers)."""
        frame = as_frame(value)
        if frame is not None:
            value = self._keyed(frame, name)
        if not isinstance(value, Mapping):
            masses = as_array(value, name, 1).copy()
            if masses.size != self.n_nodes:
                raise InvalidProblemError(
                    f"`{name}` has {masses.size} entries, but the graph has {self.n_nodes} nodes; "
                    "pass one mass a node."
                )
        else:
            masses = self._by_name(value, name)
        rule = "Masses are >= 0; what leaves a node is `source`, what arrives is `target`"
        check_not_negative(masses, name, rule)
        if not np.isfinite(masses.sum()):
            raise InvalidProblemError(
                f"`{name}` sums to infinity; rescale the masses to a moderate total."
            )
        return masses

    def places(self, value: Any) -> Floats:
        """Return places (N, d) from an array, or from what is given by labels (or node numbers)."""
        found, _ = as_positions(value, self.labels or range(self.n_nodes))
        assert found is not None
        return found

    def names(self, nodes: NDArray[np.integer[Any]]) -> list[Hashable]:
        """Return the labels of nodes, or their numbers where there are none."""
        return [int(v) if self.labels is None else self.labels[v] for v in nodes]

    def number(self, name: Hashable) -> int:
        """Return the number of the node of that name, or of that number if they have no names.

        Raises
        ------
        InvalidProblemError
            If there is none.
        """
        try:
            return self._numbers[name]
        except (KeyError, TypeError) as error:
            raise InvalidProblemError(f"the graph has no node {received(name)}.") from error

    def by_edge(self, value: Any, name: str) -> Any:
        """Return what is given for each edge in their order, if it is given by pairs of nodes."""
        return by_pairs(value, name, self.edges, self.labels, self.directed)

    def _keyed(self, frame: Any, name: str) -> Any:
        """The masses of a Series by its index; as an array if that only counts the nodes."""
        keys = row_labels(frame)
        assert keys is not None
        if isinstance(keys, range):
            labels = self.labels or ()
            if len(keys) != self.n_nodes or not any(is_whole(label) for label in labels):
                return numbers_of(frame)
        masses = dict(zip(keys, numbers_of(frame), strict=True))
        if len(masses) < len(keys):
            raise InvalidProblemError(
                f"`{name}` names the node {repeated(keys)!r} more than once; give each node one "
                f"mass (`{name}.groupby(level=0).sum()`)."
            )
        return masses

    def _by_name(self, value: Mapping[Any, Any], name: str) -> Floats:
        number = self._numbers
        unknown = [key for key in value if key not in number]
        if unknown:
            raise InvalidProblemError(
                f"`{name}` names the node {unknown[0]!r}, which the graph does not have"
                f"{lookalike(unknown[0], number)}."
            )
        masses = np.zeros(self.n_nodes)
        given = as_array(list(value.values()), name, 1)
        masses[[number[key] for key in value]] = given
        return masses

    @cached_property
    def _numbers(self) -> dict[Hashable, int]:
        names: Iterable[Hashable] = range(self.n_nodes) if self.labels is None else self.labels
        return {label: k for k, label in enumerate(names)}

    def _facts(self) -> dict[str, Any]:
        return {
            "nodes": self.n_nodes,
            "edges": self.n_edges,
            "one way": int(np.count_nonzero(self.directed)),
            "with a capacity": int(np.count_nonzero(np.isfinite(self.capacity))),
            "lengths": ends(self.lengths) if self.n_edges else "no edges",
            "known of nodes": ", ".join(
                name for name in ("positions", "labels") if getattr(self, name) is not None
            )
            or "numbers",
        }

    def __repr__(self) -> str:
        return f"Graph({self.n_nodes} nodes, {self.n_edges} edges)"
