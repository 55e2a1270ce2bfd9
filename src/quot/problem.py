"""Problems: what is to be solved, validated once and frozen."""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from quot.costs import CHECKED, Cost, PointCost, SparseCost, as_cost, parts, turned, usual_cost
from quot.dummy import DummyCost, largest_cost
from quot.exceptions import InvalidProblemError
from quot.flow import Flow
from quot.gibbs_plan import AnyPlan
from quot.graph import Graph
from quot.labels import Labels, aligned, named, of_cost
from quot.order import explained, of_graph, of_problem
from quot.parallel import dot
from quot.perplexity import (
    REGULARIZERS,
    ROOM,
    as_average_perplexity,
    as_perplexity,
    bounds,
    largest,
    units,
)
from quot.plan import Plan, sums
from quot.shown import Shown, ends
from quot.validation import (
    Rescaled,
    as_mass,
    as_reg,
    as_regs,
    as_weights,
    check_option,
    check_positive,
    check_range,
    rescale,
    round_off,
)

Floats = NDArray[np.float64]
P = TypeVar("P", "Transport", "GraphProblem")

FORMULATIONS = ("E1", "E2", "E3")
# What must be kept at least where it has an entropy, relative.
LEFT = 1e-12
# exp(-40) is less than the rounding of any sum.
_UNSEEN = 40.0
# Clusters share with so many others at least, and with no more than a part of the most there is.
_FEW, _EASY = 6.0, 0.5
# A quadratic term that is next to nothing, in lengths.
_LITTLE = 1e-6
# Totals whose squares have digits, the largest multiplier, and a temperature far below the rounding
# of costs, relative.
_SQUARES, _LARGEST, _ROUNDED = (1e-140, 1e140), 1e300, 1e-30
# Prices are looked at where a total is larger than this, or as much smaller than 1, and where what
# the strength adds to the value is next to what floats hold at least.
_MUCH, _NOTHING = 1e8, 1e-307
# What is kept of a problem once it has been asked for, and its masses decide.
_OF_MASSES = ("total", "unit")
# Masses that differ by this part are equal.
_ROUNDING = 16 * float(np.finfo(np.float64).eps)


def _unit(one: Floats, other: Floats, total: float) -> float:
    """The most that a place can send or get, 1 if that is none: what violations are measured by."""
    most = max(float(one.max()), float(other.max()))
    return (min(most, total) if total > 0.0 else most) or 1.0


def with_origin(problem: P, round_off: float, rescaled: Rescaled | None) -> P:
    """Return the same problem with what was found of its masses when they came, long ago."""
    other = copy(problem)
    for name, value in (("round_off", round_off), ("rescaled", rescaled)):
        object.__setattr__(other, name, value)
    return other


def _line(problem: Any, size: str, given: dict[str, str]) -> str:
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

    @explained(of_problem)
    def _check(self) -> None:
        """Pass cost and masses through the door."""
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
        if total > _MUCH:
            least += max(usual_cost(self.cost), 0.0)
            most = max(least, most)
        elif total < 1.0 / _MUCH or 0.0 < total * most < _MUCH * _NOTHING:
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
        return _line(self, "{} x {}".format(*self.shape), self._given())

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
        return _unit(self.a, self.b, self.total)

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

    def linear_cost(self, plan: AnyPlan) -> float:
        """Return <C, P>."""
        return plan.paid(self.cost)[0]

    def summed(self, plan: Any) -> tuple[float, float]:
        """What is minimised, constraints apart, and the same with each term by absolute value."""
        raise NotImplementedError

    def objective(self, plan: Any) -> float:
        """Return what is minimised, constraints apart."""
        return self.summed(plan)[0]

    def size(self, plan: Any) -> float:
        """Return all that is added up in the objective, each term by its absolute value."""
        return self.summed(plan)[1]


