"""Graphs on points and grids, with masses at their nodes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isqrt
from typing import Any, ClassVar

from benchmarks.cases.base import Instance

# Lengths and masses that are integers: the most of a random length, what a distance of 1 becomes,
# and the most at a node.
_LONGEST, _FINE, _MOST = 100, 100, 9
# Sources, and sinks, where not every node is one.
_FEW = 1000


@dataclass(frozen=True)
class GraphCase(Instance):
    """Balanced transport along undirected edges.

    The shape is "halves", n uniform points in the unit square joined to 12 neighbours each, mass 1
    spread evenly over the left half to be moved to the right half; or "grid", a square grid of
    edges of length 1; or "points", n uniform points in a square of area n joined to 8 neighbours
    each. On the latter two, masses of source and target are uniform in [0, 1] at every node, the
    target scaled to the total of the source.

    "integer grid" and "integer points" are those with lengths that are integers (random up to 100;
    distances in hundredths), and with up to 9 units of mass at a node. "unit grid" has edges of
    length 1, and 1 to 9 units at each of 1000 nodes (an eighth of them, if there are few), which
    as many others want.
    """

    kind: ClassVar[str] = "graph"
    entry: ClassVar[str] = "solve_graph"
    mass: ClassVar[float | None] = None
    matrix: ClassVar[int] = 0  # no solver needs one

    n: int
    reg: float
    shape: str
    seed: int = 0

    def __str__(self) -> str:
        return f"{SHAPES[self.shape][0]}, n = {self.n}, reg = {self.reg:g}"

    def data(self) -> tuple[Any, Any, Any, float, float | None]:
        """Return what `quot.solve_graph` is given: graph, source, target, reg, mass."""
        import numpy as np

        graph, source, target = SHAPES[self.shape][1](np.random.default_rng(self.seed), self.n)
        return graph, source, target, self.reg, self.mass

    def problem(self) -> Any:
        from quot.problem import GraphProblem

        graph, source, target, reg, mass = self.data()
        return GraphProblem(graph, source, target, reg=reg, mass=mass)

    def integers(self) -> tuple[Any, Any, Any]:
        """Return the graph, what each node sends, net, and the lengths, as integers."""
        graph, source, target, reg, _ = self.data()
        supply, lengths = (source - target).astype(int), graph.lengths.astype(int)
        if reg or (supply != source - target).any() or (lengths != graph.lengths).any():
            raise NotImplementedError("solves problems of reg = 0 and integers only")
        return graph, supply, lengths


def _halves(rng: Any, n: int) -> tuple[Any, Any, Any]:
    from quot.graphs import knn

    X = rng.uniform(size=(n, 2))
    left = X[:, 0] < 0.5
    return knn(X, 12, connect=True), left / left.sum(), ~left / (~left).sum()


def _grid(rng: Any, n: int) -> tuple[Any, Any, Any]:
    return _square(n), *_random(rng, n)


def _points(rng: Any, n: int) -> tuple[Any, Any, Any]:
    return _neighbours(rng, n), *_random(rng, n)


def _integer_grid(rng: Any, n: int) -> tuple[Any, Any, Any]:
    graph = _square(n)
    lengths = rng.integers(1, _LONGEST + 1, graph.n_edges)
    return _with(graph, lengths), *_random_units(rng, n)


def _integer_points(rng: Any, n: int) -> tuple[Any, Any, Any]:
    graph = _neighbours(rng, n)
    return _with(graph, (_FINE * graph.lengths).round()), *_random_units(rng, n)


def _unit_grid(rng: Any, n: int) -> tuple[Any, Any, Any]:
    import numpy as np

    few = min(_FEW, n // 8)
    units = rng.integers(1, _MOST + 1, few).astype(float)
    ends = rng.permutation(n)[: 2 * few]
    source, target = np.zeros((2, n))
    source[ends[:few]], target[ends[few:]] = units, rng.permutation(units)
    return _square(n), source, target


def _square(n: int) -> Any:
    from quot.graphs import grid

    if isqrt(n) ** 2 != n:
        raise ValueError(f"a square grid has no {n} nodes")
    return grid((isqrt(n), isqrt(n)))


def _neighbours(rng: Any, n: int) -> Any:
    from quot.graphs import knn

    return knn(rng.uniform(0.0, n**0.5, size=(n, 2)), 8, connect=True)


def _with(graph: Any, lengths: Any) -> Any:
    from quot import Graph

    return Graph(graph.n_nodes, graph.edges, lengths.astype(float))


def _random(rng: Any, n: int) -> tuple[Any, Any]:
    source, target = rng.random(n), rng.random(n)
    return source, target * (source.sum() / target.sum())


def _random_units(rng: Any, n: int) -> tuple[Any, Any]:
    """Units of mass; what is missing to equal totals is dealt out to random nodes."""
    import numpy as np

    source, target = rng.integers(0, _MOST + 1, size=(2, n))
    missing = int(source.sum() - target.sum())
    np.add.at(target if missing > 0 else source, rng.integers(0, n, abs(missing)), 1)
    return source.astype(float), target.astype(float)


# What a shape is called, and how it is drawn.
SHAPES: dict[str, tuple[str, Callable[[Any, int], tuple[Any, Any, Any]]]] = {
    "halves": ("12-NN, left to right", _halves),
    "grid": ("grid", _grid),
    "points": ("8-NN", _points),
    "integer grid": ("grid, integers", _integer_grid),
    "unit grid": ("grid, few sources", _unit_grid),
    "integer points": ("8-NN, integers", _integer_points),
}
