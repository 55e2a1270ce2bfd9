"""
Who has to do with whom
=======================

t-SNE and spectral methods begin with a matrix of affinities. In that of t-SNE outliers count half
of what others do; in a doubly stochastic one everybody counts the same, and a quadratic one has
far fewer entries.
"""

import matplotlib.pyplot as plt
import numpy as np

import quot

rng = np.random.default_rng(0)
t = np.sqrt(rng.uniform(size=120)) * 3.0 * np.pi
X = np.stack((t * np.cos(t), t * np.sin(t)), axis=1) + 0.4 * rng.normal(size=(120, 2))
X = np.concatenate((X, rng.uniform(-13.0, 13.0, (12, 2))))

fig, panels = plt.subplots(1, 2, figsize=(9.6, 4.4), layout="constrained")
for ax, kind, regularizer in zip(
    panels, ("symmetric", "doubly_stochastic"), ("entropic", "quadratic"), strict=True
):
    made = quot.affinities(X, perplexity=6, kind=kind, regularizer=regularizer)
    A = made.matrix.tocoo()
    for i, j, value in zip(A.row, A.col, A.data, strict=True):
        if i < j and value > 1e-3:
            ax.plot(*X[[i, j]].T, color="0.5", linewidth=8.0 * value, zorder=0)
    shown = ax.scatter(*X.T, c=made.matrix.sum(axis=1), vmin=0.4, vmax=1.6, cmap="coolwarm_r", s=22)
    ax.set_title(f"{kind}, {regularizer}: {A.nnz} entries", fontsize=10)
    ax.set_aspect("equal")
    ax.axis("off")
fig.colorbar(shown, ax=panels, label="sum of a point's affinities", shrink=0.8)
