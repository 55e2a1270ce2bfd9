"""The methods for entropic problems: what each solves, and how it is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from quot.convergence import Monitor, Status
from quot.entropic.aam import Aam
from quot.entropic.apdagd import Apdagd
from quot.entropic.aspot import Aspot
from quot.entropic.first_order import Iteration, Prices, Stepper
from quot.entropic.newton import Descent
from quot.entropic.normalised import NormalisedDual
from quot.entropic.passes import Passes
from quot.entropic.sinkhorn import Sinkhorn
from quot.entropic.three_block import ThreeBlock
from quot.entropic.tuned import TUNINGS, Tuned
from quot.exceptions import InvalidProblemError
from quot.problem import FORMULATIONS, EntropicProblem
from quot.validation import check_mapping, check_option, check_positive


class Way(Protocol):
    """A method on its way through one problem.

    Attributes
    ----------
    ends : Status
        What to say where it is done, unless the answer is better than that.
    """

    @property
    def ends(self) -> Status:
        """See above."""

    def run(self, enough: float) -> None:
        """Go on until no more mass than that is missing; StopError at a limit."""

    def prices(self) -> Prices:
        """The best so far."""


Maker = Callable[[EntropicProblem, Passes, Monitor, Mapping[str, Any]], Way]
# By name: the default of an option, and what checks a value.
Options = Mapping[str, tuple[Any, Callable[[Any, str], Any]]]


@dataclass(frozen=True)
class Method:
    """One of them.

    Parameters
    ----------
    formulations : tuple of str
        Those it solves; the first is the default. Of a balanced problem all are one.
    make : callable
        ``make(problem, passes, monitor, options)``.
    is_extended : bool, default=False
        Whether "E2" and "E3" are solved as balanced problems with a dummy row and column.
    options : mapping
        By name: the default, and what checks a value.
    """

    formulations: tuple[str, ...]
    make: Maker
    is_extended: bool = False
    options: Options = field(default_factory=dict)


def _newton(
    problem: EntropicProblem, passes: Passes, monitor: Monitor, _: Mapping[str, Any]
) -> Way:
    return Descent(problem, passes, monitor)


def _sinkhorn(
    problem: EntropicProblem, passes: Passes, monitor: Monitor, _: Mapping[str, Any]
) -> Way:
    return Iteration(Sinkhorn(problem, passes, monitor), problem, passes, monitor)


def _on_dual(stepper: Callable[[NormalisedDual, Mapping[str, Any]], Stepper[Any]]) -> Maker:
    """A method on the scaled dual."""

    def make(
        problem: EntropicProblem, passes: Passes, monitor: Monitor, options: Mapping[str, Any]
    ) -> Way:
        dual = NormalisedDual(problem, passes)
        return Iteration(stepper(dual, options), problem, passes, monitor)

    return make


METHODS: dict[str, Method] = {
    "newton": Method(FORMULATIONS, _newton, is_extended=True),
    "sinkhorn": Method(FORMULATIONS, _sinkhorn, is_extended=True),
    "tuned-sinkhorn": Method(
        ("E3",),
        Tuned,
        is_extended=True,
        options={
            "p": (1.5, check_positive),
            "tuning": ("mdot", partial(check_option, allowed=TUNINGS)),
        },
    ),
    "three-block": Method(("E2",), _on_dual(lambda dual, _: ThreeBlock(dual))),
    "apdagd": Method(("E2",), _on_dual(lambda dual, _: Apdagd(dual))),
    "aspot": Method(
        ("E2",),
        _on_dual(lambda dual, options: Aspot(dual, backtracks=options["step"] == "backtracked")),
        options={"step": ("backtracked", partial(check_option, allowed=("backtracked", "fixed")))},
    ),
    "aam": Method(("E2",), _on_dual(lambda dual, _: Aam(dual))),
}


def formulation_of(method: str, formulation: str | None, *, is_balanced: bool) -> str:
    """Return the formulation that a method is to solve.

    Raises
    ------
    InvalidProblemError
        If it does not solve the one asked for; names those that do.
    """
    solved = METHODS[method].formulations if method in METHODS else ("E1",)
    if is_balanced:
        return "E1"
    if formulation is None:
        return solved[0]
    if formulation not in solved:
        able = [repr(name) for name, other in METHODS.items() if formulation in other.formulations]
        raise InvalidProblemError(
            f"method={method!r} solves {' and '.join(solved)}, not {formulation}; for that pass "
            f"method={' or '.join(able)}."
        )
    return formulation


def options_of(
    method: str, given: Mapping[str, Any] | None, known: Options | None = None
) -> dict[str, Any]:
    """Return the options of a method, one of `METHODS` or what has those known, with defaults.

    Raises
    ------
    InvalidProblemError
        If it has none of such a name, or a value is wrong.
    """
    check_mapping(given, "solver_options")
    known = METHODS[method].options if known is None else known
    unknown = [name for name in given or {} if name not in known]
    if unknown:
        has = f"has {' and '.join(map(repr, known))}" if known else "has none"
        raise InvalidProblemError(
            f"`solver_options` names {', '.join(map(repr, unknown))}, but method={method!r} {has}."
        )
    options = {name: default for name, (default, _) in known.items()}
    for name, value in (given or {}).items():
        options[name] = known[name][1](value, f"solver_options[{name!r}]")
    return options
