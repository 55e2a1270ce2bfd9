"""ColorTransfer: colours of a source brought to those of a target."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from quot.applications.color import match_colors, match_samples
from quot.applications.color_map import ColorMap, as_colors
from quot.applications.spaces import SPACES
from quot.estimators._base import KNEE, TYPES, DomainMapper, share_of
from quot.exceptions import InvalidProblemError
from quot.validation import check_option


class ColorTransfer(DomainMapper):
    """Give the colours of a source, or other samples, the distribution of those of a target.

    Samples are the pixels of a picture. A quadratic plan between the palettes of both is made a
    smooth map, `quot.applications.color.match_colors`, and that is applied to any pixels. Whole
    pictures are recoloured by `quot.recolor`, which looks at the neighbours of a pixel, too.

    Parameters
    ----------
    space : {"lab", "rgb", "chromaticity"}, optional
        Where colours are compared. Samples then have three features, the sRGB values red, green and
        blue: floats from 0 to 1, uint8 or uint16; what `transform` returns is from 0 to 1. By
        default samples are compared by their features as they are, however many there are; see
        `quot.applications.color.match_samples`.
    reg : float, optional
        Strength of the quadratic term, see `quot.recolor`.
    mass : float or "knee", optional
        Share of the samples that moves, 0 .. 1. By default, or with "knee", as much as is cheap,
        from half of them on.
    mass_fraction : float, optional
        In place of `mass`: a share of the smaller total, 0 .. 1. As both are 1 it is the same.
    colors : int or None, default=256
        Size of the palettes, by k-means; None takes all samples that differ.
    tol : float, default=1e-9
        Relative duality gap and residuals of the plan.
    random_state : int, default=0
        Seed of the palettes.

    Attributes
    ----------
    map_ : ColorMap
        The palettes, the plan, and the map.
    result_ : Result
        Plan from palette to palette, potentials and certificate.
    n_features_in_ : int
    feature_names_in_ : array of shape (d,)
        If the samples came with names for all features.

    See Also
    --------
    TransportMapper : Samples of the source mapped to the target, each by a plan of its own.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> grey, warm = rng.random((300, 1)) * np.ones(3), rng.random((200, 3)) * [1.0, 0.6, 0.3]
    >>> model = ColorTransfer(space="lab", mass=1.0).fit_domains(grey, warm)
    >>> bool(abs(model.transform(grey).mean(axis=0) - warm.mean(axis=0)).max() < 0.05)
    True
    """

    def __init__(
        self,
        *,
        space: str | None = None,
        reg: float | None = None,
        mass: float | str | None = None,
        mass_fraction: float | None = None,
        colors: int | None = 256,
        tol: float = 1e-9,
        random_state: int = 0,
    ) -> None:
        self.space = space
        self.reg = reg
        self.mass = mass
        self.mass_fraction = mass_fraction
        self.colors = colors
        self.tol = tol
        self.random_state = random_state

    @property
    def _types(self) -> tuple[Any, ...]:  # type: ignore[override]
        """Types of features that stay as they are: whole numbers of colours are levels."""
        return TYPES if self.space is None else (*TYPES, np.uint8, np.uint16)

    def _read(self, X: Any) -> NDArray[Any]:
        if self.space is not None:
            check_option(self.space, "space", SPACES)
        return self._as_colors(super()._read(X))

    def _read_new(self, X: Any) -> NDArray[Any]:
        return self._as_colors(super()._read_new(X))

    def _as_colors(self, X: NDArray[Any], name: str = "X") -> NDArray[Any]:
        """Samples, if they are colours from 0 to 1."""
        if self.space is None:
            return X
        if X.shape[1] != 3:
            raise InvalidProblemError(
                f"`space={self.space!r}` is one of colours, of three features, red, green and "
                f"blue, and the samples have {X.shape[1]}; pass `space=None` for other features."
            )
        kept = X.dtype if X.dtype.kind == "f" else np.float64
        return as_colors(X, name).astype(kept)

    def _fit(self, X: NDArray[Any], Y: NDArray[Any]) -> Self:
        share = share_of(self.mass, self.mass_fraction)
        options: dict[str, Any] = {
            "mass": None if share == KNEE else share,
            "reg": self.reg,
            "colors": self.colors,
            "random_state": self.random_state,
            "tol": self.tol,
        }
        self.map_: ColorMap
        if self.space is None:
            self.map_ = match_samples(X, Y, **options)
        else:
            self.map_ = match_colors(X, self._as_colors(Y, "Xt"), space=self.space, **options)
        self.result_ = self.map_.result
        return self

    def _moves(self, X: NDArray[Any]) -> NDArray[Any]:
        return self.map_(X)
