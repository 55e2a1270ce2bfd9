"""Sinkhorn's method: prices of rows and of columns are exact in turn."""

from __future__ import annotations

import math

import numpy as np

from quot.ascent import Ascent, Point
from quot.convergence import Monitor
from quot.entropic.first_order import Prices
from quot.entropic.passes import Passes
from quot.entropic.products import Answer
from quot.entropic.rows import GibbsRows
from quot.problem import EntropicProblem


def stepped(ascent: Ascent[Answer], rows: GibbsRows, point: Point[Answer]) -> Point[Answer]:
    """The best price of all mass, if that is partial, then of each column; the rows follow."""
    problem = rows.problem
    if not problem.is_balanced:
        sent = float(point.answer.got.sum())
        # Out of the range of floats: to where the cheapest pair comes into it.
        is_seen = sent > 0.0
        move = rows.T * math.log(problem.total / sent) if is_seen else rows.least(point.v)
        point = ascent.at(point.v + move, point.answer)
    return ascent.swept(point)


class Sinkhorn:
    """Block ascent on the dual: a pass for each step, two of a partial problem.

    Balanced it is Sinkhorn's method in the log domain, and with a dummy row and column the feasible
    Sinkhorn for partial transport; else Dykstra's projections of Benamou et al. (2015).

    Parameters
    ----------
    problem : EntropicProblem
        Masses positive.
    passes : Passes
    monitor : Monitor
    """

    def __init__(self, problem: EntropicProblem, passes: Passes, monitor: Monitor) -> None:
        rows, v = GibbsRows(problem, passes, problem.eps), np.zeros(problem.b.size)
        self.rows, self.ascent = rows, Ascent.of(problem, rows, monitor, v, rows.first(v))

    def init(self) -> Point[Answer]:
        """Columns at price 0."""
        return self.ascent.best

    def step(self, point: Point[Answer]) -> Point[Answer]:
        """Balance the total and the columns; the rows follow."""
        return stepped(self.ascent, self.rows, point)

    def residual(self, point: Point[Answer]) -> float:
        """What columns miss, and the total; rows miss nothing."""
        return point.wrong

    def prices(self, point: Point[Answer]) -> Prices:
        """Of rows and columns."""
        return Prices(point.answer.f, point.v)
