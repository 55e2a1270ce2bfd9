"""One level of a problem between rows and columns, solved on candidate pairs.

Candidates are, for every row and column, the active pairs and the nearest others; a hub (see
`bipartite`) keeps them feasible and says when they were too few.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from quot import memory
from quot.convergence import Iterate, Monitor
from quot.costs import SparseCost
from quot.dual import Dual
from quot.pairs import Pricer
from quot.pairs.candidates import Candidates, beyond_all, choose_candidates
from quot.plan import Plan
from quot.problem import Problem
from quot.quadratic.bipartite import Bipartite, join
from quot.quadratic.coarse import Level, span
from quot.quadratic.count import count_active
from quot.quadratic.linear import all_pairs
from quot.quadratic.model import At
from quot.settings import settings
from quot.stopping import CrowdedError
from quot.support import Support

Floats = NDArray[np.float64]

# Going down stops on a coarse level where a row has fewer active pairs than this: below, the level
# says little about the next one.
_FEW_ACTIVE = 5.0
# A finer level begins this much below the scale that a coarser one has ended at.
_JUMP = 2.0
# Of the smallest mass, an imbalance that is no matter to it.
_NO_MATTER = 1e-3
# With fewer active pairs than this for a row or column, nearly a tree, potentials might run away.
_NEARLY_LINEAR = 1.2
# The potentials may rise so many times further than no pair left out could object to. They move
# together, mostly, so that few object, and pricing finds those.
_REACH = 10.0
# With every round in vain so many times more candidates are taken where the box presses, and the
# potentials may rise so many times further, unless the problem is nearly linear.
_MORE, _FURTHER = 2, 10.0
# What comes after the last step takes at most so many times longer than choosing candidates
# (measured); and after a step on a coarse level, from where plan and potentials are spread first.
_CLOSING, _CLOSING_COARSE = 3.0, 5.0


class PairStage:
    """One level.

    Parameters
    ----------
    problem : Problem
        At this level.
    finest : Problem
        The problem itself.
    levels : list of Level
        From that to this level.
    coarser : (PairStage, Level) or None
        The level before, and how this one hangs on it.
    pricer : Pricer
    monitor : Monitor

    Attributes
    ----------
    most : float
        Candidates beyond which CrowdedError is raised, as there is a better way; none by default.
    """

    last, most = 1.0, math.inf

    def __init__(  # noqa: PLR0917
        self,
        problem: Problem,
        finest: Problem,
        levels: list[Level[Problem]],
        coarser: tuple[PairStage, Level[Problem]] | None,
        pricer: Pricer,
        monitor: Monitor,
    ) -> None:
        self.problem, self.levels, self.finest = problem, levels, finest
        self.pricer, self.monitor, self.coarser = pricer, monitor, coarser
        self.depth, self.is_last = len(levels), not levels
        self.unit, self.total = problem.unit, problem.total
        self.least = _NO_MATTER * float(min(problem.a.min(), problem.b.min())) / self.unit
        # How far rows and columns were looked at last, pairs that carried mass when candidates were
        # last solved for, and pairs that the last pricing found to be missing.
        self.near, self.active, self.violators = beyond_all(problem), 0, 0

    def around(self, dual: Dual, scale: float, plan: Plan | None = None) -> At[Bipartite]:
        """At a dual point, with the candidates around it; and with the pairs and flow of a plan."""
        problem = self.problem.with_reg(scale * self.problem.reg)
        near = self._candidates(problem, dual, 1, self._further, 0)
        support = near.support
        if plan is not None:
            support |= Support(plan.shape, plan.rows, plan.cols)
        arcs = Bipartite(problem, support, near.box)
        state = arcs.state(dual)
        if plan is not None:
            state = replace(state, flow=arcs.flow(plan))
        return At(arcs, arcs.network, state, scale)

    def lift(self, at: At[Bipartite]) -> At[Bipartite]:
        """Where this level begins, from where the coarser one has ended."""
        assert self.coarser is not None
        coarser, level = self.coarser
        dual, scale = at.arcs.dual(at.state), max(at.scale / _JUMP, 1.0)
        if at.scale == 1.0:
            coarser.check_memory(dual)
        finer = self.problem.with_reg(scale * self.problem.reg)
        dual = level.extend(dual, at.arcs.problem.reg, finer, self.pricer)
        self.near, self.active = level.extend_slacks(*coarser.near), coarser.active
        return self.around(dual, scale)

    def rescaled(self, at: At[Bipartite], scale: float) -> At[Bipartite]:
        """The same potentials at another scale, with the candidates around them."""
        return self.around(at.arcs.dual(at.state), scale)

    def is_through(self, at: At[Bipartite]) -> bool:
        """Whether going down any further says little of the next level."""
        return not self.is_last and self.active < _FEW_ACTIVE * max(self.problem.shape)

    def is_complete(self, at: At[Bipartite]) -> bool:
        """Whether all pairs are candidates."""
        cost = self.problem.cost
        return isinstance(cost, SparseCost) or at.arcs.support.size == all_pairs(self.problem)

    def wider(self, at: At[Bipartite], round: int, allowed: float) -> At[Bipartite] | None:
        """With more candidates, if more than a part of the total goes by the hub.

        Each time more where the box presses. At 0 all pairs are priced, too, and those that are
        missing are taken in.
        """
        arcs, state = at.arcs, at.state
        self.active, self.violators = int(np.count_nonzero(arcs.values(state))), 0
        dual, round = arcs.dual(state), round + 1
        if arcs.through_hub(state) > allowed * self.total:
            rows, cols = arcs.pressing(state)
            hint = np.where(rows, np.inf, self.near[0]), np.where(cols, np.inf, self.near[1])
            near = self._candidates(arcs.problem, dual, _MORE**round, hint, round)
        elif allowed > 0.0 or not self._is_missing_some(at, dual):
            return None
        else:
            near = self._candidates(arcs.problem, dual, 1, self._further, round)
        arcs, state = join(arcs, near, state)
        return At(arcs, arcs.network, state, at.scale)

    def _is_missing_some(self, at: At[Bipartite], dual: Dual) -> bool:
        """Price all pairs; whether some that should carry mass are no candidates."""
        if self.is_complete(at):
            return False
        found = self.pricer.violators(self.problem.cost, dual.f + dual.lam, dual.g)
        self.violators = (at.arcs.support | found).size - at.arcs.support.size
        return self.violators > 0

    @property
    def _further(self) -> tuple[Floats, Floats]:
        """How far to look for candidates next."""
        return 2.0 * self.near[0], 2.0 * self.near[1]

    def _candidates(
        self,
        problem: Problem,
        dual: Dual,
        times: int,
        hint: tuple[Floats, Floats],
        round: int,
    ) -> Candidates:
        """So many times the usual candidates; in a box that grows with every round in vain.

        The certificate at the end looks at all pairs, too: time for that is kept back.
        """
        sizes = sum(self.finest.shape), sum(problem.shape)
        nearly_linear = self.active < _NEARLY_LINEAR * sizes[0]
        reach = _REACH * (1.0 if nearly_linear else _FURTHER**round)
        start, count = self.monitor.seconds, times * settings().nearest
        found = choose_candidates(self.pricer, problem, dual, count, hint, reach)
        longer = (_CLOSING if self.is_last else _CLOSING_COARSE) * sizes[0] / sizes[1]
        self.monitor.keep_back(longer * (self.monitor.seconds - start))
        if found.support.size > self.most:
            raise CrowdedError
        self.near = found.rows_at, found.cols_at
        return found

    def check_memory(self, dual: Dual) -> None:
        """Raise if the finest problem will not fit, as this level says, solved at its own scale.

        About the same part of all pairs will be active, or less; if that is too much they are
        counted.
        """
        problem, finest = self.problem, self.finest
        part = self.active / all_pairs(problem)
        if not memory.fits(part * all_pairs(finest)):
            level = span(finest, self.levels)
            found = count_active(level, dual, problem.reg, finest, self.pricer)
            memory.check(float(found.mean()) * finest.shape[0])

    def iterate(self, at: At[Bipartite], round: int, steps: int) -> Iterate:
        """What there is to report."""
        effort = self.pricer.take_effort()
        return Iterate(
            residual=at.state.residual / self.unit,
            support=int(np.count_nonzero(at.arcs.values(at.state))),
            candidates=at.arcs.support.size,
            violators=self.violators,
            reg=at.arcs.problem.reg,
            inner=steps,
            level=self.depth,
            round=round,
            pairs=effort.pairs,
            boxes=effort.boxes,
        )