@dataclass(frozen=True, eq=False, repr=False)
class Problem(Transport):
    """Quadratically regularised transport, balanced or partial.

    Minimise ``<C, P> + reg/2 ||P||^2`` over P >= 0 with ``P 1 = a, P' 1 = b`` (balanced,
    ``mass=None``) or ``P 1 <= a, P' 1 <= b, sum P = mass`` (partial). The constructor is the door:
    every argument is checked there, and a problem that exists is valid.

    Parameters
    ----------
    cost : Cost, array or DataFrame of shape (n, m), or scipy.sparse array
        Cost per unit mass. Absent entries of a sparse cost are forbidden pairs.
    a, b : array, Series or mapping of shape (n,), (m,), optional
        Masses of rows and columns, by name if they have names; uniform, 1/n and 1/m, by default.
    reg : float, default=0
        Strength of the quadratic term, in cost per mass.
    mass : float, optional
        Mass to move, ``0 <= mass <= min(a.sum(), b.sum())``.
    row_labels, col_labels : sequence of shape (n,), (m,), optional
        Names of rows and columns; by default those of the cost or of the masses, if these are
        tables. See "Tables with labels".

    Raises
    ------
    InvalidProblemError
        If an argument is not what is described above; the message says what to do.
    """

    cost: Cost
    a: Floats = None  # type: ignore[assignment]
    b: Floats = None  # type: ignore[assignment]
    reg: float = 0.0
    mass: float | None = None
    row_labels: Labels = field(default=None, kw_only=True, repr=False)
    col_labels: Labels = field(default=None, kw_only=True, repr=False)

    def __post_init__(self) -> None:
        self._check()
        self._fix("reg", as_reg(self.reg))
        self.check_strength()

    def check_strength(self) -> None:
        """Refuse a value that floats do not hold."""
        squares, (n, m) = self.reg * self.total, self.shape
        self._check_range(squares / n / m, squares)

    def _given(self) -> dict[str, str]:
        return {"reg": f"{self.reg:.6g}"}

    def with_reg(self, reg: float) -> Problem:
        """The same at another reg, a valid one; nothing else is judged again."""
        other = copy(self)
        other._fix("reg", reg)
        return other

    def objective(self, plan: AnyPlan) -> float:
        """Return <C, P> + reg/2 ||P||^2: what is minimised, constraints apart."""
        return self.summed(plan)[0]

    def summed(self, plan: AnyPlan) -> tuple[float, float]:
        """The objective, and the same with each term by its absolute value."""
        paid, size = plan.paid(self.cost)
        if self.reg == 0.0:
            return paid, size
        values = plan.values if isinstance(plan, Plan) else plan.to_plan().values
        with np.errstate(over="ignore"):  # a plan of others may have any masses
            squares = 0.5 * float((self.reg * values * values).sum())
        return paid + squares, size + squares


