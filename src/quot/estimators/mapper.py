"""TransportMapper: samples of the source brought to where those of the target are."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from quot.estimators._base import BaseTransport, need_both, split
from quot.estimators._extension import Extension


class TransportMapper(OneToOneFeatureMixin, TransformerMixin, BaseTransport):  # type: ignore[misc]
    """Map samples of a source to where an optimal plan sends them among those of a target.

    A sample goes to the average of the target by its row of the plan. One that was not fitted goes
    to where it would if it were one more and the target kept its prices: out of sample it costs one
    pass over the target. Of a partial plan, samples that send nothing stay where they are.

    Parameters
    ----------
    regularizer : {"quadratic", "entropic"}, default="quadratic"
        Quadratic plans are sparse; in entropic ones all pairs carry mass.
    reg : float, optional
        Strength of the quadratic term, in cost per mass, >= 0. By default as much as gives a
        point about 8 others.
    eps : float, optional
        Temperature of the entropy, > 0.
    perplexity : float or pair, optional
        With how many others a point shares its mass at least, in place of a strength; all mass
        moves then. With ``on="both"`` a pair, of the source and of the target, or one for both.
    on : {"source", "target", "both", "average"}, default="source"
        Whose points have the perplexity; see `quot.solve_adaptive`.
    mass : float or "knee", optional
        Mass to move, of 1 that source and target have each: a share of the samples. None moves
        all; "knee" as much as is cheap, see `quot.Path.knee`.
    metric : {"sqeuclidean", "euclidean", "cityblock", "cosine"}, default="sqeuclidean"
        Cost between two points.
    tol : float, optional
        Relative duality gap and residuals of the plan; by default those of the solver.

    Attributes
    ----------
    result_ : Result
        Plan from source to target, potentials and certificate; rows and columns are the samples of
        each in the order in which they came.
    n_features_in_ : int
    feature_names_in_ : array of shape (d,)
        If the samples came with names for all features.

    See Also
    --------
    TransportLabelPropagation : Labels of the source brought to the target.

    Examples
    --------
    >>> import numpy as np
    >>> Xs = np.arange(6.0)[:, None]
    >>> mapper = TransportMapper(reg=0.0).fit_domains(Xs, Xs + 10.0)
    >>> mapper.transform([[0.0], [2.2]]).tolist()
    [[10.0], [12.0]]
    """

    __metadata_request__transform = {"sample_domain": True}  # noqa: RUF012

    def fit(self, X: Any, y: Any = None, *, sample_domain: Any = None) -> Self:
        """Find the plan from the source to the target.

        Parameters
        ----------
        X : array or DataFrame of shape (n, d)
            Samples of both.
        y : object, optional
            Not used.
        sample_domain : int array of shape (n,), optional
            Which samples are of the source, >= 0, and of the target, < 0. Without it all are of
            both, and the plan is one of the samples with themselves.

        Returns
        -------
        TransportMapper
            Itself.
        """
        X = self._read(X)
        is_source = split(sample_domain, len(X))
        if is_source is None:
            return self._fit(X, X)
        need_both(is_source)
        return self._fit(X[is_source], X[~is_source])

    def fit_domains(self, Xs: Any, Xt: Any, ys: Any = None) -> Self:
        """Find the plan from samples of the source to those of the target.

        Parameters
        ----------
        Xs : array or DataFrame of shape (n, d)
            Source.
        Xt : array or DataFrame of shape (m, d)
            Target. If both have names for their columns, these must be the same, in any order.
        ys : object, optional
            Not used.

        Returns
        -------
        TransportMapper
            Itself.
        """
        return self._fit(*self._read_both(Xs, Xt))

    def transform(self, X: Any, *, sample_domain: Any = None) -> NDArray[Any]:
        """Return where samples of the source go, (k, d).

        Parameters
        ----------
        X : array or DataFrame of shape (k, d)
        sample_domain : int array of shape (k,), optional
            Which samples are of the source, >= 0; others stay. Without it all are.

        Returns
        -------
        array of shape (k, d)
        """
        check_is_fitted(self)
        X = self._read_new(X)
        is_source = split(sample_domain, len(X))
        at = slice(None) if is_source is None else np.flatnonzero(is_source)
        mapped: NDArray[Any] = X.copy()
        images = self._extension(X[at])
        mapped[at] = np.where(np.isnan(images), X[at], images)
        return mapped

    def fit_transform(self, X: Any, y: Any = None, *, sample_domain: Any = None) -> NDArray[Any]:
        """Find the plan and return where samples of the source go; those of the target stay.

        Parameters
        ----------
        X : array or DataFrame of shape (n, d)
            Samples of both.
        y : object, optional
            Not used.
        sample_domain : int array of shape (n,), optional
            As for `fit`.

        Returns
        -------
        array of shape (n, d)
        """
        fitted = self.fit(X, y, sample_domain=sample_domain)
        return fitted.transform(X, sample_domain=sample_domain)

    def _fit(self, X: NDArray[Any], Y: NDArray[Any]) -> Self:
        result, _, cols = self._solve(X, Y)
        target = Y[cols].astype(np.float64)
        self._extension = Extension.of(result, target, on_source=True)
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
