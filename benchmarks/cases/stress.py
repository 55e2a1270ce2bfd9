"""Random entropic problems that are meant to be hard; a seed is one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from benchmarks.cases.base import Instance

FORMULATIONS = ("balanced", "E1", "E2", "E3")
# Rows and columns are fewer than this.
_SIDE = 60
# Decades of the temperature over the largest cost, and of masses.
_TEMPERATURES, _MASSES = (-9.0, 3.0), (-12.0, 0.0)
# Parts of the smaller total that move, beside one that is random; where something must be kept, the
# last is this much less.
_PARTS, _KEPT = (0.5, 0.999, 1.0), 1e-6


@dataclass(frozen=True)
class StressCase(Instance):
    """So many random problems of one formulation, those of the seeds from `first` on."""

    kind: ClassVar[str] = "stress"
    matrix: ClassVar[int] = 0  # type: ignore[assignment]

    formulation: str
    first: int
    count: int

    def __str__(self) -> str:
        return f"{self.formulation}, seeds {self.first} to {self.first + self.count - 1}"

    def draw(self, seed: int) -> tuple[Any, Any, Any, float, float | None]:
        """Return cost, a, b, eps, mass of one of them."""
        import numpy as np

        rng = np.random.default_rng([FORMULATIONS.index(self.formulation), seed])
        n, m = rng.integers(1, _SIDE + 1, 2)
        C = _cost(rng, n, m)
        eps = (float(np.abs(C).max()) or 1.0) * 10.0 ** rng.uniform(*_TEMPERATURES)
        a, b = _masses(rng, n), _masses(rng, m)
        if self.formulation == "balanced":
            return C, a, b, eps, None
        b = b * rng.choice([0.7, 1.0, 3.0])
        part = rng.choice([rng.random(), *_PARTS])
        if self.formulation != "E1":
            part = min(max(part, _KEPT), 1.0 - _KEPT)
        return C, a, b, eps, float(part * min(a.sum(), b.sum()))


def _cost(rng: Any, n: int, m: int) -> Any:
    """Squared distances, numbers that tie, random ones, or random ones of both signs."""
    import numpy as np

    X, Y = rng.normal(size=(n, 2)), rng.normal(size=(m, 2))
    kind = rng.integers(4)
    if kind == 0:
        return np.square(X[:, None] - Y).sum(axis=-1)
    if kind == 1:
        return rng.integers(0, 5, (n, m)).astype(np.float64)
    return rng.random((n, m)) if kind == 2 else rng.normal(size=(n, m))


def _masses(rng: Any, k: int) -> Any:
    """Even, uneven, over many decades, or small integers, many of them 0; of total 1."""
    import numpy as np

    kind = rng.integers(4)
    if kind == 0:
        x = np.ones(k)
    elif kind == 1:
        x = rng.dirichlet(np.ones(k))
    elif kind == 2:
        x = 10.0 ** rng.uniform(*_MASSES, k)
    else:
        x = rng.integers(0, 3, k).astype(np.float64)
    if not x.any():
        x[0] = 1.0
    return x / x.sum()
