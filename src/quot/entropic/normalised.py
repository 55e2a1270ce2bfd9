"""The dual of an entropic problem, scaled at each point to the mass it is to have.

In units of eps the dual point of a partial problem ("E2") is z = (u, v, w), of rows, columns and
the total: ``B = exp(u + v + w - C/eps)``, and rows keep exp(u), columns exp(v). A balanced one has
z = (u, v). What is minimised, ``phi(z) = sum B + sum exp(u) + sum exp(v) - u.a - v.b - w mass``, is
smooth everywhere once it is minimised over the scale of B and of what is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from quot.entropic.first_order import Prices
from quot.entropic.passes import Passes
from quot.kernels import gibbs as kernels
from quot.problem import EntropicProblem

Floats = NDArray[np.float64]

# Logarithms of numbers beyond this are out of the range of floats.
_RANGE = 700.0
# Sums are at least this where their logarithm is taken.
_TINY = 1e-300


@dataclass(frozen=True, eq=False)
class At:
    """A dual point and the marginals of the plan there.

    Parameters
    ----------
    dual : NormalisedDual
    z : array of shape (N,)
    have : array of shape (N,)
        What rows send and keep, columns get and keep, and the total.
    mass : float
        All mass that the plan has, what is kept included.
    """

    dual: NormalisedDual
    z: Floats
    have: Floats
    mass: float

    @cached_property
    def value(self) -> float:
        """The scaled dual, to be minimised; the same before and after scaling."""
        M = self.dual.mass
        return M * float(np.log(self.mass / M)) + M - float(self.z @ self.dual.wanted)

    @cached_property
    def gradient(self) -> Floats:
        """What there is beyond what is wanted, after scaling, (N,)."""
        return self.have * (self.dual.mass / self.mass) - self.dual.wanted

    @cached_property
    def residual(self) -> float:
        """What there is beyond what is wanted, or less, in all, as it is."""
        return float(np.abs(self.have - self.dual.wanted).sum())

    def scaled(self) -> At:
        """The same at the mass that there should be."""
        factor = self.dual.mass / self.mass
        z = self.z + np.log(factor) * self.dual.scale
        return At(self.dual, z, self.have * factor, self.dual.mass)


class NormalisedDual:
    """The scaled dual of a problem.

    Parameters
    ----------
    problem : EntropicProblem
        Balanced, or with an entropy of what is kept ("E2"); masses positive.
    passes : Passes

    Attributes
    ----------
    mass : float
        All mass of the optimal plan, what is kept included.
    wanted : array of shape (N,)
        Marginals that the plan is to have.
    lipschitz : float
        Of the gradient.
    """

    def __init__(self, problem: EntropicProblem, passes: Passes) -> None:
        self.problem, self.passes = problem, passes
        n, m, self.is_partial = problem.a.size, problem.b.size, not problem.is_balanced
        total = [problem.total] if self.is_partial else []
        self.wanted = np.concatenate((problem.a, problem.b, total))
        self.mass = float(problem.a.sum())
        self.scale = np.append(np.ones(n), np.zeros(m))
        if self.is_partial:
            self.mass += float(problem.b.sum()) - problem.total
            self.scale = np.concatenate((np.ones(n + m), [-1.0]))
        self.blocks = [slice(0, n), slice(n, n + m), slice(n + m, n + m + 1)]
        self.blocks = self.blocks[: 2 + self.is_partial]
        # The square of the norm of the longest column of the constraints, and the mass.
        self.lipschitz = len(self.blocks) * self.mass

    def start(self) -> At:
        """The point 0, scaled."""
        return self.at(np.zeros(self.wanted.size)).scaled()

    def at(self, z: Floats) -> At:
        """A point; one pass."""
        u, v, w = self._parts(z)
        eps, sent = self.problem.eps, np.empty(u.size)
        f, g = eps * (u + w), eps * v

        def part(C: Floats, rows: slice, got: Floats) -> None:
            kernels.sums(C, f[rows], g, eps, sent[rows], got)

        got = self.passes.columns(part)
        moved = float(sent.sum())
        if not self.is_partial:
            return At(self, z, np.concatenate((sent, got)), moved)
        p, q = (np.exp(np.minimum(x, _RANGE)) for x in (u, v))
        have = np.concatenate((sent + p, got + q, [moved]))
        return At(self, z, have, moved + float(p.sum() + q.sum()))

    def balanced(self, point: At) -> At:
        """Where the block that gains most is exact; one pass."""
        gains = [self._gain(point, block) for block in self.blocks]
        return self.with_block(point, int(np.argmax(gains)))

    def with_block(self, point: At, which: int) -> At:
        """Where rows (0), columns (1) or the total (2) are exact; one pass."""
        block, z = self.blocks[which], point.z.copy()
        z[block] += np.log(self.wanted[block] / np.maximum(point.have[block], _TINY))
        return self.at(z)

    def prices(self, z: Floats) -> Prices:
        """Those of a point, in units of cost."""
        (u, v, w), eps = self._parts(z), self.problem.eps
        return Prices(eps * u, eps * (v + w), eps * w if self.is_partial else None)

    def _gain(self, point: At, block: slice) -> float:
        """By how much the dual falls if a block is made exact."""
        wanted, have = self.wanted[block], np.maximum(point.have[block], _TINY)
        return float((have - wanted + wanted * np.log(wanted / have)).sum())

    def _parts(self, z: Floats) -> tuple[Floats, Floats, float]:
        n, m = self.problem.a.size, self.problem.b.size
        return z[:n], z[n : n + m], float(z[n + m]) if self.is_partial else 0.0
