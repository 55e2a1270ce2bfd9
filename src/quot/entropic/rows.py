"""Rows of an entropic problem at one temperature, and how they answer prices of the columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quot.entropic.gradients import conjugate_gradients
from quot.entropic.largest import Largest
from quot.kernels import gibbs as kernels
from quot.parallel import dot
from quot.problem import EntropicProblem

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# A step moves no price by more than so many T, and the kernel is made anew where one has moved by
# more than so many since: what is stored would be rounded away.
_REACH, _DRIFT = 1e3, 60.0
# Iterations with the diagonal; where these are too few, with a factor of the largest entries.
_FEW, _MANY = 15, 300
# Prices beyond so many T are out of the range of floats.
_RANGE = 700.0


@dataclass(frozen=True, eq=False)
class Kernel:
    """``X = exp((f + v - C)/T)`` as it is stored, (n, m), at prices of rows and columns."""

    f: Floats
    v: Floats
    X: Floats


@dataclass(frozen=True, eq=False)
class Answer:
    """What rows make of prices of the columns: the plan ``diag(u) X diag(w)``.

    Parameters
    ----------
    f : array of shape (n,)
        Prices of the rows.
    kernel : Kernel
        With the X.
    u, w : array of shape (n,), (m,)
    got : array of shape (m,)
        What each column gets.
    """

    f: Floats
    kernel: Kernel
    u: Floats
    w: Floats
    got: Floats


class GibbsRows:
    """Rows at the prices at which they send their mass; at most 0 in a partial problem.

    Parameters
    ----------
    problem : EntropicProblem
        Masses positive.
    C : array of shape (n, m)
        Its costs; inf for a forbidden pair.
    T : float
        The temperature: that of the problem, or a higher one on the way there.
    check : callable
        Called before every pass; may raise to end it.

    Attributes
    ----------
    passes, reads : int
        How often all exponentials were taken, and how often the kernel that is stored was read.
    """

    def __init__(
        self, problem: EntropicProblem, C: Floats, T: float, check: Callable[[], None]
    ) -> None:
        self.problem, self.C, self.T, self.check = problem, C, T, check
        self.reach = _REACH * T
        self.passes = self.reads = 0

    def first(self, v: Floats) -> Answer:
        """An answer near that to prices of the columns that are far from any before."""
        kernel = self._kernel(v)
        return Answer(kernel.f, kernel, np.ones(kernel.f.size), np.ones(v.size), self.problem.b)

    def respond(self, v: Floats, near: Answer) -> tuple[Answer, Floats, float]:
        """The answer, what each column gets, and what the rows add to the dual value."""
        a, T, kernel = self.problem.a, self.T, near.kernel
        if np.abs(v - kernel.v).max() > _DRIFT * T:
            kernel = self._kernel(v)
        self.check()
        self.reads += 1
        w, u, got = np.exp((v - kernel.v) / T), np.empty(a.size), np.empty(v.size)
        most = np.full(a.size, np.inf)
        if not self.problem.is_balanced:
            most = np.exp(np.minimum(-kernel.f / T, _RANGE))
        total = kernels.balance(kernel.X, w, a, most, u, got)
        f = np.where(u < most, kernel.f + T * np.log(u), 0.0)
        return Answer(f, kernel, u, w, got), got, dot(f, a) - T * total

    def alone(self, answer: Answer, v: Floats, highest: float) -> Floats:
        """Prices at which each column is balanced, the rows being where they are."""
        with np.errstate(divide="ignore"):
            move = self.T * (np.log(self.problem.b) - np.log(answer.got))
        return np.minimum(v + np.clip(move, -self.reach, self.reach), highest)

    def direction(
        self, answer: Answer, wanted: Floats, at_top: Bools, top: float, firm: float
    ) -> Floats:
        """How the columns would move for each to get so much more; those at the top as one."""
        kernel, m = answer.kernel, wanted.size
        stays = (answer.f == 0.0) & (not self.problem.is_balanced)
        sent = np.where(stays, 0.0, self.problem.a)
        share = np.divide(1.0, sent, out=np.zeros_like(sent), where=~stays)
        is_one = bool(at_top.any())

        def joined(x: Floats) -> Floats:
            """Sums of the columns that move as one come last."""
            return np.append(np.where(at_top, 0.0, x), x[at_top].sum()) if is_one else x

        def spread(x: Floats) -> Floats:
            return np.where(at_top, x[m], x[:m]) if is_one else x

        def product(x: Floats) -> Floats:
            p, y = spread(x), np.empty(m)
            self.check()
            self.reads += 1
            kernels.spread(kernel.X, answer.u, answer.w, share, p, y)
            return joined(y + firm * answer.got * p)

        rhs = np.append(np.where(at_top, 0.0, wanted), top) if is_one else wanted
        if self.problem.is_balanced:
            rhs = rhs - answer.got * (rhs.sum() / answer.got.sum())
        diagonal = joined(answer.got) * (1.0 + firm)
        inverse = np.divide(1.0, diagonal, out=np.zeros_like(diagonal), where=diagonal > 0.0)
        x, is_done = conjugate_gradients(product, rhs, lambda r: inverse * r, _FEW)
        if not is_done:
            largest = Largest.of(answer, sent, at_top, firm)
            x, _ = conjugate_gradients(product, rhs, largest.solve, _MANY)
        return self.T * spread(x)

    def plan(self, answer: Answer) -> Floats:
        """The plan, (n, m)."""
        P: Floats = answer.u[:, None] * answer.kernel.X * answer.w
        return P

    def _kernel(self, v: Floats) -> Kernel:
        """The kernel at prices of the columns, and those at which its rows send their mass."""
        self.check()
        self.passes += 2
        a, T = self.problem.a, self.T
        f = np.empty(a.size)
        kernels.row_prices(self.C, v, a, T, f)
        if not self.problem.is_balanced:
            f = np.minimum(f, 0.0)
        X = np.empty(self.C.shape)
        kernels.exponentials(self.C, f, v, T, X)
        return Kernel(f, v, X)
