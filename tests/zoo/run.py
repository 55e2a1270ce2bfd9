"""Judge many problems in several processes, one thread each."""

import collections
import multiprocessing
import signal
import time
from dataclasses import replace

from tests.zoo.judge import Verdict, attempt, examine
from tests.zoo.problems import problem

TIME_LIMIT = 20.0  # seconds, of a solve
HANG = 90  # seconds for all that is done with a problem
EVERY = 5.0  # seconds between lines
WARM = 60  # problems solved before, so that kernels are compiled when the clock starts


def run(seeds, jobs, kind, say):
    """(seed, kind, verdict, words) of each problem; `say` gets a line now and then."""
    for seed in range(WARM):
        attempt(problem(seed))
    found, begun = [], time.monotonic()
    shown = begun
    with multiprocessing.get_context("spawn").Pool(jobs, _begin) as pool:
        work = ((seed, kind) for seed in seeds)
        for done, item in enumerate(pool.imap_unordered(_one, work, chunksize=8), 1):
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
    raise TimeoutError(f"not done in {HANG} seconds")


def _one(job):
    """What is found about one problem, None if it is of another kind."""
    seed, kind = job
    it = problem(seed)
    if kind is not None and it.kind != kind:
        return None
    signal.alarm(HANG)
    try:
        verdict = examine(it, time_limit=TIME_LIMIT)
    except Exception as error:  # of the judge itself
        verdict = Verdict("exception", f"of the judge: {type(error).__name__}: {error}")
    signal.alarm(0)
    verdict = replace(verdict, why=" ".join(verdict.why.split()))
    return seed, it.kind, verdict, f"{it.words}, reg {it.reg:.3g}"
