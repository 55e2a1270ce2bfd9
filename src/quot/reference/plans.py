"""Plans by reference: quadratic or entropic, every allowed pair a variable, as published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from quot.certificate import certify
from quot.convergence import Iterate, Monitor, Tolerance
from quot.dual import Dual
from quot.exceptions import InfeasibleError
from quot.plan import Plan
from quot.problem import EntropicProblem, Problem, Transport
from quot.reference import models
from quot.result import Result
from quot.validation import check_option

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

REFERENCE_METHODS = ("clarabel", "scs")


def solve_reference(
    problem: Problem,
    method: str,
    tolerance: Tolerance,
    monitor: Monitor,
    *,
    solver_options: Mapping[str, Any] | None = None,
) -> Result[Plan]:
    """Solve a quadratic problem with CLARABEL or SCS; return plan, potentials and certificate.

    Minimises ``<C, P> + reg/2 ||P||^2`` with every allowed pair a variable. The plan is the
    solver's own, clipped at 0 and not repaired: its marginals are only as exact as the solver
    made them, and its zeros are small positive numbers. The certificate shows both. Time and
    memory grow with n * m, about its power 1.5: for at most some hundred points a side.

    Parameters
    ----------
    problem : Problem
    method : {"clarabel", "scs"}
        "clarabel" is an interior-point method, "scs" a first-order one, good to about 1e-5.
    tolerance : Tolerance
        What the answer is judged by; handed to the solver for the problem scaled to largest cost
        and mass 1.
    monitor : Monitor
        `max_iter` limits CLARABEL alone; SCS keeps its own limit, unless `solver_options` says
        otherwise. `time_limit` limits both.
    solver_options : mapping, optional
        Options of the solver by its own names; they go before those set here.

    Returns
    -------
    Result

    Raises
    ------
    MissingDependencyError
        If cvxpy or the solver is not installed.
    InfeasibleError
        If the allowed pairs cannot carry the mass.
    SolverError
        If the solver breaks down.

    Notes
    -----
    With multipliers y of the constraints as cvxpy signs them (y >= 0 of ``P 1 <= a``), f, g and
    lam are -y; so f, g <= 0 in a partial problem.
    """
    return _solve(problem, method, tolerance, monitor, solver_options)


def solve_entropic_reference(
    problem: EntropicProblem,
    method: str,
    tolerance: Tolerance,
    monitor: Monitor,
    *,
    solver_options: Mapping[str, Any] | None = None,
) -> Result[Plan]:
    """Solve an entropic problem with CLARABEL or SCS; return plan, potentials and certificate.

    Minimises ``<C, P> + eps sum P (log P - 1)`` with one exponential cone a pair. Everything else
    is as in `solve_reference`. The source of this problem prints the entropy with the wrong sign
    and the factor eps/2: its eps is twice the one here.

    Parameters
    ----------
    problem : EntropicProblem
    method : {"clarabel", "scs"}
    tolerance : Tolerance
    monitor : Monitor
    solver_options : mapping, optional

    Returns
    -------
    Result
        Potentials of rows and columns without mass are -inf, so that
        ``P_ij = exp((f_i + g_j + lam - C_ij) / eps)`` holds everywhere.

    Raises
    ------
    MissingDependencyError, InfeasibleError, SolverError
        As `solve_reference`.
    """
    return _solve(problem, method, tolerance, monitor, solver_options)


def _solve(
    problem: Problem | EntropicProblem,
    method: str,
    tolerance: Tolerance,
    monitor: Monitor,
    solver_options: Mapping[str, Any] | None,
) -> Result[Plan]:
    """Reduce and scale, run the solver, scale back, certify."""
    check_option(method, "method", REFERENCE_METHODS)
    cvxpy = models.load(method)
    pairs = _allowed_pairs(problem)
    if problem.total == 0.0:
        answer = _idle(problem, pairs)
    elif pairs.values.size == 0:
        raise InfeasibleError(_infeasible(problem, method))
    else:
        options = models.options_of(method, tolerance, monitor) | dict(solver_options or {})
        answer = _run(cvxpy, problem, pairs, method, options)
    kept = answer.values > 0.0
    plan = Plan(problem.shape, pairs.rows[kept], pairs.cols[kept], answer.values[kept])
    f, g = _fill(problem, pairs, answer)
    certificate = certify(problem, plan, f, g, answer.lam)
    models.count_steps(method, answer.iterations, monitor)
    stop = monitor.report(
        Iterate(
            residual=certificate.primal_residual,
            support=plan.nnz,
            candidates=int(pairs.values.size),
            violators=0,
            reg=problem.reg if isinstance(problem, Problem) else 0.0,
            inner=answer.iterations,
        )
    )
    status = models.ended(method, answer.outcome, stop, monitor)
    return Result.of(
        problem, plan, Dual(f, g, answer.lam), status,
        tolerance=tolerance, monitor=monitor, method=method, certificate=certificate,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Allowed pairs between rows and columns with mass."""

    rows: Ints
    cols: Ints
    values: Floats


