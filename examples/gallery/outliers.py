"""
Every point as smooth as it needs
=================================

With one strength for all, an outlier still has one partner, and a point in the crowd more than it
should. ``quot.solve_adaptive`` gives each its own: so many partners (its perplexity) at least.
"""

import matplotlib.pyplot as plt
import numpy as np

import quot

rng = np.random.default_rng(0)
X = np.concatenate((rng.normal(size=(60, 2)), rng.uniform(-5.0, 5.0, (12, 2))))
Y = np.concatenate((0.7 * rng.normal(size=(60, 2)) + 1.0, rng.uniform(-5.0, 5.0, (12, 2))))
C = ((X[:, None] - Y) ** 2).sum(axis=2)

fig, panels = plt.subplots(1, 2, figsize=(9.6, 4.2), layout="constrained")
for ax, on in zip(panels, ("average", "source"), strict=True):
    r = quot.solve_adaptive(C, perplexity=5, on=on)
    i, j = r.plan.rows, r.plan.cols
    ax.plot([X[i, 0], Y[j, 0]], [X[i, 1], Y[j, 1]], color="0.8", linewidth=0.5, zorder=0)
    shown = ax.scatter(*X.T, c=r.row_perplexity, s=30, vmin=1, vmax=9, cmap="coolwarm_r")
    ax.scatter(*Y.T, s=14, marker="s", color="0.5")
    lowest = r.row_perplexity.min()
    ax.set_title(f'on="{on}": no point has fewer than {lowest:.2g} partners', fontsize=10)
    ax.set_aspect("equal")
    ax.axis("off")
fig.colorbar(shown, ax=panels, label="partners of a point (perplexity)", shrink=0.8)