@dataclass(frozen=True, eq=False, repr=False)
class EntropicProblem(Transport):
    """Transport with an entropy, balanced or partial.

    Minimise ``<C, P> + eps H(P)`` over P >= 0 with ``P 1 = a, P' 1 = b`` (balanced, ``mass=None``)
    or ``P 1 <= a, P' 1 <= b, sum P = mass`` (partial). H sums ``x (log x - 1)``, with 0 log 0 = 0,
    over what `formulation` says:

    - "E1", the entries of the plan;
    - "E2", these and what rows and columns keep, ``a - P 1`` and ``b - P' 1``;
    - "E3", the same and a corner: balanced transport with a dummy row and column that take what is
      kept, at no cost, and have ``sum P - mass`` between them at a cost of `corner`. A plan that
      moves `mass` has nothing there, and the value of "E2".

    Of a balanced problem all three are one.

    Parameters
    ----------
    cost : Cost, array or DataFrame of shape (n, m), or scipy.sparse array
        Cost per unit mass. Absent entries of a sparse cost are forbidden pairs.
    a, b : array, Series or mapping of shape (n,), (m,), optional
        Masses of rows and columns, by name if they have names; uniform, 1/n and 1/m, by default.
    eps : float
        Temperature, > 0, in cost per mass. The source of this problem writes eps/2 for it.
    mass : float, optional
        Mass to move, ``0 <= mass <= min(a.sum(), b.sum())``; less than that in "E2" and "E3", where
        something must be kept on either side.
    formulation : {"E1", "E2", "E3"}, default="E1"
        What has an entropy, in a partial problem.
    corner : float, optional
        Cost of the corner in "E3", > 0. By default twice a bound of all costs, or, where `eps` is
        large, as much as leaves nothing there that floats can see; then "E3" is "E2".
    row_labels, col_labels : sequence of shape (n,), (m,), optional
        Names of rows and columns; by default those of the cost or of the masses, if these are
        tables. See "Tables with labels".

    Raises
    ------
    InvalidProblemError
        If an argument is not what is described above; the message says what to do.
    """

    cost: Cost
    a: Floats = None  # type: ignore[assignment]
    b: Floats = None  # type: ignore[assignment]
    eps: float = field(kw_only=True)
    mass: float | None = field(default=None, kw_only=True)
    formulation: str = field(default="E1", kw_only=True)
    corner: float | None = field(default=None, kw_only=True)
    row_labels: Labels = field(default=None, kw_only=True, repr=False)
    col_labels: Labels = field(default=None, kw_only=True, repr=False)

    def __post_init__(self) -> None:
        self._check()
        self._fix("eps", check_positive(self.eps, "eps"))
        self._check_range(self.eps, self.eps)
        self._check_eps()
        check_option(self.formulation, "formulation", FORMULATIONS)
        if self.formulation != "E1" and self.mass is not None:
            least = min(float(self.a.sum()), float(self.b.sum()))
            if not 0.0 < self.mass < (1.0 - LEFT) * least:
                raise InvalidProblemError(
                    f"`mass={self.mass:.6g}` with formulation={self.formulation!r} must be more "
                    f"than 0 and less than {least:.6g}, the smaller total: what rows and columns "
                    'keep has an entropy, too. Move less, or pass formulation="E1".'
                )
        if self.corner is not None:
            self._fix("corner", check_positive(self.corner, "corner"))
        if self.corner is not None and self.formulation != "E3":
            raise InvalidProblemError(
                f"`corner` belongs to formulation='E3'; got {self.formulation!r}. Leave it out."
            )
        if self.corner is None and self.formulation == "E3":
            self._fix("corner", self._usual_corner())

    def _check_eps(self) -> None:
        """Refuse a temperature that is less than the rounding of the costs."""
        if isinstance(self.cost, CHECKED) and self.eps > _ROUNDED * largest_cost(self.cost):
            return
        pays = abs(usual_cost(self.cost))
        if self.eps <= _ROUNDED * pays:
            raise InvalidProblemError(
                f"`eps={self.eps:.3g}` is less than the rounding of the costs, of about "
                f"{pays:.3g}, and floats do not tell the entries of such a plan apart; raise it, "
                "or solve without an entropy, `reg=0`."
            )

    def _given(self) -> dict[str, str]:
        given = {"eps": f"{self.eps:.6g}"}
        if not self.is_balanced:
            given["formulation"] = self.formulation
        if self.corner is not None:
            given["corner"] = f"{self.corner:.6g}"
        return given

    def _usual_corner(self) -> float:
        """A cost at which nothing is in the corner that floats can see."""
        kept = (float(x.sum()) - self.total for x in (self.a, self.b))
        ratio = float(np.prod([k / self.total for k in kept]))
        unseen = self.eps * (math.log(max(ratio, 1.0)) + _UNSEEN)
        return max(2.0 * largest_cost(self.cost), unseen)

    @property
    def has_slack(self) -> bool:
        """Whether what rows and columns keep has an entropy."""
        return self.formulation != "E1" and not self.is_balanced

    @property
    def extended(self) -> EntropicProblem:
        """The balanced problem with a dummy row and column that is the same as this one."""
        assert self.has_slack
        mass, a, b = self.total, float(self.a.sum()), float(self.b.sum())
        corner = np.inf if self.corner is None else self.corner
        kept = np.append(self.a, b - mass), np.append(self.b, a - mass)
        other = copy(self).with_masses(*kept, None)
        for name, value in (("cost", DummyCost(self.cost, corner)), ("formulation", "E1")):
            other._fix(name, value)
        for name in ("corner", "row_labels", "col_labels"):
            other._fix(name, None)
        return other

    def objective(self, plan: AnyPlan) -> float:
        """Return <C, P> + eps H(P): what is minimised, constraints apart."""
        return self.summed(plan)[0]

    def summed(self, plan: AnyPlan) -> tuple[float, float]:
        """The objective, and the same with each term by its absolute value."""
        totals, kept = plan.totals(self.cost), self._kept(plan)
        value = totals.cost + self.eps * (totals.entropy + float(kept.sum()))
        size = totals.size + self.eps * (totals.entropy_size + float(np.abs(kept).sum()))
        return value, size

    def _kept(self, plan: AnyPlan) -> Floats:
        """Entropies of what rows and columns keep, as far as they count."""
        if not self.has_slack:
            return np.zeros(0)
        kept = np.concatenate((self.a - plan.row_sums(), self.b - plan.col_sums()))
        logs = np.zeros(kept.size)
        np.log(kept, out=logs, where=kept > 0.0)
        return np.maximum(kept, 0.0) * (logs - 1.0)


