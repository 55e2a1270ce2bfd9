"""
Many small problems in one call
===============================

How far are 40 days from each other, each a histogram of 24 hours? That is 780 problems;
``quot.solve_batch`` solves them with all threads, each with its own certificate.
"""

import matplotlib.pyplot as plt
import numpy as np

import quot

rng = np.random.default_rng(0)
hours = np.arange(24)
peaks = np.repeat([8.0, 13.0, 19.0, 2.0], 10) + rng.normal(0.0, 0.7, 40)  # four kinds of days
around = np.abs((hours - peaks[:, None] + 12.0) % 24.0 - 12.0)
days = np.exp(-((around / 3.0) ** 2)) + 0.05 * rng.random((40, 24))
days /= days.sum(axis=1, keepdims=True)

C = np.abs(hours[:, None] - hours)
C = np.minimum(C, 24 - C).astype(float)  # hours on the clock
i, j = np.triu_indices(40, 1)
batch = quot.solve_batch(np.broadcast_to(C, (i.size, 24, 24)), days[i], days[j])
print(len(batch), "problems, all certified:", batch.converged)

apart = np.zeros((40, 40))
apart[i, j] = apart[j, i] = batch.values
fig, ax = plt.subplots(figsize=(5.4, 4.4), layout="constrained")
fig.colorbar(ax.imshow(apart, cmap="magma_r"), label="hours that the mass moves")
ax.set(xlabel="day", ylabel="day")
