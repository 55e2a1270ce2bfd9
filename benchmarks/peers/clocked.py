"""A call of ours with a clock at the doors of its parts."""

from __future__ import annotations

import functools
import time
from typing import Any

from benchmarks.cases import Instance
from benchmarks.peers.base import Answer
from benchmarks.peers.replaced import Change, replaced

_SMALL = "quot.quadratic.small"
# What each part is made of; the time of a part that another one calls is its own. The rest is what
# is left of the call.
PARTS: dict[str, tuple[str, ...]] = {
    "validation": ("quot.problem:Problem.__post_init__",),
    "linear": (f"{_SMALL}:Together.__init__",),
    "way up": (f"{_SMALL}:Together.climb",),
    "repair": (f"{_SMALL}:Together.certify",),
    "certificate": (f"{_SMALL}:certify_each",),
    "result": ("quot.quadratic.plans:Done.reported", "quot.api.plans:deliver"),
    "rest": (),
}


class Clock:
    """Seconds of each part; one part at a time has them."""

    def __init__(self) -> None:
        self.spent = dict.fromkeys(PARTS, 0.0)
        self.part, self.since = "rest", 0.0

    def start(self) -> None:
        """From now on."""
        self.since = time.perf_counter()

    def turn(self, part: str) -> str:
        """From now on the time is of this part; return whose it was."""
        now, before = time.perf_counter(), self.part
        self.spent[before] += now - self.since
        self.part, self.since = part, now
        return before

    def at(self, part: str) -> Change:
        """Return what makes a function one whose time is of this part."""

        def change(function: Any) -> Any:
            @functools.wraps(function)
            def timed(*given: Any, **named: Any) -> Any:
                before = self.turn(part)
                try:
                    return function(*given, **named)
                finally:
                    self.turn(before)

            return timed

        return change


def clocked(case: Instance, settings: dict[str, Any]):
    """`quot.solve`; the work is the seconds of each part in the shortest of all calls."""
    import quot

    C, a, b, reg, mass = case.data()
    best: dict[str, float] = {}

    def call():
        nonlocal best
        clock = Clock()
        changes = {place: clock.at(part) for part, places in PARTS.items() for place in places}
        with replaced(changes):
            clock.start()
            r = quot.solve(C, a, b, reg=reg, mass=mass, on_failure="ignore", **settings)
            clock.turn("rest")
        if not best or sum(clock.spent.values()) < sum(best.values()):
            best = clock.spent
        return r

    def read(r):
        return Answer(r.plan.to_csr(), r.f, r.g, r.lam, work=best)

    return call, read