@dataclass(frozen=True, eq=False, repr=False)
class AdaptiveProblem(Transport):
    """Transport in which every row, or column, shares its mass with so many others at least.

    Minimise ``<C, P>`` over P >= 0 with ``P 1 = a, P' 1 = b`` and a perplexity of each row of at
    least `row_perplexity`, of each column of at least `col_perplexity`; see `quot.perplexity`. With
    `is_average` there is one bound for all of them together instead, the sum of theirs.

    Parameters
    ----------
    cost : Cost, array or DataFrame of shape (n, m)
        Cost per unit mass.
    a, b : array, Series or mapping of shape (n,), (m,), optional
        Masses of rows and columns, by name if they have names, equal in total; uniform, 1/n and
        1/m, by default.
    row_perplexity, col_perplexity : float or array of shape (n,), (m,), optional
        At least 1 and less than that of the plan ``a b' / sum b``. None leaves the rows, or the
        columns, free.
    regularizer : {"entropic", "quadratic"}, default="quadratic"
        What perplexity is measured by.
    is_average : bool, default=False
        Whether rows, or columns, only have it on average. Then that, too, is less than that of the
        plan ``a b' / sum b``, and one of the two perplexities is None.
    row_labels, col_labels : sequence of shape (n,), (m,), optional
        Names of rows and columns; by default those of the cost or of the masses, if these are
        tables. See "Tables with labels".

    Raises
    ------
    InvalidProblemError
        If an argument is not what is described above; the message says what to do.
    """

    cost: Cost
    a: Floats = None  # type: ignore[assignment]
    b: Floats = None  # type: ignore[assignment]
    row_perplexity: Floats | None = field(default=None, kw_only=True)
    col_perplexity: Floats | None = field(default=None, kw_only=True)
    regularizer: str = field(default="quadratic", kw_only=True)
    is_average: bool = field(default=False, kw_only=True)
    mass: None = field(default=None, init=False)
    row_labels: Labels = field(default=None, kw_only=True, repr=False)
    col_labels: Labels = field(default=None, kw_only=True, repr=False)

    def __post_init__(self) -> None:
        self._check()
        check_option(self.regularizer, "regularizer", REGULARIZERS)
        if isinstance(self.cost, SparseCost):
            raise InvalidProblemError(
                "a sparse cost forbids pairs, and with a perplexity each row must be free to share "
                "its mass with all columns. Pass a dense array, large where a pair is dear."
            )
        for name, masses, others, labels, of in (
            ("row_perplexity", self.a, self.b, self.row_labels, "rows"),
            ("col_perplexity", self.b, self.a, self.col_labels, "columns"),
        ):
            asked, kind = aligned(getattr(self, name), labels, name, of)[0], self.regularizer
            if asked is not None and self.is_average:
                asked = as_average_perplexity(asked, masses, others, kind, name)
            elif asked is not None:
                asked = as_perplexity(asked, masses.size, others, kind, name)
            self._fix(name, asked)
        if self.is_average and (self.row_perplexity is None) == (self.col_perplexity is None):
            raise InvalidProblemError(
                "an average is over rows or over columns; pass one of `row_perplexity` and "
                "`col_perplexity`."
            )
        self._check_range(0.0, 0.0)
        if self.regularizer == "quadratic" and self.total > 0.0:
            self._check_squares()

    def _check_squares(self) -> None:
        """Refuse masses whose squares, or costs over them, floats do not hold."""
        total, cost = self.total, 0.0
        if total < 1.0 / _MUCH:
            cost = largest_cost(self.cost)
        if not _SQUARES[0] <= total <= _SQUARES[1] or cost / total > _LARGEST:
            raise InvalidProblemError(
                f"`a` sums to {total:.3g}, and floats do not hold the squares of such masses, or "
                "costs over them; rescale `a` and `b`: the perplexities stay as they are."
            )

    def _given(self) -> dict[str, str]:
        sides = ((name, getattr(self, name)) for name in ("row_perplexity", "col_perplexity"))
        rule = " on average" if self.is_average else ""
        asked = {name: f"{ends(each)}{rule}" for name, each in sides if each is not None}
        return {"regularizer": self.regularizer, **asked}

    @property
    def turned(self) -> AdaptiveProblem:
        """The same with rows and columns exchanged."""
        return AdaptiveProblem(
            turned(self.cost),
            self.b,
            self.a,
            row_perplexity=self.col_perplexity,
            col_perplexity=self.row_perplexity,
            regularizer=self.regularizer,
            is_average=self.is_average,
        )

    def raised(self, ratio: float) -> Self:
        """Return the same at perplexities so many times larger, as far as there are any."""
        other = copy(self)
        for name, others in (("row_perplexity", self.b), ("col_perplexity", self.a)):
            asked = getattr(self, name)
            if asked is not None:
                most = (1.0 - ROOM) * largest(others, self.regularizer)
                other._fix(name, np.maximum(asked, np.minimum(ratio * asked, most)))
        return other

    @property
    def row_bounds(self) -> Floats | None:
        """What the sum of h over a row may be at most, (n,); None if rows are free."""
        return self._of(bounds, self.a, self.row_perplexity)

    @property
    def col_bounds(self) -> Floats | None:
        """The same of the columns, (m,)."""
        return self._of(bounds, self.b, self.col_perplexity)

    @property
    def row_units(self) -> Floats | None:
        """What an excess over a bound of the rows is relative to, (n,)."""
        return self._of(units, self.a, self.row_perplexity)

    @property
    def col_units(self) -> Floats | None:
        """The same of the columns, (m,)."""
        return self._of(units, self.b, self.col_perplexity)

    def _of(
        self, rule: Callable[[Floats, Floats, str], Floats], mass: Floats, asked: Floats | None
    ) -> Floats | None:
        return None if asked is None else rule(mass, asked, self.regularizer)

    def _of_sides(self, rows: NDArray[np.integer], cols: NDArray[np.integer]) -> dict[str, Any]:
        """The perplexities."""
        sides = ("row_perplexity", rows), ("col_perplexity", cols)
        asked = ((name, getattr(self, name), index) for name, index in sides)
        return {name: None if each is None else each[index] for name, each, index in asked}

    def joined(self, cost: Cost, rows: NDArray[np.integer], cols: NDArray[np.integer]) -> Self:
        """Return the problem between clusters at a cost; with the cluster of each row and column.

        Masses of a cluster are added up. It shares with as large a part of the others as its
        members do in the mean, but not with so few that clusters look like a matching.
        """
        other = super().joined(cost, rows, cols)
        for name, labels, mass, sizes, others in (
            ("row_perplexity", rows, self.a, (self.b.size, cost.shape[1]), other.b),
            ("col_perplexity", cols, self.b, (self.a.size, cost.shape[0]), other.a),
        ):
            asked = getattr(self, name)
            if asked is not None:
                mean = sums(labels, mass * np.log(asked), cost.shape[name == "col_perplexity"])
                weight = sums(labels, mass, mean.size)
                part = np.exp(mean / np.where(weight > 0.0, weight, 1.0)) * sizes[1] / sizes[0]
                most = _EASY * largest(others, self.regularizer)
                other._fix(name, np.minimum(np.maximum(part, _FEW), max(most, 1.0)))
        return other

    def objective(self, plan: AnyPlan) -> float:
        """Return <C, P>: what is minimised, constraints apart."""
        return self.summed(plan)[0]

    def summed(self, plan: AnyPlan) -> tuple[float, float]:
        """The objective, and the same with each term by its absolute value."""
        return plan.paid(self.cost)


