"""An interior-point method for adaptive problems: slow on large ones, and sure on small ones.

Plan, slacks of the bounds and their multipliers are positive, and pairs of them have products that
fall together: reduced costs times entries, ``z P``, and multipliers times slacks. No multiplier is
0 on the way, so there is no floor. With h of the entries of a row bounded by eta_i, of a column by
zeta_j, and E_ij = eps_i + delta_j,

    ``C + E h'(P) - f - g = z,  P 1 = a,  P' 1 = b,  sum h(P_i) + s_i = eta_i``

and the same of columns. A step is Newton's method on these and on the products, which are to be a
part of what they are on average. A pair adds ``W v v'`` to its system in (f_i, g_j, eps_i,
delta_j), with v = (1, 1, -l, -l), l = h'(P) and 1/W = E h''(P) + z/P, and what rows have there is
eliminated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.linalg as sl
from numpy.typing import NDArray

from quot.adaptive.found import Found, costs
from quot.perplexity import bounds, units
from quot.problem import AdaptiveProblem

Floats = NDArray[np.float64]

# How near the end of what is positive a step may come, and shorter ones lead nowhere.
_NEAR, _SHORT = 0.98, 1e-8
# The least part that products fall to at once, what they need not be below in parts of what is
# asked for, and what all together are at least, of all mass times the range of costs.
_LEAST, _BELOW, _END = 1e-6, 0.1, 1e-15
# A value below this part of all mass times the range of costs is 0.
_ZERO = 1e-4
# The first plan has marginals after so many scalings, and slacks are so much of a unit at least.
_SCALINGS, _SLACK = 200, 1e-3
# What is added to a diagonal of ones until there is a Cholesky factor: first, and how it grows.
_FIRM, _FIRMER = 1e-15, 10.0


class Interior:
    """The method, begun for a problem.

    Parameters
    ----------
    problem : AdaptiveProblem
        Masses positive.
    """

    def __init__(self, problem: AdaptiveProblem) -> None:
        # The system that is factored is of the columns.
        self.is_turned = problem.shape[0] < problem.shape[1]
        self.problem = problem.turned if self.is_turned else problem
        C, total = costs(self.problem), problem.total
        self.least, self.range = float(C.min()), float(np.ptp(C)) or 1.0
        name = problem.regularizer
        sides = (
            _Side.of(1, self.problem.a / total, self.problem.row_perplexity, name),
            _Side.of(0, self.problem.b / total, self.problem.col_perplexity, name),
        )
        self.path = _Path((C - self.least) / self.range, np.abs(C) / self.range, sides, name)

    @np.errstate(all="ignore")  # what is not finite ends the method
    def run(self, enough: float, steps: int, check: Callable[[], None] = lambda: None) -> None:
        """Go on until no more than that is wrong: of the gap, mass and bounds, relative.

        At most so many steps; `check` is called before each, and what it raises ends the method.
        """
        for _ in range(steps):
            check()
            if self.path.wrong <= enough or not self.path.step(enough):
                return

    @property
    def found(self) -> Found:
        """The plan so far."""
        path, total, unit = self.path, self.problem.total, self.range
        sides = zip(path.y[1:], self.problem.shape, strict=True)
        eps, delta = (y if y.size else np.zeros(size) for y, size in sides)
        f, g = path.f, path.g
        if path.is_entropic:  # h of entries depends on the mass
            f, g = f + eps * np.log(total), g + delta * np.log(total)
        else:
            eps, delta = eps / total, delta / total
        f, g, eps, delta = unit * f + self.least, unit * g, unit * eps, unit * delta
        found = Found(total * path.x[0], f, g, eps, delta, path.wrong)
        return found.turned if self.is_turned else found


@dataclass(frozen=True, eq=False)
class _Side:
    """Rows, or columns, with the limits of their sums of h and the units of these; None if free."""

    axis: int
    mass: Floats
    limits: Floats | None
    units: Floats | None

    @property
    def is_bounded(self) -> bool:
        """Whether there are limits."""
        return self.limits is not None

    @classmethod
    def of(cls, axis: int, mass: Floats, perplexity: Floats | None, regularizer: str) -> _Side:
        """That of a perplexity."""
        if perplexity is None:
            return cls(axis, mass, None, None)
        asked = mass, perplexity, regularizer
        return cls(axis, mass, bounds(*asked), units(*asked))

    def room(self, spread: Floats) -> tuple[Floats, Floats]:
        """How far sums of these are below their limits, and the units of that; empty if free."""
        if self.limits is None or self.units is None:
            return np.zeros(0), np.zeros(0)
        return self.limits - self.sum(spread), self.units

    def sum(self, x: Floats) -> Floats:
        """Of each of them."""
        return np.asarray(x.sum(axis=self.axis))

    def spread(self, x: Floats) -> Floats:
        """A number for each of them, beside arrays of all pairs."""
        return np.expand_dims(x, self.axis)


@dataclass(frozen=True, eq=False)
class _Step:
    """How prices move, and the lists of what is positive; see `_Path`."""

    f: Floats
    g: Floats
    x: list[Floats]
    y: list[Floats]


class _Path:
    """Where the method is, in a problem of mass 1 and costs between 0 and 1.

    Parameters
    ----------
    C : array of shape (n, m)
    dear : array of shape (n, m)
        What pairs cost in the problem as it was, absolutely: the gap is relative to what is paid.
    sides : tuple of _Side
        Rows and columns.
    regularizer : str

    Attributes
    ----------
    f, g : array of shape (n,), (m,)
        Prices.
    x, y : list of three arrays
        Entries, slacks of rows and of columns; reduced costs, multipliers of rows and of columns.
        Those of a side without bounds are empty.
    wrong : float
        The most of the gap, of mass that is missing and of bounds that are missed, relative.
    """

    def __init__(
        self, C: Floats, dear: Floats, sides: tuple[_Side, _Side], regularizer: str
    ) -> None:
        self.C, self.dear, self.sides = C, dear, sides
        self.is_entropic = regularizer == "entropic"
        a, b = (side.mass for side in sides)
        # A pair counts by the most that it can take: with products in these parts, rows of little
        # mass are as far from their ends as those of much.
        most = np.minimum(a[:, None], b)
        self.parts = [most / most.sum()]
        P = 0.5 * (_scaled(most, a, b) + a[:, None] * b)
        self.x, self.y = [P], [self.parts[0] / P]
        for side in self.sides:
            room, units = side.room(self.h(P))
            slack, part = np.maximum(room, _SLACK * units), side.mass[: room.size]
            self.parts.append(part)
            self.x.append(slack)
            self.y.append(part / slack)
        paid = self.C + self.spreading() * self.slope(P) - self.y[0]
        self.g = a @ paid
        self.f = (paid - self.g) @ b
        self._look()

    def h(self, P: Floats) -> Floats:
        """Of the entries."""
        return P * (np.log(P) - 1.0) if self.is_entropic else 0.5 * P * P

    def slope(self, P: Floats) -> Floats:
        """The first derivative of h."""
        return np.log(P) if self.is_entropic else P

    def spreading(self) -> Floats:
        """What spreading costs each pair, (n, m)."""
        E = np.zeros(self.C.shape)
        for side, multipliers in zip(self.sides, self.y[1:], strict=True):
            if side.is_bounded:
                E += side.spread(multipliers)
        return E

    def step(self, enough: float) -> bool:
        """Go on; return whether that leads anywhere."""
        system = _System(self)
        if system.factor is None:
            return False
        products = [x * y for x, y in zip(self.x, self.y, strict=True)]
        gap, whole = _total(products), _total(self.parts)
        to_end = system.step([-each for each in products])
        tau = self._room(to_end)
        bent = [tau * tau * x * y for x, y in zip(to_end.x, to_end.y, strict=True)]
        ahead = (1.0 - tau) * gap + _total(bent)
        fall = max((ahead / gap) ** 3, (1.0 - tau) ** 3, _LEAST)
        # There is no need to go lower than what is asked for.
        goal = max(fall * gap, min(_BELOW * enough * self.size, gap), _END) / whole
        wanted = [
            goal * part - product - more
            for part, product, more in zip(self.parts, products, bent, strict=True)
        ]
        step = system.step(wanted)
        tau = min(1.0, _NEAR * self._room(step))
        if not tau > _SHORT:
            return False
        self.f, self.g = self.f + tau * step.f, self.g + tau * step.g
        self.x = [x + tau * dx for x, dx in zip(self.x, step.x, strict=True)]
        self.y = [y + tau * dy for y, dy in zip(self.y, step.y, strict=True)]
        self._look()
        return bool(np.isfinite(self.wrong))

    def _room(self, step: _Step) -> float:
        """How long a step may be until something is no longer positive; at most a whole one."""
        room = 1.0
        for x, dx in zip(self.x + self.y, step.x + step.y, strict=True):
            falls = dx < 0.0
            room = min(room, float((x[falls] / -dx[falls]).min(initial=1.0)))
        return room

    def _look(self) -> None:
        """What is wrong here."""
        P, spreads = self.x[0], self.h(self.x[0])
        paid = self.C + self.spreading() * self.slope(P) - self.y[0]
        self.unpaid = self.f[:, None] + self.g - paid
        self.lacking = [side.mass - side.sum(P) for side in self.sides]
        self.over, errors = [], [float(np.abs(each).sum()) for each in self.lacking]
        for side, slack in zip(self.sides, self.x[1:], strict=True):
            room, units = side.room(spreads)
            self.over.append(room - slack)
            errors.append(float(np.abs(self.over[-1] / units).max(initial=0.0)))
        self.size = float((self.dear * P).sum())
        gap = _total([x * y for x, y in zip(self.x, self.y, strict=True)])
        gap += float((np.abs(self.unpaid) * P).sum())
        self.wrong = max(gap / max(self.size, _ZERO), *errors)


class _System:
    """Newton's system at a point, factored.

    In place of a price and a multiplier, whose v are 1 and -l, rows and columns have those of 1 and
    of the mean of l less l: these are independent.
    """

    def __init__(self, path: _Path) -> None:
        self.path = path
        P, z = path.x[0], path.y[0]
        slope = path.slope(P)
        self.W = 1.0 / (path.spreading() * (1.0 / P if path.is_entropic else 1.0) + z / P)
        self.means, self.v, units = [], [], []
        for side, x, y in zip(path.sides, path.x[1:], path.y[1:], strict=True):
            first = side.sum(self.W)
            mean = side.sum(self.W * slope) / first
            v, diagonal = [np.ones((1, 1))], [first]
            if side.is_bounded:
                v.append(side.spread(mean) - slope)
                diagonal.append(side.sum(self.W * v[1] ** 2) + x / y)
            self.means.append(mean)
            self.v.append(v)
            units.append([1.0 / np.sqrt(each) for each in diagonal])
        rows, cols = self.units = units
        self.B = np.block(
            [
                [self.W * v * u * r[:, None] * c for u, c in zip(self.v[1], cols, strict=True)]
                for v, r in zip(self.v[0], rows, strict=True)
            ]
        )
        S = -(self.B.T @ self.B)
        S[np.diag_indices_from(S)] += 1.0
        m = P.shape[1]
        what_all_share = 1.0 / cols[0]  # moved by as much, all prices do nothing
        S[:m, :m] += np.outer(what_all_share, what_all_share) / (what_all_share**2).sum()
        self.factor = _factored(S)

    def step(self, wanted: list[Floats]) -> _Step:
        """Newton's step, if products are to change by so much."""
        path, P, W = self.path, self.path.x[0], self.W
        q = path.unpaid + wanted[0] / P
        sides = []
        for k, side in enumerate(path.sides):
            right = [path.lacking[k] - side.sum(W * q)]
            if side.is_bounded:
                over = path.over[k] - wanted[k + 1] / path.y[k + 1]
                second = side.sum(W * self.v[k][1] * q)
                right.append(self.means[k] * path.lacking[k] - over - second)
            scaled = zip(right, self.units[k], strict=True)
            sides.append(np.concatenate([each * unit for each, unit in scaled]))
        rows, cols = sides
        cols = sl.cho_solve(self.factor, cols - rows @ self.B)
        moves = self._moves(0, rows - self.B @ cols), self._moves(1, cols)
        dP = W * (self._of_pairs(0, moves[0]) + self._of_pairs(1, moves[1]) + q)
        x, y, prices = [dP], [(wanted[0] - path.y[0] * dP) / P], []
        for k, (price, *multiplier) in enumerate(moves):
            dy = multiplier[0] if multiplier else np.zeros(0)
            x.append((wanted[k + 1] - path.x[k + 1] * dy) / path.y[k + 1])
            y.append(dy)
            prices.append(price + self.means[k] * dy if multiplier else price)
        return _Step(prices[0], prices[1], x, y)

    def _moves(self, k: int, found: Floats) -> list[Floats]:
        """How the unknowns of a side move."""
        parts = np.split(found, len(self.units[k]))
        return [part * unit for part, unit in zip(parts, self.units[k], strict=True)]

    def _of_pairs(self, k: int, moves: list[Floats]) -> Floats:
        """What that is for each pair."""
        side = self.path.sides[k]
        parts = [v * side.spread(x) for v, x in zip(self.v[k], moves, strict=True)]
        return np.asarray(sum(parts))


def _total(parts: list[Floats]) -> float:
    """The sum of all of it."""
    return float(sum(float(part.sum()) for part in parts))


def _scaled(P: Floats, a: Floats, b: Floats) -> Floats:
    """P, scaled to marginals a and about b."""
    for _ in range(_SCALINGS):
        P = P * (b / P.sum(axis=0))
        P = P * (a / P.sum(axis=1))[:, None]
    return P


def _factored(S: Floats) -> tuple[Floats, bool] | None:
    """The Cholesky factor of a matrix with a diagonal of about ones, as `cho_solve` takes it."""
    firm = _FIRM if np.isfinite(S).all() else np.inf
    while firm < 1.0:
        try:
            factor, lower = sl.cho_factor(S + firm * np.eye(S.shape[0]), overwrite_a=True)
        except sl.LinAlgError:
            firm *= _FIRMER
        else:
            return factor, lower
    return None
