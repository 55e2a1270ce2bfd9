"""Many problems at the door at once: where all are plainly valid they pass together.

To judge them one by one takes longer than to solve them. What is not so plain goes by the door of
`Problem`, which says what is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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


def plain_problems(
    Cs: Any, a: Any, b: Any, regs: Sequence[Any], masses: Sequence[Any]
) -> list[Problem] | None:
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
    most, moved = np.minimum(*sums), None
    if masses[0] is None:
        total = sums[0]
        is_valid = (np.maximum(*sums) - most <= TOTALS_ROUND_OFF * np.maximum(*sums)).all()
    else:
        moved = np.array(given[1])
        is_valid = (moved >= 0.0).all() and (moved <= most * (1.0 + MASS_ROUND_OFF)).all()
        total = moved = np.minimum(moved, most)
    strength = np.array(given[0]) * total
    are_moderate = (total * MUCH >= 1.0) & (total <= MUCH) & (strength <= _MOST)
    if not (is_valid and (are_moderate & ((strength == 0.0) | (strength >= _LEAST))).all()):
        return None
    moving = [None] * count if moved is None else moved.tolist()
    each = zip(Cs, *sides, given[0], moving, total.tolist(), strict=True)
    return [
        trusted(Problem, cost=trusted(DenseCost, C=C), a=p, b=q, reg=reg, mass=mass, total=moves)
        for C, p, q, reg, mass, moves in each
    ]


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
