"""Flows by reference: transport along edges as one quadratic program, every edge a variable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from quot.certificate.flows import flow_error
from quot.convergence import Iterate, Monitor, Tolerance
from quot.dual import Dual
from quot.exceptions import InfeasibleError
from quot.flow import Flow
from quot.problem import GraphProblem
from quot.reference import models
from quot.result import GraphResult
from quot.validation import check_option

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

GRAPH_REFERENCE_METHODS = ("clarabel", "osqp")

# Imbalance of the masses that is round-off, relative to their total.
_ROUND_OFF = 1e-9
# A value that counts as small, relative to what the mass would cost on a typical edge.
_LEAST = 1e-3


def solve_graph_reference(
    problem: GraphProblem,
    method: str,
    tolerance: Tolerance,
    monitor: Monitor,
    *,
    solver_options: Mapping[str, Any] | None = None,
) -> GraphResult:
    """Solve transport along edges with CLARABEL or OSQP; return flow, potentials and certificate.

    An undirected edge is two variables, there and back, of which the optimum uses one. The flow is
    the solver's own, clipped to directions and capacities and not repaired: it balances the nodes
    only as exactly as the solver made it. The certificate shows that.

    Parameters
    ----------
    problem : GraphProblem
    method : {"clarabel", "osqp"}
        "clarabel" is an interior-point method; "osqp" a first-order one, which polishes what it
        ends at, and is slow where reg is small.
    tolerance : Tolerance
        What the answer is judged by; handed to the solver for the problem scaled to largest cost
        and mass 1.
    monitor : Monitor
        `max_iter` limits CLARABEL alone; OSQP may take 200000 of its cheap steps, unless
        `solver_options` says otherwise. `time_limit` limits both.
    solver_options : mapping, optional
        Options of the solver by its own names; they go before those set here.

    Returns
    -------
    GraphResult

    Raises
    ------
    MissingDependencyError
        If cvxpy or the solver is not installed.
    InfeasibleError
        If the edges cannot carry the mass, or the cost has no bound.
    SolverError
        If the solver breaks down.

    Notes
    -----
    With multipliers y of the balance of the nodes as cvxpy signs them the potentials are -y.
    """
    check_option(method, "method", GRAPH_REFERENCE_METHODS)
    cvxpy = models.load(method)
    program = _Program.of(problem)
    if program.cost.size:
        options = models.options_of(method, tolerance, monitor, program.least)
        options |= dict(solver_options or {})
        answer = _run(cvxpy, program, method, options)
    else:
        answer = _idle(program, tolerance, method)
    flow = program.flow(answer.values)
    models.count_steps(method, answer.iterations, monitor)
    stop = monitor.report(
        Iterate(
            residual=flow_error(problem, flow),
            support=flow.nnz,
            candidates=problem.graph.n_edges,
            violators=0,
            reg=float(problem.weights.max(initial=0.0)),
            inner=answer.iterations,
        )
    )
    status = models.ended(method, answer.outcome, stop, monitor)
    dual = program.dual(answer.potentials)
    return GraphResult.of(
        problem, flow, dual, status, tolerance=tolerance, monitor=monitor, method=method
    )


@dataclass(frozen=True, eq=False)
class _Program:
    """Minimise ``cost.z + weight.z^2 / 2`` over ``low <= z <= high`` with balance z = supply.

    The variables are the edges forth, those of `back` back, and in a partial problem what the nodes
    `senders` send and `receivers` receive, along arcs from a node N and to a node N + 1. Where all
    mass has to be sent, or to be received, there is nothing to choose: `sent` or `received` says
    so, there are no such arcs.
    """

    problem: GraphProblem
    back: Ints
    senders: Ints
    receivers: Ints
    sent: Floats
    received: Floats
    cost: Floats
    weight: Floats
    low: Floats
    high: Floats
    balance: sp.csr_array
    supply: Floats

    @classmethod
    def of(cls, problem: GraphProblem) -> _Program:
        """Write down the program of a problem."""
        graph, n = problem.graph, problem.graph.n_nodes
        # At length zero there and back together would cost nothing, without end: one variable.
        free = ~graph.directed & (graph.lengths == 0.0)
        back = np.flatnonzero(~graph.directed & ~free)
        sent, received = problem.source, problem.wanted
        senders = receivers = np.zeros(0, np.int64)
        if problem.is_balanced:
            supply = _asked(problem)
        else:
            supply = np.zeros(n + 2)
            sent, senders = _fixed_or_free(problem.source, problem.total)
            received, receivers = _fixed_or_free(problem.target, problem.total)
            supply[:n] = received - sent
            supply[n:] = problem.total * np.array([-(senders.size > 0), receivers.size > 0])
        source, sink = np.full(senders.size, n), np.full(receivers.size, n + 1)
        tail = np.concatenate((graph.tail, graph.head[back], source, receivers))
        head = np.concatenate((graph.head, graph.tail[back], senders, sink))
        nothing = np.zeros(source.size + sink.size)
        arcs = np.tile(np.arange(tail.size), 2)
        signs = np.repeat((-1.0, 1.0), tail.size)
        return cls(
            problem=problem,
            back=back,
            senders=senders,
            receivers=receivers,
            sent=sent,
            received=received,
            cost=np.concatenate((graph.lengths, graph.lengths[back], nothing)),
            weight=np.concatenate((problem.weights, problem.weights[back], nothing)),
            low=np.append(np.where(free, -graph.capacity, 0.0), np.zeros(back.size + nothing.size)),
            high=np.concatenate(
                (
                    graph.capacity,
                    graph.capacity[back],
                    problem.source[senders],
                    problem.target[receivers],
                )
            ),
            balance=sp.csr_array(
                (signs, (np.concatenate((tail, head)), arcs)), shape=(supply.size, tail.size)
            ),
            supply=supply,
        )

    def flow(self, z: Floats) -> Flow:
        """The flow of the edges, and what the nodes send and receive."""
        problem, edges = self.problem, self.problem.graph.n_edges
        z = np.clip(z, self.low, self.high)
        x = z[:edges].copy()
        x[self.back] -= z[edges : edges + self.back.size]
        star = z[edges + self.back.size :]
        sent, received = self.sent.copy(), self.received.copy()
        sent[self.senders] = star[: self.senders.size]
        received[self.receivers] = star[self.senders.size :]
        return Flow(problem.graph, x, sent, received)

    def dual(self, potentials: Floats) -> Dual:
        """The dual point, f (N,), g (N,) and lam, at potentials of the nodes.

        Without arcs from N and to N + 1 these two are worth as little, or as much, as is right.
        """
        if self.problem.is_balanced:
            return Dual(-potentials, potentials.copy())
        p, (source, sink) = potentials[:-2], potentials[-2:]
        if self.problem.total == 0.0:
            source, sink = p.max(), p.min()
        else:
            source = source if self.senders.size else p[self.sent > 0.0].min()
            sink = sink if self.receivers.size else p[self.received > 0.0].max()
        lam = float(sink - source)
        p = p - source
        return Dual(-p, p - lam, lam)

    @property
    def units(self) -> tuple[float, float]:
        """Largest cost and mass."""
        return float(np.abs(self.cost).max()) or 1.0, self.problem.unit

    @property
    def least(self) -> float:
        """A value so small that the certificate no more relates the gap to it, in these units."""
        lengths = np.abs(self.problem.graph.lengths)
        typical = (float(np.median(lengths)) if lengths.size else 0.0) or 1.0
        cost_unit, mass_unit = self.units
        small = _LEAST * (typical / cost_unit) * (self.problem.total / mass_unit)
        return min(small, 1.0) if small > 0.0 else 1.0


@dataclass(frozen=True, eq=False)
class _Answer:
    """What the solver says, in the units and signs of quot."""

    values: Floats
    potentials: Floats
    outcome: str
    iterations: int


def _run(cvxpy: ModuleType, program: _Program, method: str, options: dict[str, Any]) -> _Answer:
    """Solve with largest cost and mass 1; return the answer in the problem's own units."""
    problem, quadratic = program.problem, program.weight > 0.0
    cost_unit, mass_unit = program.units
    z = cvxpy.Variable(program.cost.size)
    goal = (program.cost / cost_unit) @ z
    if quadratic.any():
        weight = sp.diags_array(program.weight * (mass_unit / cost_unit), format="csc")
        goal = goal + 0.5 * cvxpy.quad_form(z, weight, assume_PSD=True)
    below, above = np.flatnonzero(np.isfinite(program.low)), np.flatnonzero(program.high < np.inf)
    constraints = [program.balance @ z == program.supply / mass_unit]
    if below.size:
        constraints.append(z[below] >= program.low[below] / mass_unit)
    if above.size:
        constraints.append(z[above] <= program.high[above] / mass_unit)
    model = cvxpy.Problem(cvxpy.Minimize(goal), constraints)
    models.run(cvxpy, model, method, options)
    if models.is_proved(model, method, "infeasible"):
        raise InfeasibleError(_infeasible(problem, method))
    if models.is_proved(model, method, "unbounded"):
        raise InfeasibleError(
            f"the cost has no bound ({method} proves it): a cycle of directed edges has a negative "
            "length and no capacity; give its edges a `capacity`, or pass `reg` > 0."
        )
    models.check_answer(model, method)
    return _Answer(
        values=mass_unit * z.value,
        potentials=-cost_unit * np.asarray(constraints[0].dual_value),
        outcome=str(model.status),
        iterations=int(model.solver_stats.num_iters or 0),
    )


