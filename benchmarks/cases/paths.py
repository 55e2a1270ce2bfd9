"""A problem for several masses, or several reg, its cost as a matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from benchmarks.cases.base import Instance
from benchmarks.cases.dense import Case


@dataclass(frozen=True)
class PathCase(Instance):
    """`count` values of reg from 1 down to 0.001, or of the mass from 1/count up to all of it.

    The path is over "reg", over "mass", or over "breakpoints": all those of the mass at reg = 0,
    and solutions for the masses. The shape is "gaussian", the clouds of `Case`, or "random", costs
    uniform in [0, 1]; masses 1/n.
    """

    kind: ClassVar[str] = "path"

    n: int
    over: str
    count: int
    reg: float = 0.0
    mass: float | None = None
    shape: str = "gaussian"
    seed: int = 0

    def __str__(self) -> str:
        what = f"{self.shape}, over {self.over}"
        fixed = self._amount() if self.over == "reg" else f"reg = {self.reg:g}"
        return f"n = {self.n}, {what}, {fixed}"

    def values(self) -> list[float]:
        """Return the regs or masses, in the order in which the path solves them."""
        if self.over == "reg":
            last = max(self.count - 1, 1)
            return [10.0 ** (-3.0 * k / last) for k in range(self.count)]
        return [(k + 1) / self.count for k in range(self.count)]

    def dense(self) -> tuple[Any, Any, Any, float, float | None]:
        import numpy as np

        C, a, b, *_ = Case(self.n, self.reg, self.mass, self.seed).dense()
        if self.shape == "random":
            C = np.random.default_rng(self.seed).random((self.n, self.n))
        return C, a, b, self.reg, self.mass
