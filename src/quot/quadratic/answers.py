"""Answers: what calls for many small problems find, one after another in flat arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.certificate import Certificate
from quot.certificate.small import certificate_of
from quot.convergence import Iterate, Tolerance
from quot.dual import Dual
from quot.kernels import stack as layout
from quot.kernels.tree import LOOKS, PIVOTS
from quot.network.cycles import PUSHES
from quot.plan import Plan
from quot.problem import Problem
from quot.trusted import trusted

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]


class Answers:
    """Plans, dual points, and what there is to say of them, of K problems; kernels put them here.

    Parameters
    ----------
    problems : sequence of Problem
    where : int64 array of shape (K + 1, 5)
        See `quot.kernels.stack`.

    Attributes
    ----------
    rows, cols, values : array
        The pairs of all plans; of each so many as in counts (K,), from first[k] on.
    potentials : array
        f and g of each, from node(k) on.
    found : array of shape (K, 3)
        The price of the total, and of what rows and columns keep.
    at, reports : array of shape (K, 4)
        Pivots, and the steps from the vertex, see `quot.kernels`.
    certificates : list of K lists of six numbers
        What certificates are made of.
    tolerance, seconds : Tolerance, float
        What they are judged by, and the time that each of the problems took.
    """

    tolerance: Tolerance
    seconds = 0.0

    def __init__(self, problems: Sequence[Problem], where: Longs) -> None:
        count, (*_, nodes, pairs) = len(problems), where[-1].tolist()
        self.problems = problems
        self.first: list[int] = where[:-1, layout.PAIRS].tolist()
        self._where: list[list[int]] = where.tolist()
        self.rows, self.cols = np.empty((2, pairs), np.int32)
        self.values, self.counts = np.empty(pairs), np.zeros(count, np.int64)
        self.potentials, self.found = np.empty(nodes), np.empty((count, 3))
        self.at, self.reports = np.empty((count, 4), np.int64), np.zeros((count, 4))
        self.certificates: list[list[float]] = []

    @property
    def plans(self) -> tuple[Ints, Ints, Floats, Longs]:
        """The pairs of all plans, and how many each has."""
        return self.rows, self.cols, self.values, self.counts

    def pack(self) -> None:
        """Keep no more memory than the plans take."""
        ends = np.cumsum(self.counts)
        begins = ends - self.counts
        old = np.repeat(np.array(self.first) - begins, self.counts) + np.arange(ends[-1])
        self.rows, self.cols, self.values = self.rows[old], self.cols[old], self.values[old]
        self.first = begins.tolist()

    def shape(self, k: int) -> tuple[int, int]:
        """The shape of problem k."""
        (_, row, col, _, _), (_, last_row, last_col, _, _) = self._where[k : k + 2]
        return last_row - row, last_col - col

    def node(self, k: int) -> int:
        """The first of its nodes."""
        return self._where[k][layout.NODES]

    def plan(self, k: int) -> Plan:
        """The plan of problem k, as far as it is."""
        first = self.first[k]
        entries = slice(first, first + int(self.counts[k]))
        return trusted(
            Plan,
            shape=self.shape(k),
            rows=self.rows[entries].copy(),
            cols=self.cols[entries].copy(),
            values=self.values[entries].copy(),
        )

    def dual(self, k: int) -> Dual:
        """Its dual point."""
        (n, m), node = self.shape(k), self.node(k)
        prices = self.potentials[node : node + n + m].copy()
        return trusted(Dual, f=prices[:n], g=prices[n:], lam=self.found.item(k, layout.LAM))

    def certificate(self, k: int) -> Certificate:
        """Its certificate."""
        return certificate_of(self.certificates[k], math.prod(self.shape(k)))

    def iterates(self, k: int, problem: Problem, seconds: float) -> tuple[Iterate, ...]:
        """What there is to report of it: the vertex, and the steps from there, if any."""
        (n, m), at = problem.shape, self.at
        found = of_pivots(
            problem, at.item(k, PIVOTS), support=int(self.counts[k]), candidates=n * m,
            pairs=at.item(k, LOOKS) * m, iteration=1, seconds=seconds,
        )  # fmt: skip
        return (found,) if problem.reg == 0.0 else (found, self.climbed(k, problem, seconds))

    def climbed(self, k: int, problem: Problem, seconds: float) -> Iterate:
        """What there is to report of the steps from the vertex."""
        n, m = problem.shape
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


def of_pivots(
    problem: Problem,
    pivots: int,
    *,
    support: int,
    candidates: int,
    violators: int = 0,
    **more: Any,
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
