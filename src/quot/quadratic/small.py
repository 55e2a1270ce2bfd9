"""Small linear problems on matrices, many in one compiled call.

There what is done between two calls takes as long as the method itself. Costs that are convex along
a line, or that cannot do without what is far above the cheapest pairs, go the way of larger ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quot.certificate.small import certify_each, surely_hold
from quot.convergence import Tolerance
from quot.dual import Dual
from quot.kernels import climb, tree
from quot.kernels import small as kernels
from quot.kernels import stack as layout
from quot.network.basis import ROUNDS, UNITS, Basis, Masses
from quot.network.cycles import PUSHES
from quot.network.simplex import PLACES, Vertex
from quot.plan import Plan
from quot.prices import DEAR, HUGE, TINY
from quot.problem import Problem
from quot.problem.many import Many
from quot.problem.stack import Stack, is_small
from quot.quadratic.answers import Answers
from quot.quadratic.pair_list import UNIT, Kept
from quot.settings import settings

Floats = NDArray[np.float64]

# Many pairs are active where there are more than so many for each row and column. Newton steps from
# the prices of the vertex where they are, and where few are.
FEW, STEPS, TRIED = 1.2, 40, 12
# A row or column that has so many times what moves in all may as well have any more.
MUCH = 1e3


class Small(NamedTuple):
    """A vertex, its plan and prices, whether others may cost no more, and the costs (n, m)."""

    vertex: Vertex
    plan: Plan
    dual: Dual
    has_ties: bool
    C: Floats


class Together:
    """Small problems from the vertices of the linear ones on, as far as they are solved at once.

    Parameters
    ----------
    problems : sequence of Problem, or Many
        On matrices that are small.

    Attributes
    ----------
    answers : Answers
    ends : array of shape (K,)
        How each stands: OTHER, DONE or VERTEX.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems, count = problems, len(problems)
        self.stack = _stacked(problems)
        self.answers = answers = Answers(problems, self.stack.where)
        nodes = answers.potentials.size
        self.links, self.flow = np.empty((5, nodes), np.int32), np.empty(nodes, np.int64)
        self.paid, self.p = np.empty((2, nodes))
        self.ends = np.empty(count, np.int64)
        self._found = *answers.plans, answers.potentials, answers.found
        rules = TINY, HUGE, DEAR, MUCH, settings().convex, PLACES
        scales = UNITS, UNIT, ROUNDS, settings().stretch
        basis = self.links, self.flow, self.paid, self.p, answers.at
        kernels.solve_linear(*self.stack, rules, scales, *basis, *self._found, self.ends)

    def settle(self) -> None:
        """Let any vertex do where the problem is linear, though other plans cost no more."""
        is_linear = self.stack.numbers[:, layout.REG] == 0.0
        self.ends[is_linear & (self.ends == layout.VERTEX)] = layout.DONE

    def climb(self, tol: float, max_iter: int) -> None:
        """Newton up from the vertices, where there is a quadratic term, or others cost no more."""
        if not (self.stack.numbers[:, layout.REG].any() or (self.ends == layout.VERTEX).any()):
            return
        enough, most = settings().at_the_end * tol, settings().climbed
        rules = enough, settings().closed * tol, FEW, STEPS, TRIED, most, max_iter, PUSHES
        pivots, reports = self.answers.at[:, tree.PIVOTS].copy(), self.answers.reports
        climb.climb(*self.stack, pivots, rules, *self._found, reports, self.ends)

    def certify(self, tolerance: Tolerance) -> list[bool]:
        """Make plans exact and certify them: which are what is wanted, within the tolerance."""
        kernels.make_exact(*self.stack, *self._found, self.ends)
        if (self.ends == layout.INEXACT).any():
            kernels.mend_each(*self.stack, *self._found, self.ends)
        answers = self.answers
        duals = answers.potentials, answers.found
        numbers = certify_each(self.stack, answers.plans, duals, self.ends)
        answers.certificates, answers.tolerance = numbers.tolist(), tolerance
        if len(self.problems) == 1:
            return [bool(self.ends[0] == layout.DONE) and answers.certificate(0).holds(tolerance)]
        are_done, hold = self.ends == layout.DONE, surely_hold(numbers, tolerance)
        for k in np.flatnonzero(are_done & ~hold).tolist():
            hold[k] = answers.certificate(k).holds(tolerance)
        return list((hold & are_done).tolist())

    def small(self, k: int) -> Small | None:
        """The vertex of problem k, before its plan is made exact; None if it was not found."""
        if self.ends[k] == layout.OTHER:
            return None
        problem, node = self.problems[k], self.answers.node(k)
        (n, m), kept = problem.shape, Kept(*self.stack.numbers[k, layout.KEPT_ROWS :].tolist())
        masses = Masses.beside(problem.a, problem.b, kept)
        nodes = slice(node, node + masses.a.size + masses.b.size)
        links = np.ascontiguousarray(self.links[:, nodes])
        basis = Basis(
            masses, (links, self.flow[nodes], self.paid[nodes], self.p[nodes], self.answers.at[k])
        )
        u, v = basis.p[:n], basis.p[basis.rows : basis.rows + m]
        plan, (_, *tops) = self.answers.plan(k), self.answers.found[k].tolist()
        entries = plan.rows, plan.cols, plan.values
        vertex = Vertex(
            *entries, u, v, (tops[0], tops[1]), basis, basis.pivots, basis.looks, is_optimal=True
        )
        at = int(self.stack.where[k, layout.COSTS])
        C = self.stack.costs[at : at + n * m].reshape(n, m)
        return Small(vertex, plan, self.answers.dual(k), bool(self.ends[k] == layout.VERTEX), C)


def _stacked(problems: Sequence[Problem] | Many) -> Stack:
    """The problems as kernels take them."""
    if type(problems) is Many:
        return Stack.alike(problems, _room(*problems.shape), Kept.each(problems))
    rooms, kept = [_room(*p.shape) for p in problems], [Kept.of(p) for p in problems]
    return Stack.of(problems, rooms, kept)


def _room(n: int, m: int) -> int:
    """How many pairs a plan has at most, while it is made, and when it is."""
    return max(3 * (n + m + 2), n * m)


def solve_small(problem: Problem) -> Small | None:
    """Solve a problem of positive masses without its quadratic term; None if not done at once."""
    return Together([problem]).small(0) if is_small(problem) else None
