"""The linear problem by HiGHS, its least-norm solution, and how far in `reg` that one lasts."""

import numpy as np
import scipy.sparse as sp
from scipy.optimize import linprog


def constraints(n, m, a, b, mass, pairs):
    """A_ub, b_ub, A_eq, b_eq over the pairs allowed; balanced when mass is None."""
    rows, cols = pairs
    e = np.arange(rows.size)
    ones = np.ones(rows.size)
    sends = sp.csr_array((ones, (rows, e)), shape=(n, rows.size))
    takes = sp.csr_array((ones, (cols, e)), shape=(m, rows.size))
    both = sp.vstack((sends, takes)).tocsr()
    if mass is None:
        return None, None, both, np.r_[a, b]
    return both, np.r_[a, b], sp.csr_array(np.ones((1, rows.size))), np.array([mass])


def all_pairs(C):
    """Pairs that are not forbidden: a forbidden one costs inf."""
    return np.nonzero(np.isfinite(C))


def solve_linear(C, a, b, mass=None):
    """Optimal value and a vertex (n, m) by HiGHS; (inf, None) if infeasible."""
    pairs = all_pairs(C)
    shift = C[pairs].min()  # the optimum moves by shift * mass
    scale = np.ptp(C[pairs]) or 1.0
    A_ub, b_ub, A_eq, b_eq = constraints(*C.shape, a, b, mass, pairs)
    options = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
    unit = max(a.max(), b.max()) or 1.0
    found = linprog(
        (C[pairs] - shift) / scale,
        A_ub=A_ub,
        b_ub=None if b_ub is None else b_ub / unit,
        A_eq=A_eq,
        b_eq=b_eq / unit,
        method="highs",
        options=options,
    )
    if found.status == 2:
        return np.inf, None
    assert found.status == 0, found.message
    P = np.zeros(C.shape)
    P[pairs] = found.x * unit
    total = a.sum() if mass is None else mass
    return found.fun * scale * unit + shift * total, P


def least_norm(C, a, b, mass=None):
    """The optimal plan of smallest norm: linear value first, then least squares on its face."""
    import cvxpy as cp

    value, _ = solve_linear(C, a, b, mass)
    X = cp.Variable(C.shape, nonneg=True)
    if mass is None:
        inside = [cp.sum(X, axis=1) == a, cp.sum(X, axis=0) == b]
    else:
        inside = [cp.sum(X, axis=1) <= a, cp.sum(X, axis=0) <= b, cp.sum(X) == mass]
    inside.append(cp.sum(cp.multiply(C, X)) <= value + 1e-10 * abs(value))
    cp.Problem(cp.Minimize(cp.sum_squares(X)), inside).solve(solver=cp.CLARABEL)
    return polish(X.value, C, a, b, mass, value)


def polish(X, C, a, b, mass, value, threshold=1e-5):
    """Least-norm point with the support and the tight rows of X, to round-off."""
    n, m = C.shape
    unit = X.max()
    rows, cols = np.nonzero(threshold * unit < X)
    take_rows = np.equal.outer(np.arange(n), rows).astype(float)
    take_cols = np.equal.outer(np.arange(m), cols).astype(float)
    tight_rows, tight_cols = np.ones(n, bool), np.ones(m, bool)
    system, right = [], []
    if mass is not None:
        tight_rows = X.sum(axis=1) > a - threshold * unit
        tight_cols = X.sum(axis=0) > b - threshold * unit
        system, right = [np.ones((1, rows.size))], [[mass]]
    system += [take_rows[tight_rows], take_cols[tight_cols], C[rows, cols][None]]
    right += [a[tight_rows], b[tight_cols], [value]]
    x, *_ = np.linalg.lstsq(np.vstack(system), np.concatenate(right), rcond=1e-11)
    out = np.zeros(C.shape)
    out[rows, cols] = x
    assert np.abs(out - X).max() <= 1e-3 * unit, (
        "the face was guessed wrong; choose another problem"
    )
    return out


def last_reg(X0, C, a, b, mass=None):
    """The largest reg whose plan still is X0, the least-norm solution of the linear problem."""
    n, m = C.shape
    unit = X0.max()
    support = 1e-9 * unit < X0
    size = n + m + 2  # f, g, t, reg

    def row(i, j):
        r = np.zeros(size)
        r[i] = r[n + j] = r[n + m] = 1.0
        return r

    A_eq, b_eq, A_ub, b_ub = [], [], [], []
    for i in range(n):
        for j in range(m):
            r = row(i, j)
            if support[i, j]:
                r[-1] = -X0[i, j]
                A_eq.append(r)
                b_eq.append(C[i, j])
            else:
                A_ub.append(r)
                b_ub.append(C[i, j])
    if mass is None:
        bounds = [(None, None)] * (n + m) + [(0, 0), (0, None)]
    else:
        slack_rows = X0.sum(axis=1) < a - 1e-9 * unit
        slack_cols = X0.sum(axis=0) < b - 1e-9 * unit
        bounds = [(0 if s else None, 0) for s in np.r_[slack_rows, slack_cols]]
        bounds += [(None, None), (0, None)]
    objective = np.zeros(size)
    objective[-1] = -1.0
    found = linprog(objective, A_ub, b_ub, A_eq, b_eq, bounds=bounds, method="highs")
    assert found.status == 0, found.message
    return found.x[-1]


def price_of_mass(C, a, b, mass):
    """What a little more mass costs: the marginal of the total, by HiGHS."""
    A_ub, b_ub, A_eq, b_eq = constraints(*C.shape, a, b, mass, all_pairs(C))
    found = linprog(C[all_pairs(C)], A_ub=A_ub, b_ub=b_ub, A_eq=A_eq, b_eq=b_eq, method="highs")
    assert found.status == 0, found.message
    return found.eqlin.marginals[0]
