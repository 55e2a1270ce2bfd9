"""Partial plans both ways: as the document got them, through cvxpy, and exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot import interrupts
from quot.api import solve, solve_entropic
from quot.optional import need

Floats = NDArray[np.float64]

KINDS = ("QPOT", "EPOT")
# An entry up to here counts as zero in the document.
THRESHOLD = 1e-10
# Both kinds of plan, and the solver that the document hands each to.
SOLVERS = {"QPOT": "CLARABEL", "EPOT": "SCS"}


@dataclass(frozen=True, eq=False)
class Solved:
    """A plan, and how good it is.

    Parameters
    ----------
    plan : array of shape (n, m)
    sparsity : float
        Share of entries up to 1e-10.
    support : int or None
        Entries that carry mass by the prices; None of a solver that does not say.
    violation : float
        By how much rows, columns and the total miss what they should be.
    gap : float or None
        Relative gap of its certificate; None of a solver without one.
    """

    plan: Floats
    sparsity: float
    support: int | None
    violation: float
    gap: float | None


def exactly(kind: str, C: Floats, a: Floats, b: Floats, *, eps: float, mass: float) -> Solved:
    """Solve QPOT, or EPOT of temperature eps/2, with a certificate."""
    result: Any
    if kind == "QPOT":
        # As far as floats go: among ties a gap of 1e-9 leaves open what a tiny eps decides.
        result = solve(C, a, b, reg=eps, mass=mass, tol=1e-15, on_failure="ignore")
    else:
        result = solve_entropic(C, a, b, eps=eps / 2, mass=mass, on_failure="ignore")
    plan = result.plan.to_dense()
    return Solved(
        plan,
        _sparsity(plan),
        result.plan.nnz if kind == "QPOT" else None,
        _violation(plan, a, b, mass),
        result.certificate.relative_gap,
    )


def as_published(
    kind: str, C: Floats, a: Floats, b: Floats, *, eps: float, mass: float, tol: float, steps: int
) -> Solved:
    """Solve with cvxpy as the document does: CLARABEL for QPOT, SCS for EPOT.

    Parameters
    ----------
    kind : {"QPOT", "EPOT"}
    C, a, b : arrays of shape (n, m), (n,), (m,)
    eps, mass : float
    tol : float
        Of the solver, in its own units.
    steps : int
        At most so many iterations of SCS; CLARABEL needs some twenty.
    """
    cp = need("cvxpy", "reproductions", "reproduce")
    X = cp.Variable(C.shape, nonneg=True)
    goal = cp.sum(cp.multiply(C, X))
    options: dict[str, Any]
    if kind == "QPOT":
        goal += eps / 2 * cp.sum_squares(X)
        options = {"tol_gap_abs": tol, "tol_gap_rel": tol, "tol_feas": tol}
    else:
        goal += eps / 2 * cp.sum(-cp.entr(X) - X)
        options = {"eps_abs": tol, "eps_rel": tol, "max_iters": steps}
    limits = [cp.sum(X, axis=1) <= a, cp.sum(X, axis=0) <= b, cp.sum(X) == mass]
    with interrupts.raised():
        cp.Problem(cp.Minimize(goal), limits).solve(solver=SOLVERS[kind], **options)
    plan = np.maximum(X.value, 0.0)
    return Solved(plan, _sparsity(plan), None, _violation(plan, a, b, mass), None)


def _sparsity(plan: Floats) -> float:
    return float((plan <= THRESHOLD).mean())


def _violation(plan: Floats, a: Floats, b: Floats, mass: float) -> float:
    over = max((plan.sum(axis=1) - a).max(), (plan.sum(axis=0) - b).max(), 0.0)
    return float(max(over, abs(plan.sum() - mass)))
