"""Solve many random problems and judge each: `python -m tests.zoo --count 1000`."""

import argparse
import collections
import os
import sys

from tests.conftest import kernel_cache

SHOWN = 8  # failures of each class, in words
LISTED = 200  # and by their seeds
SLOWEST = 5


def main(arguments=None):
    """Print a table of verdicts and kinds, and what failed; 0 if that is little enough."""
    from tests.zoo.run import ZOOS, run

    parser = argparse.ArgumentParser(prog="python -m tests.zoo", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="number of problems")
    parser.add_argument("--first", type=int, default=0, help="seed of the first")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    parser.add_argument("--kind", choices=ZOOS["small"].kinds, help="leave out the others")
    parser.add_argument("--large", action="store_true", help="of up to tens of thousands of points")
    parser.add_argument("--seed", type=int, help="look at this one only, in detail")
    given = parser.parse_args(arguments)
    name = "large" if given.large else "small"
    zoo = ZOOS[name]
    if given.seed is not None:
        return show(zoo, given.seed)
    found = run(name, range(given.first, given.first + given.count), given.jobs, given.kind, say)
    return summary(found, zoo)


def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def summary(found, zoo):
    """Say what was found; return the exit code."""
    from tests.zoo.judge import BAD, GOOD, VERDICTS

    counts = collections.Counter((verdict.name, kind) for _, kind, verdict, _ in found)
    totals = collections.Counter(verdict.name for _, _, verdict, _ in found)
    for name in VERDICTS:
        if name in GOOD or not totals[name]:
            continue
        say(f"\n{name}:")
        some = [item for item in found if item[2].name == name]
        for seed, kind, verdict, words in some[:SHOWN]:
            say(f"  {seed} {kind}: {words}\n      {verdict.why}")
        if len(some) > SHOWN:
            rest = [str(item[0]) for item in some[SHOWN:][:LISTED]]
            say(f"  and {', '.join(rest)}{' ...' if len(some) > SHOWN + LISTED else ''}")
    say("\n" + f"{'':12}" + "".join(f"{kind:>9}" for kind in zoo.kinds) + f"{'all':>9}")
    for name in VERDICTS:
        row = [counts[name, kind] for kind in zoo.kinds]
        say(f"{name:12}" + "".join(f"{k:9}" for k in [*row, totals[name]]))
    if found:
        say("\nslowest:")
        slowest = sorted(found, key=lambda item: -item[2].seconds)[:SLOWEST]
        for seed, kind, verdict, words in slowest:
            say(f"  {verdict.seconds:.2f} s, seed {seed}, {kind}: {words}")
    too_many = totals["unconverged"] > zoo.allowed * len(found)
    return int(too_many or any(totals[name] for name in BAD))


def show(zoo, seed):
    """Say all about one problem; return the exit code."""
    from tests.zoo.judge import GOOD, Verdict, attempt

    it = zoo.problem(seed)
    say(f"{it.kind}: {it.words}\nreg {it.reg!r}, mass {it.mass!r}")
    r = attempt(it, time_limit=zoo.time_limit)
    if not isinstance(r, Verdict):
        c = r.certificate
        say(f"{r!r}\n{c}\nscale {c.scale:.3g}, round-off {c.round_off:.3g}")
    verdict = zoo.examine(it, time_limit=zoo.time_limit)
    say(f"{verdict.name}: {verdict.why}")
    return int(verdict.name not in GOOD)


if __name__ == "__main__":
    os.environ.update(NUMBA_CACHE_DIR=kernel_cache(), OPENBLAS_NUM_THREADS="1")
    sys.exit(main())
