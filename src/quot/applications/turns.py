"""Plan and motion in turns: each the best for the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from quot import api
from quot.applications.motion import Motion, angles, best_motion
from quot.applications.search import Clouds
from quot.convergence import Iterate, Status, Tolerance
from quot.costs import PointCost
from quot.coupling import unique
from quot.exceptions import InfeasibleError
from quot.gibbs_plan import AnyPlan
from quot.interrupts import stoppable
from quot.plan import Plan
from quot.result import Result

Floats = NDArray[np.float64]

# Neighbours that a point shares its mass with, in one round after the other.
_NEIGHBOURS = (8, 5)
# Nearest partners of a point, both ways, among which a plan is found first.
_PARTNERS = 10
# Up to so many pairs, all are candidates from the start.
_FEW_PAIRS = 300_000
_ROUNDS = 12
# Of what lies near the other cloud the plan moves so much; and the least share there is.
_SURE, _LEAST = 0.9, 1e-3
# How much more than its weight a point of the larger cloud takes.
_ROOM = 2.0
# The plan is certified to this.
_TOL = Tolerance(1e-6, 1e-6)


class Round(NamedTuple):
    """What a round of plan and motion has found.

    Parameters
    ----------
    strength : float
        `reg` or `eps` of the plan, in the unit of the points squared.
    value : float
        What the plan and the motion before it cost, with the regulariser; certified.
    cost : float
        ``<C, P>`` alone.
    gain : float
        How much of it a better motion takes off, the plan left as it is.
    turn, shift : float
        Degrees and length by which that motion differs from the one before.
    nnz : int
        Pairs that carry mass.
    """

    strength: float
    value: float
    cost: float
    gain: float
    turn: float
    shift: float
    nnz: int


class Overlap(NamedTuple):
    """How much there is of each cloud, and how much of it lies upon the other.

    Points of X have 1 in all; those of Y as much as makes both the same where they lie upon each
    other: a cloud may have more points to an area.
    """

    total: float
    share: float
    fraction: float

    @classmethod
    def of(cls, clouds: Clouds, motion: Motion, close: float, fraction: float | None) -> Overlap:
        """Count what is close, and what there is around that."""
        on_x, on_y = clouds.trees
        X = motion.transform(clouds.X)
        to = on_y.query(X, distance_upper_bound=close)[0]
        back = on_x.query(motion.inverse.transform(clouds.Y))[0] * motion.scale
        shared = np.flatnonzero(to < close)[:: 1 + len(X) // 2000]
        share_x, share_y = float(np.mean(to < close)), float(np.mean(back < close))
        total = len(clouds.Y) / len(X)
        if shared.size:
            wide = 3.0 * close
            own = on_x.query_ball_point(clouds.X[shared], wide / motion.scale, return_length=True)
            other = on_y.query_ball_point(X[shared], wide, return_length=True)
            total /= max(float(np.median(other / own)), 1.0 / len(clouds.Y))
        share = min(share_x, share_y * total) / min(1.0, total)
        share = float(np.clip(share, _LEAST, 1.0))
        return cls(total, share, _SURE * share if fraction is None else fraction)

    @property
    def mass(self) -> float:
        """What the plan moves."""
        return self.fraction * min(1.0, self.total)


class Turns:
    """Plan and motion in turns."""

    def __init__(
        self,
        X: Floats,
        Y: Floats,
        overlap: Overlap,
        *,
        is_sparse: bool,
        scale: bool,
        callback: Callable[[Iterate], bool | None] | None,
    ) -> None:
        self.X, self.Y, self.scale = X, Y, scale
        # The larger cloud has room: else what is pressed would move towards its free edges.
        room = (1.0, _ROOM) if overlap.total > 1.0 else (_ROOM, 1.0)
        self.a = np.full(len(X), room[0] / len(X))
        self.b = np.full(len(Y), room[1] * overlap.total / len(Y))
        self.mass = min(overlap.mass, float(self.a.sum()), float(self.b.sum()))
        self.is_sparse = is_sparse
        self.callback = callback

    @stoppable
    def run(self, motion: Motion, tol: float) -> tuple[Motion, Result[AnyPlan], tuple[Round, ...]]:
        """Return the motion, the plan that goes with it, and the rounds on the way."""
        history: list[Round] = []
        for k in range(_ROUNDS):
            strength = self.strength(motion, _NEIGHBOURS[min(k, len(_NEIGHBOURS) - 1)])
            result = self.plan(motion, strength)
            better, gain = self.better(motion, result)
            turn = np.degrees(angles(motion.rotation.T @ better.rotation))
            middle = self.X.mean(axis=0, keepdims=True)
            shift = np.linalg.norm(better.transform(middle) - motion.transform(middle))
            history.append(
                Round(
                    strength,
                    result.value,
                    result.cost,
                    gain,
                    float(turn),
                    float(shift),
                    result.plan.nnz,
                )
            )
            is_still = gain <= tol * result.value
            is_settled = k + 1 >= len(_NEIGHBOURS) and is_still
            if is_settled or result.status is Status.STOPPED:
                break
            motion = motion if is_still or k + 1 == _ROUNDS else better
        return motion, result, tuple(history)

    def strength(self, motion: Motion, neighbours: int) -> float:
        """The `reg` that spreads a point over so many neighbours; or the `eps`."""
        strengths = []
        for Z, masses, factor in ((self.X, self.a, motion.scale), (self.Y, self.b, 1.0)):
            wanted = min(neighbours + 1, len(Z))
            near = (factor * cKDTree(Z).query(Z[:: max(1, len(Z) // 2000)], k=wanted)[0]) ** 2
            if self.is_sparse:
                strengths.append(float(np.median((near[:, -1:] - near).sum(axis=1)) / masses[0]))
            else:
                strengths.append(float(np.median(near[:, -1])) / neighbours)
        return max(strengths)

    def plan(self, motion: Motion, strength: float) -> Result[AnyPlan]:
        """The plan between moved X and Y: first among nearest points, then among all."""
        cost = PointCost(motion.transform(self.X), self.Y)
        options: dict[str, Any] = {"mass": self.mass, "tol": _TOL, "callback": self.callback}
        if not self.is_sparse:
            return api.solve_entropic(cost, self.a, self.b, eps=max(strength, 1e-300), **options)
        start = None
        if len(self.X) * len(self.Y) > _FEW_PAIRS:
            try:
                among = _nearest(cost.X, cost.Y)
                start = api.solve(
                    among, self.a, self.b, reg=strength, on_failure="ignore", **options
                )
                if start.status is Status.STOPPED:
                    options["callback"] = lambda _: True
            except InfeasibleError:
                start = None  # not enough pairs to carry the mass
        found = api.solve(cost, self.a, self.b, reg=strength, start=start, **options)
        return cast(Result[AnyPlan], found)

    def better(self, motion: Motion, result: Result[AnyPlan]) -> tuple[Motion, float]:
        """The best motion for a plan, and how much cheaper it makes it."""
        plan = result.plan if isinstance(result.plan, Plan) else result.plan.to_plan()
        X, Y, weights = self.X[plan.rows], self.Y[plan.cols], plan.values
        better = best_motion(X, Y, weights, scale=self.scale)
        before, after = (
            float(weights @ ((each.transform(X) - Y) ** 2).sum(axis=1)) for each in (motion, better)
        )
        return better, max(before - after, 0.0)


def _nearest(X: Floats, Y: Floats) -> sp.csr_array:
    """Costs of the pairs of a point and those nearest to it, both ways."""
    n, m = len(X), len(Y)
    to = cKDTree(Y).query(X, k=min(_PARTNERS, m))[1].reshape(n, -1)
    back = cKDTree(X).query(Y, k=min(_PARTNERS, n))[1].reshape(m, -1)
    rows = np.concatenate((np.repeat(np.arange(n), to.shape[1]), back.ravel()))
    cols = np.concatenate((to.ravel(), np.repeat(np.arange(m), back.shape[1])))
    keys = unique(rows.astype(np.int64) * m + cols)
    rows, cols = keys // m, keys % m
    return sp.csr_array((((X[rows] - Y[cols]) ** 2).sum(axis=1), (rows, cols)), shape=(n, m))