def _idle(program: _Program, tolerance: Tolerance, method: str) -> _Answer:
    """The answer where there is nothing to choose, if it is one."""
    problem, supply = program.problem, program.supply
    if np.abs(supply).max() > tolerance.primal * problem.unit:
        raise InfeasibleError(_infeasible(problem, method))
    return _Answer(np.zeros(0), np.zeros(supply.size), "optimal", 0)


def _asked(problem: GraphProblem) -> Floats:
    """What each node of a balanced problem gets; round-off of the sums is taken off."""
    off = np.abs(problem.wanted - problem.target).sum()
    is_exact = off <= _ROUND_OFF * problem.total
    asked: Floats = (problem.wanted if is_exact else problem.target) - problem.source
    return asked


def _fixed_or_free(masses: Floats, total: float) -> tuple[Floats, Ints]:
    """What the nodes send (or receive) if there is no choice, else those that choose."""
    most = float(masses.sum())
    if total == 0.0 or most <= total * (1.0 + _ROUND_OFF):
        return masses * (total / most if most else 1.0), np.zeros(0, np.int64)
    return np.zeros_like(masses), np.flatnonzero(masses)


def _infeasible(problem: GraphProblem, method: str) -> str:
    return (
        f"the edges cannot carry the mass {problem.total:.6g} in their directions and within their "
        f"capacities ({method} proves it); add edges or capacity, or "
        + ("pass a `mass` to move." if problem.is_balanced else "lower `mass`.")
    )
