"""Rows of an adaptive problem, and how they answer prices of columns and their costs of spreading.

With multipliers eps (n,) and delta (m,) of the bounds on rows and columns, and floors under their
sum, ``E_ij = eps_i + delta_j + floor_j``, the dual value is ``f.a + g.b - sum E_ij h*((f_i + g_j -
C_ij)/E_ij)`` less what the bounds cost. Of each row f_i and eps_i are found exactly; what remains
is a concave function of g and delta, of which delta >= 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quot.adaptive.pairs import Pairs
from quot.adaptive.system import Listed, System
from quot.ascent import absolute
from quot.certificate.bracket import LEAST_EXPONENT
from quot.kernels import adaptive as kernels
from quot.parallel import added, map_rows
from quot.plan import Plan
from quot.problem import AdaptiveProblem

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# Pairs of a weight below this part of those of their row, over their number, are left out of
# directions, which need not be exact; but not where columns of little mass count as others do.
_LEAST = 1e-9
# Iterations at most, and where so many were not enough before; and the residual where much is
# missing, and where all columns count as much.
_MANY, _FEW, _ROUGH, _FINE = 400, 50, 0.05, 1e-12
# Multipliers of rows are found with their prices; those of columns stay where prices alone are.
_BOUNDED, _FREE = False, True
# No price moves by more than so many times the range of costs in one step.
_REACH = 1.0
# No floor is higher than by so many times.
_FAR = 1e30
# A factor takes no longer than to answer a few times if its operations are so many for each pair.
_WORTH = 1e4
# Multipliers that fall to 0 are found so often at most.
_FALLS = 2
# Rows are cut into so many parts, each with sums of its own for the columns.
_PARTS = 64


@dataclass(frozen=True, eq=False)
class Answer:
    """What rows make of prices and costs of spreading.

    Parameters
    ----------
    v : array of shape (m,) or (2 m,)
        Prices of columns and, where these are bounded, their costs of spreading, scaled.
    f, eps : array of shape (n,)
        Prices of rows, and what spreading costs them, without the floor.
    moments : array of shape (3, n)
        Sums of w, w l and w l^2 over each row; the last 0 where eps stays.
    """

    v: Floats
    f: Floats
    eps: Floats
    moments: Floats


class AdaptiveRows:
    """Rows at the prices at which they send their mass and share it with enough columns.

    Parameters
    ----------
    problem : AdaptiveProblem
        Masses positive, rows bounded.
    pairs : Pairs
    floor : array of shape (m,)
        What spreading costs in each column at least, > 0.
    box : pair of arrays of shape (m,), optional
        Prices of columns may be no lower, and no higher; any by default.
    check : callable, optional
        Called now and then while they answer; may raise to end it.
    is_strict : bool, default=False
        Whether columns of little mass count as much as others.
    """

    rounding = 0.0
    is_free, most = _BOUNDED, _MANY

    def __init__(
        self,
        problem: AdaptiveProblem,
        pairs: Pairs,
        floor: Floats,
        box: tuple[Floats, Floats] | None = None,
        check: Callable[[], None] = lambda: None,
        *,
        is_strict: bool = False,
    ) -> None:
        self.problem, self.pairs, self.floor, self.check = problem, pairs, floor, check
        self.is_strict = is_strict
        self.is_entropic = problem.regularizer == "entropic"
        assert problem.row_bounds is not None
        self.bounds = problem.row_bounds
        self.reach = _REACH * pairs.range or 1.0
        self.unit, limits = col_scale(problem), problem.col_bounds
        self.limits = np.zeros(0) if limits is None else limits
        self.box = self._box(box)

    def _box(self, prices: tuple[Floats, Floats] | None) -> tuple[Floats, Floats] | None:
        """Where prices and multipliers may be: these are at least 0."""
        if self.unit is None:
            return prices
        m = self.problem.b.size
        low, high = prices or (np.full(m, -np.inf), np.full(m, np.inf))
        return np.append(low, np.zeros(m)), np.append(high, np.full(m, np.inf))

    @property
    def _sizes(self) -> tuple[Floats, Floats]:
        """What the Hessian has for each price and each multiplier, up to factors: as masses are."""
        b = self.problem.b
        return b, b if self.unit is None else b * self.unit**2

    @property
    def wanted(self) -> Floats:
        """What the dual value has for each price and each scaled multiplier."""
        b = self.problem.b
        return b if self.unit is None else np.concatenate((b, -self.limits / self.unit))

    def wrong(self, missing: Floats) -> float:
        """How much columns miss together; if strict, if each did in the same part as the worst."""
        if not self.is_strict:
            return absolute(missing)
        parts = np.abs(missing) / np.resize(self.problem.b, missing.size)
        return float(parts.max()) * self.problem.total

    def costs(self, v: Floats) -> Floats:
        """What spreading costs in each column, with the floor, (m,)."""
        return self.floor if self.unit is None else self.floor + v[v.size // 2 :] / self.unit

    def respond(self, v: Floats, near: Answer) -> tuple[Answer, Floats, float]:
        """The answer, what is to meet `wanted`, and what the rows add to the dual value."""
        n, m = self.problem.shape
        g, d = v[:m], self.costs(v)
        f, eps, moments = near.f.copy(), near.eps.copy(), np.empty((3, n))

        def part(start: int, stop: int) -> Floats:
            sums = np.zeros(2 * m + 1)
            rows = slice(start, stop)
            sums[-1] = kernels.answer(
                self.pairs.start[start : stop + 1],
                self.pairs.col,
                self.pairs.cost,
                g,
                d,
                self.problem.a[rows],
                self.bounds[rows],
                self.is_entropic,
                self.is_free,
                f[rows],
                eps[rows],
                *moments[:, rows],
                sums[:m],
                sums[m:-1],
            )
            return sums

        total = added(map_rows(part, n, m, max(1, -(-n // _PARTS)), self.check))
        return Answer(v, f, eps, moments), *self._summed(v, total)

    def _summed(self, v: Floats, total: Floats) -> tuple[Floats, float]:
        """What is to meet `wanted`, and the dual value, from what columns get and sums of h."""
        m = v.size if self.unit is None else v.size // 2
        got = total[:m] if self.unit is None else total[:-1].copy()
        if self.unit is not None:
            got[m:] = -got[m:] / self.unit
        return got, float(total[-1])

    def alone(self, answer: Answer, v: Floats, highest: float) -> Floats:
        """Prices at which each column is balanced, the rows being where they are."""
        m, spread = self.problem.b.size, (answer.eps, self.costs(v))
        name = self.problem.regularizer
        g = balanced(self.pairs.turned, self.problem.b, answer.f, spread, v[:m], name)
        moved = v.copy()
        moved[:m] = np.minimum(v[:m] + np.clip(g - v[:m], -self.reach, self.reach), highest)
        return moved if self.box is None else np.clip(moved, *self.box)

    def entries(self, answer: Answer, least: float = _LEAST) -> Listed:
        """Pairs that count."""
        n, m = self.problem.shape
        size = self.pairs.col.size
        begin, at = np.empty(n + 1, np.int64), np.empty(size, np.int32)
        w, y = np.empty(size), np.empty(size)
        d = self.costs(answer.v)
        lowest = least * answer.moments[0] / np.diff(self.pairs.start)
        if not self.is_entropic:
            lowest = np.zeros(n)
        count = kernels.entries(
            self.pairs.start,
            self.pairs.col,
            self.pairs.cost,
            answer.f,
            answer.v[:m],
            answer.eps,
            d,
            lowest,
            self.is_entropic,
            begin,
            at,
            w,
            y,
        )
        return begin, at[:count], w[:count], y[:count]

    def plan(self, answer: Answer) -> Plan:
        """What rows send."""
        begin, at, w, y = self.entries(answer, 0.0)
        row = np.repeat(np.arange(begin.size - 1, dtype=np.int32), np.diff(begin))
        entry = w * (answer.eps[row] + self.costs(answer.v)[at]) if self.is_entropic else y
        kept = y > LEAST_EXPONENT if self.is_entropic else y > 0.0
        return Plan(self.problem.shape, row[kept], at[kept], entry[kept])

    def direction(
        self, answer: Answer, wanted: Floats, at_top: Bools, top: float, firm: float
    ) -> Floats:
        """How prices and multipliers would move for each to get so much more."""
        m, unit, v = self.problem.b.size, self.unit, answer.v
        held, r = np.repeat((False, True), m), np.append(wanted[:m], np.zeros(m))
        if unit is not None:
            r[m:] = wanted[m:] * unit
        if self.box is not None:
            at_the_edge = (v <= self.box[0]) | (v >= self.box[1])
            held[: v.size] = at_the_edge & (wanted == 0.0)
        left = min(_ROUGH, math.sqrt(absolute(wanted) / self.problem.total))
        least, left = (0.0, _FINE) if self.is_strict else (_LEAST, left)
        listed = self.entries(answer, least)
        found, fixed, start = np.zeros(2 * m), np.zeros(2 * m), None
        system = System.of(listed, answer.moments, held, firm, self._sizes)
        right = r.copy()
        for _ in range(_FALLS):
            found = fixed + self._solved(system, right, left, start)
            if unit is None:
                return found[:m]
            # Multipliers that would fall below 0 go there, and the others accordingly.
            multipliers = v[m:] / unit
            falling = np.append(np.zeros(m, np.bool_), found[m:] < -multipliers) & ~system.held
            if not falling.any():
                break
            fixed[m:] = np.where(falling[m:], -multipliers, fixed[m:])
            system = replace(system, held=system.held | falling)
            right, start = r - system.full(fixed), np.where(system.held, 0.0, found)
        assert unit is not None
        return np.append(found[:m], found[m:] * unit)

    def _solved(self, system: System, r: Floats, left: float, start: Floats | None) -> Floats:
        """The solution for a right side, (2 m,), by a factor if iterations do not get there."""
        m = self.problem.b.size
        r[:m], shift = system.apart(r[:m])
        r[system.held] = 0.0
        found, is_there = system.solve(r, left, self.most, start)
        if not is_there and system.work <= _WORTH * self.pairs.col.size:
            self.most, found = _FEW, system.by_factor(r, found)
        found[:m] += np.clip(shift, -self.reach, self.reach)
        return found


def floors(problem: AdaptiveProblem, floor: float) -> Floats:
    """Return floors under what spreading costs in each column, (m,), one of typical mass at that.

    With squares a column of mass b_j takes it from prices within about floor_j b_j: so floors are
    as 1 / b_j, and the prices of all columns known to as much.
    """
    if problem.regularizer == "entropic":
        return np.full(problem.b.size, floor)
    return floor * np.minimum(typical_mass(problem) / problem.b, _FAR)


def typical_mass(problem: AdaptiveProblem) -> float:
    """Return what floors are to be multiplied by to be prices: of squares the mean of columns."""
    return problem.total / problem.b.size if problem.regularizer == "quadratic" else 1.0


def col_scale(problem: AdaptiveProblem) -> Floats | None:
    """Return what multipliers of columns are scaled by, (m,); None if columns are free.

    So what is wrong with a bound counts as mass: as a part of the sum of squares, or as the
    logarithm of the perplexity.
    """
    units = problem.col_units
    return None if units is None else units / problem.b


def balanced(  # noqa: PLR0917
    columns: Pairs,
    b: Floats,
    f: Floats,
    multipliers: tuple[Floats, Floats],
    near: Floats,
    regularizer: str,
) -> Floats:
    """Return the prices at which columns get their masses b, (m,), from rows at prices f.

    Parameters
    ----------
    columns : Pairs
        Column by column.
    b : array of shape (m,)
    f : array of shape (n,)
    multipliers : arrays of shape (n,), (m,)
        What spreading costs rows and columns; the sum of the two is positive.
    near : array of shape (m,)
        Prices not far off.
    regularizer : str
    """
    g, delta = near.copy(), multipliers[1].copy()
    n, m, moments = f.size, b.size, np.empty((3, b.size))

    def part(start: int, stop: int) -> None:
        cols = slice(start, stop)
        kernels.answer(
            columns.start[start : stop + 1],
            columns.col,
            columns.cost,
            f,
            multipliers[0],
            b[cols],
            b[cols],
            regularizer == "entropic",
            _FREE,
            g[cols],
            delta[cols],
            *moments[:, cols],
            *np.zeros((2, n)),
        )

    map_rows(part, m, n, max(1, -(-m // _PARTS)))
    return g
