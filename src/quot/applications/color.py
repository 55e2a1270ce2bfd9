"""Colour transfer: give a photograph part of the colours of another."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from quot import api
from quot.applications.color_map import ColorMap, SampleMap, as_colors, as_samples
from quot.applications.images import as_image, write_image
from quot.applications.palette import Palette, distinct_colors, make_palette
from quot.applications.smoothing import smooth_flat
from quot.applications.spaces import AXES, SPACES, UNIT, rgb_to_lab, to_space
from quot.convergence import Iterate, Tolerance
from quot.costs import PointCost
from quot.exceptions import InvalidProblemError
from quot.interrupts import interruptible
from quot.io.files import PathLike
from quot.order import by_name
from quot.plan import Plan
from quot.problem import Problem
from quot.result import Result
from quot.shown import Shown
from quot.validation import as_number, as_reg, check_count, check_option

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Callback = Callable[[Iterate], bool | None]

# Neighbours that the default `reg` spreads a colour over, of 256 colours and at most.
_NEIGHBOURS, _MOST = 4, 16
# Colours of the palettes whose price says how many pixels move, and the masses that are tried.
_PRICED, _SHARES = 256, np.linspace(0.5, 1.0, 26)
# How far from its own colour a pixel looks up the map, in units of the space.
_FAR = 0.06


@dataclass(frozen=True, eq=False, repr=False)
class Recoloring(Shown):
    """A recoloured picture, and how it came about.

    Parameters
    ----------
    image : uint8 array of shape (height, width, 3 or 4)
        The source with new colours; transparency as it was.
    source_image, reference_image : uint8 arrays of shape (height, width, 3 or 4)
        The pictures as read.
    map : ColorMap
        The palettes, the plan between them, and what it makes of any colour.
    palette_seconds, paint_seconds : float
        Time for palettes and mass, and for the full picture; that of the plan is `result.seconds`.
    """

    image: Bytes
    source_image: Bytes
    reference_image: Bytes
    map: ColorMap
    palette_seconds: float
    paint_seconds: float

    @property
    def source(self) -> Palette:
        """The palette of the source, of k colours."""
        return self.map.source

    @property
    def reference(self) -> Palette:
        """The palette of the reference, of l colours."""
        return self.map.reference

    @property
    def result(self) -> Result[Plan]:
        """The plan between the palettes, (k, l), with its certificate."""
        return self.map.result

    @property
    def moved(self) -> Floats:
        """Where the colours of the source went, in the space of the palettes, (k, 3)."""
        return self.map.moved

    def save(self, path: PathLike) -> None:
        """Write the picture as PNG, JPEG, TIFF or WebP, by suffix."""
        write_image(self.image, path)

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
            "knee": self.map.knee,
            "nnz": result.plan.nnz,
            "sparsity": result.plan.sparsity,
            "neighbours": result.plan.nnz / self.source.size,
            "gap": result.gap,
            "relative_gap": result.certificate.relative_gap,
            "status": result.status.name,
            "converged": result.converged,
            "palette_seconds": self.palette_seconds,
            "solve_seconds": result.seconds,
            "paint_seconds": self.paint_seconds,
        }

    def _facts(self) -> dict[str, Any]:
        height, width = self.image.shape[:2]
        seconds = self.palette_seconds + self.result.seconds + self.paint_seconds
        return {
            "pixels": f"{height:,} x {width:,}",
            **self.map._facts(),
            "seconds": f"{seconds:.3g}",
        }

    def __repr__(self) -> str:
        height, width = self.image.shape[:2]
        return f"Recoloring({height} x {width} pixels, {self.map!r})"


@by_name("mass")
def recolor(
    source: Any,
    reference: Any,
    *,
    mass: float | None = None,
    reg: float | None = None,
    colors: int | None = 256,
    space: str = "lab",
    smooth: int = 16,
    random_state: int = 0,
    tol: float = 1e-9,
    callback: Callback | None = None,
) -> Recoloring:
    """Give the source the colours of the reference, as far as the mass reaches.

    Both pictures become palettes, and a plan between them minimises ``<C, P> + reg/2 ||P||^2`` with
    total `mass`; C is the squared distance of two colours, in units of a hundred of CIELAB, 1 of
    sRGB, or half of chromaticity. A colour of share ``a_i`` that sends ``q_i`` moves to
    ``(sum_j P_ij Y_j + (a_i - q_i) X_i) / a_i``: what is not moved stays as it was. From there the
    plan is made a smooth map of all colours, whose values are mixtures of a colour's own and of
    those that the reference sends. Where the picture is flat, a pixel looks it up at the mean
    colour around it, never across an edge, so that a steep map does not show what noise and
    compression have left there.

    Parameters
    ----------
    source, reference : path, picture of Pillow, or array of shape (height, width, 3 or 4)
        The picture to recolour, and the one to take colours from, in sRGB, or with a profile in the
        file. Arrays are of uint8, uint16, or floats from 0 to 1; grey ones have two axes. Fully
        transparent pixels do not count.
    mass : float, optional
        Share of the pixels that move, 0 .. 1. The rest, colours that the reference has nothing
        near to, stays. With 1 every pixel takes part, and outliers take odd colours. The default is
        the knee of the price, from half of the pixels on: what moving one more costs, as a distance
        of colours, rises slowly up to it, and fast beyond.
    reg : float, optional
        Strength of the quadratic term. The default spreads a colour over about four neighbours of
        256, and up to 16 of more: the median, over the reference's colours, of the weight at which
        a colour of mass ``1/k`` reaches that many. Less makes assignments; much more averages
        distant colours into grey.
    colors : int or None, default=256
        Size of the palettes, by k-means: fewer flatten the picture, more cost time. None takes
        every colour that there is.
    space : {"lab", "rgb", "chromaticity"}, default="lab"
        Where distances are measured: CIELAB, close to what the eye sees; sRGB; or the chromaticity
        ``(G, B) / (R + G + B)``, where brightness stays as it was.
    smooth : int, default=16
        Pixels over which the picture is averaged, where it is flat, to look up the map. With 0
        every pixel goes by its own colour.
    random_state : int, default=0
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
    >>> import numpy as np, quot
    >>> rng = np.random.default_rng(0)
    >>> red, blue = np.zeros((2, 8, 8, 3), np.uint8)
    >>> red[..., 0], blue[..., 2] = rng.integers(200, 255, (2, 8, 8))
    >>> bool(quot.recolor(red, blue, mass=1.0, colors=4).image[..., 0].max() < 100)
    True
    """
    smooth = check_count(smooth, "smooth", 0)
    space = check_option(space, "space", SPACES)
    options = Matching.of(mass, reg, colors, space, random_state=random_state, tol=tol)
    source_image, reference_image = as_image(source, "source"), as_image(reference, "reference")

    began = time.perf_counter()
    rgb, counts, where = distinct_colors(source_image)
    map = options.match((rgb, counts), distinct_colors(reference_image)[:2], callback)
    palette_seconds = time.perf_counter() - began - map.result.seconds

    began = time.perf_counter()
    image = _paint(source_image, rgb[where], map, smooth)
    return Recoloring(
        image=image,
        source_image=source_image,
        reference_image=reference_image,
        map=map,
        palette_seconds=palette_seconds,
        paint_seconds=time.perf_counter() - began,
    )


@by_name("mass")
def match_colors(
    source: Any,
    reference: Any,
    *,
    mass: float | None = None,
    reg: float | None = None,
    colors: int | None = 256,
    space: str = "lab",
    random_state: int = 0,
    tol: float = 1e-9,
    callback: Callback | None = None,
) -> ColorMap:
    """Return the map of colours from the pixels of one picture to those of another.

    Parameters
    ----------
    source, reference : array of shape (n, 3) and (m, 3)
        sRGB: floats in 0 .. 1, uint8 or uint16.
    mass, reg : float, optional
    colors : int, default=256
    space : {"lab", "rgb", "chromaticity"}, default="lab"
    random_state : int, default=0
    tol : float, default=1e-9
    callback : callable, optional
        All as for `recolor`.

    Returns
    -------
    ColorMap
        ``map(rgb)`` are the new colours of any others, (k, 3).

    Raises
    ------
    InvalidProblemError
        If there are no colours, or an option is unusable.

    Examples
    --------
    >>> from quot.applications.color import match_colors
    >>> map = match_colors([[0.2, 0.2, 0.2], [0.8, 0.8, 0.8]], [[0.3, 0.3, 0.3], [0.9, 0.9, 0.9]])
    >>> map([[0.2, 0.2, 0.2]]).shape
    (1, 3)
    """
    space = check_option(space, "space", SPACES)
    options = Matching.of(mass, reg, colors, space, random_state=random_state, tol=tol)
    pixels = as_colors(source, "source"), as_colors(reference, "reference")
    X, Y = (np.unique(each, axis=0, return_counts=True) for each in pixels)
    return options.match(X, Y, callback)


@by_name("mass")
def match_samples(
    source: Any,
    reference: Any,
    *,
    mass: float | None = None,
    reg: float | None = None,
    colors: int | None = 256,
    random_state: int = 0,
    tol: float = 1e-9,
    callback: Callback | None = None,
) -> SampleMap:
    """Return the map of `match_colors` for samples of any columns, compared as they are.

    Parameters
    ----------
    source, reference : array of shape (n, d) and (m, d)
        Finite numbers.
    mass, reg : float, optional
    colors : int, default=256
    random_state : int, default=0
    tol : float, default=1e-9
    callback : callable, optional
        All as for `recolor`. Distances are in units of the largest range of a column, in both.

    Returns
    -------
    SampleMap
        ``map(samples)`` are new samples of any others, (k, d).

    Raises
    ------
    InvalidProblemError
        If there are no samples, the two have other columns, or an option is unusable.
    """
    options = Matching.of(mass, reg, colors, None, random_state=random_state, tol=tol)
    X = as_samples(source, "source")
    Y = as_samples(reference, "reference", X.shape[1])
    low = np.minimum(X.min(axis=0), Y.min(axis=0))
    unit = float((np.maximum(X.max(axis=0), Y.max(axis=0)) - low).max()) or 1.0
    one, two = (np.unique((Z - low) / unit, axis=0, return_counts=True) for Z in (X, Y))
    found = options.match(one, two, callback)
    return SampleMap(found.source, found.reference, found.result, found.knee, low, unit)


@dataclass(frozen=True)
class Matching:
    """What decides how the colours of two pictures are matched; see `recolor`."""

    mass: float | None
    reg: float | None
    colors: int | None
    space: str | None
    random_state: int
    tolerance: Tolerance

    @classmethod
    def of(
        cls,
        mass: float | None,
        reg: float | None,
        colors: int | None,
        space: str | None,
        *,
        random_state: int,
        tol: float,
    ) -> Matching:
        """Judge the options."""
        mass = None if mass is None else as_number(mass, "mass")
        if mass is not None and not 0.0 <= mass <= 1.0:
            raise InvalidProblemError(
                f"`mass={mass:.6g}` is not a share of the pixels; pass a number in 0 .. 1."
            )
        return cls(
            mass,
            None if reg is None else as_reg(reg),
            None if colors is None else check_count(colors, "colors", 2),
            space,
            check_count(random_state, "random_state", 0),
            Tolerance.of(tol),
        )

    def match(
        self,
        source: tuple[Floats, Ints],
        reference: tuple[Floats, Ints],
        callback: Callback | None = None,
    ) -> ColorMap:
        """Return the map between distinct colours in sRGB, with how many pixels have each."""
        X, Y = self._palettes(source, reference, self.colors)
        mass, knee = self.mass, None
        if mass is None:
            few = self.colors is not None and self.colors <= _PRICED
            priced = (X, Y) if few else self._palettes(source, reference, _PRICED)
            mass = knee = knee_of_price(*priced)
        unit = UNIT[self.space]
        result = api.solve_points(
            X.places / unit,
            Y.places / unit,
            X.masses,
            Y.masses,
            reg=suggested_reg(X, Y) if self.reg is None else self.reg,
            mass=min(mass, _shared_mass(X, Y)),
            tol=self.tolerance,
            callback=callback,
        )
        return ColorMap(X, Y, result, knee)

    def _palettes(
        self, source: tuple[Floats, Ints], reference: tuple[Floats, Ints], colors: int | None
    ) -> tuple[Palette, Palette]:
        """The palettes; of equal pictures they are equal."""
        X, Y = (
            make_palette(*each, colors, self.space, np.random.default_rng(self.random_state))
            for each in (source, reference)
        )
        return X, Y


@interruptible  # half a path has another knee
def knee_of_price(X: Palette, Y: Palette) -> float:
    """Return the share of the pixels, from half of them, up to which moving is cheap.

    What the last pixel costs is taken as a distance, not squared: see `quot.Path.knee`. It is 1 if
    nothing costs anything.
    """
    cost = PointCost(X.places / UNIT[X.space], Y.places / UNIT[Y.space], metric="euclidean")
    problem = Problem(cost, X.masses, Y.masses, mass=0.5)
    path = api.mass_path(problem, _SHARES * _shared_mass(X, Y))
    return path.knee() if path.costs[-1] > 1e-9 else 1.0


def suggested_reg(X: Palette, Y: Palette) -> float:
    """Return the `reg` at which a colour of mean mass reaches the few that are nearest in Y.

    Mass 1/k spread over the colours at squared distances ``d_1 <= d_2 <= ...`` from a colour y of Y
    just reaches number n when ``sum_(i<n) (d_n - d_i) = reg / k``; y itself has distance 0. The
    median over Y counts.
    """
    neighbours = round(_NEIGHBOURS * math.sqrt(Y.size / 256))
    wanted = min(min(max(neighbours, 1), _MOST) + 1, Y.size)
    if wanted < 2:
        return 1.0
    places = Y.places / UNIT[Y.space]
    near = cKDTree(places).query(places, k=wanted)[0] ** 2
    spread = float(np.median((near[:, -1:] - near).sum(axis=1)))
    return X.size * spread if spread > 0 else 1.0


def _shared_mass(X: Palette, Y: Palette) -> float:
    """Return the most that can move: 1 but for round-off."""
    return float(min(X.masses.sum(), Y.masses.sum()))


def _paint(image: Bytes, rgb: Floats, map: ColorMap, smooth: int) -> Bytes:
    """Return the picture with every pixel moved."""
    space = map.source.space
    picture = rgb.reshape(*image.shape[:2], 3)
    lab = rgb_to_lab(picture)
    points = lab if space == "lab" else to_space(picture, space)
    seen = image[..., 3] > 0 if image.shape[2] == 4 else np.ones(image.shape[:2], dtype=bool)
    apart = smooth_flat(points, lab, seen, smooth) - points
    length = np.linalg.norm(apart[..., : AXES[space]], axis=2, keepdims=True)
    near = points + apart * np.minimum(1.0, _FAR * UNIT[space] / np.maximum(length, 1e-300))
    new = map.paint(rgb, points.reshape(-1, 3), near.reshape(-1, 3)).reshape(picture.shape)
    out = image.copy()
    out[..., :3] = np.rint(255 * new).astype(np.uint8)
    return out
