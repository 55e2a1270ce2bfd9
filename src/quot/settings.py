"""Sizes and tolerances at which the engine goes another way, and what they rest on.

A number that belongs to one formula stands beside it. Here is what decides between ways: to try the
ways of large problems on small ones, tests say ``with using(complete=8): ...``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All of them.

    Parameters
    ----------
    at_the_end : float
        Imbalance allowed of a node at the end, relative to the largest mass and the tolerance: what
        is repaired then changes the value by much less than that.
    closed : float
        Relative duality gap that is nothing beside the tolerance.
    complete : int
        A problem of so many pairs is solved on all of them: choosing candidates takes longer than
        they save.
    shared : int
        An adaptive problem with squares of more pairs is solved on candidates.
    nearest : int
        Pairs beyond the active ones kept for each row and column.
    unclustered : int
        A side of so few rows or columns is never clustered.
    boxed : int
        From so many pairs between points passes go through trees of boxes.
    screened : int
        Entries of a block that is screened in single precision: products are fast where large.
    thread_leaves, thread_rows : int
        Leaves of a tree, and rows, that one thread takes at a time.
    listed_rows : int
        Rows that are listed as one, at least: each part has lists of its own for the columns, which
        short ones would only fill.
    anchored : int
        Pairs of a problem, at most, over which components of a plan are moved.
    far : float
        So many times below where quadratic terms are as large as lengths cycles do better than the
        way down: there a Newton step for all is kept short by the worst of many places.
    below : int
        On graphs of up to so many nodes the way begins at the vertex of the linear problem, and
        that at an empty flow.
    paired : int
        On graphs of more nodes a linear problem of few sources and sinks is one of their pairs.
    nearby : int
        On graphs of more nodes the linear problem begins from the flow of small quadratic terms.
    single_pivots : int
        On graphs of more nodes the last pivots of a linear problem are single ones.
    passes : int
        From so many passes it is told whether these push so few times that single pivots do better.
    region : int
        Nodes of the first regions that cycles are sought in: short cycles, near in memory.
    regions : int
        So many there are at least in the first round; else the whole network is as good.
    mended : int
        Networks of more nodes are large: Newton steps are dear, and few nodes keep them short.
    mended_bad : float
        The part of the nodes of a large network that may miss much more than all others, to be
        solved for alone.
    mended_part : float
        The part that those around them may be.
    rings : int
        How many arcs away from those nodes neighbours are taken in, at most.
    sweeps : int
        Sweeps over all nodes, at most, before the first Newton step.
    direct : int
        Laplacians of up to so many nodes are tried by elimination.
    multigrid : int
        Laplacians of more nodes are tried by multigrid: factors of small ones take no longer.
    cycles : int
        Cycles of multigrid, at most: then a factor is better.
    coarsest : int
        Nodes of a level of multigrid that is solved by a factor.
    tangent : float
        Residual (relative) of the tangent of the path: the prediction is no better than that.
    matrix : int
        Costs between so many pairs of points, or of so many of which some are allowed, are written
        out as a matrix; more are solved on candidates.
    upward : int
        Pairs of a matrix up to which the way is up from the linear problem, however many are active
        in the end; beyond them the simplex takes longer than coarse levels do.
    at_once : int
        Entries of a matrix up to which the linear problem is solved in one call: beyond, what is
        done between several is nothing beside them.
    together : int
        Entries of all matrices that are solved in one call, more or less: then somebody looks
        whether to stop.
    climbed : int
        Entries of a matrix up to which Newton is tried first wherever it begins: steps take less
        time there than to set cycles up.
    single : int
        Entries of a matrix beyond which the simplex looks through it in single precision first.
    priced_apart : int
        Pairs of a matrix beyond which the simplex starts from the prices of a part.
    convex : int
        Pairs of a balanced problem beyond which the simplex looks whether costs are convex along a
        line: then it is done, but to look takes as long as a small problem.
    part : int
        That part has one in so many rows and columns.
    stretch : int
        Pairs that the simplex looks at between two questions whether to stop.
    threaded : int
        Elementary steps, a thread for fewer of which costs more than it brings.
    look : float
        Seconds after which a thread that waits for others looks around.
    pulse : float
        Seconds without a report after which the callback is asked again.
    """

    at_the_end: float = 1e-3
    closed: float = 0.1
    complete: int = 8192
    shared: int = 100_000
    nearest: int = 7
    unclustered: int = 64
    boxed: int = 10_000_000
    screened: int = 1 << 22
    thread_leaves: int = 256
    thread_rows: int = 2048
    listed_rows: int = 512
    anchored: int = 10_000_000
    far: float = 40.0
    below: int = 5000
    paired: int = 1000
    nearby: int = 200_000
    single_pivots: int = 5000
    passes: int = 16
    region: int = 400
    regions: int = 30
    mended: int = 5000
    mended_bad: float = 0.003
    mended_part: float = 0.1
    rings: int = 3
    sweeps: int = 10
    direct: int = 5000
    multigrid: int = 20_000
    cycles: int = 60
    coarsest: int = 2000
    tangent: float = 1e-2
    matrix: int = 1 << 22
    upward: int = 2_000_000
    at_once: int = 1 << 15
    together: int = 1 << 16
    climbed: int = 1 << 15
    single: int = 2_000_000
    priced_apart: int = 100_000
    convex: int = 14_000
    part: int = 6
    stretch: int = 50_000_000
    threaded: int = 200_000
    look: float = 0.1
    pulse: float = 0.5


_current = Settings()


def settings() -> Settings:
    """Return the settings in force."""
    return _current


@contextmanager
def using(**changes: float) -> Iterator[None]:
    """Change some of them for a while, for all threads; an unknown name is an error."""
    global _current  # noqa: PLW0603
    before = _current
    _current = replace(before, **changes)  # type: ignore[arg-type]
    try:
        yield
    finally:
        _current = before
