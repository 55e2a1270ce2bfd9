"""Registration as the document does it: plan and motion in turns, at falling temperatures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quot.applications.motion import Motion, angles, best_motion
from quot.reproduce.aspot.traces import CORNER, LOST, Way, trace
from quot.reproduce.experiment import Case, Lost

Floats = NDArray[np.float64]

CHOICES = (
    Lost("the clouds", "vertices of a mesh, drawn at random, for red; every other one for blue"),
    Lost("turn and shift of blue", "60 degrees about a fixed axis, and 0.17 of the radius of red"),
    Lost("masses", "1 over the points of red for each point, so that red has 1 and blue a half"),
    Lost("annealing", "a first temperature, of the largest cost, times 0.9 a round, to 1e-3"),
    Lost("a plan ends", "where E is at most 1e-3 of what it moves, or after 1000 iterations"),
    Lost("the last round", "at the last temperature the first that changes the error by less than "
         "1e-3 of the radius of red"),
    LOST[0],
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Clouds:
    """Two clouds, and the motion that lays one upon the other.

    Parameters
    ----------
    blue : array of shape (n, 3)
        Part of red, moved.
    red : array of shape (m, 3)
    truth : Motion
        Of blue upon red.
    """

    blue: Floats
    red: Floats
    truth: Motion

    @classmethod
    def of(cls, case: Case) -> Clouds:
        """Draw ``case["points"]`` of the first mesh, at unit size, and move half of them."""
        red = case.data.clouds()[0]
        red = red[case.rng().choice(len(red), case["points"], replace=False)]
        red = red - red.mean(axis=0)
        red /= np.linalg.norm(red, axis=1).max()
        half = red[::2]
        away = Motion(_turn(case["degrees"]), np.array([0.1, -0.1, 0.1]))
        return cls(away.transform(half), red, away.inverse)

    def wrong(self, motion: Motion) -> float:
        """Degrees by which a motion turns otherwise than the truth."""
        return float(np.degrees(angles(motion.rotation.T @ self.truth.rotation)))


class Round(NamedTuple):
    """A plan and the motion that is best for it.

    Parameters
    ----------
    eps : float
        In parts of the largest cost.
    steps, passes : int
        Of the method, for this plan.
    error : float
        Root of the mean squared distance of what belongs together.
    wrong : float
        Degrees from the truth.
    """

    eps: float
    steps: int
    passes: int
    error: float
    wrong: float


class Run(NamedTuple):
    """All rounds, and where they end; a motion of nan where the numbers were lost."""

    rounds: list[Round]
    motion: Motion

    @property
    def steps(self) -> int:
        """Iterations of the method in all rounds."""
        return sum(each.steps for each in self.rounds)

    @property
    def passes(self) -> int:
        """Passes in all rounds."""
        return sum(each.passes for each in self.rounds)

    @property
    def is_lost(self) -> bool:
        """Whether a plan was not a number."""
        return bool(np.isnan(self.motion.rotation).any())


# A plan (n, m) of costs, masses, temperature and mass, with the steps and passes that it took.
Planner = Callable[[Floats, Floats, Floats, float, float], tuple[Floats, int, int]]


def by_trace(way: Way, case: Case) -> Planner:
    """Plans by a method, stopped as the case says and rounded."""

    def plan(C: Floats, a: Floats, b: Floats, eps: float, mass: float) -> tuple[Floats, int, int]:
        found = trace(
            way, C, a, b, eps=eps, mass=mass, steps=case["steps"], enough=case["enough"] * mass
        )
        return found.plan, found.steps, int(found.passes[-1])

    return plan


def by_scaling(case: Case) -> Planner:
    """Plans by Sinkhorn's method with dummies as it is written first: with exp(-C/eps) as it is."""

    def plan(C: Floats, a: Floats, b: Floats, eps: float, mass: float) -> tuple[Floats, int, int]:
        wide = np.zeros((len(a) + 1, len(b) + 1))
        wide[:-1, :-1], wide[-1, -1] = C, CORNER * C.max()
        rows, cols = np.append(a, b.sum() - mass), np.append(b, a.sum() - mass)
        with np.errstate(all="ignore"):
            K = np.exp(-wide / eps)
            v, steps = np.ones(len(cols)), 0
            while steps < case["steps"]:
                u = rows / (K @ v)
                got = K.T @ u
                steps += 1
                if not np.abs(v * got - cols).sum() > case["enough"] * mass:
                    break
                v = cols / got
            X: Floats = u[:-1, None] * K[:-1, :-1] * v[:-1]
        return X, steps, 2 * steps

    return plan


def register(case: Case, clouds: Clouds, plan: Planner, share: float) -> Run:
    """Lay blue upon red: a plan of a share of blue, the motion that is best for it, and again.

    The temperature falls by a rate from round to round, down to its last.
    """
    a = np.full(len(clouds.blue), 1.0 / len(clouds.red))
    b = np.full(len(clouds.red), 1.0 / len(clouds.red))
    mass, eps, motion = share * float(a.sum()), case["first"], Motion(np.eye(3), np.zeros(3))
    rounds: list[Round] = []
    while len(rounds) < case["rounds"]:
        case.check()
        C = ((motion.transform(clouds.blue)[:, None] - clouds.red) ** 2).sum(axis=2)
        P, steps, passes = plan(C, a, b, eps * float(C.max()), mass)
        sent = P.sum(axis=1)
        if not (np.isfinite(P).all() and sent.sum() > 0.0):
            lost = Motion(np.full((3, 3), np.nan), np.full(3, np.nan))
            return Run([*rounds, Round(eps, steps, passes, np.nan, np.nan)], lost)
        some = sent > 0.0
        motion = best_motion(
            clouds.blue[some], (P @ clouds.red)[some] / sent[some, None], sent[some], scale=False
        )
        moved = motion.transform(clouds.blue)
        square = float((P * ((moved[:, None] - clouds.red) ** 2).sum(axis=2)).sum())
        error = float(np.sqrt(square / sent.sum()))
        rounds.append(Round(eps, steps, passes, error, clouds.wrong(motion)))
        is_still = len(rounds) > 1 and abs(rounds[-2].error - error) < case["still"]
        if eps <= case["last"] and is_still:
            break
        eps = max(case["last"], case["rate"] * eps)
    return Run(rounds, motion)


def _turn(degrees: float) -> Floats:
    """A rotation about an axis askew."""
    x, y, z = np.array([1.0, 2.0, 2.0]) / 3.0
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    angle = np.radians(degrees)
    turn: Floats = np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * cross @ cross
    return turn
