"""Samples in an order of their own, so that nothing depends on the one in which they came."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from quot.gibbs_plan import AnyPlan, GibbsPlan
from quot.plan import Plan
from quot.result import AdaptiveResult, Result

Order = NDArray[np.intp]


def order_of(X: NDArray[np.float64]) -> Order:
    """Return an order (n,) of points (n, d) that is the same however they came."""
    keys = [row.tobytes() for row in np.ascontiguousarray(X) + 0.0]  # -0 is 0
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), np.intp)


def put_back(result: Result[Any], rows: Order, cols: Order) -> Result[Any]:
    """Return a result between points in such orders as one between the points as they came."""
    of_row, of_col = np.argsort(rows), np.argsort(cols)
    more: dict[str, Any] = {}
    if isinstance(result, AdaptiveResult):
        more["row_multipliers"] = result.row_multipliers[of_row]
        more["col_multipliers"] = result.col_multipliers[of_col]
    made: Result[Any] = replace(
        cast(Any, result),
        problem=result.problem.taken(of_row, of_col),
        plan=_plan(result.plan, of_row, of_col),
        f=result.f[of_row],
        g=result.g[of_col],
        **more,
    )
    return made


def _plan(plan: AnyPlan, of_row: Order, of_col: Order) -> AnyPlan:
    """The plan with these of its rows and columns, all of them."""
    if isinstance(plan, GibbsPlan):
        f, u, g, w = plan.f[of_row], plan.u[of_row], plan.g[of_col], plan.w[of_col]
        cost, extra = plan.cost.take(of_row, of_col), _plan(plan.extra, of_row, of_col)
        assert isinstance(extra, Plan)
        return GibbsPlan(cost, plan.eps, f, g, u, w, extra)
    rows, cols = (
        np.argsort(to).astype(np.int32)[at] for to, at in ((of_row, plan.rows), (of_col, plan.cols))
    )
    return Plan(plan.shape, rows, cols, plan.values).ordered()
