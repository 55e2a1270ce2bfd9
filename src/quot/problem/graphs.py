"""Flow along the edges of a graph."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.exceptions import InvalidProblemError
from quot.flow import Flow
from quot.graph import Graph
from quot.order import explained, of_graph
from quot.parallel import dot
from quot.problem.transport import MUCH, in_one_line, unit_of
from quot.shown import Shown, ends
from quot.validation import (
    Rescaled,
    as_mass,
    as_regs,
    check_range,
    rescale,
    round_off,
)

Floats = NDArray[np.float64]

# A quadratic term that is next to nothing, in lengths.
_LITTLE = 1e-6


@dataclass(frozen=True, eq=False, repr=False)
class GraphProblem(Shown):
    """Transport along the edges of a graph, balanced or partial.

    Minimise ``sum_e l_e |w_e| + reg_e/2 w_e^2`` over flows w along the edges (in its direction only
    on a directed edge, within its capacity) that bring `source` to `target`: what arrives at each
    node, net, is ``target - source``; or, with `mass`, ``received - sent`` of any
    ``0 <= sent <= source``, ``0 <= received <= target`` with totals `mass`.

    Parameters
    ----------
    graph : Graph, networkx graph or scipy.sparse array of shape (N, N)
        See `Graph.of`.
    source, target : array of shape (N,), or Series or mapping of nodes to masses
        Mass that is at each node, and that is wanted there; nodes that are not named have none.
    reg : float, array of shape (E,), or Series or mapping of pairs of nodes, default=0
        Strength of the quadratic term, of all edges or of each, in length per mass.
    mass : float, optional
        Mass to move, ``0 <= mass <= min(source.sum(), target.sum())``. Mass that is wanted where it
        is counts as moved.

    Raises
    ------
    InvalidProblemError
        If an argument is not what is described above; the message says what to do.
    """

    graph: Graph
    source: Floats
    target: Floats
    reg: float | Floats = 0.0
    mass: float | None = None
    round_off: float = field(init=False, default=0.0, repr=False)
    rescaled: Rescaled | None = field(init=False, default=None, repr=False)

    @explained(of_graph)
    def __post_init__(self) -> None:
        graph, names = Graph.of(self.graph), ("source", "target")
        source, target = graph.masses(self.source, "source"), graph.masses(self.target, "target")
        own, asked = max(round_off(self.source), round_off(self.target)), self.mass
        mass, changed = as_mass(asked, source, target, names, own=own), None
        if mass is not None:
            changed = Rescaled.of_mass(asked, mass)
        elif own:
            component = graph.components
            source, target, changed = rescale(source, target, (component,) * 2, own, names)
        for name, value in (
            ("graph", graph),
            ("source", source),
            ("target", target),
            ("reg", as_regs(graph.by_edge(self.reg, "reg"), graph.n_edges)),
            ("mass", mass),
            ("round_off", own),
            ("rescaled", changed),
        ):
            object.__setattr__(self, name, value)
        self._check_range()

    def _check_range(self) -> None:
        """Refuse values that floats do not hold, where something moves."""
        size, moves = np.abs(self.graph.lengths), self.total
        moves -= float(np.minimum(self.source, self.target).sum())
        if moves > 0.0 and size.size and not 1.0 / MUCH <= moves <= 1.0:
            weights = self.weights
            squares = float(weights.min()) * moves / size.size, float(weights.max()) * moves
            least, most = float(size.min()) + squares[0], float(size.max()) + squares[1]
            check_range(moves, least, most)

    def _facts(self) -> dict[str, Any]:
        return {
            "nodes": self.graph.n_nodes,
            "edges": self.graph.n_edges,
            "source": f"total {self.source.sum():.6g}",
            "target": f"total {self.target.sum():.6g}",
            "mass": "all" if self.mass is None else self.mass,
            "reg": ends(np.asarray(self.reg)) if np.size(self.reg) else "0",
        }

    def __repr__(self) -> str:
        size = f"{self.graph.n_nodes} nodes, {self.graph.n_edges} edges"
        return in_one_line(self, size, {"reg": self._facts()["reg"]})

    @property
    def is_balanced(self) -> bool:
        """Whether all mass of `source` and `target` must move."""
        return self.mass is None

    @cached_property
    def total(self) -> float:
        """Mass to move."""
        return float(self.source.sum()) if self.mass is None else self.mass

    @cached_property
    def unit(self) -> float:
        """The most a node can send or get, 1 if that is none."""
        return unit_of(self.source, self.target, self.total)

    @cached_property
    def wanted(self) -> Floats:
        """The target as it is met, (N,): in a balanced problem each component gets what it has.

        That is the target up to the rounding of sums.
        """
        if not self.is_balanced:
            return self.target
        have, want = self.graph.sums(self.source), self.graph.sums(self.target)
        ratio = np.divide(have, want, out=np.ones_like(want), where=want > 0.0)
        met: Floats = self.target * ratio[self.graph.components]
        return met

    @cached_property
    def is_nearly_linear(self) -> bool:
        """Whether the quadratic term may say next to nothing: it does on the longest edge."""
        longest = float(np.abs(self.graph.lengths).max(initial=0.0))
        return bool(self.weights.max(initial=0.0) * self.total <= _LITTLE * longest)

    @cached_property
    def weights(self) -> Floats:
        """The strength of the quadratic term of each edge, (E,)."""
        return np.broadcast_to(np.asarray(self.reg, dtype=np.float64), self.graph.n_edges)

    def fitted(self, flow: Any) -> Flow:
        """Return a flow that is one along the edges of this graph.

        Raises
        ------
        InvalidProblemError
            If it is none, or one of another graph.
        """
        graph = self.graph
        if not isinstance(flow, Flow):
            raise InvalidProblemError(
                f"the plan of a graph problem is a quot.Flow; got {type(flow).__name__}. Make one, "
                "`quot.Flow(problem.graph, values, sent, received)`."
            )
        if (flow.graph.n_nodes, len(flow)) != (graph.n_nodes, graph.n_edges):
            raise InvalidProblemError(
                f"the flow is one along {len(flow)} edges of {flow.graph!r}, and the problem has "
                f"{graph!r}; pass a flow along its edges."
            )
        return flow

    def linear_cost(self, flow: Flow) -> float:
        """Return what the lengths cost: the sum of ``l |w|``, of ``l w`` on directed edges."""
        graph, x = self.graph, self.fitted(flow).values
        return dot(graph.lengths, np.where(graph.directed, x, np.abs(x)))

    def objective(self, flow: Flow) -> float:
        """Return what is minimised, constraints apart."""
        return self.linear_cost(flow) + 0.5 * dot(self.weights * flow.values, flow.values)
