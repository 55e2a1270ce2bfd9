"""What estimators share: their parameters, which samples are of the source, and the solve."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array, column_or_1d, validate_data

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
_KNEE = "knee"


class BaseTransport(BaseEstimator):  # type: ignore[misc]
    """Estimators that solve transport between the samples of a source and of a target.

    The parameters are those of `TransportMapper`. What is fitted begins with `_solve`, which keeps
    `result_`, and `split` and `need_both` say which samples are of the source.
    """

    __metadata_request__fit = {"sample_domain": True}  # noqa: RUF012

    def __init__(
        self,
        *,
        regularizer: str = "quadratic",
        reg: float | None = None,
        eps: float | None = None,
        perplexity: Any = None,
        on: str = "source",
        mass: float | str | None = None,
        metric: str = "sqeuclidean",
        tol: float | None = None,
    ) -> None:
        self.regularizer = regularizer
        self.reg = reg
        self.eps = eps
        self.perplexity = perplexity
        self.on = on
        self.mass = mass
        self.metric = metric
        self.tol = tol

    # --- what comes in ----------------------------------------------------------------------

    def _read(self, X: Any) -> NDArray[Any]:
        """Samples to fit."""
        as_plain(X, "X")
        return np.asarray(validate_data(self, X, dtype=TYPES))

    def _read_new(self, X: Any) -> NDArray[Any]:
        """Samples to apply what was fitted to."""
        as_plain(X, "X")
        return np.asarray(validate_data(self, X, dtype=TYPES, reset=False))

    def _read_both(self, Xs: Any, Xt: Any) -> tuple[NDArray[Any], NDArray[Any]]:
        """Samples of source and target, to fit; columns that have names are matched by them."""
        for name, samples in (("Xs", Xs), ("Xt", Xt)):
            as_plain(samples, name)
        source = self._read(Xs)
        matched = same_columns(Xs, Xt, ("Xs", "Xt"))
        target = np.asarray(check_array(matched, dtype=TYPES, input_name="Xt"))
        if target.shape[1] != source.shape[1]:
            raise InvalidProblemError(
                f"`Xs` has {source.shape[1]} features and `Xt` has {target.shape[1]}; source and "
                "target need the same ones."
            )
        return source, target

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
        if self.perplexity is not None and self.mass is not None:
            raise InvalidProblemError(
                "with `perplexity` all mass moves; leave out `mass`, or pass "
                f"`{own}` in place of `perplexity`."
            )
        if self.mass is not None and self.mass != _KNEE:
            mass = as_number(self.mass, "mass")
            if not 0.0 <= mass <= 1.0:
                raise InvalidProblemError(
                    "`mass` must be from 0 to 1, a share of the samples, or 'knee'; got "
                    f"{mass:.6g}."
                )

    def _strength(self, cost: PointCost) -> float:
        """The reg asked for, or one that gives each point some neighbours."""
        if self.reg is not None:
            return self.reg
        few = min(NEIGHBOURS, cost.shape[1])
        if few < 2 or self.mass == 0.0:
            return 0.0
        mass: Any = None if self.mass == _KNEE else self.mass
        return suggest_reg(Problem(cost, mass=mass), neighbours=few)

    @interruptible  # half a path has another knee
    def _moved(self, problem: Problem) -> Any:
        """The mass to move."""
        return mass_path(problem).knee() if self.mass == _KNEE else self.mass


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
