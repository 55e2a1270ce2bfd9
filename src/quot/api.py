"""The public face: choose a method, run it, warn."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from quot.convergence import Iterate, Monitor, Status, Tolerance
from quot.costs import PointCost
from quot.dual import Dual
from quot.entropic.approximate import (
    APPROXIMATE,
    DUAL_EXTRAPOLATION,
    approximate_linear_problem,
    read_options,
)
from quot.entropic.methods import METHODS as ENTROPIC
from quot.entropic.methods import formulation_of, options_of
from quot.entropic.solve import solve_entropic_problem
from quot.exceptions import InvalidProblemError, NotConvergedError, NotConvergedWarning
from quot.gibbs_plan import AnyPlan
from quot.plan import Plan
from quot.problem import FORMULATIONS, EntropicProblem, GraphProblem, Problem
from quot.quadratic.edge_model import EdgeModel
from quot.quadratic.estimate import Estimate
from quot.quadratic.estimate import estimate as estimate_quadratic
from quot.quadratic.pair_model import PairModel
from quot.quadratic.solve import solve_quadratic
from quot.quadratic.suggest import degrees, reg_at
from quot.reference import (
    GRAPH_REFERENCE_METHODS,
    REFERENCE_METHODS,
    solve_entropic_reference,
    solve_graph_reference,
    solve_reference,
)
from quot.result import GraphResult, Result, Solved
from quot.validation import check_option, check_positive

R = TypeVar("R", bound=Solved[Any, Any])
logger = logging.getLogger("quot")

METHODS = ("auto", "newton", *REFERENCE_METHODS)
ENTROPIC_METHODS = ("auto", *ENTROPIC, *REFERENCE_METHODS)
APPROXIMATE_METHODS = ("auto", *APPROXIMATE)
GRAPH_METHODS = ("auto", *GRAPH_REFERENCE_METHODS)
TIES = ("share", "any")
ON_FAILURE = ("warn", "raise", "ignore")


def solve(  # noqa: PLR0913
    C: Any,
    a: Any = None,
    b: Any = None,
    *,
    reg: float = 0.0,
    mass: float | None = None,
    method: str = "auto",
    tol: float | Tolerance = 1e-9,
    max_iter: int = 2000,
    time_limit: float | None = None,
    start: Result[Any] | None = None,
    ties: str = "share",
    callback: Callable[[Iterate], bool | None] | None = None,
    verbose: bool = False,
    on_failure: str = "warn",
    solver_options: Mapping[str, Any] | None = None,
) -> Result[Plan]:
    """Solve sparse transport, balanced or partial, exactly and with a certificate.

    Minimises ``<C, P> + reg/2 ||P||^2`` over plans P >= 0 with row sums `a` and column sums `b`;
    with `mass` given, over plans with row sums at most `a`, column sums at most `b` and total
    `mass`. For ``reg=0`` it returns the solution of the linear problem with the smallest norm.
    Time and memory grow with the support of the plan, not with n * m, but for passes over the
    pairs; a dense `C` is never copied if it is a C-contiguous float64 array.

    Parameters
    ----------
    C : array of shape (n, m), scipy.sparse array or Cost
        Cost per unit mass. Absent entries of a sparse array are forbidden pairs.
    a, b : array of shape (n,), (m,), optional
        Masses of rows and columns; uniform, 1/n and 1/m, by default.
    reg : float, default=0
        Strength of the quadratic term, in cost per mass. With masses 1/n the same part of all pairs
        carries mass if `reg` grows like n m; the same number in a row, of points in the plane, at
        the same `reg`.
    mass : float, optional
        Mass to move, ``0 <= mass <= min(a.sum(), b.sum())``. None moves all mass and needs equal
        totals.
    method : {"auto", "newton", "clarabel", "scs"}, default="auto"
        From where `reg` is reached: "auto" comes from the linear problem where few pairs are active
        or masses are very uneven, else from a large reg; "newton" from a large reg, unless Newton's
        method gets stuck. At ``reg=0`` both solve the linear problem. "clarabel" and "scs" hand
        the full problem to cvxpy, for reference on small problems (extra `reference`).
    tol : float or Tolerance, default=1e-9
        Relative duality gap and residuals.
    max_iter : int, default=2000
        Newton steps in all; half as many pivots, or pushes round cycles, as
        there are rows and columns count as one.
    time_limit : float, optional
        Seconds after which the best result so far is returned. Time for its certificate is kept
        back, but no more than half.
    start : Result, optional
        An earlier result of the same shape to start from.
    ties : {"share", "any"}, default="share"
        Which of several cheapest plans to return for ``reg=0``: the one of smallest norm, in which
        pairs that tie share mass, or any; that is quicker where many tie, and has fewer entries.
    callback : callable, optional
        ``callback(iterate)`` after every outer iteration, and about twice a second while one takes
        long, with the iterate before and the `seconds` so far; a true value stops.
    verbose : bool, default=False
        Write to standard error what to expect (but of a reference method), then a line per outer
        iteration: level, round, reg, candidates, violators, support, steps, residual and time.
    on_failure : {"warn", "raise", "ignore"}, default="warn"
        What to do when the tolerance is not reached.
    solver_options : mapping, optional
        Options of the conic solver of a reference method, by its own names.

    Returns
    -------
    Result
        Plan, potentials, value and certificate.

    Raises
    ------
    InvalidProblemError
        If an argument is unusable: before any work, with what to do.
    InfeasibleError
        If the allowed pairs of a sparse cost cannot carry the mass; names rows that cannot ship.
    NotConvergedError
        If the tolerance is not reached and ``on_failure="raise"``.

    Warns
    -----
    NotConvergedWarning
        If the tolerance is not reached.

    Notes
    -----
    An interrupt (Ctrl-C) ends the solve like a limit: the best so far is repaired, certified and
    returned, with the status STOPPED. A second one is not caught.

    Examples
    --------
    >>> import numpy as np, quot
    >>> C = np.array([[0.0, 2.0], [2.0, 1.0]])
    >>> r = quot.solve(C, reg=0.5, mass=0.7)
    >>> r.converged
    True
    >>> r.plan.to_dense().round(3).tolist()
    [[0.5, 0.0], [0.0, 0.2]]
    """
    check_option(method, "method", METHODS)
    check_option(ties, "ties", TIES)
    check_option(on_failure, "on_failure", ON_FAILURE)
    _check_solver_options(solver_options, method, REFERENCE_METHODS)
    tolerance = Tolerance.of(tol)
    monitor = Monitor(max_iter, time_limit, _talk(callback) if verbose else callback)
    problem = Problem(C, a, b, reg=reg, mass=mass)
    dual = _warm(start, problem)
    if method in REFERENCE_METHODS:
        result = solve_reference(problem, method, tolerance, monitor, solver_options=solver_options)
    else:
        if verbose:
            sys.stderr.write(f"expected: {estimate_quadratic(problem)}\n")
            monitor.begin()
        model = PairModel(problem, monitor, tolerance, method=method, start=dual, ties=ties)
        result = solve_quadratic(model)
    logger.info("%s", result)
    return _deliver(result, on_failure)


def solve_points(
    X: Any,
    Y: Any,
    a: Any = None,
    b: Any = None,
    *,
    metric: str = "sqeuclidean",
    **options: Any,
) -> Result[Plan]:
    """Solve sparse transport between two sets of points; the (n, m) matrix is never formed.

    The same as ``solve(PointCost(X, Y, metric=metric), a, b, **options)``.

    Parameters
    ----------
    X : array of shape (n, d)
        Positions of the rows.
    Y : array of shape (m, d)
        Positions of the columns.
    a, b : array of shape (n,), (m,), optional
        Masses; uniform by default.
    metric : {"sqeuclidean", "euclidean", "cityblock", "cosine"}, default="sqeuclidean"
        Cost between two points.
    **options
        Keyword arguments of `solve`: reg, mass, tol, ...

    Returns
    -------
    Result

    Raises
    ------
    InvalidProblemError
        If an argument is unusable.

    Examples
    --------
    >>> import numpy as np, quot
    >>> X = np.arange(4.0)[:, None]
    >>> quot.solve_points(X, X + 0.25, reg=0.0).cost
    0.0625
    """
    return solve(PointCost(X, Y, metric=metric), a, b, **options)


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
    source, target : array of shape (N,), or mapping of nodes to masses
        Mass that is at each node, and that is wanted there.
    reg : float or array of shape (E,), default=0
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
        Write a line per outer iteration to standard error.
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
    _check_solver_options(solver_options, method, GRAPH_REFERENCE_METHODS)
    tolerance = Tolerance.of(tol)
    monitor = Monitor(max_iter, time_limit, _talk(callback) if verbose else callback)
    problem = GraphProblem(graph, source, target, reg=reg, mass=mass)
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
    return _deliver(result, on_failure)


def suggest_reg(problem: Problem, *, neighbours: float = 8.0) -> float:
    """Suggest the reg at which a row of the plan has about so many entries.

    The number of entries a row grows like a power of reg. A coarse version of the problem, with at
    most some thousand rows and columns, is solved at falling reg to find it.

    Parameters
    ----------
    problem : Problem
        Its own reg does not count.
    neighbours : float, default=8
        Entries wanted in a row that sends mass, > 1 and at most the number of columns. A plan
        needs one or two a row even at ``reg=0``, and where all rows are alike never has less.

    Returns
    -------
    float
        In the units of the problem, cost per mass.

    Raises
    ------
    InvalidProblemError
        If `neighbours` is out of range, or the problem is none or moves no mass.

    Examples
    --------
    >>> import numpy as np, quot
    >>> X, Y = np.random.default_rng(0).normal(size=(2, 500, 2))
    >>> problem = quot.Problem(quot.PointCost(X, Y))
    >>> reg = quot.suggest_reg(problem, neighbours=10)
    >>> plan = quot.solve_points(X, Y, reg=reg).plan
    >>> bool(8 <= plan.nnz / 500 <= 12)
    True
    """
    given: Any = problem
    if not isinstance(given, Problem) or given.total == 0.0:
        raise InvalidProblemError(
            f"`problem` must be a quot.Problem that moves mass; got {type(problem).__name__}."
        )
    wanted = check_positive(neighbours, "neighbours")
    if not 1.0 < wanted <= problem.shape[1]:
        raise InvalidProblemError(
            f"`neighbours={neighbours!r}` must be more than 1 and at most {problem.shape[1]}, the "
            "number of columns."
        )
    return reg_at(degrees(problem, wanted), wanted)


def estimate(problem: Problem) -> Estimate:
    """Estimate what a solve will take before it starts.

    From a coarse version of the problem, whose prices say what some rows of the problem itself will
    take, as `suggest_reg`; good to a factor of two where no points coincide. A problem of few pairs
    is said to take them all.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    Estimate
        Entries of the plan, candidate pairs, memory at the peak.

    Raises
    ------
    InvalidProblemError
        If the problem is none.

    Examples
    --------
    >>> import numpy as np, quot
    >>> problem = quot.Problem(np.ones((30, 40)), reg=1.0)
    >>> quot.estimate(problem).candidates
    1200
    """
    given: Any = problem
    if not isinstance(given, Problem):
        raise InvalidProblemError(
            f"`problem` must be a quot.Problem; got {type(problem).__name__}."
        )
    return estimate_quadratic(problem)


def solve_entropic(  # noqa: PLR0913
    C: Any,
    a: Any = None,
    b: Any = None,
    *,
    eps: float,
    mass: float | None = None,
    method: str = "auto",
    formulation: str | None = None,
    corner: float | None = None,
    tol: float | Tolerance = 1e-8,
    max_iter: int = 10_000,
    time_limit: float | None = None,
    callback: Callable[[Iterate], bool | None] | None = None,
    verbose: bool = False,
    on_failure: str = "warn",
    solver_options: Mapping[str, Any] | None = None,
) -> Result[AnyPlan]:
    """Solve entropic transport, balanced or partial, with a certificate.

    Minimises ``<C, P> + eps sum P (log P - 1)`` over plans P >= 0 with row sums `a` and column sums
    `b`; with `mass` given, over plans with row sums at most `a`, column sums at most `b` and total
    `mass`. That is the formulation "E1"; in "E2" and "E3" what rows and columns keep has an
    entropy, too: see `EntropicProblem`. No entry of the plan is zero where a pair is allowed, but
    for those that are less than floats can be; it is kept by its prices, and costs are computed
    anew in each pass where memory has no room for a matrix.

    Parameters
    ----------
    C : array of shape (n, m), scipy.sparse array or Cost
        Cost per unit mass. Absent entries of a sparse array are forbidden pairs.
    a, b : array of shape (n,), (m,), optional
        Masses of rows and columns; uniform, 1/n and 1/m, by default.
    eps : float
        Temperature, > 0, in cost per mass. Where the objective is written with eps/2, as in the
        source of "E1", pass half of that eps.
    mass : float, optional
        Mass to move, ``0 <= mass <= min(a.sum(), b.sum())``; less than that in "E2" and "E3". None
        moves all mass and needs equal totals.
    method : str, default="auto"
        "newton" (any formulation; "auto" is that): Newton's method in the prices of the columns, at
        one temperature after another down to `eps`. First-order methods, for comparison:
        "sinkhorn" (any; "E3" is the feasible Sinkhorn for partial transport), "tuned-sinkhorn"
        ("E3"; stops where the temperature is not worth more), "three-block", "apdagd", "aspot" and
        "aam" ("E2"). "clarabel", "scs": a reference for small problems ("E1"), through cvxpy (extra
        `reference`), with one cone a pair.
    formulation : {"E1", "E2", "E3"}, optional
        What has an entropy in a partial problem; by default the first that the method solves. Of a
        balanced problem all are one.
    corner : float, optional
        Cost of the corner in "E3", > 0. By default so much that nothing is there that floats can
        see: then "E3" is "E2".
    tol : float or Tolerance, default=1e-8
        Relative duality gap and residuals. First-order methods and references rarely reach less
        than 1e-6.
    max_iter : int, default=10_000
        Steps of the method: of "newton" Newton steps and, where these do not help, Sinkhorn steps;
        interior-point steps of CLARABEL; SCS keeps its own limit.
    time_limit : float, optional
        Seconds after which the best result so far is returned.
    callback : callable, optional
        ``callback(iterate)`` after each temperature of "newton" and each step of a first-order
        method, and now and then in between; True stops. With a reference once, when it is done.
    verbose : bool, default=False
        Write a line per outer iteration to standard error.
    on_failure : {"warn", "raise", "ignore"}, default="warn"
        What to do when the tolerance is not reached.
    solver_options : mapping, optional
        Options of the method. Of "aspot" `step`, "backtracked" (default) or "fixed". Of
        "tuned-sinkhorn" `p` > 0 (default 1.5) and `tuning`, "mdot" (default) or "bias". Of a
        reference those of its solver, by its own names.

    Returns
    -------
    Result
        Plan, potentials, value and certificate. The plan is a `GibbsPlan`; of a reference a `Plan`.

    Raises
    ------
    InvalidProblemError
        If an argument is unusable, or the method does not solve the formulation.
    InfeasibleError
        If the allowed pairs of a sparse cost cannot carry the mass.
    MissingDependencyError
        If cvxpy or the solver is not installed.
    NotConvergedError
        If the tolerance is not reached and ``on_failure="raise"``.

    Warns
    -----
    NotConvergedWarning
        If the tolerance is not reached, unless the method promises no more (status APPROXIMATE).

    Examples
    --------
    >>> import numpy as np, quot
    >>> C = np.array([[0.0, 2.0], [2.0, 1.0]])
    >>> r = quot.solve_entropic(C, eps=0.5, mass=0.7)
    >>> r.plan.to_dense().round(3).tolist()
    [[0.485, 0.015], [0.015, 0.185]]
    """
    if method == DUAL_EXTRAPOLATION:
        raise InvalidProblemError(
            f"method={method!r} solves the linear problem, without an entropy; call "
            f"`approximate_partial` with method={method!r}, or pass method='newton' here."
        )
    check_option(method, "method", ENTROPIC_METHODS)
    check_option(on_failure, "on_failure", ON_FAILURE)
    if formulation is not None:
        check_option(formulation, "formulation", FORMULATIONS)
    name = "newton" if method == "auto" else method
    is_reference = name in REFERENCE_METHODS
    options = {} if is_reference else options_of(name, solver_options)
    solved = formulation_of(name, formulation, is_balanced=mass is None)
    tolerance = Tolerance.of(tol)
    monitor = Monitor(max_iter, time_limit, _talk(callback) if verbose else callback)
    problem = EntropicProblem(C, a, b, eps=eps, mass=mass, formulation=solved, corner=corner)
    result: Any
    if is_reference:
        result = solve_entropic_reference(
            problem, name, tolerance, monitor, solver_options=solver_options
        )
    else:
        result = solve_entropic_problem(problem, tolerance, monitor, method=name, options=options)
    logger.info("%s", result)
    return _deliver(result, on_failure)


def approximate_partial(
    C: Any,
    a: Any = None,
    b: Any = None,
    mass: float | None = None,
    *,
    accuracy: float,
    method: str = "auto",
    max_iter: int = 100_000,
    time_limit: float | None = None,
    callback: Callable[[Iterate], bool | None] | None = None,
    verbose: bool = False,
    on_failure: str = "warn",
    solver_options: Mapping[str, Any] | None = None,
) -> Result[AnyPlan]:
    """Solve the linear problem to an accuracy, balanced or partial, by way of an entropic one.

    Finds a feasible plan P whose cost ``<C, P>`` is at most `accuracy` above that of the cheapest,
    and a bound that proves it. This is the wrapper "Approximating POT" of the entropic methods in
    print, for comparison: `solve` with ``reg=0`` is exact, and takes less time.

    Parameters
    ----------
    C : array of shape (n, m), scipy.sparse array or Cost
        Cost per unit mass. Absent entries of a sparse array are forbidden pairs.
    a, b : array of shape (n,), (m,), optional
        Masses of rows and columns; uniform, 1/n and 1/m, by default.
    mass : float, optional
        Mass to move, ``0 <= mass <= min(a.sum(), b.sum())``; but with "newton" and
        "dual-extrapolation" less than that. None moves all mass and needs equal totals.
    accuracy : float
        How much more than the cheapest the plan may cost, > 0, in cost times mass.
    method : str, default="auto"
        What brings the missing mass down at the temperature that the accuracy says: "newton"
        ("auto" is that), in formulation "E1"; "sinkhorn" in "E3"; "three-block", "apdagd", "aspot"
        and "aam" in "E2". "tuned-sinkhorn" in "E3", too, at a temperature that may be too high for
        the accuracy. "dual-extrapolation" solves the linear problem without a temperature, keeps
        plans as matrices, and ends where the accuracy is proved.
    max_iter : int, default=100_000
        Steps of the method.
    time_limit : float, optional
        Seconds after which the best plan so far is returned.
    callback : callable, optional
        See `solve_entropic`.
    verbose : bool, default=False
        Write a line per outer iteration to standard error.
    on_failure : {"warn", "raise", "ignore"}, default="warn"
        What to do when a limit ends it before the accuracy is proved.
    solver_options : mapping, optional
        Options of the method; see `solve_entropic`. Of "dual-extrapolation": `step`, "long"
        (default) or the shorter "proved", and `start`, iterations of APDAGD to begin with
        (default 0; in the published code 1000).

    Returns
    -------
    Result
        Of the linear problem, a `Problem` with ``reg=0``: plan, potentials, value and certificate.
        The plan is a `GibbsPlan`, rounded to exact marginals; of "dual-extrapolation" a `Plan`.
        It has converged if its gap is at most `accuracy`; if not, and no limit was in the way, the
        status is APPROXIMATE.

    Raises
    ------
    InvalidProblemError
        If an argument is unusable, or the method needs mass that does not move, or all pairs.
    InfeasibleError
        If the allowed pairs of a sparse cost cannot carry the mass.
    ProblemTooLargeError
        If "dual-extrapolation" has no room for its matrices.
    NotConvergedError
        If a limit ends it before the accuracy is proved and ``on_failure="raise"``.

    Warns
    -----
    NotConvergedWarning
        If a limit ends it before the accuracy is proved.

    Notes
    -----
    In units of the larger total mass the temperature is ``accuracy / (4 log n)``, the mass that may
    be missing ``accuracy / (16 max C)``, and of all masses ``accuracy / (64 max C)`` is made
    uniform, as in the source; but here totals stay as they are, so that `mass` can always move.

    References
    ----------
    Nguyen et al.: On partial optimal transport: revising the infeasibility of Sinkhorn and
    efficient gradient methods. Jambulapati, Sidford and Tian: A direct O(1/eps) iteration parallel
    algorithm for optimal transport.

    Examples
    --------
    >>> import numpy as np, quot
    >>> C = np.array([[0.0, 2.0], [2.0, 1.0]])
    >>> r = quot.approximate_partial(C, mass=0.7, accuracy=0.01)
    >>> r.converged, round(r.cost, 2)
    (True, 0.2)
    """
    check_option(method, "method", APPROXIMATE_METHODS)
    check_option(on_failure, "on_failure", ON_FAILURE)
    name = "newton" if method == "auto" else method
    options = read_options(name, solver_options)
    allowed = check_positive(accuracy, "accuracy")
    monitor = Monitor(max_iter, time_limit, _talk(callback) if verbose else callback)
    problem = Problem(C, a, b, mass=mass)
    result = approximate_linear_problem(problem, allowed, monitor, method=name, options=options)
    logger.info("%s", result)
    return _deliver(result, on_failure)


def _check_solver_options(
    given: Mapping[str, Any] | None, method: str, of: tuple[str, ...]
) -> None:
    if given is not None and method not in of:
        raise InvalidProblemError(
            "`solver_options` go to the solver of a reference method; got "
            f"method={method!r}. Pass method={' or '.join(map(repr, of))}, or leave them out."
        )


def _warm(start: Any, problem: Problem) -> Dual | None:
    """The potentials of an earlier result, if they fit."""
    if start is None:
        return None
    if not isinstance(start, Result):
        raise InvalidProblemError(
            f"`start` must be a Result of an earlier solve; got {type(start).__name__}."
        )
    if start.problem.shape != problem.shape:
        raise InvalidProblemError(
            f"`start` is a result of shape {start.problem.shape}, but the problem has shape "
            f"{problem.shape}; pass a result of the same shape."
        )
    if problem.is_balanced:
        return Dual(start.f + start.lam, start.g)
    if start.problem.is_balanced:
        top_f, top_g = float(start.f.max()), float(start.g.max())
        return Dual(start.f - top_f, start.g - top_g, top_f + top_g)
    return Dual(start.f, start.g, start.lam)


def _deliver(result: R, on_failure: str) -> R:
    """Return the result; say so if it is not within the tolerance."""
    is_all = result.converged or result.status is Status.APPROXIMATE
    if is_all or on_failure == "ignore":
        return result
    text = (
        f"{result.status.advice} (relative gap {result.certificate.relative_gap:.1e}, primal "
        f"residual {result.certificate.primal_residual:.1e}, tolerance {result.tolerance.gap:.1e})"
    )
    if on_failure == "raise":
        raise NotConvergedError(text)
    warnings.warn(text, NotConvergedWarning, stacklevel=_outside())
    return result


def _outside() -> int:
    """The stacklevel of the first caller that is not quot itself."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("quot."):
        level, frame = level + 1, frame.f_back
    return level


def _talk(
    callback: Callable[[Iterate], bool | None] | None,
) -> Callable[[Iterate], bool | None]:
    """A callback that writes a line per outer iteration to standard error."""
    told = 0

    def report(iterate: Iterate) -> bool | None:
        nonlocal told
        if iterate.iteration > told:
            told = iterate.iteration
            sys.stderr.write(
                f"{iterate.iteration:4d}  level {iterate.level}  round {iterate.round}  "
                f"reg {iterate.reg:9.3g}  candidates {iterate.candidates:9d}  "
                f"violators {iterate.violators:6d}  support {iterate.support:9d}  "
                f"steps {iterate.inner:3d}  residual {iterate.residual:8.1e}  "
                f"{iterate.seconds:8.2f} s\n"
            )
        return callback(iterate) if callback is not None else None

    return report
