"""A small linear problem on a matrix, in one compiled call.

There what is done between two calls takes as long as the method itself. Costs that reach far, or
are convex along a line, go the way of larger ones.
"""

from __future__ import annotations

from typing import NamedTuple

from quot.costs import DenseCost
from quot.dual import Dual
from quot.kernels import simplex as kernels
from quot.network.basis import ROUNDS, Basis, Masses, stretch
from quot.network.simplex import (
    DEAR,
    Vertex,
    column_prices,
    corner_cost,
    heaviest_first,
    looks_convex,
)
from quot.plan import Plan
from quot.prices import are_moderate
from quot.problem import Problem
from quot.quadratic.pair_list import Kept, crumb
from quot.settings import settings


class Small(NamedTuple):
    """A vertex, its plan and prices, and whether others may cost no more."""

    vertex: Vertex
    plan: Plan
    dual: Dual
    has_ties: bool


def solve_small(problem: Problem) -> Small | None:
    """Solve a problem of positive masses without its quadratic term; None if not done at once."""
    cost, (n, m) = problem.cost, problem.shape
    if not isinstance(cost, DenseCost) or n * m > settings().at_once:
        return None
    extent, kept = cost.extent, Kept.of(problem)
    if not are_moderate(extent, problem.a, problem.b, problem.total, DEAR):
        return None
    if kept == (0.0, 0.0) and looks_convex(cost.C):
        return None
    masses = Masses.beside(problem.a, problem.b, kept)
    state, has_ended, pairs, dual, tops, has_ties = kernels.at_once(
        cost.C, extent.low, corner_cost(extent), column_prices(masses, extent),
        heaviest_first(masses), masses.a, masses.b, masses.root, (masses.exact_a, masses.exact_b),
        problem.is_balanced, ROUNDS, stretch(m), crumb(problem),
    )  # fmt: skip
    if not has_ended:
        return None
    basis = Basis(masses, state)
    u, v = basis.p[:n], basis.p[basis.rows : basis.rows + m]
    plan = Plan((n, m), *pairs)
    entries = plan.rows, plan.cols, plan.values
    vertex = Vertex(*entries, u, v, tops, basis, basis.pivots, basis.looks, is_optimal=True)
    return Small(vertex, plan, Dual(*dual), has_ties)
