"""Histograms: masses over many decades on a line and on a square."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isqrt
from typing import Any, ClassVar

from benchmarks.cases.base import Instance, squared_distances

# Centres and deviations on a line, in parts of its length; and centre, deviation and weight of the
# blobs on a square.
_LINE = ((0.2, 0.05), (0.6, 0.1))
_BLOBS = (
    ((0.25, 0.3, 0.08, 1.0), (0.6, 0.75, 0.05, 0.5)),
    ((0.7, 0.4, 0.1, 1.0), (0.35, 0.8, 0.06, 0.7)),
)


@dataclass(frozen=True)
class HistogramCase(Instance):
    """Two histograms over the same bins, each with total 1, their cost as a matrix.

    The shape is "line", Gaussians on n bins in a row; or "shuffled", the same with the bins of
    either side in an order of their own; or "blobs", two blobs a side on a square of n pixels. Cost
    is the distance of bins (metric "euclidean") or its square ("sqeuclidean"), over its maximum.
    `mass` is the part to move, None for a balanced problem.
    """

    kind: ClassVar[str] = "histogram"

    n: int
    reg: float
    mass: float | None = None
    shape: str = "line"
    metric: str = "sqeuclidean"
    seed: int = 0

    def __str__(self) -> str:
        metric = "" if self.metric == "sqeuclidean" else f", {self.metric}"
        return f"{self.shape}, n = {self.n}{metric}, reg = {self.reg:g}, {self._amount()}"

    def dense(self) -> tuple[Any, Any, Any, float, float | None]:
        import numpy as np

        X, Y, a, b = SHAPES[self.shape](np.random.default_rng(self.seed), self.n)
        C = squared_distances(X, Y)
        if self.metric == "euclidean":
            C = np.sqrt(C)
        return C / C.max(), a / a.sum(), b / b.sum(), self.reg, self.mass


def _line(rng: Any, n: int) -> tuple[Any, Any, Any, Any]:
    import numpy as np

    bins = np.arange(n, dtype=np.float64)
    a, b = (np.exp(-0.5 * ((bins - mean * n) / (dev * n)) ** 2) for mean, dev in _LINE)
    return bins[:, None], bins[:, None], a, b


def _shuffled(rng: Any, n: int) -> tuple[Any, Any, Any, Any]:
    X, Y, a, b = _line(rng, n)
    rows, cols = rng.permutation(n), rng.permutation(n)
    return X[rows], Y[cols], a[rows], b[cols]


def _blobs(rng: Any, n: int) -> tuple[Any, Any, Any, Any]:
    import numpy as np

    side = isqrt(n)
    if side**2 != n:
        raise ValueError(f"a square has no {n} pixels")
    middle = (np.arange(side) + 0.5) / side
    pixels = np.stack(np.meshgrid(middle, middle, indexing="ij"), axis=-1).reshape(-1, 2)
    a, b = (
        sum(w * np.exp(-0.5 * ((pixels - (x, y)) ** 2).sum(1) / dev**2) for x, y, dev, w in blobs)
        for blobs in _BLOBS
    )
    return pixels, pixels, a, b


SHAPES: dict[str, Callable[[Any, int], tuple[Any, Any, Any, Any]]] = {
    "line": _line,
    "shuffled": _shuffled,
    "blobs": _blobs,
}
