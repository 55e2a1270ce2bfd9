"""What everybody has: costs that tie, and rows without mass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from benchmarks.cases.base import Instance, squared_distances


@dataclass(frozen=True)
class EverydayCase(Instance):
    """A matrix on which many plans may be the cheapest, or with rows and columns without mass.

    work: "integer costs", 0 to 9, masses 1/n; "distances of bins" of a line, masses of two
    Gaussians; "without mass", costs as in `Case`, masses random, three in ten of them 0.
    """

    kind: ClassVar[str] = "everyday"

    work: str
    n: int
    reg: float = 0.0
    mass: float | None = None
    seed: int = 0

    def __str__(self) -> str:
        return f"{self.work}, n = {self.n}, reg = {self.reg:g}, {self._amount()}"

    def dense(self) -> tuple[Any, Any, Any, float, float | None]:
        import numpy as np

        n, rng = self.n, np.random.default_rng(self.seed)
        a = b = np.full(n, 1.0 / n)
        if self.work == "integer costs":
            C = rng.integers(0, 10, (n, n)).astype(float)
        elif self.work == "distances of bins":
            bins = np.arange(n)
            C = np.abs(bins[:, None] - bins[None]) / (n - 1.0)
            shapes = ((0.2, 0.05), (0.6, 0.1))
            a, b = (np.exp(-0.5 * ((bins - at * n) / (0.5 + wide * n)) ** 2) for at, wide in shapes)
        else:
            C = squared_distances(rng.normal(size=(n, 2)), 0.7 * rng.normal(size=(n, 2)) + 1.0)
            C, (a, b) = C / C.max(), rng.random((2, n)) * (rng.random((2, n)) > 0.3)
        return C, a / a.sum(), b / b.sum(), self.reg, self.mass
