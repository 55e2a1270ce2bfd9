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

    plans: rows, cols, values and how many of each; duals: potentials and prices of the totals. In
    place: `ends`, see `quot.kernels.certify.certify_each`.
    """
    found = np.empty((ends.size, 6))
    kernels.certify_each(*stack.parts, *plans, *duals, _RULES, found, ends)
    at, certificates = stack.where[:, layout.COSTS].tolist(), []
    for k, (numbers, end) in enumerate(zip(found.tolist(), ends.tolist(), strict=True)):
        is_done, size = end == layout.DONE, at[k + 1] - at[k]
        certificates.append(_certificate(numbers, size) if is_done else None)
    return certificates


def certify_small(
    problem: Problem, plan: Plan, f: Floats, g: Floats, lam: float
) -> Certificate | None:
    """The certificate of a small problem on a matrix; None where its plan is not feasible."""
    stack = Stack.of([problem], [plan.nnz], [(0.0, 0.0)])
    entries = plan.rows.copy(), plan.cols.copy(), plan.values.copy()  # in memory of one type
    plans = *entries, np.array([plan.nnz])
    duals, one = (np.concatenate((f, g)), np.array([float(lam)])), np.ones(1, np.int64)
    return certify_each(stack, plans, duals, one)[0]


def _certificate(numbers: list[float], size: int) -> Certificate:
    lower, upper, round_off, scale, residual, violation = numbers
    return Certificate(lower, upper, residual, violation, round_off, scale, "all", size)
