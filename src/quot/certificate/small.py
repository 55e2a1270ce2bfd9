"""The certificates of small problems on matrices, many in one compiled call."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quot.certificate.bracket import EXCUSED, ROUND_OFF, Certificate
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


def certify_each(
    stack: Stack,
    plans: tuple[Ints, Ints, Floats, Longs],
    duals: tuple[Floats, Floats],
    ends: Longs,
) -> list[Certificate | None]:
    """The certificates of feasible plans of a stack; None where one is not, or nobody asks.

    plans: rows, cols, values and how many of each; duals: potentials, and what else is found
    (K, 3). In place: `ends`, see `quot.kernels.certify.certify_each`.
    """
    certificates = np.empty((ends.size, 6))
    kernels.certify_each(*stack, *plans, *duals, _RULES, certificates, ends)
    at = stack.where[:, layout.COSTS].tolist()
    each = zip(certificates.tolist(), ends.tolist(), at[:-1], at[1:], strict=True)
    return [
        _certificate(numbers, last - first) if end == layout.DONE else None
        for numbers, end, first, last in each
    ]


def certify_small(
    problem: Problem, plan: Plan, f: Floats, g: Floats, lam: float
) -> Certificate | None:
    """The certificate of a small problem on a matrix; None where its plan is not feasible."""
    stack = Stack.of([problem], [plan.nnz], [(0.0, 0.0)])
    entries = plan.rows.copy(), plan.cols.copy(), plan.values.copy()  # in memory of one type
    plans = *entries, np.array([plan.nnz])
    found, one = np.array([[float(lam), np.nan, np.nan]]), np.array([layout.DONE])
    duals = np.concatenate((f, g)), found
    return certify_each(stack, plans, duals, one)[0]


def _certificate(numbers: list[float], size: int) -> Certificate:
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
