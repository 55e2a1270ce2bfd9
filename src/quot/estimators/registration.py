"""RigidRegistration: points of a source laid upon those of a target."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted, validate_data

from quot.applications.registration import register
from quot.estimators._base import TYPES, DomainMapper


class RigidRegistration(DomainMapper):
    """Turn and shift samples of a source so that they lie upon those of a target.

    Parts of both may have no counterpart. Samples are points, of which the features are the
    coordinates; see `quot.applications.registration.register`, in particular on what is found in
    other dimensions than two and three.

    Parameters
    ----------
    scale : bool, default=False
        Whether the motion may make the source larger or smaller, too.
    mass_fraction : float, optional
        Share of the smaller cloud that the plan moves, 0 < mass_fraction <= 1. By default nine
        tenths of what comes to lie near the other.
    regularizer : {"quadratic", "entropic"}, default="quadratic"
        What smooths the plan; how strongly, is found.
    n_starts : int, default=60
        Rotations to start from.
    max_points : int, optional
        Points of a cloud that the plan is between.
    tol : float, default=1e-3
        By how much of its value a better motion may make the last plan cheaper.
    random_state : int, default=0
        Seed of what is drawn.

    Attributes
    ----------
    rotation_ : array of shape (d, d)
        Of determinant 1.
    translation_ : array of shape (d,)
    scale_ : float
        A point x goes to ``scale_ * rotation_ @ x + translation_``.
    matches_ : int array of shape (n,)
        Of each sample of the source, which of the target gets most of its mass; -1 if none does.
    registration_ : Registration
        All there is to know: overlap, error, rivals, history.
    result_ : Result
        Plan from the moved source to the target, potentials and certificate.
    n_features_in_ : int
    feature_names_in_ : array of shape (d,)
        If the samples came with names for all features.

    See Also
    --------
    TransportMapper : Samples mapped by no rule but the plan.

    Examples
    --------
    >>> import numpy as np
    >>> t = np.linspace(0.0, 5.0, 200)
    >>> X = np.stack((t * np.cos(t), t * np.sin(t)), axis=1)
    >>> Y = X[40:] @ [[0.0, 1.0], [-1.0, 0.0]] + [3.0, 1.0]
    >>> model = RigidRegistration().fit_domains(X, Y)
    >>> model.transform(X[40:42]).round(3).tolist() == Y[:2].round(3).tolist()
    True
    """

    def __init__(
        self,
        *,
        scale: bool = False,
        mass_fraction: float | None = None,
        regularizer: str = "quadratic",
        n_starts: int = 60,
        max_points: int | None = None,
        tol: float = 1e-3,
        random_state: int = 0,
    ) -> None:
        self.scale = scale
        self.mass_fraction = mass_fraction
        self.regularizer = regularizer
        self.n_starts = n_starts
        self.max_points = max_points
        self.tol = tol
        self.random_state = random_state

    def inverse_transform(self, X: Any) -> NDArray[Any]:
        """Return where samples of the target come from.

        Parameters
        ----------
        X : array or DataFrame of shape (k, d)

        Returns
        -------
        array of shape (k, d)
        """
        check_is_fitted(self)
        X = self._read_new(X)
        back: NDArray[Any] = self.registration_.inverse.transform(X).astype(X.dtype)
        return back

    def _read(self, X: Any) -> NDArray[Any]:
        return np.asarray(validate_data(self, X, dtype=TYPES, ensure_min_samples=2))

    def _fit(self, X: NDArray[Any], Y: NDArray[Any]) -> Self:
        found = register(X, Y, **self.get_params())
        best = found.result.plan.matches()
        self.registration_, self.result_ = found, found.result
        self.rotation_, self.translation_ = found.rotation, found.translation
        self.scale_ = found.scale
        self.matches_ = np.full(len(X), -1, np.intp)
        self.matches_[found.rows] = np.where(best < 0, -1, found.cols[best])
        return self

    def _moves(self, X: NDArray[Any]) -> NDArray[Any]:
        return self.registration_.transform(X)
