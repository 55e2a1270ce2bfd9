"""Sparse plans between rows and columns: solve, and what to know before."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from typing import Any

from quot.api.deliver import (
    ON_FAILURE,
    TIES,
    announce,
    check_problem,
    check_solver_options,
    deliver,
    talk,
)
from quot.convergence import Iterate, Monitor, Tolerance
from quot.costs import PointCost
from quot.dual import Dual
from quot.exceptions import InvalidProblemError
from quot.interrupts import interruptible, stoppable
from quot.order import A_PROBLEM, by_name, explained, of_points
from quot.plan import Plan
from quot.problem import Problem
from quot.quadratic.estimate import Estimate
from quot.quadratic.estimate import estimate as estimate_quadratic
from quot.quadratic.plans import solve_plan
from quot.quadratic.suggest import degrees, reg_at
from quot.reference import REFERENCE_METHODS, solve_reference
from quot.result import Result
from quot.validation import check_option, check_positive

logger = logging.getLogger("quot")

METHODS = ("auto", "newton", *REFERENCE_METHODS)


@by_name("reg")
@stoppable
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
    C : array or DataFrame of shape (n, m), scipy.sparse array or Cost
        Cost per unit mass. Absent entries of a sparse array are forbidden pairs.
    a, b : array, Series or mapping of shape (n,), (m,), optional
        Masses of rows and columns, by name if they have names; uniform, 1/n and 1/m, by default.
    reg : float, default=0
        Strength of the quadratic term, in cost per mass. With masses 1/n the same part of all pairs
        carries mass if `reg` grows like n m; the same number in a row, of points in the plane, at
        the same `reg`.
    mass : float, optional
        Mass to move, ``0 <= mass <= min(a.sum(), b.sum())``. None moves all mass and needs equal
        totals.
    method : {"auto", "newton", "clarabel", "scs"}, default="auto"
        From where `reg` is reached: "auto" comes from the linear problem where that takes little
        time, between at most two million pairs, where few pairs are active, or where masses are
        very uneven, else from a large reg; "newton" from a large reg, unless Newton's method gets
        stuck. At ``reg=0`` both solve the linear problem. "clarabel" and "scs" hand the full
        problem to cvxpy, for reference on small problems (extra `reference`).
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
        Where the time ends before the smallest norm is found it is any, too.
    callback : callable, optional
        ``callback(iterate)`` after every outer iteration, and about twice a second while one takes
        long, with the iterate before and the `seconds` so far; a true value stops.
    verbose : bool, default=False
        Write to standard error what was `rescaled`, if anything, and what to expect (but of a
        reference method), then a line per outer iteration: level, round, reg, candidates,
        violators, support, steps, residual and time.
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
    An interrupt (Ctrl-C), at any moment, ends the solve like a limit: the best so far is repaired,
    certified and returned, with the status STOPPED. A second one, in the same solve or within a
    second of the first, ends it with KeyboardInterrupt; with a reference method the first one does.
    That holds in the main thread, where the handler of SIGINT is that of Python; a handler of yours
    is left in place.

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
    check_solver_options(solver_options, method, REFERENCE_METHODS)
    tolerance = Tolerance.of(tol)
    monitor = Monitor(max_iter, time_limit, talk(callback) if verbose else callback)
    problem = Problem(C, a, b, reg=reg, mass=mass)
    if verbose:
        announce(problem)
    dual = _warm(start, problem)
    if method in REFERENCE_METHODS:
        result = solve_reference(problem, method, tolerance, monitor, solver_options=solver_options)
    else:
        if verbose:
            sys.stderr.write(f"expected: {estimate_quadratic(problem)}\n")
            monitor.begin()
        result = solve_plan(problem, monitor, tolerance, method=method, start=dual, ties=ties)
    logger.info("%s", result)
    return deliver(result, on_failure)


@by_name("reg")
@explained(of_points)
def solve_points(  # noqa: PLR0913
    X: Any,
    Y: Any,
    a: Any = None,
    b: Any = None,
    *,
    metric: str = "sqeuclidean",
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
    """Solve sparse transport between two sets of points; the (n, m) matrix is never formed.

    The same as ``solve(PointCost(X, Y, metric=metric), a, b, ...)``.

    Parameters
    ----------
    X : array or DataFrame of shape (n, d)
        Positions of the rows.
    Y : array or DataFrame of shape (m, d)
        Positions of the columns.
    a, b : array, Series or mapping of shape (n,), (m,), optional
        Masses, by name if the points have names; uniform by default.
    metric : {"sqeuclidean", "euclidean", "cityblock", "cosine"}, default="sqeuclidean"
        Cost between two points.
    reg : float, default=0
        Strength of the quadratic term, in cost per mass.
    mass : float, optional
        Mass to move; None moves all.
    method : str, default="auto"
        From where `reg` is reached. This and what follows is as in `solve`.
    tol : float or Tolerance, default=1e-9
        Relative duality gap and residuals.
    max_iter : int, default=2000
        Steps in all.
    time_limit : float, optional
        Seconds.
    start : Result, optional
        An earlier result to start from.
    ties : {"share", "any"}, default="share"
        Which of several cheapest plans to return for ``reg=0``.
    callback : callable, optional
        ``callback(iterate)`` after every outer iteration; a true value stops.
    verbose : bool, default=False
        Write to standard error what was `rescaled`, if anything, and a line per outer iteration.
    on_failure : {"warn", "raise", "ignore"}, default="warn"
        What to do when the tolerance is not reached.
    solver_options : mapping, optional
        Options of the solver of a reference method.

    Returns
    -------
    Result

    Raises
    ------
    InvalidProblemError
        If an argument is unusable.
    NotConvergedError
        If the tolerance is not reached and ``on_failure="raise"``.

    Warns
    -----
    NotConvergedWarning
        If the tolerance is not reached.

    Examples
    --------
    >>> import numpy as np, quot
    >>> X = np.arange(4.0)[:, None]
    >>> quot.solve_points(X, X + 0.25, reg=0.0).cost
    0.0625
    """
    return solve(
        PointCost(X, Y, metric=metric),
        a,
        b,
        reg=reg,
        mass=mass,
        method=method,
        tol=tol,
        max_iter=max_iter,
        time_limit=time_limit,
        start=start,
        ties=ties,
        callback=callback,
        verbose=verbose,
        on_failure=on_failure,
        solver_options=solver_options,
    )


@by_name("neighbours", A_PROBLEM)
@interruptible
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
    check_problem(problem)
    if problem.total == 0.0:
        raise InvalidProblemError(
            "`problem` moves no mass, whatever its reg; pass one with a mass to move."
        )
    wanted = check_positive(neighbours, "neighbours")
    if not 1.0 < wanted <= problem.shape[1]:
        raise InvalidProblemError(
            f"`neighbours={neighbours!r}` must be more than 1 and at most {problem.shape[1]}, the "
            "number of columns."
        )
    return reg_at(degrees(problem, wanted), wanted)


@by_name("", A_PROBLEM)
@interruptible
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
    check_problem(problem)
    return estimate_quadratic(problem)


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
