"""
Round an obstacle
=================

A picture whose values say how hard it is to pass makes a graph: white is easy, grey is slow,
black is a wall. At ``reg=0`` all mass takes the shortest ways from the left to the right, through
the corners of the gaps; a ``reg`` makes crowds dear, and mass spreads and takes both gaps as wide
as they are.
"""

import matplotlib.pyplot as plt
import numpy as np

import quot

land = np.ones((40, 60))
land[:, 28:32] = np.inf  # a wall
land[8:11, 28:32] = land[26:32, 28:32] = 1.0  # with two gaps
land[22:40, 34:48] = 4.0  # and a swamp behind one of them

graph = quot.graphs.from_image(land, diagonals=True)
source, target = np.zeros(land.shape), np.zeros(land.shape)
source[15:25, 2:5], target[15:25, 55:58] = 1.0 / 30.0, 1.0 / 30.0

fig, panels = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
for ax, reg in zip(panels, (0.0, 200.0), strict=True):
    r = quot.solve_graph(graph, source.ravel(), target.ravel(), reg=reg)
    through = np.zeros(graph.n_nodes)
    np.add.at(through, graph.edges.ravel(), np.repeat(np.abs(r.flow) / 2.0, 2))
    ax.imshow(np.where(np.isinf(land), 6.0, land), cmap="Greys", vmin=1.0, vmax=6.0)
    passed = through.reshape(land.shape)
    ax.imshow(np.ma.masked_less(passed, 1e-6), cmap="viridis_r", alpha=0.85)
    ax.set_title(f"reg {reg:g}: {r.plan.nnz} edges, cost {r.cost:.1f}")
    ax.axis("off")