@dataclass(frozen=True, eq=False, repr=False)
class GraphProblem(Shown):
    """Transport along the edges of a graph, balanced or partial.

    Minimise ``sum_e l_e |w_e| + reg_e/2 w_e^2`` over flows w along the edges (in its direction only
    on a directed edge, within its capacity) that bring `source` to `target`: what arrives at each
    node, net, is ``target - source``; or, with `mass`, ``received - sent`` of any
    ``0 <= sent <= source``, ``0 <= received <= target`` with totals `mass`.

    Parameters
    ----------
    graph : Graph, networkx graph or scipy.sparse array of shape (N, N)
        See `Graph.of`.
    source, target : array of shape (N,), or Series or mapping of nodes to masses
        Mass that is at each node, and that is wanted there; nodes that are not named have none.
    reg : float, array of shape (E,), or Series or mapping of pairs of nodes, default=0
        Strength of the quadratic term, of all edges or of each, in length per mass.
    mass : float, optional
        Mass to move, ``0 <= mass <= min(source.sum(), target.sum())``. Mass that is wanted where it
        is counts as moved.

    Raises
    ------
    InvalidProblemError
        If an argument is not what is described above; the message says what to do.
    """

    graph: Graph
    source: Floats
    target: Floats
    reg: float | Floats = 0.0
    mass: float | None = None
    round_off: float = field(init=False, default=0.0, repr=False)
    rescaled: Rescaled | None = field(init=False, default=None, repr=False)

    @explained(of_graph)
    def __post_init__(self) -> None:
        graph, names = Graph.of(self.graph), ("source", "target")
        source, target = graph.masses(self.source, "source"), graph.masses(self.target, "target")
        own, asked = max(round_off(self.source), round_off(self.target)), self.mass
        mass, changed = as_mass(asked, source, target, names, own=own), None
        if mass is not None:
            changed = Rescaled.of_mass(asked, mass)
        elif own:
            component = graph.components
            source, target, changed = rescale(source, target, (component,) * 2, own, names)
        for name, value in (
            ("graph", graph),
            ("source", source),
            ("target", target),
            ("reg", as_regs(graph.by_edge(self.reg, "reg"), graph.n_edges)),
            ("mass", mass),
            ("round_off", own),
            ("rescaled", changed),
        ):
            object.__setattr__(self, name, value)
        self._check_range()

    def _check_range(self) -> None:
        """Refuse values that floats do not hold, where something moves."""
        size, moves = np.abs(self.graph.lengths), self.total
        moves -= float(np.minimum(self.source, self.target).sum())
        if moves > 0.0 and size.size and not 1.0 / _MUCH <= moves <= 1.0:
            weights = self.weights
            squares = float(weights.min()) * moves / size.size, float(weights.max()) * moves
            least, most = float(size.min()) + squares[0], float(size.max()) + squares[1]
            check_range(moves, least, most)

    def _facts(self) -> dict[str, Any]:
        return {
            "nodes": self.graph.n_nodes,
            "edges": self.graph.n_edges,
            "source": f"total {self.source.sum():.6g}",
            "target": f"total {self.target.sum():.6g}",
            "mass": "all" if self.mass is None else self.mass,
            "reg": ends(np.asarray(self.reg)) if np.size(self.reg) else "0",
        }

    def __repr__(self) -> str:
        size = f"{self.graph.n_nodes} nodes, {self.graph.n_edges} edges"
        return _line(self, size, {"reg": self._facts()["reg"]})

    @property
    def is_balanced(self) -> bool:
        """Whether all mass of `source` and `target` must move."""
        return self.mass is None

    @cached_property
    def total(self) -> float:
        """Mass to move."""
        return float(self.source.sum()) if self.mass is None else self.mass

    @cached_property
    def unit(self) -> float:
        """The most a node can send or get, 1 if that is none."""
        return _unit(self.source, self.target, self.total)

    @cached_property
    def wanted(self) -> Floats:
        """The target as it is met, (N,): in a balanced problem each component gets what it has.

        That is the target up to the rounding of sums.
        """
        if not self.is_balanced:
            return self.target
        have, want = self.graph.sums(self.source), self.graph.sums(self.target)
        ratio = np.divide(have, want, out=np.ones_like(want), where=want > 0.0)
        met: Floats = self.target * ratio[self.graph.components]
        return met

    @cached_property
    def is_nearly_linear(self) -> bool:
        """Whether the quadratic term may say next to nothing: it does on the longest edge."""
        longest = float(np.abs(self.graph.lengths).max(initial=0.0))
        return bool(self.weights.max(initial=0.0) * self.total <= _LITTLE * longest)

    @cached_property
    def weights(self) -> Floats:
        """The strength of the quadratic term of each edge, (E,)."""
        return np.broadcast_to(np.asarray(self.reg, dtype=np.float64), self.graph.n_edges)

    def linear_cost(self, flow: Flow) -> float:
        """Return what the lengths cost: the sum of ``l |w|``, of ``l w`` on directed edges."""
        graph = self.graph
        return dot(graph.lengths, np.where(graph.directed, flow.values, np.abs(flow.values)))

    def objective(self, flow: Flow) -> float:
        """Return what is minimised, constraints apart."""
        return self.linear_cost(flow) + 0.5 * dot(self.weights * flow.values, flow.values)
