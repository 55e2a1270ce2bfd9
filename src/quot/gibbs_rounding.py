"""Repair a plan in which all pairs carry mass to exact marginals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from quot.gibbs_plan import GibbsPlan
from quot.plan import Plan
from quot.problem import Transport
from quot.rounding import ON_BOUND, ROUND_OFF, marginal_error, repair

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# What is missing goes along entries beyond this part of their row or column, unless these are more
# than so many for each; the largest of each row and column are always among them.
_PART, _MOST = 1e-2, 12
# Where no marginal is wrong by more, relative to the largest, nothing is scaled: that takes passes.
_NEARLY = 1e-9
# Sums over all entries, by rows or by columns, differ by so much of the total.
_EPS = float(np.finfo(np.float64).eps)


def repair_gibbs(
    problem: Transport, plan: GibbsPlan, full: tuple[Bools, Bools] | None = None
) -> GibbsPlan:
    """Return a plan with exact marginals, near the given one.

    Where more than next to nothing is wrong rows, then columns, are scaled: down to their masses,
    and up where little is missing. What is too much or too little then is routed along large
    entries, as the mass of a sparse plan is; see `quot.rounding.repair`. In a partial problem
    `full` may tell which rows (n,) and columns (m,) are known to send and take all their mass.
    """
    rounding = max(ROUND_OFF, _EPS * problem.total / problem.unit)
    error = marginal_error(problem, plan)
    if error <= rounding:
        return plan
    if not error <= _NEARLY:
        plan = _scaled(problem, plan)
    n, m = problem.shape
    large = plan.largest(_PART, _MOST * (n + m))
    rest = plan.row_sums() - large.row_sums(), plan.col_sums() - large.col_sums()
    a, b = (np.maximum(x - y, 0.0) for x, y in zip((problem.a, problem.b), rest, strict=True))
    mass = None if problem.is_balanced else max(problem.total - float(rest[0].sum()), 0.0)
    mended = repair(problem.with_masses(a, b, mass), large, full)
    return replace(plan, extra=_changed(plan.extra, mended, large))


def _scaled(problem: Transport, plan: GibbsPlan) -> GibbsPlan:
    """The plan with rows, then columns, scaled to where they nearly fit."""
    near = ON_BOUND
    if problem.has_slack:
        near = min(near, 8 * _EPS * plan.exponent)
    plan = plan.scaled(_factors(problem.a, plan.row_sums(), near), np.ones(problem.b.size))
    w = np.minimum(_factors(problem.b, plan.col_sums(), near), 1.0)
    if not problem.is_balanced:
        moved = float((w * plan.col_sums()).sum())
        if moved > (1.0 + ON_BOUND) * problem.total:  # else the large entries take it
            w *= problem.total / moved
    return plan.scaled(np.ones(problem.a.size), w)


def _factors(most: Floats, have: Floats, near: float) -> Floats:
    """What to multiply sums with to have no more than so much, and that where they nearly do."""
    scaled = (have > (1.0 - near) * most) & (have > 0.0)
    return np.divide(most, have, out=np.ones_like(have), where=scaled)


def _changed(extra: Plan, new: Plan, old: Plan) -> Plan:
    """What is extra, and what has to be added to old entries for them to be new ones."""
    matrix = (extra.to_csr() + (new.to_csr() - old.to_csr())).tocoo()
    order = np.lexsort((matrix.col, matrix.row))
    rows, cols = matrix.row[order].astype(np.int32), matrix.col[order].astype(np.int32)
    return Plan(new.shape, rows, cols, matrix.data[order])
