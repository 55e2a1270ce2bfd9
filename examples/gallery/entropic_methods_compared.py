"""
Entropic methods, pass by pass
==============================

Several methods end at the same entropic plan. What they cost is passes over all pairs: here
Newton's method takes some sixty, Sinkhorn's with a dummy row and column three times as many, and
the others more than a thousand. What is dotted is on the way there, at higher temperatures.
"""

import matplotlib.pyplot as plt
import numpy as np

import quot

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(60, 2)), 0.7 * rng.normal(size=(60, 2)) + 1.0
C = ((X[:, None] - Y) ** 2).sum(axis=2)
C /= C.max()

problem = {"eps": 0.01, "mass": 0.7, "formulation": "E2", "max_iter": 3000, "tol": 1e-7}
results = {
    name: quot.solve_entropic(C, method=name, on_failure="ignore", **problem)
    for name in ("newton", "three-block", "aspot", "aam")
}
problem["formulation"] = "E3"  # with dummies, and the same answer
results["sinkhorn"] = quot.solve_entropic(C, method="sinkhorn", on_failure="ignore", **problem)

fig, ax = plt.subplots(figsize=(7.5, 4.4), layout="constrained")
quot.plot.convergence(results, ax, of="mass")
