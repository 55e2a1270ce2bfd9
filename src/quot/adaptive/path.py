"""Perplexities that come first: where many share a row, rows and columns find their prices soon."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from quot.perplexity import largest
from quot.problem import AdaptiveProblem

Floats = NDArray[np.float64]

# The first perplexity, in parts of the largest, and how it falls.
_EASY, _HARDER = 0.125, 0.25


def from_easy(problem: AdaptiveProblem) -> list[AdaptiveProblem]:
    """Return the same at larger perplexities, from where many share a row down."""
    name = problem.regularizer
    rows = _raised(problem.row_perplexity, largest(problem.b, name))
    cols = _raised(problem.col_perplexity, largest(problem.a, name))
    return along(problem, rows, cols)


def along(
    problem: AdaptiveProblem, rows: list[Floats] | None, cols: list[Floats] | None
) -> list[AdaptiveProblem]:
    """Return the problem at perplexities of rows and of columns, one by one; None if free."""
    longest = max(len(rows or ()), len(cols or ()))
    sides = [
        side + side[-1:] * (longest - len(side)) if side else [None] * longest
        for side in (rows, cols)
    ]
    return [
        replace(problem, row_perplexity=row, col_perplexity=col)
        for row, col in zip(*sides, strict=True)
    ]


def ratio_of(problem: AdaptiveProblem, harder: AdaptiveProblem) -> float:
    """Return how many times larger perplexities are, in the middle."""
    sides = (
        (problem.row_perplexity, harder.row_perplexity),
        (problem.col_perplexity, harder.col_perplexity),
    )
    found = [float(np.median(x / y)) for x, y in sides if x is not None and y is not None]
    return max(found)


def _raised(asked: Floats | None, most: float) -> list[Floats] | None:
    """Perplexities on the way down to those asked for, where the largest there is is so much."""
    if asked is None:
        return None
    least = [max(1.0, _EASY * most)]
    while least[-1] * _HARDER > float(asked.min()):
        least.append(least[-1] * _HARDER)
    return [np.maximum(asked, each) for each in least]
