"""How much larger reg must be on one graph to pay as much for its squares as on another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from scipy.optimize import brentq

from quot.convergence import Monitor, Status, Tolerance
from quot.exceptions import InvalidProblemError, NotConvergedError
from quot.graph import Graph
from quot.interrupts import interruptible
from quot.order import by_name
from quot.problem import GraphProblem
from quot.quadratic.edge_model import EdgeModel
from quot.quadratic.solve import solve_quadratic
from quot.result import GraphResult
from quot.validation import check_positive

# Steps out from c = 1: by the factor 2, 4, 16, ... each time, so often.
_STEPS = 5


@by_name("reg")
@interruptible
def reg_rescaling(
    reference: Any,
    graph: Any,
    source: Any,
    target: Any,
    *,
    reg: float = 1.0,
    mass: float | None = None,
    tol: float | Tolerance = 1e-9,
) -> float:
    """Return c such that `graph` at ``c * reg`` pays for its squares what `reference` does at reg.

    That is ``c reg/2 ||w(c reg)||^2 = reg/2 ||w'(reg)||^2``, with the best flow w on `graph` and w'
    on `reference`. Of two graphs on the same points, one of them thinner, the thinner one has to
    press more through an edge; at ``c * reg`` both spread their flow alike.

    Parameters
    ----------
    reference, graph : Graph, networkx graph or scipy.sparse array of shape (N, N)
        Graphs on the same nodes; see `Graph.of`.
    source, target : array of shape (N,), or mapping of nodes to masses
        Mass that is at each node, and that is wanted there.
    reg : float, default=1
        Strength of the quadratic term on `reference`, > 0, in length per mass.
    mass : float, optional
        Mass to move; None moves all, see `quot.solve_graph`.
    tol : float or Tolerance, default=1e-9
        Of the two solutions, as in `quot.solve_graph`. What they pay is equal to its `gap`,
        relative, or as near as round-off lets it be.

    Returns
    -------
    float
        c > 0.

    Raises
    ------
    InvalidProblemError
        If an argument is unusable, the graphs have different numbers of nodes, or nothing flows.
    InfeasibleError
        If the edges of one of them cannot carry the mass.
    NotConvergedError
        If a solution does not reach the tolerance.

    Notes
    -----
    Without negative lengths there always is a c: what is paid goes from zero to infinity. The
    source has it grow all the way, which need not be so where a way of many short edges loses mass
    to one of few long edges. Of several c one is returned that is next to 1 among those tried,
    ``1, 2, 8, 128, ...`` or ``1, 1/2, 1/8, ...``.

    Examples
    --------
    Where every edge is there three times, each carries a third:

    >>> import numpy as np, quot
    >>> one = quot.graphs.grid((3, 4))
    >>> three = quot.Graph(12, np.tile(one.edges, (3, 1)), np.tile(one.lengths, 3))
    >>> source, target = np.eye(12)[0], np.eye(12)[11]
    >>> round(quot.graphs.reg_rescaling(one, three, source, target, reg=0.1), 9)
    3.0
    """
    reg, tolerance = check_positive(reg, "reg"), Tolerance.of(tol)
    first, second = Graph.of(reference), Graph.of(graph)
    if first.n_nodes != second.n_nodes:
        raise InvalidProblemError(
            f"`reference` has {first.n_nodes} nodes and `graph` {second.n_nodes}; rescaling "
            "compares two graphs on the same nodes."
        )
    wanted = _paid(_solved(GraphProblem(first, source, target, reg=reg, mass=mass), tolerance))
    if wanted == 0.0:
        raise InvalidProblemError(
            "nothing flows on `reference`, so there is nothing to compare; `source` and `target` "
            "must differ, and `mass` exceed what is wanted where it is."
        )
    problem = GraphProblem(second, source, target, reg=reg, mass=mass)
    last: GraphResult | None = None

    @cache  # near a root round-off, and so the sign, depends on the start
    def excess(log_c: float) -> float:
        """By what the graph pays more at c, logarithmic; each solve starts from the last."""
        nonlocal last
        last = _solved(replace(problem, reg=reg * np.exp(log_c)), tolerance, last)
        paid = _paid(last)
        if paid == 0.0:
            raise InvalidProblemError(
                "nothing flows on `graph`, though on `reference` something does: there is no c."
            )
        return float(np.log(paid / wanted))

    low, high = _bracket(excess)
    if low == high:
        return float(np.exp(low))
    root: float = brentq(excess, low, high, xtol=0.25 * tolerance.gap, rtol=1e-15)
    return float(np.exp(root))


def _bracket(excess: Callable[[float], float]) -> tuple[float, float]:
    """Two log c between which the excess changes its sign; twice the same where it is zero."""
    near, value, step = 0.0, excess(0.0), float(np.log(2.0))
    if value == 0.0:
        return near, near
    up = -float(np.sign(value))
    for _ in range(_STEPS):
        far = near + up * step
        if up * excess(far) >= 0.0:
            return min(near, far), max(near, far)
        near, step = far, 2.0 * step
    raise InvalidProblemError(
        f"`graph` pays {'less' if up > 0.0 else 'more'} than `reference` from c = 1 to "
        f"{np.exp(near):.0e}; there may be no c. Mass that goes round cycles of negative length "
        "does not get less with reg like other mass does."
    )


def _solved(
    problem: GraphProblem, tolerance: Tolerance, start: GraphResult | None = None
) -> GraphResult:
    result = solve_quadratic(EdgeModel(problem, Monitor(), tolerance, start=start))
    if result.status is not Status.OPTIMAL:
        raise NotConvergedError(f"{result!r}: {result.status.advice}.")
    return result


def _paid(result: GraphResult) -> float:
    """What the flow costs for its squares."""
    return result.value - result.cost
