"""The certificate of an entropic plan between rows and columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quot.certificate.bracket import (
    LEAST_EXPONENT,
    ROUND_OFF,
    Bound,
    Certificate,
    exact_sum,
)
from quot.certificate.plans import Masses, bracket, mended, signed, terms_of, without_lam
from quot.gibbs_plan import AnyPlan
from quot.pairs.screen import Blocks
from quot.parallel import map_rows
from quot.problem import EntropicProblem

Floats = NDArray[np.float64]


@np.errstate(over="ignore", invalid="ignore")  # what is inf or NaN is not certified
def certify_entropic(
    problem: EntropicProblem, plan: AnyPlan, f: Floats, g: Floats, lam: float = 0.0
) -> Certificate:
    """Bracket the optimal value of entropic transport; see `certify`."""
    f, g = np.where(problem.a > 0, f, 0.0), np.where(problem.b > 0, g, 0.0)
    violation = 0.0
    if problem.has_slack:  # the balanced problem that it is has no signs
        bounds, pairs = _bounds(problem.extended, np.append(f, -lam), np.append(g + lam, 0.0), 0.0)
    else:
        f, g, lam, violation = signed(problem, f, g, lam)
        bounds, pairs = _bounds(problem, f, g, lam)
    repaired, seen, now = mended(problem, plan)
    return Certificate(
        **bracket(problem, repaired, now, bounds)._asdict(),
        primal_residual=seen.error(problem),
        multiplier_violation=violation,
        scope="all",
        pairs=pairs,
    )


def _bounds(problem: EntropicProblem, f: Floats, g: Floats, lam: float) -> tuple[list[Bound], int]:
    """Bounds from signed potentials, as they are and moved, and the number of pairs seen."""
    eps, full = problem.eps, problem.a > 0
    if problem.total == 0.0:
        return [Bound(0.0, 0.0)], 0
    sides = Masses(problem.a, problem.b, problem.mass)
    terms = terms_of(sides, f, g, lam)
    f, g, lam, top = without_lam(sides, f, g, lam)
    masses = g * problem.b, lam * problem.total
    paying = f + lam
    barred = np.where(problem.b > 0, g, -np.inf)  # a column without mass receives nothing

    def scan(start: int, stop: int) -> Floats:
        return log_sums(problem.cost.block(start, stop), paying[start:stop], barred, eps)

    logs = np.concatenate(map_rows(scan, *problem.shape, Blocks(problem.cost).rows))[full]
    f, a = f[full], problem.a[full]
    # The entropic c-transform: move each f to where its row sum is its mass.
    step = np.where(np.isfinite(logs), eps * (np.log(a) - logs), 0.0)
    step = np.minimum(step, top - f)
    with np.errstate(over="ignore"):
        given = eps * float(np.exp(logs).sum())
        moved = eps * float(np.exp(logs + step / eps).sum())
    bounds = [
        Bound(exact_sum(p * a, *masses, -paid), ROUND_OFF * (terms + paid))
        for p, paid in ((f, given), (f + step, moved))
    ]
    pairs = int(np.count_nonzero(full)) * int(np.count_nonzero(problem.b))
    return bounds, pairs


@np.errstate(divide="ignore", invalid="ignore")
def log_sums(C: Floats, f: Floats, g: Floats, eps: float) -> Floats:
    """Logarithm of the sum of exp((f + g - C)/eps) over each row of C (r, m), without overflow.

    A forbidden pair costs inf and does not count; -inf if none is left.
    """
    Y = g - C
    top = Y.max(axis=1)
    Y -= np.where(top == -np.inf, 0.0, top)[:, None]
    Y /= eps
    np.maximum(Y, LEAST_EXPONENT, out=Y)
    np.exp(Y, out=Y)
    return np.asarray((f + top) / eps + np.log(Y.sum(axis=1)))
