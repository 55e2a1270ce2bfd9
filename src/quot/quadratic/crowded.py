"""Newton steps on a matrix of which many pairs carry something."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.kernels import crowded as kernels
from quot.kernels import laplacian, steps

Floats = NDArray[np.float64]

# Iterations of conjugate gradients with the diagonal alone: where these are not enough a factor of
# so many pairs for each node, drawn by chance, takes less time.
_QUICK, _MANY = 40, 16


class Crowded:
    """A step as `kernels.steps.step` takes it; remembers whether the diagonal was enough."""

    def __init__(self) -> None:
        self._is_quick = True

    def step(  # noqa: PLR0917
        self,
        C: Floats,
        wanted: tuple[Floats, Floats],
        bounds: tuple[float, float, float],
        total: float,
        state: tuple[Any, ...],
        at: Floats,
        firm: float,
    ) -> tuple[float, int, bool]:
        """Move the columns, in place in state, at."""
        v, f, start, col, _, _, missing, at_top = state
        for k in range(steps.TIES + 1):
            graph, rhs, share, diagonal = kernels.system(
                v, f, bounds, start, col, missing, at_top, firm
            )
            x = self._solve((start, col, graph), diagonal, rhs, at[steps.WRONG] / total)
            is_passing, *moved = kernels.move(
                C, wanted, bounds, state, at, firm, graph, share, x, k == steps.TIES
            )
            if not is_passing:
                break
        firm, looks, is_slow = moved
        return firm, looks, is_slow

    def _solve(
        self, system: tuple[Any, ...], diagonal: Floats, rhs: Floats, wrong: float
    ) -> Floats:
        """How the nodes move, (N,), where so much is missing, relative."""
        x: Floats
        tol = steps.residual(wrong)
        if self._is_quick:
            factor = laplacian.diagonal_factor(diagonal)
            x, self._is_quick = kernels.solve(*system, factor, rhs, tol, _QUICK)
            if self._is_quick:
                return x
        edges = kernels.sample(*system, _MANY)
        *graph, _, twin = laplacian.adjacency(*edges, diagonal.size)
        factor = laplacian.factor(*graph, twin, 1)
        x, _ = kernels.solve(*system, factor, rhs, tol, steps.ITERATIONS)
        return x
