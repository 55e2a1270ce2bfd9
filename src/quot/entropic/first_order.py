"""The loop of all first-order methods for entropic problems."""

from __future__ import annotations

from typing import Generic, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from quot.convergence import Monitor, Status
from quot.entropic.passes import Passes
from quot.problem import EntropicProblem
from quot.stopping import report

Floats = NDArray[np.float64]
S = TypeVar("S")


class Prices(NamedTuple):
    """Where a method is: the plan ``diag(u) exp((f + v - C)/eps) diag(w)``.

    Parameters
    ----------
    f, v : array of shape (n,), (m,)
        Prices of rows and columns.
    lam : float, optional
        How much of v is for all mass; by default the highest of it.
    u, w : array of shape (n,), (m,), optional
        Factors, by default 1: of what the rounding of prices hides.
    shift : float, default=0
        Of f and against v, to where the potentials are.
    """

    f: Floats
    v: Floats
    lam: float | None = None
    u: Floats | None = None
    w: Floats | None = None
    shift: float = 0.0

    def whole(self, eps: float) -> tuple[Floats, Floats]:
        """Prices with the factors, as far as they are not rounded away."""
        f = self.f if self.u is None else self.f + eps * np.log(self.u)
        v = self.v if self.w is None else self.v + eps * np.log(self.w)
        return f, v


class Stepper(Protocol[S]):
    """A method: where it begins, what it does again and again, and how far it is from the end."""

    def init(self) -> S:
        """The state before the first step."""

    def step(self, state: S) -> S:
        """The next state."""

    def residual(self, state: S) -> float:
        """Mass that rows, columns and the total miss or have too much: the E of the source."""

    def prices(self, state: S) -> Prices:
        """Those of the best point of a state."""


class Iteration(Generic[S]):
    """Steps of a method until it is done.

    Parameters
    ----------
    stepper : Stepper
    problem : EntropicProblem
    passes : Passes
    monitor : Monitor

    Attributes
    ----------
    ends : Status
        What to say where it is done, unless the answer is better than that.
    """

    ends = Status.OPTIMAL

    def __init__(
        self, stepper: Stepper[S], problem: EntropicProblem, passes: Passes, monitor: Monitor
    ) -> None:
        self.stepper, self.problem, self.passes, self.monitor = stepper, problem, passes, monitor
        self.state: S | None = None
        self.best: S | None = None
        self.least = np.inf

    def run(self, enough: float) -> None:
        """Step until no more mass than that is missing; again, from where it has ended.

        Raises
        ------
        StopError
            If a limit or the callback says so.
        """
        if self.state is None:
            self.state = self.best = self.stepper.init()
            self.least = self.stepper.residual(self.state)
            self._report(self.least)
        while self.least > enough:
            self.state = self.stepper.step(self.state)
            self.monitor.steps += 1
            residual = self.stepper.residual(self.state)
            if residual <= self.least:
                self.best, self.least = self.state, residual
            self._report(residual)

    def prices(self) -> Prices:
        """Those of the best state so far."""
        if self.best is None:  # stopped before anything was known
            return Prices(np.zeros(self.problem.a.size), np.zeros(self.problem.b.size))
        return self.stepper.prices(self.best)

    def _report(self, residual: float) -> None:
        report(
            self.monitor,
            self.passes.iterate(residual / self.problem.unit, self.problem.eps, 1),
        )
