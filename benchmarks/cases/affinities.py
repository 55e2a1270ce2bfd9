"""Points whose affinities to each other are wanted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from benchmarks.cases.base import Instance

# Ten clusters of widths 1 to 3, their centres this far apart.
_CLUSTERS, _APART = 10, 6.0


@dataclass(frozen=True)
class AffinityCase(Instance):
    """n points in d dimensions, in clusters of several widths, and the perplexity of each.

    With `neighbours` the squared distances to so many others are given, and rows are all there is
    to find; without, the doubly stochastic problem is meant.
    """

    kind: ClassVar[str] = "affinities"

    n: int
    d: int
    perplexity: float
    regularizer: str
    neighbours: int = 0
    seed: int = 0

    def __str__(self) -> str:
        what = f"{self.neighbours} neighbours" if self.neighbours else "doubly stochastic"
        return (
            f"n = {self.n}, {self.d}-D, {what}, {self.regularizer}, perplexity {self.perplexity:g}"
        )

    def points(self) -> Any:
        """Return the points, (n, d)."""
        import numpy as np

        rng = np.random.default_rng(self.seed)
        label = rng.integers(_CLUSTERS, size=self.n)
        centres = _APART * rng.normal(size=(_CLUSTERS, self.d))
        X = rng.normal(size=(self.n, self.d)) + centres[label]
        return X * (1 + label[:, None] % 3)

    def distances(self) -> Any:
        """Return the squared distances to neighbours, (n, neighbours), ascending."""
        from scipy.spatial import cKDTree

        X = self.points()
        return cKDTree(X).query(X, self.neighbours + 1)[0][:, 1:] ** 2
