"""Judge many problems in several processes, one thread each."""

import collections
import multiprocessing
import signal
import time
from dataclasses import replace
from typing import NamedTuple

from tests.zoo import bounds, judge, large, problems
from tests.zoo.judge import Verdict, attempt

EVERY = 5.0  # seconds between lines
WARM = 60  # problems solved before, so that kernels are compiled when the clock starts


class Zoo(NamedTuple):
    """Problems by their seed, of some kinds, and what examines the answer to one.

    Seconds of a solve, and for all that is done with a problem; problems handed out at a time; the
    part that may not converge.
    """

    problem: object
    kinds: tuple
    examine: object
    time_limit: float
    hang: int
    chunk: int
    allowed: float


ZOOS = {
    "small": Zoo(problems.problem, problems.KINDS, judge.examine, 20.0, 90, 8, 1e-4),
    "large": Zoo(large.problem, large.KINDS, bounds.examine, 60.0, 400, 1, 0.01),
}


def run(name, seeds, jobs, kind, say):
    """(seed, kind, verdict, words) of each problem; `say` gets a line now and then."""
    for seed in range(WARM):
        attempt(problems.problem(seed))
    found, begun = [], time.monotonic()
    shown = begun
    with multiprocessing.get_context("spawn").Pool(jobs, _begin) as pool:
        work = ((name, seed, kind) for seed in seeds)
        chunk = ZOOS[name].chunk
        for done, item in enumerate(pool.imap_unordered(_one, work, chunksize=chunk), 1):
            if item is not None:
                found.append(item)
            if time.monotonic() - shown > EVERY:
                shown = time.monotonic()
                counts = collections.Counter(verdict.name for _, _, verdict, _ in found)
                told = ", ".join(f"{k} {name}" for name, k in counts.most_common())
                say(f"{shown - begun:6.0f} s  {done} of {len(seeds)}: {told}")
    return sorted(found, key=lambda item: item[0])


def _begin():
    import numba

    numba.set_num_threads(1)
    signal.signal(signal.SIGALRM, _late)


def _late(*_):
    raise TimeoutError("not done in time")


def _one(job):
    """What is found about one problem, None if it is of another kind."""
    name, seed, kind = job
    zoo = ZOOS[name]
    it = zoo.problem(seed)
    if kind is not None and it.kind != kind:
        return None
    signal.alarm(zoo.hang)
    try:
        verdict = zoo.examine(it, time_limit=zoo.time_limit)
    except Exception as error:  # of the judge itself
        verdict = Verdict("exception", f"of the judge: {type(error).__name__}: {error}")
    signal.alarm(0)
    verdict = replace(verdict, why=" ".join(verdict.why.split()))
    return seed, it.kind, verdict, f"{it.words}, reg {it.reg:.3g}"
