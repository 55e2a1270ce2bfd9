"""Graphs on points: each joined to others near it."""

from __future__ import annotations

import logging
from collections.abc import Hashable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay, QhullError, cKDTree

from quot.coupling import unique
from quot.exceptions import InvalidProblemError
from quot.graph import Graph
from quot.graphs.connect import connect as connected
from quot.labels import distinct, row_labels
from quot.order import by_name
from quot.validation import as_array, as_rng, check_count, check_flag

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Names = tuple[Hashable, ...] | None

logger = logging.getLogger(__name__)


@by_name("connect")
def knn(X: Any, k: int, *, connect: bool = False) -> Graph:
    """Return the graph that joins each point to its k nearest others.

    Parameters
    ----------
    X : array or DataFrame of shape (N, d)
        Points; edges are as long as the distance of their ends. The index of a DataFrame names the
        nodes, here and in all builders.
    k : int
        Neighbours of each point, itself not counted; an edge found from both ends is one.
    connect : bool, default=False
        Join what is not connected, see `quot.graphs.connect`.

    Returns
    -------
    Graph

    Raises
    ------
    InvalidProblemError
        If points are no finite numbers, there are too few of them, or another argument is unusable.

    Examples
    --------
    >>> import numpy as np, quot
    >>> X = np.random.default_rng(0).uniform(size=(500, 2))
    >>> quot.graphs.knn(X, 12)
    Graph(500 nodes, 3451 edges)
    """
    connect = check_flag(connect, "connect")
    labels, X = _points(X, k, "k")
    return _graph(X, *_pairs(_nearest(X, k)), labels=labels, connect=connect)


@by_name("connect")
def near(
    X: Any,
    k: int,
    K: int,
    *,
    exactly: bool = True,
    random_state: Any = None,
    connect: bool = False,
) -> Graph:
    """Return the kNEAR graph: each point joined to k random ones of its K nearest.

    With K about log N and k about log log N it has a fraction of the edges of the graph of K
    neighbours, and with high probability a giant component: one with nearly all points. The theorem
    gives no more, some points may be apart. `Graph.describe` tells. Then join them, with
    ``connect=True`` or `quot.graphs.connect`, or do without them, with `Graph.largest_component`
    and `Graph.subgraph`.

    Parameters
    ----------
    X : array of shape (N, d)
    k, K : int
        How many of how many; ``1 <= k <= K < N``.
    exactly : bool, default=True
        Whether each point takes exactly k; else each of the K with probability k / K.
    random_state : int, numpy Generator or None
        Where chance comes from.
    connect : bool, default=False
        Join what is not connected, see `quot.graphs.connect`.

    Returns
    -------
    Graph

    Raises
    ------
    InvalidProblemError
        If points are no finite numbers, there are too few of them, or another argument is unusable.

    References
    ----------
    Linderman, Mishne, Kluger and Steinerberger: Randomized near-neighbor graphs, giant components
    and applications in data science.
    """
    exactly, connect = check_flag(exactly, "exactly"), check_flag(connect, "connect")
    labels, X = _points(X, K, "K")
    _check_of(k, K)
    rng = as_rng(random_state, "random_state")
    neighbours = _nearest(X, K)
    if exactly:
        chosen = np.argsort(rng.random(neighbours.shape), axis=1)[:, :k]
        return _graph(
            X, *_pairs(np.take_along_axis(neighbours, chosen, 1)), labels=labels, connect=connect
        )
    rows, place = np.nonzero(rng.random(neighbours.shape) < k / K)
    return _graph(X, rows, neighbours[rows, place], labels=labels, connect=connect)


