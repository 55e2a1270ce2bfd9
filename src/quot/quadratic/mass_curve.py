"""The least cost of a problem at reg = 0 as a function of the mass that moves."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from quot.dual import Dual
from quot.network.parametric import Parametric
from quot.plan import Plan
from quot.problem import Problem
from quot.quadratic.core import in_order
from quot.quadratic.linear import Optimum

Floats = NDArray[np.float64]


class MassCurve:
    """The curve, as far as it was followed.

    Parameters
    ----------
    problem : Problem
        A matrix that moves something; its own mass and reg do not count.

    Attributes
    ----------
    near : list of Optimum
        Of the masses that `follow` passed, to begin from.
    """

    def __init__(self, problem: Problem) -> None:
        core = problem.taken(*in_order(problem))
        self.shape = core.shape
        C = np.ascontiguousarray(core.cost.block(0, self.shape[0]))
        self._at = Parametric(C, core.a, core.b)
        self.near: list[Optimum] = []

    def follow(self, masses: Sequence[float], must_stop: Callable[[], bool]) -> None:
        """Go through these masses, which rise."""
        nothing = Plan.empty(self.shape), Dual(np.zeros(0), np.zeros(0))
        for mass in masses:
            if not self._at.send(mass, must_stop):
                return
            self.near.append(Optimum(*nothing, first=self._at.tree.arcs()))

    @property
    def is_whole(self) -> bool:
        """Whether no more can move than where the curve ends."""
        return self._at.is_full

    def pieces(self) -> tuple[Floats, Floats]:
        """Breakpoints (K + 1,) from 0 on, and what a unit costs between two, (K,)."""
        return self._at.curve()
