"""Transport with an entropy."""

from __future__ import annotations

import math
from copy import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.costs import CHECKED, Cost, usual_cost
from quot.dummy import DummyCost, largest_cost
from quot.exceptions import InvalidProblemError
from quot.gibbs_plan import AnyPlan
from quot.labels import Labels
from quot.problem.transport import Transport
from quot.validation import (
    check_option,
    check_positive,
)

Floats = NDArray[np.float64]

FORMULATIONS = ("E1", "E2", "E3")
# What must be kept at least where it has an entropy, relative.
LEFT = 1e-12
# exp(-40) is less than the rounding of any sum.
_UNSEEN = 40.0
# A temperature far below the rounding of costs, relative.
_ROUNDED = 1e-30


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

    def objective(self, plan: Any) -> float:
        """Return <C, P> + eps H(P): what is minimised, constraints apart."""
        return self.summed(self.fitted(plan))[0]

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
