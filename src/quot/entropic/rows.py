"""Rows of an entropic problem at one temperature, and how they answer prices of the columns."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from quot import memory
from quot.entropic.largest import Largest
from quot.entropic.passes import Passes
from quot.entropic.products import Answer, Gibbs, Listed, Products, Stored
from quot.gradients import conjugate_gradients
from quot.kernels import gibbs as kernels
from quot.parallel import dot
from quot.problem import EntropicProblem

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Kept = Listed | Stored

# A step may move a price by so many T.
_REACH = 1e3
# Iterations with the diagonal; where these are too few, with a factor of the largest entries. And
# the residual at the end.
_FEW, _MANY, _ROUGH, _FINE = 15, 300, 0.05, 1e-3
# A column that gets less than this part of its mass gets nothing: squares are to be in range.
_NOTHING = 1e-60


@dataclass(eq=False)
class Learnt:
    """What is known from higher temperatures on, and kept.

    Parameters
    ----------
    is_hard : bool, default=False
        Whether the diagonal is known to be no help.
    is_careful : bool, default=False
        Whether answers are to be exact, and directions fine: nothing else led to the end.
    """

    is_hard: bool = False
    is_careful: bool = False
    _X: NDArray[np.float32] | None = None

    def room(self, shape: tuple[int, int]) -> NDArray[np.float32] | None:
        """An array for a plan, the same every time; None if memory has no room for one."""
        if self._X is None and memory.has_room(4 * shape[0] * shape[1]):
            self._X = np.empty(shape, np.float32)
        return self._X


class GibbsRows:
    """Rows at the prices at which they send their mass; at most 0 if some may be kept.

    Parameters
    ----------
    problem : EntropicProblem
        Masses positive.
    passes : Passes
        Over its costs.
    T : float
        The temperature: that of the problem, or a higher one on the way there.
    reach : float, default=0
        No price moves by more than that in one step, or by more than some T.
    learnt : Learnt, optional
        At higher temperatures. Answers may then be read off a kept plan, as precise as that is,
        until `is_exact` is set; all are exact by default.
    """

    box = None

    def __init__(
        self,
        problem: EntropicProblem,
        passes: Passes,
        T: float,
        *,
        reach: float = 0.0,
        learnt: Learnt | None = None,
    ) -> None:
        self.problem, self.passes, self.T = problem, passes, T
        self.reach = max(_REACH * T, reach)
        self.is_exact = learnt is None or learnt.is_careful
        self.learnt = Learnt() if learnt is None else learnt
        self.highest = np.inf if problem.fills(problem.a) else 0.0
        self.kept: Kept | None = None
        self.may_be_few = True
        self.known: Largest | None = None

    @property
    def precision(self) -> float:
        """What answers may be off, in parts of all mass."""
        return 0.0 if self.is_exact or self.kept is None else self.kept.precision

    @property
    def rounding(self) -> float:
        """What values may be off."""
        return self.precision * self.T * self.problem.total

    def first(self, v: Floats, f: Floats | None = None) -> Answer:
        """An answer to begin from, where none but prices (n,) of rows near it may be known."""
        n, m = self.problem.shape
        return Answer(np.full(n, -np.inf) if f is None else f, v, np.zeros(n), np.zeros(m))

    def respond(self, v: Floats, near: Answer) -> tuple[Answer, Floats, float]:
        """The answer, what each column gets, and what the rows add to the dual value."""
        a, answer = self.problem.a, None
        if not self.is_exact and self.kept is not None:
            answer = self.kept.answer(v, a, self.highest)
        if answer is None:
            answer = self._exact(v, near) if self.is_exact else self._stored(v, near)
        return answer, answer.got, dot(answer.f, a) - self.T * float(answer.got.sum())

    def _exact(self, v: Floats, near: Answer, X: NDArray[np.float32] | None = None) -> Answer:
        """The answer by exponentials; the plan's entries go to X, if asked for."""
        a, (n, _) = self.problem.a, self.problem.shape
        f, sent, room = near.f.copy(), np.empty(n), np.empty((n, 0), np.float32) if X is None else X

        def part(C: Floats, rows: slice, got: Floats) -> None:
            kernels.answer(
                C, v, a[rows], self.highest, self.T, f[rows], sent[rows], got, room[rows]
            )

        got = self.passes.columns(part)
        return Answer(f, v, sent, got)

    def _stored(self, v: Floats, near: Answer) -> Answer:
        """The same, and the plan is kept if memory has room."""
        X = self.learnt.room(self.problem.shape)
        answer = self._exact(v, near, X)
        if X is not None:
            self.kept = Stored(self.passes, self.T, answer, X, self.problem.a, np.ones(v.size))
        return answer

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
        P = self._products(plan)
        m = wanted.size
        stays = answer.f == self.highest
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
        diagonal = joined(got) * (1.0 + firm)
        if self.problem.fills(self.problem.a):  # what all prices have in common does nothing
            rhs = rhs - diagonal * (rhs.sum() / diagonal.sum())
        inverse = np.divide(1.0, diagonal, out=np.zeros_like(diagonal), where=diagonal > 0.0)
        # Finer as less is missing: so steps become exact as fast as they are worth it.
        wrong = float(np.abs(wanted[~at_top]).sum()) + abs(top)
        most = _FINE if self.learnt.is_careful else _ROUGH
        left = min(most, math.sqrt(wrong / self.problem.total))
        start, known = None, self.known
        if known is not None and not known.fits(at_top, stays):
            known = None
        if known is None and not self.learnt.is_hard:
            near = partial(np.multiply, inverse)
            start, taken = conjugate_gradients(product, rhs, near, most=_FEW, left=left)
            if taken < _FEW:
                return self.T * spread(start)
        if known is None:
            self.learnt.is_hard, known = True, Largest.of(plan, P, stays, at_top, firm)
        x, taken = conjugate_gradients(
            product, rhs, known.solve, most=_MANY, left=left, start=start
        )
        self.known = known if taken < _FEW else None
        return self.T * spread(x)

    def _products(self, plan: Gibbs) -> Products:
        """What multiplies with a plan: one that is kept, if there is one near, or now."""
        P = None if self.kept is None else self.kept.at(plan.answer)
        if P is not None and not self.may_be_few:
            return P
        listed = Listed.of(plan) if self.may_be_few else None
        self.may_be_few = False
        if listed is not None:
            self.kept = P = listed
        elif P is None:
            self._stored(plan.answer.v, plan.answer)
            P = None if self.kept is None else self.kept.at(plan.answer)
        return plan if P is None else P
