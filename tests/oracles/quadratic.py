"""The quadratic problem: an interior point through cvxpy, and brute force over active sets."""

import itertools

import numpy as np


def solve_quadratic(C, a, b, reg, mass=None):
    """Optimal value and plan by CLARABEL, of the problem as it is written."""
    import cvxpy as cp

    P = cp.Variable(C.shape, nonneg=True)
    if mass is None:
        inside = [cp.sum(P, axis=1) == a, cp.sum(P, axis=0) == b]
    else:
        inside = [cp.sum(P, axis=1) <= a, cp.sum(P, axis=0) <= b, cp.sum(P) == mass]
    value = cp.sum(cp.multiply(C, P)) + reg / 2 * cp.sum_squares(P)
    problem = cp.Problem(cp.Minimize(value), inside)
    problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-11, tol_gap_rel=1e-11, tol_feas=1e-11)
    assert problem.status == cp.OPTIMAL, problem.status
    return problem.value, P.value


def enumerate_quadratic(C, a, b, reg, mass=None):
    """Optimal value and plan by trying every support and every set of tight rows and columns.

    The optimum minimises over the affine hull of its own face, and every feasible candidate is an
    upper bound: the best candidate is the optimum. For at most six pairs.
    """
    n, m = C.shape
    best, plan = np.inf, None
    lines = np.vstack([np.repeat(np.eye(n), m, axis=1), np.tile(np.eye(m), n), np.ones((1, n * m))])
    bound = np.r_[a, b, a.sum() if mass is None else mass]
    scale = max(bound.max(), 1e-300)
    free = [()] if mass is None else list(_subsets(n + m))
    for support in _subsets(n * m):
        for slack in free:
            kept = np.delete(np.arange(n + m + 1), slack)
            x = _least(C.ravel(), reg, lines[np.ix_(kept, support)], bound[kept], support)
            if x is None or x.min(initial=0.0) < -1e-12 * scale:
                continue
            sums = lines @ x
            over = (sums - bound)[:-1]
            if (over if mass is not None else np.abs(over)).max() > 1e-11 * scale:
                continue
            value = C.ravel() @ x + reg / 2 * x @ x
            if value < best:
                best, plan = value, x.reshape(C.shape)
    return best, plan


def _subsets(size):
    return itertools.chain.from_iterable(
        itertools.combinations(range(size), k) for k in range(size + 1)
    )


def _least(c, reg, A, right, support):
    """argmin of c x + reg/2 |x|^2 subject to A x = right with x zero off the support."""
    support = list(support)
    x = np.zeros(c.size)
    if support:
        centre = -c[support] / reg
        inverse = np.linalg.pinv(A, rcond=1e-12)
        x[support] = centre + inverse @ (right - A @ centre)
        if not np.allclose(A @ x[support], right, rtol=0, atol=1e-10 * np.abs(right).max()):
            return None
    elif right.any():
        return None
    return x
