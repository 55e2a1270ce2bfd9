"""What ends a command: errors, signals and warnings become one line each, and an exit code.

It is there before anything that takes time is imported, and imports nothing that does.
"""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Callable
from typing import Any

from quot import interrupts
from quot.exceptions import QuotError, QuotWarning

BAD_INPUT, BROKEN_PIPE = 2, 141


def guarded(action: Callable[[], int], *, is_last: bool = False) -> int:
    """Return the exit code of `action`; errors and warnings of quot become one line each.

    So do signals. If it is the last thing that the process does, those that come later are ignored.
    """
    try:
        with interrupts.taken(is_last=is_last), warnings.catch_warnings():
            warnings.simplefilter("always", QuotWarning)
            warnings.showwarning = _show_warning
            try:
                code = action()
            except SystemExit as stop:  # argparse: --help, --version, errors in the arguments
                code = stop.code if isinstance(stop.code, int) else BAD_INPUT
            if sys.stdout is not None:
                sys.stdout.flush()
        return code
    except (QuotError, MemoryError, OSError, KeyboardInterrupt) as error:
        return _exit_code(error)
    except SystemError as error:
        if not interrupts.is_masked(error):
            raise
        return _exit_code(KeyboardInterrupt())


def _exit_code(error: BaseException) -> int:
    """Say in one line what went wrong; return the exit code for it."""
    if isinstance(error, KeyboardInterrupt):
        exec("")  # else Python ends by SIGINT if it came in an `exec`, as that of a dataclass
        complain(
            "interrupted" if interrupts.name() == "SIGINT" else f"ended by {interrupts.name()}"
        )
        return interrupts.exit_code()
    if isinstance(error, BrokenPipeError):
        _drop_output()
        return BROKEN_PIPE
    text = str(error)
    if isinstance(error, MemoryError) and not isinstance(error, QuotError):
        text = f"not enough memory ({text}); points need much less than their cost matrix."
    if isinstance(error, OSError):
        _drop_output()
    complain(f"error: {text}")
    return BAD_INPUT


def complain(text: str) -> None:
    """Say it in one line on stderr."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            print(f"quot: {one_line(text)}", file=sys.stderr, flush=True)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    complain(f"warning: {message}")


def one_line(text: str) -> str:
    """Return the text on one line."""
    return " ".join(text.split())


def _drop_output() -> None:
    """Let what cannot be written go nowhere, so that the interpreter can close quietly."""
    try:
        sys.stdout.flush()
        return
    except (OSError, ValueError, AttributeError):
        pass
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
