"""Transport with a quadratic term."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.costs import Cost
from quot.gibbs_plan import AnyPlan
from quot.labels import Labels
from quot.plan import Plan
from quot.problem.transport import Transport
from quot.validation import (
    as_reg,
)

Floats = NDArray[np.float64]


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
        if reg == self.reg:
            return self
        other = copy(self)
        other._fix("reg", reg)
        return other

    def objective(self, plan: Any) -> float:
        """Return <C, P> + reg/2 ||P||^2: what is minimised, constraints apart."""
        return self.summed(self.fitted(plan))[0]

    def summed(self, plan: AnyPlan) -> tuple[float, float]:
        """The objective, and the same with each term by its absolute value."""
        paid, size = plan.paid(self.cost)
        if self.reg == 0.0:
            return paid, size
        values = plan.values if isinstance(plan, Plan) else plan.to_plan().values
        with np.errstate(over="ignore"):  # a plan of others may have any masses
            squares = 0.5 * float((self.reg * values * values).sum())
        return paid + squares, size + squares
