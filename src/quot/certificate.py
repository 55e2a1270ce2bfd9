"""Certificate: how good an answer is, from the problem, the plan and the potentials alone.

No solver is imported here, and no solver's number is believed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quot.convergence import Tolerance
from quot.costs import PointCost, SparseCost, sample
from quot.kernels import boxes
from quot.kernels import certificate as kernels
from quot.parallel import dot, map_rows
from quot.passes import Blocks, Boxes, choose
from quot.plan import Plan
from quot.problem import EntropicProblem, Problem, Transport
from quot.rounding import marginal_error, repair

Floats = NDArray[np.float64]

_EPS = float(np.finfo(np.float64).eps)
# Rows that one thread takes at a time through a tree.
_ROWS = 2048
# An optimal value below this fraction of a typical cost is judged as if it were that large.
_TINY = 1e-3


@dataclass(frozen=True)
class Certificate:
    """A bracket of the optimal value, and what the plan and the potentials violate.

    Parameters
    ----------
    lower, upper : float
        The optimal value lies between: `lower` is the value of the dual over all pairs, with the
        given potentials or, if that is larger, of the linear problem with their c-transform;
        `upper` is that of the plan repaired to exact marginals.
    primal_residual : float
        Largest violation of a marginal or of P >= 0 by the plan as given, in units of the largest
        mass, and of the total, relative to it.
    multiplier_violation : float
        Largest positive entry of f or g in a partial problem, where both must be <= 0, relative to
        the spread of the potentials; 0 in a balanced one.
    round_off : float
        How far `lower` and `upper` may be wrong because sums of this size are rounded.
    scale : float
        What `relative_gap` is relative to: the larger absolute value of `lower` and `upper`, but
        not less than a thousandth of what the mass would cost at the median of ``|C|``. Where the
        optimum is (nearly) zero, a ratio to it would say nothing. (The mean of ``|C|`` if its
        median is 0.)
    scope : {"all", "support"}
        Whether all n * m pairs were priced, or only the support of the plan.
    pairs : int
        Number of pairs priced.
    """

    lower: float
    upper: float
    primal_residual: float
    multiplier_violation: float
    round_off: float
    scale: float
    scope: str
    pairs: int

    @property
    def gap(self) -> float:
        """The difference upper - lower; not negative but for round-off."""
        return self.upper - self.lower

    @property
    def relative_gap(self) -> float:
        """The gap that round-off does not explain, over `scale`."""
        gap = self.gap - self.round_off
        if gap <= 0.0:
            return 0.0
        return gap / self.scale

    def holds(self, tolerance: Tolerance) -> bool:
        """Whether the answer is optimal to the tolerance over all pairs; False with any NaN."""
        return bool(
            self.scope == "all"
            and self.relative_gap <= tolerance.gap
            and self.gap >= -tolerance.gap * self.scale - self.round_off
            and self.primal_residual <= tolerance.primal
            and self.multiplier_violation <= tolerance.dual
        )

    def __str__(self) -> str:
        return (
            f"{self.lower:.12g} <= optimal value <= {self.upper:.12g}   "
            f"relative gap {self.relative_gap:.1e}\n"
            f"plan: marginals and total within {self.primal_residual:.1e}\n"
            f"scope: {self.scope} ({self.pairs:,} pairs priced)"
        )


def certify(
    problem: Transport, plan: Plan, f: Floats, g: Floats, lam: float = 0.0, *, scope: str = "all"
) -> Certificate:
    """Bracket the optimal value by a plan and potentials, wherever they come from.

    For any potentials the dual value over all pairs is a valid bound, and so is its value after a
    c-transform (that of the linear problem if the weight is quadratic); the better one counts. The
    plan is repaired to exact marginals for the upper bound. One pass over all pairs.

    Parameters
    ----------
    problem : Problem or EntropicProblem
    plan : Plan
        Any plan of the right shape; its marginals need not be exact.
    f, g : array of shape (n,), (m,)
        Potentials; those of rows and columns without mass do not count in an EntropicProblem.
    lam : float, default=0
        Price of the total mass in a partial problem; 0 in a balanced one.
    scope : {"all", "support"}, default="all"
        What to price. Only "all" can certify, and entropic plans have no other scope.

    Returns
    -------
    Certificate
    """
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
        scale=max(abs(lower), abs(upper), _TINY * problem.total * typical),
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
    tree, other = cost.trees
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
