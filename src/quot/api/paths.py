"""One problem for several masses, or several reg: each solve begins where another ended."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np

from quot import interrupts
from quot.api.deliver import ON_FAILURE, TIES, check_problem, deliver
from quot.convergence import Iterate, Monitor, Status, Tolerance
from quot.dual import Dual
from quot.exceptions import InvalidProblemError
from quot.order import A_PROBLEM, by_name
from quot.path import Path
from quot.plan import Plan
from quot.problem import Problem
from quot.quadratic.linear import Optimum, is_matrix
from quot.quadratic.mass_curve import MassCurve
from quot.quadratic.pair_model import PairModel
from quot.quadratic.solve import solve_quadratic
from quot.result import Result
from quot.stopping import run
from quot.validation import as_array, as_mass, as_reg, check_count, check_option, round_off

logger = logging.getLogger("quot")

# So many results of a path are asked for at most.
_MOST = 1_000_000
# With a quadratic term prices of a mass, or of a reg, serve as a start for no more than so much
# more mass, and for a reg no less than this part: else the way from afar is shorter.
_MORE_MASS, _LESS_REG = 1.02, 0.1
# The exact curve may take this part of the time; the results have the rest.
_CURVE = 0.5


@by_name("count", A_PROBLEM)
@interrupts.stoppable
def mass_path(
    problem: Problem,
    masses: Any = None,
    *,
    count: int = 20,
    tol: float | Tolerance = 1e-9,
    max_iter: int = 2000,
    time_limit: float | None = None,
    ties: str = "share",
    callback: Callable[[Iterate], bool | None] | None = None,
    on_failure: str = "warn",
) -> Path:
    """Solve a problem for several masses to move, each certified, to see what more mass costs.

    The least value is a convex function of the mass. At ``reg=0`` it is linear between breakpoints,
    and without `masses` all of them are found, exactly, by following the basis of a network simplex
    from no mass to all. There may be as many as n m of them where masses differ. At n = 1000 that
    takes as long as some twenty to fifty solves for points, and as two for random costs.

    Parameters
    ----------
    problem : Problem
        Its cost, masses `a` and `b` and reg; its own mass does not count.
    masses : array of shape (k,), optional
        Masses to move, each ``0 <= mass <= min(a.sum(), b.sum())``, in any order. By default all
        breakpoints, if there are no more than `count`, else `count` masses evenly apart, up to the
        most that can move.
    count : int, default=20
        How many results there are at most, if `masses` is left out; no more than a million.
    tol : float or Tolerance, default=1e-9
        Relative duality gap and residuals of each result.
    max_iter : int, default=2000
        Steps of each solve; see `solve`.
    time_limit : float, optional
        Seconds for all; after half of them the curve of breakpoints ends where it is.
    ties : {"share", "any"}, default="share"
        Which of several cheapest plans to return for ``reg=0``; see `solve`.
    callback : callable, optional
        ``callback(iterate)`` as in `solve`, in every one of the solves; a true value ends the path.
    on_failure : {"warn", "raise", "ignore"}, default="warn"
        What to do when a result is not within the tolerance: warn once, or raise at once.

    Returns
    -------
    Path
        A sequence of results in the order of `masses`. With `breakpoints` and `slopes` if `masses`
        is left out, reg is 0, and the costs are a matrix or of no more than 4 million pairs; they
        are None else.

    Raises
    ------
    InvalidProblemError
        If an argument is unusable: before any work, with what to do.
    InfeasibleError
        If the allowed pairs of a sparse cost cannot carry one of the masses.
    NotConvergedError
        If the tolerance is not reached and ``on_failure="raise"``.

    Warns
    -----
    NotConvergedWarning
        If the tolerance is not reached.

    Notes
    -----
    The time limit, the callback or an interrupt (Ctrl-C) end the path: the results so far are
    returned, the last as far as it came, and the status of the path says why. The price `lam` of a
    result at a breakpoint is one of those between the slopes on both sides.

    Examples
    --------
    >>> import numpy as np, quot
    >>> problem = quot.Problem(np.array([[0.0, 2.0], [2.0, 1.0]]))
    >>> path = quot.mass_path(problem)
    >>> path.breakpoints.tolist(), path.slopes.tolist()
    ([0.0, 0.5, 1.0], [0.0, 1.0])
    >>> path.costs.tolist()
    [0.0, 0.5]
    """
    check_problem(problem)
    steps = _Steps(tol, max_iter, time_limit, ties, callback, on_failure)
    count = check_count(count, "count")
    if count > _MOST:
        raise InvalidProblemError(
            f"`count` must be at most {_MOST:,}, as there is a result for each; got a larger one."
        )
    if masses is not None:
        wanted = _as_masses(masses, problem)
        steps.by_mass(problem, wanted)
        return steps.path("mass")
    most = min(float(problem.a.sum()), float(problem.b.sum()))
    shares = [k / count for k in range(1, count + 1)] if most > 0.0 else [1.0]
    grid = [most * share for share in shares]
    if problem.reg > 0.0 or most == 0.0 or not is_matrix(problem):
        steps.by_mass(problem, grid)
        return steps.path("mass")
    return steps.by_breakpoint(problem, grid)


@by_name("tol", A_PROBLEM)
@interrupts.stoppable
def reg_path(
    problem: Problem,
    regs: Any,
    *,
    tol: float | Tolerance = 1e-9,
    max_iter: int = 2000,
    time_limit: float | None = None,
    ties: str = "share",
    callback: Callable[[Iterate], bool | None] | None = None,
    on_failure: str = "warn",
) -> Path:
    """Solve a problem for several strengths of the quadratic term, each certified.

    From the largest down, each from the prices of the one before where that is not far away. The
    linear problem is solved once: at 1000 points a side, ten regs a factor of 2 apart take two
    thirds to four fifths of what single solves take.

    Parameters
    ----------
    problem : Problem
        Its cost, masses and mass; its own reg does not count.
    regs : array of shape (k,)
        Strengths of the quadratic term, >= 0, in any order.
    tol : float or Tolerance, default=1e-9
        Relative duality gap and residuals of each result.
    max_iter : int, default=2000
        Steps of each solve; see `solve`.
    time_limit : float, optional
        Seconds for all.
    ties : {"share", "any"}, default="share"
        Which of several cheapest plans to return for ``reg=0``; see `solve`.
    callback : callable, optional
        ``callback(iterate)`` as in `solve`, in every one of the solves; a true value ends the path.
    on_failure : {"warn", "raise", "ignore"}, default="warn"
        What to do when a result is not within the tolerance: warn once, or raise at once.

    Returns
    -------
    Path
        A sequence of results in the order of `regs`.

    Raises
    ------
    InvalidProblemError
        If an argument is unusable: before any work, with what to do.
    InfeasibleError
        If the allowed pairs of a sparse cost cannot carry the mass.
    NotConvergedError
        If the tolerance is not reached and ``on_failure="raise"``.

    Warns
    -----
    NotConvergedWarning
        If the tolerance is not reached.

    Notes
    -----
    It ends early as `mass_path` does.

    Examples
    --------
    >>> import numpy as np, quot
    >>> problem = quot.Problem(np.array([[0.0, 2.0], [2.0, 1.0]]), mass=0.7)
    >>> path = quot.reg_path(problem, [0.0, 1.0, 10.0])
    >>> path.costs.round(3).tolist()
    [0.2, 0.2, 0.6]
    """
    check_problem(problem)
    steps = _Steps(tol, max_iter, time_limit, ties, callback, on_failure)
    wanted = [as_reg(reg) for reg in _as_list(regs, "regs")]
    for reg in wanted:
        problem.with_reg(reg).check_strength()
    steps.by_reg(problem, wanted)
    return steps.path("reg")


class _Steps:
    """The solves of a path, and what is left of its time."""

    def __init__(  # noqa: PLR0917
        self,
        tol: float | Tolerance,
        max_iter: int,
        time_limit: float | None,
        ties: str,
        callback: Callable[[Iterate], bool | None] | None,
        on_failure: str,
    ) -> None:
        self.tolerance = Tolerance.of(tol)
        self.limits = max_iter, callback
        self.time_limit = Monitor(max_iter, time_limit, callback).time_limit
        self.ties = check_option(ties, "ties", TIES)
        self.on_failure = check_option(on_failure, "on_failure", ON_FAILURE)
        self.spent = 0.0
        self.status = Status.OPTIMAL
        self.done: dict[int, Result[Plan]] = {}

    # --- the ways through ---------------------------------------------------------------------

    def by_mass(
        self, problem: Problem, masses: list[float], near: list[Optimum] | None = None
    ) -> None:
        """From the smallest mass up, each from the one before, or from an optimum at hand."""
        last: Result[Plan] | None = None
        optimum = None
        for k in np.argsort(masses, kind="stable"):
            part = problem.with_masses(problem.a, problem.b, masses[k])
            start = None
            if problem.reg > 0.0 and last is not None:
                is_near = 0.0 < part.total <= _MORE_MASS * last.problem.total
                start = _dual(last) if is_near else None
            if near is not None and k < len(near):
                optimum = near[k]
            last, optimum = self._solve(int(k), part, start, optimum)
            if last is None:
                break

    def by_reg(self, problem: Problem, regs: list[float]) -> None:
        """From the largest reg down, each from the one before."""
        last: Result[Plan] | None = None
        linear: Optimum | None = None
        before = np.inf
        for k in np.argsort(regs, kind="stable")[::-1]:
            is_near = last is not None and 0.0 < before * _LESS_REG <= regs[k]
            start = _dual(last) if last is not None and is_near else None
            last, found = self._solve(int(k), problem.with_reg(regs[k]), start, linear)
            linear, before = found or linear, regs[k]
            if last is None:
                break

    def by_breakpoint(self, problem: Problem, grid: list[float]) -> Path:
        """Follow the exact curve, then solve at its breakpoints, or where it was asked for."""
        limit = None if self.time_limit is None else _CURVE * self.time_limit
        monitor = Monitor(self.limits[0], limit, self.limits[1])
        curve = MassCurve(problem)
        ended = run(monitor, lambda: curve.follow(grid, monitor.must_stop))
        self.spent += monitor.seconds
        breakpoints, slopes = curve.pieces()
        if ended is Status.STOPPED or monitor.limit() is Status.STOPPED:
            self.status = Status.STOPPED
            return self.path("mass", breakpoints, slopes)
        near: list[Optimum] | None = curve.near
        if curve.is_whole:
            end = float(breakpoints[-1])
            if slopes.size <= len(grid):
                grid, near = breakpoints[1:].tolist() or [0.0], None
            elif end < grid[-1]:  # forbidden pairs let no more move
                grid = [mass for mass in grid if mass < end] + [end]
        self.by_mass(problem, grid, near)
        if not curve.is_whole and self.status is Status.OPTIMAL:
            self.status = Status.TIME_LIMIT
        return self.path("mass", breakpoints, slopes)

    # --- one solve, and all -------------------------------------------------------------------

    def _solve(
        self, place: int, problem: Problem, start: Dual | None, near: Optimum | None
    ) -> tuple[Result[Plan] | None, Optimum | None]:
        """Solve one and keep it; None if the path ends here."""
        left = None if self.time_limit is None else self.time_limit - self.spent
        if left is not None and left <= 0.0:
            self.status = Status.TIME_LIMIT
            return None, None
        monitor = Monitor(self.limits[0], left, self.limits[1])
        try:
            model = PairModel(
                problem, monitor, self.tolerance, start=start, ties=self.ties, near=near
            )
            result = solve_quadratic(model)
        except KeyboardInterrupt:  # of a handler that is not ours, in a certificate: that is lost
            interrupts.check()
            if not self.done:
                raise
            self.status = Status.STOPPED
            return None, None
        limit = monitor.limit()
        self.spent += result.seconds
        self.done[place] = result
        logger.info("%s", result)
        if self.on_failure == "raise":
            deliver(result, "raise")
        if limit in (Status.STOPPED, Status.TIME_LIMIT):
            self.status = limit
            return None, None
        return result, model.optimum

    def path(self, over: str, breakpoints: Any = None, slopes: Any = None) -> Path:
        """What was found, in the order asked for; warns of the first that is not good."""
        results = tuple(self.done[k] for k in sorted(self.done))
        for result in results:
            if not result.converged:
                deliver(result, self.on_failure)
                break
        return Path(results, over, self.status, breakpoints, slopes)


def _dual(result: Result[Plan]) -> Dual:
    return Dual(result.f, result.g, result.lam)


def _as_list(values: Any, name: str) -> list[float]:
    """Numbers, at least one."""
    found: list[float] = as_array(values, name, 1).tolist()
    if not found:
        raise InvalidProblemError(f"`{name}` is empty; pass at least one number.")
    return found


def _as_masses(masses: Any, problem: Problem) -> list[float]:
    """Masses that the problem can move."""
    wanted = _as_list(masses, "masses")
    own = max(problem.round_off, round_off(masses))
    return [as_mass(mass, problem.a, problem.b, own=own) or 0.0 for mass in wanted]
