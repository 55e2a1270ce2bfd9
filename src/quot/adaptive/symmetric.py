"""Symmetric plans of a point set with itself in which every point shares with enough others.

They minimise <C, P> over symmetric P >= 0 with rows that sum to 1 and have a perplexity of at least
xi. Half the dual value is, with prices f (n,) and multipliers e >= 0 (n,) of rows,

    ``sum f - 1/2 sum E_ij h*((f_i + f_j - C_ij)/E_ij) - sum e_i eta_i``,  ``E_ij = e_i + e_j``,

eta being the bounds of `quot.perplexity`. Newton's method in both begins from what rows would be
one by one, and is there in about ten steps. Where it gets stuck, because multipliers are 0 and the
dual is not smooth, it begins anew with a floor under E, which falls until what it costs is little.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from quot.adaptive.blocks import Blocks
from quot.adaptive.neighbours import Kept
from quot.adaptive.shares import Shares
from quot.gradients import conjugate_gradients
from quot.kernels import symmetric as kernels
from quot.parallel import dot, map_rows
from quot.perplexity import bounds, units

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# Rounds in which prices and multipliers of rows are made to fit those of the others, how far each
# goes, and the part of a multiplier that is left at least.
_ROUNDS, _HALF, _LEFT = 5, 0.5, 0.01
# The floor at first, in parts of a typical multiplier, and the part of one that a step leaves.
_LOW, _KEPT = 1e-9, 0.1
# No multiplier is to change by more than so many times in one step.
_FAR = 3.0
# So often multipliers that would fall too far are found, and the others asked again.
_FALLS = 4
# Steps at a floor, and so many that do not halve what is wrong are enough.
_STEPS, _IDLE = 60, 15
# Where floors begin, in parts of the range of costs over a typical entry; how they fall, how often
# at most, and how well each is solved but for the last.
_HIGH, _LOWER, _FLOORS, _ON_THE_WAY = 1.0, 0.25, 60, 1e-2
# A floor at which so much more is wrong than at the best one is too low.
_LOST = 100.0
# What may be wrong at the end, in parts of the tolerance.
_AT_THE_END = 0.1
# What holds points where they are, in parts of the diagonal; see `ascent`.
_LOOSE, _FIRM, _FIRMEST, _SHORT, _FIRMER, _LOOSER = 1e-10, 1e-4, 1e2, 0.1, 10.0, 0.1
# Iterations of conjugate gradients at most, and the residual where much is wrong.
_MANY, _ROUGH = 400, 0.05
# A step rises by this part of what it promises, or it is shortened; this short it is none.
_RISES, _SHORTER, _NONE = 1e-4, 0.4, 1e-8
# Rounding of the dual value, and what counts as no diagonal, relative.
_ROUNDING, _NOTHING = 1e-14, 1e-12
# The two variables of a point are independent by this part at least.
_APART = 1e-6
# Costs are relative to what is paid, or to this part of what a uniform plan pays.
_UNIFORM = 1e-3
# Rows that one thread takes at a time.
_ROWS = 512


class Judged(NamedTuple):
    """How good a point is.

    Parameters
    ----------
    residual : float
        The most that a row misses: of its mass, or its perplexity, relative, where that counts.
    gap : float
        What is paid beyond the dual value of the problem without a floor, over a scale of costs.
    """

    residual: float
    gap: float

    @property
    def worse(self) -> float:
        """The larger one, inf if any is NaN."""
        worse = max(self.residual, abs(self.gap))
        return worse if np.isfinite(self.residual + self.gap) else np.inf

    def holds(self, tol: float) -> bool:
        """Whether both are within a tolerance."""
        return self.worse <= tol


@dataclass(frozen=True, eq=False)
class Point:
    """Prices and multipliers, and the plan that they make.

    Parameters
    ----------
    f, e : array of shape (n,)
    entries, w, l : array of shape (K,)
        See `kernels.symmetric`.
    missing, over : array of shape (n,)
        How much mass each row is short of, and by how much it breaks its bound.
    moments : array of shape (4, n)
        Sums of w, w l and w l^2 over each row, and w on the diagonal.
    value : float
        Half the dual value, with the floor.
    """

    f: Floats
    e: Floats
    entries: Floats
    w: Floats
    l: Floats  # noqa: E741
    missing: Floats
    over: Floats
    moments: Floats
    value: float

    @property
    def held(self) -> Bools:
        """Rows whose multiplier is 0 and stays, (n,)."""
        return (self.e <= 0.0) & (self.over <= 0.0)


class Symmetric:
    """The problem on given pairs.

    Parameters
    ----------
    pairs : Kept
        With (i, j) also (j, i), of the same cost; in every row some.
    perplexity : array of shape (n,)
    regularizer : {"entropic", "quadratic"}
    steps : int
        Of Newton's method, in all.
    """

    def __init__(self, pairs: Kept, perplexity: Floats, regularizer: str, steps: int) -> None:
        self.pairs, self.steps_left, self.n = pairs, steps, perplexity.size
        self.perplexity, self.regularizer = perplexity, regularizer
        self.is_entropic = regularizer == "entropic"
        ones = np.ones(self.n)
        self.bounds = bounds(ones, perplexity, regularizer)
        self.units = units(ones, perplexity, regularizer)
        self.range = float(np.ptp(pairs.cost))
        usual = np.add.reduceat(np.abs(pairs.cost), pairs.start[:-1]) / pairs.sizes
        self.least_scale = _UNIFORM * float(usual.sum())

    def on(self, pairs: Kept) -> Symmetric:
        """The same on other pairs, with the steps that are left."""
        return Symmetric(pairs, self.perplexity, self.regularizer, self.steps_left)

    def at(self, f: Floats, e: Floats, floor: float) -> Point:
        """The point at prices and multipliers."""
        entries, w, l = np.empty((3, self.pairs.cost.size))  # noqa: E741
        sums = np.empty((7, self.n))

        listed = self.pairs.start, self.pairs.col, self.pairs.cost
        how = f, e, floor, self.is_entropic

        def part(start: int, stop: int) -> None:
            kernels.answer(start, stop, *listed, *how, entries, w, l, sums)

        self._map(part)
        value = float(f.sum()) - 0.5 * float(sums[2].sum()) - dot(e, self.bounds)
        missing, over = 1.0 - sums[0], sums[1] - self.bounds
        return Point(f, e, entries, w, l, missing, over, sums[3:], value)

    def wrong(self, point: Point) -> float:
        """What a point lacks to be the best at its floor."""
        over = np.where(point.held, 0.0, np.abs(point.over) / self.units)
        return float(np.maximum(np.abs(point.missing), over).max())

    @np.errstate(over="ignore", invalid="ignore")  # what is inf or NaN is not good
    def judge(self, point: Point, floor: float) -> Judged:
        """How good the plan is, of the problem without a floor."""
        broken = np.maximum(point.over, 0.0) / self.units
        residual = float(np.maximum(np.abs(point.missing), broken).max())
        paid = float((self.pairs.cost * point.entries).sum())
        lower = 2.0 * point.value - floor * float(self.bounds.sum())
        gap = (paid - lower) / self._scale(point) if self.range > 0.0 else 0.0
        return Judged(residual, gap)

    def bias(self, point: Point, floor: float) -> float:
        """What a floor costs, relative: it pays for spreading of rows that need not."""
        if not self.range > 0.0:
            return 0.0
        return floor * float(np.maximum(-point.over, 0.0).sum()) / self._scale(point)

    def _scale(self, point: Point) -> float:
        return max(dot(np.abs(self.pairs.cost), point.entries), self.least_scale)

    def climb(self, point: Point, floor: float, enough: float, kept: float = 0.0) -> Point:
        """Newton's method from a point until no more than `enough` is wrong, or no further.

        A step leaves the part `kept` of a multiplier, or else none.
        """
        best, least, wrong, before = point, np.inf, self.wrong(point), np.inf
        firm, idle = _LOOSE, 0
        for _ in range(_STEPS):
            idle = 0 if wrong <= 0.5 * least else idle + 1
            if wrong < least:
                best, least = point, wrong
            is_stuck = idle > _IDLE or firm > _FIRMEST
            if not enough < wrong < np.inf or is_stuck or not self.steps_left:
                break
            rough = (wrong / before) ** 2 if before < np.inf else _ROUGH
            left = min(_ROUGH, max(rough, 0.1 * enough / wrong))
            before, self.steps_left = wrong, self.steps_left - 1
            z = self._direction(point, floor, firm, left, kept)
            following, tau = self._step(point, z, floor, kept)
            if tau < _SHORT:
                firm = max(_FIRMER * firm, _FIRM)
            elif tau >= 1.0:
                firm = max(_LOOSER * firm, _LOOSE)
            if tau > 0.0:
                point, wrong = following, self.wrong(following)
        return best

    def _direction(
        self, point: Point, floor: float, firm: float, left: float, kept: float
    ) -> Floats:
        """How prices and multipliers, (2 n,), would move for nothing to be wrong.

        Multipliers that would fall below the part `kept` of themselves go there, and the others
        move accordingly.
        """
        n, held = self.n, point.held
        fall = (kept - 1.0) * point.e
        z = np.zeros(2 * n)
        for _ in range(_FALLS):
            system = System.of(self, point, held, firm)
            fixed = np.append(np.zeros(n), np.where(held, np.where(point.held, 0.0, fall), 0.0))
            r = np.append(point.missing, point.over) - system.full(fixed)
            r[n:][held] = 0.0
            z, _ = conjugate_gradients(system.product, r, system.near, most=_MANY, left=left)
            z = z + fixed
            falling = ~held & (z[n:] < fall)
            if not falling.any():
                break
            held = held | falling
        if not self.is_entropic:
            self._reach(point, floor, z)
        return z

    def multiply(self, point: Point, z: Floats) -> Floats:
        """The Hessian at a point times a vector, (2 n,)."""
        n, pairs = self.n, self.pairs
        price, spread, out = z[:n].copy(), z[n:].copy(), np.empty(2 * n)

        def part(start: int, stop: int) -> None:
            listed = start, stop, pairs.start, pairs.col, point.w, point.l
            kernels.product(*listed, price, spread, out[:n], out[n:])

        self._map(part)
        return out

    def _reach(self, point: Point, floor: float, z: Floats) -> None:
        """In place: rows without an entry, of which Newton's method knows nothing, get one."""
        none = np.flatnonzero(point.moments[0] == 0.0)
        if none.size:
            highest = np.maximum.reduceat(point.l, self.pairs.start[:-1])[none]
            z[none] = (0.5 - highest) * (point.e[none] + floor)
            z[self.n + none] = 0.0

    def _step(self, point: Point, z: Floats, floor: float, kept: float) -> tuple[Point, float]:
        """As far in a direction as the dual value rises, and how far that is, 0 if nowhere."""
        n, tau, wrong = self.n, 1.0, self.wrong(point)
        if kept > 0.0:
            z = self._near(point, z, floor)
        rounding = _ROUNDING * (float(np.abs(point.f).sum()) + abs(point.value))
        while tau > _NONE:
            e = np.maximum(point.e + tau * z[n:], kept * point.e)
            e[e < floor * (kept > 0.0)] = 0.0
            trial = self.at(point.f + tau * z[:n], e, floor)
            gain = dot(point.missing, trial.f - point.f) + dot(point.over, e - point.e)
            rise = trial.value - point.value
            if rise >= _RISES * gain or (rise >= -rounding and self.wrong(trial) < wrong):
                return trial, tau
            tau *= _SHORTER
        return point, 0.0

    def _near(self, point: Point, z: Floats, floor: float) -> Floats:
        """A direction in which no multiplier changes by more than so many times, if it rises.

        A point with next to no entries would go anywhere; the others are not to wait for it.
        """
        far = np.abs(z[self.n :]) / (_FAR * (point.e + floor) + _LEFT * np.median(point.e))
        near = z / np.tile(np.maximum(far, 1.0), 2)
        r = np.append(point.missing, np.where(point.held, 0.0, point.over))
        return near if dot(r, near) > 0.0 else z

    def _map(self, part: Callable[[int, int], None]) -> None:
        map_rows(part, self.n, max(1, self.pairs.cost.size // self.n), _ROWS)


@dataclass(frozen=True, eq=False)
class System:
    """The Hessian at a point.

    Parameters
    ----------
    problem : Symmetric
    point : Point
    held : bool array of shape (2 n,)
        Prices, none of them, and multipliers that stay.
    firm : float
        So many times the diagonal is added.
    blocks : Blocks
        Of the diagonal, without what is added.
    """

    problem: Symmetric
    point: Point
    held: Bools
    firm: float
    blocks: Blocks

    @classmethod
    def of(cls, problem: Symmetric, point: Point, held: Bools, firm: float) -> System:
        """That of a point, where the multipliers of points (n,) stay."""
        first, second, third, own = point.moments
        blocks = Blocks.of(first + own, -second, third, none=_NOTHING, apart=_APART)
        return cls(problem, point, np.append(np.zeros(held.size, np.bool_), held), firm, blocks)

    def full(self, z: Floats) -> Floats:
        """The Hessian and what is added, times a vector, (2 n,)."""
        return self.problem.multiply(self.point, z) + self.firm * self.blocks.diagonal * z

    def product(self, z: Floats) -> Floats:
        """The same without the multipliers that stay."""
        return np.where(self.held, 0.0, self.full(np.where(self.held, 0.0, z)))

    def near(self, r: Floats) -> Floats:
        """About the solution for a right side, (2 n,): that of the blocks."""
        return self.blocks.solve(r, self.held) / (1.0 + self.firm)


def first_guess(rows: Shares) -> tuple[Floats, Floats]:
    """Prices and multipliers (n,) with which a plan is about what its rows would be alone.

    Entry ij of row i alone has the price p_i and strength s_i; here f_i + f_j and e_i + e_j are to
    be these, in the mean over the row.
    """
    n, pairs = rows.price.size, rows.pairs
    P = sp.csr_array((rows.entries, pairs.col, pairs.start), shape=(n, n))
    f, e = 0.5 * rows.price, 0.5 * rows.strength
    for _ in range(_ROUNDS):
        f = f + _HALF * (rows.price - f - P @ f)
        e = e + _HALF * (rows.strength - e - P @ e)
        e = np.maximum(e, _LEFT * rows.strength)
    return f, e


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # such a step is not taken
def ascend(problem: Symmetric, f: Floats, e: Floats, tol: float) -> tuple[Point, float]:
    """The best point from prices and multipliers nearby, at next to no floor, and that floor."""
    typical = float(np.median(e))
    floor = _LOW * (typical or float(e.max()) or problem.range or 1.0)
    return problem.climb(problem.at(f, e, floor), floor, _AT_THE_END * tol, _KEPT), floor


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def descend(problem: Symmetric, tol: float) -> tuple[Point, float]:
    """The best point by way of falling floors, and the last of them."""
    n, is_entropic = problem.n, problem.is_entropic
    floor = _HIGH * (problem.range or 1.0) * (1.0 if is_entropic else n)
    # How prices change with a floor while that is high.
    slope = -0.5 * np.log(n) if is_entropic else 0.5 / n
    f = np.full(n, 0.5 * float(problem.pairs.cost.mean()) + slope * floor)
    point = problem.at(f, np.zeros(n), floor)
    before: tuple[float, Point] | None = None
    best, least = (point, floor), np.inf
    for _ in range(_FLOORS):
        point = problem.climb(point, floor, _ON_THE_WAY)
        is_low = problem.bias(point, floor) <= _HALF * tol
        if is_low:
            point = problem.climb(point, floor, _AT_THE_END * tol)
        now = problem.judge(point, floor).worse
        is_lost = is_low and now > _LOST * least
        if now < least:
            best, least = (point, floor), now
        if now <= tol or is_lost or not problem.steps_left:
            break
        lower = _LOWER * floor
        if before is None:
            f, e = point.f + slope * (lower - floor), point.e
        else:
            on = (lower - floor) / (floor - before[0])
            f = point.f + on * (point.f - before[1].f)
            e = np.maximum(point.e + on * (point.e - before[1].e), 0.0)
        before, following = (floor, point), problem.at(f, e, lower)
        stayed, floor = problem.at(point.f, point.e, lower), lower
        point = following if problem.wrong(following) < problem.wrong(stayed) else stayed
    return best
