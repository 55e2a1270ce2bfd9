"""Passes over all pairs of points through trees of boxes, which leave most pairs out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from quot.costs import PointCost
from quot.kernels import boxes as kernels
from quot.pairs.boxes import BoxTree, trees
from quot.pairs.effort import Effort
from quot.pairs.sample import Listing, Sample
from quot.parallel import map_rows
from quot.settings import settings
from quot.support import Support

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

# Of many pairs a few are drawn after so many leaves, and in at most so many parts, each with lists
# of its own for the columns.
_DRAWN, _PARTS = 16, 8


def nearest(  # noqa: PLR0917
    cost: PointCost,
    f: Floats,
    g: Floats,
    count: int,
    hint: tuple[Floats, Floats],
    noise: float,
    check: Callable[[], None] = lambda: None,
    sample: Sample | None = None,
) -> tuple[Support, Floats, Floats, Effort]:
    """Do what `blocks.nearest` does."""
    n, m = cost.shape
    row_hint, col_hint = hint
    rows = _Search(cost.metric_code, *trees(cost), f, g, row_hint, min(count, m), noise)
    active, there = rows.run(check, collect=True, sample=sample)
    cols = _Search(cost.metric_code, *trees(cost)[::-1], g, f, col_hint, min(count, n), noise)
    _, back = cols.run(check, collect=False)
    (i, j), row_slack = rows.found()
    (q, p), col_slack = cols.found()
    support = Support.of(
        cost.shape,
        np.concatenate((i, p, *(pairs[0] for pairs in active))),
        np.concatenate((j, q, *(pairs[1] for pairs in active))),
    )
    return support, row_slack, col_slack, there + back


def violators(
    cost: PointCost,
    f: Floats,
    g: Floats,
    tau: float,
    check: Callable[[], None] = lambda: None,
) -> tuple[Support, Effort]:
    """Do what `blocks.violators` does."""
    nowhere = np.full(cost.shape[0], -tau)
    search = _Search(cost.metric_code, *trees(cost), f, g, nowhere, 1, -tau)
    active, effort = search.run(check, collect=True)
    rows, cols = (np.concatenate(part) for part in zip(*active, strict=True))
    return Support.of(cost.shape, rows, cols), effort


def worst(  # noqa: PLR0917
    cost: PointCost,
    f: Floats,
    g: Floats,
    tau: float,
    count: int,
    check: Callable[[], None] = lambda: None,
) -> tuple[Support, Effort]:
    """Return of the pairs with slack < -tau the `count` of least slack of each row and column."""
    parts, effort = [], Effort()
    rows, cols = trees(cost)
    for back, one, other, own, others in ((1, rows, cols, f, g), (-1, cols, rows, g, f)):
        nowhere = np.full(own.size, -tau)
        search = _Search(cost.metric_code, one, other, own, others, nowhere, count, -np.inf)
        _, looked = search.run(check, collect=False)
        pairs, slack = search.found()
        parts.append(pairs[::back])
        effort += looked
        if (slack == -tau).all():  # no list is full: these are all there are
            break
    i, j = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Support.of(cost.shape, i, j), effort


def row_roots(
    cost: PointCost, g: Floats, target: Floats, check: Callable[[], None] = lambda: None
) -> tuple[Floats, Effort]:
    """Do what `blocks.row_roots` does."""
    tree, other = trees(cost)
    g = g[other.order]
    side, wanted = other.side(g), target[tree.order]

    def part(start: int, stop: int) -> tuple[Floats, int, int]:
        check()
        found: tuple[Floats, int, int] = kernels.row_roots(
            start, stop, cost.metric_code, tree.points, side, g, wanted
        )
        return found

    parts = map_rows(part, *cost.shape, settings().thread_rows, check)
    roots = np.empty(cost.shape[0])
    roots[tree.order] = np.concatenate([found for found, _, _ in parts])
    return roots, Effort(sum(pairs for _, pairs, _ in parts), sum(boxes for *_, boxes in parts))


class _Search:
    """The nearest others of every point of one cloud, by slack.

    Everything is in the order of the trees until `found` puts it back.
    """

    def __init__(  # noqa: PLR0917
        self,
        metric: int,
        tree: BoxTree,
        other: BoxTree,
        f: Floats,
        g: Floats,
        hint: Floats,
        count: int,
        noise: float,
    ) -> None:
        self.metric, self.tree, self.other, self.noise = metric, tree, other, noise
        self.f, self.g = f[tree.order], g[other.order]
        self.side, self.other_side = tree.side(self.f), other.side(self.g)
        self.slack = np.repeat(hint[tree.order, None], count, axis=1)
        self.index = np.full(self.slack.shape, -1, np.int32)

    def run(
        self, check: Callable[[], None], *, collect: bool, sample: Sample | None = None
    ) -> tuple[list[tuple[Ints, Ints]], Effort]:
        """Fill the lists; return the pairs of slack <= noise, if wanted, and the effort.

        Only a few of them, if that is given.
        """
        leaves, chunk, step = self.tree.leaves, settings().thread_leaves, settings().thread_leaves
        if sample is not None:
            sample, step = sample.ordered(self.tree.order, self.other.order), _DRAWN
            chunk = max(chunk, -(-leaves // _PARTS))

        def part(start: int, stop: int) -> tuple[Listing, Effort]:
            active, effort = Listing() if sample is None else sample.begin(), Effort()
            for first in range(start, stop, step):
                check()
                rows, cols, pairs, boxes = self._part(first, min(first + step, stop), collect)
                if sample is not None:
                    by_row = np.argsort(rows, kind="stable")
                    rows, cols = rows[by_row], cols[by_row]
                active.show(rows, cols)
                effort += Effort(pairs, boxes)
            return active, effort

        columns = self.other.points.shape[1]
        (listing, effort), *more = map_rows(part, leaves, columns, chunk, check)
        for found, looked in more:
            listing.add(found)
            effort += looked
        order, other = self._orders()
        return [(order[rows], other[cols]) for rows, cols in listing.pairs()], effort

    def _part(self, first: int, last: int, collect: bool) -> tuple[Ints, Ints, int, int]:  # noqa: FBT001
        found: tuple[Ints, Ints, int, int] = kernels.nearest(
            first,
            last,
            self.metric,
            self.side,
            self.f,
            self.other_side,
            self.g,
            self.noise,
            self.slack,
            self.index,
            collect,
        )
        return found

    def found(self) -> tuple[tuple[Ints, Ints], Floats]:
        """Return the pairs in the lists, and of each point the slack up to which it was served."""
        place, column = np.nonzero(self.index >= 0)
        order, other = self._orders()
        rows, cols = order[place], other[self.index[place, column]]
        reach = np.empty(self.slack.shape[0])
        reach[self.tree.order] = self.slack[:, -1]
        return (rows, cols), reach

    def _orders(self) -> tuple[Ints, Ints]:
        """The points in the order of their trees."""
        return self.tree.order.astype(np.int32), self.other.order.astype(np.int32)
