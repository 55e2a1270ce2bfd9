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

Floats = NDArray[np.float64]

# Rows that are looked at; and steps in which their price is found.
_ROWS, _HALVINGS = 64, 60


def count_active(
    level: Level[Problem], dual: Dual, reg: float, finer: Problem, pricer: Pricer
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
    cost, (n, m) = finer.cost, finer.shape
    rows = spread(n, _ROWS)
    few, a = cost.take(rows, np.arange(m)), finer.a[rows]
    g = level.column_prices(dual, reg, pricer)
    pays = pricer.row_roots(few, g, finer.reg * a)
    beyond = [pays[i] + g - few.block(i, i + 1)[0] for i in range(rows.size)]
    excess = [each[each > 0.0] for each in beyond]
    share = finer.total / float(finer.a.sum())
    row = np.repeat(np.arange(rows.size), [each.size for each in excess])
    active = _cap(pays[row], np.concatenate(excess), min(share, 1.0))
    return np.bincount(row[active], minlength=rows.size)


def _cap(pays: Floats, excess: Floats, share: float) -> NDArray[np.bool_]:
    """Which pairs carry mass when no row pays more than what sends this share of all there is.

    The lam of a coarse level is too low for that where its means are too near.

    Parameters
    ----------
    pays, excess : arrays of shape (k,)
        Of pairs that carry mass while rows pay for all they have: what the row pays, and that and
        g less the cost.
    """
    if share == 1.0 or not excess.size:
        return excess > 0.0
    wanted = share * float(excess.sum())
    low, high = float((pays - excess).min()), float(pays.max())
    for _ in range(_HALVINGS):
        lam = 0.5 * (low + high)
        sent = float(np.maximum(excess - np.maximum(pays - lam, 0.0), 0.0).sum())
        low, high = (lam, high) if sent < wanted else (low, lam)
    return excess > np.maximum(pays - high, 0.0)
