"""Affinities of a point set with itself."""

from __future__ import annotations

import logging
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot import memory
from quot.adaptive.affinities import KINDS, Affinities, Task, find
from quot.adaptive.neighbours import Kept
from quot.adaptive.shares import as_perplexities
from quot.api.deliver import ON_FAILURE, outside
from quot.costs import METRICS, Cost, PointCost, SparseCost, as_cost
from quot.exceptions import (
    InvalidProblemError,
    NotConvergedError,
    NotConvergedWarning,
    ProblemTooLargeError,
)
from quot.interrupts import interruptible
from quot.labels import Labels, aligned, of_cost, row_labels, square
from quot.order import by_name
from quot.perplexity import REGULARIZERS
from quot.validation import as_array, check_count, check_flag, check_option, check_positive

logger = logging.getLogger("quot")

# Bytes of a pair of neighbours at the peak: of rows, and of the symmetric problem, in both
# directions.
_PAIR, _MUTUAL_PAIR = 60, 300
# Costs of a pair in both directions may differ by this part of the largest.
_SYMMETRIC = 1e-10
_PRECOMPUTED = "precomputed"


@by_name("perplexity")
@interruptible
def affinities(
    X: Any,
    *,
    perplexity: Any = 30.0,
    kind: str = "symmetric",
    regularizer: str = "entropic",
    n_neighbors: int | None = None,
    metric: str = "sqeuclidean",
    diagonal: bool = False,
    tol: float = 1e-6,
    max_iter: int = 1000,
    on_failure: str = "warn",
) -> Affinities:
    """Return how much each point has to do with the others, as a sparse matrix.

    Every point shares itself with as many others as its perplexity says, the nearest first. That
    is what t-SNE, UMAP-like layouts and spectral methods begin with; the matrix goes to
    ``openTSNE.affinity.PrecomputedAffinities`` and to scikit-learn's ``SpectralClustering`` and
    ``SpectralEmbedding`` with ``affinity="precomputed"`` as it is.

    Parameters
    ----------
    X : array or DataFrame of shape (n, d), or of shape (n, n) with metric="precomputed"
        Points, or what each pair costs: an array, a DataFrame, a Cost, or a scipy.sparse matrix, of
        which only the pairs stored are used (one of neighbours, for instance).
    perplexity : float, or array or Series of shape (n,), default=30
        Of all points or of each, by name if they have names, fractional or not: at least 1 and less
        than the number of others that a point may share with. A row p has ``exp(- sum p log p)``
        (entropic) or ``1 / sum p^2`` (quadratic).
    kind : {"symmetric", "directed", "doubly_stochastic"}, default="symmetric"
        "directed": row i minimises ``sum_j C_ij p_j`` over p >= 0 of sum 1 with the perplexity; the
        p_{j|i} of t-SNE if entropic. "symmetric": the mean of that matrix and its transpose, n
        times the p_ij of t-SNE. "doubly_stochastic": the symmetric P >= 0 with all row sums 1 and
        at least these perplexities that minimises ``<C, P>``; no point is a hub, and outliers count
        as much as others.
    regularizer : {"entropic", "quadratic"}, default="entropic"
        What perplexity is measured by. Quadratic rows are sparse, with about 1.5 perplexity
        entries.
    n_neighbors : int, optional
        Nearest others to which a point may have an affinity. By default quadratic affinities are
        those over all pairs: neighbours are added until it is proved that none is missing. Entropic
        ones have 3 times the perplexity, as in t-SNE, or 10 times if doubly stochastic; what all
        others would get is in `Affinities.neglected`.
    metric : str, default="sqeuclidean"
        What a pair of points costs: that of t-SNE, or any other of `PointCost`, or "precomputed".
    diagonal : bool, default=False
        Whether points have an affinity to themselves.
    tol : float, default=1e-6
        For row sums and perplexities, and for the gap of the symmetric problem, relative.
    max_iter : int, default=1000
        Newton steps of the symmetric problem.
    on_failure : {"warn", "raise", "ignore"}, default="warn"
        What to do when the tolerance is not reached.

    Returns
    -------
    Affinities
        `matrix`, a scipy.sparse.csr_array whose rows sum to 1 (in the mean if symmetric), with
        perplexities reached, strengths and residuals.

    Raises
    ------
    InvalidProblemError
        If an argument is unusable; where a perplexity is too large, the message has the limit.
    ProblemTooLargeError
        If memory has no room for the pairs.
    NotConvergedError
        If the tolerance is not reached and ``on_failure="raise"``.

    Warns
    -----
    NotConvergedWarning
        If the tolerance is not reached.

    Notes
    -----
    Rows are found by Newton's method in the logarithm of the temperature, or in closed form if
    quadratic. The symmetric problem takes Newton's method in prices and multipliers of all points.
    An interrupt (Ctrl-C) ends it with KeyboardInterrupt.

    Examples
    --------
    >>> import numpy as np, quot
    >>> X = np.random.default_rng(0).normal(size=(200, 5))
    >>> A = quot.affinities(X, perplexity=10, kind="doubly_stochastic", regularizer="quadratic")
    >>> A.is_exact, float(A.perplexity.min().round(4)), float(A.matrix[0].sum().round(4))
    (True, 10.0, 1.0)
    """
    check_option(kind, "kind", KINDS)
    check_option(regularizer, "regularizer", REGULARIZERS)
    check_option(metric, "metric", (*METRICS, _PRECOMPUTED))
    check_option(on_failure, "on_failure", ON_FAILURE)
    diagonal = check_flag(diagonal, "diagonal")
    cost, labels = _as_cost(X, metric)
    asked, labels = aligned(perplexity, labels, "perplexity", "points")
    n = cost.shape[0]
    if kind == "doubly_stochastic":
        _check_symmetric(cost)
    count = _as_count(n_neighbors, cost)
    task = Task(
        cost=cost,
        perplexity=as_perplexities(asked, n, *_sizes(cost, count, diagonal=diagonal)),
        kind=kind,
        regularizer=regularizer,
        count=count,
        diagonal=diagonal,
        tol=check_positive(tol, "tol"),
        max_iter=check_count(max_iter, "max_iter"),
    )
    _check_room(task)
    found = replace(find(task), labels=labels)
    logger.info("%s", found)
    return _deliver(found, on_failure)


