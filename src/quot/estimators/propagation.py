"""TransportLabelPropagation: labels of the source brought to the target."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    check_X_y,
    column_or_1d,
)

from quot.estimators._base import TYPES, BaseTransport, Bools, need_both, share_of, split
from quot.estimators._extension import Extension
from quot.exceptions import InvalidProblemError
from quot.validation import as_plain

Floats = NDArray[np.float64]


class TransportLabelPropagation(ClassifierMixin, BaseTransport):  # type: ignore[misc]
    """Bring the labels of a source to a target by an optimal plan between them.

    Each sample of the target gets the label from which most of its mass comes. One that was not
    fitted gets what it would if it were one more and the source kept its prices. Of a partial plan,
    samples that receive nothing stay unlabelled.

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
    on : {"source", "target", "both", "average"}, default="target"
        Whose points have the perplexity; see `quot.solve_adaptive`. With "target" so many samples
        of the source have a say in each label.
    mass : float or "knee", optional
        Mass to move, of 1 that source and target have each: a share of the samples. None moves
        all; "knee" as much as is cheap, see `quot.Path.knee`.
    mass_fraction : float, optional
        In place of `mass`: a share of the smaller total, 0 .. 1. As both are 1 it is the same.
    metric : {"sqeuclidean", "euclidean", "cityblock", "cosine"}, default="sqeuclidean"
        Cost between two points.
    tol : float, optional
        Relative duality gap and residuals of the plan; by default those of the solver.
    unlabelled : int, float or str, optional
        What `predict` says of a sample that receives nothing; no class. By default -1, or the empty
        string "" where classes are text.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
        Labels of the source, each once, sorted.
    label_distributions_ : array of shape (m, n_classes)
        Of each sample of the target, in the order in which they came, the share of its mass that
        comes from each class; 0 for all where it receives nothing.
    transduction_ : array of shape (m,)
        The labels of the target; `unlabelled` where it receives nothing.
    result_ : Result
        Plan from source to target, potentials and certificate.
    n_features_in_ : int
    feature_names_in_ : array of shape (d,)
        If the samples came with names for all features.

    See Also
    --------
    TransportMapper : Samples of the source mapped to the target.

    Examples
    --------
    >>> import numpy as np
    >>> Xs, Xt = np.array([[0.0], [1.0], [5.0]]), np.array([[0.5], [1.5], [20.0]])
    >>> model = TransportLabelPropagation(reg=0.0, mass=2 / 3)
    >>> model.fit_domains(Xs, Xt, ["a", "a", "b"]).transduction_.tolist()
    ['a', 'a', '']
    """

    def __init__(
        self,
        *,
        regularizer: str = "quadratic",
        reg: float | None = None,
        eps: float | None = None,
        perplexity: Any = None,
        on: str = "target",
        mass: float | str | None = None,
        mass_fraction: float | None = None,
        metric: str = "sqeuclidean",
        tol: float | None = None,
        unlabelled: Any = None,
    ) -> None:
        super().__init__(
            regularizer=regularizer,
            reg=reg,
            eps=eps,
            perplexity=perplexity,
            on=on,
            mass=mass,
            mass_fraction=mass_fraction,
            metric=metric,
            tol=tol,
        )
        self.unlabelled = unlabelled

    def fit(self, X: Any, y: Any, *, sample_domain: Any = None) -> Self:
        """Find the plan, and bring labels to the target.

        Parameters
        ----------
        X : array or DataFrame of shape (n, d)
            Samples of both.
        y : array of shape (n,)
            Labels. With `sample_domain` those of the target are not looked at. Without it samples
            whose label is missing, NaN or None, are the target; -1 is a class as any other.
        sample_domain : int array of shape (n,), optional
            Which samples are of the source, >= 0, and of the target, < 0. If nothing says so all
            are of both: then labels are smoothed.

        Returns
        -------
        TransportLabelPropagation
            Itself.
        """
        X = self._read(X)
        if y is None:
            raise InvalidProblemError(
                f"{type(self).__name__} requires y to be passed, but the target y is None; pass "
                "the labels of the source."
            )
        y = _labels(y)
        check_consistent_length(X, y)
        is_source = split(sample_domain, len(X))
        if is_source is None and _is_missing(y).any():
            is_source = ~_is_missing(y)
        if is_source is None:
            return self._fit(X, y, X)
        need_both(is_source)
        return self._fit(X[is_source], y[is_source], X[~is_source])

    def fit_domains(self, Xs: Any, Xt: Any, ys: Any) -> Self:
        """Find the plan, and bring labels to the target.

        Parameters
        ----------
        Xs : array or DataFrame of shape (n, d)
            Source.
        Xt : array or DataFrame of shape (m, d)
            Target. If both have names for their columns, these must be the same, in any order.
        ys : array of shape (n,)
            Labels of the source.

        Returns
        -------
        TransportLabelPropagation
            Itself.
        """
        source, target = self._read_both(Xs, Xt)
        return self._fit(source, _labels(ys), target)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the labels of samples of the target, (k,); `unlabelled` where there is none.

        Parameters
        ----------
        X : array or DataFrame of shape (k, d)

        Returns
        -------
        array of shape (k,)
        """
        return self._named(self.predict_proba(X))

    def predict_proba(self, X: Any) -> Floats:
        """Return what share of its mass a sample of the target gets from each class.

        Parameters
        ----------
        X : array or DataFrame of shape (k, d)

        Returns
        -------
        array of shape (k, n_classes)
            Rows of sum 1; of a sample that receives nothing all are 0.
        """
        check_is_fitted(self)
        return np.nan_to_num(self._extension(self._read_new(X)), nan=0.0)

    def _fit(self, Xs: NDArray[Any], ys: NDArray[Any], Xt: NDArray[Any]) -> Self:
        Xs, ys = check_X_y(Xs, ys, dtype=TYPES, estimator=self)
        check_classification_targets(ys)
        self.classes_, at = np.unique(ys, return_inverse=True)
        self._names = self._all_names()
        result, rows, _ = self._solve(Xs, Xt)
        each = np.eye(self.classes_.size)[at[rows]]
        self._extension = Extension.of(result, each, on_source=False)
        self.label_distributions_ = np.nan_to_num(self._extension(Xt), nan=0.0)
        self.transduction_ = self._named(self.label_distributions_)
        return self

    def _all_names(self) -> NDArray[Any]:
        """The classes and, if some samples may get none, what stands for that."""
        classes: NDArray[Any] = self.classes_
        if share_of(self.mass, self.mass_fraction) is None:
            return classes
        is_text = classes.dtype.kind in "OSU"
        mark = self.unlabelled
        if mark is None:
            mark = "" if is_text else -1
        if isinstance(mark, str) != is_text:
            raise InvalidProblemError(
                f"`unlabelled={mark!r}` is no {'text' if is_text else 'number'}, and the classes "
                "are; pass one of their kind."
            )
        if mark in classes.tolist():
            raise InvalidProblemError(
                f"`unlabelled={mark!r}` is one of the classes, and some samples may receive no "
                "mass; pass a value for these that is none."
            )
        return np.append(classes, mark)

    def _named(self, shares: Floats) -> NDArray[Any]:
        """The class of the largest share of each row; the mark where there is none."""
        best = np.where(shares.any(axis=1), shares.argmax(axis=1), -1)
        named: NDArray[Any] = self._names[best]
        return named


def _labels(y: Any) -> NDArray[Any]:
    """Labels as an array; NaN among text stays NaN."""
    if isinstance(y, (list, tuple)) and any(isinstance(label, str) for label in y):
        y = np.array(y, dtype=object if any(map(_is_nothing, y)) else None)
    labels: NDArray[Any] = column_or_1d(as_plain(y, "y"), warn=True)
    return labels


def _is_missing(y: NDArray[Any]) -> Bools:
    """Which labels are missing: NaN, None, or what pandas has for them."""
    if y.dtype.kind == "f":
        return np.asarray(np.isnan(y))
    if y.dtype.kind != "O":
        return np.zeros(len(y), np.bool_)
    return np.array([_is_nothing(label) for label in y], np.bool_)


def _is_nothing(label: Any) -> bool:
    try:
        return label is None or bool(label != label)  # noqa: PLR0124
    except TypeError:  # pandas.NA has no truth value
        return True
