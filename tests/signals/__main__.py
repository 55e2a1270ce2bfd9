"""Send signals to all that takes long, at random moments: `python -m tests.signals --count 40`."""

import argparse
import collections
import os
import statistics
import sys
import tempfile
from pathlib import Path

from tests.conftest import kernel_cache


def main(arguments=None):
    """Print what came of it, and what is wrong; 0 if nothing is."""
    from tests.signals import calls, commands

    parser = argparse.ArgumentParser(prog="python -m tests.signals", description=__doc__)
    parser.add_argument("--count", type=int, default=40, help="moments, of each signal")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--only", nargs="*", help="names of commands and calls")
    parser.add_argument("--signals", nargs="*", default=["INT", "TERM"], choices=commands.SIGNALS)
    parser.add_argument("--longest", type=float, default=30.0, help="seconds to the last moment")
    given = parser.parse_args(arguments)
    faults = 0
    for name in commands.COMMANDS:
        if given.only is None or name in given.only:
            with tempfile.TemporaryDirectory() as folder:
                words = commands.prepare(name, Path(folder))
                found = commands.attempts(
                    words, Path(folder), given.signals,
                    count=given.count, seed=given.seed, longest=given.longest,
                )  # fmt: skip
                faults += told(name, found)
    for name, call in calls.calls().items():
        if given.only is None or f"call:{name}" in given.only or "calls" in given.only:
            found = calls.attempts(name, call, count=given.count, seed=given.seed)
            faults += told(f"call:{name}", found)
    left = list(Path(os.environ["NUMBA_CACHE_DIR"]).rglob("*.tmp.*"))
    say(f"{faults} faults" + (f"; left over: {left}" if left else ""))
    return int(faults > 0 or bool(left))


def told(name, attempts):
    """Say what came of them; return how many are not as promised."""
    counts, after, faults = collections.Counter(), [], 0
    for kind, outcome in attempts:
        counts[kind, outcome.what] += 1
        after.append(outcome.after)
        if outcome.fault:
            faults += 1
            say(f"{name} {kind} after {outcome.at:.3f} s: {outcome.what}: {outcome.fault}")
    parts = ", ".join(f"{kind} {what} {k}" for (kind, what), k in sorted(counts.items()))
    say(f"{name:16} {parts}; over after {statistics.median(after):.2f} s, {max(after):.2f} at most")
    return faults


def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    os.environ.update(NUMBA_CACHE_DIR=kernel_cache(), QUOT_QUIET="1")
    sys.exit(main())
