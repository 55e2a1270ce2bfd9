"""
How smooth a plan is
====================

``reg`` spreads the mass of each point over more partners, and buys that with cost. Nobody thinks
in units of ``reg``; ``quot.suggest_reg`` finds the one at which a point has about so many
partners.
"""

import matplotlib.pyplot as plt
import numpy as np

import quot

rng = np.random.default_rng(1)
X, Y = rng.normal(size=(60, 2)), 0.7 * rng.normal(size=(60, 2)) + [3.0, 0.5]
problem = quot.Problem(quot.PointCost(X, Y))

fig, panels = plt.subplots(1, 3, figsize=(10, 3.6), layout="constrained")
for ax, partners in zip(panels, (1, 4, 12), strict=True):
    reg = 0.0 if partners == 1 else quot.suggest_reg(problem, neighbours=partners)
    r = quot.solve_points(X, Y, reg=reg)
    for i, j, value in zip(r.plan.rows, r.plan.cols, r.plan.values, strict=True):
        width = 60.0 * value  # 1 where a point sends all it has
        ax.plot(*zip(X[i], Y[j], strict=True), color="0.45", linewidth=width, zorder=0)
    ax.scatter(*X.T, s=12, color="#d55e00")
    ax.scatter(*Y.T, s=12, color="#0072b2")
    ax.set_title(f"reg {reg:.3g}: {r.plan.nnz / 60:.1f} partners, cost {r.cost:.3f}", fontsize=10)
    ax.set_aspect("equal")
    ax.axis("off")
