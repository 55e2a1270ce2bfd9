"""Stopping: tolerances, limits, statuses, history and the clock, in one place."""

from __future__ import annotations

import enum
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from quot import interrupts
from quot.settings import settings
from quot.trusted import trusted
from quot.validation import check_callable, check_count, check_positive


class Status(enum.Enum):
    """How a solve ended. The value is the sentence for the user."""

    OPTIMAL = "optimal: gap and residuals are within the tolerance over all pairs"
    NEAR_OPTIMAL = (
        "near optimal: round-off stopped progress short of the tolerance; "
        "the certificate says how near"
    )
    APPROXIMATE = (
        "approximate: the method promises no more; the certificate says how good the answer is"
    )
    ITERATION_LIMIT = "iteration limit reached; raise `max_iter` or loosen `tol`"
    TIME_LIMIT = "time limit reached; raise `time_limit` or loosen `tol`"
    STALLED = "stalled: no more progress; rescale the cost, raise `reg` or loosen `tol`"
    NUMERICAL_ERROR = "numerical error: NaN or overflow; rescale the cost and the masses"
    STOPPED = "stopped by the callback or by an interrupt (Ctrl-C)"
    UNSET = "the solver has not said how it ended; this is a defect of quot"

    @property
    def advice(self) -> str:
        """What happened and what to do."""
        return self.value


@dataclass(frozen=True)
class Tolerance:
    """When an answer counts as optimal; all relative.

    Parameters
    ----------
    primal : float, default=1e-9
        Violation of the marginals, in units of the most that a row, column or node can send or get,
        and of the total, relative to it.
    dual : float, default=1e-9
        Sign violation of the multipliers of a partial problem, relative to the potentials.
    gap : float, default=1e-9
        Duality gap, relative to `Certificate.scale`: all that is added up in the value of the
        plan, without signs.
    """

    primal: float = 1e-9
    dual: float = 1e-9
    gap: float = 1e-9

    def __post_init__(self) -> None:
        for name in ("primal", "dual", "gap"):
            object.__setattr__(self, name, check_positive(getattr(self, name), f"tol.{name}"))

    @classmethod
    def of(cls, tol: Any) -> Tolerance:
        """Return a Tolerance from one or from a number that serves for all three."""
        if isinstance(tol, Tolerance):
            return tol
        return _same(check_positive(tol, "tol"))


@lru_cache
def _same(number: float) -> Tolerance:
    """The tolerance of one number for all three."""
    return Tolerance(number, number, number)


@dataclass(frozen=True)
class Iterate:
    """What a solver reports once per outer iteration.

    Parameters
    ----------
    residual : float
        Marginal violation, in units of the most that a row, column or node can send or get.
    support : int
        Pairs that carry mass.
    candidates : int
        Pairs the iteration worked on.
    violators : int
        Pairs that pricing found to be missing among the candidates before; now they are there.
    reg : float
        Strength of the quadratic term this iteration solved for, in the units of the problem.
    inner : int
        Steps taken: of Newton's method, or pivots and pushes that count as so many.
    iteration : int
        How many there were, this one included.
    seconds : float
        Time since the start, reporting left out.
    level : int
        How often the problem was coarsened: 0 is the problem itself.
    round : int
        How often candidates were chosen anew at this level and reg, in vain so far.
    pairs, boxes : int
        Pairs whose cost the passes over all pairs computed since the last iteration, and boxes
        that spared others; in the last iteration also those of the pass that came after it.
    passes : float
        Passes over all pairs since the start, of an entropic problem: in each all exponentials are
        taken, or a plan that is stored is read. One over some pairs counts as that part.
    """

    residual: float
    support: int
    candidates: int
    violators: int
    reg: float
    inner: int
    iteration: int = 0
    seconds: float = 0.0
    level: int = 0
    round: int = 0
    pairs: int = 0
    boxes: int = 0
    passes: float = 0.0

    def numbered(self, iteration: int, seconds: float) -> Iterate:
        """Return the same with its number and the time since the start."""
        fields: dict[str, Any] = {**self.__dict__, "iteration": iteration, "seconds": seconds}
        return trusted(Iterate, **fields)


