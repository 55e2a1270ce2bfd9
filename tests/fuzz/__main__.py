"""Give mutated files to every reader: `python -m tests.fuzz --count 1000`."""

import argparse
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.conftest import kernel_cache

BATCH = 1000  # files for a process
SHOWN = 8  # faults of a reader


def main(arguments=None):
    """Print what was found; 0 if that is nothing."""
    from tests.fuzz.readers import READERS

    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="files for each reader")
    parser.add_argument("--first", type=int, default=0, help="seed of the first")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    parser.add_argument("--reader", choices=READERS, help="leave out the others")
    parser.add_argument("--seed", type=int, help="look at this one only; keep its file")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    names = [given.reader] if given.reader else list(READERS)
    if given.work:
        from tests.fuzz.run import work

        return work(given.reader, given.first, given.count)
    if given.seed is not None:
        return show(names, given.seed)
    jobs = [
        (name, first, min(BATCH, given.first + given.count - first))
        for name in names
        for first in range(given.first, given.first + given.count, BATCH)
    ]
    faults = dict.fromkeys(names, 0)
    codes = {name: {} for name in names}
    with ThreadPoolExecutor(given.jobs) as pool:
        for name, facts in pool.map(batch, jobs):
            for fact in facts:
                for code, count in fact.get("codes", {}).items():
                    codes[name][code] = codes[name].get(code, 0) + count
                if "fault" in fact:
                    faults[name] += 1
                    if faults[name] <= SHOWN:
                        said = " ".join(fact["said"].split())[:300]
                        say(f"{name} --seed {fact['seed']}: {fact['fault']}\n    {said}")
    say(f"{'':10}" + "".join(f"{k:>10}" for k in ("accepted", "uncertain", "refused", "faults")))
    for name in names:
        row = [*(codes[name].get(code, 0) for code in "012"), faults[name]]
        say(f"{name:10}" + "".join(f"{k:10}" for k in row))
    return int(any(faults.values()))


def batch(job):
    """Run it in a process of its own; one that dies is a fault, and the rest is done in another."""
    name, first, count = job
    argv = [sys.executable, "-m", "tests.fuzz", "--work", "--reader", name]
    argv += ["--first", str(first), "--count", str(count)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    facts = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode:
        why = done.stderr.strip().splitlines() or [f"signal {-done.returncode}"]
        facts.append({"seed": f"{first}+", "fault": f"the process ended: {why[-1]}", "said": ""})
    return name, facts


def show(names, seed):
    """Say all about one file; return the exit code."""
    from tests.fuzz.readers import READERS
    from tests.fuzz.run import examine, mutated

    bad = 0
    for name in names:
        path = f"{name}-{seed}{READERS[name].suffix}"
        with open(path, "wb") as stream:
            stream.write(mutated(name, seed))
        found = examine(name, seed)
        bad |= bool(found.fault)
        say(f"{path}: exit code {found.code}\n{found.said}{found.fault}")
    return int(bad)


def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    os.environ.update(
        NUMBA_CACHE_DIR=kernel_cache(), OPENBLAS_NUM_THREADS="1", NUMBA_NUM_THREADS="1",
        QUOT_QUIET="1",
    )  # fmt: skip
    sys.exit(main())
