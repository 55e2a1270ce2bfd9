"""The same bits on any number of threads: work on rows in fixed chunks, and sums in one order."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import takewhile
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from quot import interrupts
from quot.settings import settings

T = TypeVar("T")

# Calls are handed to threads in blocks: so many for each thread, of so many calls at most.
_BLOCKS, _MOST = 8, 512

# Whether this thread has one of many calls to do.
_inside = threading.local()
_pool: ThreadPoolExecutor | None = None
_pool_pid = -1


def thread_count() -> int:
    """Return how many threads quot uses: QUOT_NUM_THREADS, else the processors it may run on."""
    asked = os.environ.get("QUOT_NUM_THREADS", "")
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def dot(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Return sum x y; `@` hands long vectors to BLAS, whose sum depends on its threads."""
    return float(np.einsum("i,i->", x, y))


def added(arrays: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the sum of arrays, in order."""
    each = iter(arrays)
    total = next(each)
    for array in each:
        total = total + array
    return total


def map_rows(
    function: Callable[[int, int], T],
    n_rows: int,
    n_columns: int,
    chunk: int,
    watch: Callable[[], None] = lambda: None,
) -> list[T]:
    """Call ``function(start, stop)`` on consecutive chunks of rows; results in order.

    The chunks depend on sizes alone, never on the number of threads. This thread calls `watch` now
    and then, which may raise, and so may an interrupt: then no other chunk is begun.
    """
    bounds = [(start, min(start + chunk, n_rows)) for start in range(0, n_rows, chunk)]
    is_little = len(bounds) < 2 or n_rows * n_columns < settings().threaded
    if is_little or thread_count() == 1 or getattr(_inside, "is_one", False):
        results = []
        for bound in bounds:
            interrupts.check()
            watch()
            results.append(function(*bound))
        return results
    futures = [_threads().submit(function, *bound) for bound in bounds]
    try:
        for future in futures:
            interrupts.check()
            while wait((future,), settings().look).not_done:
                interrupts.check()
                watch()
        return [future.result() for future in futures]
    finally:
        for future in futures:
            future.cancel()


def map_blocks(
    function: Callable[[range], Iterable[T]],
    count: int,
    take: Callable[[int, T], None],
    watch: Callable[[], None],
) -> None:
    """Call ``function(block)`` on blocks of 0 .. count - 1, on all threads, in no order.

    It gives a result for each k of a block, one after another. This thread gets
    ``take(k, result)``, in order, and calls `watch` now and then. Within one of the calls there are
    no more threads. An exception here or there, an interrupt too, ends it: no other result is asked
    for, those that are on the way are waited for.
    """
    size = min(max(1, count // (_BLOCKS * thread_count())), _MOST)
    blocks = [range(start, min(start + size, count)) for start in range(0, count, size)]
    is_over = threading.Event()

    def some(block: range) -> list[T]:
        _inside.is_one = True
        try:
            if is_over.is_set():
                return []
            return list(takewhile(lambda _: not is_over.is_set(), function(block)))
        finally:
            _inside.is_one = False

    futures = [_threads().submit(some, block) for block in blocks]
    try:
        for block, future in zip(blocks, futures, strict=True):
            watch()
            while wait((future,), settings().look).not_done:
                watch()
            for k, result in zip(block, future.result(), strict=True):
                take(k, result)
    finally:
        is_over.set()
        for future in futures:
            future.cancel()
        wait(futures)


def _threads() -> ThreadPoolExecutor:
    """The pool, made anew in a forked child or when another count is asked for."""
    global _pool, _pool_pid  # noqa: PLW0603
    if _pool is None or _pool_pid != os.getpid() or _pool._max_workers != thread_count():
        _pool = ThreadPoolExecutor(thread_count(), thread_name_prefix="quot")
        _pool_pid = os.getpid()
    return _pool
