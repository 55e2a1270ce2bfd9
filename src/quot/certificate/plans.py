"""The certificate of a plan between rows and columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quot.certificate.bracket import TINY, Certificate
from quot.costs import PointCost, SparseCost, sample
from quot.kernels import boxes
from quot.kernels import certificate as kernels
from quot.pairs.boxes import trees
from quot.pairs.screen import Blocks, Boxes, choose
from quot.parallel import dot, map_rows
from quot.plan import Plan
from quot.problem import EntropicProblem, Problem, Transport
from quot.rounding import marginal_error, repair

Floats = NDArray[np.float64]

_EPS = float(np.finfo(np.float64).eps)
# Rows that one thread takes at a time through a tree.
_ROWS = 2048


def certify_plan(
    problem: Transport, plan: Plan, f: Floats, g: Floats, lam: float = 0.0, *, scope: str = "all"
) -> Certificate:
    """Bracket the optimal value of transport between rows and columns; see `certify`."""
    a, b = problem.a, problem.b
    if isinstance(problem, EntropicProblem):
        f, g, scope = np.where(a > 0, f, 0.0), np.where(b > 0, g, 0.0), "all"
    repaired = repair(problem, plan)
    if problem.is_balanced:
        violation, lam = 0.0, 0.0
    else:
        spread = abs(lam) + float(np.abs(f).max() + np.abs(g).max())
        violation = float(np.max([f.max(), g.max(), 0.0])) / (spread if spread > 0 else 1.0)
        f, g = np.minimum(f, 0.0), np.minimum(g, 0.0)
    if isinstance(problem, EntropicProblem):
        lower, penalty, pairs = _entropic_bound(problem, f, g, lam)
        penalty += problem.eps * float(np.abs(problem.entropy_terms(repaired)).sum())
    elif isinstance(problem, Problem):
        support = plan if scope != "all" else None
        lower, penalty, pairs = _quadratic_bound(problem, f, g, lam, support)
    else:
        raise TypeError(f"`problem` of type {type(problem).__name__} has no bound here")
    terms = (
        dot(np.abs(f), a)
        + dot(np.abs(g), b)
        # f and g are known no better than lam is: its rounding may move all of them.
        + abs(lam) * float(a.sum() + b.sum())
        + dot(np.abs(problem.cost.at(repaired.rows, repaired.cols)), repaired.values)
        + (penalty if np.isfinite(penalty) else 0.0)
    )
    upper = problem.objective(repaired)
    costs = np.abs(sample(problem.cost))
    typical = float(np.median(costs)) or float(costs.mean()) or 1.0
    return Certificate(
        lower=lower,
        upper=upper,
        primal_residual=marginal_error(problem, plan),
        multiplier_violation=violation,
        round_off=8 * _EPS * terms,
        scale=max(abs(lower), abs(upper), TINY * problem.total * typical),
        scope=scope,
        pairs=pairs,
    )


def _quadratic_bound(
    problem: Problem, f: Floats, g: Floats, lam: float, support: Plan | None
) -> tuple[float, float, int]:
    """Best bound from signed potentials, its penalty if any, and the number of pairs seen."""
    a, reg = problem.a, problem.reg
    if not (np.isfinite(f).all() and np.isfinite(g).all() and np.isfinite(lam)):
        return np.nan, np.nan, 0
    squares, largest, pairs = _scan(problem, f + lam, g, support)
    masses = dot(g, problem.b) + _price(problem, lam)
    lower = -np.inf
    penalty = 0.0
    if reg > 0:
        penalty = float(squares.sum()) / (2 * reg)
        lower = dot(f, a) + masses - penalty
    # The linear bound: move each f to where no pair of its row is violated.
    full = a > 0
    moved = f - np.where(np.isfinite(largest), largest, 0.0)
    if not problem.is_balanced:
        moved = np.minimum(moved, 0.0)
    linear = dot(moved[full], a[full]) + masses
    if linear > lower:  # without the quadratic term, whose round-off would excuse any gap
        lower, penalty = linear, 0.0
    return lower, penalty, pairs


def _entropic_bound(
    problem: EntropicProblem, f: Floats, g: Floats, lam: float
) -> tuple[float, float, int]:
    """Best bound from signed potentials, its exponential term, and the number of pairs seen."""
    eps, full = problem.eps, problem.a > 0
    if problem.total == 0.0:
        return 0.0, 0.0, 0
    barred = np.where(problem.b > 0, g, -np.inf)  # a column without mass receives nothing

    def scan(start: int, stop: int) -> Floats:
        logs: Floats = kernels.log_sums(
            problem.cost.block(start, stop), f[start:stop] + lam, barred, eps
        )
        return logs

    logs = np.concatenate(map_rows(scan, *problem.shape, Blocks(problem.cost).rows))[full]
    f, a = f[full], problem.a[full]
    masses = dot(g, problem.b) + _price(problem, lam)
    # The entropic c-transform: move each f to where its row sum is its mass.
    step = np.where(np.isfinite(logs), eps * (np.log(a) - logs), 0.0)
    if not problem.is_balanced:
        step = np.minimum(step, -f)
    with np.errstate(over="ignore"):
        given = eps * float(np.exp(logs).sum())
        moved = eps * float(np.exp(logs + step / eps).sum())
    bounds = (dot(f, a) + masses - given, dot(f + step, a) + masses - moved)
    better = int(bounds[1] > bounds[0])
    pairs = int(np.count_nonzero(full)) * int(np.count_nonzero(problem.b))
    return bounds[better], (given, moved)[better], pairs


def _price(problem: Transport, lam: float) -> float:
    """Return what the total mass adds to the dual value."""
    return lam * problem.total if problem.total > 0 else 0.0  # lam may be -inf, or 0 if balanced


def _scan(
    problem: Problem, f: Floats, g: Floats, support: Plan | None
) -> tuple[Floats, Floats, int]:
    """Sum of [f + g - C]_+^2 and its largest f + g - C, a row each; number of pairs seen."""
    n, m = problem.shape
    cost = problem.cost
    listed = cost if support is None and isinstance(cost, SparseCost) else support
    if listed is not None:
        rows, cols = listed.rows, listed.cols
        values = cost.at(rows, cols)
        squares, largest = kernels.scan_pairs(rows, cols, values, f, g, n)
        return squares, largest, rows.size

    way = choose(cost, f.take, g)
    if isinstance(way, Boxes):
        return _scan_boxes(way.cost, f, g)

    def scan(start: int, stop: int) -> tuple[Floats, Floats]:
        block, _ = way.block(start, stop)
        result: tuple[Floats, Floats] = kernels.scan_rows(block, start, f, g, way.exact)
        return result

    parts = zip(*map_rows(scan, n, m, way.rows), strict=True)
    squares, largest = (np.concatenate(part) for part in parts)
    return squares, largest, n * m


def _scan_boxes(cost: PointCost, f: Floats, g: Floats) -> tuple[Floats, Floats, int]:
    """Do the same through trees of boxes; every pair left out has f + g < C for certain."""
    tree, other = trees(cost)
    f, g = f[tree.order], g[other.order]
    side = other.side(g)

    def scan(start: int, stop: int) -> tuple[Floats, Floats, int]:
        result: tuple[Floats, Floats, int] = boxes.scan(
            start, stop, cost.metric_code, tree.points, f, side, g
        )
        return result

    n, m = cost.shape
    parts = map_rows(scan, n, m, _ROWS)
    out = np.empty((2, n))
    for k in range(2):
        out[k, tree.order] = np.concatenate([part[k] for part in parts])
    return out[0], out[1], n * m
