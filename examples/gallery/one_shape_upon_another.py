"""
One shape upon another
======================

A part of an outline, turned by 90 degrees, moved and with noise. ``register`` finds the motion
without a first guess, and which points belong together.
"""

import matplotlib.pyplot as plt
import numpy as np

import quot
from quot.applications.registration import register

rng = np.random.default_rng(0)
t = np.linspace(0.0, 2.0 * np.pi, 400, endpoint=False)
r = 1.0 + 0.25 * np.cos(3 * t + 0.4) + 0.15 * np.sin(5 * t) + 0.1 * np.cos(2 * t)
X = np.stack((r * np.cos(t), r * np.sin(t)), axis=1)
turn = np.array([[0.0, -1.0], [1.0, 0.0]])
Y = X[:250] @ turn.T + [3.0, 1.0] + 0.005 * rng.normal(size=(250, 2))

found = register(X, Y)
print(found.rotation.round(3), found.translation.round(3))

fig, panels = plt.subplots(1, 3, figsize=(10, 3.4), layout="constrained")
quot.plot.registration(found, panels)
