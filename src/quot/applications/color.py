"""Colour transfer: give a photograph part of the colours of another."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from quot import api
from quot.applications.images import as_image
from quot.applications.palette import Palette, distinct_colors, make_palette
from quot.applications.smoothing import smooth_change
from quot.applications.spaces import SPACES, from_space, to_space
from quot.convergence import Iterate, Tolerance
from quot.exceptions import InvalidProblemError
from quot.plan import Plan
from quot.result import Result
from quot.validation import as_number, as_reg, check_count, check_option, check_positive

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

# Neighbours in the other palette that the default `reg` spreads a colour over.
_NEIGHBOURS = 4
# Palette colours whose displacements a pixel mixes.
_MIXED = 12
_CHUNK = 1 << 16


@dataclass(frozen=True, eq=False)
class Recoloring:
    """A recoloured picture, and how it came about.

    Parameters
    ----------
    image : uint8 array of shape (height, width, 3 or 4)
        The source with new colours; transparency as it was.
    source_image, reference_image : uint8 arrays of shape (height, width, 3 or 4)
        The pictures as read.
    source, reference : Palette
        Their palettes, of k and l colours.
    moved : array of shape (k, 3)
        Where the colours of the source went, in the space of the palettes.
    result : Result
        The plan between the palettes, (k, l), with its certificate.
    clipped : float
        Share of the pixels whose new colour no screen shows and that were clipped.
    palette_seconds, paint_seconds : float
        Time for both palettes, and for the full picture; that of the plan is `result.seconds`.
    """

    image: Bytes
    source_image: Bytes
    reference_image: Bytes
    source: Palette
    reference: Palette
    moved: Floats
    result: Result[Plan]
    clipped: float
    palette_seconds: float
    paint_seconds: float

    def summary(self) -> dict[str, Any]:
        """Return the numbers worth printing, by name."""
        result = self.result
        return {
            "height": int(self.image.shape[0]),
            "width": int(self.image.shape[1]),
            "space": self.source.space,
            "source_colors": self.source.size,
            "reference_colors": self.reference.size,
            "reg": float(result.problem.reg),  # type: ignore[attr-defined]
            "value": result.value,
            "cost": result.cost,
            "mass": result.plan.total,
            "nnz": result.plan.nnz,
            "sparsity": result.plan.sparsity,
            "neighbours": result.plan.nnz / self.source.size,
            "gap": result.gap,
            "relative_gap": result.certificate.relative_gap,
            "status": result.status.name,
            "converged": result.converged,
            "clipped": self.clipped,
            "palette_seconds": self.palette_seconds,
            "solve_seconds": result.seconds,
            "paint_seconds": self.paint_seconds,
        }


def recolor(
    source: Any,
    reference: Any,
    *,
    mass: float = 0.8,
    reg: float | None = None,
    colors: int = 256,
    space: str = "lab",
    smooth: int = 16,
    seed: int = 0,
    tol: float = 1e-9,
    callback: Callable[[Iterate], bool | None] | None = None,
) -> Recoloring:
    """Give the source the colours of the reference, as far as the mass reaches.

    Both pictures become palettes, and a plan between them minimises ``<C, P> + reg/2 ||P||^2`` with
    total `mass`; C is the squared distance of two colours over the largest one. A colour of share
    ``a_i`` that sends ``q_i`` moves to ``(sum_j P_ij Y_j + (a_i - q_i) X_i) / a_i``: what is not
    moved stays as it was. A pixel moves as the palette colours nearest to it do, mixed smoothly, so
    that detail and gradients survive; then the changes of neighbouring pixels are smoothed where
    the picture has no edge.

    Parameters
    ----------
    source, reference : path, picture of Pillow, or array of shape (height, width, 3 or 4)
        The picture to recolour, and the one to take colours from, in sRGB, or with a profile in the
        file. Arrays are of uint8, uint16, or floats from 0 to 1; grey ones have two axes. Fully
        transparent pixels do not count.
    mass : float, default=0.8
        Share of the pixels that move, 0 .. 1. The rest, colours that the reference has nothing
        near to, stays. With 1 every pixel takes part, and outliers take odd colours.
    reg : float, optional
        Strength of the quadratic term. The default spreads a colour over about four neighbours:
        the median, over the reference's colours, of the weight at which a colour of mass ``1/k``
        reaches its four nearest. Less makes assignments, which show as speckles; much more
        averages distant colours into grey.
    colors : int, default=256
        Size of the palettes: fewer flatten the picture, more change little and cost time.
    space : {"lab", "rgb"}, default="lab"
        Where distances are measured: CIELAB, close to what the eye sees, or sRGB.
    smooth : int, default=16
        Pixels over which the changes of colour are smoothed where the source is nearly flat. With 0
        a steep map shows what compression has left there: blocks in the sky.
    seed : int, default=0
        Seed of the palettes; the same seed gives the same picture.
    tol : float, default=1e-9
        Relative duality gap and residuals of the plan.
    callback : callable, optional
        See `quot.solve`.

    Returns
    -------
    Recoloring

    Raises
    ------
    InvalidProblemError
        If a file is no picture or an option is out of its range.
    MissingDependencyError
        If a path is given and Pillow is not installed.

    Warns
    -----
    NotConvergedWarning
        If the plan is not within the tolerance.

    Examples
    --------
    >>> import numpy as np
    >>> from quot.applications.color import recolor
    >>> rng = np.random.default_rng(0)
    >>> red, blue = np.zeros((2, 8, 8, 3), np.uint8)
    >>> red[..., 0], blue[..., 2] = rng.integers(200, 255, (2, 8, 8))
    >>> bool(recolor(red, blue, mass=1.0, colors=4).image[..., 0].max() < 100)
    True
    """
    mass = as_number(mass, "mass")
    if not 0.0 <= mass <= 1.0:
        raise InvalidProblemError(
            f"`mass={mass:.6g}` is not a share of the pixels; pass a number in 0 .. 1."
        )
    colors = check_count(colors, "colors", 2)
    check_option(space, "space", SPACES)
    smooth = check_count(smooth, "smooth", 0)
    rng = np.random.default_rng(check_count(seed, "seed", 0))
    reg = None if reg is None else as_reg(reg)
    tolerance = Tolerance.of(tol)
    source_image, reference_image = as_image(source, "source"), as_image(reference, "reference")

    began = time.perf_counter()
    rgb, counts, where = distinct_colors(source_image)
    X = make_palette(rgb, counts, colors, space, rng)
    Y = make_palette(*distinct_colors(reference_image)[:2], colors, space, rng)
    palette_seconds = time.perf_counter() - began

    C = color_cost(X, Y)
    if reg is None:
        reg = suggested_reg(X, Y)
    result = api.solve(
        C,
        X.masses,
        Y.masses,
        reg=reg,
        mass=min(mass, _shared_mass(X, Y)),
        tol=tolerance,
        callback=callback,
    )

    began = time.perf_counter()
    moved = result.plan.barycentric(Y.points, X=X.points, a=X.masses)
    image, clipped = _paint(source_image, rgb, where, X, moved, smooth)
    return Recoloring(
        image=image,
        source_image=source_image,
        reference_image=reference_image,
        source=X,
        reference=Y,
        moved=moved,
        result=result,
        clipped=clipped,
        palette_seconds=palette_seconds,
        paint_seconds=time.perf_counter() - began,
    )


def color_cost(X: Palette, Y: Palette) -> Floats:
    """Return the squared distances of two palettes over the largest, (k, l)."""
    C: Floats = ((X.points[:, None, :] - Y.points[None, :, :]) ** 2).sum(axis=2)
    largest = float(C.max())
    return C / largest if largest > 0 else C


def suggested_reg(X: Palette, Y: Palette, neighbours: int = _NEIGHBOURS) -> float:
    """Return the `reg` at which a colour of mean mass reaches its `neighbours` nearest in Y.

    Mass 1/k spread over the colours at squared distances ``d_1 <= d_2 <= ...`` from a colour y of Y
    just reaches number n when ``sum_(i<n) (d_n - d_i) = reg / k``; y itself has distance 0. The
    median over Y counts.
    """
    check_positive(neighbours, "neighbours")
    wanted = min(neighbours + 1, Y.size)
    if wanted < 2:
        return 1.0
    near = cKDTree(Y.points).query(Y.points, k=wanted)[0] ** 2
    spread = float(np.median((near[:, -1:] - near).sum(axis=1)))
    largest = float(((X.points[:, None, :] - Y.points[None, :, :]) ** 2).sum(axis=2).max())
    return X.size * spread / largest if largest > 0 and spread > 0 else 1.0


def _shared_mass(X: Palette, Y: Palette) -> float:
    """Return the most that can move: 1 but for round-off."""
    return float(min(X.masses.sum(), Y.masses.sum()))


def _paint(  # noqa: PLR0917
    image: Bytes, rgb: Floats, where: NDArray[np.int64], X: Palette, moved: Floats, smooth: int
) -> tuple[Bytes, float]:
    """Return the picture with every distinct colour moved, and the share of pixels clipped."""
    shift = moved - X.points
    change = np.empty_like(rgb)
    tree = cKDTree(X.points)
    for start in range(0, len(rgb), _CHUNK):
        part = slice(start, start + _CHUNK)
        points = to_space(rgb[part], X.space)
        change[part] = from_space(points + _mix(tree, shift, points), X.space) - rgb[part]
    picture = rgb[where].reshape(*image.shape[:2], 3)
    new = picture + smooth_change(change[where].reshape(picture.shape), picture, smooth)
    outside = ((new < -0.5 / 255) | (new > 255.5 / 255)).any(axis=2)
    out = image.copy()
    out[..., :3] = np.rint(255 * np.clip(new, 0.0, 1.0)).astype(np.uint8)
    return out, float(outside.mean())


def _mix(tree: cKDTree, shift: Floats, points: Floats) -> Floats:
    """Interpolate the displacements of the palette at other points, continuously.

    The weights ``((R - d) / (R d))^2`` of the nearest colours, at distances d, vanish at the
    distance R of the next one: no step where the neighbours change (Franke and Little).
    """
    size = min(_MIXED + 1, tree.n)
    if size == 1:
        return np.broadcast_to(shift[0], points.shape)
    distance, nearest = tree.query(points, k=size)
    reach = distance[:, -1:]
    distance = np.maximum(distance[:, :-1], 1e-9 * reach + 1e-300)
    weight = ((reach - distance) / (reach * distance)) ** 2
    weight /= weight.sum(axis=1, keepdims=True)
    mixed: Floats = np.einsum("ij,ijk->ik", weight, shift[nearest[:, :-1]])
    return mixed
