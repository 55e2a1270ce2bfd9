"""While kernels are compiled: one line on stderr, and no garbage collection."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from contextlib import suppress

from numba.core.event import Event, Listener, register

# Seconds from where the first kernel is compiled to the line. Who needs one or two small kernels is
# done before that, and nothing is said.
_AFTER = 1.0
# It is said if so much of them went into compiling.
_MOSTLY = 0.5
_KERNELS = "quot.kernels."
_LINE = (
    "quot: compiling for a first problem of its kind; 5 to 30 s, once on this machine "
    "(QUOT_QUIET=1 keeps this quiet)\n"
)


class _Watch(Listener):  # type: ignore[misc]
    """Hears of every function that Numba compiles; of none that it finds in its cache.

    Numba compiles under a lock: events come one after another, from whichever thread.
    """

    def __init__(self) -> None:
        self._timer: threading.Timer | None = None
        self._said = False
        self._depth = 0
        self._began = 0.0
        self._spent = 0.0

    def on_start(self, event: Event) -> None:
        """A kernel, or one that a kernel calls, is being compiled."""
        if self._said or kernel_of(event) is None:
            return
        self._depth += 1
        if self._depth > 1:
            return
        self._began = time.monotonic()
        if self._timer is None or not self._timer.is_alive():
            self._spent = 0.0
            self._timer = threading.Timer(_AFTER, self._look)
            self._timer.daemon = True
            self._timer.start()

    def on_end(self, event: Event) -> None:
        """It is compiled, or that has failed."""
        if self._depth == 0 or kernel_of(event) is None:
            return
        self._depth -= 1
        if self._depth == 0:
            self._spent += time.monotonic() - self._began

    def _look(self) -> None:
        """Say it, and never again, if most of the time went into compiling."""
        now = time.monotonic() - self._began if self._depth > 0 else 0.0
        if self._spent + now < _MOSTLY * _AFTER:
            return
        self._said = True
        if sys.stderr is not None:
            with suppress(OSError, ValueError):  # it may be closed
                sys.stderr.write(_LINE)
                sys.stderr.flush()


class _Pause(Listener):  # type: ignore[misc]
    """Leaves garbage where it is while a kernel is compiled: an eighth of the time went into it.

    The compiler makes many objects, and most of them stay until it is done.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._was_on = False

    def on_start(self, event: Event) -> None:
        """A kernel, or one that a kernel calls, is being compiled."""
        if kernel_of(event) is None:
            return
        if self._depth == 0:
            self._was_on = gc.isenabled()
            gc.disable()
        self._depth += 1

    def on_end(self, event: Event) -> None:
        """It is compiled, or that has failed."""
        if self._depth == 0 or kernel_of(event) is None:
            return
        self._depth -= 1
        if self._depth == 0 and self._was_on:
            gc.enable()


def kernel_of(event: Event) -> str | None:
    """The name of what is compiled, "module.kernel", if it is one of ours.

    Others compile functions of any kind, some of no module.
    """
    function = getattr(event.data["dispatcher"], "py_func", None)
    module = str(getattr(function, "__module__", None))
    if not module.startswith(_KERNELS):
        return None
    return f"{module.removeprefix(_KERNELS)}.{getattr(function, '__name__', '')}"


def is_quiet() -> bool:
    """Whether the user wants no lines on stderr but warnings and errors (`QUOT_QUIET=1`)."""
    return os.environ.get("QUOT_QUIET", "") not in {"", "0"}


def watch() -> None:
    """Have kernels compiled without pauses; where that takes long, say so on stderr, once."""
    register("numba:compile", _Pause())
    if not is_quiet():
        register("numba:compile", _Watch())
