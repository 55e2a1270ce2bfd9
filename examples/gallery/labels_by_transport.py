"""
Labels for samples of another kind
==================================

Two moons with labels, and the same turned by 25 degrees without, beside a clump of strays that
belongs to no class. Matching all samples names the strays, and pays for it elsewhere; matching 80
% leaves them grey.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons

from quot.estimators import TransportLabelPropagation

rng = np.random.default_rng(0)
Xs, ys = make_moons(300, noise=0.05, random_state=0)
Xt, yt = make_moons(300, noise=0.05, random_state=1)
angle = np.deg2rad(25.0)
Xt = Xt @ [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
Xt = np.concatenate((Xt, rng.normal((2.6, 1.6), 0.12, (60, 2))))
colors = np.array(["#0072b2", "#e69f00", "0.7"])  # the last one is that of label -1

fig, panels = plt.subplots(1, 3, figsize=(10, 3.4), layout="constrained")
panels[0].scatter(*Xs.T, s=10, c=colors[ys])
panels[0].set_title("with labels")
for ax, mass in zip(panels[1:], (1.0, 0.8), strict=True):
    model = TransportLabelPropagation(mass=mass).fit_domains(Xs, Xt, ys)
    labels = model.transduction_
    wrong = int(((labels[:300] != yt) & (labels[:300] != -1)).sum())
    ax.scatter(*Xt.T, s=10, c=colors[labels])
    ax.set_title(f"{mass:.0%}: {wrong} wrong, {(labels[300:] != -1).sum()} strays named")
for ax in panels:
    ax.set_aspect("equal")
    ax.axis("off")
