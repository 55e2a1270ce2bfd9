"""What the method knows of a problem: networks of it, on levels, and what their flow says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from quot.convergence import Iterate, Monitor, Status, Tolerance
from quot.dual import Dual
from quot.network.network import FlowState, Network
from quot.result import Solved

A = TypeVar("A")
R = TypeVar("R", bound=Solved[Any, Any])


@dataclass(frozen=True, eq=False)
class At(Generic[A]):
    """Where a solve is.

    Parameters
    ----------
    arcs : Bipartite or GraphNetwork
        What the arcs of the network are in the problem.
    network : Network
    state : FlowState
    scale : float, default=1
        Its quadratic terms, in those of the problem.
    """

    arcs: A
    network: Network
    state: FlowState
    scale: float = 1.0


class Stage(Protocol[A]):
    """One level of a problem.

    Attributes
    ----------
    unit, total : float
        The most that a node may send or get, and all that moves.
    least : float
        Imbalance of a node, in units, that is no matter to any of them.
    last : float
        The scale at which all is done here that Newton can do.
    is_last : bool
        Whether this is the problem itself.
    """

    unit: float
    total: float
    least: float
    last: float
    is_last: bool

    def lift(self, at: At[A]) -> At[A]:
        """Where this level begins, from where the coarser one has ended."""

    def rescaled(self, at: At[A], scale: float) -> At[A]:
        """The same potentials at another scale."""

    def is_through(self, at: At[A]) -> bool:
        """Whether going down any further says little of the next level."""

    def is_complete(self, at: At[A]) -> bool:
        """Whether no arc can be missing."""

    def wider(self, at: At[A], round: int, allowed: float) -> At[A] | None:
        """With more arcs, if more than a part of the total goes by none; at 0 all are priced."""

    def iterate(self, at: At[A], round: int, steps: int) -> Iterate:
        """What there is to report."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What a way of solving ends with.

    Parameters
    ----------
    primal : Plan or Flow
        Feasible or not.
    dual : Dual
    status : Status
        OPTIMAL if nothing stopped it.
    is_limit : bool, default=False
        Whether this is where answers go as reg vanishes: then only an exact one is good enough.
    """

    primal: Any
    dual: Dual
    status: Status
    is_limit: bool = False


# A way to an answer, from the best result so far; None if it is not worth a try.
Way = Callable[[Any], Answer | None]


class Model(Protocol[R]):
    """A problem in the prices that it is solved in, and what to try.

    Attributes
    ----------
    problem : Problem or GraphProblem
    monitor : Monitor
    tolerance : Tolerance
    method : str
        As asked for.
    result : type
        Of what comes out.
    """

    problem: Any
    monitor: Monitor
    tolerance: Tolerance
    method: str
    result: type[R]

    def ways(self) -> Iterable[Way]:
        """Ways to an answer, to be tried in turn until one is good enough."""

    def repaired(self, answer: Answer) -> Any:
        """The plan or flow, feasible."""

    def duals(self, primal: Any, dual: Dual) -> Iterable[Dual]:
        """The dual point, and others that a plan or flow says, what takes least time first."""

    def next(self, result: R) -> Model[R] | None:
        """The same in other prices, where dearer ones count for what the result pays."""
