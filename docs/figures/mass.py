"""How much mass should I move: docs/images/mass.png, for "How to choose".

Run it from the root of the repository: ``python docs/figures/mass.py``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import quot
from quot import plot

OUTPUT = Path(__file__).resolve().parents[1] / "images" / "mass.png"


def clouds() -> tuple[np.ndarray, np.ndarray]:
    """Return 300 points twice: four of five near their twin, the others anywhere."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    Y = X + 0.1 * rng.normal(size=(300, 2))
    Y[:60] = rng.uniform(-6.0, 6.0, size=(60, 2))
    return X, Y


if __name__ == "__main__":
    path = quot.mass_path(quot.Problem(quot.PointCost(*clouds())))
    axes = plot.path(path)
    axes[0].figure.savefig(OUTPUT, dpi=130, facecolor="white", metadata={"Software": None})
    found = f"{path!r}, knee at {path.knee():.4g}"
    print(found)
