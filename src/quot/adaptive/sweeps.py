"""Sweeps: rows that answer the prices of columns, columns that answer the rows, exactly, in turns.

With prices g of columns, each row i is the projection of (g - C_i)/floor, and with prices and costs
of spreading of rows each column has one price at which it gets its mass.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from quot.adaptive.found import Found, costs
from quot.adaptive.projections import project
from quot.exceptions import InvalidProblemError
from quot.problem import AdaptiveProblem

Floats = NDArray[np.float64]

# Passes at most for prices of columns, and what may be left, as a logarithm of mass.
_PASSES, _DONE = 100, 1e-14


def sweeps(
    problem: AdaptiveProblem,
    floor: float,
    steps: int,
    enough: float,
    check: Callable[[], None] = lambda: None,
) -> Found:
    """Return what sweeps find, where rows or columns have a perplexity, not both.

    See `quot.adaptive.found`; a step is a sweep over all rows and then over all columns.

    Raises
    ------
    InvalidProblemError
        If rows and columns have a perplexity.
    """
    if problem.col_perplexity is not None:
        if problem.row_perplexity is not None:
            raise InvalidProblemError(
                "sweeps find rows of a perplexity or columns, and the problem asks for both; leave "
                "`row_perplexity` or `col_perplexity` out, or take another method."
            )
        return sweeps(problem.turned, floor, steps, enough, check).turned
    C, g, free = costs(problem), np.zeros(problem.b.size), np.zeros(problem.b.size)
    price = _entropic_prices if problem.regularizer == "entropic" else _quadratic_prices
    for _ in range(max(steps, 1)):
        check()
        rows = project((g - C) / floor, problem.a, problem.row_perplexity, problem.regularizer)
        f, eps = floor * rows.price, floor * (rows.stretch - 1.0)
        found = Found.at(problem, floor, (f, g, eps, free))
        if found.wrong <= enough:
            break
        g = price(f[:, None] - C, 1.0 / (floor + eps), problem.b)
    return found


def _quadratic_prices(k: Floats, weight: Floats, b: Floats) -> Floats:
    """The g at which the sum over rows of max(g + k, 0) weight is b, of each column."""
    order = np.argsort(-k, axis=0)
    top = k.max(axis=0)
    falling = np.take_along_axis(k, order, axis=0) - top
    weights = weight[order]
    lifts = (b - np.cumsum(weights * falling, axis=0)) / np.cumsum(weights, axis=0)
    count = (falling + lifts > 0.0).sum(axis=0)
    return np.asarray(np.take_along_axis(lifts, count[None] - 1, axis=0)[0] - top)


def _entropic_prices(k: Floats, weight: Floats, b: Floats) -> Floats:
    """The g at which the sum over rows of exp((g + k) weight) is b, of each column."""
    goal = np.log(b)
    g = (goal / weight.max() - k).min(axis=0)
    for _ in range(_PASSES):
        y = (g + k) * weight[:, None]
        top = y.max(axis=0)
        p = np.exp(y - top)
        total = p.sum(axis=0)
        off = top + np.log(total) - goal
        if (np.abs(off) <= _DONE * np.maximum(1.0, np.abs(top))).all():
            break
        # The logarithm of the sum is convex: from its first step on, g comes from above.
        g = g - off * total / (p * weight[:, None]).sum(axis=0)
    return np.asarray(g)
