"""
From one shape to another
=========================

A ring becomes two discs. At ``reg=0`` each point goes to one other or is split between few, and
moves there in a straight line: half of the way is a shape of its own.
"""

import matplotlib.pyplot as plt
import numpy as np

import quot

rng = np.random.default_rng(0)
angle = rng.uniform(0.0, 2.0 * np.pi, 1500)
X = np.stack((np.cos(angle), np.sin(angle)), axis=1) * rng.uniform(0.75, 1.0, (1500, 1))
radius = 0.5 * np.sqrt(rng.uniform(size=(1500, 1)))
Y = np.stack((np.cos(angle[::-1]), np.sin(angle[::-1])), axis=1) * radius
Y += np.where(rng.random((1500, 1)) < 0.5, [[-1.0, 0.0]], [[1.0, 0.0]])

plan = quot.solve_points(X, Y).plan
fig, panels = plt.subplots(1, 5, figsize=(11, 2.6), sharey=True, layout="constrained")
for ax, t in zip(panels, np.linspace(0.0, 1.0, 5), strict=True):
    at = (1.0 - t) * X[plan.rows] + t * Y[plan.cols]
    ax.scatter(*at.T, s=2, c=X[plan.rows, 0], cmap="coolwarm")
    ax.set(title=f"{t:.0%}", aspect="equal", xlim=(-1.6, 1.6), ylim=(-1.1, 1.1))
    ax.axis("off")
