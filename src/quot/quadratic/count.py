"""How many pairs carry mass, counted on some rows of a problem at the prices of a coarse level.

In many dimensions the means of clusters are nearer to each other than points, so that a coarse
plan has a larger part of all pairs than a finer one: its own entries say too much. Its prices, read
on single columns, say what single rows would take from them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quot.costs import spread
from quot.dual import Dual
from quot.pairs import Pricer
from quot.problem import Problem
from quot.quadratic.coarse import Level

# Rows that are looked at.
_ROWS = 64


def count_active(
    level: Level, dual: Dual, reg: float, finer: Problem, pricer: Pricer
) -> NDArray[np.int64]:
    """Return how many pairs of some rows of `finer` carry mass, from a level solved at `reg`.

    Parameters
    ----------
    level : Level
        Between `finer` and the coarse problem; see `quot.quadratic.coarse.span`.
    dual : Dual
        The solution of the coarse problem at `reg`.
    finer : Problem
        With its own reg, at which rows take what they send.
    """
    cost, total = finer.cost, float(finer.a.sum())
    rows = spread(finer.shape[0], _ROWS)
    few, a = cost.take(rows, np.arange(finer.shape[1])), finer.a[rows]
    g = level.column_prices(dual, reg, pricer)
    pays = pricer.row_roots(few, g, finer.reg * a)
    # Those who pay least for all their mass send it: lam is too low where means are too near.
    order = np.argsort(pays)
    sent = np.cumsum(a[order]) * (1.0 - 1e-9)
    last = min(int(np.searchsorted(sent, sent[-1] * min(finer.total / total, 1.0))), rows.size - 1)
    pays = np.minimum(pays, pays[order[last]])
    counts = [np.count_nonzero(few.block(i, i + 1)[0] < pays[i] + g) for i in range(rows.size)]
    return np.array(counts, np.int64)
