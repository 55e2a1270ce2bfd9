"""Adaptive problems whose bounds are of no matter: the cheapest plan of all is their answer."""

from __future__ import annotations

import numpy as np

from quot.adaptive.case import Ending, judged
from quot.convergence import Monitor, Tolerance
from quot.problem import AdaptiveProblem, Problem
from quot.quadratic.pair_model import PairModel
from quot.quadratic.solve import solve_quadratic
from quot.result import AdaptiveResult


def is_implied(problem: AdaptiveProblem) -> bool:
    """Whether every plan has the perplexities.

    A row of mass a gives no column more than this can take, at most b. So no part of it is more
    than b / a, and its perplexity is at least a / b.
    """
    sides = (
        (problem.row_perplexity, problem.a, problem.b),
        (problem.col_perplexity, problem.b, problem.a),
    )
    return not problem.is_average and all(
        asked is None or bool((mass >= asked * others.max())[mass > 0.0].all())
        for asked, mass, others in sides
    )


def solve_linear(
    problem: AdaptiveProblem, tolerance: Tolerance, monitor: Monitor
) -> AdaptiveResult:
    """Return the cheapest plan of all, that of smallest norm, as an answer."""
    plain = Problem(problem.cost, problem.a, problem.b)
    found = solve_quadratic(PairModel(plain, monitor, tolerance))
    zeros = np.zeros(problem.a.size), np.zeros(problem.b.size)
    ending = Ending(found.plan, found.f, found.g, *zeros, "linear")
    return judged(problem, ending, found.status, tolerance, monitor)
