"""The certificate of a sparse plan between rows and columns."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quot.certificate.bracket import (
    EPS,
    EXCUSED,
    ROUND_OFF,
    Bound,
    Bracket,
    Certificate,
)
from quot.certificate.small import certify_small
from quot.costs import Cost, DenseCost, PointCost, SparseCost
from quot.gibbs_plan import AnyPlan, GibbsPlan
from quot.gibbs_rounding import repair_gibbs
from quot.kernels import boxes
from quot.kernels import certificate as kernels
from quot.pairs.boxes import trees
from quot.pairs.screen import Blocks, Boxes, choose
from quot.parallel import map_rows
from quot.plan import Plan
from quot.problem import Problem, Transport
from quot.problem.stack import is_small
from quot.rounding import Marginals, is_feasible, repair
from quot.settings import settings

Floats = NDArray[np.float64]

# Cosines of d dimensions are wrong by at most so much, each and for every dimension.
_COSINE = 4 * EPS
# Rows that one thread takes at a time through a tree.
_ROWS = 2048


class Masses(NamedTuple):
    """Masses of rows and columns, and how much of them moves; None if that is all."""

    a: Floats
    b: Floats
    moved: float | None

    @classmethod
    def own(cls, problem: Transport, plan: Marginals) -> Masses:
        """Those that a plan has, where they are those of the problem up to rounding.

        What rounding takes from a row may be all it has, and at any price. And both sides have the
        same total then: what is added to all f and taken from all g cancels. Of more than moves in
        all the rounding of its potential would cost what nobody pays.
        """
        off, most = ROUND_OFF * problem.unit, np.inf if problem.is_balanced else problem.total
        a = kernels.own(plan.rows, problem.a, off, most)
        b = kernels.own(plan.cols, problem.b, off, most)
        moved = problem.mass
        if moved is not None and abs(plan.total - moved) <= ROUND_OFF * moved:
            moved = plan.total
        return cls(a, b, moved)


def certify_plan(
    problem: Problem, plan: AnyPlan, f: Floats, g: Floats, lam: float = 0.0, *, scope: str = "all"
) -> Certificate:
    """Bracket the optimal value of quadratic transport between rows and columns; see `certify`.

    A plan that is kept by its prices serves where neither its squares nor its pairs are asked for.
    """
    if scope == "all" and isinstance(plan, Plan) and is_small(problem):
        small = certify_small(problem, plan, f, g, lam)
        if small is not None:
            return small
    repaired, seen, now = mended(problem, plan)
    f, g, lam, violation = signed(problem, f, g, lam)
    support = plan if scope != "all" and isinstance(plan, Plan) else None
    bounds, pairs = bounds_of(problem, Masses.own(problem, now), (f, g, lam), support)
    found = bracket(problem, repaired, now, bounds)
    return Certificate(
        **found._asdict(),
        primal_residual=seen.error(problem),
        multiplier_violation=violation,
        scope=scope,
        pairs=pairs,
    )


def mended(problem: Transport, plan: AnyPlan) -> tuple[AnyPlan, Marginals, Marginals]:
    """A plan with exact marginals, near the given one and of its kind; itself if it has them.

    With the marginals of the given one, and those of the other.
    """
    seen = Marginals.of(problem, plan)
    if isinstance(plan, GibbsPlan):
        repaired: AnyPlan = repair_gibbs(problem, plan)
    else:
        repaired = repair(problem, plan, seen=seen)
    return repaired, seen, seen if repaired is plan else Marginals.of(problem, repaired)


def signed(
    problem: Transport, f: Floats, g: Floats, lam: float
) -> tuple[Floats, Floats, float, float]:
    """Potentials with the signs that they must have, and by how much they had not."""
    if problem.is_balanced:
        return f, g, 0.0, 0.0
    (f, top_f, size_f), (g, top_g, size_g) = kernels.signed(f), kernels.signed(g)
    spread = abs(lam) + size_f + size_g
    violation = max(top_f, top_g) / (spread if spread > 0 else 1.0)
    return f, g, lam, violation


def bracket(problem: Transport, repaired: AnyPlan, seen: Marginals, bounds: list[Bound]) -> Bracket:
    """What bounds say next to a repaired plan of these marginals."""
    value, size = problem.summed(repaired)
    upper = value if is_feasible(problem, repaired, seen) else np.inf
    least_scale = _blur(problem.cost) * problem.total / EXCUSED
    return Bracket.of(bounds, upper, size, least_scale)


def _blur(cost: Cost) -> float:
    """How far costs are wrong that are small differences of large numbers: cosines."""
    if isinstance(cost, PointCost) and cost.metric == "cosine":
        return _COSINE * float(cost.X.shape[1])
    return 0.0


def bounds_of(
    problem: Problem, masses: Masses, dual: tuple[Floats, Floats, float], support: Plan | None
) -> tuple[list[Bound], int]:
    """Bounds from signed potentials, with and without squares, and the number of pairs seen."""
    reg, (a, b, moved), (f, g, lam) = problem.reg, masses, dual
    terms = terms_of(masses, f, g, lam)
    if not math.isfinite(terms) and not all(np.isfinite(x).all() for x in (f, g, lam)):
        return [Bound(np.nan, np.nan)], 0
    noise = ROUND_OFF * terms
    f, g, lam, top = without_lam(masses, f, g, lam)
    squares, largest, pairs = _scan(problem, f + lam if lam else f, g, support)
    linear, both, penalty = kernels.bounds(f, g, lam, top, a, b, moved or 0.0, squares, largest)
    bounds = [Bound(linear, noise)]
    if reg > 0:
        bounds.append(Bound(both, noise + ROUND_OFF * 0.5 * penalty))
    if support is None:
        bounds += least_value(problem)
    return bounds, pairs


def terms_of(masses: Masses, f: Floats, g: Floats, lam: float) -> float:
    """What is added up in a dual value; f and g are known no better than lam is. NaN if one is."""
    a, b, _ = masses
    return float(kernels.terms(f, a, abs(lam)) + kernels.terms(g, b, abs(lam)))


def without_lam(
    masses: Masses, f: Floats, g: Floats, lam: float
) -> tuple[Floats, Floats, float, float]:
    """Potentials f, g and lam of the same dual value, and the most that f may be.

    Where all rows, or columns, send all they have, up to rounding, lam is added to theirs: then it
    cancels from the value, however large it is. Where both do, to those that it makes small.
    """
    if masses.moved is None:
        return f, g, 0.0, np.inf
    kept_a, kept_b = (kernels.total(mass) - masses.moved for mass in (masses.a, masses.b))
    rounding = 2 * ROUND_OFF * masses.moved
    full_a, full_b = abs(kept_a) <= rounding, abs(kept_b) <= rounding
    if full_a and full_b:
        full_a = terms_of(masses, f + lam, g, 0.0) <= terms_of(masses, f, g + lam, 0.0)
    if full_a:
        return f + lam, g, 0.0, lam
    if full_b:
        return f, g + lam, 0.0, 0.0
    return f, g, lam, 0.0


def least_value(problem: Transport) -> list[Bound]:
    """What the mass would cost if all of it went by the cheapest pair, if that is known at once.

    Where a plan costs nothing and no cost is negative that is all there is to show.
    """
    cost = problem.cost
    if problem.total == 0.0:
        least = 0.0
    elif isinstance(cost, DenseCost):
        least = cost.extent.low
    elif isinstance(cost, SparseCost) and cost.values.size:
        least = float(cost.values.min())
    elif isinstance(cost, PointCost) and not _blur(cost):
        least = 0.0
    else:
        return []
    totals = problem.total, float(problem.b.sum()) if problem.is_balanced else problem.total
    value = min(least * total for total in totals)
    return [Bound(value, ROUND_OFF * abs(value))]


def _scan(
    problem: Problem, f: Floats, g: Floats, support: Plan | None
) -> tuple[Floats, Floats, int]:
    """Sum of [f + g - C]_+^2 / reg and its largest f + g - C, a row each; number of pairs seen.

    At reg = 0 the sum is of the squares themselves. Each is divided before it is squared, or it may
    be out of range.
    """
    n, m = problem.shape
    cost, scale = problem.cost, problem.reg**-0.5 if problem.reg > 0.0 else 1.0
    listed = cost if support is None and isinstance(cost, SparseCost) else support
    if listed is not None:
        rows, cols = listed.rows, listed.cols
        values = cost.at(rows, cols)
        squares, largest = kernels.scan_pairs(rows, cols, values, f, g, scale, n)
        return squares, largest, rows.size

    if isinstance(cost, DenseCost) and n * m < settings().threaded:
        return *kernels.scan_rows(cost.C, 0, f, g, scale, Blocks.exact), n * m
    way = choose(cost, f.take, g)
    if isinstance(way, Boxes):
        return _scan_boxes(way.cost, f, g, scale)

    def scan(start: int, stop: int) -> tuple[Floats, Floats]:
        block, _ = way.block(start, stop)
        result: tuple[Floats, Floats] = kernels.scan_rows(block, start, f, g, scale, way.exact)
        return result

    parts = zip(*map_rows(scan, n, m, way.rows), strict=True)
    squares, largest = (np.concatenate(part) for part in parts)
    return squares, largest, n * m


def _scan_boxes(cost: PointCost, f: Floats, g: Floats, scale: float) -> tuple[Floats, Floats, int]:
    """Do the same through trees of boxes; every pair left out has f + g < C for certain."""
    tree, other = trees(cost)
    f, g = f[tree.order], g[other.order]
    side = other.side(g)

    def scan(start: int, stop: int) -> tuple[Floats, Floats, int]:
        result: tuple[Floats, Floats, int] = boxes.scan(
            start, stop, cost.metric_code, tree.points, f, side, g, scale
        )
        return result

    n, m = cost.shape
    parts = map_rows(scan, n, m, _ROWS)
    out = np.empty((2, n))
    for k in range(2):
        out[k, tree.order] = np.concatenate([part[k] for part in parts])
    return out[0], out[1], n * m
