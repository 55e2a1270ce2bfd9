"""Certificate: how good an answer is, from the problem, the plan and the potentials alone.

No solver is imported here, and no solver's number is believed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quot.certificate.adaptive import certify_adaptive
from quot.certificate.bracket import Certificate
from quot.certificate.entropic import certify_entropic
from quot.certificate.flows import certify_flow
from quot.certificate.plans import certify_plan
from quot.flow import Flow
from quot.gibbs_plan import AnyPlan, GibbsPlan
from quot.interrupts import interruptible
from quot.labels import aligned, check_same
from quot.plan import Plan
from quot.problem import AdaptiveProblem, EntropicProblem, GraphProblem, Problem, Transport
from quot.validation import as_potentials

Floats = NDArray[np.float64]

__all__ = ["Certificate", "certify"]


@interruptible
def certify(
    problem: Transport | GraphProblem,
    plan: AnyPlan | Flow,
    f: Floats,
    g: Floats,
    lam: float = 0.0,
    *,
    scope: str = "all",
    multipliers: tuple[Floats, Floats] | None = None,
) -> Certificate:
    """Bracket the optimal value by a plan and potentials, wherever they come from.

    For any potentials the dual value over all pairs is a valid bound, and so is its value after a
    c-transform (that of the linear problem if the weight is quadratic), and what all mass would
    cost by the cheapest pair; the best one counts. The plan is repaired to exact marginals for the
    upper bound, and both are for the masses that it has then: those given, up to rounding. One pass
    over all pairs.

    Parameters
    ----------
    problem : Problem, EntropicProblem, AdaptiveProblem or GraphProblem
    plan : Plan or GibbsPlan, or Flow of a GraphProblem
        Any of the right shape; its marginals need not be exact.
    f, g : array or Series of shape (n,), (m,)
        Potentials, by name if rows and columns have names; those of rows and columns without mass
        do not count in an EntropicProblem. In a GraphProblem one for each node, and `f` and `lam`
        say all: g is -f - lam.
    lam : float, default=0
        Price of the total mass in a partial problem; 0 in a balanced one.
    scope : {"all", "support"}, default="all"
        What to price. Only "all" can certify, and an EntropicProblem has no other scope.
    multipliers : (array of shape (n,), array of shape (m,)), optional
        Of the bounds of an AdaptiveProblem, on rows and on columns; 0 by default.

    Returns
    -------
    Certificate

    Raises
    ------
    InvalidProblemError
        If potentials are no real numbers, one for each row and column or node.
    """
    if isinstance(problem, GraphProblem):
        if not isinstance(plan, Flow):
            raise TypeError(f"a graph problem has a Flow for a plan, not a {type(plan).__name__}")
        n = problem.graph.n_nodes
        f, _ = aligned(f, problem.graph.labels or range(n), "f", "nodes")
        f = as_potentials(f, "f", n)
        return certify_flow(problem, plan, f, lam)
    if not isinstance(plan, (Plan, GibbsPlan)):
        raise TypeError(f"`plan` must be a Plan or GibbsPlan; got {type(plan).__name__}")
    check_same(plan.row_labels, problem.row_labels, "rows")
    check_same(plan.col_labels, problem.col_labels, "columns")
    n, m = problem.shape
    f = as_potentials(aligned(f, problem.row_labels, "f", "rows")[0], "f", n)
    g = as_potentials(aligned(g, problem.col_labels, "g", "columns")[0], "g", m)
    if isinstance(problem, AdaptiveProblem):
        sparse = plan.to_plan() if isinstance(plan, GibbsPlan) else plan
        zero = np.zeros(problem.a.size), np.zeros(problem.b.size)
        return certify_adaptive(problem, sparse, f, g, multipliers or zero)
    if isinstance(problem, EntropicProblem):
        return certify_entropic(problem, plan, f, g, lam)
    if not isinstance(problem, Problem):
        raise TypeError(f"`problem` of type {type(problem).__name__} has no bound here")
    if isinstance(plan, GibbsPlan) and (problem.reg > 0.0 or scope != "all"):
        plan = plan.to_plan()  # its squares, or its pairs, are asked for
    return certify_plan(problem, plan, f, g, lam, scope=scope)
