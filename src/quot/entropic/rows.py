"""Rows of an entropic problem at one temperature, and how they answer prices of the columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from quot.entropic.gradients import conjugate_gradients
from quot.entropic.largest import Largest
from quot.entropic.passes import Passes
from quot.entropic.products import Answer, Gibbs, products
from quot.kernels import gibbs as kernels
from quot.parallel import dot
from quot.problem import EntropicProblem

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# A step may move a price by so many T.
_REACH = 1e3
# Iterations with the diagonal; where these are too few, with a factor of the largest entries. And
# the residual at the end.
_FEW, _MANY, _LEFT = 15, 300, 1e-3
# A column that gets less than this part of its mass gets nothing: squares are to be in range.
_NOTHING = 1e-60


class GibbsRows:
    """Rows at the prices at which they send their mass; at most 0 in a partial problem.

    Parameters
    ----------
    problem : EntropicProblem
        Masses positive.
    passes : Passes
        Over its costs.
    T : float
        The temperature: that of the problem, or a higher one on the way there.
    is_hard : bool, default=False
        Whether the diagonal is known to be no help.
    reach : float, default=0
        No price moves by more than that in one step, or by more than some T.
    """

    def __init__(
        self,
        problem: EntropicProblem,
        passes: Passes,
        T: float,
        *,
        is_hard: bool = False,
        reach: float = 0.0,
    ) -> None:
        self.problem, self.passes, self.T, self.is_hard = problem, passes, T, is_hard
        self.reach = max(_REACH * T, reach)
        self.known: Largest | None = None

    def first(self, v: Floats) -> Answer:
        """An answer to begin from where none is known."""
        n, m = self.problem.shape
        return Answer(np.full(n, -np.inf), v, np.zeros(n), np.zeros(m))

    def respond(self, v: Floats, near: Answer) -> tuple[Answer, Floats, float]:
        """The answer, what each column gets, and what the rows add to the dual value."""
        a, T = self.problem.a, self.T
        highest = np.inf if self.problem.is_balanced else 0.0
        f, sent = near.f.copy(), np.empty(a.size)

        def part(C: Floats, rows: slice, got: Floats) -> None:
            kernels.answer(C, v, a[rows], highest, T, f[rows], sent[rows], got)

        got = self.passes.columns(part)
        return Answer(f, v, sent, got), got, dot(f, a) - T * float(got.sum())

    def alone(self, answer: Answer, v: Floats, highest: float) -> Floats:
        """Prices at which each column is balanced, the rows being where they are."""
        with np.errstate(divide="ignore"):
            move = self.T * (np.log(self.problem.b) - np.log(answer.got))
        return np.minimum(v + np.clip(move, -self.reach, self.reach), highest)

    def least(self, v: Floats) -> float:
        """How much the cheapest of all pairs costs, less the price of its column."""
        return min(self.passes.over(lambda C, _: float((C - v).min())))

    def direction(
        self, answer: Answer, wanted: Floats, at_top: Bools, top: float, firm: float
    ) -> Floats:
        """How the columns would move for each to get so much more; those at the top as one."""
        got = np.maximum(answer.got, _NOTHING * self.problem.b)
        plan = Gibbs(self.passes, replace(answer, got=got), self.T)
        P = products(plan)
        m = wanted.size
        stays = (answer.f == 0.0) & (not self.problem.is_balanced)
        share = np.divide(1.0, answer.sent, out=np.zeros_like(answer.sent), where=~stays)
        is_one = bool(at_top.any())

        def joined(x: Floats) -> Floats:
            """Sums of the columns that move as one come last."""
            return np.append(np.where(at_top, 0.0, x), x[at_top].sum()) if is_one else x

        def spread(x: Floats) -> Floats:
            return np.where(at_top, x[m], x[:m]) if is_one else x

        def product(x: Floats) -> Floats:
            p = spread(x)
            return joined(P.spread(share, p) + firm * got * p)

        rhs = np.append(np.where(at_top, 0.0, wanted), top) if is_one else wanted
        if self.problem.is_balanced:
            rhs = rhs - got * (rhs.sum() / got.sum())
        diagonal = joined(got) * (1.0 + firm)
        inverse = np.divide(1.0, diagonal, out=np.zeros_like(diagonal), where=diagonal > 0.0)
        start, known = None, self.known
        if known is not None and known.fits(at_top, stays):
            near: Callable[[Floats], Floats] | None = known.solve
        else:
            near = None if self.is_hard else partial(np.multiply, inverse)
        if near is not None:
            start, is_done = conjugate_gradients(product, rhs, near, most=_FEW, left=_LEFT)
            if is_done:
                return self.T * spread(start)
        self.is_hard, self.known = True, Largest.of(plan, P, stays, at_top, firm)
        x, _ = conjugate_gradients(
            product, rhs, self.known.solve, most=_MANY, left=_LEFT, start=start
        )
        return self.T * spread(x)
