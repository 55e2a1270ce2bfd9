"""Conjugate gradients for a matrix that is only known by its products."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from quot.parallel import dot

Floats = NDArray[np.float64]


def conjugate_gradients(
    product: Callable[[Floats], Floats],
    rhs: Floats,
    inverse: Callable[[Floats], Floats],
    *,
    most: int,
    left: float,
    start: Floats | None = None,
    is_linear: bool = True,
) -> tuple[Floats, int]:
    """Solve to some digits; returns the solution (N,) and how many iterations that took.

    Parameters
    ----------
    product : callable
        The matrix times a vector; symmetric, without negative eigenvalues.
    rhs : array of shape (N,)
    inverse : callable
        About the inverse of the matrix times a vector.
    most : int
        Iterations at most; so many mean that it did not get there.
    left : float
        Residual at the end, relative, in the norm of the preconditioner.
    start : array of shape (N,), optional
        To begin from; 0 by default.
    is_linear : bool, default=True
        Whether `inverse` is; if not, directions are made conjugate at the price of a product.
    """
    x, r, z = np.zeros(rhs.size), rhs, inverse(rhs)
    enough = left**2 * dot(r, z)
    if start is not None:
        x, r = start, rhs - product(start)
        z = inverse(r)
    p, rz = z, dot(r, z)
    for iteration in range(most):
        y = product(p)
        along = dot(p, y)
        if not along > 0.0:
            return x, iteration
        step = rz / along
        x, r = x + step * p, r - step * y
        z = inverse(r)
        before, rz = rz, dot(r, z)
        if not rz > enough:
            return x, iteration
        p = z + ((rz if is_linear else -step * dot(z, y)) / before) * p
    return x, most
