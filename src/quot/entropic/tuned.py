"""Tuned Sinkhorn: the temperature says how exactly it is worth to solve (arXiv 2601.17196)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.convergence import Monitor, Status
from quot.dummy import DummyCost, largest_cost
from quot.entropic.first_order import Iteration
from quot.entropic.passes import Passes
from quot.entropic.sinkhorn import Sinkhorn
from quot.problem import EntropicProblem

Floats = NDArray[np.float64]

TUNINGS = ("mdot", "bias")
# How the mass that may be missing is smaller than the error of the value that is allowed, where all
# costs are at most 1.
PART = 8.0


def least_entropy(a: Floats, b: Floats) -> float:
    """Return the smaller of the entropies of two distributions of the same mass, in nats."""
    return min(float(-(x * np.log(x)).sum()) for x in (k[k > 0.0] / k.sum() for k in (a, b)))


def temperature(accuracy: float, entropy: float, *, p: float, tuning: str) -> float:
    """Return the temperature for an accuracy a unit of mass, both in units of the largest cost.

    "mdot": ``(accuracy / (8 entropy))^(1/p)``, so that a larger p is a higher temperature; "bias":
    ``(accuracy / (2 entropy))^(1 + 1/p)``, another reading of the source, which is always lower
    than the default of its wrapper, and slower.
    """
    if tuning == "mdot":
        return float((accuracy / (PART * entropy)) ** (1.0 / p))
    return float((accuracy / (2.0 * entropy)) ** (1.0 + 1.0 / p))


def accuracy_at(eps: float, entropy: float, *, p: float, tuning: str) -> float:
    """Return the accuracy of which `temperature` is eps."""
    if tuning == "mdot":
        return float(PART * entropy * eps**p)
    return float(2.0 * entropy * eps ** (p / (1.0 + p)))


class Tuned(Iteration[Any]):
    """Sinkhorn's steps until as little is missing as the temperature is worth."""

    ends = Status.APPROXIMATE

    def __init__(
        self,
        problem: EntropicProblem,
        passes: Passes,
        monitor: Monitor,
        options: Mapping[str, Any],
    ) -> None:
        super().__init__(Sinkhorn(problem, passes, monitor), problem, passes, monitor)
        cost = problem.cost
        top = largest_cost(cost.inner if isinstance(cost, DummyCost) else cost) or 1.0
        accuracy = accuracy_at(problem.eps / top, least_entropy(problem.a, problem.b), **options)
        self.missing = accuracy * problem.total / (2.0 * PART)

    def run(self, enough: float) -> None:
        """See `Iteration`; no more exact than what the temperature is worth."""
        super().run(max(enough, self.missing))