def _as_cost(X: Any, metric: str) -> tuple[Cost, Labels]:
    """The cost of all pairs, and the names of the points."""
    if metric != _PRECOMPUTED:
        points = as_array(X, "X", 2)
        cost: Cost = PointCost(points, points, metric)
        labels = row_labels(X)
    else:
        X = square(X, "X")
        cost, (labels, _) = as_cost(X), of_cost(X)
        if cost.shape[0] != cost.shape[1]:
            raise InvalidProblemError(
                f'`X` must be square with metric="precomputed"; got shape {cost.shape}. Pass what '
                "each pair costs, or points and the name of their metric."
            )
    if cost.shape[0] < 3:
        raise InvalidProblemError(
            f"affinities need 3 points at least, else there is nothing to choose; got "
            f"{cost.shape[0]}."
        )
    return cost, labels


def _check_symmetric(cost: Cost) -> None:
    """Refuse costs that depend on the direction; a pair stored in one only is as good as both."""
    if isinstance(cost, PointCost):
        return
    if isinstance(cost, SparseCost):
        rows, cols = cost.rows, cost.cols
    else:
        n = cost.shape[0]
        rows, cols = (each.astype(np.int32) for each in np.triu_indices(n, 1))
    there, back = cost.at(rows, cols), cost.at(cols, rows)
    off = np.where(np.isinf(back), 0.0, np.abs(there - back))
    if off.size and off.max() > _SYMMETRIC * np.abs(there).max():
        k = int(np.argmax(off))
        i, j = int(rows[k]), int(cols[k])
        raise InvalidProblemError(
            f'`X` must be symmetric with kind="doubly_stochastic"; X[{i}, {j}] is {there[k]:.6g} '
            f"and X[{j}, {i}] is {back[k]:.6g}. Pass (X + X.T) / 2."
        )


def _as_count(n_neighbors: Any, cost: Cost) -> int | None:
    """How many neighbours to keep."""
    if n_neighbors is None:
        return None
    if isinstance(cost, SparseCost):
        raise InvalidProblemError(
            f"`n_neighbors={n_neighbors!r}` is of no use with a sparse `X`, whose pairs are those "
            "stored; leave it out."
        )
    count = check_count(n_neighbors, "n_neighbors")
    if count > cost.shape[0] - 1:
        raise InvalidProblemError(
            f"`n_neighbors` must be at most {cost.shape[0] - 1}, the number of other points; got "
            f"{count}."
        )
    return count


def _sizes(cost: Cost, count: int | None, *, diagonal: bool) -> tuple[NDArray[np.int64], str]:
    """How many points each may share with, (n,), and what these are."""
    n = cost.shape[0]
    if isinstance(cost, SparseCost):
        return Kept.stored(cost, diagonal=diagonal).sizes, "pairs stored in its row of `X`"
    of = "other points" if count is None else "neighbours kept (`n_neighbors`)"
    own = ", and the point itself" if diagonal else ""
    return np.full(n, (count or n - 1) + diagonal), of + own


def _check_room(task: Task) -> None:
    """Refuse what memory has no room for."""
    if isinstance(task.cost, SparseCost):
        return
    each = _MUTUAL_PAIR if task.kind == "doubly_stochastic" else _PAIR
    n, count = task.cost.shape[0], task.first_count
    need, room = each * n * count, memory.available()
    if room is not None and need > room:
        raise ProblemTooLargeError(
            f"affinities of {n} points with {count} neighbours each take "
            f"{memory.gigabytes(need)}, and this machine has {memory.gigabytes(room)} left. Lower "
            "`n_neighbors` or `perplexity`."
        )


def _deliver(found: Affinities, on_failure: str) -> Affinities:
    """Return them; say so if they are not within the tolerance."""
    if found.converged or on_failure == "ignore":
        return found
    text = (
        f"affinities are not within the tolerance (residual {found.residual:.1e}, relative gap "
        f"{found.gap:.1e}, tolerance {found.tol:.1e}); raise `n_neighbors`, the perplexity or "
        "`max_iter`, or loosen `tol`"
    )
    if on_failure == "raise":
        raise NotConvergedError(text)
    warnings.warn(text, NotConvergedWarning, stacklevel=outside())
    return found
