"""Primal-dual interior point (Mehrotra) for quadratic flow; insensitive to small weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quot.flow.laplacian import LaplacianSolver
from quot.flow.network import Network
from quot.kernels import flow as kernels

Floats = NDArray[np.float64]


@dataclass
class InteriorPoint:
    potentials: Floats
    flow: Floats
    iterations: int
    gap: float
    residual: float


def solve_interior_point(net: Network, potentials: Floats, *, mu: float, tol_gap: float, tol_primal: float, max_iter=60, debug=False, rtol=1e-5):
    p = potentials.copy()
    l, w, k, b = net.cost, net.weight, net.capacity, net.supply
    capped = np.isfinite(k)
    x, z, v = centre(kernels.tension(p, net.tail, net.head) - l, w, k, capped, mu)
    s = np.where(capped, k - x, 1.0)
    solver = LaplacianSolver()
    count = x.size + np.count_nonzero(capped)
    for it in range(max_iter):
        rp = net.imbalance(x)
        rd = l + w * x - kernels.tension(p, net.tail, net.head) - z + v
        gap = float(x @ z + s[capped] @ v[capped])
        mu = gap / count
        if debug: print('ip', it, f'mu {mu:.2e} gap {gap:.2e} rp {np.abs(rp).max():.2e} rd {np.abs(rd).max():.2e} factors {solver.factors} cg {solver.iterations}')
        if gap <= tol_gap and np.abs(rp).max() <= tol_primal:
            break
        theta = 1.0 / (w + z / x + v / s)
        solver._factor = None; solver._jacobi_rest = 2
        def direction(cx, cv):
            rho = -rd + cx / x - cv / s
            rhs = rp - kernels.divergence(theta * rho, net.tail, net.head, net.n_nodes)
            rhs -= rhs.mean()
            dp = solver.solve(net.tail, net.head, theta, rhs, rtol)
            dx = theta * (kernels.tension(dp, net.tail, net.head) + rho)
            return dp, dx, (cx - z * dx) / x, np.where(capped, (cv + v * dx) / s, 0.0)
        dp, dx, dz, dv = direction(-x * z, np.where(capped, -s * v, 0.0))
        a = step(x, dx, z, dz, s, v, dv, capped)
        gap_a = float((x + a * dx) @ (z + a * dz) + ((s - a * dx) * (v + a * dv))[capped].sum())
        sigma = (gap_a / gap) ** 3
        t = sigma * mu
        dp, dx, dz, dv = direction(t - x * z - dx * dz, np.where(capped, t - s * v + dx * dv, 0.0))
        a = min(1.0, 0.995 * step(x, dx, z, dz, s, v, dv, capped))
        p += a * dp; x += a * dx; z += a * dz; v += a * dv
        s = np.where(capped, k - x, 1.0)
        p -= np.median(p)
    return InteriorPoint(p, x, it, gap, float(np.abs(rp).max()))


def step(x, dx, z, dz, s, v, dv, capped):
    return float(min(ratio(x, dx), ratio(z, dz), ratio(s[capped], -dx[capped]), ratio(v[capped], dv[capped]), 1e3))


def ratio(x, dx):
    down = dx < 0
    return float(np.min(x[down] / -dx[down], initial=np.inf))


def centre(t, w, k, capped, mu):
    """Point on the central path of each arc at reduced tension t = y - l."""
    root = np.sqrt(t * t + 4 * w * mu)
    with np.errstate(divide="ignore", invalid="ignore"):
        x = np.where(t > 0, (t + root) / (2 * w), 2 * mu / (root - t))
        u = np.where(capped, t * np.where(capped, k, 1.0) / mu, 1.0)
        # stable root of 1/(1-xi) - 1/xi = u in (0, 1)
        big = np.sqrt(u * u + 4)
        xi = np.where(u > 0, 1 - 2 / (u + 2 + big), 2 / (2 - u + big))
    x = np.where(capped, xi * np.where(capped, k, 1.0), x)
    z = mu / x
    v = np.where(capped, mu / np.where(capped, k - x, 1.0), 0.0)
    return x, z, v
