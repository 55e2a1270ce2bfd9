"""Values, bounds and residuals of an answer in dense NumPy, from their formulas."""

import numpy as np


def objective(C, P, reg):
    """<C, P> + reg/2 ||P||^2; pairs without mass cost nothing, forbidden ones included."""
    used = P != 0
    return float(C[used] @ P[used] + reg / 2 * (P**2).sum())


def dual_value(C, a, b, reg, mass, f, g, lam):
    """Dual of the quadratic problem at any potentials: a lower bound. Needs reg > 0."""
    if mass is not None:
        f, g = np.minimum(f, 0), np.minimum(g, 0)
    else:
        lam = 0.0
    Y = f[:, None] + g + lam - C
    total = 0.0 if mass is None else lam * mass
    return float(f @ a + g @ b + total - (np.maximum(Y, 0) ** 2).sum() / (2 * reg))


def linear_bound(C, a, b, mass, f, g, lam):
    """Dual of the linear problem, f moved to where each row is just feasible: a lower bound too.

    Where reg is so small that potentials cannot hold its plan, this is the bound that is left.
    """
    if mass is not None:
        f, g = np.minimum(f, 0), np.minimum(g, 0)
    else:
        lam = 0.0
    full = np.isfinite(C).any(axis=1) & (a > 0)
    moved = f[full] - (f[full, None] + g + lam - C[full]).max(axis=1)
    if mass is not None:
        moved = np.minimum(moved, 0)
    total = 0.0 if mass is None else lam * mass
    return float(moved @ a[full] + g @ b + total)


def lower_bound(C, a, b, reg, mass, f, g, lam):
    """The better of the two bounds; at reg = 0 there is only the linear one."""
    lower = linear_bound(C, a, b, mass, f, g, lam)
    return max(lower, dual_value(C, a, b, reg, mass, f, g, lam)) if reg > 0 else lower


def residual(P, a, b, mass):
    """Largest violation of the constraints.

    Masses in units of the most that a row or column can send or get, the total of itself.
    """
    rows, cols = P.sum(axis=1) - a, P.sum(axis=0) - b
    unit = min(max(a.max(), b.max()), mass or np.inf) or 1.0
    if mass is None:
        worst = np.r_[np.abs(rows), np.abs(cols), -P.ravel()]
    else:
        worst = np.r_[rows, cols, -P.ravel(), abs(P.sum() - mass) * unit / (mass or unit)]
    return max(float(worst.max()), 0.0) / unit