@dataclass
class Monitor:
    """Owns limits, history, callback and clock; solvers supply numbers and obey.

    Parameters
    ----------
    max_iter : int
        Steps allowed in all: of Newton's method, or pivots and pushes that count as so many.
    time_limit : float or None
        Seconds.
    callback : callable or None
        ``callback(Iterate) -> bool | None``; True stops. Asked at every report, and while the next
        one is long in coming every half second, with the last one and the `seconds` of then.
    """

    max_iter: int = 2000
    time_limit: float | None = None
    callback: Callable[[Iterate], bool | None] | None = None
    history: list[Iterate] = field(default_factory=list)
    steps: int = 0
    _start: float = field(default_factory=time.perf_counter)
    _kept: float = 0.0
    _last: Iterate = Iterate(math.inf, 0, 0, 0, math.inf, 0)  # before the first report
    _asked: float = 0.0  # on the clock
    _is_stopped: bool = False
    _thread: int = field(default_factory=threading.get_ident)

    def __post_init__(self) -> None:
        self.max_iter = check_count(self.max_iter, "max_iter")
        if self.time_limit is not None:
            self.time_limit = check_positive(self.time_limit, "time_limit")
        check_callable(self.callback, "callback")

    def begin(self) -> None:
        """Start the clock again: what came before was no part of the solve."""
        self._start = time.perf_counter()

    def began(self, seconds: float) -> None:
        """Count so many seconds that were spent on the solve before."""
        self._start -= seconds

    @property
    def seconds(self) -> float:
        """Time since the start, reporting left out."""
        return time.perf_counter() - self._start

    def keep_back(self, seconds: float) -> None:
        """Keep so many seconds, half of all at most, for what comes after the last step."""
        self._kept = seconds

    def is_late(self) -> bool:
        """Whether the time is up, but for what is kept back."""
        if self.time_limit is None:
            return False
        return self.seconds + min(self._kept, 0.5 * self.time_limit) >= self.time_limit

    def stop(self) -> None:
        """End the solve as the callback would."""
        self._is_stopped = True

    def must_stop(self) -> bool:
        """Whether the time is up or the callback or an interrupt says stop; to be asked often.

        Any thread may; the callback is only asked from the one that made the monitor, and an
        interrupt is only heard in the main thread.

        Raises
        ------
        KeyboardInterrupt
            If all is to end with nothing.
        """
        if self.callback is not None and threading.get_ident() == self._thread:
            seconds = self.seconds
            if seconds - self._asked >= settings().pulse:
                self._ask(replace(self._last, seconds=seconds))
        return self._must_end() or self.is_late()

    def _must_end(self) -> bool:
        """Whether the callback or an interrupt has said stop."""
        if interrupts.must_stop():
            self._is_stopped = True
        return self._is_stopped

    def limit(self) -> Status | None:
        """Return the status that ends the solve, if any."""
        if self._must_end():
            return Status.STOPPED
        if self.steps >= self.max_iter:
            return Status.ITERATION_LIMIT
        if self.is_late():
            return Status.TIME_LIMIT
        return None

    @property
    def steps_left(self) -> int:
        """Steps still allowed."""
        return max(self.max_iter - self.steps, 0)

    def amend(self, pairs: int, boxes: int) -> None:
        """Add to the last iteration what was looked at after it."""
        if self.history and (pairs or boxes):
            last = self.history[-1]
            self.history[-1] = replace(last, pairs=last.pairs + pairs, boxes=last.boxes + boxes)

    def report(self, iterate: Iterate) -> Status | None:
        """Record, number and time an iteration; return the status that ends the solve, if any."""
        self._last = iterate.numbered(len(self.history) + 1, self.seconds)
        self.history.append(self._last)
        self._ask(self._last)
        return self.limit()

    def count(self, iterate: Iterate) -> Status | None:
        """Report an iteration whose steps are not counted yet."""
        self.steps += iterate.inner
        return self.report(iterate)

    def _ask(self, iterate: Iterate) -> None:
        """Show the callback where the solve is, unless it has said stop."""
        if self.callback is None or self._is_stopped:
            return
        try:
            with interrupts.raised():
                self._is_stopped = bool(self.callback(iterate))
        except KeyboardInterrupt:
            interrupts.check()
            self._is_stopped = True
        self._asked = iterate.seconds
        self._start = time.perf_counter() - iterate.seconds  # the clock stood while the user looked
