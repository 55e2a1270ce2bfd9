"""Rows of next to no mass: they go where it is cheapest, and change nothing else.

What they send is lost in the rounding of all other masses, and squares of it among all numbers. So
the others are solved for without them, and they find their own shares at the prices of these.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quot.adaptive.neighbours import Kept
from quot.adaptive.rows import balanced
from quot.adaptive.shares import shares
from quot.pairs.screen import ENTRIES
from quot.problem import AdaptiveProblem

Floats = NDArray[np.float64]
Index = NDArray[np.integer]

# Rows and columns below the first part of the largest mass are light. They go to those above the
# second one, which are not changed by that.
_LIGHT, _CARRIER = 1e-30, 1e-14
# A strength of no less than this part of the range of costs says what to do where pairs tie; and no
# multiplier is larger than that.
_LEAST, _MOST = 1e-9, 1e300


def heavy(mass: Floats) -> Index:
    """Return which rows, or columns, have mass and are not light."""
    return np.flatnonzero(mass > _LIGHT * mass.max(initial=0.0))


@dataclass(frozen=True, eq=False)
class Sent:
    """What light rows send.

    Parameters
    ----------
    row, col : int array of shape (K,)
    values : array of shape (K,)
    price, multiplier : array of shape (L,)
        Of each light row.
    """

    row: Index
    col: Index
    values: Floats
    price: Floats
    multiplier: Floats


def send(
    problem: AdaptiveProblem, light: Index, cols: Index, prices: Floats, multipliers: Floats
) -> Sent:
    """Return what light rows send to the columns that are not, at their prices and multipliers.

    With the perplexities asked of them they go to the cheapest ones. Without, in an entropic
    problem, as in the plan of which these prices are; else each to one.
    """
    size = max(1, ENTRIES // max(cols.size, 1))
    columns = cols, prices, multipliers
    parts = [
        _part(problem, light[start : start + size], *columns)
        for start in range(0, light.size, size)
    ]
    return Sent(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def _part(
    problem: AdaptiveProblem, light: Index, cols: Index, prices: Floats, multipliers: Floats
) -> tuple[Index, Index, Floats, Floats, Floats]:
    """Some of them."""
    mass, asked, b = problem.a[light], problem.row_perplexity, problem.b[cols]
    is_entropic = problem.regularizer == "entropic"
    cost = problem.cost.take(light, cols).block(0, light.size) - prices
    carriers = np.flatnonzero(b > _CARRIER * b.max())
    near, price, strength = cost[:, carriers], cost.min(axis=1), np.zeros(light.size)
    least = _LEAST * float(np.ptp(cost))
    if asked is not None:
        shared, _, _ = _shared(near, asked[light], problem.regularizer)
        _, price, strength = _shared(cost, asked[light], problem.regularizer)
        strength = np.maximum(strength, least)
    elif not is_entropic:
        shared = (np.arange(carriers.size) == near.argmin(axis=1)[:, None]).astype(np.float64)
    if is_entropic:
        pairs, E = Kept.block(cost), (np.maximum(multipliers, least), strength)
        price = balanced(pairs, mass, np.zeros(cols.size), E, price, "entropic")
        if asked is None:
            y = (price[:, None] - near) / E[0][carriers]
            shared = np.exp(y - y.max(axis=1, keepdims=True))
            shared /= shared.sum(axis=1, keepdims=True)
    elif asked is not None:
        with np.errstate(over="ignore"):
            strength = np.minimum(strength / mass, _MOST)
    values = shared * mass[:, None]
    row, col = np.nonzero(values)
    return light[row], cols[carriers[col]], values[row, col], price, strength


def _shared(cost: Floats, perplexity: Floats, regularizer: str) -> tuple[Floats, Floats, Floats]:
    """Rows of sum 1 that have a perplexity; price and strength of each."""
    found = shares(Kept.block(cost), perplexity, regularizer)
    return found.entries.reshape(cost.shape), found.price, found.strength
