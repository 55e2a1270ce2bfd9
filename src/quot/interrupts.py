"""Ctrl-C and its like: noted while quot works, and obeyed where nothing is lost or torn.

Python raises KeyboardInterrupt wherever it is. Where a kernel hands over its results that becomes a
SystemError, where a weak reference ends it is printed and forgotten, and what was found goes with
it. So while a call of quot is on its way in the main thread a handler of ours notes the signal, and
monitors and passes, which ask often, end the call. Handlers of others are left alone.

Imports nothing that takes time: the command line does so before anything else.
"""

from __future__ import annotations

import _signal  # without the enumerations of `signal`, which take a tenth of a small solve
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import FrameType
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

# What comes so soon after another is the same: a launcher passes on what a terminal sends to all.
_SAME = 0.2
# What comes so soon after one that another call has obeyed is a second one.
_AGAIN = 1.0

_COMMAND = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
_DEFAULT = (signal.default_int_handler, signal.SIG_DFL)


class _Now:
    """What there is to know of the main thread.

    Attributes
    ----------
    depth : int
        Calls of quot on their way, one in another.
    notes : bool
        Whether signals are noted; else they raise.
    stops : bool
        Whether the first one leaves a call that has something to return to end by itself.
    heard : int
        Signals since the outermost call began.
    last : float
        When the last one came.
    number : int
        Which it was.
    """

    depth = 0
    notes = False
    stops = False
    heard = 0
    last = -_AGAIN
    number = int(signal.SIGINT)


_now = _Now()


def _hear(number: int, _: FrameType | None) -> None:
    """Note a signal, or raise: outside of calls, and at the third, for nobody has asked."""
    before, now = _now.last, time.monotonic()
    if now - before < _SAME:
        return
    _now.last, _now.number = now, number
    _now.heard += 2 if _now.heard == 0 and now - before < _AGAIN else 1
    if not _now.notes or _now.heard > 2:
        raise KeyboardInterrupt


def _is_main() -> bool:
    return threading.get_ident() == threading.main_thread().ident


# --- those who ask ---------------------------------------------------------------------------


def check() -> None:
    """Raise KeyboardInterrupt if a call must end with nothing: it has nothing, or was told twice.

    To be called where nothing is torn by that.
    """
    if _now.heard > (1 if _now.stops else 0) and _now.notes and _is_main():
        raise KeyboardInterrupt


def must_stop() -> bool:
    """Whether a call must end with what it has; raises as `check` does."""
    check()
    return _now.heard > 0 and _now.notes and _is_main()


def is_masked(error: BaseException) -> bool:
    """Whether an error is what became of a KeyboardInterrupt."""
    while error.__cause__ is not None:
        error = error.__cause__
    return isinstance(error, KeyboardInterrupt)


# --- those who are to be ended ---------------------------------------------------------------


def stoppable(call: Callable[P, R]) -> Callable[P, R]:
    """Let an interrupt end a call as a limit does: by its monitors. A second one raises."""
    return _heeding(call, stops=True)


def interruptible(call: Callable[P, R]) -> Callable[P, R]:
    """Let an interrupt end a call with KeyboardInterrupt, at a safe place."""
    return _heeding(call, stops=False)


def _heeding(call: Callable[P, R], *, stops: bool) -> Callable[P, R]:
    @wraps(call)
    def heeding(*args: P.args, **options: P.kwargs) -> R:
        with noted(stops=stops):
            return call(*args, **options)

    return heeding


class noted:  # noqa: N801
    """Note signals instead of raising, up to the end, which raises if nobody else has obeyed.

    Parameters
    ----------
    stops : bool, default=False
        Whether the first one is obeyed by monitors alone. Within a call that of the call counts.
    """

    def __init__(self, *, stops: bool = False) -> None:
        self.stops, self.is_ours = stops, False

    def __enter__(self) -> None:
        self.is_main = _is_main()
        if not self.is_main:
            return
        self.was = (_now.depth, _now.notes, _now.stops)
        if _signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            _signal.signal(signal.SIGINT, _hear)
            self.is_ours, self.was = True, (0, False, False)
        depth, notes, stops = self.was
        if depth == 0:
            _now.heard = 0
        _now.depth, _now.notes, _now.stops = depth + 1, True, stops if notes else self.stops

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if not self.is_main:
            return
        try:
            if error is None:
                check()
            elif isinstance(error, SystemError) and is_masked(error):
                raise KeyboardInterrupt from None
        finally:
            if self.is_ours:
                _signal.signal(signal.SIGINT, signal.default_int_handler)
            _now.depth, _now.notes, _now.stops = self.was


@contextmanager
def raised() -> Iterator[None]:
    """Raise at once in what is not ours, a callback or another solver, or instead of it."""
    if not _is_main():
        yield
        return
    was = _now.notes
    if was and _now.heard > 0:
        raise KeyboardInterrupt
    _now.notes = False
    try:
        yield
    finally:
        _now.notes = was


# --- the command line ------------------------------------------------------------------------


@contextmanager
def taken(*, is_last: bool) -> Iterator[None]:
    """Take all signals that would end the process, but those that are ignored, or not ours.

    They raise KeyboardInterrupt where they are not noted. Afterwards they are as before, or ignored
    if the process has nothing else to do: its exit code is known.
    """
    if not _is_main():
        yield
        return
    _now.heard, _now.last, _now.number = 0, -_AGAIN, int(signal.SIGINT)
    before = {number: signal.getsignal(number) for number in _COMMAND}
    before = {number: handler for number, handler in before.items() if handler in _DEFAULT}
    for number in before:
        signal.signal(number, _hear)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_IGN if is_last else handler)


def exit_code() -> int:
    """That of a process which a signal has ended, by the custom of shells."""
    return 128 + _now.number


def name() -> str:
    """The signal that came last."""
    return signal.Signals(_now.number).name
