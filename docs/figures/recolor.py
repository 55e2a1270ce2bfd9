"""A pagoda in the colours of a dahlia, and back; and what options do: pictures of "Recolouring".

The photographs, china.jpg and flower.jpg, ship inside scikit-learn. Run it from the root of the
repository: ``python docs/figures/recolor.py``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from graphs import IMAGES
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from sklearn.datasets import load_sample_image

import quot

INK = "#1f1f24"


def draw_hero(path: Path, *names: str) -> None:
    """Both photographs, small, and the first in the colours of the second."""
    source, reference = (load_sample_image(name) for name in names)
    image = quot.recolor(source, reference).image
    height, width = image.shape[:2]
    gap, small = 12, (height - 12) // 2
    wide = small * width // height
    picture = np.full((height, wide + gap + width, 3), 255, np.uint8)
    for top, part in ((0, source), (height - small, reference)):
        shown = Image.fromarray(part).resize((wide, small), Image.Resampling.LANCZOS)
        picture[top : top + small, :wide] = shown
    picture[:, -width:] = image
    Image.fromarray(picture).save(path, quality=90)


def draw_choices(path: Path) -> None:
    """The same photograph with less mass, with the knee, and with all; and in other spaces."""
    china, flower = load_sample_image("china.jpg"), load_sample_image("flower.jpg")
    knee = quot.recolor(china, flower)
    panels = {
        "mass=0.5": quot.recolor(china, flower, mass=0.5),
        f"the knee, {knee.map.knee:.2f}": knee,
        "mass=1": quot.recolor(china, flower, mass=1.0),
        'space="rgb"': quot.recolor(china, flower, space="rgb"),
        'space="chromaticity"': quot.recolor(china, flower, space="chromaticity"),
        "colors=16": quot.recolor(china, flower, colors=16),
    }
    figure = Figure(figsize=(12.0, 6.0), facecolor="white")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(2, 3, left=0.0, right=1.0, top=0.95, bottom=0.0, wspace=0.02)
    for place, (name, outcome) in enumerate(panels.items()):
        axes = figure.add_subplot(grid[place // 3, place % 3])
        axes.imshow(outcome.image)
        axes.set_title(name, loc="left", fontsize=12, color=INK)
        axes.set_axis_off()
    figure.savefig(path, dpi=100, facecolor="white", pil_kwargs={"quality": 88})


if __name__ == "__main__":
    draw_hero(IMAGES / "recolor.jpg", "china.jpg", "flower.jpg")
    draw_hero(IMAGES / "recolor-back.jpg", "flower.jpg", "china.jpg")
    draw_choices(IMAGES / "recolor-choices.jpg")
