"""The reg at which a row of the plan has about so many entries, from a coarse solve.

The part of all pairs that carries mass depends on the density of the plan alone: a coarse version
of k x q clusters is like the problem itself at ``reg k q / (n m)``. Its prices say how many pairs
of some rows carry mass. That number grows like a power of reg, which two solves tell.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quot.convergence import Monitor, Tolerance
from quot.dual import Dual
from quot.pairs import Pricer
from quot.problem import Problem
from quot.quadratic.coarse import Level, coarsen, span
from quot.quadratic.count import count_active
from quot.quadratic.pair_model import PairModel
from quot.quadratic.smooth import smooth_reg
from quot.quadratic.solve import solve_quadratic

Floats = NDArray[np.float64]

# The coarse version has at most so many rows and columns.
_ROWS = 4096
# The path of reg goes down by this factor; a coarse plan of fewer entries a row than this says
# nothing about finer ones.
_STEP, _FEW = 3.0, 4.0
_STEPS = 24
_TOLERANCE = 1e-3


class Degree(NamedTuple):
    """Entries of the plan for each row that sends, at a reg of the problem itself."""

    reg: float
    neighbours: float


def degrees(
    problem: Problem, fewest: float, lowest: float = 0.0, size: int = _ROWS
) -> list[Degree]:
    """Entries a row at falling reg, from a coarse version, as far as that says something.

    Parameters
    ----------
    problem : Problem
        Its own reg does not count.
    fewest, lowest : float
        Entries a row, and reg, at which to stop.
    size : int
        Rows and columns of the coarse version, at most.
    """
    levels: list[Level[Problem]] = []
    coarse = problem
    for level in coarsen(problem):
        if max(coarse.shape) <= size:
            break
        levels.append(level)
        coarse = level.problem
    finer = problem.shape[1] / coarse.shape[1]
    ratio = finer * problem.shape[0] / coarse.shape[0]
    found: list[Degree] = []
    duals: list[Dual] = []
    reg, start = smooth_reg(coarse.with_reg(lowest / ratio)), None
    for _ in range(_STEPS):
        stage = coarse.with_reg(reg)
        model = PairModel(stage, Monitor(), Tolerance.of(_TOLERANCE), start=start)
        result = solve_quadratic(model)
        each = result.plan.nnz / max(np.unique(result.plan.rows).size, 1)
        if finer > 1.0 and each < _FEW and len(found) > 1:
            break
        start = Dual(result.f, result.g, result.lam)
        found.append(Degree(reg * ratio, each * finer))
        duals.append(start)
        if each * finer <= fewest or reg * ratio <= lowest:
            break
        reg /= _STEP
    return _counted(problem, levels, found, duals, fewest) if levels else found


def _counted(
    problem: Problem,
    levels: list[Level[Problem]],
    found: list[Degree],
    duals: list[Dual],
    fewest: float,
) -> list[Degree]:
    """Count at the last two reg, and at those before while there are fewer entries than wanted."""
    level, pricer = span(problem, levels), Pricer()
    share = np.prod(level.problem.shape, dtype=float) / np.prod(problem.shape, dtype=float)
    counted: list[Degree] = []
    for (reg, _), dual in zip(found[::-1], duals[::-1], strict=True):
        stage = problem.with_reg(reg)
        active = count_active(level, dual, reg * share, stage, pricer)
        counted.append(Degree(reg, max(float(active[active > 0].mean()), 1.0)))
        if len(counted) > 1 and counted[-1].neighbours > fewest:
            break
    return counted[::-1]


def reg_at(found: list[Degree], neighbours: float) -> float:
    """The reg of that many entries a row, between two that are known, or beyond the last two."""
    regs, entries = np.array(found).T
    return _read(entries, regs, neighbours)


def entries_at(found: list[Degree], reg: float) -> float:
    """The entries a row at that reg, between two that are known, or beyond the last two."""
    regs, entries = np.array(found).T
    return _read(regs, entries, reg)


def _read(x: Floats, y: Floats, at: float) -> float:
    """Read y at a point x, from falling x; both are powers of each other, piece by piece."""
    x, y, wanted = np.log(x), np.log(y), np.log(at)
    k = min(int(np.searchsorted(-x, -wanted)), x.size - 1)
    if k == 0 or x[k - 1] <= x[k]:
        return float(np.exp(y[k]))
    slope = (y[k - 1] - y[k]) / (x[k - 1] - x[k])
    return float(np.exp(y[k] + slope * (wanted - x[k])))
