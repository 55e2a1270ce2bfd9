"""Sparsity over eps, or over the mass, of both kinds of plan and both ways to solve."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quot.reproduce import drawing
from quot.reproduce.experiment import Case
from quot.reproduce.outcome import Table
from quot.reproduce.qpot.plans import KINDS, Solved, as_published, exactly

Floats = NDArray[np.float64]

EXACT, PUBLISHED = "exact", "published"


class Problem(NamedTuple):
    """Masses and costs."""

    C: Floats
    a: Floats
    b: Floats


class Point(NamedTuple):
    """A plan in a sweep."""

    kind: str
    way: str
    eps: float
    share: float
    solved: Solved


class Sweep:
    """Plans of one problem, by kind, way, eps and share of the mass.

    Parameters
    ----------
    case : Case
        Has `tolerances` of CLARABEL and SCS, and the `steps` of SCS.
    problem : Problem
    """

    def __init__(self, case: Case, problem: Problem) -> None:
        self.case, self.problem = case, problem
        self.points: list[Point] = []

    def solve(
        self, grid: Iterable[tuple[float, float]], ways: Sequence[str] = (EXACT, PUBLISHED)
    ) -> Sweep:
        """Solve both kinds at each (eps, share), in these ways; return the sweep."""
        for eps, share in grid:
            for kind in KINDS:
                for way in ways:
                    self.case.check()
                    with self.case.clock(f"{kind} {way}"):
                        solved = self._solved(kind, way, eps, share)
                    self.points.append(Point(kind, way, eps, share, solved))
        return self

    def _solved(self, kind: str, way: str, eps: float, share: float) -> Solved:
        C, a, b = self.problem
        mass = share * min(a.sum(), b.sum())
        if way == EXACT:
            return exactly(kind, C, a, b, eps=eps, mass=mass)
        tol = self.case["tolerances"][KINDS.index(kind)]
        return as_published(kind, C, a, b, eps=eps, mass=mass, tol=tol, steps=self.case["steps"])

    def of(self, kind: str, way: str, share: float | None = None) -> list[Point]:
        """Return the points of a kind and a way, at one share of the mass or at all."""
        return [
            p
            for p in self.points
            if (p.kind, p.way) == (kind, way) and (share is None or p.share == share)
        ]

    def sparsity(self, kind: str, way: str, share: float | None = None) -> Floats:
        """Return the sparsity of these points."""
        return np.array([p.solved.sparsity for p in self.of(kind, way, share)])

    def at(self, kind: str, way: str, eps: float, share: float) -> Solved:
        """Return one plan."""
        return next(p.solved for p in self.of(kind, way, share) if p.eps == eps)

    def table(self, name: str, title: str) -> Table:
        """Return all points as a table."""
        columns = ("kind", "way", "eps", "share", "sparsity", "violation", "relative gap")
        rows = [
            (p.kind, p.way, p.eps, p.share, s.sparsity, s.violation, s.gap)
            for p in self.points
            for s in [p.solved]
        ]
        return Table(name, title, columns, rows)

    def draw(self, ax: Any, share: float) -> None:
        """Draw sparsity over eps at a share of the mass; dashed as published."""
        for k, kind in enumerate(KINDS):
            for way in (EXACT, PUBLISHED):
                points = self.of(kind, way, share)
                if not points:
                    continue
                ax.plot(
                    [p.eps for p in points], [p.solved.sparsity for p in points],
                    color=drawing.COLORS[k], marker=drawing.MARKS[k], markersize=4,
                    linestyle="-" if way == EXACT else "--", label=f"{kind}, {way}",
                )  # fmt: skip
        ax.set(xscale="log", xlabel="ε", ylabel="sparsity", ylim=(-0.03, 1.03))


def powers(first: float, last: float, step: float) -> tuple[float, ...]:
    """Return powers of 10 with exponents from `first` down to `last`."""
    count = round((first - last) / step) + 1
    return tuple(float(10.0 ** round(first - k * step, 6)) for k in range(count))
