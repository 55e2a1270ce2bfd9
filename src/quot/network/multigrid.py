"""Aggregation multigrid: solves with the Laplacians of large graphs in a few passes.

Nodes that are tied strongly are joined, four or so to one, until few are left; a cycle smooths on
each level and corrects by the next one. The coarsest level has a factor.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from quot.kernels import laplacian
from quot.kernels import multigrid as kernels
from quot.parallel import dot
from quot.settings import settings

Floats = NDArray[np.float64]
# As `kernels.laplacian.adjacency` lists it: indptr, neighbour, weight, diagonal.
Graph = tuple[NDArray[np.generic], ...]

# Aggregates are pairs of pairs. A node joins a pair of others, up to so many, rather than one to
# which it is tied by less than the fraction of that.
_PASSES, _MOST, _FRACTION = 2, 4, 0.25
# No coarser level where joining leaves more than this part of the nodes.
_STALLED = 0.7
# Of the Jacobi sweeps; below 1 they converge on any graph.
_DAMPING = 0.8
# One correction will do on a coarse level if it leaves less than this of its residual.
_CORRECTED = 0.25


class _Level:
    """A graph, and how its nodes are joined."""

    def __init__(self, graph: Graph) -> None:
        *adjacency, diagonal = graph
        self.size = int(diagonal.size)
        self.edges = kernels.edges(*adjacency)
        relaxed, tied = np.zeros(self.size), diagonal.astype(np.float64, copy=False)
        self.relaxed = np.divide(_DAMPING, tied, out=relaxed, where=tied > 0.0)
        self.left = np.empty(self.size)
        self.label = np.zeros(0, np.int32)
        self.joined = 0

    def join(self, graph: Graph) -> Graph | None:
        """Join the nodes; return the coarser graph, None if there is nothing to gain."""
        if self.size <= settings().coarsest:
            return None
        label = np.arange(self.size, dtype=np.int32)
        for _ in range(_PASSES):
            again, joined = kernels.aggregate(*graph, _MOST, _FRACTION)
            if joined == 0:  # every component has become a single node
                return None
            graph = kernels.coarsen(*graph[:3], again, joined)
            label = np.where(label >= 0, again[label], -1).astype(np.int32)
        if joined > _STALLED * np.count_nonzero(self.relaxed):
            return None
        self.label, self.joined = label, joined
        return graph

    def apply(self, x: Floats) -> Floats:
        """Return L x."""
        out: Floats = kernels.apply(*self.edges, x)
        return out


class Multigrid:
    """A preconditioner for the Laplacian of one graph, and the solver it makes.

    Parameters
    ----------
    indptr, neighbour, weight, diagonal : arrays
        The graph, as `kernels.laplacian.adjacency` lists it.
    """

    def __init__(self, *graph: NDArray[np.generic]) -> None:
        self.levels = [_Level(graph)]
        while (coarser := self.levels[-1].join(graph)) is not None:
            graph = coarser
            self.levels.append(_Level(graph))
        indptr, neighbour, weight, _ = graph
        twin = laplacian.twins(indptr, neighbour)
        self.factor = laplacian.factor(indptr, neighbour, weight, twin, 1)

    def solve(
        self, rhs: Floats, rtol: float, max_iter: int, must_stop: Callable[[], bool] = lambda: False
    ) -> tuple[Floats, float]:
        """Conjugate gradients until ||r||_2 <= rtol ||rhs||_2; x (N,) and what was reached.

        The directions are made conjugate one by one, as the preconditioner is not linear.
        """
        level = self.levels[0]
        x, r = np.zeros(rhs.size), rhs.copy()
        start = np.sqrt(dot(rhs, rhs))
        reached, iteration = 1.0 if start > 0.0 else 0.0, 0
        p = q = r
        curvature = 0.0
        while reached > rtol and iteration < max_iter and not must_stop():
            z = self._cycle(0, r)
            p = z if iteration == 0 else z - (dot(z, q) / curvature) * p
            q = level.apply(p)
            curvature = dot(p, q)
            if not curvature > 0.0:
                break
            step = dot(p, r) / curvature
            x += step * p
            r -= step * q
            reached = np.sqrt(dot(r, r)) / start
            iteration += 1
        return x, reached

    def near(self, rhs: Floats) -> Floats:
        """About the solution, by one cycle; not linear in `rhs`, which sums to 0 on components."""
        return self._cycle(0, rhs)

    def _cycle(self, depth: int, rhs: Floats) -> Floats:
        """Smooth, correct on the next level, smooth."""
        level = self.levels[depth]
        if depth == len(self.levels) - 1:
            x = rhs.copy()
            laplacian.precondition(*self.factor, x)
            return x
        sweep = *level.edges, level.relaxed, level.label, rhs
        x, coarse_rhs = np.empty(level.size), np.empty(level.joined)
        kernels.descend(*sweep, x, level.left, coarse_rhs)
        kernels.ascend(*sweep, x, level.left, self._correct(depth + 1, coarse_rhs))
        return x

    def _correct(self, depth: int, rhs: Floats) -> Floats:
        """One or two cycles, each as long as it should be (Notay's K-cycle)."""
        first = self._cycle(depth, rhs)
        level = self.levels[depth]
        image = level.apply(first)
        curvature = dot(first, image)
        if not curvature > 0.0:
            return first
        step = dot(first, rhs) / curvature
        rest = rhs - step * image
        if depth == len(self.levels) - 1 or dot(rest, rest) <= _CORRECTED**2 * dot(rhs, rhs):
            return step * first
        second = self._cycle(depth, rest)
        second -= (dot(second, image) / curvature) * first
        curvature = dot(second, level.apply(second))
        if not curvature > 0.0:
            return step * first
        return step * first + (dot(second, rest) / curvature) * second
