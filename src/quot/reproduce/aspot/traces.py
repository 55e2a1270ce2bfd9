"""First-order methods step by step: what is missing, and what a plan stopped there costs."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.api import solve, solve_entropic
from quot.convergence import Iterate, Monitor
from quot.costs import DenseCost
from quot.entropic.linear import linear_dual
from quot.entropic.methods import METHODS, options_of
from quot.entropic.passes import Passes
from quot.entropic.rounding import round_dense
from quot.entropic.solve import Core
from quot.gibbs_plan import GibbsPlan
from quot.problem import EntropicProblem, Problem
from quot.reproduce.experiment import Lost
from quot.stopping import run

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Of the largest cost, what the corner of Sinkhorn's problem costs in the published code.
CORNER = 1.1
LOST = (
    Lost("cost of the corner in Sinkhorn's problem", f"{CORNER:g} times the largest, as in code"),
    Lost("plan of APDAGD", "that of its dual point, not the mean over all of its points"),
    Lost("step of ASPOT", "as long as a line search finds it"),
)


@dataclass(frozen=True)
class Way:
    """A method, and the problem that it solves in the document."""

    method: str
    formulation: str
    options: dict[str, Any] = field(default_factory=dict)


# Those that the document compares, by the names that it gives them.
WAYS = {
    "ASPOT": Way("aspot", "E2"),
    "Sinkhorn": Way("sinkhorn", "E3"),
    "APDAGD": Way("apdagd", "E2"),
}


@dataclass(frozen=True, eq=False)
class Trace:
    """A run of a method.

    Parameters
    ----------
    passes, missing : int and float array of shape (k + 1,)
        After each of k steps, and before the first: passes over all pairs, and E, which is what
        rows, columns and the total miss or have too much.
    looks : int array of shape (l,)
        Steps at which the plan was rounded.
    costs : array of shape (l,)
        Of the rounded plans.
    plan : array of shape (n, m)
        The last of them.
    v : array of shape (m,)
        Prices of the columns at the end.
    """

    passes: Ints
    missing: Floats
    looks: Ints
    costs: Floats
    plan: Floats
    v: Floats

    @property
    def steps(self) -> int:
        """How many there were."""
        return len(self.passes) - 1

    def steps_to(self, enough: float) -> int | None:
        """Steps until no more than that is missing; None if it never is."""
        found = np.flatnonzero(self.missing <= enough)
        return int(found[0]) if found.size else None

    def passes_to(self, enough: float) -> int | None:
        """Passes until no more than that is missing; None if it never is."""
        step = self.steps_to(enough)
        return None if step is None else int(self.passes[step])

    def look_within(self, limit: float, off: float) -> int | None:
        """The first step looked at from which on costs are no further than that from a limit."""
        out = np.flatnonzero(np.abs(self.costs - limit) > off)
        first = int(out[-1]) + 1 if out.size else 0
        return int(self.looks[first]) if first < self.looks.size else None


def trace(
    way: Way,
    C: Floats,
    a: Floats,
    b: Floats,
    *,
    eps: float,
    mass: float,
    steps: int,
    enough: float = 0.0,
    most: float = math.inf,
    looks: Iterable[int] = (),
) -> Trace:
    """Run a method for so many steps or passes, or until no more mass is missing than enough.

    Parameters
    ----------
    way : Way
    C, a, b : arrays of shape (n, m), (n,), (m,)
    eps, mass : float
    steps : int
    enough : float, default=0
    most : float, optional
        Passes after which it ends.
    looks : iterable of int, optional
        Steps after which the plan is rounded; it always is after the last.
    """
    corner = CORNER * float(C.max()) if way.formulation == "E3" else None
    problem = EntropicProblem(
        DenseCost(C), a, b, eps=eps, mass=mass, formulation=way.formulation, corner=corner
    )
    wanted, found = set(looks), dict[int, tuple[float, Floats]]()

    def look(now: Iterate) -> bool:
        if monitor.steps in wanted and monitor.steps not in found:
            found[monitor.steps] = rounded()
        return now.passes >= most

    def rounded() -> tuple[float, Floats]:
        prices = core.prices(going)
        X = GibbsPlan.of(problem.cost, eps, prices.f, prices.v).to_dense()
        X = round_dense(X, a, b, mass)
        return float((C * X).sum()), X

    monitor = Monitor(steps, None, look)
    core = Core(problem, METHODS[way.method])
    going = core.way(monitor, options_of(way.method, way.options))
    run(monitor, partial(going.run, enough))
    found[monitor.steps] = rounded()
    unit = core.problem.unit * core.unit
    order = sorted(found)
    return Trace(
        passes=np.array([round(k.passes) for k in monitor.history]),
        missing=np.array([k.residual for k in monitor.history]) * unit,
        looks=np.array(order),
        costs=np.array([found[k][0] for k in order]),
        plan=found[order[-1]][1],
        v=core.prices(going).v,
    )


def spaced(steps: int, count: int) -> list[int]:
    """Return about so many steps up to the last, evenly on a logarithmic axis."""
    return sorted({round(k) for k in np.geomspace(1, steps, count)})


def least_cost(C: Floats, a: Floats, b: Floats, mass: float) -> float:
    """Return the cost of the linear problem."""
    return float(solve(C, a, b, mass=mass).cost)


def proved_least(C: Floats, a: Floats, b: Floats, mass: float, v: Floats) -> float:
    """Return what prices of the columns prove that any plan costs at least."""
    problem = Problem(DenseCost(C), a, b, mass=mass)
    dual = linear_dual(problem, v, Passes(problem.cost, lambda: None))
    return float(dual.f @ a + dual.g @ b + dual.lam * mass)


def limit(C: Floats, a: Floats, b: Floats, *, eps: float, mass: float, formulation: str) -> Any:
    """Return the entropic plan that a method comes to, certified."""
    return solve_entropic(C, a, b, eps=eps, mass=mass, formulation=formulation, method="newton")


def temperature(accuracy: float, n: int) -> float:
    """Return the temperature for an accuracy, of problems with a total mass of 1."""
    return accuracy / (4.0 * math.log(n))


def missing_allowed(accuracy: float, C: Floats) -> float:
    """Return the E at which the document stops for an accuracy."""
    return accuracy / (16.0 * float(C.max()))
