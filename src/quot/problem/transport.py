"""What all problems share, and those between rows and columns."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from functools import cached_property
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from quot.costs import Cost, DenseCost, PointCost, as_cost, parts, usual_cost
from quot.coupling import sums
from quot.dummy import largest_cost
from quot.exceptions import InvalidProblemError
from quot.gibbs_plan import AnyPlan, GibbsPlan
from quot.labels import Labels, aligned, check_same, named, of_cost
from quot.order import explained, of_problem
from quot.plan import Plan, as_coupling
from quot.problem.plain import are_finite, is_plain, plain_mass, plain_masses
from quot.shown import Shown
from quot.validation import (
    Rescaled,
    as_mass,
    as_weights,
    check_range,
    rescale,
    round_off,
)

Floats = NDArray[np.float64]

# Prices are looked at where a total is larger than this, or as much smaller than 1, and where what
# the strength adds to the value is next to what floats hold at least.
MUCH, _NOTHING = 1e8, 1e-307
# What is kept of a problem once it has been asked for, and its masses decide.
_OF_MASSES = ("total", "unit")
# Masses that differ by this part are equal.
_ROUNDING = 16 * float(np.finfo(np.float64).eps)


def unit_of(one: Floats, other: Floats, total: float) -> float:
    """The most that a place can send or get, 1 if that is none: what violations are measured by."""
    most = max(float(one.max()), float(other.max()))
    return (min(most, total) if total > 0.0 else most) or 1.0


def in_one_line(problem: Any, size: str, given: dict[str, str]) -> str:
    """A problem in one line: its size, what moves, and what there is besides."""
    moved = f"{'total' if problem.is_balanced else 'mass'}={problem.total:.6g}"
    more = (f"{name}={value}" for name, value in given.items())
    return f"{type(problem).__name__}({', '.join((size, moved, *more))})"


class Transport(Shown):
    """What all transport problems share: a cost, masses and perhaps a mass to move."""

    cost: Cost
    a: Floats
    b: Floats
    mass: float | None
    row_labels: Labels
    col_labels: Labels
    # How far the totals may be off, by the type that the masses came in; and what that has changed.
    round_off = 0.0
    rescaled: Rescaled | None = None

    def _check(self) -> None:
        """Pass cost and masses through the door."""
        if not self._passes():
            self._judge()

    def _passes(self) -> bool:
        """Let cost and masses in if they are plainly valid and nothing has a name; else False."""
        C: Any = self.cost  # as it was given
        if not (self.row_labels is self.col_labels is None and is_plain(C, 2)):
            return False
        n, m = C.shape
        if not (C.flags.carray and are_finite(C)):
            return False
        a, b = plain_masses(self.a, n), plain_masses(self.b, m)
        if a is None or b is None:
            return False
        moves = plain_mass(self.mass, (a[1], b[1]))
        if moves is None:
            return False
        mass, total = moves
        self.__dict__.update(cost=DenseCost(C), a=a[0], b=b[0], mass=mass, total=total)
        return True

    @explained(of_problem)
    def _judge(self) -> None:
        """Judge cost and masses by all the rules, and say what is wrong, if anything is."""
        rows, cols = of_cost(self.cost)
        self._fix("cost", as_cost(self.cost))
        n, m = self.cost.shape
        rows = named(self.row_labels, rows, "row_labels", n)
        cols = named(self.col_labels, cols, "col_labels", m)
        given_a, rows = aligned(self.a, rows, "a", "rows")
        given_b, cols = aligned(self.b, cols, "b", "columns")
        a, b, asked = as_weights(given_a, "a", n), as_weights(given_b, "b", m), self.mass
        own = max(round_off(given_a), round_off(given_b))
        mass, changed = as_mass(asked, a, b, own=own), None
        if mass is not None:
            changed = Rescaled.of_mass(asked, mass)
        elif own:
            a, b, changed = rescale(a, b, parts(self.cost), own)
        for name, value in (("a", a), ("b", b), ("mass", mass)):
            self._fix(name, value)
        if own:
            self._fix("round_off", own)
        if changed:
            self._fix("rescaled", changed)
        self._fix("row_labels", rows)
        self._fix("col_labels", cols)

    def _fix(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def _check_range(self, least: float, most: float) -> None:
        """Refuse values that floats do not hold, with what the strength adds to a price."""
        total = self.total
        if total > MUCH:
            least += max(usual_cost(self.cost), 0.0)
            most = max(least, most)
        elif total < 1.0 / MUCH or 0.0 < total * most < MUCH * _NOTHING:
            most += largest_cost(self.cost)
        check_range(total, least, most)

    def _given(self) -> dict[str, str]:
        """What there is besides cost and masses, by name, as text."""
        return {}

    def _facts(self) -> dict[str, Any]:
        n, m = self.shape
        return {
            "shape": f"{n} x {m}",
            "cost": type(self.cost).__name__,
            "a": f"total {self.a.sum():.6g}",
            "b": f"total {self.b.sum():.6g}",
            "mass": "all" if self.mass is None else self.mass,
            **self._given(),
        }

    def __repr__(self) -> str:
        return in_one_line(self, "{} x {}".format(*self.shape), self._given())

    @property
    def shape(self) -> tuple[int, int]:
        """(n, m)."""
        return self.cost.shape

    @property
    def is_balanced(self) -> bool:
        """Whether all mass of `a` and `b` must move."""
        return self.mass is None

    def fills(self, masses: Floats) -> bool:
        """Whether all of these masses, `a` or `b`, must move, but for rounding."""
        return self.is_balanced or self.total >= (1.0 - _ROUNDING) * float(masses.sum())

    @property
    def has_slack(self) -> bool:
        """Whether what rows and columns keep has an entropy."""
        return False

    @cached_property
    def total(self) -> float:
        """Mass that the plan moves."""
        return float(self.a.sum()) if self.mass is None else self.mass

    @cached_property
    def unit(self) -> float:
        """The most a row or column can send or get, 1 if that is none."""
        return unit_of(self.a, self.b, self.total)

    def taken(self, rows: NDArray[np.integer], cols: NDArray[np.integer]) -> Self:
        """Return the problem of these rows and columns, in this order; the others have no mass."""
        n, m = self.shape
        if rows.size == n and cols.size == m and not isinstance(self.cost, PointCost):
            return self
        part: Self = replace(
            cast(Any, self),
            cost=self.cost.take(rows, cols),
            a=self.a[rows],
            b=self.b[cols],
            row_labels=None,
            col_labels=None,
            **self._of_sides(rows, cols),
        )
        return part

    def _of_sides(self, rows: NDArray[np.integer], cols: NDArray[np.integer]) -> dict[str, Any]:
        """What else there is one of for each of these rows or columns, by name."""
        return {}

    @property
    def trivial_sparsity(self) -> float:
        """Fraction of the n * m entries that are zero in every plan: their row or column is empty.

        The part of `Plan.sparsity` that says nothing about the method.
        """
        n, m = self.shape
        filled = int(np.count_nonzero(self.a)) * int(np.count_nonzero(self.b))
        return 1.0 - filled / (n * m)

    def with_masses(self, a: Floats, b: Floats, mass: float | None) -> Self:
        """The same with other masses, valid ones; nothing is judged again."""
        other = copy(self)
        for name in _OF_MASSES:
            other.__dict__.pop(name, None)
        for name, value in (("a", a), ("b", b), ("mass", mass)):
            other._fix(name, value)
        return other

    def joined(self, cost: Cost, rows: NDArray[np.integer], cols: NDArray[np.integer]) -> Self:
        """Return the problem between clusters at a cost; with the cluster of each row and column.

        Masses of a cluster are added up.
        """
        n, m = cost.shape
        a, b = sums(rows, self.a, n), sums(cols, self.b, m)
        mass = self.mass if self.mass is None else min(self.mass, a.sum(), b.sum())
        other = self.with_masses(a, b, mass)
        for name, value in (("cost", cost), ("row_labels", None), ("col_labels", None)):
            other._fix(name, value)
        return other

    def fitted(self, plan: Any) -> AnyPlan:
        """Return a plan of this problem, of one as it is or of a matrix (n, m), dense or sparse.

        Raises
        ------
        InvalidProblemError
            If it is none, or of another shape.
        """
        found = as_coupling(plan, "plan")
        if found.shape != self.shape:
            raise InvalidProblemError(
                f"`plan` has shape {found.shape}, and the problem is {self!r}; pass a plan of its "
                "rows and columns."
            )
        check_same(found.row_labels, self.row_labels, "rows")
        check_same(found.col_labels, self.col_labels, "columns")
        return found if isinstance(found, (Plan, GibbsPlan)) else Plan.from_sparse(found.to_csr())

    def linear_cost(self, plan: Any) -> float:
        """Return <C, P>, of a plan or of a matrix (n, m)."""
        return self.fitted(plan).paid(self.cost)[0]

    def summed(self, plan: Any) -> tuple[float, float]:
        """What is minimised, constraints apart, and the same with each term by absolute value."""
        raise NotImplementedError

    def objective(self, plan: Any) -> float:
        """Return what is minimised, constraints apart."""
        return self.summed(self.fitted(plan))[0]

    def size(self, plan: Any) -> float:
        """Return all that is added up in the objective, each term by its absolute value."""
        return self.summed(plan)[1]
