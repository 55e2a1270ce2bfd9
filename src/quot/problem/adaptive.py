"""Transport in which points share their mass."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from quot.costs import Cost, SparseCost, turned
from quot.coupling import sums
from quot.dummy import largest_cost
from quot.exceptions import InvalidProblemError
from quot.gibbs_plan import AnyPlan
from quot.labels import Labels, aligned
from quot.perplexity import (
    REGULARIZERS,
    ROOM,
    as_average_perplexity,
    as_perplexity,
    bounds,
    largest,
    units,
)
from quot.problem.transport import MUCH, Transport
from quot.shown import ends
from quot.validation import (
    check_option,
)

Floats = NDArray[np.float64]

# Clusters share with so many others at least, and with no more than a part of the most there is.
_FEW, _EASY = 6.0, 0.5
# Totals whose squares have digits, and the largest multiplier.
_SQUARES, _LARGEST = (1e-140, 1e140), 1e300


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
        if total < 1.0 / MUCH:
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

    def objective(self, plan: Any) -> float:
        """Return <C, P>: what is minimised, constraints apart."""
        return self.summed(self.fitted(plan))[0]

    def summed(self, plan: AnyPlan) -> tuple[float, float]:
        """The objective, and the same with each term by its absolute value."""
        return plan.paid(self.cost)
