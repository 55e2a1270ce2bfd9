"""Affinities of points: ours, and the search for bandwidths of scikit-learn."""

from __future__ import annotations

from typing import Any

from benchmarks.cases import AffinityCase
from benchmarks.peers.base import Answer


def share_rows(case: AffinityCase, settings: dict[str, Any]):
    """`quot.adaptive.share_rows` on distances to neighbours."""
    from quot.adaptive import share_rows

    C = case.distances()

    def call():
        return share_rows(C, case.perplexity, regularizer=case.regularizer)

    share_rows(C[:50], case.perplexity, regularizer=case.regularizer)  # compiled off the clock
    return call, lambda raw: Answer(None, work={"off": _off(raw[0], case)})


def sklearn_rows(case: AffinityCase, settings: dict[str, Any]):
    """The search of t-SNE in scikit-learn, in Cython, which wants single precision."""
    import numpy as np
    from sklearn.manifold._utils import _binary_search_perplexity

    if case.regularizer != "entropic":
        raise NotImplementedError("scikit-learn knows the entropic perplexity only")
    C = case.distances().astype(np.float32)

    def call():
        return _binary_search_perplexity(C, case.perplexity, 0)

    return call, lambda raw: Answer(None, work={"off": _off(raw, case)})


def affinities(case: AffinityCase, settings: dict[str, Any]):
    """`quot.affinities`, doubly stochastic: from points to a matrix."""
    import quot

    X = case.points()
    how = {"kind": "doubly_stochastic", "perplexity": case.perplexity, "on_failure": "ignore"}

    def call():
        return quot.affinities(X, regularizer=case.regularizer, **how, **settings)

    call()  # compiled off the clock

    def read(A):
        work = {
            "off": A.residual,
            "problem gap": abs(A.gap),
            "neglected": float(A.neglected.mean()),
        }
        return Answer(None, work=work | {"degree": A.matrix.nnz / case.n})

    return call, read


def _off(P: Any, case: AffinityCase) -> float:
    """The most that the perplexity of a row is off, relative."""
    import numpy as np

    P = np.asarray(P, dtype=np.float64)
    if case.regularizer == "quadratic":
        reached = 1.0 / np.square(P).sum(axis=1)
    else:
        logs = np.zeros_like(P)
        np.log(P, out=logs, where=P > 0.0)
        reached = np.exp(-(P * logs).sum(axis=1))
    return float(np.abs(reached / case.perplexity - 1.0).max())
