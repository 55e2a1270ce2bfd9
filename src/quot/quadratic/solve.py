"""The method, for plans and for flows along edges.

Large quadratic terms make everything smooth, and coarse levels make it small: from there the way
leads down to the problem itself. At each level and scale the flow is solved on the arcs there are,
arcs that are missing are added, and again. A graph is the model of one level where none is ever
missing. Near the linear problem the way is up instead, from its vertex and its prices.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from quot.convergence import Monitor
from quot.exceptions import ProblemTooLargeError
from quot.network.continuation import FIRST, lower, predicted
from quot.network.optimise import Goal, newton, optimise
from quot.quadratic.feasibility import check_closely
from quot.quadratic.finish import finish, is_good
from quot.quadratic.model import At, Model, R, Stage
from quot.result import best_of
from quot.settings import settings
from quot.stopping import StuckError, report

# Imbalance allowed on the way, and near the end, relative to the largest mass.
_ON_THE_WAY, _NEAR_THE_END = 3e-2, 1e-6
# A few may miss more, if all together miss no more than so many times that, relative to the total.
_ENOUGH = 1 / 30
# What may go by no arc on the way, and near the end, relative to the total.
_SOME, _NEXT_TO_NOTHING = 1e-2, 1e-9


def solve_quadratic(model: Model[R]) -> R:
    """Solve the problem of a model, certified.

    Raises
    ------
    InfeasibleError
        If a cycle that pays has no limit, or pairs or edges cannot carry the mass.
    """
    best: R | None = None
    priced: Model[R] | None = model
    while priced is not None:
        result = _in_these_prices(priced)
        best = result if best is None else best_of(result, best)
        priced = None if model.monitor.limit() else priced.next(result)
    assert best is not None
    monitor = model.monitor
    stopped = None if best.converged else monitor.limit()
    if best.certificate.upper == math.inf and stopped is None:
        check_closely(model.problem)
    if best is result and stopped is None:
        return best
    return replace(
        best,
        status=stopped or best.status,
        history=tuple(monitor.history),
        seconds=monitor.seconds,
    )


def _in_these_prices(model: Model[R]) -> R:
    """The best result of the ways of a model, tried until one is good.

    Where none is and a later one did not fit the machine, that is what is wrong.
    """
    best: R | None = None
    refusal: ProblemTooLargeError | None = None
    for way in model.ways():
        try:
            answer = way(best)
        except ProblemTooLargeError as error:
            if best is None:
                raise
            refusal = error
            continue
        if answer is None:
            continue
        result = finish(model, answer)
        best = result if best is None else best_of(result, best)
        if is_good(answer, result):
            return best
    if refusal is not None:
        raise refusal
    assert best is not None
    return best


class Loop:
    """From where all is smooth down to the problem, or from near its answer to the answer.

    Parameters
    ----------
    monitor : Monitor
    tol : float
        Relative gap and residuals wanted of the answer; the last imbalance is smaller.
    at : At
        What there is before anything is solved.
    may_fail : bool, default=False
        Whether to give up where Newton does not get through: there is a better way.
    patience : float, default=inf
        Steps at the finest level after which to give up: there may be a better way.

    Attributes
    ----------
    at : At
        Where it is now, or has ended.
    """

    def __init__(
        self,
        monitor: Monitor,
        tol: float,
        at: At[Any],
        *,
        may_fail: bool = False,
        patience: float = math.inf,
    ) -> None:
        self.monitor, self.tol, self.at = monitor, tol, at
        self.may_fail, self.patience = may_fail, patience

    def descend(self, stages: Sequence[Stage[Any]], at: At[Any]) -> None:
        """Coarse to fine, and at each level down to the scale of the problem."""
        for k, stage in enumerate(stages):
            at, factor = stage.lift(at) if k > 0 else at, FIRST
            while True:
                before = self.monitor.steps
                at = self.settle(stage, at)
                if at.scale == stage.last or stage.is_through(at):
                    break
                scale, factor = lower(at.scale, stage.last, factor, self.monitor.steps - before)
                way = scale / at.scale - 1.0
                at = stage.rescaled(replace(at, state=predicted(at.network, at.state, way)), scale)
        if at.scale > 1.0:  # where Newton would take ages
            self.settle(stage, stage.rescaled(at, 1.0), far=True)

    def settle(self, stage: Stage[Any], at: At[Any], *, far: bool = False) -> At[Any]:
        """Column generation: solve on the arcs there are, add what is missing, and again."""
        end = stage.is_last and at.scale == 1.0
        last = min(settings().at_the_end * self.tol, stage.least) if end else _ON_THE_WAY
        tol, round = (last if far or stage.is_complete(at) else _ON_THE_WAY), 0
        while True:
            at, far = self._optimised(stage, at, tol, round, far=far), False
            wider = stage.wider(at, round, _allowed(tol, last, end=end))
            if wider is not None:
                at, round = wider, round + 1
                tol = min(tol, max(0.1 * tol, _NEAR_THE_END))  # what is loose may go in circles
            elif tol > last:
                tol, round = last, 0
            else:
                return at

    def _optimised(
        self, stage: Stage[Any], at: At[Any], tol: float, round: int, *, far: bool
    ) -> At[Any]:
        """Solve on a network, as far as need be, and report."""
        monitor, before = self.monitor, self.monitor.steps
        goal = self._goal(stage, tol, at.arcs.base if stage.is_last and at.scale == 1.0 else None)
        if self.may_fail:
            state = newton(at.network, at.state, goal, monitor)
        else:
            state = optimise(at.network, at.state, goal, monitor, far=far)
        stuck, steps = self.may_fail and not goal.is_met(at.network, state), monitor.steps - before
        self.at = replace(at, state=state)
        report(monitor, stage.iterate(self.at, round, steps))
        self.patience -= steps if stage.is_last else 0
        if stuck or self.patience < 0.0:
            raise StuckError
        return self.at

    def _goal(self, stage: Stage[Any], tol: float, base: float | None) -> Goal:
        """When a flow is good enough: on the way a few nodes may miss what they like.

        base: what there is to pay beside the arcs, at the end.
        """
        if tol >= _ON_THE_WAY:
            return Goal(tol, stage.unit, stage.total, _ENOUGH * tol, sweeps=True)
        enough = max(_ENOUGH * tol, settings().at_the_end * self.tol)
        gap = -1.0 if base is None else settings().closed * self.tol
        return Goal(tol, stage.unit, stage.total, enough, stage.least, gap=gap, base=base or 0.0)


def _allowed(tol: float, last: float, *, end: bool) -> float:
    """What may go by no arc, as a part of the total."""
    if not end:
        return _SOME
    return _NEXT_TO_NOTHING if tol > last else 0.0
