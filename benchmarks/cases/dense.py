"""Two clouds in the plane, their cost as a matrix."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from benchmarks.cases.base import Instance, squared_distances


@dataclass(frozen=True)
class Case(Instance):
    """X ~ N(0, I_2), Y ~ 0.7 N(0, I_2) + 1; squared distance over its maximum; masses 1/n.

    `mass` is the fraction to move, None for a balanced problem.
    """

    kind: ClassVar[str] = "matrix"

    n: int
    reg: float
    mass: float | None = None
    seed: int = 0

    def __str__(self) -> str:
        return f"n = {self.n}, reg = {self.reg:g}, {self._amount()}"

    def dense(self) -> tuple[Any, Any, Any, float, float | None]:
        import numpy as np

        rng = np.random.default_rng(self.seed)
        X = rng.normal(size=(self.n, 2))
        Y = 0.7 * rng.normal(size=(self.n, 2)) + 1.0
        C = squared_distances(X, Y)
        a = np.full(self.n, 1.0 / self.n)
        return C / C.max(), a, a, self.reg, self.mass

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)  # without the kind, as in results measured before there was another
