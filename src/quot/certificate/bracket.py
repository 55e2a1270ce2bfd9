"""Certificate: a bracket of the optimal value, whatever the problem."""

from __future__ import annotations

import math
from dataclasses import dataclass

from quot.convergence import Status, Tolerance

# An optimal value below this fraction of a typical cost is judged as if it were that large.
TINY = 1e-3
# Within this gap and residual (relative) a result that missed the tolerance is near optimal.
_NEAR = 1e-5
# What the primal residual is of.
_CHECKED = {"pairs": "plan: marginals and total", "edges": "flow: nodes, edges and total"}


@dataclass(frozen=True)
class Certificate:
    """A bracket of the optimal value, and what the plan and the potentials violate.

    Parameters
    ----------
    lower, upper : float
        The optimal value lies between: `lower` is the value of the dual over all pairs, with the
        given potentials or, if that is larger, of the linear problem with their c-transform;
        `upper` is that of the plan repaired to exact marginals.
    primal_residual : float
        Largest violation of a marginal or of P >= 0 by the plan as given, in units of the largest
        mass, and of the total, relative to it.
    multiplier_violation : float
        Largest positive entry of f or g in a partial problem, where both must be <= 0, relative to
        the spread of the potentials; 0 in a balanced one.
    round_off : float
        How far `lower` and `upper` may be wrong because sums of this size are rounded.
    scale : float
        What `relative_gap` is relative to: the larger absolute value of `lower` and `upper`, but
        not less than a thousandth of what the mass would cost at the median of ``|C|``. Where the
        optimum is (nearly) zero, a ratio to it would say nothing. (The mean of ``|C|`` if its
        median is 0.)
    scope : {"all", "support"}
        Whether all n * m pairs were priced, or only the support of the plan.
    pairs : int
        Number of pairs priced, or edges of a graph.
    priced : {"pairs", "edges"}, default="pairs"
        Which of the two.
    """

    lower: float
    upper: float
    primal_residual: float
    multiplier_violation: float
    round_off: float
    scale: float
    scope: str
    pairs: int
    priced: str = "pairs"

    @property
    def gap(self) -> float:
        """The difference upper - lower; not negative but for round-off."""
        return self.upper - self.lower

    @property
    def relative_gap(self) -> float:
        """The gap that round-off does not explain, over `scale`; inf where one bound is."""
        gap = self.gap - self.round_off
        if gap <= 0.0:
            return 0.0
        return gap / self.scale if gap < math.inf else math.inf

    def holds(self, tolerance: Tolerance) -> bool:
        """Whether the answer is optimal to the tolerance over all pairs; False with any NaN."""
        return bool(
            self.scope == "all"
            and self.relative_gap <= tolerance.gap
            and self.gap >= -tolerance.gap * self.scale - self.round_off
            and self.primal_residual <= tolerance.primal
            and self.multiplier_violation <= tolerance.dual
        )

    def judge(self, status: Status, tolerance: Tolerance) -> Status:
        """Return the status of a solve that ended with this one, and this certificate."""
        if math.isnan(self.gap) or math.isnan(self.primal_residual):
            return Status.NUMERICAL_ERROR
        if self.holds(tolerance):
            return Status.OPTIMAL
        if status is not Status.OPTIMAL:
            return status
        return Status.NEAR_OPTIMAL if self.holds(Tolerance.of(_NEAR)) else Status.STALLED

    def __str__(self) -> str:
        return (
            f"{self.lower:.12g} <= optimal value <= {self.upper:.12g}   "
            f"relative gap {self.relative_gap:.1e}\n"
            f"{_CHECKED[self.priced]} within {self.primal_residual:.1e}\n"
            f"scope: {self.scope} ({self.pairs:,} {self.priced} priced)"
        )