@dataclass(frozen=True, eq=False)
class _Answer:
    """What the solver says, in the units and signs of quot."""

    values: Floats
    f: Floats
    g: Floats
    lam: float
    outcome: str
    iterations: int


def _allowed_pairs(problem: Transport) -> _Pairs:
    """List the pairs that may carry mass, row by row."""
    block = problem.cost.block(0, problem.shape[0])
    allowed = np.isfinite(block) & (problem.a > 0)[:, None] & (problem.b > 0)[None, :]
    rows, cols = (index.astype(np.int32) for index in np.nonzero(allowed))
    return _Pairs(rows, cols, block[rows, cols])


def _run(
    cvxpy: ModuleType,
    problem: Problem | EntropicProblem,
    pairs: _Pairs,
    method: str,
    options: dict[str, Any],
) -> _Answer:
    """Solve with largest cost and mass 1; return the answer in the problem's own units."""
    cost_unit = float(np.abs(pairs.values).max()) or 1.0
    mass_unit = float(max(problem.a.max(), problem.b.max()))
    P = cvxpy.Variable(pairs.values.size, nonneg=isinstance(problem, Problem))
    goal = (pairs.values / cost_unit) @ P
    shift = 0.0
    if isinstance(problem, EntropicProblem):
        goal = goal + (problem.eps / cost_unit) * cvxpy.sum(-cvxpy.entr(P) - P)
        shift = problem.eps * np.log(mass_unit)
    elif problem.reg > 0:
        goal = goal + (0.5 * problem.reg * mass_unit / cost_unit) * cvxpy.sum_squares(P)
    row_sums, col_sums = (_sums(index, size) @ P for index, size in _axes(problem, pairs))
    a, b = problem.a / mass_unit, problem.b / mass_unit
    if problem.is_balanced:
        constraints = [row_sums == a, col_sums == b]
    else:
        mass = problem.total / mass_unit
        constraints = [row_sums <= a, col_sums <= b, cvxpy.sum(P) == mass]
    model = cvxpy.Problem(cvxpy.Minimize(goal), constraints)
    models.run(cvxpy, model, method, options)
    if models.is_proved(model, method, "infeasible"):
        raise InfeasibleError(_infeasible(problem, method))
    models.check_answer(model, method)
    f, g = (-cost_unit * np.asarray(c.dual_value) for c in constraints[:2])
    lam = 0.0 if problem.is_balanced else -cost_unit * float(constraints[2].dual_value) + shift
    return _Answer(
        values=mass_unit * np.maximum(P.value, 0.0),
        f=f + shift if problem.is_balanced else f,
        g=g,
        lam=lam,
        outcome=str(model.status),
        iterations=int(model.solver_stats.num_iters or 0),
    )


def _axes(problem: Transport, pairs: _Pairs) -> tuple[tuple[Ints, int], tuple[Ints, int]]:
    n, m = problem.shape
    return (pairs.rows, n), (pairs.cols, m)


def _sums(index: Ints, size: int) -> sp.csr_array:
    """Return the 0/1 matrix (size, nnz) that sums the entries with the same index."""
    ones = np.ones(index.size)
    return sp.csr_array((ones, (index, np.arange(index.size))), shape=(size, index.size))


def _fill(
    problem: Problem | EntropicProblem, pairs: _Pairs, answer: _Answer
) -> tuple[Floats, Floats]:
    """Give rows and columns without mass the potentials that keep the formula of the plan true."""
    f, g = answer.f.copy(), answer.g.copy()
    no_a, no_b = problem.a <= 0, problem.b <= 0
    if isinstance(problem, EntropicProblem):
        f[no_a], g[no_b] = -np.inf, -np.inf
    elif no_a.any() or no_b.any():
        cap = np.inf if problem.is_balanced else 0.0
        room = problem.cost.block(0, problem.shape[0]) - answer.lam
        f[no_a] = _least(np.where(no_b, np.inf, room - g).min(axis=1), cap)[no_a]
        g[no_b] = _least((room - f[:, None]).min(axis=0), cap)[no_b]
    return f, g


def _least(room: Floats, cap: float) -> Floats:
    """Return min(room, cap), 0 where nothing binds."""
    bound = np.minimum(room, cap)
    return np.where(np.isfinite(bound), bound, 0.0)


def _idle(problem: Problem | EntropicProblem, pairs: _Pairs) -> _Answer:
    """Say that nothing is to be moved: no plan, and no pair pays."""
    n, m = problem.shape
    lam = 0.0
    if not problem.is_balanced:
        lam = float(pairs.values.min(initial=0.0)) if isinstance(problem, Problem) else -np.inf
    return _Answer(np.zeros(pairs.values.size), np.zeros(n), np.zeros(m), lam, "optimal", 0)


def _infeasible(problem: Transport, method: str) -> str:
    return (
        f"The allowed pairs cannot carry the mass {problem.total:.6g} ({method} proves it); allow "
        "more pairs" + (" or lower `mass`." if not problem.is_balanced else ", or pass `mass`.")
    )
