"""Result: the only thing any solver returns, and the only warm start it accepts."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from quot.certificate import Certificate, certify
from quot.convergence import Iterate, Monitor, Status, Tolerance
from quot.dual import Dual
from quot.flow import Flow
from quot.gibbs_plan import AnyPlan
from quot.labels import need_pandas
from quot.optional import need
from quot.perplexity import average, perplexities
from quot.plan import Plan
from quot.problem import AdaptiveProblem, GraphProblem, Transport
from quot.shown import Shown
from quot.validation import Rescaled

Floats = NDArray[np.float64]
# A problem, and its plan or flow.
P = TypeVar("P", bound=Any)
T = TypeVar("T", bound=AnyPlan | Flow)
# Plan, or GibbsPlan.
Q = TypeVar("Q", bound=AnyPlan)


@dataclass(frozen=True, eq=False)
class Solved(Shown, Generic[P, T]):
    """What a solve of any problem ends with; see `Result` and `GraphResult` for the fields."""

    problem: P
    plan: T
    f: Floats
    g: Floats
    lam: float
    certificate: Certificate
    status: Status
    tolerance: Tolerance = field(default_factory=Tolerance)
    history: tuple[Iterate, ...] = ()
    seconds: float = 0.0
    method: str = ""

    def __post_init__(self) -> None:
        """Give the plan the labels of its problem."""
        problem = self.problem
        if isinstance(problem, Transport) and (problem.row_labels or problem.col_labels):
            plan: Any = self.plan
            plan = plan.labelled(problem.row_labels, problem.col_labels)
            object.__setattr__(self, "plan", plan)

    @classmethod
    def of(
        cls,
        problem: P,
        plan: T,
        dual: Dual,
        status: Status,
        *,
        tolerance: Tolerance,
        monitor: Monitor,
        method: str,
        certificate: Certificate | None = None,
    ) -> Self:
        """Judge how a solve ended by the certificate of what it has found."""
        return cls.judged(
            problem,
            plan,
            dual,
            status,
            certificate or certify(problem, plan, dual.f, dual.g, dual.lam),
            tolerance=tolerance,
            history=tuple(monitor.history),
            seconds=monitor.seconds,
            method=method,
        )

    @classmethod
    def judged(
        cls,
        problem: P,
        plan: T,
        dual: Dual,
        status: Status,
        certificate: Certificate,
        *,
        tolerance: Tolerance,
        history: tuple[Iterate, ...],
        seconds: float,
        method: str,
    ) -> Self:
        """The same of what is certified, with a history that no monitor needs to have kept."""
        return cls(
            problem=problem,
            plan=plan,
            f=dual.f,
            g=dual.g,
            lam=dual.lam,
            certificate=certificate,
            status=certificate.judge(status, tolerance),
            tolerance=tolerance,
            history=history,
            seconds=seconds,
            method=method,
        )

    @cached_property
    def value(self) -> float:
        """The objective of the plan: <C, P> + reg/2 ||P||^2, or the one of the entropic problem."""
        value: float = self.problem.objective(self.plan)
        return value

    @cached_property
    def cost(self) -> float:
        """<C, P> alone."""
        cost: float = self.problem.linear_cost(self.plan)
        return cost

    def _facts(self) -> dict[str, Any]:
        is_done, judged = self.status is Status.OPTIMAL, self.certificate
        return {
            "problem": repr(self.problem),
            "status": self.status.name + ("" if is_done else f": {self.status.advice}"),
            "method": self.method or "not said",
            "value": self.value,
            "cost": self.cost,
            "relative gap": f"{judged.relative_gap:.1e}",
            "residual": f"{judged.primal_residual:.1e}",
            "mass moved": self.plan.total,
            **({} if self.rescaled is None else {"masses": str(self.rescaled)}),
            "plan": repr(self.plan),
            "iterations": len(self.history),
            "seconds": f"{self.seconds:.3g}",
        }

    @property
    def rescaled(self) -> Rescaled | None:
        """What was made smaller at the door, by the rounding of the type it came in; or None."""
        rescaled: Rescaled | None = self.problem.rescaled
        return rescaled

    def _end(self) -> str:
        """How the line on a result ends."""
        changed = "" if self.rescaled is None else f", {self.rescaled}"
        return f"{self.status.name}, {self.seconds:.3g} s{changed})"

    @property
    def gap(self) -> float:
        """Duality gap: `value` is at most this much above the optimum."""
        return self.certificate.gap

    @property
    def converged(self) -> bool:
        """Whether gap and residuals are within the tolerance, over all pairs."""
        return self.certificate.holds(self.tolerance)


R = TypeVar("R", bound=Solved[Any, Any])


def best_of(*results: R) -> R:
    """Return the first that converged, or else the first of the smallest gap."""
    return min(results, key=_missing)


def _missing(result: Solved[Any, Any]) -> tuple[bool, float]:
    """What is missing to a good answer, to compare answers by."""
    gap = result.certificate.relative_gap
    return not result.converged, math.inf if math.isnan(gap) else gap


class Result(Solved[Transport, Q]):
    """A plan with its potentials, its certificate and how it came about.

    Parameters
    ----------
    problem : Problem or EntropicProblem
        What was solved.
    plan : Plan or GibbsPlan
        Plan with exact marginals: by its entries if it is sparse, by its prices if it is entropic;
        from a reference method ("clarabel", "scs") the entries as that left them.
    f, g : array of shape (n,), (m,)
        Potentials: ``P_ij = max(f_i + g_j + lam - C_ij, 0) / reg`` for reg > 0; for reg = 0
        ``f_i + g_j + lam <= C_ij`` up to round-off. In an entropic problem
        ``P_ij = exp((f_i + g_j + lam - C_ij) / eps)``. In a partial problem f <= 0 and g <= 0.
    lam : float
        Price of the total mass; 0 in a balanced problem.
    certificate : Certificate
        Bracket of the optimal value and residuals, over all pairs.
    status : Status
    tolerance : Tolerance
        What `status` and `converged` were judged by.
    history : tuple of Iterate
        One entry per outer iteration.
    seconds : float
        Wall-clock time of the solve, certificate included, reporting left out.
    method : str
        The method as asked for.
    """

    def __repr__(self) -> str:
        n, m = self.problem.shape
        return (
            f"{type(self).__name__}({n} x {m}, value={self.value:.10g}, gap={self.gap:.1e}, "
            f"{self.plan!r}, {self._end()}"
        )


@dataclass(frozen=True, eq=False, repr=False)
class AdaptiveResult(Result[Plan]):
    """A plan in which points share their mass, with the multipliers of its bounds.

    Parameters
    ----------
    problem : AdaptiveProblem
        What was solved.
    plan : Plan
        Plan with exact marginals.
    f, g : array of shape (n,), (m,)
        Potentials: ``P_ij = h*'((f_i + g_j - C_ij) / E_ij)`` with ``E_ij = row_multipliers_i +
        col_multipliers_j`` and h*'(y) = max(y, 0) ("quadratic") or exp(y) ("entropic").
    lam : float
        0: all mass moves.
    certificate : Certificate
        Bracket of the optimal value, and what marginals and perplexities are missed by.
    status : Status
    tolerance : Tolerance
        What `status` and `converged` were judged by.
    history : tuple of Iterate
        One entry per perplexity on the way, and per floor.
    seconds : float
        Wall-clock time of the solve, certificate included, reporting left out.
    method : str
        "newton", "interior", or "linear" where the cheapest plan of all has the perplexities.
    row_multipliers, col_multipliers : array of shape (n,), (m,)
        What it costs that a row, or a column, must share its mass with so many others; next to
        nothing where it would by itself, 0 where there is no bound. Of rows, or columns, that only
        have a perplexity on average all are the same, the strength of the regularizer.
    """

    problem: AdaptiveProblem
    row_multipliers: Floats = field(default_factory=lambda: np.zeros(0))
    col_multipliers: Floats = field(default_factory=lambda: np.zeros(0))

    @cached_property
    def row_perplexity(self) -> Floats:
        """How many columns each row shares its mass with, (n,); NaN without mass."""
        return perplexities(self.plan, self.problem.regularizer)[0]

    @cached_property
    def col_perplexity(self) -> Floats:
        """The same of the columns, (m,)."""
        return perplexities(self.plan, self.problem.regularizer)[1]

    @property
    def average_perplexity(self) -> float:
        """What rows have on average; columns, if these alone are bounded."""
        problem = self.problem
        if problem.row_perplexity is None:
            mass, each = problem.b, self.col_perplexity
        else:
            mass, each = problem.a, self.row_perplexity
        has_some = ~np.isnan(each)
        return average(mass[has_some], each[has_some], problem.regularizer)


class GraphResult(Solved[GraphProblem, Flow]):
    """A flow along the edges of a graph with its potentials, its certificate and its history.

    Parameters
    ----------
    problem : GraphProblem
        What was solved.
    plan : Flow
        Mass along each edge, exact at every node; from a reference method ("clarabel", "osqp") as
        that left it.
    f, g : array of shape (N,)
        What a unit of mass pays to leave a node, and to arrive there, with the sign of a gain:
        ``f = -p`` and ``g = p - lam`` with the node potentials p. An undirected edge of quadratic
        weight reg carries ``sign(y) max(|y| - length, 0) / reg`` at ``y = p_head - p_tail``, up to
        its capacity.
    lam : float
        Price of the total mass; 0 in a balanced problem.
    certificate : Certificate
        Bracket of the optimal value and residuals, over all edges.
    status : Status
    tolerance : Tolerance
        What `status` and `converged` were judged by.
    history : tuple of Iterate
        One entry per outer iteration.
    seconds : float
        Wall-clock time of the solve, certificate included, reporting left out.
    method : str
        The method as asked for.
    """

    @property
    def flow(self) -> Floats:
        """Mass along each edge, first node to second, (E,); by nodes in `plan.to_csr()`."""
        return self.plan.values

    @property
    def potentials(self) -> Floats:
        """The potential p of each node, (N,): what a unit of mass is worth there."""
        return -self.f

    def table(self, node: str = "node") -> dict[str, Any]:
        """Return the columns of a table with a line for each node.

        Its name, or number; the mass that is there and that is wanted; what it sends and receives
        of these; and its potential. Mass that stays is sent and received.

        Parameters
        ----------
        node : str, default="node"
            What to call the column of the nodes.
        """
        problem, flow = self.problem, self.plan
        return {
            node: problem.graph.names(np.arange(problem.graph.n_nodes)),
            "source": problem.source,
            "target": problem.target,
            "sent": flow.sent,
            "received": flow.received,
            "potential": self.potentials,
        }

    def to_frame(self) -> Any:
        """Return a pandas DataFrame of `table`, with the nodes as its index."""
        return need_pandas().DataFrame(self.table()).set_index("node")

    def to_networkx(self) -> Any:
        """Return a networkx graph in which every edge points the way its mass goes.

        Nodes have their names, and the columns of `table` for attributes, and `pos`. Edges have a
        `flow` >= 0, their `length`, their `capacity` if there is one, and whether they are
        `directed`: of those that are not, and carry nothing, either direction is as good.

        Returns
        -------
        networkx.DiGraph
            A MultiDiGraph if two edges could point from one node to the same other one.

        Raises
        ------
        MissingDependencyError
            If networkx is not installed.

        Examples
        --------
        >>> import quot
        >>> path = quot.Graph(3, [[0, 1], [2, 1]], [1.0, 1.0], labels=["inn", "mill", "ford"])
        >>> made = quot.solve_graph(path, {"inn": 2.0}, {"ford": 2.0}).to_networkx()
        >>> made.edges["mill", "ford"]["flow"], made.nodes["ford"]["received"]
        (2.0, 2.0)
        """
        networkx = need("networkx", "graphs of networkx", "graphs")
        graph, flow = self.problem.graph, self.plan
        both = np.concatenate((graph.edges, graph.edges[~graph.directed][:, ::-1]))
        is_simple = len(np.unique(both, axis=0)) == len(both)
        made = networkx.DiGraph() if is_simple else networkx.MultiDiGraph()
        names, *columns = (list(column) for column in self.table().values())
        keys = list(self.table())[1:]
        for k, name in enumerate(names):
            made.add_node(name, **{key: float(c[k]) for key, c in zip(keys, columns, strict=True)})
            if graph.positions is not None:
                made.nodes[name]["pos"] = tuple(graph.positions[k].tolist())
        for k, (u, v) in enumerate(flow.ways.tolist()):
            limit = graph.capacity[k]
            made.add_edge(
                names[u],
                names[v],
                flow=float(abs(flow.values[k])),
                length=float(graph.lengths[k]),
                directed=bool(graph.directed[k]),
                **({"capacity": float(limit)} if np.isfinite(limit) else {}),
            )
        return made

    def __repr__(self) -> str:
        graph = self.problem.graph
        return (
            f"GraphResult({graph.n_nodes} nodes, {graph.n_edges} edges, value={self.value:.10g}, "
            f"gap={self.gap:.1e}, nnz={self.plan.nnz}, {self._end()}"
        )
