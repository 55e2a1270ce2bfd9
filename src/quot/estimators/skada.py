"""Adapter for pipelines of skada (extra `skada`).

Importing it imports skada, which switches scikit-learn's metadata routing on for the whole process.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from quot.estimators.mapper import TransportMapper
from quot.optional import need

need("skada", "adapters", "skada")

from skada.base import BaseAdapter  # noqa: E402
from skada.utils import check_X_domain  # noqa: E402


class TransportAdapter(TransportMapper, BaseAdapter):  # type: ignore[misc]
    """`TransportMapper` as a step of ``skada.make_da_pipeline``.

    In a pipeline samples of the source are mapped to the target while it is fitted, and those of
    the target stay as they are: then and when labels are predicted.

    Parameters
    ----------
    regularizer, reg, eps, perplexity, on, mass, mass_fraction, metric, tol
        As for `TransportMapper`.
    """

    def transform(
        self, X: Any, y: Any = None, *, sample_domain: Any = None, allow_source: bool = False
    ) -> NDArray[Any]:
        """Return samples of the source mapped, (k, d); those of the target stay.

        Parameters
        ----------
        X : array of shape (k, d)
        y : object, optional
            Not used.
        sample_domain : int array of shape (k,), optional
            Which samples are of the source, >= 0. Without it all are of the target.
        allow_source : bool, default=False
            Whether some may be of the source.

        Returns
        -------
        array of shape (k, d)
        """
        X, sample_domain = check_X_domain(X, sample_domain, allow_source=allow_source)
        return super().transform(X, sample_domain=sample_domain)

    def fit_transform(self, X: Any, y: Any = None, *, sample_domain: Any = None) -> NDArray[Any]:
        """Find the plan and return samples of the source mapped; those of the target stay.

        Parameters
        ----------
        X : array of shape (n, d)
            Samples of both.
        y : object, optional
            Not used.
        sample_domain : int array of shape (n,), optional
            Which samples are of the source, >= 0, and of the target, < 0.

        Returns
        -------
        array of shape (n, d)
        """
        X, sample_domain = check_X_domain(X, sample_domain)
        self.fit(X, sample_domain=sample_domain)
        return self.transform(X, sample_domain=sample_domain, allow_source=True)
