"""Dykstra's alternating projections: the plan as the nearest one to a kernel of the costs.

``<C, P> + floor sum h(P)`` is floor times the distance of P from the kernel ``h*'(-C/floor)``, by
squares or Kullback-Leibler divergence, up to a constant. So the plan is the projection of the
kernel onto the rows that have their mass and perplexity, and the columns that have theirs. A
quadratic kernel is -C/floor as it is: made nonnegative it would be 0, and forget the costs.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from quot.adaptive.found import Found, costs
from quot.adaptive.projections import project
from quot.problem import AdaptiveProblem


def dykstra(
    problem: AdaptiveProblem,
    floor: float,
    steps: int,
    enough: float,
    check: Callable[[], None] = lambda: None,
) -> Found:
    """Return what alternating projections find.

    Takes the more steps, the smaller the floor is against the costs.

    See `quot.adaptive.found`; a step is a projection of all rows and then of all columns.
    """
    kind, asked = problem.regularizer, (problem.row_perplexity, problem.col_perplexity)
    k = -costs(problem) / floor
    by_rows, by_cols = np.zeros(problem.shape), np.zeros(problem.shape)
    for _ in range(max(steps, 1)):
        check()
        before = k + by_rows
        rows = project(before, problem.a, asked[0], kind)
        by_rows = before - rows.slopes
        before = rows.slopes + by_cols
        cols = project(np.ascontiguousarray(before.T), problem.b, asked[1], kind)
        k = cols.slopes.T
        by_cols = before - k
        prices = floor * rows.price, floor * cols.price
        spreading = floor * (rows.stretch - 1.0), floor * (cols.stretch - 1.0)
        found = Found.at(problem, floor, (*prices, *spreading))
        if found.wrong <= enough:
            break
    return found
