"""What a solve will take, from a coarse version of the problem."""

from __future__ import annotations

from dataclasses import dataclass

from quot import memory
from quot.costs import SparseCost
from quot.problem import Problem
from quot.quadratic.suggest import degrees, entries_at
from quot.settings import settings

# Problems of no more pairs may have them all as candidates and still be small.
_SMALL = 5_000_000
# Rows and columns of the coarse version of others.
_ROWS = 1024


@dataclass(frozen=True)
class Estimate:
    """What a solve is expected to take.

    Parameters
    ----------
    entries : int
        Entries of the plan.
    candidates : int
        Pairs that the solver works on.
    memory : int
        Bytes at the peak, the interpreter and its libraries included.
    available : int or None
        Bytes the machine could give now; None where that cannot be told.
    """

    entries: int
    candidates: int
    memory: int
    available: int | None

    def __str__(self) -> str:
        room = "" if self.available is None else f" of {memory.gigabytes(self.available)}"
        return (
            f"about {self.entries:,} entries, {self.candidates:,} candidate pairs, "
            f"{memory.gigabytes(self.memory)}{room} of memory"
        )


def estimate(problem: Problem) -> Estimate:
    """See `quot.estimate`."""
    n, m = problem.shape
    if isinstance(problem.cost, SparseCost):
        entries = candidates = float(problem.cost.values.size)
    elif n * m <= _SMALL:
        entries = candidates = float(n * m)
    else:
        entries = float(n + m)
        if problem.reg > 0.0:
            found = degrees(problem, fewest=1.0, lowest=problem.reg, size=_ROWS)
            sending = n * problem.total / float(problem.a.sum())
            taking = m * problem.total / float(problem.b.sum())
            entries = max(sending * entries_at(found, problem.reg), sending + taking)
            entries = min(entries, float(n) * m)
        candidates = min(entries + settings().nearest * (n + m), float(n) * m)
    return Estimate(
        round(entries), round(candidates), memory.needed(candidates), memory.available()
    )
