"""Lengths that nothing has to pay: capped while a problem is solved.

Very long edges would only spoil the precision of potentials, and say nothing of what is a typical
length. Where they carry nothing although they are taken to be shorter, the flow is optimal for the
lengths as they are, and the potentials fit those. Only lengths change, never what can flow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quot.certificate.flows import repair_flow
from quot.graph import Flow
from quot.prices import middle_price, unit_for
from quot.problem import GraphProblem
from quot.result import GraphResult

Floats = NDArray[np.float64]

# Lengths are capped at so many times what mass has to pay, as far as that is known before; and in
# the end, where they had to be higher, at so many times the longest that carries something.
_DEAR, _ENOUGH = 1e4, 10.0
# A price that is next to nothing beside another.
_LITTLE = 1e-6
# Flow that rounding explains, relative to the total; and what an edge lets through that is shut.
_DUST, _SHUT = 16 * float(np.finfo(np.float64).eps), 1e-300


@dataclass(frozen=True, eq=False)
class Shortened:
    """A problem with its lengths capped, and all prices in another unit.

    Parameters
    ----------
    problem : GraphProblem
        What is solved instead.
    original : GraphProblem
    cap : float
        In the lengths of the original; inf where none is longer.
    unit : float
        What a price of the problem is in the original: a power of two.
    low, high : float
        The highest cap that was too low, and the lowest that was not.
    paid : float
        Of the edges that carried something beyond a cap too low, the length of the shortest; 0 if
        there was none.
    step : float
        How many times this cap the next is, should this be too low.
    """

    problem: GraphProblem
    original: GraphProblem
    cap: float
    unit: float
    low: float = 0.0
    high: float = math.inf
    paid: float = 0.0
    step: float = _DEAR

    @classmethod
    def of(cls, problem: GraphProblem, cap: float | None = None, **found: float) -> Shortened:
        """With this cap, or the first to try: many times what mass has to pay."""
        cap = _first_cap(problem) if cap is None else cap
        if problem.graph.lengths.max(initial=-math.inf) <= cap:
            cap = math.inf
        lengths = np.minimum(problem.graph.lengths, cap)
        unit = unit_for(float(np.abs(lengths).max(initial=0.0)))
        if cap == math.inf and unit == 1.0:
            return cls(problem, problem, cap, unit, **found)
        graph = replace(problem.graph, lengths=lengths / unit)
        return cls(
            replace(problem, graph=graph, reg=problem.reg / unit), problem, cap, unit, **found
        )

    def next(self, result: GraphResult) -> Shortened | None:
        """With another cap, where that is needed or may be better; None where it is not.

        Higher and higher ones while edges beyond them carry something; then, or where the result is
        not good enough, as low as what carries something allows: the search may have gone too far.
        """
        length = self.original.graph.lengths
        used, longest = length[result.flow != 0.0], float(length.max(initial=0.0))
        beyond = used[used > self.cap]
        found = {"low": self.low, "high": self.high, "paid": self.paid}
        if beyond.size:
            cap = max(self.step * self.cap, float(length[length > self.cap].min()))
            cap = min(cap, longest)
            found |= {"low": self.cap, "paid": float(beyond.min()), "step": self.step * self.step}
            worth = cap < self.high
        else:
            high = min(self.cap, longest)
            cap = _ENOUGH * float(used.max(initial=0.0))
            if not result.converged and cap > high / _ENOUGH:
                cap = math.sqrt(self.low) * math.sqrt(high)
            found |= {"high": high}
            worth = (self.low > 0.0 or not result.converged) and cap <= high / _ENOUGH
        return Shortened.of(self.original, cap, **found) if worth and cap > self.low else None

    @property
    def is_linear(self) -> bool:
        """Whether squares are nothing beside what was paid for edges beyond a cap too low."""
        problem = self.original
        return float(problem.weights.max(initial=0.0)) * problem.total <= _LITTLE * self.paid

    def repaired(self, flow: Flow) -> Flow:
        """A feasible flow on the edges as they are, if there is one near.

        Where that can be, edges beyond the cap carry nothing but what rounding does not explain.
        """
        graph, x, near = self.original.graph, flow.values, None
        if self.cap < math.inf:
            idle = (graph.lengths > self.cap) & (np.abs(x) <= _DUST * self.original.total)
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
    gain = max(-float(problem.graph.lengths.min(initial=0.0)), 0.0)
    squares = float(problem.weights.max(initial=0.0)) * problem.total
    return _DEAR * ((_at_the_ends(problem) + gain + squares) or _shortest(problem))


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
    if (graph.lengths < 0.0).any():
        home = np.zeros(n)
    moves = problem.total - float(home.sum())
    first = _half(out, problem.source - home, moves)
    return max(first, _half(into, problem.wanted - home, moves))


def _half(price: Floats, mass: Floats, total: float) -> float:
    """What half of this total pays where it is cheapest, of masses that can be had; 0 if none."""
    able = (mass > 0.0) & (price < np.inf)
    return middle_price(price[able], mass[able], total) if able.any() else 0.0
