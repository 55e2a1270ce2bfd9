"""Registration: the motion that lays one cloud of points upon another, of which it is a part."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.api.deliver import outside
from quot.applications.motion import Motion
from quot.applications.polishing import misfit, polish
from quot.applications.search import Clouds, search, some
from quot.applications.turns import Overlap, Round, Turns
from quot.convergence import Iterate
from quot.costs import PointCost
from quot.exceptions import InvalidProblemError, NotConvergedWarning
from quot.gibbs_plan import AnyPlan
from quot.order import by_name
from quot.result import Result
from quot.shown import Shown
from quot.validation import as_number, check_count, check_flag, check_option, check_positive

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

REGULARIZERS = ("quadratic", "entropic")
# The most points of a cloud that have a plan: a pass over all pairs has to fit.
MOST_POINTS = {"quadratic": 100_000, "entropic": 1500}
# A cloud whose spread along an axis is less than this of the largest is flat.
_FLAT = 1e-9
# Clouds that are more than so many times as far off each other's surface as off their own.
_MISFIT = 2.0


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
    overlap : float
        Share of the smaller cloud that comes to lie near the other.
    misfit : float
        How far points that lie near the other cloud are off its surface, in parts of how far they
        are off their own: about 1 where both are the same surface, also with noise, and less
        without any; above 2 surfaces only cross or touch, and the motion is hardly the one looked
        for. Of curves and of clouds that fill space it says little.
    mass_fraction : float
        Share of it that the plan moves.
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
    overlap: float
    misfit: float
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
        """Whether the plan is certified, no motion makes it cheaper by `tol`, and the clouds fit.

        Where clouds do not fit, by `misfit`, a motion may be the best of those near it, and wrong.
        """
        last = self.history[-1]
        return self.fits and self.result.converged and last.gain <= self.tol * last.value

    @property
    def fits(self) -> bool:
        """Whether the clouds have one surface where they lie upon each other: `misfit` <= 2."""
        return self.misfit <= _MISFIT

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
            "overlap": self.overlap,
            "misfit": self.misfit,
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
            "overlap": f"{100 * self.overlap:.4g} % of the smaller cloud",
            "error": self.error,
            "misfit": self.misfit,
            "starts": self.starts,
            "plan": repr(self.result.plan),
            "relative gap": f"{self.result.certificate.relative_gap:.1e}",
            "converged": str(self.converged),
            "seconds": f"{self.seconds:.3g}",
        }

    def __repr__(self) -> str:
        return (
            f"Registration({len(self.X)} upon {len(self.Y)} points, {self.motion!r}, overlap "
            f"{self.overlap:.3g}, error {self.error:.3g}, {self.result.status.name}, "
            f"{self.seconds:.3g} s)"
        )


@by_name("scale")
def register(
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

    That is so in the plane and in space. In other dimensions the starts are no turn at all and the
    principal axes of X upon those of Y, either way: parts of clouds may not be found.

    Parameters
    ----------
    X, Y : array or DataFrame of shape (n, d), (m, d)
        The clouds. Parts of both may have no counterpart, and some points may be anywhere; the
        order of the points does not matter.
    scale : bool, default=False
        Whether the motion may make X larger or smaller, too. Mirror images are never matched.
    mass_fraction : float, optional
        Share of the smaller cloud that the plan moves, 0 < mass_fraction <= 1. By default nine
        tenths of what comes to lie near the other: at its edges nobody knows.
    regularizer : {"quadratic", "entropic"}, default="quadratic"
        What smooths the plan. Entropic plans are dense, and for at most 1500 points of a cloud.
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
        If a cloud has too few points, or all on a line in space, or an option is out of range.

    Warns
    -----
    NotConvergedWarning
        If a plan is not within its tolerance, or the clouds do not fit: see `Registration.misfit`.

    Examples
    --------
    >>> import numpy as np
    >>> from quot.applications.registration import register
    >>> t = np.linspace(0.0, 5.0, 200)
    >>> X = np.stack((t * np.cos(t), t * np.sin(t)), axis=1)
    >>> turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    >>> found = register(X, X[40:] @ turn.T + [3.0, 1.0])
    >>> found.rotation.round(3) + 0.0
    array([[ 0., -1.],
           [ 1.,  0.]])
    """
    began = time.perf_counter()
    X, Y = _as_clouds(X, Y)
    check_option(regularizer, "regularizer", REGULARIZERS)
    scale = check_flag(scale, "scale")
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

    frames = _frames(X, Y, scale=scale)
    inside = (frame.inverse.transform(Z) for frame, Z in zip(frames, (X, Y), strict=True))
    clouds = Clouds.of(*inside, scale=scale)
    found, tried = search(clouds, n_starts, rng)
    best, close = polish(clouds, found[0].motion, rng)
    overlap = Overlap.of(clouds, best, close, mass_fraction)
    rows, cols = some(X, most, rng), some(Y, most, rng)
    is_sparse = regularizer == "quadratic"
    turns = Turns(X[rows], Y[cols], overlap, is_sparse=is_sparse, scale=scale, callback=callback)
    motion, result, history = turns.run(_outside(best, frames), tol)
    registration = Registration(
        motion=motion,
        X=X,
        Y=Y,
        rows=rows,
        cols=cols,
        result=result,
        overlap=overlap.share,
        misfit=misfit(Clouds.of(X, Y, scale=scale), motion, close * frames[1].scale),
        mass_fraction=overlap.fraction,
        history=history,
        starts=tried,
        rivals=tuple(
            (_outside(k.motion, frames), k.score / found[0].score)
            for k in found[1:]
            if k.score > 0.0
        ),
        tol=tol,
        seconds=time.perf_counter() - began,
    )
    _say(registration)
    return registration


def _say(found: Registration) -> None:
    """Warn of clouds that do not fit."""
    if not found.fits:
        warnings.warn(
            f"where the clouds lie upon each other they are {found.misfit:.3g} times as far off "
            "each other's surface as off their own: the motion is hardly the one looked for. Look "
            "at it and at `rivals`, or try another `random_state` or more `n_starts`.",
            NotConvergedWarning,
            stacklevel=outside(),
        )


def _as_clouds(X: Any, Y: Any) -> tuple[Floats, Floats]:
    """Check what is given."""
    cost = PointCost(X, Y)
    d = cost.X.shape[1]
    for name, points in (("X", cost.X), ("Y", cost.Y)):
        if len(points) < d:
            count = f"{len(points)} point{'s' * (len(points) != 1)}"
            raise InvalidProblemError(
                f"`{name}` has {count}, and a motion in {d}-D needs at least {d}; pass more."
            )
        spread = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
        rank = int((spread > _FLAT * max(spread[0], np.abs(points).max() * 1e-6)).sum())
        if rank < max(d - 1, 1):
            line = "on one line" if rank == 1 else f"in {rank} of {d} dimensions"
            where = "in one place" if rank == 0 else f"{line}, about which any turn fits"
            raise InvalidProblemError(
                f"`{name}` has all its points {where}; pass a cloud that spreads in at least "
                f"{max(d - 1, 1)} direction{'s' * (d > 2)}."
            )
    return cost.X, cost.Y


def _frames(X: Floats, Y: Floats, *, scale: bool) -> tuple[Motion, Motion]:
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
    return Motion(motion.rotation, shift - factor * motion.rotation @ first.translation, factor)
