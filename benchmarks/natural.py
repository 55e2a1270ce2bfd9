"""The natural residual of an entropic plan, whoever made it, at our prices."""

from __future__ import annotations

from typing import Any


def natural_residual(problem: Any, plan: Any, at: Any) -> float:
    """Return what rows, columns and the total have too much or too little, over all mass.

    In a balanced problem that is ``|a - P 1|``, summed; in a partial one a row at price 0 may keep
    what it likes, so that it is ``|min(-f a / eps, a - P 1)|``: -f a / eps is what the row would
    send more at that price, to first order. Columns alike, and ``|mass - sum P|``.

    Parameters
    ----------
    problem : quot.EntropicProblem
    plan : quot.Plan or quot.GibbsPlan
        As the solver left it.
    at : Answer
        Ours, for its potentials f and g.
    """
    import numpy as np

    sides = (problem.a, plan.row_sums(), at.f), (problem.b, plan.col_sums(), at.g)
    missing = 0.0 if problem.is_balanced else abs(problem.total - plan.total)
    for mass, have, price in sides:
        kept = mass - have
        if not problem.is_balanced:
            more = -np.where(mass > 0.0, price, 0.0) * mass / problem.eps
            kept = np.minimum(more, kept)
        missing += float(np.abs(kept).sum())
    return missing / problem.total
