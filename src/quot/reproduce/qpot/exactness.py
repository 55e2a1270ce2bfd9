"""Below which eps the quadratic plan is that of the linear problem."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import coo_array

from quot.api import solve
from quot.reproduce.qpot.sweeps import Problem

Floats = NDArray[np.float64]

# Mass below this part of the largest counts as none, and marginals as far as this as met.
_NEAR = 1e-11


def eps_bar(problem: Problem, share: float) -> tuple[float, Floats]:
    """Return the largest eps at which the plan is the linear problem's of least norm, and that.

    It is a linear problem of its own: prices f, g <= 0 and t, and eps as large as can be, with
    ``f_i + g_j + t - C_ij = eps X_ij`` where the plan has mass and ``<= 0`` elsewhere, and f_i = 0
    (g_j = 0) where a row (column) has mass left. HiGHS solves it.
    """
    C, a, b = problem
    mass = share * min(a.sum(), b.sum())
    X = solve(C, a, b, reg=0.0, mass=mass).plan.to_dense()
    n, m = C.shape
    rows, cols = (index.ravel() for index in np.indices(C.shape))
    count = np.arange(n * m)
    where = np.concatenate((rows, n + cols, np.full(n * m, n + m), np.full(n * m, n + m + 1)))
    is_used = X.ravel() > _NEAR * X.max()
    values = np.concatenate((np.ones(3 * n * m), np.where(is_used, -X.ravel(), 0.0)))
    A = coo_array((values, (np.tile(count, 4), where)), shape=(n * m, n + m + 2)).tocsr()
    free = [(None, None), (0.0, None)]
    bounds = [
        *((0.0, 0.0) if slack > _NEAR else (None, 0.0) for slack in a - X.sum(axis=1)),
        *((0.0, 0.0) if slack > _NEAR else (None, 0.0) for slack in b - X.sum(axis=0)),
        *free,
    ]
    goal = np.zeros(n + m + 2)
    goal[-1] = -1.0
    answer = linprog(
        goal, A_ub=A[~is_used], b_ub=C.ravel()[~is_used], A_eq=A[is_used],
        b_eq=C.ravel()[is_used], bounds=bounds, method="highs",
    )  # fmt: skip
    return (float(answer.x[-1]) if answer.status == 0 else np.nan), X
