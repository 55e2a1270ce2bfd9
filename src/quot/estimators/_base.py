"""What estimators share: their parameters, which samples are of the source, and the solve."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import (
    check_array,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from quot.api import (
    SIDES,
    mass_path,
    solve,
    solve_adaptive,
    solve_entropic,
    suggest_reg,
)
from quot.costs import METRICS, PointCost
from quot.estimators._order import Order, order_of, put_back
from quot.exceptions import InvalidProblemError
from quot.interrupts import interruptible
from quot.labels import same_columns
from quot.perplexity import REGULARIZERS
from quot.problem import Problem
from quot.result import Result
from quot.validation import as_number, as_plain, check_option, check_positive

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# Pairs of a point at the strength that is taken if none is given.
NEIGHBOURS = 8
# Types of features that stay as they are.
TYPES = (np.float64, np.float32)
KNEE = "knee"


class BaseDomains(BaseEstimator):  # type: ignore[misc]
    """Estimators of a source and a target: which samples are of which, and how they are read."""

    __metadata_request__fit = {"sample_domain": True}  # noqa: RUF012

    _types: tuple[Any, ...] = TYPES

    def _read(self, X: Any) -> NDArray[Any]:
        """Samples to fit."""
        as_plain(X, "X")
        return np.asarray(validate_data(self, X, dtype=self._types))

    def _read_new(self, X: Any) -> NDArray[Any]:
        """Samples to apply what was fitted to."""
        as_plain(X, "X")
        return np.asarray(validate_data(self, X, dtype=self._types, reset=False))

    def _read_both(self, Xs: Any, Xt: Any) -> tuple[NDArray[Any], NDArray[Any]]:
        """Samples of source and target, to fit; columns that have names are matched by them."""
        for name, samples in (("Xs", Xs), ("Xt", Xt)):
            as_plain(samples, name)
        source = self._read(Xs)
        matched = same_columns(Xs, Xt, ("Xs", "Xt"))
        target = np.asarray(check_array(matched, dtype=self._types, input_name="Xt"))
        if target.shape[1] != source.shape[1]:
            raise InvalidProblemError(
                f"`Xs` has {source.shape[1]} features and `Xt` has {target.shape[1]}; source and "
                "target need the same ones."
            )
        return source, target


class DomainMapper(OneToOneFeatureMixin, TransformerMixin, BaseDomains):  # type: ignore[misc]
    """Estimators that bring samples of a source to a target: `_fit` both, and say what `_moves`."""

    __metadata_request__transform = {"sample_domain": True}  # noqa: RUF012

    def fit(self, X: Any, y: Any = None, *, sample_domain: Any = None) -> Self:
        """Find how the source is brought to the target.

        Parameters
        ----------
        X : array or DataFrame of shape (n, d)
            Samples of both.
        y : object, optional
            Not used.
        sample_domain : int array of shape (n,), optional
            Which samples are of the source, >= 0, and of the target, < 0. Without it all are of
            both, and samples are brought to themselves.

        Returns
        -------
        estimator
            Itself.
        """
        X = self._read(X)
        is_source = split(sample_domain, len(X))
        if is_source is None:
            return self._fit(X, X)
        need_both(is_source)
        return self._fit(X[is_source], X[~is_source])

    def fit_domains(self, Xs: Any, Xt: Any, ys: Any = None) -> Self:
        """Find how the source is brought to the target.

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
        estimator
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
        if mapped[at].size:
            mapped[at] = self._moves(X[at])
        return mapped

    def fit_transform(self, X: Any, y: Any = None, *, sample_domain: Any = None) -> NDArray[Any]:
        """Find how, and return where samples of the source go; those of the target stay.

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

    @abstractmethod
    def _fit(self, X: NDArray[Any], Y: NDArray[Any]) -> Self:
        """Fit samples of the source and of the target."""

    @abstractmethod
    def _moves(self, X: NDArray[Any]) -> NDArray[Any]:
        """Where samples of the source go."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class BaseTransport(BaseDomains):
    """Estimators that solve transport between the samples of a source and of a target.

    The parameters are those of `TransportMapper`. What is fitted begins with `_solve`, which keeps
    `result_`.
    """

    def __init__(
        self,
        *,
        regularizer: str = "quadratic",
        reg: float | None = None,
        eps: float | None = None,
        perplexity: Any = None,
        on: str = "source",
        mass: float | str | None = None,
        mass_fraction: float | None = None,
        metric: str = "sqeuclidean",
        tol: float | None = None,
    ) -> None:
        self.regularizer = regularizer
        self.reg = reg
        self.eps = eps
        self.perplexity = perplexity
        self.on = on
        self.mass = mass
        self.mass_fraction = mass_fraction
        self.metric = metric
        self.tol = tol

    # --- the solve --------------------------------------------------------------------------

    def _solve(self, X: NDArray[Any], Y: NDArray[Any]) -> tuple[Result[Any], Order, Order]:
        """The plan between samples of the same mass in orders of their own, and these orders.

        As samples came, it is `result_`.
        """
        self._check_parameters()
        cost = PointCost(X, Y, metric=self.metric)
        rows, cols = order_of(cost.X), order_of(cost.Y)
        result = self._solved(cost.take(rows, cols))
        self.result_ = put_back(result, rows, cols)
        return result, rows, cols

    def _solved(self, cost: PointCost) -> Result[Any]:
        """The result for points, by the parameters."""
        tol: dict[str, Any] = {} if self.tol is None else {"tol": self.tol}
        if self.perplexity is not None:
            result: Result[Any] = solve_adaptive(
                cost, perplexity=self.perplexity, on=self.on, regularizer=self.regularizer, **tol
            )
            return result
        if self.regularizer == "entropic":
            assert self.eps is not None
            return solve_entropic(cost, eps=self.eps, mass=self._moved(Problem(cost)), **tol)
        reg = self._strength(cost)
        return solve(cost, reg=reg, mass=self._moved(Problem(cost, reg=reg)), **tol)

    def _check_parameters(self) -> None:
        """Refuse, before any work, parameters of several kinds of problems at once."""
        check_option(self.regularizer, "regularizer", REGULARIZERS)
        check_option(self.on, "on", SIDES)
        check_option(self.metric, "metric", METRICS)
        given = [k for k in ("reg", "eps", "perplexity") if getattr(self, k) is not None]
        own, other = ("reg", "eps") if self.regularizer == "quadratic" else ("eps", "reg")
        if len(given) > 1:
            raise InvalidProblemError(
                f"{' and '.join(f'`{k}`' for k in given)} both say how smooth a plan is; pass one."
            )
        if other in given:
            raise InvalidProblemError(
                f"`{other}` is no strength of regularizer={self.regularizer!r}; pass `{own}`, or "
                "the other regularizer."
            )
        if self.regularizer == "entropic" and not given:
            raise InvalidProblemError(
                'regularizer="entropic" needs a strength; pass `eps`, or `perplexity`.'
            )
        if self.eps is not None:
            check_positive(self.eps, "eps")
        if self.perplexity is not None:
            is_pair = self.on == "both" and isinstance(self.perplexity, (tuple, list))
            for each in self.perplexity if is_pair else (self.perplexity,):
                as_number(each, "perplexity")
        mass = share_of(self.mass, self.mass_fraction)
        if self.perplexity is not None and mass is not None:
            raise InvalidProblemError(
                "with `perplexity` all mass moves; leave out `mass` and `mass_fraction`, or pass "
                f"`{own}` in place of `perplexity`."
            )

    def _strength(self, cost: PointCost) -> float:
        """The reg asked for, or one that gives each point some neighbours."""
        if self.reg is not None:
            return self.reg
        few = min(NEIGHBOURS, cost.shape[1])
        share = share_of(self.mass, self.mass_fraction)
        if few < 2 or share == 0.0:
            return 0.0
        mass: Any = None if share == KNEE else share
        return suggest_reg(Problem(cost, mass=mass), neighbours=few)

    @interruptible  # half a path has another knee
    def _moved(self, problem: Problem) -> Any:
        """The mass to move."""
        share = share_of(self.mass, self.mass_fraction)
        return mass_path(problem).knee() if share == KNEE else share


