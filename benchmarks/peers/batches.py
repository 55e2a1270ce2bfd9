"""Many small problems: in one call of ours, and by any solver in a loop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.cases import Instance
from benchmarks.peers.base import Adapter, Answer
from benchmarks.peers.worst import worst


def quot_batch(case: Instance, settings: dict[str, Any]):
    """`quot.solve_batch`."""
    import quot

    Cs, a, b, reg, mass = case.data()

    def call():
        batch = quot.solve_batch(Cs, a, b, reg=reg, mass=mass, on_failure="ignore", **settings)
        return batch, batch.values

    def read(found):
        answers = [Answer(r.plan, r.f, r.g, r.lam) for r in found[0]]
        return Answer(None, work=worst(_problems(case), answers))

    return call, read


def in_a_loop(adapter: Adapter) -> Adapter:
    """Return the adapter that solves a batch by one call after another."""

    def looped(case: Instance, settings: dict[str, Any]):
        prepared = [adapter(single, settings) for single in case.singles()]

        def call():
            return [solve() for solve, _ in prepared]

        def read(raws):
            answers = [read(raw) for (_, read), raw in zip(prepared, raws, strict=True)]
            return Answer(None, work=worst(_problems(case), answers))

        return call, read

    return looped


def _problems(case: Instance) -> Iterator[Any]:
    return (single.problem() for single in case.singles())
