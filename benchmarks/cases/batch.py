"""Many small problems of one size, their costs as matrices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from benchmarks.cases.base import Instance
from benchmarks.cases.dense import Case


@dataclass(frozen=True)
class BatchCase(Instance):
    """`count` problems of two clouds in the plane each, as `Case` draws them from a seed each."""

    kind: ClassVar[str] = "batch"
    entry: ClassVar[str] = "solve_batch"

    n: int
    count: int
    reg: float
    mass: float | None = None

    def __str__(self) -> str:
        return f"{self.count} of n = {self.n}, reg = {self.reg:g}, {self._amount()}"

    def singles(self) -> list[Case]:
        """Return the problems one by one."""
        return [Case(self.n, self.reg, self.mass, seed) for seed in range(self.count)]

    def dense(self) -> tuple[Any, Any, Any, float, float | None]:
        """Return the costs (count, n, n), and masses (n,) of all problems."""
        import numpy as np

        Cs = np.stack([case.dense()[0] for case in self.singles()])
        a = np.full(self.n, 1.0 / self.n)
        return Cs, a, a, self.reg, self.mass

    @property
    def matrix(self) -> int:
        return 8 * self.count * self.n**2
