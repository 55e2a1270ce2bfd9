"""The certificate of a plan in which every row or column shares its mass with enough others."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quot.certificate.bracket import (
    LEAST_EXPONENT,
    ROUND_OFF,
    Bound,
    Bracket,
    Certificate,
    exact_sum,
)
from quot.certificate.plans import Masses, bounds_of, least_value, mended
from quot.costs import PointCost
from quot.pairs import Pricer
from quot.pairs.screen import Blocks
from quot.parallel import map_rows
from quot.perplexity import bounds, largest, spreads, units
from quot.plan import Plan
from quot.problem import AdaptiveProblem, Problem
from quot.rounding import is_feasible
from quot.settings import settings

Floats = NDArray[np.float64]

# A mass below cannot be shared: there are no numbers for parts of it.
_LEAST = float(np.finfo(np.float64).tiny / np.finfo(np.float64).eps)


@np.errstate(over="ignore", invalid="ignore")  # what is inf or NaN is not certified
def certify_adaptive(
    problem: AdaptiveProblem, plan: Plan, f: Floats, g: Floats, multipliers: tuple[Floats, Floats]
) -> Certificate:
    """Bracket the optimal value by a plan, potentials and multipliers >= 0, (n,) and (m,).

    The bound is the dual value of the problem itself, without a floor under the multipliers, or
    what all mass would cost by the cheapest pair; where all multipliers are 0, that of linear
    transport. The plan is repaired to exact marginals and, as far as it shares its mass with too
    few then, mixed with a b' / sum b, which has the largest perplexity there is. Of an average
    there is one multiplier: the largest of those given counts.
    """
    given = tuple(multipliers)
    if problem.is_average:
        given = tuple(np.full(each.size, each.max()) for each in given)
    eps = _where_bounded(given[0], problem.a, problem.row_bounds)
    delta = _where_bounded(given[1], problem.b, problem.col_bounds)
    scale = max(float(np.abs(eps).max()), float(np.abs(delta).max()), np.finfo(float).tiny)
    negative = max(0.0, -float(eps.min()), -float(delta.min())) / scale
    repaired, seen, now = mended(problem, plan)
    assert isinstance(repaired, Plan)
    if eps.any() or delta.any():
        found = [_bound(problem, f, g, np.maximum(eps, 0.0), np.maximum(delta, 0.0))]
    else:
        linear = Problem(problem.cost, problem.a, problem.b)
        found = bounds_of(linear, Masses.own(problem, now), (f, g, 0.0), None)[0]
    upper, used = repaired.paid(problem.cost)
    part = _mixed(problem, repaired)
    if part > 0.0:
        even, size = _even(problem)
        upper, used = upper + part * (even - upper), used + part * (size - used)
    lower = [*found, *least_value(problem)]
    bracket = Bracket.of(lower, upper if is_feasible(problem, repaired, now) else np.inf, used)
    return Certificate(
        **bracket._asdict(),
        primal_residual=float(np.max([seen.error(problem), excess(problem, plan)])),
        multiplier_violation=negative,
        scope="all",
        pairs=problem.a.size * problem.b.size,
    )


def _where_bounded(multipliers: Floats, mass: Floats, limits: Floats | None) -> Floats:
    """Multipliers of what has mass and a bound, and 0."""
    return np.where((mass > 0.0) & (limits is not None), multipliers, 0.0)


def excess(problem: AdaptiveProblem, plan: Plan) -> float:
    """Return by how much a perplexity is missed, as a part of it."""
    over = [(side.found - side.limits) / side.units for side in _sides(problem, plan)]
    return float(np.max([0.0, *(part.max(initial=0.0) for part in over)]))


class _Side(NamedTuple):
    """Of rows, or columns, with mass: bounds and their units, sums of h, and those of a b'.

    Each for a row of mass 1, for squares of a mass may be less than any number; of an average they
    are of all rows together.
    """

    limits: Floats
    units: Floats
    found: Floats
    even: Floats


def _sides(problem: AdaptiveProblem, plan: Plan) -> list[_Side]:
    """The rows, and the columns, if they are bounded."""
    sides = (
        (problem.row_perplexity, problem.a, problem.b, plan.rows),
        (problem.col_perplexity, problem.b, problem.a, plan.cols),
    )
    name, bounded = problem.regularizer, []
    for asked, mass, others, index in sides:
        if asked is not None:
            kept = mass > (0.0 if problem.is_average else _LEAST)
            unit = mass if problem.is_average else np.ones(mass.size)
            most = np.full(mass.size, largest(others, name))
            ratio = 1.0 if problem.is_average else np.where(kept, mass, np.inf)[index]
            found = spreads(plan.values / ratio, index, mass.size, name)
            each = (
                bounds(unit, asked, name),
                units(unit, asked, name),
                found,
                bounds(unit, most, name),
            )
            side = _Side(*(x[kept] for x in each))
            bounded.append(_together(side) if problem.is_average and side.limits.size else side)
    return bounded


def _together(side: _Side) -> _Side:
    return _Side(*(np.array([exact_sum(each)]) for each in side))


def _mixed(problem: AdaptiveProblem, plan: Plan) -> float:
    """The part of a b' / sum b with which a plan keeps to all bounds: sums of h are convex."""
    part = 0.0
    for limits, _, found, even in _sides(problem, plan):
        over = found > limits
        if over.any():
            needed = (found - limits)[over] / (found - even)[over]
            part = max(part, float(needed.max()))
    return part


