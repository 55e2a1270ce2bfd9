"""TransportMapper: samples of the source brought to where those of the target are."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from quot.estimators._base import BaseTransport, DomainMapper
from quot.estimators._extension import Extension


class TransportMapper(DomainMapper, BaseTransport):
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
    mass_fraction : float, optional
        In place of `mass`: a share of the smaller total, 0 .. 1. As both are 1 it is the same.
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

    def _fit(self, X: NDArray[Any], Y: NDArray[Any]) -> Self:
        result, _, cols = self._solve(X, Y)
        target = Y[cols].astype(np.float64)
        self._extension = Extension.of(result, target, on_source=True)
        return self

    def _moves(self, X: NDArray[Any]) -> NDArray[Any]:
        images = self._extension(X)
        return np.where(np.isnan(images), X, images)
