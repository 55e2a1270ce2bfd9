"""A problem along edges with its lengths capped; see `ceiling`."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quot.certificate.flows import repair_flow
from quot.flow import Flow
from quot.prices import DEAR, LOST, least_size, middle_price, unit_for
from quot.problem import GraphProblem
from quot.quadratic.ceiling import Ceiling

Floats = NDArray[np.float64]

# A price that is next to nothing beside another.
_LITTLE = 1e-6
# Flow that rounding explains, relative to the total; and what an edge lets through that is shut.
_DUST, _SHUT = 16 * float(np.finfo(np.float64).eps), 1e-300


@dataclass(frozen=True, eq=False)
class Shortened:
    """A problem with its lengths capped, and all prices in another unit, a power of two.

    Parameters
    ----------
    problem : GraphProblem
        What is solved instead: the original itself where no length is above the cap.
    original : GraphProblem
    ceiling : Ceiling
    unit : float
        What a price of the problem is in the original.
    """

    problem: GraphProblem
    original: GraphProblem
    ceiling: Ceiling
    unit: float

    @classmethod
    def first(cls, problem: GraphProblem) -> Shortened:
        """With the first cap to try."""
        return cls.of(problem, Ceiling(_first_cap(problem)))

    @classmethod
    def of(cls, problem: GraphProblem, ceiling: Ceiling) -> Shortened:
        """With this cap."""
        if problem.graph.lengths.max(initial=-math.inf) <= ceiling.cap:
            ceiling = replace(ceiling, cap=math.inf)
        lengths = np.minimum(problem.graph.lengths, ceiling.cap)
        strength = float(problem.weights.max(initial=0.0))
        size = float(np.abs(lengths).max(initial=0.0)) or strength * problem.total
        unit = unit_for(max(size, least_size(strength, problem.total)))
        if ceiling.cap == math.inf and unit == 1.0:
            return cls(problem, problem, ceiling, unit)
        graph = replace(problem.graph, lengths=lengths / unit)
        weights = problem.weights / unit
        if lengths.min(initial=0.0) >= 0.0:  # else something may flow although there is no mass
            weights = np.where(weights * problem.total > LOST, weights, 0.0)
        return cls(replace(problem, graph=graph, reg=weights), problem, ceiling, unit)

    def next(self, flow: Flow, *, is_good: bool) -> Shortened | None:
        """With another cap, where the flow of the original says that this is needed."""
        length = self.original.graph.lengths
        ceiling = self.ceiling.next(length, length[flow.values != 0.0], is_good=is_good)
        return None if ceiling is None else Shortened.of(self.original, ceiling)

    @property
    def is_linear(self) -> bool:
        """Whether squares are nothing beside what was paid for edges beyond a cap too low."""
        problem = self.original
        return (
            float(problem.weights.max(initial=0.0)) * problem.total <= _LITTLE * self.ceiling.paid
        )

    def repaired(self, flow: Flow) -> Flow:
        """A feasible flow on the edges as they are, if there is one near.

        Where that can be, edges beyond the cap carry nothing but what rounding does not explain.
        """
        graph, x, near = self.original.graph, flow.values, None
        if self.ceiling.cap < math.inf:
            idle = (graph.lengths > self.ceiling.cap) & (np.abs(x) <= _DUST * self.original.total)
            others = replace(self.problem.graph, capacity=np.where(idle, _SHUT, graph.capacity))
            without = replace(flow, values=np.where(idle, 0.0, x))
            near = repair_flow(replace(self.problem, graph=others), without)
            near = near and replace(near, values=np.where(idle, 0.0, near.values))
        near = near or repair_flow(self.problem, flow) or flow
        return replace(near, graph=graph)


def typical_length(problem: GraphProblem) -> float:
    """What half of the mass that has to move pays at least at its ends; see `_at_the_ends`.

    The shortest length where that is nothing, 0 if there is none.
    """
    shortest = _shortest(problem)
    return _at_the_ends(problem) or (shortest if shortest < math.inf else 0.0)


def _first_cap(problem: GraphProblem) -> float:
    """Many times what mass has to pay for lengths, and might have to pay for squares."""
    size = np.abs(problem.graph.lengths)
    if size.max(initial=0.0) <= DEAR * size.min(initial=math.inf):  # an edge has to be paid for
        return math.inf
    gain = max(-float(problem.graph.lengths.min(initial=0.0)), 0.0)
    squares = float(problem.weights.max(initial=0.0)) * problem.total
    return DEAR * ((_at_the_ends(problem) + gain + squares) or _shortest(problem))


def _shortest(problem: GraphProblem) -> float:
    """The shortest length that is not zero; inf if all are."""
    size = np.abs(problem.graph.lengths)
    return float(size[size > 0.0].min(initial=math.inf))


def _at_the_ends(problem: GraphProblem) -> float:
    """What half of the mass that has to move pays at least for its first edge, or for its last.

    Edges that are longer than others at the same nodes do not count.
    """
    graph, size, n = problem.graph, np.abs(problem.graph.lengths), problem.graph.n_nodes
    out, into, both = np.full(n, np.inf), np.full(n, np.inf), ~graph.directed
    for least, ends, others in ((out, graph.tail, graph.head), (into, graph.head, graph.tail)):
        np.minimum.at(least, ends, size)
        np.minimum.at(least, others[both], size[both])
    home = np.minimum(problem.source, problem.wanted)
    moves = problem.total - float(home.sum())
    if moves <= 0.0:
        return 0.0
    first = _half(out, problem.source - home, moves)
    return max(first, _half(into, problem.wanted - home, moves))


def _half(price: Floats, mass: Floats, total: float) -> float:
    """What half of this total pays where it is cheapest, of masses that can be had; 0 if none."""
    able = (mass > 0.0) & (price < np.inf)
    return middle_price(price[able], mass[able], total) if able.any() else 0.0
