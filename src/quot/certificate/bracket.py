"""Certificate: a bracket of the optimal value, whatever the problem."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quot.convergence import Status, Tolerance
from quot.shown import Shown

EPS = float(np.finfo(np.float64).eps)
# What is summed may be wrong by so much of the size of all its terms.
ROUND_OFF = 8 * EPS
# Round-off explains no more of a gap than this part of the scale. It would be more where potentials
# are 10^7 times as large as what the plan pays, which they need not be: those say nothing of it.
EXCUSED = 1e-8
# Exponents below are as good as this one beside 0, and slow.
LEAST_EXPONENT = -700.0
# So many numbers at a time are summed.
_CHUNK = 65_536
# Within this gap and residual (relative) a result that missed the tolerance is near optimal.
_NEAR = 1e-5
# What the primal residual is of.
_CHECKED = {"pairs": "plan: marginals and total", "edges": "flow: nodes, edges and total"}


class Bound(NamedTuple):
    """A lower bound of the optimal value, and how far it may be wrong by rounding."""

    value: float
    round_off: float


class Bracket(NamedTuple):
    """What a lower bound says next to an upper one; fields as of `Certificate`."""

    lower: float
    upper: float
    round_off: float
    scale: float

    @classmethod
    def of(cls, bounds: Iterable[Bound], upper: float, used: float, scale: float = 0.0) -> Bracket:
        """From the bound that leaves least of the gap unexplained, the largest, the best known.

        `used` is all that is added up in the upper bound; `scale` the least scale.
        """
        every = []
        for bound in bounds:
            sizes = (size for size in (used, abs(bound.value), scale) if size < math.inf)
            round_off = bound.round_off + ROUND_OFF * used
            every.append(cls(bound.value, upper, round_off, max(sizes, default=0.0)))
        return min(every, key=lambda it: (max(it.rest, 0.0), -it.lower, it.round_off))

    @property
    def excused(self) -> float:
        """How much of a gap, in either direction, counts as round-off."""
        return min(self.round_off, EXCUSED * self.scale)

    @property
    def rest(self) -> float:
        """By how much more the bounds differ; negative if by less."""
        return abs(self.upper - self.lower) - self.excused

    @property
    def unexplained(self) -> float:
        """The rest over the scale, if there is one; inf with any NaN."""
        rest = self.rest
        if rest <= 0.0:
            return 0.0
        return rest / self.scale if rest < math.inf and self.scale > 0.0 else math.inf


@dataclass(frozen=True, repr=False)
class Certificate(Shown):
    """A bracket of the optimal value, and what the plan and the potentials violate.

    Parameters
    ----------
    lower, upper : float
        The optimal value lies between: `lower` is the value of the dual over all pairs, with the
        given potentials, that of the linear problem with their c-transform, or what all mass would
        cost by the cheapest pair, whichever is best; no row or column counts for more than moves in
        all. `upper` is the value of the plan repaired to exact marginals.
    primal_residual : float
        Largest violation of a marginal or of P >= 0 by the plan as given, in units of the most that
        a row or column can send or get, and of the total, relative to it.
    multiplier_violation : float
        Largest positive entry of f or g in a partial problem, where both must be <= 0, relative to
        the spread of the potentials; 0 in a balanced one.
    round_off : float
        How far `lower` and `upper` may be wrong because potentials and sums of this size are
        rounded. It excuses a gap of 1e-8 of `scale` at most: potentials much larger than what the
        plan pays, as those of pairs that cost far too much to be used, say nothing.
    scale : float
        What `relative_gap` is relative to: all that is added up in the objective of the repaired
        plan, each term by its absolute value, or the absolute value of `lower` if that is larger.
        What a pair without mass would cost does not count.
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
        """The gap that round-off does not excuse, over `scale`; inf where one bound is."""
        return 0.0 if self.gap <= 0.0 else self._unexplained

    @cached_property
    def _unexplained(self) -> float:
        """The same, but also where the bracket is upside down."""
        return Bracket(self.lower, self.upper, self.round_off, self.scale).unexplained

    def holds(self, tolerance: Tolerance) -> bool:
        """Whether the answer is optimal to the tolerance over all pairs; False with any NaN."""
        return bool(
            self.scope == "all"
            and self._unexplained <= tolerance.gap
            and self.primal_residual <= tolerance.primal
            and self.multiplier_violation <= tolerance.dual
        )

    def judge(self, status: Status, tolerance: Tolerance) -> Status:
        """Return the status of a solve that ended with this one, and this certificate.

        A right answer whose potentials cannot show that it is right is not optimal.
        """
        if math.isnan(self.gap) or math.isnan(self.primal_residual):
            return Status.NUMERICAL_ERROR
        if self.holds(tolerance):
            return Status.OPTIMAL
        if status is not Status.OPTIMAL:
            return status
        return Status.NEAR_OPTIMAL if self.holds(Tolerance.of(_NEAR)) else Status.STALLED

    @property
    def _priced(self) -> str:
        """What was priced, in words."""
        return f"{'all' if self.scope == 'all' else 'the'} {self.pairs:,} {self.priced}" + (
            "" if self.scope == "all" else " of the plan"
        )

    def _facts(self) -> dict[str, Any]:
        return {
            "lower": self.lower,
            "upper": self.upper,
            "relative gap": f"{self.relative_gap:.1e}",
            _CHECKED[self.priced]: f"within {self.primal_residual:.1e}",
            "signs of multipliers": f"within {self.multiplier_violation:.1e}",
            "priced": self._priced,
        }

    def __repr__(self) -> str:
        return (
            f"Certificate({self.lower:.10g} <= optimal value <= {self.upper:.10g}, relative gap "
            f"{self.relative_gap:.1e}, residual {self.primal_residual:.1e}, {self._priced})"
        )

    def __str__(self) -> str:
        return (
            f"{self.lower:.12g} <= optimal value <= {self.upper:.12g}   "
            f"relative gap {self.relative_gap:.1e}\n"
            f"{_CHECKED[self.priced]} within {self.primal_residual:.1e}\n"
            f"scope: {self.scope} ({self.pairs:,} {self.priced} priced)"
        )


def exact_sum(*parts: NDArray[np.float64] | float) -> float:
    """Return the sum of numbers and arrays, rounded once; without that where it overflows."""
    arrays = [np.atleast_1d(part) for part in parts]
    chunks = (x[k : k + _CHUNK].tolist() for x in arrays for k in range(0, x.size, _CHUNK))
    try:
        return math.fsum(chain.from_iterable(chunks))
    except (OverflowError, ValueError):  # ValueError: inf - inf
        with np.errstate(over="ignore", invalid="ignore"):
            return float(np.sum([x.sum() for x in arrays]))
