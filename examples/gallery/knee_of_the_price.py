"""
How much mass to move
=====================

Four points of five have a twin nearby, the others are anywhere. ``quot.mass_path`` follows the
cheapest plan from no mass to all. Up to the knee the last unit costs next to nothing, beyond it
more and more.
"""

import matplotlib.pyplot as plt
import numpy as np

import quot

rng = np.random.default_rng(0)
X = rng.normal(size=(300, 2))
Y = X + 0.1 * rng.normal(size=(300, 2))
Y[:60] = rng.uniform(-6.0, 6.0, size=(60, 2))

path = quot.mass_path(quot.Problem(quot.PointCost(X, Y)))
print(path, "knee at", round(path.knee(), 3))

fig, panels = plt.subplots(2, 1, figsize=(7, 5), sharex=True, layout="constrained")
quot.plot.path(path, panels, of=("lam", "cost"))
