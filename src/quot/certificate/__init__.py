"""Certificate: how good an answer is, from the problem, the plan and the potentials alone.

No solver is imported here, and no solver's number is believed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.certificate.adaptive import certify_adaptive
from quot.certificate.bracket import Certificate
from quot.certificate.entropic import certify_entropic
from quot.certificate.flows import certify_flow
from quot.certificate.plans import certify_plan
from quot.exceptions import InvalidProblemError
from quot.gibbs_plan import AnyPlan, GibbsPlan
from quot.interrupts import interruptible
from quot.labels import aligned
from quot.order import by_name
from quot.problem import AdaptiveProblem, EntropicProblem, GraphProblem, Problem, Transport
from quot.validation import as_potentials, as_price, check_option

Floats = NDArray[np.float64]

__all__ = ["Certificate", "certify"]

SCOPES = ("all", "support")


@by_name("scope")
@interruptible
def certify(
    problem: Transport | GraphProblem,
    plan: Any,
    f: Any,
    g: Any,
    lam: float = 0.0,
    *,
    scope: str = "all",
    multipliers: tuple[Any, Any] | None = None,
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
    plan : Plan, GibbsPlan, array or scipy.sparse array of shape (n, m), or Flow of a GraphProblem
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
        If the plan is not one of the problem, if potentials and multipliers are no real numbers,
        one for each row and column or node, or if multipliers belong to no bounds.

    Examples
    --------
    A plan and prices from elsewhere, here made up:

    >>> import quot
    >>> problem = quot.Problem([[0.0, 2.0], [2.0, 1.0]])
    >>> quot.certify(problem, [[0.5, 0.0], [0.0, 0.5]], f=[0.0, 0.0], g=[0.0, 1.0])
    Certificate(0.5 <= optimal value <= 0.5, relative gap 0.0e+00, residual 0.0e+00, all 4 pairs)
    """
    if not isinstance(problem, (Transport, GraphProblem)):
        raise InvalidProblemError(
            "`problem` must be a problem, as `quot.Problem(C, a, b)` or `result.problem`; got "
            f"{type(problem).__name__}."
        )
    check_option(scope, "scope", SCOPES)
    lam = as_price(lam, "lam")
    if multipliers is not None and not isinstance(problem, AdaptiveProblem):
        raise InvalidProblemError(
            f"`multipliers` are of the bounds of an AdaptiveProblem, and {problem!r} has none; "
            "leave them out."
        )
    if isinstance(problem, GraphProblem):
        n = problem.graph.n_nodes
        f, _ = aligned(f, problem.graph.labels or range(n), "f", "nodes")
        return certify_flow(problem, problem.fitted(plan), as_potentials(f, "f", n), lam)
    return _certify_plan(problem, problem.fitted(plan), (f, g, lam), scope, multipliers)


def _certify_plan(
    problem: Transport,
    plan: AnyPlan,
    prices: tuple[Any, Any, float],
    scope: str,
    multipliers: tuple[Any, Any] | None,
) -> Certificate:
    """Do so by a plan, and prices of rows, columns and mass."""
    f, g, lam = prices
    n, m = problem.shape
    f = as_potentials(aligned(f, problem.row_labels, "f", "rows")[0], "f", n)
    g = as_potentials(aligned(g, problem.col_labels, "g", "columns")[0], "g", m)
    if isinstance(problem, AdaptiveProblem):
        sparse = plan.to_plan() if isinstance(plan, GibbsPlan) else plan
        given = (np.zeros(n), np.zeros(m)) if multipliers is None else multipliers
        return certify_adaptive(problem, sparse, f, g, _as_multipliers(given, (n, m)))
    if isinstance(problem, EntropicProblem):
        return certify_entropic(problem, plan, f, g, lam)
    assert isinstance(problem, Problem)
    if isinstance(plan, GibbsPlan) and (problem.reg > 0.0 or scope != "all"):
        plan = plan.to_plan()  # its squares, or its pairs, are asked for
    return certify_plan(problem, plan, f, g, lam, scope=scope)


def _as_multipliers(given: Any, shape: tuple[int, int]) -> tuple[Floats, Floats]:
    """Those of rows and of columns."""
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise InvalidProblemError(
            "`multipliers` must be a pair, of rows and of columns, as `(r.row_multipliers, "
            f"r.col_multipliers)`; got {type(given).__name__}."
        )
    rows, cols = (
        as_potentials(x, "multipliers", size) for x, size in zip(given, shape, strict=True)
    )
    return rows, cols
