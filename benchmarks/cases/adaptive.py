"""Adaptive problems: every point of the source, or the target, or both, shares its mass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from benchmarks.cases.base import Instance, squared_distances


@dataclass(frozen=True)
class AdaptiveCase(Instance):
    """The clouds of `Case`, n and m points, with perplexities of rows and columns.

    Masses are 1/n and 1/m, or, if "uneven", those of a flat Dirichlet distribution: some are a
    thousand times others.
    """

    kind: ClassVar[str] = "adaptive"
    entry: ClassVar[str] = "solve_adaptive"
    mass: ClassVar[None] = None  # type: ignore[assignment]

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
        sides = {"source": self.source, "target": self.target}
        asked = ", ".join(f"{side} {xi:g}" for side, xi in sides.items() if xi is not None)
        shape = "" if self.masses == "even" else f", {self.masses}"
        return f"{size}{shape}, {self.regularizer}, {asked}"

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

    def data(self) -> tuple[Any, Any, Any, float, float | None]:
        return self.dense()

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
