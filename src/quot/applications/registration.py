"""Registration: the motion that lays one cloud of points upon another, of which it is a part."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from quot import api
from quot.applications.motion import Motion, angles, best_motion
from quot.applications.polishing import polish
from quot.applications.search import Clouds, search, some
from quot.convergence import Iterate, Tolerance
from quot.costs import PointCost
from quot.exceptions import InfeasibleError, InvalidProblemError
from quot.gibbs_plan import AnyPlan
from quot.plan import Plan
from quot.result import Result
from quot.shown import Shown
from quot.validation import as_number, check_count, check_option, check_positive

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

REGULARIZERS = ("quadratic", "entropic")
# The most points of a cloud that have a plan: a pass over all pairs has to fit.
MOST_POINTS = {"quadratic": 100_000, "entropic": 1500}
# Neighbours that a point shares its mass with, in one round after the other.
_NEIGHBOURS = (8, 5)
# Nearest partners of a point, both ways, among which a plan is found first.
_PARTNERS = 10
# Up to so many pairs, all are candidates from the start.
_FEW_PAIRS = 300_000
_ROUNDS = 12
# Of what seems to lie upon the other cloud, so much does; and the least share there is.
_SURE, _LEAST = 0.9, 1e-3
# How much more than its weight a point of the larger cloud takes.
_ROOM = 2.0
# A cloud whose spread along an axis is less than this of the largest is flat.
_FLAT = 1e-9
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


@dataclass(frozen=True, eq=False, repr=False)
class Registration(Shown):
    """A motion of X that lays it upon Y, and the plan that says which points belong together.

    Parameters
    ----------
    motion : Motion
        ``x -> scale * rotation @ x + translation``.
    X, Y : array of shape (n, d), (m, d)
        The clouds as given.
    rows, cols : int array
        Which points of X and Y are the rows and the columns of the plan: all, unless there are more
        than `register` plans for.
    result : Result
        The partial plan between moved X and Y, with its certificate over all pairs.
    mass_fraction : float
        Share of the smaller cloud that lies upon the other.
    history : tuple of Round
        What plan and motion cost, round by round.
    starts : int
        Motions that were tried.
    rivals : tuple of (Motion, float)
        The best other motions, and how well they fit, 1 as well as the one chosen. A figure with a
        symmetry has several of about 1.
    tol : float
    seconds : float
    """

    motion: Motion
    X: Floats
    Y: Floats
    rows: Ints
    cols: Ints
    result: Result[AnyPlan]
    mass_fraction: float
    history: tuple[Round, ...]
    starts: int
    rivals: tuple[tuple[Motion, float], ...]
    tol: float
    seconds: float

    @property
    def rotation(self) -> Floats:
        """Rotation (d, d), of determinant 1."""
        return self.motion.rotation

    @property
    def translation(self) -> Floats:
        """Shift (d,), after rotation and scale."""
        return self.motion.translation

    @property
    def scale(self) -> float:
        """Scale; 1 of a rigid motion."""
        return self.motion.scale

    @property
    def matrix(self) -> Floats:
        """The motion as a matrix (d + 1, d + 1)."""
        return self.motion.matrix

    @property
    def inverse(self) -> Motion:
        """The motion of Y upon X."""
        return self.motion.inverse

    @property
    def moved(self) -> Floats:
        """X upon Y, (n, d)."""
        return self.transform(self.X)

    @property
    def error(self) -> float:
        """Root of the mean squared distance of two points that belong together."""
        total = self.result.plan.total
        return float(np.sqrt(max(self.result.cost, 0.0) / total)) if total > 0.0 else 0.0

    @property
    def converged(self) -> bool:
        """Whether the plan is certified, and no other motion makes it cheaper by more than `tol`."""
        last = self.history[-1]
        return self.result.converged and last.gain <= self.tol * last.value

    def transform(self, points: Any) -> Floats:
        """Return points moved as X is.

        Parameters
        ----------
        points : array of shape (k, d)

        Returns
        -------
        array of shape (k, d)
        """
        return self.motion.transform(points)

    def summary(self) -> dict[str, Any]:
        """Return the numbers worth printing, by name."""
        result = self.result
        return {
            "source_points": len(self.X),
            "target_points": len(self.Y),
            "dimension": self.X.shape[1],
            "angle": self.motion.angle,
            "translation": self.translation,
            "scale": self.scale,
            "mass_fraction": self.mass_fraction,
            "error": self.error,
            "starts": self.starts,
            "rival": max((fit for _, fit in self.rivals), default=0.0),
            "rounds": len(self.history),
            "nnz": result.plan.nnz,
            "value": result.value,
            "cost": result.cost,
            "status": result.status.name,
            "converged": self.converged,
            "seconds": self.seconds,
        }

    def _facts(self) -> dict[str, Any]:
        return {
            "clouds": f"{len(self.X):,} upon {len(self.Y):,} points in {self.X.shape[1]}-D",
            "motion": repr(self.motion),
            "overlap": f"{100 * self.mass_fraction:.4g} % of the smaller cloud",
            "error": self.error,
            "starts": self.starts,
            "plan": repr(self.result.plan),
            "relative gap": f"{self.result.certificate.relative_gap:.1e}",
            "converged": str(self.converged),
            "seconds": f"{self.seconds:.3g}",
        }

    def __repr__(self) -> str:
        return (
            f"Registration({len(self.X)} upon {len(self.Y)} points, {self.motion!r}, overlap "
            f"{self.mass_fraction:.3g}, error {self.error:.3g}, {self.result.status.name}, "
            f"{self.seconds:.3g} s)"
        )


def register(  # noqa: PLR0913
    X: Any,
    Y: Any,
    *,
    scale: bool = False,
    mass_fraction: float | None = None,
    regularizer: str = "quadratic",
    n_starts: int = 60,
    max_points: int | None = None,
    tol: float = 1e-3,
    random_state: int = 0,
    callback: Callable[[Iterate], bool | None] | None = None,
) -> Registration:
    """Find the motion that lays X upon Y, as far as they are the same, without a first guess.

    Rotations spread over all there are, and motions that bring points together around which the
    surface looks alike, are tried on a few points of each cloud; the best are refined on more. Then
    a partial plan between the clouds and the motion that is best for it take turns: the plan
    minimises the mean squared distance and a quadratic term, or an entropy, that becomes weaker
    from round to round, and what has no counterpart is left out. It ends where the plan is
    certified and no motion makes it cheaper by more than `tol`.

    Parameters
    ----------
    X, Y : array or DataFrame of shape (n, d), (m, d)
        The clouds, d = 2 or 3. Parts of both may have no counterpart, and some points may be
        anywhere; the order of the points does not matter.
    scale : bool, default=False
        Whether the motion may make X larger or smaller, too. Mirror images are never matched.
    mass_fraction : float, optional
        Share of the smaller cloud that lies upon the other, 0 < mass_fraction <= 1. By default, how
        much of it comes to lie near the other.
    regularizer : {"quadratic", "entropic"}, default="quadratic"
        What smooths the plan. Entropic plans are dense, and made for at most 1500 points of a cloud.
    n_starts : int, default=60
        Rotations to start from; each with a few shifts, and, with `scale`, a few scales.
    max_points : int, optional
        Points of a cloud that the plan is between, the others drawn out; by default 100 000, or
        1500 of an entropic plan.
    tol : float, default=1e-3
        By how much of its value a better motion may make the last plan cheaper.
    random_state : int, default=0
        Seed of what is drawn: where the starts begin, and which points are looked at.
    callback : callable, optional
        See `quot.solve`.

    Returns
    -------
    Registration

    Raises
    ------
    InvalidProblemError
        If a cloud has too few points, or all on one line in space, or an option is out of its range.

    Warns
    -----
    NotConvergedWarning
        If a plan is not within its tolerance.

    Examples
    --------
    >>> import numpy as np
    >>> from quot.applications.registration import register
    >>> t = np.linspace(0.0, 5.0, 200)
    >>> X = np.stack((t * np.cos(t), t * np.sin(t)), axis=1)
    >>> turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    >>> found = register(X, X[40:] @ turn.T + [3.0, 1.0])
    >>> found.rotation.round(6) + 0.0
    array([[ 0., -1.],
           [ 1.,  0.]])
    """
    began = time.perf_counter()
    X, Y = _as_clouds(X, Y)
    check_option(regularizer, "regularizer", REGULARIZERS)
    if mass_fraction is not None:
        mass_fraction = as_number(mass_fraction, "mass_fraction")
        if not 0.0 < mass_fraction <= 1.0:
            raise InvalidProblemError(
                f"`mass_fraction={mass_fraction:.6g}` is no share of the smaller cloud; pass a "
                "number above 0, and at most 1, or None to have it found."
            )
    n_starts = check_count(n_starts, "n_starts")
    most = MOST_POINTS[regularizer]
    if max_points is not None:
        most = check_count(max_points, "max_points", X.shape[1] + 1)
    tol = check_positive(tol, "tol")
    rng = np.random.default_rng(check_count(random_state, "random_state", 0))

    frames = _frames(X, Y, scale)
    clouds = Clouds.of(*(frame.inverse.transform(Z) for frame, Z in zip(frames, (X, Y), strict=True)))
    found, tried = search(clouds, n_starts, scale, rng)
    best, near = polish(clouds, found[0].motion, scale, rng)
    overlap = _Overlap.of(clouds, best, near, mass_fraction)
    rows, cols = some(X, most, rng), some(Y, most, rng)
    turns = _Turns(X[rows], Y[cols], overlap, regularizer, scale, callback)
    motion, result, history = turns.run(_outside(best, frames), tol)
    return Registration(
        motion=motion,
        X=X,
        Y=Y,
        rows=rows,
        cols=cols,
        result=result,
        mass_fraction=overlap.fraction,
        history=history,
        starts=tried,
        rivals=tuple((_outside(k.motion, frames), k.score / found[0].score) for k in found[1:]),
        tol=tol,
        seconds=time.perf_counter() - began,
    )


def _as_clouds(X: Any, Y: Any) -> tuple[Floats, Floats]:
    """Check what is given."""
    cost = PointCost(X, Y)
    d = cost.X.shape[1]
    if d not in (2, 3):
        raise InvalidProblemError(
            f"`X` and `Y` have {d} coordinates; registration is for points in the plane and in "
            "space, of shape (n, 2) and (n, 3)."
        )
    for name, points in (("X", cost.X), ("Y", cost.Y)):
        if len(points) < d:
            raise InvalidProblemError(
                f"`{name}` has {len(points)} point{'s' * (len(points) != 1)}, and a motion in {d}-D "
                f"needs at least {d}; pass more."
            )
        spread = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
        rank = int((spread > _FLAT * max(spread[0], np.abs(points).max() * 1e-6)).sum())
        if rank < d - 1:
            where = "in one place" if rank == 0 else "on one line, about which any turn fits"
            raise InvalidProblemError(
                f"`{name}` has all its points {where}; pass a cloud that spreads in at least "
                f"{d - 1} direction{'s' * (d > 2)}."
            )
    return cost.X, cost.Y


def _frames(X: Floats, Y: Floats, scale: bool) -> tuple[Motion, Motion]:
    """Motions that bring clouds from around 0, of spread 1, to where they are.

    Medians, which a few points far away do not change. Clouds of one scale have one unit, that of
    the smaller.
    """
    centres = [np.median(Z, axis=0) for Z in (X, Y)]
    units = [
        float(np.median(np.linalg.norm(Z - centre, axis=1)))
        for Z, centre in zip((X, Y), centres, strict=True)
    ]
    units = [
        unit if unit > 0.0 else float(np.linalg.norm(Z - centre, axis=1).max())
        for unit, Z, centre in zip(units, (X, Y), centres, strict=True)
    ]
    if not scale:
        units = [min(units)] * 2
    one, two = (
        Motion(np.eye(X.shape[1]), centre, unit)
        for centre, unit in zip(centres, units, strict=True)
    )
    return one, two


def _outside(motion: Motion, frames: tuple[Motion, Motion]) -> Motion:
    """A motion between frames as one between the clouds as given."""
    first, second = frames
    factor = motion.scale * second.scale / first.scale
    shift = second.scale * motion.translation + second.translation
    return Motion(
        motion.rotation, shift - factor * motion.rotation @ first.translation, factor
    )


class _Overlap(NamedTuple):
    """How much there is of each cloud, and how much of it lies upon the other.

    Points of X have 1 in all; those of Y as much as makes both the same where they lie upon each
    other: a cloud may have more points to an area.
    """

    total: float
    fraction: float

    @classmethod
    def of(
        cls, clouds: Clouds, motion: Motion, close: float, fraction: float | None
    ) -> _Overlap:
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
        if fraction is None:
            shared_mass = _SURE * min(share_x, share_y * total)
            fraction = float(np.clip(shared_mass / min(1.0, total), _LEAST, 1.0))
        return cls(total, fraction)

    @property
    def mass(self) -> float:
        return self.fraction * min(1.0, self.total)


class _Turns:
    """Plan and motion in turns."""

    def __init__(  # noqa: PLR0917
        self,
        X: Floats,
        Y: Floats,
        overlap: _Overlap,
        regularizer: str,
        scale: bool,
        callback: Callable[[Iterate], bool | None] | None,
    ) -> None:
        self.X, self.Y, self.scale = X, Y, scale
        # The larger cloud has room: else what is pressed would move towards its free edges.
        room = (1.0, _ROOM) if overlap.total > 1.0 else (_ROOM, 1.0)
        self.a = np.full(len(X), room[0] / len(X))
        self.b = np.full(len(Y), room[1] * overlap.total / len(Y))
        self.mass = min(overlap.mass, float(self.a.sum()), float(self.b.sum()))
        self.is_sparse = regularizer == "quadratic"
        self.callback = callback

    def run(
        self, motion: Motion, tol: float
    ) -> tuple[Motion, Result[AnyPlan], tuple[Round, ...]]:
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
                Round(strength, result.value, result.cost, gain, float(turn), float(shift), result.plan.nnz)
            )
            is_still = gain <= tol * result.value
            if k + 1 >= len(_NEIGHBOURS) and is_still:
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
            except InfeasibleError:
                start = None
        return api.solve(cost, self.a, self.b, reg=strength, start=start, **options)

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
    keys = np.unique(rows.astype(np.int64) * m + cols)
    rows, cols = keys // m, keys % m
    return sp.csr_array((((X[rows] - Y[cols]) ** 2).sum(axis=1), (rows, cols)), shape=(n, m))
