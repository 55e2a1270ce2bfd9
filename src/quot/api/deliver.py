"""What every public solve begins and ends with: options, lines on the screen, warnings."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from quot.convergence import Iterate, Status
from quot.exceptions import InvalidProblemError, NotConvergedError, NotConvergedWarning
from quot.problem import Problem
from quot.result import Solved
from quot.validation import check_mapping

R = TypeVar("R", bound=Solved[Any, Any])

TIES = ("share", "any")
ON_FAILURE = ("warn", "raise", "ignore")


def check_problem(problem: Any) -> None:
    """Refuse what is no Problem."""
    if not isinstance(problem, Problem):
        raise InvalidProblemError(
            f"`problem` must be a quot.Problem; got {type(problem).__name__}. Make one of a cost "
            "and masses, `quot.Problem(C, a, b)`."
        )


def check_solver_options(given: Mapping[str, Any] | None, method: str, of: tuple[str, ...]) -> None:
    """Refuse options of a solver where the method is none that has one."""
    check_mapping(given, "solver_options")
    if given is not None and method not in of:
        raise InvalidProblemError(
            "`solver_options` go to the solver of a reference method; got "
            f"method={method!r}. Pass method={' or '.join(map(repr, of))}, or leave them out."
        )


def announce(problem: Any) -> None:
    """Write a line to standard error on what the door has changed, if anything."""
    if problem.rescaled is not None:
        sys.stderr.write(f"{problem.rescaled}\n")


def deliver(result: R, on_failure: str) -> R:
    """Return the result; say so if it is not within the tolerance."""
    is_all = result.converged or result.status is Status.APPROXIMATE
    if is_all or on_failure == "ignore":
        return result
    text = (
        f"{result.status.advice} (relative gap {result.certificate.relative_gap:.1e}, primal "
        f"residual {result.certificate.primal_residual:.1e}, tolerance {result.tolerance.gap:.1e})"
    )
    tell(text, on_failure)
    return result


def tell(text: str, on_failure: str) -> None:
    """Raise or warn that a tolerance is not reached."""
    if on_failure == "raise":
        raise NotConvergedError(text)
    warnings.warn(text, NotConvergedWarning, stacklevel=outside())


def outside() -> int:
    """The stacklevel of the first caller that is not quot itself."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("quot."):
        level, frame = level + 1, frame.f_back
    return level


def talk(
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
