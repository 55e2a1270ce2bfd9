"""Adaptive plans."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

from quot.adaptive.average import solve_average_problem
from quot.adaptive.solve import check_room, solve_adaptive_problem
from quot.api.deliver import ON_FAILURE, announce, deliver, talk
from quot.convergence import Iterate, Monitor, Tolerance
from quot.exceptions import InvalidProblemError
from quot.interrupts import stoppable
from quot.order import by_name
from quot.perplexity import REGULARIZERS
from quot.problem import AdaptiveProblem
from quot.result import AdaptiveResult
from quot.validation import check_option

logger = logging.getLogger("quot")

ADAPTIVE_METHODS = ("auto", "newton", "interior")
SIDES = ("source", "target", "both", "average")


@by_name("perplexity")
@stoppable
def solve_adaptive(  # noqa: PLR0913
    C: Any,
    a: Any = None,
    b: Any = None,
    *,
    perplexity: Any,
    on: str = "source",
    regularizer: str = "quadratic",
    method: str = "auto",
    tol: float | Tolerance = 1e-8,
    max_iter: int = 2_000,
    time_limit: float | None = None,
    callback: Callable[[Iterate], bool | None] | None = None,
    verbose: bool = False,
    on_failure: str = "warn",
) -> AdaptiveResult:
    """Solve transport in which every point shares its mass with so many others at least.

    Minimises ``<C, P>`` over plans P >= 0 with row sums `a` and column sums `b` whose rows, or
    columns, or both, have a perplexity of at least `perplexity`. Of a row with the parts q of its
    mass that is ``1 / sum q^2`` ("quadratic": then most entries are exactly zero) or
    ``exp(- sum q log q)`` ("entropic"): k parts of the same size have k, whatever the mass. So each
    point is smoothed as much as it needs, where one strength for all smooths some too much and
    others not at all.

    Parameters
    ----------
    C : array or DataFrame of shape (n, m), or Cost
        Cost per unit mass. Of points, ``quot.PointCost(X, Y)``, there is never a matrix, and with a
        quadratic regulariser few pairs are kept; else all of them are, 64 bytes each.
    a, b : array, Series or mapping of shape (n,), (m,), optional
        Masses of rows (source) and columns (target), by name if they have names, equal in total;
        uniform, 1/n and 1/m, by default.
    perplexity : float, array or Series of shape (n,) or (m,), or a pair of these
        At least 1 and less than that of the plan ``a b' / sum b``, which is m for a row if b is
        uniform. For one side a number or one for each of its points; with ``on="both"`` a pair, of
        the source and of the target, or one number for both. With ``on="average"`` as for the
        source, but only on average is it less than that of the plan ``a b' / sum b``.
    on : {"source", "target", "both", "average"}, default="source"
        Whose points share their mass. "average": those of the source on average, by one bound for
        all of them together. That is ordinary entropic or quadratic transport, at the strength at
        which the plan has this perplexity: `row_multipliers` of the result are all that strength,
        `eps` of `solve_entropic` or `reg` of `solve`, and 0 where even the cheapest plan has it.
    regularizer : {"quadratic", "entropic"}, default="quadratic"
        What perplexity is measured by.
    method : {"auto", "newton", "interior"}, default="auto"
        "newton": Newton's method in the prices of the columns, and their multipliers if these are
        bounded, too; of each row price and multiplier are found exactly. With ``on="average"`` in
        the prices of the columns and the one multiplier. "interior", but not on average: an
        interior-point method that factors a dense matrix of the columns and their bounds (or the
        rows, the fewer) in each of some twenty to sixty steps. "auto" is the first, and goes on to
        the second where that ends short and ``n m min(n, m)`` is no more than 1e9.
    tol : float or Tolerance, default=1e-8
        Relative duality gap and residuals; how much a perplexity may be missed by is one of these.
    max_iter : int, default=2_000
        Steps in all.
    time_limit : float, optional
        Seconds after which the best result so far is returned.
    callback : callable, optional
        ``callback(iterate)`` after each level of the perplexity and each floor; True stops.
    verbose : bool, default=False
        Write to standard error what was `rescaled`, if anything, and a line per outer iteration.
    on_failure : {"warn", "raise", "ignore"}, default="warn"
        What to do when the tolerance is not reached.

    Returns
    -------
    AdaptiveResult
        Plan, potentials, multipliers, perplexities reached, value ``<C, P>`` and certificate.

    Raises
    ------
    InvalidProblemError
        If an argument is unusable; where a perplexity is too large, the message has the largest.
    ProblemTooLargeError
        If memory has no room for the pairs that are kept.
    NotConvergedError
        If the tolerance is not reached and ``on_failure="raise"``.

    Warns
    -----
    NotConvergedWarning
        If the tolerance is not reached.

    Notes
    -----
    From *Optimal Transport with Adaptive Regularisation* (arXiv:2310.02925), with perplexities that
    do not depend on the mass of a point. An interrupt (Ctrl-C) ends it with the best so far, as in
    `solve`.

    Examples
    --------
    >>> import numpy as np, quot
    >>> C = np.abs(np.subtract.outer(np.arange(4.0), np.arange(4.0)))
    >>> r = quot.solve_adaptive(C, perplexity=2)
    >>> r.row_perplexity.round(6).tolist()
    [2.0, 2.0, 2.0, 2.0]
    """
    check_option(method, "method", ADAPTIVE_METHODS)
    check_option(on_failure, "on_failure", ON_FAILURE)
    tolerance = Tolerance.of(tol)
    monitor = Monitor(max_iter, time_limit, talk(callback) if verbose else callback)
    problem = adaptive_problem(C, a, b, perplexity=perplexity, on=on, regularizer=regularizer)
    if verbose:
        announce(problem)
    if problem.is_average and method == "interior":
        raise InvalidProblemError(
            'method="interior" is for bounds on single points; got on="average". Pass "auto".'
        )
    check_room(problem, method)
    if problem.is_average:
        result = solve_average_problem(problem, tolerance, monitor)
    else:
        result = solve_adaptive_problem(problem, tolerance, monitor, method)
    logger.info("%s", result)
    return deliver(result, on_failure)


def adaptive_problem(
    C: Any, a: Any, b: Any, *, perplexity: Any, on: str, regularizer: str
) -> AdaptiveProblem:
    """Return the problem of these arguments of `solve_adaptive`."""
    check_option(on, "on", SIDES)
    check_option(regularizer, "regularizer", REGULARIZERS)
    source, target = _of_sides(perplexity, on)
    try:
        return AdaptiveProblem(
            C,
            a,
            b,
            row_perplexity=source,
            col_perplexity=target,
            regularizer=regularizer,
            is_average=on == "average",
        )
    except InvalidProblemError as error:  # here there is one name for both
        text = re.sub(r"\b(row|col)_perplexity\b", "perplexity", str(error))
        raise InvalidProblemError(text) from None


def _of_sides(perplexity: Any, on: str) -> tuple[Any, Any]:
    """The perplexities of source and target, None for a side without."""
    if perplexity is None:
        raise InvalidProblemError(
            "`perplexity` is None; pass with how many others a point shares its mass at least."
        )
    if on == "both":
        if isinstance(perplexity, (tuple, list)):
            if len(perplexity) != 2:
                raise InvalidProblemError(
                    '`perplexity` with on="both" must be a pair, of source and target; got '
                    f"{len(perplexity)} items."
                )
            return perplexity[0], perplexity[1]
        return perplexity, perplexity
    if isinstance(perplexity, tuple):
        raise InvalidProblemError(
            f'a pair of perplexities belongs to on="both"; got on={on!r}. Pass one number, or an '
            "array with one for each point."
        )
    return (None, perplexity) if on == "target" else (perplexity, None)
