"""Rows of a perplexity and adaptive plans: roots by SciPy, models for CLARABEL."""

import numpy as np
from scipy.optimize import brentq
from scipy.special import softmax
from scipy.stats import entropy

_TIGHT = {"tol_gap_abs": 1e-9, "tol_gap_rel": 1e-9, "tol_feas": 1e-9}


def perplexity(p, regularizer):
    q = p / p.sum()
    return 1 / (q @ q) if regularizer == "quadratic" else np.exp(entropy(q))


def nearest_row(k, a, xi, regularizer):
    """The projection of k (if entropic, of exp(k)) by the multiplier of its bound alone."""

    def row(stretch):
        if regularizer == "entropic":
            return a * softmax(k / stretch)
        d = (k - k.max()) / stretch
        lift = brentq(lambda x: np.maximum(d + x, 0).sum() - a, 0, 1.001 * a, xtol=1e-300)
        return np.maximum(d + lift, 0)

    if perplexity(row(1.0), regularizer) >= xi:
        return row(1.0)
    return row(
        np.exp(brentq(lambda t: perplexity(row(np.exp(t)), regularizer) - xi, 0, 60, xtol=1e-15))
    )


def row_by_clarabel(k, a, xi, regularizer):
    """The projection of k as the problem is written, of its shares and over its mass."""
    import cvxpy as cp

    q = cp.Variable(k.size, nonneg=True)
    if regularizer == "quadratic":
        inside, distance = [cp.sum_squares(q) <= 1 / xi], cp.sum_squares(q - k / a)
    else:
        inside, distance = [cp.sum(cp.entr(q)) >= np.log(xi)], cp.sum(-cp.entr(q)) - k @ q
    solve_by_clarabel(cp.Minimize(distance), [cp.sum(q) == 1, *inside])
    return a * q.value


def adaptive_by_clarabel(C, a, b, row_perplexity, col_perplexity, regularizer, floor):
    """The plan that minimises <C, P> + floor sum h(P) subject to all that is asked of it."""
    import cvxpy as cp

    P = cp.Variable(C.shape, nonneg=True)
    inside = [cp.sum(P, axis=1) == a, cp.sum(P, axis=0) == b]
    for axis, mass, xi in ((1, a, row_perplexity), (0, b, col_perplexity)):
        if xi is not None and regularizer == "quadratic":
            shares = cp.multiply(P, 1 / mass[:, None] if axis == 1 else 1 / mass[None])
            inside.append(cp.sum(cp.square(shares), axis=axis) <= 1 / xi)
        elif xi is not None:
            inside.append(cp.sum(cp.entr(P), axis=axis) >= mass * (np.log(xi) - np.log(mass)))
    h = cp.sum_squares(P) / 2 if regularizer == "quadratic" else cp.sum(-cp.entr(P) - P)
    solve_by_clarabel(cp.Minimize(cp.sum(cp.multiply(C, P)) + floor * h), inside)
    return P.value


def solve_by_clarabel(goal, inside):
    """Solve a model to its tightest."""
    import cvxpy as cp

    problem = cp.Problem(goal, inside)
    problem.solve(solver=cp.CLARABEL, **_TIGHT)
    assert problem.status == cp.OPTIMAL, problem.status
