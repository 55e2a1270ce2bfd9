"""The pairs over which rows and columns share their mass: all of them, or candidates in a box.

With a quadratic regularizer a pair carries mass where ``f_i + g_j > C_ij``, whatever the
multipliers are. So an answer over candidates is one over all pairs if no other violates that; and
that, pricing says.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from quot.adaptive.pairs import Pairs
from quot.adaptive.rows import Answer
from quot.pairs import Pricer
from quot.pairs.candidates import beyond_all
from quot.problem import AdaptiveProblem
from quot.support import Support

Floats = NDArray[np.float64]

# Pairs beyond the active ones kept for each row and column.
_NEAREST = 15
# Rows have at least so many times as many pairs as they are to share their mass over.
_ROOM = 1.25
# Prices may move so many times further than no pair left out could object to. They move together,
# mostly, so that few object, and pricing finds those.
_REACH = 10.0
# Where pairs left out are next to active ones, as those of equal points are, the mean of all slacks
# counts for this part.
_LEAST = 0.1
# If more than this part was lacking they are chosen anew, and looked for this much further.
_FEW, _FURTHER = 0.1, 2.0


class Shared(Protocol):
    """Pairs of a problem.

    Attributes
    ----------
    pairs : Pairs
    box : pair of arrays of shape (m,), or None
        Where prices of columns may be so that these pairs are enough, mostly; anywhere if None.
    slacks : pair of arrays of shape (n,), (m,)
        Of rows and columns: pairs left out have at least the larger of the two.
    """

    pairs: Pairs
    slacks: tuple[Floats, Floats]

    @property
    def box(self) -> tuple[Floats, Floats] | None:
        """See above."""

    def lacking(self, answer: Answer) -> Support:
        """Pairs left out that would carry mass, too."""

    def renewed(self, answer: Answer, lacking: Support) -> Shared:
        """The pairs around an answer, for which these were lacking."""


class Every:
    """All pairs of a problem."""

    box = None

    def __init__(self, problem: AdaptiveProblem) -> None:
        self.pairs = Pairs.every(problem)
        self.slacks = beyond_all(problem)
        self.none = Support(problem.shape, *np.zeros((2, 0), np.int32))

    def lacking(self, answer: Answer) -> Support:
        """None."""
        return self.none

    def renewed(self, answer: Answer, lacking: Support) -> Every:
        """The same."""
        return self


class Candidates:
    """The pairs that carry mass at an answer, and the nearest others of each row and column.

    Parameters
    ----------
    problem : AdaptiveProblem
        With a quadratic regularizer.
    pricer : Pricer
    answer : Answer
    support : Support
    slacks : pair of arrays of shape (n,), (m,)
        At the answer; see `Shared`.
    """

    def __init__(
        self,
        problem: AdaptiveProblem,
        pricer: Pricer,
        answer: Answer,
        support: Support,
        slacks: tuple[Floats, Floats],
    ) -> None:
        self.problem, self.pricer, self.support, self.slacks = problem, pricer, support, slacks
        self.pairs = Pairs.of(problem, support)
        g = answer.v[: problem.b.size]
        some = slacks[1][np.isfinite(slacks[1])]
        least = _LEAST * float(some.mean()) if some.size else 0.0
        reach = _REACH * np.maximum(slacks[1], least)
        self.box = g - reach, g + reach

    @classmethod
    def around(
        cls,
        problem: AdaptiveProblem,
        pricer: Pricer,
        answer: Answer,
        hint: tuple[Floats, Floats],
    ) -> Candidates:
        """Choose them; the hint says beyond which slacks of rows and columns nothing is wanted.

        That is unless some have too few to share their mass with.
        """
        g, count = answer.v[: problem.b.size], _NEAREST
        support, *slacks = pricer.nearest(problem.cost, answer.f, g, count, hint)
        while _lacks_some(problem, support) and count < max(problem.shape):
            count *= 2
            support, *slacks = pricer.nearest(problem.cost, answer.f, g, count, beyond_all(problem))
        return cls(problem, pricer, answer, support, (slacks[0], slacks[1]))

    def lacking(self, answer: Answer) -> Support:
        """Pairs left out that would carry mass, too."""
        problem = self.problem
        found = self.pricer.violators(problem.cost, answer.f, answer.v[: problem.b.size])
        return found - self.support

    def renewed(self, answer: Answer, lacking: Support) -> Candidates:
        """These and those lacking, if they are few; else the pairs around the answer."""
        if lacking.size <= _FEW * self.support.size:
            both = self.support | lacking
            return Candidates(self.problem, self.pricer, answer, both, self.slacks)
        hint = _FURTHER * self.slacks[0], _FURTHER * self.slacks[1]
        return Candidates.around(self.problem, self.pricer, answer, hint)


def _lacks_some(problem: AdaptiveProblem, support: Support) -> bool:
    """Whether rows or columns have hardly as many pairs as they are to share their mass over."""
    sides = (
        (problem.row_perplexity, support.rows, support.shape[1]),
        (problem.col_perplexity, support.cols, support.shape[0]),
    )
    for asked, index, most in sides:
        if asked is not None:
            wanted = np.minimum(_ROOM * asked, most)
            if (np.bincount(index, minlength=asked.size) < wanted).any():
                return True
    return False