def share_of(mass: Any, fraction: Any) -> float | str | None:
    """Return the share of the samples that moves, by `mass` or by `mass_fraction`; or "knee".

    Source and target have 1 in all, so that the smaller total, of which the latter is a part, is 1.
    """
    if mass is not None and fraction is not None:
        raise InvalidProblemError(
            "`mass` and `mass_fraction` both say how much moves; pass one of them."
        )
    if mass is None and fraction is None:
        return None
    if isinstance(mass, str) and mass == KNEE:
        return KNEE
    name, given = ("mass", mass) if fraction is None else ("mass_fraction", fraction)
    share = as_number(given, name)
    if not 0.0 <= share <= 1.0:
        knee = f", or {KNEE!r}" if name == "mass" else ""
        raise InvalidProblemError(
            f"`{name}` must be from 0 to 1, a share of the samples{knee}; got {share:.6g}."
        )
    return share


def split(sample_domain: Any, size: int) -> Bools | None:
    """Return which samples are of the source; None if nothing says so, and all are of both.

    Parameters
    ----------
    sample_domain : int array of shape (n,), optional
        Of each sample its domain: one of the source if >= 0, one of the target if < 0.
    size : int
        n.
    """
    if sample_domain is None:
        return None
    domains = column_or_1d(sample_domain)
    if domains.dtype.kind not in "iu" or domains.size != size:
        raise InvalidProblemError(
            f"`sample_domain` must have {size} integers, one a sample, >= 0 for those of the "
            f"source; got {domains.size} of type {domains.dtype}."
        )
    is_source: Bools = domains >= 0
    return is_source


def need_both(is_source: Bools) -> None:
    """Refuse samples all of which are of the source, or of the target."""
    if is_source.all() or not is_source.any():
        there, sign, other = (
            ("source", "< 0", "target") if is_source.all() else ("target", ">= 0", "source")
        )
        raise InvalidProblemError(
            f"all {is_source.size} samples are of the {there}, by `sample_domain`; those of the "
            f"{other} need a number {sign}."
        )
