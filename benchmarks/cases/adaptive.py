"""Adaptive problems: every point of the source, or the target, or both, shares its mass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from benchmarks.cases.base import Instance, Positions, squared_distances
from benchmarks.cases.points import PointsCase


class Adaptive(Instance):
    """What they share: perplexities of rows and columns, and how they are measured."""

    entry: ClassVar[str] = "solve_adaptive"
    mass: ClassVar[None] = None  # type: ignore[assignment]

    source: float | None
    target: float | None
    regularizer: str

    def _asked(self) -> str:
        sides = {"source": self.source, "target": self.target}
        return ", ".join(f"{side} {xi:g}" for side, xi in sides.items() if xi is not None)

    def options(self, reg: float) -> dict[str, Any]:
        sides = {"source": self.source, "target": self.target}
        asked = {side: xi for side, xi in sides.items() if xi is not None}
        if len(asked) == 2:
            on, perplexity = "both", tuple(asked.values())
        else:
            [(on, perplexity)] = asked.items()
        return {"perplexity": perplexity, "on": on, "regularizer": self.regularizer}

    def problem(self) -> Any:
        """Return the instance as a `quot.problem.AdaptiveProblem`."""
        from quot.problem import AdaptiveProblem

        C, a, b, *_ = self.data()
        return AdaptiveProblem(
            C,
            a,
            b,
            row_perplexity=self.source,
            col_perplexity=self.target,
            regularizer=self.regularizer,
        )


@dataclass(frozen=True)
class AdaptiveCase(Adaptive):
    """The clouds of `Case`, n and m points, with perplexities of rows and columns.

    Masses are 1/n and 1/m, or, if "uneven", those of a flat Dirichlet distribution: some are a
    thousand times others.
    """

    kind: ClassVar[str] = "adaptive"

    n: int
    m: int
    source: float | None
    target: float | None
    regularizer: str
    masses: str = "even"
    seed: int = 0

    @property
    def matrix(self) -> int:
        return 8 * self.n * self.m

    def __str__(self) -> str:
        size = f"n = {self.n}" if self.n == self.m else f"{self.n} x {self.m}"
        shape = "" if self.masses == "even" else f", {self.masses}"
        return f"{size}{shape}, {self.regularizer}, {self._asked()}"

    def dense(self) -> tuple[Any, Any, Any, float, float | None]:
        import numpy as np

        rng = np.random.default_rng(self.seed)
        X, Y = rng.normal(size=(self.n, 2)), 0.7 * rng.normal(size=(self.m, 2)) + 1.0
        C = squared_distances(X, Y)
        if self.masses == "uneven":
            a, b = rng.dirichlet(np.ones(self.n)), rng.dirichlet(np.ones(self.m))
        else:
            a, b = np.full(self.n, 1.0 / self.n), np.full(self.m, 1.0 / self.m)
        return C / C.max(), a, b, 0.0, None


@dataclass(frozen=True)
class AdaptivePointsCase(Adaptive, Positions):
    """The Gaussian clouds of `PointsCase`, with perplexities; their cost is never a matrix."""

    kind: ClassVar[str] = "adaptive points"

    n: int
    d: int
    source: float | None
    target: float | None
    regularizer: str = "quadratic"
    seed: int = 0

    def __str__(self) -> str:
        return f"n = {self.n}, {self.d}-D gaussian, {self.regularizer}, {self._asked()}"

    def positions(self) -> tuple[Any, Any, Any, Any, float]:
        return PointsCase(self.n, self.d, 0.0, seed=self.seed).positions()
