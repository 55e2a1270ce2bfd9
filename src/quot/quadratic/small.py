"""Small linear problems on matrices, many in one compiled call.

There what is done between two calls takes as long as the method itself. Costs that are convex along
a line, or that cannot do without what is far above the cheapest pairs, go the way of larger ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quot.certificate import Certificate
from quot.certificate.small import certify_each
from quot.convergence import Iterate
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
from quot.problem.stack import Stack, is_small
from quot.quadratic.pair_list import UNIT, Kept
from quot.settings import settings
from quot.trusted import trusted

Floats = NDArray[np.float64]

# Many pairs are active where there are more than so many for each row and column. Newton steps from
# the prices of the vertex where they are, and where few are; and a gap that is nothing beside the
# tolerance.
FEW, STEPS, TRIED, CLOSED = 1.2, 40, 12, 0.1
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
    problems : sequence of Problem
        On matrices that are small.

    Attributes
    ----------
    ends : array of shape (K,)
        How each stands: OTHER, DONE or VERTEX.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems, count = problems, len(problems)
        self.stack = Stack.of(
            problems, [_room(problem) for problem in problems], [Kept.of(p) for p in problems]
        )
        self._where: list[list[int]] = self.stack.where.tolist()
        *_, nodes, pairs = self._where[-1]
        self.links, self.flow = np.empty((5, nodes), np.int32), np.empty(nodes, np.int64)
        self.paid, self.p, self.potentials = np.empty((3, nodes))
        self.at, self.found = np.empty((count, 4), np.int64), np.empty((count, 3))
        self.rows, self.cols = np.empty((2, pairs), np.int32)
        self.values = np.empty(pairs)
        self.counts, self.ends = np.empty((2, count), np.int64)
        self._plans = self.rows, self.cols, self.values, self.counts
        self._answers = *self._plans, self.potentials, self.found
        rules = TINY, HUGE, DEAR, MUCH, settings().convex, PLACES
        scales = UNITS, UNIT, ROUNDS, settings().stretch
        basis = self.links, self.flow, self.paid, self.p, self.at
        kernels.solve_linear(*self.stack, rules, scales, *basis, *self._answers, self.ends)

    def settle(self) -> None:
        """Let any vertex do where the problem is linear, though other plans cost no more."""
        is_linear = self.stack.numbers[:, layout.REG] == 0.0
        self.ends[is_linear & (self.ends == layout.VERTEX)] = layout.DONE

    def climb(self, tol: float, max_iter: int) -> None:
        """Newton up from the vertices, where there is a quadratic term, or others cost no more."""
        if not (any(p.reg for p in self.problems) or layout.VERTEX in self.ends.tolist()):
            return
        self.reports = np.zeros((self.ends.size, 4))
        enough, most = settings().at_the_end * tol, settings().climbed
        rules = enough, CLOSED * tol, FEW, STEPS, TRIED, most, max_iter, PUSHES
        results = *self._answers, self.reports, self.ends
        climb.climb(*self.stack, self.at[:, tree.PIVOTS].copy(), rules, *results)

    def certificates(self) -> list[Certificate | None]:
        """Make plans exact and certify them, but those that may not be what is wanted."""
        kernels.make_exact(*self.stack, *self._answers, self.ends)
        if layout.INEXACT in self.ends.tolist():
            kernels.mend_each(*self.stack, *self._answers, self.ends)
        return certify_each(self.stack, self._plans, (self.potentials, self.found), self.ends)

    def plan(self, k: int) -> Plan:
        """The plan of problem k, as far as it is."""
        first = self._where[k][layout.PAIRS]
        entries = slice(first, first + int(self.counts[k]))
        return trusted(
            Plan,
            shape=self.problems[k].shape,
            rows=self.rows[entries].copy(),
            cols=self.cols[entries].copy(),
            values=self.values[entries].copy(),
        )

    def dual(self, k: int) -> Dual:
        """Its dual point."""
        (n, m), node = self.problems[k].shape, self._where[k][layout.NODES]
        prices = self.potentials[node : node + n + m].copy()
        return trusted(Dual, f=prices[:n], g=prices[n:], lam=self.found.item(k, layout.LAM))

    def iterates(self, k: int, seconds: float) -> tuple[Iterate, ...]:
        """What there is to report of it: the vertex, and the steps from there, if any."""
        problem, (*_, pivots, looks) = self.problems[k], self.at[k].tolist()
        n, m = problem.shape
        found = of_pivots(
            problem, pivots, support=int(self.counts[k]), candidates=n * m, pairs=looks * m,
            iteration=1, seconds=seconds,
        )  # fmt: skip
        return (found,) if problem.reg == 0.0 else (found, self.climbed(k, seconds))

    def climbed(self, k: int, seconds: float) -> Iterate:
        """What there is to report of the steps from the vertex."""
        problem, (n, m) = self.problems[k], self.problems[k].shape
        worst, active, steps, looks = self.reports[k].tolist()
        return trusted(
            Iterate,
            residual=worst / problem.unit,
            support=int(active),
            candidates=n * m,
            violators=0,
            reg=problem.reg,
            inner=int(steps),
            iteration=2,
            seconds=seconds,
            pairs=int(looks) * n * m,
        )

    def small(self, k: int) -> Small | None:
        """The vertex of problem k, before its plan is made exact; None if it was not found."""
        if self.ends[k] == layout.OTHER:
            return None
        problem, node = self.problems[k], self._where[k][layout.NODES]
        (n, m), kept = problem.shape, Kept(*self.stack.numbers[k, layout.KEPT_ROWS :].tolist())
        masses = Masses.beside(problem.a, problem.b, kept)
        nodes = slice(node, node + masses.a.size + masses.b.size)
        links = np.ascontiguousarray(self.links[:, nodes])
        basis = Basis(
            masses, (links, self.flow[nodes], self.paid[nodes], self.p[nodes], self.at[k])
        )
        u, v = basis.p[:n], basis.p[basis.rows : basis.rows + m]
        plan, (_, *tops) = self.plan(k), self.found[k].tolist()
        entries = plan.rows, plan.cols, plan.values
        vertex = Vertex(
            *entries, u, v, (tops[0], tops[1]), basis, basis.pivots, basis.looks, is_optimal=True
        )
        at = self._where[k][layout.COSTS]
        C = self.stack.costs[at : at + n * m].reshape(n, m)
        return Small(vertex, plan, self.dual(k), bool(self.ends[k] == layout.VERTEX), C)


def of_pivots(
    problem: Problem,
    pivots: int,
    *,
    support: int,
    candidates: int,
    violators: int = 0,
    **more: float,
) -> Iterate:
    """What there is to report of so many pivots, and more if there is; see `Iterate`.

    Half as many pivots as there are rows and columns count as a step.
    """
    return trusted(
        Iterate,
        residual=0.0,
        support=support,
        candidates=candidates,
        violators=violators,
        reg=0.0,
        inner=math.ceil(pivots / (PUSHES * sum(problem.shape))),
        **more,
    )


def _room(problem: Problem) -> int:
    """How many pairs a plan has at most, while it is made, and when it is."""
    n, m = problem.shape
    return max(3 * (n + m + 2), n * m)


def solve_small(problem: Problem) -> Small | None:
    """Solve a problem of positive masses without its quadratic term; None if not done at once."""
    return Together([problem]).small(0) if is_small(problem) else None
