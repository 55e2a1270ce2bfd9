"""
Exact zeros, or none
====================

The same two histograms, and plans that cost about as much: a quadratic term leaves most entries
at zero, exactly; an entropic one makes them small. White is zero.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm

import quot

x = np.linspace(0.0, 1.0, 80)
a = np.exp(-(((x - 0.3) / 0.12) ** 2)) + 0.02
b = np.exp(-(((x - 0.75) / 0.08) ** 2)) + 0.6 * np.exp(-(((x - 0.3) / 0.06) ** 2)) + 0.02
a, b = a / a.sum(), b / b.sum()
C = (x[:, None] - x) ** 2

quadratic = quot.solve(C, a, b, reg=1.0)
entropic = quot.solve_entropic(C, a, b, eps=0.004)

fig, panels = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained")
for ax, r, name in zip(
    panels, (quadratic, entropic), ("quadratic, reg 1", "entropic, eps 0.004"), strict=True
):
    P = r.plan.to_dense()
    P[P == 0.0] = np.nan
    shown = ax.imshow(P, norm=LogNorm(1e-12, 1e-2), cmap="viridis_r")
    ax.set_title(f"{name}\ncost {r.cost:.4f}, {(P > 0).mean():.0%} of the entries")
fig.colorbar(shown, ax=panels, label="mass", shrink=0.8)
