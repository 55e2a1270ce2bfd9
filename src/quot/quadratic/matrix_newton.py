"""Newton on a matrix, in the prices of its columns: rows answer each trial exactly, over all pairs.

What `ascent` does for any kind of rows, in two compiled calls a step.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.convergence import Iterate, Monitor
from quot.dual import Dual
from quot.kernels import semidual
from quot.kernels import steps as kernels
from quot.parallel import dot
from quot.plan import Plan
from quot.prices import round_off
from quot.problem import Problem
from quot.quadratic.crowded import Crowded

Floats = NDArray[np.float64]

# Where so many pairs for each row and column carry something a graph of them would not be worth it.
_CROWDED = 16


class MatrixNewton:
    """The dual of a quadratic problem on a matrix, and a way up.

    Of rows and columns those that are more answer exactly, the prices of the others are what is
    looked for: here they are called rows and columns, whatever they are in the problem.

    Parameters
    ----------
    problem : Problem
        Masses positive, reg > 0.
    C : array of shape (n, m)
        Its costs, C-contiguous.
    kept : pair of floats
        What all rows, and what all columns keep.
    monitor : Monitor
        Its steps are counted, and its limits obeyed.

    Attributes
    ----------
    v, f : array
        Prices of the columns, and the answer of the rows.
    """

    def __init__(
        self, problem: Problem, C: Floats, kept: tuple[float, float], monitor: Monitor
    ) -> None:
        self.is_turned = C.shape[1] > kernels.MANY * C.shape[0]
        self.C = np.ascontiguousarray(C.T) if self.is_turned else C
        self.problem, self.monitor, (n, m) = problem, monitor, self.C.shape
        self.total = problem.reg * problem.total
        self.wanted = self._sides(problem.reg * problem.a, problem.reg * problem.b)
        rows_keep, cols_keep = self._sides(*kept)
        self.spare = problem.reg * cols_keep
        self.highest = 0.0 if rows_keep > 0.0 else np.inf
        self.v, self.f = np.zeros(m), np.zeros(n)
        self.turned: Floats | None = None
        start = np.zeros(max(n, m) + 1, np.int64)
        self.listed = start, np.empty(n * m, np.int32), np.empty(n * m)
        columns = np.empty(m), np.empty(m), np.empty(m, np.bool_)
        self.state = self.v, self.f, *self.listed, *columns
        self.missing, self.at_top = columns[1:]
        self.base = np.zeros(m), np.zeros(n)
        self.noise = 0.0
        self.at = np.array([0.0, np.inf, 0.0])
        self.looks = 0
        self.crowded = Crowded()

    def _sides(self, one: Any, other: Any) -> tuple[Any, Any]:
        """What belongs to rows and to columns of the problem, to those here; or back."""
        return (other, one) if self.is_turned else (one, other)

    def begin(self, dual: Dual) -> None:
        """Go to a dual point of the problem; prices of what answers need only be near."""
        f, g = self._sides(dual.f, dual.g)
        np.subtract(g + dual.lam, self.base[0], out=self.v)
        np.minimum(f - self.base[1], self.highest, out=self.f)
        self.noise = round_off(self.f, self.v)
        self._see()

    def count_from_here(self) -> None:
        """Count prices from where they are, and costs less these: then small changes have digits.

        In a balanced problem; in a partial one bounds of prices are at 0.
        """
        if self.problem.is_balanced:
            self.C, self.turned = self.C - self.v - self.f[:, None], None
            self.base = self.base[0] + self.v, self.base[1] + self.f
            self.v[:] = self.f[:] = 0.0
            self.noise = 0.0
            self._see()

    def _see(self) -> None:
        """What the rows make of the prices, from an answer that is near."""
        self.looks += 1
        kernels.see(self.C, self.wanted, self._bounds, self.state, self.at)

    @property
    def _bounds(self) -> tuple[float, float, float]:
        """What prices of rows may be at most, what columns keep, and what is rounding."""
        return self.highest, self.spare, self.noise

    @property
    def value(self) -> float:
        """The dual value."""
        a, b = self._sides(self.problem.a, self.problem.b)
        value = float(self.at[kernels.VALUE]) / self.problem.reg
        return value + dot(b, self.base[0]) + dot(a, self.base[1])

    @property
    def wrong(self) -> float:
        """How much columns miss together, relative to what moves."""
        return float(self.at[kernels.WRONG]) / self.total

    @property
    def active(self) -> int:
        """Pairs that carry something, or nearly do."""
        return int(self.listed[0][self.f.size])

    @property
    def rounding(self) -> float:
        """What the rounding of prices makes columns miss together, relative, more or less."""
        noise = max(self.noise, round_off(self.f, self.v))
        return noise * sum(self.C.shape) / self.total

    def climb(self, enough: float, steps: int, most: float = 0.0) -> bool:
        """Go on until columns miss no more than `enough`, relative; True if they do in `steps`.

        What rounding of the prices explains is enough, up to `most`.
        """
        least, idle, firm = np.inf, 0, kernels.LOOSE
        for _ in range(steps):
            if self._is_done(enough, most):
                return True
            is_idle = idle == kernels.PATIENCE
            if is_idle or not self.monitor.steps_left or self.monitor.must_stop():
                return False
            step = self.crowded.step if self.active > _CROWDED * sum(self.C.shape) else kernels.step
            firm, looks, is_slow = step(
                self.C, self.wanted, self._bounds, self.total, self.state, self.at, firm
            )
            self.looks += looks
            if is_slow:
                self._sweep()
            idle = 0 if self.wrong <= kernels.HALVED * least else idle + 1
            least = min(least, self.wrong)
            self.monitor.steps += 1
        return self._is_done(enough, most)

    def _is_done(self, enough: float, most: float) -> bool:
        """Whether columns miss no more than that, or than rounding explains, up to `most`."""
        return self.wrong <= max(enough, min(self.rounding, most))

    def _sweep(self) -> None:
        """Balance the columns one by one, and then the rows, where that is better."""
        if self.turned is None:
            self.turned = np.ascontiguousarray(self.C.T)
        self.looks += 2
        kernels.sweep(self.C, self.turned, self.wanted, self._bounds, self.state, self.at)

    def plan(self) -> Plan:
        """What the rows send."""
        start, col, beyond = self.listed
        start = start[: self.f.size + 1]
        found = Plan(
            self.C.shape,
            *semidual.sent(start, col, beyond, *self.wanted, self.noise, self.problem.reg),
        )
        return found.T if self.is_turned else found

    def dual(self) -> Dual:
        """The dual point here."""
        if self.problem.is_balanced:
            return Dual(*self._sides(self.base[1] + self.f, self.base[0] + self.v))
        top_f = float(self.f.max()) if self.highest == np.inf else 0.0
        top_v = float(self.v.max())
        f, g = np.minimum(self.f - top_f, 0.0), np.minimum(self.v - top_v, 0.0)
        return Dual(*self._sides(f, g), top_f + top_v)

    def _worst(self) -> float:
        """The most that a column misses; those at the top may keep something, and count as one."""
        alone = float(np.abs(self.missing[~self.at_top]).max(initial=0.0))
        if not self.at_top.any():
            return alone
        together = float(self.missing[self.at_top].sum() - self.spare)
        return max(alone, abs(together))

    def iterate(self, steps: int) -> Iterate:
        """What there is to report."""
        looks, self.looks = self.looks, 0
        return Iterate(
            residual=self._worst() / (self.problem.reg * self.problem.unit),
            support=self.active,
            candidates=self.C.size,
            violators=0,
            reg=self.problem.reg,
            inner=steps,
            pairs=looks * self.C.size,
        )
