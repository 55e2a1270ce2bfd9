"""Small problems, one after another, as kernels take many of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quot.costs import Cost, DenseCost, PointCost
from quot.problem.many import Many
from quot.problem.quadratic import Problem
from quot.settings import settings

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]


class Stack(NamedTuple):
    """Small problems as matrices, as kernels take them; see `quot.kernels.stack`.

    Parameters
    ----------
    where : int64 array of shape (K + 1, 5)
    costs, a, b : array
    numbers : array of shape (K, 4)
        What moves, the strength, and what rows and columns keep, of each.
    is_balanced : array of shape (K,)
    """

    where: Longs
    costs: Floats
    a: Floats
    b: Floats
    numbers: Floats
    is_balanced: NDArray[np.bool_]

    @classmethod
    def of(
        cls, problems: Sequence[Problem], rooms: Sequence[int], kept: Sequence[tuple[float, float]]
    ) -> Stack:
        """Of problems that `is_small`, with room for so many pairs of each, and what sides keep."""
        costs, where, at = [matrix(problem.cost) for problem in problems], [(0,) * 5], (0,) * 5
        for C, room in zip(costs, rooms, strict=True):
            (n, m), (first, row, col, node, pair) = C.shape, at
            at = first + n * m, row + n, col + m, node + n + m + 2, pair + room
            where.append(at)
        numbers = [(p.total, p.reg, *left) for p, left in zip(problems, kept, strict=True)]
        return cls(
            np.array(where),
            _joined([C.ravel() for C in costs]),
            _joined([problem.a for problem in problems]),
            _joined([problem.b for problem in problems]),
            np.array(numbers),
            np.array([problem.is_balanced for problem in problems]),
        )

    @classmethod
    def alike(cls, problems: Many, room: int, kept: Floats) -> Stack:
        """The same of problems of one shape, with what sides of each keep (K, 2); no copies."""
        count, (n, m) = len(problems), problems.shape
        return cls(
            np.arange(count + 1)[:, None] * np.array((n * m, n, m, n + m + 2, room)),
            problems.Cs.reshape(-1),
            problems.a.reshape(-1),
            problems.b.reshape(-1),
            np.column_stack((problems.moves, problems.regs, kept)),
            np.full(count, problems.is_balanced),
        )


def _joined(arrays: list[Floats]) -> Floats:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def is_small(problem: Problem) -> bool:
    """Whether a problem is on a matrix, or between points, so small that many go into one call.

    And moves anything.
    """
    cost, now, (n, m) = problem.cost, settings(), problem.shape
    if problem.total == 0.0:
        return False
    if isinstance(cost, DenseCost):
        return n * m <= now.at_once
    is_exact = isinstance(cost, PointCost) and cost.metric != "cosine"
    return is_exact and n * m <= min(now.at_once, now.matrix) and n * m < now.boxed


def matrix(cost: Cost) -> Floats:
    """All costs, (n, m), C-contiguous."""
    if isinstance(cost, DenseCost):
        return cost.C
    return np.ascontiguousarray(cost.block(0, cost.shape[0]))