@by_name("connect")
def partition(
    X: Any,
    k: int,
    K: int,
    *,
    own: bool = False,
    count_self: bool = True,
    random_state: Any = None,
    connect: bool = False,
) -> Graph:
    """Return the Partition graph: each point joined to its k nearest in a random part of all.

    The points are dealt into ``K // k`` parts of equal size; every point draws one of them and is
    joined to its k nearest there, so that its neighbours are about as far as K neighbours are.

    Parameters
    ----------
    X : array of shape (N, d)
    k, K : int
        Neighbours in a part, and in all parts together; ``1 <= k <= K < N``.
    own : bool, default=False
        Whether each point takes the part that it is in itself, which leaves the parts apart.
    count_self : bool, default=True
        Whether a point that has drawn its own part counts as one of its k nearest there.
    random_state : int, numpy Generator or None
        Where chance comes from.
    connect : bool, default=False
        Join what is not connected, see `quot.graphs.connect`.

    Returns
    -------
    Graph

    Raises
    ------
    InvalidProblemError
        If points are no finite numbers, there are too few of them, or another argument is unusable.
    """
    own, count_self = check_flag(own, "own"), check_flag(count_self, "count_self")
    connect = check_flag(connect, "connect")
    labels, X = _points(X, K, "K")
    _check_of(k, K)
    rng = as_rng(random_state, "random_state")
    n, parts = len(X), K // k
    part = rng.permutation(np.arange(n) % parts)
    drawn = part if own else rng.integers(parts, size=n)
    tails, heads = [], []
    for at in range(parts):
        members, asking = np.flatnonzero(part == at), np.flatnonzero(drawn == at)
        if not members.size or not asking.size:
            continue
        within = min(k + 1, members.size)
        found = members[cKDTree(X[members]).query(X[asking], within)[1].reshape(-1, within)]
        place = np.cumsum(found != asking[:, None], axis=1)  # 1, 2, ... without the point itself
        is_self = found == asking[:, None]
        allowed = k - is_self.any(axis=1) if count_self else np.full(asking.size, k)
        rows, columns = np.nonzero(~is_self & (place <= allowed[:, None]))
        tails.append(asking[rows])
        heads.append(found[rows, columns])
    return _graph(X, np.concatenate(tails), np.concatenate(heads), labels=labels, connect=connect)


@by_name("")
def delaunay(X: Any) -> Graph:
    """Return the Delaunay triangulation of points as a graph; it is connected.

    Parameters
    ----------
    X : array of shape (N, d)
        Points in general position, at least d + 2 of them.

    Returns
    -------
    Graph

    Raises
    ------
    InvalidProblemError
        If there are too few points, or all are in a plane of lower dimension.

    Examples
    --------
    >>> import quot
    >>> quot.graphs.delaunay([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.1]])
    Graph(4 nodes, 5 edges)
    """
    labels, X = _points(X, 1, "k")
    try:
        simplices = Delaunay(X).simplices
    except (QhullError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InvalidProblemError(
            f"`X` of shape {X.shape} has no triangulation ({reason}); points must not lie in a "
            "plane of lower dimension. Use quot.graphs.knn."
        ) from error
    corners = simplices.shape[1]
    pairs = [simplices[:, [i, j]] for i in range(corners) for j in range(i)]
    edges = np.concatenate(pairs).astype(np.int64)
    return _graph(
        X, edges[:, 0], edges[:, 1], labels=labels, connect=True
    )  # duplicates are in no simplex


# --- shared ----------------------------------------------------------------------------------


def _points(X: Any, most: int, name: str) -> tuple[Names, Floats]:
    """Check points, and that each has so many others; with their names."""
    points = as_array(X, "X", 2)
    if 0 in points.shape:
        raise InvalidProblemError(
            f"`X` is empty, of shape {points.shape}; pass at least one point."
        )
    check_count(most, name)
    if most >= len(points):
        raise InvalidProblemError(
            f"`{name}={most}` neighbours need more than {most} points; got {len(points)}."
        )
    return distinct(row_labels(X)), points


def _check_of(k: int, K: int) -> None:
    if check_count(k, "k") > K:
        raise InvalidProblemError(f"`k={k}` must not exceed `K={K}`.")


def _nearest(X: Floats, k: int) -> Ints:
    """The k nearest others of each point, (N, k); of equal points any."""
    found = cKDTree(X).query(X, k + 1, workers=-1)[1]
    me = np.arange(len(X))[:, None]
    others = found != me
    others[others.all(axis=1), -1] = False  # among more equal points than that it was not found
    nearest: Ints = found[others].reshape(len(X), k)
    return nearest


def _pairs(neighbours: Ints) -> tuple[Ints, Ints]:
    """Each point with each of its neighbours."""
    return np.repeat(np.arange(len(neighbours)), neighbours.shape[1]), neighbours.ravel()


def _graph(X: Floats, tail: Ints, head: Ints, *, labels: Names, connect: bool) -> Graph:
    """The undirected graph of these pairs, each once."""
    n = len(X)
    keys = unique(np.minimum(tail, head) * np.int64(n) + np.maximum(tail, head))
    edges = np.stack((keys // n, keys % n), axis=1).astype(np.int32)
    lengths = np.linalg.norm(X[edges[:, 0]] - X[edges[:, 1]], axis=1)
    graph = Graph(n, edges, lengths, positions=X, labels=labels)
    if connect:
        return connected(graph)
    if logger.isEnabledFor(logging.INFO):
        logger.info("%s", graph.describe())
    return graph
