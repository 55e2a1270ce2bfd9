"""How a solve is stopped: what its loops and passes raise, and what a way ends with."""

from __future__ import annotations

from collections.abc import Callable

from quot import interrupts
from quot.convergence import Iterate, Monitor, Status


class StopError(Exception):
    """A limit or the callback ends a way."""

    def __init__(self, status: Status) -> None:
        super().__init__(status)
        self.status = status


class StuckError(Exception):
    """Newton does not get through, and need not."""


class CrowdedError(Exception):
    """So many pairs would be listed that another way is better."""


def run(monitor: Monitor, way: Callable[[], object]) -> Status:
    """Go a way until it ends; return what has stopped it, OPTIMAL if nothing has."""
    try:
        way()
    except StopError as stop:
        return stop.status
    except StuckError:
        return Status.OPTIMAL
    except KeyboardInterrupt:  # of a handler that is not ours
        interrupts.check()
        monitor.stop()
        return Status.STOPPED
    return Status.OPTIMAL


def obey(monitor: Monitor) -> None:
    """Raise StopError if the solve must end; for passes to ask between their parts."""
    if monitor.must_stop():
        status = monitor.limit()
        assert status is not None
        raise StopError(status)


def report(monitor: Monitor, iterate: Iterate) -> None:
    """Report an iteration; raise StopError if that ends the solve."""
    status = monitor.report(iterate)
    if status is not None:
        raise StopError(status)
