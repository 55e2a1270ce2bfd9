"""What all instances share, and what those between points share."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

# Rows of a matrix of distances made at a time.
_ROWS = 256


class Instance:
    """A problem by a few numbers; the classes of instances are frozen dataclasses."""

    kind: ClassVar[str]
    entry: ClassVar[str] = "solve"  # the function of quot that takes its data
    n: int
    reg: float
    mass: float | None

    def data(self) -> tuple[Any, Any, Any, float, float | None]:
        """Return what `quot.solve` is given: cost, a, b, reg, mass; a matrix unless overridden."""
        return self.dense()

    def dense(self) -> tuple[Any, Any, Any, float, float | None]:
        """Return the same with the cost as an array, (n, n); it imports nothing of quot."""
        raise NotImplementedError

    def options(self, reg: float) -> dict[str, Any]:
        """Return the keyword arguments of that function that say what the problem is."""
        return {"reg": reg, "mass": self.mass}

    def problem(self) -> Any:
        """Return the instance as a `quot.problem.Problem`."""
        from quot.problem import Problem

        return Problem(*self.data())

    @property
    def matrix(self) -> int:
        """Bytes of the cost as a matrix, for solvers that need that."""
        return 8 * self.n**2

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers that `rebuild` needs."""
        return {"kind": self.kind} | asdict(self)  # type: ignore[call-overload]

    def _amount(self) -> str:
        return "balanced" if self.mass is None else f"mass {self.mass:g}"


class Positions(Instance):
    """An instance whose cost is the squared distance between points."""

    def positions(self) -> tuple[Any, Any, Any, Any, float]:
        """Return X, Y (n, d), the masses a, b (n,), and reg in the units of this cost."""
        raise NotImplementedError

    def data(self) -> tuple[Any, Any, Any, float, float | None]:
        from quot import PointCost

        X, Y, a, b, reg = self.positions()
        return PointCost(X, Y), a, b, reg, self.mass

    def dense(self) -> tuple[Any, Any, Any, float, float | None]:
        X, Y, a, b, reg = self.positions()
        return squared_distances(X, Y), a, b, reg, self.mass


def squared_distances(X: Any, Y: Any) -> Any:
    """Return the (n, m) array, made in blocks of rows."""
    import numpy as np

    C = np.zeros((len(X), len(Y)))
    for start in range(0, len(X), _ROWS):
        block = slice(start, start + _ROWS)
        for axis in range(X.shape[1]):
            C[block] += np.square(X[block, axis, None] - Y[None, :, axis])
    return C
