"""Affinities: rows by roots of SciPy, symmetric problems as they are written, for CLARABEL."""

import numpy as np
from scipy.optimize import brentq
from scipy.special import softmax
from tests.oracles.perplexity import perplexity, solve_by_clarabel


def entropic_row(C, xi):
    """exp(-C/T) over its sum, at the temperature T of the perplexity."""
    d = C - C.min()

    def off(log_temperature):
        return np.log(perplexity(softmax(-d / np.exp(log_temperature)), "entropic") / xi)

    top = np.log(d.max()) + 20
    return softmax(-d / np.exp(brentq(off, top - 60, top, xtol=1e-14, rtol=1e-14)))


def quadratic_row(C, xi):
    """max(lift - C, 0) over its sum, at the lift of the perplexity."""
    d = C - C.min()

    def row(log_lift):
        entries = np.maximum(np.exp(log_lift) - d, 0.0)
        return entries / entries.sum()

    def off(log_lift):
        return perplexity(row(log_lift), "quadratic") - xi

    top = np.log(d.max()) + 15
    return row(brentq(off, top - 50, top, xtol=1e-14, rtol=1e-14))


def symmetric_by_clarabel(C, perplexity, regularizer, *, diagonal=False):
    """The symmetric P of row sums 1 and these perplexities that minimises <C, P>."""
    import cvxpy as cp

    P = cp.Variable(C.shape, symmetric=True)
    inside = [P >= 0, cp.sum(P, axis=1) == 1]
    if not diagonal:
        inside.append(cp.diag(P) == 0)
    if regularizer == "quadratic":
        inside.append(cp.sum(cp.square(P), axis=1) <= 1 / perplexity)
    else:
        inside.append(cp.sum(cp.entr(P), axis=1) >= np.log(perplexity))
    solve_by_clarabel(cp.Minimize(cp.sum(cp.multiply(C, P))), inside)
    return P.value
