"""
One neighbour or eight
======================

A plan sends each point to the mean of its partners. With ``reg=0`` that is hardly more than one
of them, so the image has all the noise of the target. With eight it is an average, closer to
where the target really is. With sixty the noise is gone, and the ends of the curve with it. So
eight is no magic number: take more where there is more noise, and fewer where the target bends
sharply. Where each point has one true partner, as with two photographs of one thing, take one.
"""

import matplotlib.pyplot as plt
import numpy as np

import quot

rng = np.random.default_rng(3)
s, t = np.sort(rng.uniform(0.0, 1.0, (2, 400)))
X = np.stack((2.0 * s - 1.0, 0.0 * s), axis=1)
curve = np.stack((2.0 * t - 1.0, 1.2 + 0.4 * np.sin(2.0 * np.pi * t)), axis=1)
Y = curve + 0.12 * rng.normal(size=curve.shape)
problem = quot.Problem(quot.PointCost(X, Y))

fig, panels = plt.subplots(1, 3, figsize=(10, 3.6), sharey=True, layout="constrained")
for ax, partners in zip(panels, (1, 8, 60), strict=True):
    reg = 0.0 if partners == 1 else quot.suggest_reg(problem, neighbours=partners)
    image = quot.solve_points(X, Y, reg=reg).plan.barycentric(Y)
    ax.scatter(*Y.T, s=5, color="0.75")
    ax.plot(*curve.T, color="0.3", linewidth=1.0)
    ax.scatter(*image.T, s=5, color="#0072b2")
    apart = np.linalg.norm(image[:, None] - curve, axis=2).min(axis=1).mean()
    ax.set_title(f"{partners} partners: {apart:.3f} from the curve", fontsize=10)
    ax.set_aspect("equal")
