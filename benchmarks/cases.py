"""The instances: two clouds of points, by a few numbers, so that any process can rebuild them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Case:
    """X ~ N(0, I_2), Y ~ 0.7 N(0, I_2) + 1; squared distance over its maximum; masses 1/n.

    `mass` is the fraction to move, None for a balanced problem.
    """

    n: int
    reg: float
    mass: float | None = None
    seed: int = 0

    def __str__(self) -> str:
        kind = "balanced" if self.mass is None else f"mass {self.mass:g}"
        return f"n = {self.n}, reg = {self.reg:g}, {kind}"

    def cost(self) -> Any:
        """Return C, (n, n)."""
        import numpy as np

        rng = np.random.default_rng(self.seed)
        X = rng.normal(size=(self.n, 2))
        Y = 0.7 * rng.normal(size=(self.n, 2)) + 1.0
        C = np.zeros((self.n, self.n))
        for axis in range(2):
            C += np.square(X[:, axis, None] - Y[None, :, axis])
        return C / C.max()

    def masses(self) -> Any:
        """Return a = b, (n,)."""
        import numpy as np

        return np.full(self.n, 1.0 / self.n)

    def problem(self) -> Any:
        """Return the instance as a `quot.problem.Problem`."""
        from quot.problem import Problem

        a = self.masses()
        return Problem(self.cost(), a, a, self.reg, self.mass)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
