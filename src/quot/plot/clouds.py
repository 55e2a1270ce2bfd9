"""Pictures of a registration: before, what belongs together, after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from quot.exceptions import InvalidProblemError
from quot.order import by_name
from quot.plan import Plan
from quot.plot.canvas import FAINT, INK, SOURCE, TARGET, axes_of, need_matplotlib, new_figure
from quot.validation import as_array, check_count

if TYPE_CHECKING:
    from quot.applications.registration import Registration

Floats = NDArray[np.float64]

_TITLES = ("before", "what belongs together", "after")
# Inches.
_WIDTH, _HEIGHT = 13.5, 4.5
# How much of its colour a point keeps at the back of a cloud.
_BACK = 0.25
# Points that are drawn of a cloud, and the area that all of one take, of the axes, in points^2.
_MOST, _AREA = 20_000, 20_000.0
_LARGEST, _SMALLEST = 16.0, 1.1
# Between two clouds side by side, in widths.
_GAP = 0.18


@by_name("matches")
def registration(
    found: Registration, ax: Any = None, *, matches: int = 160, view: Any = None
) -> tuple[Any, ...]:
    """Draw a registration: both clouds before, lines between what belongs together, and after.

    Orange is X, blue is Y; in space what is further away is paler. Before, the clouds have their
    middles in one place. The lines are the largest entries of the plan of points all over the
    cloud, coloured by where they are; points that nothing belongs to are grey.

    Parameters
    ----------
    found : Registration
    ax : sequence of three matplotlib Axes, optional
        Where to draw; a new figure by default.
    matches : int, default=160
        Lines to draw, at most.
    view : array of shape (2, d), optional
        Directions, in the coordinates of Y, that point to the right and up; by default, in space,
        those in which Y spreads most.

    Returns
    -------
    tuple of three matplotlib Axes

    Raises
    ------
    InvalidProblemError
        If `found` is no registration, or there are not three axes.
    MissingDependencyError
        If matplotlib is not installed.
    """
    from quot.applications import registration as made

    given: Any = found
    if not isinstance(given, made.Registration):
        raise InvalidProblemError(
            "`found` must be what `quot.applications.registration.register` returns; got a "
            f"{type(given).__name__}."
        )
    matches = check_count(matches, "matches", 0)
    eye = _Eye.on(found.Y, view)
    need_matplotlib()
    if ax is None:
        ax = new_figure(_WIDTH, _HEIGHT, "constrained").subplots(
            1, 3, gridspec_kw={"width_ratios": (1.0, 1.5, 1.0)}
        )
    axes = axes_of(ax, 3, "three, for before, what belongs together, and after")
    X, Y = eye(found.X), eye(found.Y)
    middle = (Y.max(axis=0) + Y.min(axis=0) - X.max(axis=0) - X.min(axis=0)) / 2
    _draw(axes[0], [(X + middle, SOURCE), (Y, TARGET)])
    _draw_matches(axes[1], found, X, Y, matches)
    _draw(axes[2], [(eye(found.moved), SOURCE), (Y, TARGET)])
    notes = (
        f"{len(X):,} points upon {len(Y):,}",
        f"{found.result.plan.nnz:,} pairs carry mass",
        f"{100 * found.overlap:.0f} % overlap, error {found.error:.3g}",
    )
    for one, title, note in zip(axes, _TITLES, notes, strict=True):
        one.set_aspect("equal", adjustable="datalim")
        one.set_axis_off()
        one.set_title(title, loc="left", color=INK, fontsize=12)
        one.text(0.0, -0.02, note, transform=one.transAxes, color=FAINT, fontsize=10, va="top")
    return axes


def save_registration(found: Registration, path: Any) -> None:
    """Write the picture of a registration; the ending decides the format."""
    figure = registration(found)[0].figure
    figure.savefig(path, dpi=130, facecolor="white")


class _Eye:
    """Where one looks from: to the right, up, and towards the eye."""

    def __init__(self, axes: Floats) -> None:
        self.axes = axes

    @classmethod
    def on(cls, Y: Floats, view: Any) -> _Eye:
        """Look as told, or so that Y is widest and then highest."""
        d = Y.shape[1]
        if view is not None:
            two = as_array(view, "view", 2)
            if two.shape != (2, d) or np.linalg.matrix_rank(two) < 2:
                raise InvalidProblemError(
                    f"`view` must be two directions, of shape (2, {d}); got shape {two.shape}."
                )
            right = two[0] / np.linalg.norm(two[0])
            up = two[1] - (two[1] @ right) * right
            axes = np.stack((right, up / np.linalg.norm(up)))
        elif d == 2:
            axes = np.eye(2)
        else:
            axes = np.linalg.svd(Y - Y.mean(axis=0), full_matrices=False)[2][:2]
            off = (Y - Y.mean(axis=0)) @ axes.T
            axes = axes * np.where((off**3).sum(axis=0) < 0.0, -1.0, 1.0)[:, None]
        return cls(axes if d == 2 else np.vstack((axes, np.cross(axes[0], axes[1]))))

    def __call__(self, points: Floats) -> Floats:
        """Coordinates to the right, up, and, in space, towards the eye."""
        return points @ self.axes.T


def _draw(ax: Any, clouds: list[tuple[Floats, Any]]) -> None:
    """Points of all clouds, the nearest on top, those behind paler."""
    from matplotlib.colors import to_rgb

    points, colors, sizes = [], [], []
    for cloud, color in clouds:
        rgb = np.array(to_rgb(color)) if isinstance(color, str) else color
        every = slice(None, None, 1 + len(cloud) // _MOST)
        points.append(cloud[every])
        colors.append(np.broadcast_to(rgb, (len(cloud), 3))[every])
        size = np.clip(_AREA / len(points[-1]), _SMALLEST, _LARGEST)
        sizes.append(np.full(len(points[-1]), size))
    z, tint, size = np.concatenate(points), np.concatenate(colors), np.concatenate(sizes)
    near = np.ones(len(z))
    order = np.random.default_rng(0).permutation(len(z))
    if z.shape[1] == 3:
        low, high = z[:, 2].min(), z[:, 2].max()
        near = (z[:, 2] - low) / (high - low) if high > low else near
        order = np.argsort(near, kind="stable")
    keep = (_BACK + (1.0 - _BACK) * near)[:, None]
    tint = keep * tint + (1.0 - keep)
    ax.scatter(
        z[order, 0], z[order, 1], s=size[order], c=tint[order], linewidths=0, rasterized=True
    )


def _draw_matches(ax: Any, found: Registration, X: Floats, Y: Floats, count: int) -> None:
    """Both clouds side by side, in colours of where they end, with lines between."""
    from matplotlib.collections import LineCollection

    wide = max(float(np.ptp(X[:, 0])), float(np.ptp(Y[:, 0])))
    shift = np.zeros(X.shape[1])
    shift[0] = Y[:, 0].min() - _GAP * wide - X[:, 0].max()
    shift[1] = (Y[:, 1].max() + Y[:, 1].min() - X[:, 1].max() - X[:, 1].min()) / 2
    X = X + shift
    plan = found.result.plan if isinstance(found.result.plan, Plan) else found.result.plan.to_plan()
    partner = plan.matches()
    rows = np.flatnonzero(partner >= 0)
    i, j = found.rows[rows], found.cols[partner[rows]]
    tints = _tints(Y, X, i, j, found)
    _draw(ax, [(X, tints[0]), (Y, tints[1])])
    if not rows.size or not count:
        return
    chosen = _spread(Y[j], count)
    ends = np.stack((X[i[chosen], :2], Y[j[chosen], :2]), axis=1)
    ax.add_collection(
        LineCollection(list(ends), colors=tints[1][j[chosen]], linewidths=0.6, alpha=0.45, zorder=3)
    )


def _tints(
    Y: Floats, X: Floats, i: NDArray[np.intp], j: NDArray[np.intp], found: Registration
) -> tuple[Floats, Floats]:
    """Colours of X and of Y, by the place on Y; grey where nothing belongs."""
    from matplotlib import colormaps

    grey = np.array([0.78, 0.79, 0.81])
    place = (Y[:, 0] - Y[:, 0].min()) / max(float(np.ptp(Y[:, 0])), 1e-300)
    full = colormaps["turbo"](0.08 + 0.84 * place)[:, :3]
    of_x = np.broadcast_to(grey, (len(X), 3)).copy()
    of_y = np.broadcast_to(grey, (len(Y), 3)).copy()
    of_x[i] = full[j]
    of_y[j] = full[j]
    return of_x, of_y


def _spread(points: Floats, count: int) -> NDArray[np.intp]:
    """Indices of points far from each other."""
    if len(points) <= count:
        return np.arange(len(points))
    chosen = [0]
    far = np.full(len(points), np.inf)
    while len(chosen) < count:
        far = np.minimum(far, ((points - points[chosen[-1]]) ** 2).sum(axis=1))
        chosen.append(int(np.argmax(far)))
    return np.array(chosen)
