"""Solves with weighted graph Laplacians: by Jacobi, multigrid or approximate Cholesky.

Whichever is cheapest: Jacobi on well-connected graphs, multigrid on large ones, whose factor would
take long to make, approximate Cholesky on all others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from quot.kernels import elimination
from quot.kernels import laplacian as kernels
from quot.network.multigrid import Multigrid
from quot.settings import settings

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

# Elimination may join so many pairs of neighbours for each node: about what CG with a factor costs.
_EFFORT = 60
_RETRY_DIRECT_AFTER = 10
# It is not tried where edges are so many times more than nodes, if those are not few.
_SPARSE, _FEW = 3.0, 100
# A factor costs about as much as this many Jacobi iterations (measured, 2-D to 10-D supports).
_JACOBI_ITERATIONS = 120
# On graphs with fewer edges than this a node, nearly trees, Jacobi has no chance.
_NEARLY_A_TREE = 1.5
_RETRY_JACOBI_AFTER = 10
# A kept factor is dropped when the graph has moved so far that CG takes longer than this; after
# that none is kept for a while.
_STALE_ITERATIONS = 12
_RETRY_STALE_AFTER = 4
_RETRY_CYCLES_AFTER = 10
# With a factor another digit costs little.
_FINE = 1e-3


def without_means(component: Ints, x: Floats) -> Floats:
    """x (N,) less its mean on each component (N,): a Laplacian knows it up to a constant there."""
    size = np.maximum(np.bincount(component, minlength=x.size), 1)
    mean = np.bincount(component, x, minlength=x.size) / size
    centred: Floats = x - mean[component]
    return centred


@dataclass
class LaplacianSolver:
    """Solve ``D diag(c) D' x = rhs`` again and again on changing conductances.

    Jacobi, or on large graphs multigrid, is tried first and given up for an approximate Cholesky
    factor where it is slow; the factor is kept from call to call for as long as it makes CG short.
    """

    must_stop: Callable[[], bool] = lambda: False
    _direct_rest: int = 0
    _factor: tuple[NDArray[np.generic], ...] | None = field(default=None, repr=False)
    _jacobi_rest: int = 0
    _cycles_rest: int = 0
    _stale_rest: int = 0

    @staticmethod
    def _is_small(tail: Ints, rhs: Floats) -> bool:
        """Whether elimination may be quick."""
        few = tail.size <= _SPARSE * rhs.size or rhs.size <= _FEW
        return few and rhs.size <= settings().direct

    def solve(
        self, tail: Ints, head: Ints, conductance: Floats, rhs: Floats, rtol: float
    ) -> Floats:
        """Return x (N,) with ||residual||_2 <= rtol ||rhs||_2, as far as round-off allows.

        `rhs` must sum to zero on every component of the graph.
        """
        x: Floats
        if self._direct_rest == 0 and self._is_small(tail, rhs):
            x, is_done = elimination.solve(tail, head, conductance, rhs, _EFFORT * rhs.size)
            if is_done:
                return x
            self._direct_rest = _RETRY_DIRECT_AFTER
        self._direct_rest = max(self._direct_rest - 1, 0)
        indptr, neighbour, weight, diagonal, twin = kernels.adjacency(
            tail, head, conductance, rhs.size
        )
        graph = (indptr, neighbour, weight, diagonal)
        if self._factor is not None and self._stale_rest == 0:
            x, _, reached = kernels.cg(
                *graph, *self._factor, rhs, min(rtol, _FINE), _STALE_ITERATIONS
            )
            if reached <= rtol:
                return x
            self._stale_rest = _RETRY_STALE_AFTER
        elif rhs.size > settings().multigrid and self._cycles_rest == 0:
            x, reached = Multigrid(*graph).solve(rhs, rtol, settings().cycles, self.must_stop)
            if reached <= rtol or self.must_stop():
                return x
            self._cycles_rest = _RETRY_CYCLES_AFTER
        elif self._jacobi_rest == 0 and neighbour.size > 2 * _NEARLY_A_TREE * rhs.size:
            jacobi = kernels.diagonal_factor(diagonal)
            x, _, reached = kernels.cg(*graph, *jacobi, rhs, rtol, _JACOBI_ITERATIONS)
            if reached <= rtol:
                return x
            self._jacobi_rest = _RETRY_JACOBI_AFTER
        self._jacobi_rest = max(self._jacobi_rest - 1, 0)
        self._stale_rest = max(self._stale_rest - 1, 0)
        self._cycles_rest = max(self._cycles_rest - 1, 0)
        self._factor = kernels.factor(indptr, neighbour, weight, twin, 1)
        x, _, _ = kernels.cg(*graph, *self._factor, rhs, min(rtol, _FINE), 400)
        return x