def _even(problem: AdaptiveProblem) -> tuple[float, float]:
    """The cost of a b' / sum b, or a bound of it, and what is added up in it."""
    b, total, (n, m) = problem.b, float(problem.b.sum()), problem.shape
    if isinstance(problem.cost, PointCost) and n * m > settings().boxed:
        most = _even_at_most(problem.cost, problem.a, b / total)
        return most, most

    def scan(start: int, stop: int) -> tuple[float, float]:
        C, a = problem.cost.block(start, stop), problem.a[start:stop]
        return float(a @ (C @ b)) / total, float(a @ (np.abs(C) @ b)) / total

    parts = map_rows(scan, n, m, Blocks(problem.cost).rows)
    cost, size = np.sum(parts, axis=0)
    return float(cost), float(size)


def _even_at_most(cost: PointCost, a: Floats, part: Floats) -> float:
    """A bound of the mean cost of all pairs of points, of which columns have parts: of squares.

    What is not squared is at most the root of its mean square.
    """
    X, Y = cost.positions
    total = float(a.sum())
    x, y = a @ X / total, part @ Y
    if cost.metric == "cosine":
        return total * (1.0 - float(x @ y))
    squares = a @ (X - x) ** 2 / total + part @ (Y - y) ** 2 + (x - y) ** 2  # of each axis
    if cost.metric == "cityblock":
        return total * float(np.sqrt(squares).sum())
    mean = float(squares.sum())
    return total * (mean if cost.metric == "sqeuclidean" else math.sqrt(mean))


def _bound(problem: AdaptiveProblem, f: Floats, g: Floats, eps: Floats, delta: Floats) -> Bound:
    """The dual value, and how far it may be wrong by rounding."""
    rows, cols = np.flatnonzero(problem.a), np.flatnonzero(problem.b)
    if not rows.size:
        return Bound(0.0, 0.0)
    core = problem.taken(rows, cols)
    f, g, eps, delta = f[rows], g[cols], eps[rows], delta[cols]
    of = _entropies if problem.regularizer == "entropic" else _squares
    terms = [f * core.a, g * core.b, np.array([-of(core, f, g, eps, delta)])]
    for multipliers, limits in ((eps, core.row_bounds), (delta, core.col_bounds)):
        if limits is not None:
            terms.append(-multipliers * limits)
    size = sum(float(np.abs(x).sum()) for x in terms)
    return Bound(exact_sum(*terms), ROUND_OFF * size)


def _squares(problem: AdaptiveProblem, f: Floats, g: Floats, eps: Floats, delta: Floats) -> float:
    """The sum of E max(y, 0)^2 / 2 over all pairs, y = (f + g - C) / E."""
    pairs = Pricer().tight(problem.cost, f, g)
    i, j = pairs.rows, pairs.cols
    beyond = np.maximum(f[i] + g[j] - problem.cost.at(i, j), 0.0)
    E = eps[i] + delta[j]
    some = beyond > 0.0
    with np.errstate(divide="ignore"):
        return float((0.5 * beyond[some] * (beyond[some] / E[some])).sum())


def _entropies(problem: AdaptiveProblem, f: Floats, g: Floats, eps: Floats, delta: Floats) -> float:
    """The sum of E exp(y) over all pairs, y = (f + g - C) / E."""

    def scan(start: int, stop: int) -> float:
        E = eps[start:stop, None] + delta
        y = f[start:stop, None] + g - problem.cost.block(start, stop)
        part = np.divide(y, E, out=np.where(y > 0.0, np.inf, -np.inf), where=E > 0.0)
        paid = E * np.exp(np.maximum(part, LEAST_EXPONENT))
        return float(np.where((E > 0.0) | (y > 0.0), paid, 0.0).sum())

    return sum(map_rows(scan, *problem.shape, Blocks(problem.cost).rows))
