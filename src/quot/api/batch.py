"""Many small problems in one call, on all threads."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from quot import interrupts
from quot.api.deliver import ON_FAILURE, TIES, tell
from quot.batch import Batch, Late
from quot.convergence import Monitor, Status, Tolerance
from quot.costs import Cost
from quot.exceptions import InfeasibleError, InvalidProblemError
from quot.labels import aligned, as_frame
from quot.order import by_name
from quot.parallel import map_blocks
from quot.plan import Plan
from quot.problem import Problem
from quot.problem.many import Many, plain_problems
from quot.quadratic.plans import Begun, Done, begin, go_on
from quot.result import Result
from quot.settings import settings
from quot.validation import as_real, axes_of, check_callable, check_option

T = TypeVar("T")
Callback = Callable[[int, Result[Plan]], bool | None]

# A limit has to be positive.
_NO_TIME = 1e-9


@by_name("reg")
@interrupts.stoppable
def solve_batch(
    Cs: Any,
    a: Any = None,
    b: Any = None,
    *,
    reg: Any = 0.0,
    mass: Any = None,
    tol: float | Tolerance = 1e-9,
    max_iter: int = 2000,
    time_limit: float | None = None,
    ties: str = "share",
    callback: Callback | None = None,
    on_failure: str = "warn",
) -> Batch:
    """Solve many small problems, each as `solve` does, on all threads.

    For mini-batches, pairs of clusters or documents, histograms by the thousand. Each result is
    that of ``solve(Cs[k], a[k], b[k], ...)``, to the last bit and with its own certificate, on any
    number of threads.

    Parameters
    ----------
    Cs : array of shape (k, n, m), or sequence of k costs
        Costs of the problems, each as `solve` takes them; shapes may differ in a sequence.
    a, b : array of shape (n,), (m,), of shape (k, n), (k, m), or sequence of k arrays, optional
        Masses, of all problems or of each, by name if rows and columns have names (of a DataFrame
        the columns are named by them, and lines are problems); uniform by default.
    reg : float or sequence of k floats, default=0
        Strength of the quadratic term, of all problems or of each.
    mass : float or sequence of k floats, optional
        Mass to move, of all problems or of each; None moves all.
    tol : float or Tolerance, default=1e-9
        Relative duality gap and residuals, of each problem.
    max_iter : int, default=2000
        Steps for each problem, as in `solve`.
    time_limit : float, optional
        Seconds for all of them together.
    ties : {"share", "any"}, default="share"
        Which of several cheapest plans to return for ``reg=0``; see `solve`.
    callback : callable, optional
        ``callback(k, result)`` as results come, in order; a true value stops.
    on_failure : {"warn", "raise", "ignore"}, default="warn"
        What to do where the tolerance is not reached: one warning, or error, for all.

    Returns
    -------
    Batch
        A sequence of `Result`, in order, each put together when it is asked for; `Batch.values` and
        `Batch.to_dense` are arrays of all. Where a limit, the callback or an interrupt (Ctrl-C)
        stops, what is done is as it is, and the others are as far as they got, with the status that
        says so: feasible, certified and with a large gap.

    Raises
    ------
    InvalidProblemError
        If an argument is unusable: before any work, with the number of the problem.
    InfeasibleError
        If the allowed pairs of a sparse cost cannot carry the mass; with the number of the problem.
    NotConvergedError
        If a tolerance is not reached and ``on_failure="raise"``.

    Warns
    -----
    NotConvergedWarning
        If a tolerance is not reached.

    Examples
    --------
    >>> import numpy as np, quot
    >>> Cs = np.random.default_rng(0).random((100, 8, 10))
    >>> results = quot.solve_batch(Cs, reg=0.1, mass=0.8)
    >>> results.converged, results.values.shape, results.to_dense().shape
    (True, (100,), (100, 8, 10))
    >>> results[7].value == quot.solve(Cs[7], reg=0.1, mass=0.8).value
    True
    """
    check_option(ties, "ties", TIES)
    check_option(on_failure, "on_failure", ON_FAILURE)
    check_callable(callback, "callback")
    tolerance, clock = Tolerance.of(tol), Monitor(max_iter, time_limit)
    costs = _costs(Cs)
    count = len(costs)
    regs, masses = _numbers(reg, "reg", count), _numbers(mass, "mass", count)
    problems: Sequence[Problem] | None = plain_problems(Cs, a, b, regs, masses)
    if problems is None:
        each = zip(costs, _arrays(a, "a", count), _arrays(b, "b", count), regs, masses, strict=True)
        problems = [
            _numbered(k, lambda: Problem(C, p, q, reg=r, mass=s))  # noqa: B023
            for k, (C, p, q, r, s) in enumerate(each)
        ]
    batch = _Batch(problems, tolerance, clock, ties)
    return _deliver(batch.run(callback), on_failure)


class _Batch:
    """The problems, the results so far, and what stops them all."""

    def __init__(
        self, problems: Sequence[Problem], tolerance: Tolerance, clock: Monitor, ties: str
    ) -> None:
        self.problems, self.tolerance, self.clock, self.ties = problems, tolerance, clock, ties
        self.sizes = _sizes(problems)
        self.results: list[Result[Plan] | Late] = []
        self.running: dict[int, Monitor] = {}
        self.found: dict[int, Result[Plan] | Late] = {}

    def run(self, callback: Callback | None) -> Batch:
        """All results, in order; `callback` is asked as they come."""

        def take(k: int, found: Result[Plan] | Late) -> None:
            if callback is None:
                self.results.append(found)
                return
            result = found if isinstance(found, Result) else found.result()
            self.results.append(result)
            with interrupts.raised():
                must_stop = callback(k, result)
            if must_stop:
                self._stop()

        count = len(self.problems)
        try:
            map_blocks(self._solve, count, take, self._watch)
        except KeyboardInterrupt:  # of the callback, or of a handler that is not ours
            interrupts.check()
            self._stop()
            done = len(self.results)
            map_blocks(
                lambda block: self._solve(range(done + block.start, done + block.stop)),
                count - done,
                lambda _, found: self.results.append(found),
                interrupts.check,
            )
        return Batch(self.results)

    def _watch(self) -> None:
        if self.clock.limit() is Status.STOPPED:
            self._stop()

    def _stop(self) -> None:
        self.clock.stop()
        for monitor in tuple(self.running.values()):
            monitor.stop()

    def _solve(self, block: range) -> Iterator[Result[Plan] | Late]:
        """Some of them, stopped when all are; as they were found if that has been done before."""
        for part in self._parts(block):
            asked = [k for k in part if k not in self.found]
            for k, first in zip(asked, self._begun(asked), strict=True):
                self.found[k] = first if isinstance(first, Done) else self._one(k, first)
            for k in part:
                yield self.found[k]

    def _parts(self, block: range) -> Iterator[range]:
        """Parts of a block that take about as long as may pass before somebody looks around."""
        first, pairs = block.start, 0
        for k in block:
            pairs += self.sizes[k]
            if pairs >= settings().together or k == block.stop - 1:
                yield range(first, k + 1)
                first, pairs = k + 1, 0

    def _begun(self, asked: list[int]) -> list[Done | Begun | None]:
        """What is solved at once of those, unless all is to stop."""
        if not asked or self.clock.limit() is not None:
            return [None] * len(asked)
        is_row = asked[-1] - asked[0] == len(asked) - 1
        every = self.problems
        some = every[asked[0] : asked[-1] + 1] if is_row else [every[k] for k in asked]
        return begin(some, self.tolerance, max_iter=self.clock.max_iter, ties=self.ties)

    def _one(self, k: int, first: Begun | None) -> Result[Plan]:
        """One of them, from what has been found."""
        clock = self.clock
        left = None if clock.time_limit is None else max(clock.time_limit - clock.seconds, _NO_TIME)
        monitor = Monitor(clock.max_iter, left)
        self.running[k] = monitor
        try:
            if clock.limit() is Status.STOPPED:
                monitor.stop()
            monitor.began(0.0 if first is None else first.seconds)
            problem, tolerance = self.problems[k], self.tolerance
            return _numbered(k, lambda: go_on(problem, first, monitor, tolerance, ties=self.ties))
        finally:
            self.running.pop(k)


def _sizes(problems: Sequence[Problem]) -> list[int]:
    """How many pairs each has."""
    if type(problems) is Many:
        return [math.prod(problems.shape)] * len(problems)
    return [math.prod(problem.shape) for problem in problems]


def _numbered(k: int, make: Callable[[], T]) -> T:
    """What is made for problem k; an error says which that is."""
    try:
        return make()
    except (InvalidProblemError, InfeasibleError) as error:
        raise type(error)(f"problem {k}: {error}") from error


def _costs(Cs: Any) -> list[Any]:
    """The costs one by one."""
    is_one = isinstance(Cs, Cost) or (hasattr(Cs, "ndim") and Cs.ndim != 3)
    if is_one or not isinstance(Cs, Iterable):
        shape = getattr(Cs, "shape", None)
        raise InvalidProblemError(
            "`Cs` must be an array of shape (k, n, m) or a sequence of costs; got "
            f"{type(Cs).__name__}{'' if shape is None else f' of shape {shape}'}. For one problem "
            "call `solve`."
        )
    return list(Cs)


def _arrays(value: Any, name: str, count: int) -> list[Any]:
    """The masses of each problem, from those of all or of each."""
    if value is None:
        return [None] * count
    is_many = isinstance(value, (list, tuple)) and len(value) > 0
    if is_many and (isinstance(value[0], Mapping) or axes_of(value[0], name) > 0):
        return _as_many(list(value), name, count)
    if isinstance(value, Mapping) or axes_of(value, name) < 2:
        return [value] * count
    frame = as_frame(value)  # a list of it would be its columns
    each = as_real(value, name) if frame is None else (frame.iloc[k] for k in range(len(frame)))
    return _as_many(list(each), name, count)


def _numbers(value: Any, name: str, count: int) -> list[Any]:
    """The number of each problem, from that of all or of each."""
    if value is None or axes_of(value, name) == 0:
        return [value] * count
    return _as_many(list(aligned(value, None, name, "problems")[0]), name, count)


def _as_many(values: list[Any], name: str, count: int) -> list[Any]:
    if len(values) != count:
        raise InvalidProblemError(
            f"`{name}` is for {len(values)} problems, but there are {count}; pass one for all, or "
            "one for each."
        )
    return values


def _deliver(results: Batch, on_failure: str) -> Batch:
    """Return the results; say so if some are not within the tolerance."""
    if on_failure == "ignore" or results.converged:
        return results
    short = [k for k, result in enumerate(results) if not result.converged]
    first = results[short[0]]
    text = (
        f"{len(short)} of {len(results)} problems did not reach the tolerance; the first is "
        f"problem {short[0]}: {first.status.advice} (relative gap "
        f"{first.certificate.relative_gap:.1e})"
    )
    tell(text, on_failure)
    return results
