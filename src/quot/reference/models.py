"""What all reference solvers share: a model of cvxpy, its solver, and how that ended."""

from __future__ import annotations

import warnings
from typing import Any

from quot import interrupts
from quot.convergence import Monitor, Status, Tolerance
from quot.exceptions import InvalidProblemError, MissingDependencyError, SolverError
from quot.optional import need

# Iterations allowed to OSQP; each is cheap, and cvxpy's own limit is for three digits.
_OSQP_STEPS = 200_000


def load(method: str) -> Any:
    """Import cvxpy and make sure that it has the solver."""
    module = need("cvxpy", "reference solvers", "reference")
    if method.upper() not in module.installed_solvers():
        raise MissingDependencyError(
            f'method="{method}" needs the solver {method}, which cvxpy does not find; install it '
            "with `pip install 'quot[reference]'`."
        )
    return module


def options_of(
    method: str, tolerance: Tolerance, monitor: Monitor, least: float = 1.0
) -> dict[str, Any]:
    """Say our tolerances and limits in the words of the solver.

    It measures in other norms than the certificate, and gaps below a value of 1 absolutely; a gap
    of a smaller value is relative down to the value `least`.
    """
    gap, primal = tolerance.gap / 100, min(tolerance.primal, tolerance.dual) / 10
    options: dict[str, Any]
    if method == "clarabel":
        options = {
            "tol_gap_rel": gap * least,
            "tol_gap_abs": gap * least,
            "tol_feas": primal,
            "max_iter": monitor.steps_left,
            "accept_unknown": True,
        }
    elif method == "scs":
        both = min(10 * gap, primal)  # a first-order method pays for each digit
        options = {"eps_abs": both, "eps_rel": both}
    else:
        # Its own limits to be infeasible are so loose that at the end of its time it often is.
        both = gap * least
        options = {"eps_abs": both, "eps_rel": both, "max_iter": _OSQP_STEPS}
        options |= {"eps_prim_inf": 1e-7, "eps_dual_inf": 1e-7}
    if monitor.time_limit is not None:
        limit = "time_limit_secs" if method == "scs" else "time_limit"
        options[limit] = max(monitor.time_limit - monitor.seconds, 1e-3)
    return options


def run(cvxpy: Any, model: Any, method: str, options: dict[str, Any]) -> None:
    """Run the solver; its errors become ours, its warnings are said by the certificate."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with interrupts.raised():
                model.solve(solver=method.upper(), **options)
        except cvxpy.error.SolverError as error:
            raise SolverError(
                f"{method} failed: {error} Loosen `tol` or use another method."
            ) from error
        except (TypeError, ValueError) as error:
            raise InvalidProblemError(
                f"{method} refuses its options: {error} Correct `solver_options`; sent were "
                f"{sorted(options)}."
            ) from error


def is_proved(model: Any, method: str, outcome: str) -> bool:
    """Whether the solver proves "infeasible" or "unbounded"; of OSQP at a limit it is a guess."""
    return model.status == outcome or (model.status == f"{outcome}_inaccurate" and method != "osqp")


def check_answer(model: Any, method: str) -> None:
    """Raise SolverError if the solver left no values, or no duals."""
    parts = [v.value for v in model.variables()] + [c.dual_value for c in model.constraints]
    if any(part is None for part in parts):
        raise SolverError(
            f"{method} ended with status {model.status!r} and without an answer; loosen `tol`, "
            "raise `max_iter` or `time_limit`, or use another method."
        )


def count_steps(method: str, iterations: int, monitor: Monitor) -> None:
    """Count interior-point steps as ours; those of a first-order method are too cheap for that."""
    if method == "clarabel":
        monitor.steps += iterations


def ended(method: str, outcome: str, stop: Status | None, monitor: Monitor) -> Status:
    """How the solver ended by its own word, for the certificate to judge."""
    if outcome == "optimal" or (outcome == "optimal_inaccurate" and method == "clarabel"):
        return Status.OPTIMAL
    if monitor.is_late():
        return Status.TIME_LIMIT
    return stop or Status.ITERATION_LIMIT
