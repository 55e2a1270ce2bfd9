"""Entropic problems: between clouds or palettes with the cost as a matrix, and between points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from benchmarks.cases.base import Instance, Positions, squared_distances
from benchmarks.cases.points import PointsCase

# A palette: how many colours, how unevenly they are used, and how much each varies along the axes.
_COLOURS, _EVEN, _VARIES = 12, 0.5, (0.12, 0.08, 0.05)
# Light that falls on one picture and on the other.
_LIGHTS = (1.0, 0.8, 0.6), (0.6, 0.8, 1.0)
# How often a shade occurs: the tail of Pareto, a least number, and the most.
_TAIL, _RARE, _OFTEN = 1.2, 0.05, 200.0


class Entropic(Instance):
    """An entropic problem; what others call reg is the temperature."""

    entry: ClassVar[str] = "solve_entropic"
    eps: float

    @property
    def reg(self) -> float:  # type: ignore[override]
        return self.eps

    def options(self, reg: float) -> dict[str, Any]:
        return {"eps": reg, "mass": self.mass}

    def problem(self) -> Any:
        """Return the instance as a `quot.problem.EntropicProblem`."""
        from quot.problem import EntropicProblem

        C, a, b, eps, mass = self.data()
        return EntropicProblem(C, a, b, eps=eps, mass=mass)


@dataclass(frozen=True)
class EntropicCase(Entropic):
    """A matrix of squared distances over their maximum, at a temperature.

    "gaussian": as `Case`, X ~ N(0, I_2), Y ~ 0.7 N(0, I_2) + 1 with masses 1/n; "palette": shades
    of a dozen colours under two lights, in the unit cube, with masses of a heavy tail.
    """

    kind: ClassVar[str] = "entropic"

    n: int
    eps: float
    mass: float | None = None
    shape: str = "gaussian"
    seed: int = 0

    def __str__(self) -> str:
        shape = "" if self.shape == "gaussian" else f", {self.shape}"
        return f"n = {self.n}{shape}, eps = {self.eps:g}, {self._amount()}"

    def dense(self) -> tuple[Any, Any, Any, float, float | None]:
        import numpy as np

        X, Y, a, b = SHAPES[self.shape](np.random.default_rng(self.seed), self.n)
        C = squared_distances(X, Y)
        C /= C.max()  # in place: no second matrix before the solve
        return C, a, b, self.eps, self.mass


@dataclass(frozen=True)
class EntropicPointsCase(Entropic, Positions):
    """The Gaussian clouds of `PointsCase`, at a temperature; their cost is never a matrix."""

    kind: ClassVar[str] = "entropic points"

    n: int
    d: int
    eps: float
    mass: float | None = None
    seed: int = 0

    def __str__(self) -> str:
        return f"n = {self.n}, {self.d}-D gaussian, eps = {self.eps:g}, {self._amount()}"

    def positions(self) -> tuple[Any, Any, Any, Any, float]:
        X, Y, a, b, _ = PointsCase(self.n, self.d, 0.0, seed=self.seed).positions()
        return X, Y, a, b, self.eps


def _gaussian(rng: Any, n: int) -> tuple[Any, Any, Any, Any]:
    import numpy as np

    X = rng.normal(size=(n, 2))
    Y = 0.7 * rng.normal(size=(n, 2)) + 1.0
    a = np.full(n, 1.0 / n)
    return X, Y, a, a


def _palette(rng: Any, n: int) -> tuple[Any, Any, Any, Any]:
    import numpy as np

    sides = []
    for light in _LIGHTS:
        colours = rng.random((_COLOURS, 3)) * light
        used = rng.choice(_COLOURS, size=n, p=rng.dirichlet(np.full(_COLOURS, _EVEN)))
        sides.append(np.clip(colours[used] + rng.normal(size=(n, 3)) * _VARIES, 0.0, 1.0))
    times = [np.minimum(_RARE + rng.pareto(_TAIL, size=n), _OFTEN) for _ in sides]
    return (*sides, *(x / x.sum() for x in times))  # type: ignore[return-value]


SHAPES: dict[str, Callable[[Any, int], tuple[Any, Any, Any, Any]]] = {
    "gaussian": _gaussian,
    "palette": _palette,
}
