"""Two clouds of points of several shapes, their cost never a matrix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from benchmarks.cases.base import Positions

# Clusters: how many, and their width where the cloud's is 1.
_CLUSTERS, _WIDTH = 20, 0.1
# How often a duplicated point occurs, on average.
_COPIES = 10
# The spiral: turns, and length of the noise where the radius grows to 1.
_TURNS, _NOISE = 2.0, 0.1
# Shapes of which both clouds are draws.
_ALIKE = ("spiral", "isotropic")


@dataclass(frozen=True)
class PointsCase(Positions):
    """Two clouds X ~ shape, Y ~ 0.7 shape + 1 of n points in d dimensions, masses 1/n.

    The shape is "gaussian", N(0, I_d); "clustered", 20 narrow Gaussians; "heavy", Student's t with
    2 degrees of freedom; "duplicated", each point about ten times; "collinear", Gaussian on a
    line. Of "spiral", a noisy curve in a plane of R^d, and "isotropic", N(0, I_d), Y is a second
    draw, neither shrunk nor shifted; with `same` Y is X.

    Both clouds are scaled by one number that makes 1 the largest squared distance between their
    bounding boxes. `reg` is in units of the squared distance *before* that and is scaled along:
    the number of points a point sends to then depends on no outlier.
    """

    kind: ClassVar[str] = "points"

    n: int
    d: int
    reg: float
    mass: float | None = None
    shape: str = "gaussian"
    same: bool = False
    seed: int = 0

    def __str__(self) -> str:
        same = ", X = Y" if self.same else ""
        return (
            f"n = {self.n}, {self.d}-D {self.shape}{same}, reg = {self.reg:.4g}, {self._amount()}"
        )

    def positions(self) -> tuple[Any, Any, Any, Any, float]:
        import numpy as np

        rng = np.random.default_rng(self.seed)
        draw = SHAPES[self.shape]
        X, Y = draw(rng, self.n, self.d), draw(rng, self.n, self.d)
        if self.shape not in _ALIKE:
            Y = 0.7 * Y + 1.0
        if self.same:
            Y = X
        reach = np.maximum(X.max(axis=0) - Y.min(axis=0), Y.max(axis=0) - X.min(axis=0))
        largest = float(np.square(reach).sum())
        X = X / np.sqrt(largest)
        Y = X if self.same else Y / np.sqrt(largest)
        a = np.full(self.n, 1.0 / self.n)
        return X, Y, a, a, self.reg / largest


def _gaussian(rng: Any, n: int, d: int) -> Any:
    return rng.normal(size=(n, d))


def _clustered(rng: Any, n: int, d: int) -> Any:
    centers = rng.normal(size=(_CLUSTERS, d))
    return centers[rng.integers(_CLUSTERS, size=n)] + _WIDTH * rng.normal(size=(n, d))


def _heavy(rng: Any, n: int, d: int) -> Any:
    return rng.standard_t(2, size=(n, d))


def _duplicated(rng: Any, n: int, d: int) -> Any:
    different = max(n // _COPIES, 1)
    return rng.normal(size=(different, d))[rng.integers(different, size=n)]


def _collinear(rng: Any, n: int, d: int) -> Any:
    """Along (1, ..., 1), where 0.7 times them plus 1 stays on the line."""
    return rng.normal(size=(n, 1)).repeat(d, axis=1)


def _spiral(rng: Any, n: int, d: int) -> Any:
    """In the same plane of R^d for every draw, its density even along the curve, nearly."""
    import numpy as np

    radius = np.sqrt(rng.random(n))
    angle = 2.0 * np.pi * _TURNS * radius
    plane, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(d, 2)))
    curve = radius[:, None] * np.stack((np.cos(angle), np.sin(angle)), axis=1)
    return curve @ plane.T + _NOISE / np.sqrt(d) * rng.normal(size=(n, d))


SHAPES: dict[str, Callable[[Any, int, int], Any]] = {
    "gaussian": _gaussian,
    "clustered": _clustered,
    "heavy": _heavy,
    "duplicated": _duplicated,
    "collinear": _collinear,
    "spiral": _spiral,
    "isotropic": _gaussian,
}
