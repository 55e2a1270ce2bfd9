"""Many problems at the door at once: where all are plainly valid they pass together.

To judge them one by one takes longer than to solve them. What is not so plain goes by the door of
`Problem`, which says what is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from quot.costs import DenseCost
from quot.problem.plain import are_finite, is_plain
from quot.problem.quadratic import Problem
from quot.problem.transport import MUCH
from quot.trusted import trusted
from quot.validation import MASS_ROUND_OFF, TOTALS_ROUND_OFF

Floats = NDArray[np.float64]

# What squares may cost a unit of mass: far from where floats end.
_LEAST, _MOST = 1e-200, 1e200


class Many(Sequence[Problem]):
    """Problems on matrices of one shape, one after another: each is made when it is asked for.

    Attributes
    ----------
    Cs : array of shape (k, n, m)
    a, b : array of shape (k, n), (k, m)
    regs, moves : array of shape (k,)
        Strength, and what moves.
    is_balanced : bool
        Whether of all of them all moves.
    """

    def __init__(
        self,
        Cs: Floats,
        sides: tuple[Floats, Floats],
        regs: Floats,
        moves: Floats,
        *,
        is_balanced: bool,
    ) -> None:
        self.Cs, (self.a, self.b), self.regs, self.moves = Cs, sides, regs, moves
        self.is_balanced = is_balanced

    def __len__(self) -> int:
        return len(self.Cs)

    @overload
    def __getitem__(self, key: int) -> Problem: ...

    @overload
    def __getitem__(self, key: slice) -> Many: ...

    def __getitem__(self, key: int | slice) -> Any:
        Cs, a, b, regs, moves = (x[key] for x in (self.Cs, self.a, self.b, self.regs, self.moves))
        if isinstance(key, slice):
            return Many(Cs, (a, b), regs, moves, is_balanced=self.is_balanced)
        reg, total = float(regs), float(moves)
        mass = None if self.is_balanced else total
        return trusted(
            Problem, cost=trusted(DenseCost, C=Cs), a=a, b=b, reg=reg, mass=mass, total=total
        )

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of each."""
        _, n, m = self.Cs.shape
        return n, m


def plain_problems(
    Cs: Any, a: Any, b: Any, regs: Sequence[Any], masses: Sequence[Any]
) -> Many | None:
    """Problems of costs (k, n, m), if these and the rest are arrays of numbers, plainly valid."""
    if type(Cs) is not np.ndarray or Cs.ndim != 3 or Cs.dtype.kind not in "fiu":
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        Cs = np.require(Cs, np.float64, ["C", "A", "W"])
    if not are_finite(Cs):
        return None
    count, n, m = Cs.shape
    sides = [side for side in (_masses(a, count, n), _masses(b, count, m)) if side is not None]
    given = _floats(regs), masses if all(k is None for k in masses) else _floats(masses)
    if len(sides) < 2 or given[0] is None or given[1] is None:
        return None
    sums = [side.sum(axis=1) for side in sides]
    most, is_balanced = np.minimum(*sums), masses[0] is None
    if is_balanced:
        total = sums[0]
        is_valid = (np.maximum(*sums) - most <= TOTALS_ROUND_OFF * np.maximum(*sums)).all()
    else:
        moved = np.array(given[1])
        is_valid = (moved >= 0.0).all() and (moved <= most * (1.0 + MASS_ROUND_OFF)).all()
        total = np.minimum(moved, most)
    strengths = np.array(given[0])
    paid = strengths * total
    are_moderate = (total * MUCH >= 1.0) & (total <= MUCH) & (paid <= _MOST)
    if not (is_valid and (are_moderate & ((paid == 0.0) | (paid >= _LEAST))).all()):
        return None
    a, b = sides
    return Many(Cs, (a, b), strengths, total, is_balanced=is_balanced)


def _masses(value: Any, count: int, size: int) -> Floats | None:
    """Masses of their own memory, a row each; None if they are not plain."""
    if value is None:
        return np.full((count, size), 1.0 / size)
    if not (is_plain(value, 1) or is_plain(value, 2)) or not are_finite(value):
        return None
    if value.shape not in {(size,), (count, size)} or value.min() < 0.0:
        return None
    return np.array(np.broadcast_to(value, (count, size)), order="C")


def _floats(values: Sequence[Any]) -> list[float] | None:
    """Numbers >= 0, if they are."""
    plain = float, int, np.float64
    if all(type(x) in plain and 0.0 <= x <= _MOST for x in values):
        return [float(x) for x in values]
    return None
