"""
Streets, and how much goes over them
====================================

Bikes are to be moved from where there are too many to where some are wanted, along streets.
``mass`` moves the cheapest three fifths; ``capacity`` limits what a street carries.
"""

import matplotlib.pyplot as plt
import numpy as np

import quot

rng = np.random.default_rng(4)
places = rng.uniform(size=(140, 2))
streets = quot.graphs.delaunay(places)
capacity = np.full(streets.n_edges, 6.0)
narrow = quot.Graph(140, streets.edges, streets.lengths, capacity=capacity, positions=places)
source, target = np.zeros(140), np.zeros(140)
ends = rng.permutation(140)
source[ends[:12]], target[ends[12:32]] = 5.0, 3.0

fig, panels = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained")
for ax, mass in zip(panels, (60.0, 36.0), strict=True):
    r = quot.solve_graph(narrow, source, target, mass=mass)
    quot.plot.flow(r, ax)
    ax.set_title(f"{mass:g} of 60 bikes: {r.cost / mass:.3f} a bike, {r.plan.nnz} streets")
