"""What `quot.plot` draws of plans, paths and histories: pictures of "Pictures".

Run it from the root of the repository: ``python docs/figures/pictures.py``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import quot
from quot import plot

IMAGES = Path(__file__).resolve().parents[1] / "images"


def keep(ax: Any, name: str) -> None:
    """Write the figure that the axes are of."""
    path = IMAGES / f"plot-{name}.png"
    ax.figure.savefig(path, dpi=110, facecolor="white", metadata={"Software": None})


def on_a_line() -> quot.Problem:
    """Return 200 points on a line, in order, and others; 70 % of the mass moves."""
    rng = np.random.default_rng(0)
    x, y = np.sort(rng.normal(size=200)), np.sort(0.6 * rng.normal(size=200) + 1.0)
    return quot.Problem(quot.PointCost(x[:, None], y[:, None]), mass=0.7)


def in_the_plane(n: int, m: int) -> quot.PointCost:
    """Return points of two clouds that overlap."""
    rng = np.random.default_rng(1)
    return quot.PointCost(rng.normal(size=(n, 2)), 0.8 * rng.normal(size=(m, 2)) + (2.4, 0.4))


def main() -> None:
    """Draw all."""
    problem = on_a_line()
    figure = Figure(figsize=(10.4, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    quadratic = quot.solve(problem.cost, reg=5.0, mass=0.7)
    plot.plan(quadratic, left)
    plot.plan(quadratic, right, values=True)
    keep(left, "plan")
    keep(plot.lines(quot.solve(in_the_plane(90, 70), reg=3.0, mass=0.7)), "lines")
    path = quot.reg_path(problem, [0.0, *np.geomspace(0.01, 1e3, 16)])
    keep(plot.path(path)[0], "reg")
    cost = in_the_plane(3000, 3000)
    solved = {f"reg = {reg:g}": quot.solve(cost, reg=reg, mass=0.7) for reg in (1.0, 30.0, 900.0)}
    keep(plot.convergence(solved), "convergence")


if __name__ == "__main__":
    main()
