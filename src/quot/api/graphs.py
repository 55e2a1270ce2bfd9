"""Flows along the edges of a graph."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from quot.api.deliver import ON_FAILURE, TIES, announce, check_solver_options, deliver, talk
from quot.convergence import Iterate, Monitor, Tolerance
from quot.exceptions import InvalidProblemError
from quot.interrupts import stoppable
from quot.order import by_name
from quot.problem import GraphProblem
from quot.quadratic.edge_model import EdgeModel
from quot.quadratic.solve import solve_quadratic
from quot.reference import GRAPH_REFERENCE_METHODS, solve_graph_reference
from quot.result import GraphResult
from quot.validation import check_option

logger = logging.getLogger("quot")

GRAPH_METHODS = ("auto", *GRAPH_REFERENCE_METHODS)


@by_name("reg")
@stoppable
def solve_graph(  # noqa: PLR0913
    graph: Any,
    source: Any,
    target: Any,
    *,
    reg: Any = 0.0,
    mass: float | None = None,
    method: str = "auto",
    tol: float | Tolerance = 1e-9,
    max_iter: int = 2000,
    time_limit: float | None = None,
    start: GraphResult | None = None,
    ties: str = "share",
    callback: Callable[[Iterate], bool | None] | None = None,
    verbose: bool = False,
    on_failure: str = "warn",
    solver_options: Mapping[str, Any] | None = None,
) -> GraphResult:
    """Solve transport along the edges of a graph, balanced or partial, exactly.

    Minimises ``sum_e l_e |w_e| + reg_e/2 w_e^2`` over flows w that bring the mass of `source` to
    `target`; with `mass` given, that much of it. A small reg concentrates the flow on short ways,
    a large one spreads it. For ``reg=0`` it returns the cheapest flow with the smallest norm.

    Parameters
    ----------
    graph : Graph, networkx graph or scipy.sparse array of shape (N, N)
        Lengths of edges, their directions and capacities; see `Graph`.
    source, target : array of shape (N,), or Series or mapping of nodes to masses
        Mass that is at each node, and that is wanted there; nodes that are not named have none.
    reg : float, array of shape (E,), or Series or mapping of pairs of nodes, default=0
        Strength of the quadratic term, of all edges or of each, in length per mass.
    mass : float, optional
        Mass to move, ``0 <= mass <= min(source.sum(), target.sum())``; what is wanted where it is
        counts, at no cost. None moves all mass and needs equal totals.
    method : {"auto", "clarabel", "osqp"}, default="auto"
        "clarabel" and "osqp" hand the quadratic program to these solvers through cvxpy (extra
        `reference`), for small problems.
    tol : float or Tolerance, default=1e-9
        Relative duality gap and residuals.
    max_iter : int, default=2000
        Newton steps allowed in all; half as many pushes round cycles of the whole
        graph as it has nodes count as one. OSQP has its own limit.
    time_limit : float, optional
        Seconds after which the best result so far is returned.
    start : GraphResult, optional
        An earlier result on a graph of as many nodes to start from; for ``reg=0`` it should have as
        many edges, too. Not used by the reference methods.
    ties : {"share", "any"}, default="share"
        Which of several cheapest flows to return for ``reg=0``: the one of smallest norm, in which
        ways that tie share mass, or any; that is quicker where many tie, as on grids.
    callback : callable, optional
        See `solve`.
    verbose : bool, default=False
        Write to standard error what was `rescaled`, if anything, and a line per outer iteration.
    on_failure : {"warn", "raise", "ignore"}, default="warn"
        What to do when the tolerance is not reached.
    solver_options : mapping, optional
        Options of CLARABEL or OSQP by their own names; they go before those derived from `tol`.

    Returns
    -------
    GraphResult
        Flow, node potentials, value and certificate.

    Raises
    ------
    InvalidProblemError
        If an argument is unusable.
    InfeasibleError
        If the edges cannot carry the mass; the message names a component or nodes that are stuck.
    MissingDependencyError
        If cvxpy or the solver of a reference method is not installed.
    NotConvergedError
        If the tolerance is not reached and ``on_failure="raise"``.

    Warns
    -----
    NotConvergedWarning
        If the tolerance is not reached.

    Notes
    -----
    An interrupt (Ctrl-C) ends it with the best flow so far, as in `solve`.

    References
    ----------
    Essid and Solomon: Quadratically regularized optimal transport on graphs.

    Examples
    --------
    >>> import quot
    >>> square = quot.Graph(4, [[0, 1], [1, 3], [0, 2], [2, 3]], [1.0, 1.0, 1.0, 2.0])
    >>> source, target = [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]
    >>> quot.solve_graph(square, source, target).flow.tolist()
    [1.0, 1.0, 0.0, 0.0]
    >>> quot.solve_graph(square, source, target, reg=1.0).flow.round(3).tolist()
    [0.75, 0.75, 0.25, 0.25]
    """
    check_option(method, "method", GRAPH_METHODS)
    check_option(ties, "ties", TIES)
    check_option(on_failure, "on_failure", ON_FAILURE)
    check_solver_options(solver_options, method, GRAPH_REFERENCE_METHODS)
    tolerance = Tolerance.of(tol)
    monitor = Monitor(max_iter, time_limit, talk(callback) if verbose else callback)
    problem = GraphProblem(graph, source, target, reg=reg, mass=mass)
    if verbose:
        announce(problem)
    if start is not None and not isinstance(start, GraphResult):
        raise InvalidProblemError(
            f"`start` must be a GraphResult of an earlier solve; got {type(start).__name__}."
        )
    if start is not None and start.problem.graph.n_nodes != problem.graph.n_nodes:
        raise InvalidProblemError(
            f"`start` is a result on {start.problem.graph.n_nodes} nodes, but the graph has "
            f"{problem.graph.n_nodes}; pass a result on as many."
        )
    if method in GRAPH_REFERENCE_METHODS:
        result = solve_graph_reference(
            problem, method, tolerance, monitor, solver_options=solver_options
        )
    else:
        model = EdgeModel(problem, monitor, tolerance, start=start, ties=ties)
        result = solve_quadratic(model)
    logger.info("%s", result)
    return deliver(result, on_failure)
