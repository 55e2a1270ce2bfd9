"""
Part of the mass
================

Two crowds that are alike, and some strays that are not. A plan that must move everything drags
the strays along, and pays with wrong matches inside the crowds. ``mass=0.8`` moves the four
fifths that are cheapest to move, and nobody has to say which those are.
"""

import matplotlib.pyplot as plt
import numpy as np

import quot

rng = np.random.default_rng(0)
X = np.concatenate((rng.normal(0.0, 0.3, (80, 2)), rng.normal((-1.2, 2.2), 0.12, (20, 2))))
Y = np.concatenate((rng.normal(0.0, 0.3, (80, 2)), rng.normal((2.4, -1.2), 0.12, (20, 2))))
Y += [1.2, 0.8]

fig, panels = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
for ax, mass in zip(panels, (None, 0.8), strict=True):
    r = quot.solve_points(X, Y, mass=mass)
    i, j = r.plan.rows, r.plan.cols
    ax.plot([X[i, 0], Y[j, 0]], [X[i, 1], Y[j, 1]], color="0.7", linewidth=0.7, zorder=0)
    ax.scatter(*X.T, s=14, color="#d55e00")
    ax.scatter(*Y.T, s=14, color="#0072b2")
    ax.set_title(f"{r.plan.total:.0%} of the mass, cost {r.cost:.3f}")
    ax.set_aspect("equal")
    ax.axis("off")

# %%
# The certificate says what is known of the answer: a bracket of the best possible value, over all
# pairs.

print(r.certificate)
