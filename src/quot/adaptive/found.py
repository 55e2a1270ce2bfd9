"""What the reference methods of adaptive transport find, and what is wrong with it.

Joint ascent, sweeps and Dykstra's projections are for small dense problems, to check others by.
Each solves the problem in which the sum of h over all entries costs a floor: ``<C, P> + floor sum
h(P)``. Its plans are ``P_ij = h*'((f_i + g_j - C_ij)/E_ij)`` with ``E_ij = floor + eps_i +
delta_j``.

All are called alike, ``method(problem, floor, steps, enough, check)``:

problem : AdaptiveProblem
    Masses positive.
floor : float
    What spreading costs at least, > 0; with a quadratic regularizer in cost per mass.
steps : int
    At most.
enough : float
    What may be wrong at the end.
check : callable, optional
    Called before each step; what it raises ends the method.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quot.problem import AdaptiveProblem

Floats = NDArray[np.float64]
# f, g, eps and delta.
Multipliers = tuple[Floats, Floats, Floats, Floats]

# No entry is more than all mass times e to this: on the way some would overflow.
_HIGHEST = 50.0


@dataclass(frozen=True, eq=False)
class Found:
    """A plan and the multipliers that make it.

    Parameters
    ----------
    plan : array of shape (n, m)
    f, g : array of shape (n,), (m,)
        Prices of rows and columns, in cost per mass.
    eps, delta : array of shape (n,), (m,)
        What spreading costs rows and columns, >= 0, without the floor.
    wrong : float
        Mass that rows and columns have too much or too little, absolutely, over all mass, and the
        largest error of a bound. That is by how much it is exceeded, or, where less, the smaller of
        its slack and its multiplier over the floor. Sums of h count over the bound if quadratic,
        over the mass if entropic: with the mass right, as parts and logarithms of the perplexity.
    """

    plan: Floats
    f: Floats
    g: Floats
    eps: Floats
    delta: Floats
    wrong: float

    @classmethod
    def at(cls, problem: AdaptiveProblem, floor: float, multipliers: Multipliers) -> Found:
        """The plan of these multipliers."""
        y, plan, conjugate = respond(problem, floor, multipliers)
        f, g, eps, delta = multipliers
        sums = [plan.sum(axis=1) - problem.a, plan.sum(axis=0) - problem.b]
        wrong = float(sum(np.abs(each).sum() for each in sums)) / problem.total
        spread = y * plan - conjugate
        errors = [0.0]
        for axis, bounds, units, multiplier in (
            (1, problem.row_bounds, problem.row_units, eps),
            (0, problem.col_bounds, problem.col_units, delta),
        ):
            if bounds is not None:
                excess = (spread.sum(axis=axis) - bounds) / units
                errors.append(float(np.abs(np.minimum(multiplier / floor, -excess)).max()))
        return cls(plan, f, g, eps, delta, wrong + max(errors))

    @property
    def turned(self) -> Found:
        """The same with rows and columns exchanged."""
        return Found(self.plan.T, self.g, self.f, self.delta, self.eps, self.wrong)


def costs(problem: AdaptiveProblem) -> Floats:
    """All costs of a problem, (n, m)."""
    return problem.cost.block(0, problem.shape[0])


def respond(
    problem: AdaptiveProblem, floor: float, multipliers: Multipliers
) -> tuple[Floats, Floats, Floats]:
    """Return y = (f + g - C)/E, the entries P = h*'(y) and h*(y), (n, m) each.

    With these ``h(P) = y P - h*(y)``.
    """
    f, g, eps, delta = multipliers
    y = (f[:, None] + g - costs(problem)) / (floor + eps[:, None] + delta)
    if problem.regularizer == "quadratic":
        entries = np.maximum(y, 0.0)
        return y, entries, 0.5 * entries * entries
    # Beyond the highest h* goes on as a line.
    least = np.minimum(y, np.log(problem.total) + _HIGHEST)
    entries = np.exp(least)
    return y, entries, entries * (1.0 + y - least)
