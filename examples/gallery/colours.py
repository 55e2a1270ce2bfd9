"""
A photograph in the colours of another
======================================

``quot.recolor`` makes a palette of each picture, finds a sparse plan between them that moves as
much as is cheap, and turns the plan into a map of all colours.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_sample_image

import quot

china, flower = load_sample_image("china.jpg")[::2, ::2], load_sample_image("flower.jpg")[::2, ::2]
outcome = quot.recolor(china, flower, random_state=0)
print(f"{outcome.result.plan.total:.0%} of the pixels move; {outcome.result.plan!r}")

fig, panels = plt.subplots(1, 3, figsize=(10, 2.6), layout="constrained")
for ax, picture, title in zip(
    panels, (china, flower, outcome.image), ("source", "reference", "recoloured"), strict=True
):
    ax.imshow(picture)
    ax.set_title(title)
    ax.axis("off")
