"""The certificates of small problems on matrices, many in one compiled call."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from quot.certificate.bracket import EXCUSED, ROUND_OFF, Certificate
from quot.convergence import Tolerance
from quot.kernels import certify as kernels
from quot.kernels import stack as layout
from quot.plan import Plan
from quot.problem import Problem
from quot.problem.stack import Stack
from quot.rounding import ROUND_OFF as EXACT
from quot.trusted import trusted

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]

_RULES = EXACT, ROUND_OFF, EXCUSED
# A gap of this part of the tolerance is within it, however a product was rounded.
_SURE = 0.999


def certify_each(
    stack: Stack,
    plans: tuple[Ints, Ints, Floats, Longs],
    duals: tuple[Floats, Floats],
    ends: Longs,
) -> Floats:
    """The numbers (K, 6) that certificates of feasible plans of a stack are made of.

    plans: rows, cols, values and how many of each; duals: potentials, and what else is found
    (K, 3). In place: `ends`, DONE for those that are certified; see `kernels.certify`.
    """
    certificates = np.full((ends.size, 6), np.nan)
    kernels.certify_each(*stack, *plans, *duals, _RULES, certificates, ends)
    return certificates


def surely_hold(numbers: Floats, tolerance: Tolerance) -> NDArray[np.bool_]:
    """Which certificates of these numbers (K, 6) hold; of the few at the border no one knows.

    They say so by themselves, see `Certificate.holds`.
    """
    lower, upper, round_off, scale, residual, violation = numbers.T
    rest = np.abs(upper - lower) - np.minimum(round_off, EXCUSED * scale)
    is_near, is_exact = rest <= _SURE * tolerance.gap * scale, residual <= tolerance.primal
    found: NDArray[np.bool_] = is_near & is_exact & (violation <= tolerance.dual)
    return found


def certify_small(
    problem: Problem, plan: Plan, f: Floats, g: Floats, lam: float
) -> Certificate | None:
    """The certificate of a small problem on a matrix; None where its plan is not feasible."""
    stack = Stack.of([problem], [plan.nnz], [(0.0, 0.0)])
    entries = plan.rows.copy(), plan.cols.copy(), plan.values.copy()  # in memory of one type
    plans = *entries, np.array([plan.nnz])
    found, one = np.array([[float(lam), np.nan, np.nan]]), np.array([layout.DONE])
    numbers = certify_each(stack, plans, (np.concatenate((f, g)), found), one)[0].tolist()
    return certificate_of(numbers, math.prod(problem.shape)) if one[0] == layout.DONE else None


def certificate_of(numbers: list[float], size: int) -> Certificate:
    """The certificate of so many pairs that is made of these numbers (6,)."""
    lower, upper, round_off, scale, residual, violation = numbers
    return trusted(
        Certificate,
        lower=lower,
        upper=upper,
        primal_residual=residual,
        multiplier_violation=violation,
        round_off=round_off,
        scale=scale,
        scope="all",
        pairs=size,
    )
