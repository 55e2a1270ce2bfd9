"""Entropic plans, and the linear problem by way of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from quot.api.deliver import ON_FAILURE, announce, deliver, talk
from quot.convergence import Iterate, Monitor, Tolerance
from quot.entropic.approximate import (
    APPROXIMATE,
    DUAL_EXTRAPOLATION,
    approximate_linear_problem,
    read_options,
)
from quot.entropic.methods import METHODS, formulation_of, options_of
from quot.entropic.solve import solve_entropic_problem
from quot.exceptions import InvalidProblemError
from quot.gibbs_plan import AnyPlan
from quot.interrupts import stoppable
from quot.order import by_name
from quot.problem import FORMULATIONS, EntropicProblem, Problem
from quot.reference import REFERENCE_METHODS, solve_entropic_reference
from quot.result import Result
from quot.validation import check_option, check_positive

logger = logging.getLogger("quot")

ENTROPIC_METHODS = ("auto", *METHODS, *REFERENCE_METHODS)
APPROXIMATE_METHODS = ("auto", *APPROXIMATE)


@by_name("eps")
@stoppable
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
    C : array or DataFrame of shape (n, m), scipy.sparse array or Cost
        Cost per unit mass. Absent entries of a sparse array are forbidden pairs.
    a, b : array, Series or mapping of shape (n,), (m,), optional
        Masses of rows and columns, by name if they have names; uniform, 1/n and 1/m, by default.
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
        Write to standard error what was `rescaled`, if anything, and a line per outer iteration.
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
    if str(method) == DUAL_EXTRAPOLATION:
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
    monitor = Monitor(max_iter, time_limit, talk(callback) if verbose else callback)
    problem = EntropicProblem(C, a, b, eps=eps, mass=mass, formulation=solved, corner=corner)
    if verbose:
        announce(problem)
    result: Any
    if is_reference:
        result = solve_entropic_reference(
            problem, name, tolerance, monitor, solver_options=solver_options
        )
    else:
        result = solve_entropic_problem(problem, tolerance, monitor, method=name, options=options)
    logger.info("%s", result)
    return deliver(result, on_failure)


@by_name("accuracy")
@stoppable
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
    C : array or DataFrame of shape (n, m), scipy.sparse array or Cost
        Cost per unit mass. Absent entries of a sparse array are forbidden pairs.
    a, b : array, Series or mapping of shape (n,), (m,), optional
        Masses of rows and columns, by name if they have names; uniform, 1/n and 1/m, by default.
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
        Write to standard error what was `rescaled`, if anything, and a line per outer iteration.
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
        The plan is a `GibbsPlan`, rounded to exact marginals; of "dual-extrapolation", and where
        forbidden pairs leave no other way than to send a part of it anew, a `Plan`.
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
    An interrupt (Ctrl-C) ends it with the best so far, as in `solve`.

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
    monitor = Monitor(max_iter, time_limit, talk(callback) if verbose else callback)
    problem = Problem(C, a, b, mass=mass)
    if verbose:
        announce(problem)
    result = approximate_linear_problem(problem, allowed, monitor, method=name, options=options)
    logger.info("%s", result)
    return deliver(result, on_failure)
